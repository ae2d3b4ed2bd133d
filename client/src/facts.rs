//! What a recording's file says of itself: whose session it is, when it began, in which form it is.

use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::Path;
use std::time::UNIX_EPOCH;

use casemate_audit_log::Time;
use casemate_cast_format::segment::{Unpacked, Unpacker, UnpackerConfig};
use casemate_cast_format::{Decoder, Header, Item, SessionFacts, Version, is_zstd};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// The header stands in so much of a file, or nowhere.
const BEGINNING: u64 = 4 << 20;

/// Read at once.
const CHUNK: usize = 64 << 10;

/// The forms in which a server takes recordings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordingForm {
    /// asciicast, as text.
    Cast,
    /// asciicast in segments.
    Segments,
}

impl RecordingForm {
    /// What it is called in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::Segments => "cast.zst",
        }
    }
}

/// What a file says of itself.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The id of its session; where it has none, one that follows from its bytes.
    pub id: Uuid,
    /// Its form.
    pub form: RecordingForm,
    /// When it began; where it does not say so, when the file was written.
    pub start: Time,
    /// What its recorder knew, if it was one of ours.
    pub session: Option<SessionFacts>,
    /// Its title.
    pub title: Option<String>,
}

/// A file that cannot be uploaded as it is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoFacts {
    /// It cannot be read.
    #[error("cannot read `{path}`: {source}")]
    File {
        /// Which.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is none.
    #[error("`{0}` is no recording")]
    NoRecording(String),
    /// A server does not take asciicast v1.
    #[error("`{0}` is an asciicast of version 1")]
    Old(String),
    /// It is one of several files of one session.
    #[error("`{path}` is part {part} of a session in several files")]
    Part {
        /// Which file.
        path: String,
        /// Which part.
        part: u32,
    },
}

impl NoFacts {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Part { .. } => Some("join them first: casemate cat PARTS -o WHOLE.cast.zst"),
            Self::Old(_) => Some("take it in with: casemate import FILE"),
            Self::NoRecording(_) => {
                Some("recordings are NAME.cast or NAME.cast.zst; others: casemate import FILE")
            }
            Self::File { .. } => None,
        }
    }
}

impl Facts {
    /// Reads them from a file.
    ///
    /// # Errors
    /// It is none that can be uploaded.
    pub fn of(path: &Path) -> Result<Self, NoFacts> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::read(file, name),
            Err(source) => Err(NoFacts::File { path: name, source }),
        }
    }

    /// Reads them from a file that is open, and of which nothing was read; `name` is what it is called.
    ///
    /// # Errors
    /// It is none that can be uploaded.
    pub fn read(mut file: File, name: String) -> Result<Self, NoFacts> {
        let cannot = |source| NoFacts::File { path: name.clone(), source };
        let Some((form, header)) = head(&mut file).map_err(cannot)? else {
            return Err(NoFacts::NoRecording(name));
        };
        if header.version == Version::V1 {
            return Err(NoFacts::Old(name));
        }
        let session = header.facts();
        if let Some(part) = session.as_ref().map(|facts| facts.part).filter(|part| *part > 1) {
            return Err(NoFacts::Part { path: name, part });
        }
        let start = match header.start_us() {
            Some(start) => Time(start),
            None => written(&file).map_err(cannot)?,
        };
        let id =
            session.as_ref().and_then(|facts| Uuid::parse_str(&facts.session).ok()).filter(|id| !id.is_nil());
        let id = match id {
            Some(id) => id,
            None => id_of(start, &digest(&mut file).map_err(cannot)?),
        };
        Ok(Self { id, form, start, session, title: header.title })
    }
}

/// An id that always follows from the same, and is sorted by the time.
#[must_use]
pub fn id_of(time: Time, digest: &[u8; 32]) -> Uuid {
    let millis = u64::try_from(time.0 / 1000).unwrap_or(0) & ((1 << 48) - 1);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
    bytes[6] = bytes[6] & 0x0f | 0x70;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Uuid::from_bytes(bytes)
}

fn digest(file: &mut File) -> io::Result<[u8; 32]> {
    file.rewind()?;
    let mut digest = Sha256::new();
    let mut buffer = vec![0; CHUNK];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(digest.finalize().into()),
            count => digest.update(&buffer[..count]),
        }
    }
}

