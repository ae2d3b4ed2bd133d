//! Recordings to test with: those of `fixtures`, and sessions made here.

use std::fs;
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::{Packer, PackerConfig, Unpacked, Unpacker, UnpackerConfig};
use casemate_cast_format::{Code, Encoder, Event, Header, Micros, SessionFacts, Size, Version};

/// Of the files in `fixtures` those with such a name.
pub(super) fn fixtures(is_wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures");
    let mut files: Vec<PathBuf> = [folder.clone(), folder.join("commands")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .collect();
    files.sort();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    let wanted = files.iter().filter(|path| path.is_file() && is_wanted(&name(path)));
    let found: Vec<_> = wanted.map(|path| (name(path), fs::read(path).unwrap())).collect();
    assert!(!found.is_empty());
    found
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    fixtures(|other| other == name).remove(0).1
}

/// The text of a recording in segments.
pub(super) fn text(recording: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut unpacker = Unpacker::new(UnpackerConfig::default()).unwrap();
    let mut sink = |unpacked: Unpacked<'_>| {
        if let Unpacked::Text(piece) = unpacked {
            text.extend_from_slice(piece);
        }
    };
    unpacker.feed(recording, &mut sink);
    unpacker.finish(&mut sink);
    text
}

/// A session being made.
pub(super) struct Made {
    encoder: Encoder,
    now: Micros,
    /// Its lines, and when each is; the header has no time.
    pub(super) lines: Vec<(Option<Micros>, Vec<u8>)>,
}

pub(super) const START: u64 = 1_795_331_008_000_000;

pub(super) fn facts(session: &str) -> SessionFacts {
    let facts = format!(
        r#"{{"session":"{session}","user":"alice","target":"web-1","target_user":"alice","start_us":{START}}}"#
    );
    serde_json::from_str(&facts).unwrap()
}

impl Made {
    pub(super) fn new(version: Version, facts: Option<&SessionFacts>) -> Self {
        let mut header = Header::new(Size { cols: 80, rows: 24 });
        if let Some(facts) = facts {
            header.set_facts(facts);
        }
        let (mut encoder, mut line) = (Encoder::new(version), Vec::new());
        encoder.header(&header, &mut line);
        Self { encoder, now: Micros(0), lines: vec![(None, line)] }
    }

    pub(super) fn event(&mut self, after_ms: u64, code: Code<'_>, data: &str) -> &mut Self {
        self.now = self.now.plus(Micros(after_ms * 1000));
        let mut line = Vec::new();
        self.encoder.event(&Event::new(self.now, code, data), &mut line);
        self.lines.push((Some(self.now), line));
        self
    }

    pub(super) fn own(&mut self, after_ms: u64, code: &'static str, data: &str) -> &mut Self {
        self.event(after_ms, Code::Other(code.into()), data)
    }

    pub(super) fn out(&mut self, after_ms: u64, output: &str) -> &mut Self {
        self.event(after_ms, Code::Output, output)
    }

    pub(super) fn prompt(&mut self) -> &mut Self {
        self.out(10, "alice@web-1:~$ ")
    }

    /// Types a line, key by key, and prints what comes of it.
    pub(super) fn line(&mut self, line: &str, output: &str) -> &mut Self {
        for key in line.chars() {
            self.out(150, &key.to_string());
        }
        self.out(200, "\r\n");
        if !output.is_empty() {
            self.out(300, output);
        }
        self
    }

    pub(super) fn cast(&self) -> Vec<u8> {
        self.lines.iter().flat_map(|(_, line)| line.clone()).collect()
    }

    /// In segments, flushed at each line, with a seal where `seals` says.
    pub(super) fn zst(&self, config: PackerConfig, seals: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut packer = Packer::new(PackerConfig { live: true, ..config }).unwrap();
        for (index, (time, line)) in self.lines.iter().enumerate() {
            match time {
                Some(time) => packer.write_event(line, *time).unwrap(),
                None => packer.write_header(line).unwrap(),
            }
            packer.flush().unwrap();
            if seals(index) {
                packer.seal(None).unwrap();
            }
        }
        packer.finish(None).unwrap();
        packer.output().to_vec()
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.cast()))
    }
}
