//! What tlog has written: messages in JSON, one a line, as such or within entries of the system's journal. Pure.
//!
//! A file may hold several recordings, one through the other. Their messages are taken in the order of their numbers.

use std::collections::BTreeMap;

use casemate_audit_log::Time;
use casemate_cast_format::{Micros, Size};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::session::{Session, What};
use crate::sending::Named;

/// A message, see tlog's `log_format.md`.
#[derive(Debug, Deserialize)]
struct Message {
    #[serde(default)]
    host: String,
    #[serde(default)]
    rec: Value,
    #[serde(default)]
    user: String,
    #[serde(default)]
    term: Option<String>,
    #[serde(default)]
    session: Value,
    id: u64,
    pos: u64,
    /// Seconds since 1970, where it is said.
    #[serde(default)]
    time: Option<f64>,
    timing: String,
    #[serde(default)]
    in_txt: String,
    #[serde(default)]
    in_bin: Vec<u8>,
    #[serde(default)]
    out_txt: String,
    #[serde(default)]
    out_bin: Vec<u8>,
}

/// Whether a line is one of tlog's.
pub(super) fn is_line(line: &str) -> bool {
    message(line).is_some()
}

/// The message in a line, and since when, where the journal says it.
fn message(line: &str) -> Option<Message> {
    if let Ok(message) = serde_json::from_str(line) {
        return Some(message);
    }
    let entry: Value = serde_json::from_str(line).ok()?;
    let text = match entry.get("MESSAGE")? {
        Value::String(text) => text.clone(),
        // The journal writes what is long, or no text, as bytes.
        Value::Array(bytes) => {
            let bytes = bytes.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
            String::from_utf8(bytes.collect::<Option<_>>()?).ok()?
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let mut message: Message = serde_json::from_str(&text).ok()?;
    let micros =
        entry.get("__REALTIME_TIMESTAMP").and_then(Value::as_str).and_then(|time| time.parse::<u64>().ok());
    #[expect(clippy::cast_precision_loss, reason = "a millionth of a second is exact enough until 2255")]
    let seconds = micros.map(|micros| micros as f64 / 1e6);
    message.time = message.time.or(seconds);
    Some(message)
}

/// The sessions in a file, and what is wrong with it. `written` is when the file was, for messages that have no time.
pub(super) fn sessions(text: &str, written: Time) -> (Vec<Session>, Vec<String>) {
    let mut found: BTreeMap<(String, String), Vec<Message>> = BTreeMap::new();
    let mut defects = Vec::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match message(line) {
            Some(message) => {
                let recording = if message.rec.is_null() { &message.session } else { &message.rec };
                found.entry((message.host.clone(), recording.to_string())).or_default().push(message);
            }
            None => defects.push(format!("line {}: it is no message of tlog", at + 1)),
        }
    }
    let sessions = found.into_iter().map(|((host, recording), mut messages)| {
        messages.sort_by_key(|message| message.id);
        messages.dedup_by_key(|message| message.id);
        for two in messages.windows(2).filter(|two| two[1].id != two[0].id + 1) {
            defects.push(format!(
                "recording {recording}: messages {} to {} are missing",
                two[0].id + 1,
                two[1].id - 1
            ));
        }
        session(&host, &recording, &messages, written, &mut defects)
    });
    (sessions.collect(), defects)
}

fn session(
    host: &str,
    recording: &str,
    messages: &[Message],
    written: Time,
    defects: &mut Vec<String>,
) -> Session {
    let first = messages.first();
    let start =
        first.and_then(|first| Some(Time(micros(first.time?) - i64::try_from(first.pos).ok()? * 1000)));
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let user = first.and_then(|first| some(&first.user));
    let digest =
        Sha256::new().chain_update("tlog\0").chain_update(host).chain_update([0]).chain_update(recording);
    let mut session = Session {
        tool: "tlog",
        digest: digest.finalize().into(),
        start: start.unwrap_or(written),
        size: Size { cols: 80, rows: 24 },
        term: first.and_then(|first| first.term.clone()),
        command: None,
        named: Named { user: user.clone(), target: some(host), target_user: user },
        events: Vec::new(),
    };
    let mut sized = false;
    for message in messages {
        if events(message, &mut session.events).is_none() {
            defects.push(format!(
                "recording {recording}: message {} does not hold what its timing says",
                message.id
            ));
        }
        if let (false, Some((_, What::Resize(size)))) = (sized, session.events.first()) {
            (session.size, sized) = (*size, true);
            session.events.remove(0);
        }
    }
    session
}

#[expect(clippy::cast_possible_truncation, reason = "as a number, it is no time beyond what can be")]
fn micros(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// One of both streams of a message, while it is taken apart.
struct Stream<'m> {
    text: std::str::Chars<'m>,
    bytes: &'m [u8],
}

impl<'m> Stream<'m> {
    fn text(&mut self, count: usize) -> Option<Vec<u8>> {
        let before = self.text.as_str();
        for _ in 0..count {
            self.text.next()?;
        }
        Some(before.as_bytes()[..before.len() - self.text.as_str().len()].to_vec())
    }

    fn bytes(&mut self, replaced: usize, count: usize) -> Option<Vec<u8>> {
        for _ in 0..replaced {
            self.text.next()?;
        }
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken.to_vec())
    }
}