fn written(file: &File) -> io::Result<Time> {
    let since = file.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Time(i64::try_from(since.as_micros()).unwrap_or(0)))
}

fn head(file: &mut File) -> io::Result<Option<(RecordingForm, Header)>> {
    let mut decoder = Decoder::new();
    let mut unpacker: Option<Unpacker> = None;
    let mut buffer = vec![0; CHUNK];
    let mut read = 0;
    while read < BEGINNING {
        let count = file.read(&mut buffer)?;
        let bytes = &buffer[..count];
        if read == 0 && is_zstd(bytes) {
            unpacker = Some(Unpacker::new(UnpackerConfig::default())?);
        }
        read += count as u64;
        match &mut unpacker {
            Some(unpacker) => unpacker.feed(bytes, &mut |unpacked| {
                if let Unpacked::Text(text) = unpacked {
                    decoder.feed(text);
                }
            }),
            None => decoder.feed(bytes),
        }
        if count == 0 {
            decoder.finish();
        }
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => {
                    let form = if unpacker.is_some() { RecordingForm::Segments } else { RecordingForm::Cast };
                    return Ok(Some((form, (*header).clone())));
                }
                Item::Defect(defect) if defect.kind.is_fatal() => return Ok(None),
                Item::Defect(_) | Item::Event(_) | Item::Comment(_) => {}
            }
        }
        if count == 0 {
            break;
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FACTS: &str = r#""casemate":{"session":"0196a1b2-c3d4-7e5f-8a9b-000000000001","user":"alice@org.com","target":"web-1","target_user":"root","start_us":1795331008123456}"#;

    fn facts(text: &str) -> Result<Facts, NoFacts> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast");
        std::fs::write(&path, text).unwrap();
        Facts::of(&path)
    }

    #[test]
    fn what_was_recorded_by_us_says_all() {
        let found =
            facts(&format!("{{\"version\":2,\"width\":80,\"height\":24,{FACTS}}}\n[0.5,\"o\",\"x\"]\n"))
                .unwrap();
        assert_eq!(found.id.to_string(), "0196a1b2-c3d4-7e5f-8a9b-000000000001");
        assert_eq!((found.form, found.start), (RecordingForm::Cast, Time(1_795_331_008_123_456)));
        assert_eq!(found.session.unwrap().user, "alice@org.com");
    }

    #[test]
    fn what_others_recorded_has_the_same_id_each_time() {
        let text = "{\"version\":2,\"width\":80,\"height\":24,\"timestamp\":1795331008}\n[0.5,\"o\",\"x\"]\n";
        let (one, other) = (facts(text).unwrap(), facts(text).unwrap());
        assert_eq!((one.id, one.start), (other.id, Time(1_795_331_008_000_000)));
        assert_eq!(one.id.get_version_num(), 7);
        assert_ne!(one.id, facts(&format!("{text}[0.6,\"o\",\"x\"]\n")).unwrap().id);
        assert!(facts("{\"version\":3,\"term\":{\"cols\":80,\"rows\":24}}\n").is_ok());
    }

    #[test]
    fn what_cannot_be_uploaded_says_why() {
        for text in ["", "text\n", "{}", "\u{0}\u{0}", "[1,2]"] {
            assert!(matches!(facts(text), Err(NoFacts::NoRecording(_))), "{text}");
        }
        let part = FACTS.replace("\"start_us\"", "\"part\":2,\"start_us\"");
        let text = format!("{{\"version\":2,\"width\":80,\"height\":24,{part}}}\n");
        assert!(matches!(facts(&text), Err(NoFacts::Part { part: 2, .. })));
        let old = "{\"version\":1,\"width\":80,\"height\":24,\"duration\":1.0,\"stdout\":[[0.1,\"x\"]]}";
        assert!(matches!(facts(old), Err(NoFacts::Old(_))));
        assert!(matches!(Facts::of(Path::new("/gone")), Err(NoFacts::File { .. })));
    }

    #[test]
    fn ids_are_sorted_by_time() {
        let ids = [0, 1_000_000, 1_795_331_008_000_000, i64::MAX].map(|time| id_of(Time(time), &[0xff; 32]));
        assert!(ids.is_sorted(), "{ids:?}");
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
    }
}
