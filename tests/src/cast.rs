//! A recording read back without any code of the product: `serde_json` for the lines, the real `zstd` for
//! the segments, times as decimal text.

use std::fs;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;

/// One event, its time counted from the start of the recording in every version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Microseconds since the start.
    pub time: u64,
    /// `o`, `i`, `m`, `r`, `x`, or a longer code.
    pub code: String,
    /// The data.
    pub data: String,
}

/// A recording.
#[derive(Clone, Debug)]
pub struct Cast {
    /// The first line.
    pub header: Value,
    /// The events, in the order of the file.
    pub events: Vec<Event>,
    /// The text of the recording as it was read.
    pub text: String,
}

impl Cast {
    /// Reads a finished recording, `.cast` or `.cast.zst`: every line whole, times never going back.
    #[track_caller]
    #[must_use]
    pub fn read(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        Self::parse(&text_of(path, false), &path.display().to_string())
    }

    /// Reads what is there of a recording that is still open, or was torn: complete lines only.
    ///
    /// Nothing if not even the header is there.
    #[track_caller]
    #[must_use]
    pub fn read_open(path: impl AsRef<Path>) -> Option<Self> {
        let path = path.as_ref();
        if !path.exists() {
            return None;
        }
        let mut text = text_of(path, true);
        text.truncate(text.iter().rposition(|byte| *byte == b'\n')? + 1);
        Some(Self::parse(&text, &path.display().to_string()))
    }

    /// Parses the text of a recording; `name` is for messages.
    #[track_caller]
    #[must_use]
    pub fn parse(text: &[u8], name: &str) -> Self {
        let text = std::str::from_utf8(text).unwrap_or_else(|err| panic!("{name} is not UTF-8: {err}"));
        assert!(text.ends_with('\n'), "{name}: the last line is not whole: {:?}", tail(text));
        let mut lines = text.lines().enumerate();
        let (_, first) = lines.next().unwrap_or_else(|| panic!("{name} is empty"));
        let header: Value =
            serde_json::from_str(first).unwrap_or_else(|err| panic!("{name}:1: {err}: {first}"));
        let version = header["version"].as_u64();
        assert!(matches!(version, Some(2 | 3)), "{name}: version {version:?}");
        let mut now = 0;
        let mut events = Vec::new();
        for (index, line) in lines {
            let number = index + 1;
            if line.is_empty() || (version == Some(3) && line.starts_with('#')) {
                continue;
            }
            let (time, code, data): (Box<RawValue>, String, String) = serde_json::from_str(line)
                .unwrap_or_else(|err| panic!("{name}:{number}: {err}: {}", tail(line)));
            let time = microseconds(time.get()).unwrap_or_else(|| panic!("{name}:{number}: time {time}"));
            if version == Some(2) {
                assert!(time >= now, "{name}:{number}: time goes back from {now} to {time}");
                now = time;
            } else {
                now += time;
            }
            events.push(Event { time: now, code, data });
        }
        Self { header, events, text: text.to_owned() }
    }

    /// The events with a code.
    #[must_use]
    pub fn of(&self, code: &str) -> Vec<&Event> {
        self.events.iter().filter(|event| event.code == code).collect()
    }

    /// The data of the events with a code.
    #[must_use]
    pub fn data(&self, code: &str) -> Vec<&str> {
        self.of(code).into_iter().map(|event| event.data.as_str()).collect()
    }

    /// The output as text.
    #[must_use]
    pub fn output(&self) -> String {
        self.data("o").concat()
    }

    /// The input as text.
    #[must_use]
    pub fn input(&self) -> String {
        self.data("i").concat()
    }

    /// The output byte for byte.
    #[track_caller]
    #[must_use]
    pub fn exact_output(&self) -> Vec<u8> {
        self.exact("o")
    }

    /// What the events of a code hold, byte for byte: a `bytes` event stands for the event just before it.
    #[track_caller]
    #[must_use]
    pub fn exact(&self, code: &str) -> Vec<u8> {
        let mut found = Vec::new();
        let mut last = None;
        for event in &self.events {
            let start = found.len();
            match (event.code.as_str(), last.take()) {
                ("bytes", Some((of @ ("o" | "i" | "err"), start))) => {
                    if of == code {
                        found.truncate(start);
                        found.extend(STANDARD.decode(&event.data).expect("`bytes` holds base64"));
                    }
                }
                ("bytes", _) => panic!("a `bytes` event follows one with bytes"),
                (other, _) => {
                    if other == code {
                        found.extend_from_slice(event.data.as_bytes());
                    }
                    last = Some((other, start));
                }
            }
        }
        found
    }

    /// The session's id.
    #[track_caller]
    #[must_use]
    pub fn session(&self) -> &str {
        self.header["casemate"]["session"].as_str().expect("the header names the session")
    }

    /// Asserts how the recording ended: the status (if the child had one), then the reason.
    #[track_caller]
    pub fn assert_end(&self, status: Option<&str>, reason: &str) {
        let last = self.events.last().expect("a recording has events");
        assert_eq!((last.code.as_str(), last.data.as_str()), ("end", reason), "the last event");
        if let Some(status) = status {
            let before = &self.events[self.events.len() - 2];
            assert_eq!(
                (before.code.as_str(), before.data.as_str()),
                ("x", status),
                "the event before the end"
            );
        }
    }
}

fn tail(text: &str) -> String {
    let start = text.len().saturating_sub(200);
    String::from_utf8_lossy(&text.as_bytes()[start..]).into_owned()
}

/// The asciicast text of a file, through the real `zstd` if it is compressed.
fn text_of(path: &Path, torn: bool) -> Vec<u8> {
    if path.extension().is_none_or(|extension| extension != "zst") {
        return fs::read(path).unwrap_or_else(|err| panic!("{}: {err}", path.display()));
    }
    let output = Command::new("zstd").arg("-dcq").arg(path).output().expect("run zstd");
    assert!(
        torn || output.status.success(),
        "zstd -dc {}: {}",
        path.display(),
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Decimal seconds as microseconds, without floats; more than six decimals are an error of ours.
fn microseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.len() > 6 {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    Some(whole * 1_000_000 + format!("{fraction:0<6}").parse::<u64>().ok()?)
}