/// The events of a message, as far as it holds what its timing says.
fn events(message: &Message, events: &mut Vec<(Micros, What)>) -> Option<()> {
    let mut input = Stream { text: message.in_txt.chars(), bytes: &message.in_bin };
    let mut output = Stream { text: message.out_txt.chars(), bytes: &message.out_bin };
    let mut millis = message.pos;
    let mut rest = message.timing.as_str();
    while let Some(kind) = rest.chars().next() {
        rest = &rest[kind.len_utf8()..];
        let first = number(&mut rest)?;
        let count = usize::try_from(first).ok()?;
        let mut second = |mark: char| {
            rest = rest.strip_prefix(mark)?;
            number(&mut rest)
        };
        let what = match kind {
            '+' => {
                millis = millis.checked_add(first)?;
                continue;
            }
            '<' => What::Input(input.text(count)?),
            '>' => What::Output(output.text(count)?),
            '[' => What::Input(input.bytes(count, usize::try_from(second('/')?).ok()?)?),
            ']' => What::Output(output.bytes(count, usize::try_from(second('/')?).ok()?)?),
            '=' => {
                let rows = second('x')?;
                What::Resize(Size { cols: u32::try_from(first).ok()?, rows: u32::try_from(rows).ok()? })
            }
            _ => return None,
        };
        events.push((Micros(millis.checked_mul(1000)?), what));
    }
    Some(())
}

fn number(rest: &mut &str) -> Option<u64> {
    let end = rest.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..end].parse().ok()?;
    *rest = &rest[end..];
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FIRST: &str = r#"{"ver":"2.3","host":"web-1","rec":"r1","user":"johndoe","term":"xterm","session":324,"id":1,"pos":0,"time":1700000000.5,"timing":"=100x30>3+250]1/2","in_txt":"","in_bin":[],"out_txt":"$ é\ufffd","out_bin":[255,254]}"#;
    const SECOND: &str = r#"{"ver":"2.3","host":"web-1","rec":"r1","user":"johndoe","term":"xterm","session":324,"id":2,"pos":1000,"time":1700000001.5,"timing":"<3+10>4=80x24","in_txt":"ls\r","in_bin":[],"out_txt":"ls\r\n","out_bin":[]}"#;

    #[test]
    fn messages_become_a_session() {
        let (sessions, defects) = sessions(&format!("{SECOND}\n{FIRST}\n"), Time(0));
        assert_eq!(defects, [""; 0]);
        let [session] = &sessions[..] else { panic!("{sessions:?}") };
        assert_eq!(
            (session.start, session.size),
            (Time(1_700_000_000_500_000), Size { cols: 100, rows: 30 })
        );
        assert_eq!(session.named.target.as_deref(), Some("web-1"));
        assert_eq!(
            session.events,
            [
                (Micros(0), What::Output("$ é".into())),
                (Micros(250_000), What::Output(vec![255, 254])),
                (Micros(1_000_000), What::Input(b"ls\r".to_vec())),
                (Micros(1_010_000), What::Output(b"ls\r\n".to_vec())),
                (Micros(1_010_000), What::Resize(Size { cols: 80, rows: 24 })),
            ]
        );
    }

    #[test]
    fn the_journal_wraps_them() {
        let entry = serde_json::json!({ "__REALTIME_TIMESTAMP": "1700000000000000", "TLOG_REC": "r1", "MESSAGE": FIRST.replace(",\"time\":1700000000.5", "") });
        assert!(is_line(&entry.to_string()));
        let (sessions, _) = sessions(&entry.to_string(), Time(0));
        assert_eq!(sessions[0].start, Time(1_700_000_000_000_000));
        let bytes = serde_json::json!({ "MESSAGE": FIRST.as_bytes() });
        assert!(is_line(&bytes.to_string()));
        assert!(
            !is_line("{\"version\":2,\"width\":80,\"height\":24}") && !is_line("{\"MESSAGE\":\"hello\"}")
        );
    }

    #[test]
    fn what_is_missing_is_said() {
        let later = SECOND.replace("\"id\":2", "\"id\":5");
        let (_, defects) = sessions(&format!("{FIRST}\nnone\n{later}"), Time(0));
        assert_eq!(
            defects,
            ["line 2: it is no message of tlog", "recording \"r1\": messages 2 to 4 are missing"]
        );
        let wrong = FIRST.replace(">3+250", ">99+250");
        assert_eq!(
            sessions(&wrong, Time(0)).1,
            ["recording \"r1\": message 1 does not hold what its timing says"]
        );
    }

    proptest! {
        #[test]
        fn anything_may_be_its_timing(timing in "[-+<>=x/0-9\\[\\]é]{0,20}", pos in any::<u64>()) {
            let line = serde_json::json!({"id": 1, "pos": pos, "timing": timing, "out_txt": "aé", "in_txt": "b", "out_bin": [1]});
            let (sessions, _) = sessions(&line.to_string(), Time(0));
            prop_assert_eq!(sessions.len(), 1);
        }
    }
}
