//! Writes a recording as asciicast v2 or v3.

use std::io::Write as _;

use crate::escape::escape_into;
use crate::event::{Code, Event, own};
use crate::header::{Header, Version};
use crate::text::Text;
use crate::time::{DECIMAL_CAPACITY, Micros};

/// Writes events as the lines of a v2 or v3 file.
///
/// Times keep their microseconds in both versions, so that conversions do not wear them down.
#[derive(Clone, Debug)]
pub struct Encoder {
    version: Version,
    previous: Micros,
}

impl Encoder {
    /// An encoder for a file from its first byte. v1 is not written: it gives v2.
    pub fn new(version: Version) -> Self {
        Self::resume(version, Micros(0))
    }

    /// An encoder that goes on behind an event at `previous`.
    pub fn resume(version: Version, previous: Micros) -> Self {
        let version = if version == Version::V3 { version } else { Version::V2 };
        Self { version, previous }
    }

    /// What it writes.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Time of the last event written.
    pub fn now(&self) -> Micros {
        self.previous
    }

    /// Appends the header line.
    pub fn header(&mut self, header: &Header, out: &mut Vec<u8>) {
        serde_json::to_writer(&mut *out, &header.to_json(self.version)).expect("JSON into memory");
        out.push(b'\n');
    }

    /// Appends an event line. An event earlier than the one before it gets that one's time.
    pub fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        if self.version == Version::V3 && matches!(&event.code, Code::Other(code) if code == own::COMMENT) {
            return self.comment(&event.data.decode(), out);
        }
        self.begin_line(event.time, out);
        match &event.code {
            Code::Other(code) => {
                out.extend_from_slice(b", ");
                out.extend_from_slice(Text::new(code).as_json().as_bytes());
                out.extend_from_slice(b", ");
            }
            code @ (Code::Output | Code::Input | Code::Marker | Code::Resize | Code::Exit) => {
                write!(out, ", \"{}\", ", code.as_str()).expect("a vector takes everything");
            }
        }
        out.extend_from_slice(event.data.as_json().as_bytes());
        out.extend_from_slice(b"]\n");
    }

    /// Appends the line of an output event, as [`Self::event`] would, without making an event first:
    /// nearly all that is ever recorded is output.
    pub fn output(&mut self, time: Micros, text: &str, out: &mut Vec<u8>) {
        self.begin_line(time, out);
        out.extend_from_slice(b", \"o\", \"");
        escape_into(text, out);
        out.extend_from_slice(b"\"]\n");
    }

    /// Appends the beginning of an event line, up to its time.
    fn begin_line(&mut self, time: Micros, out: &mut Vec<u8>) {
        let time = time.max(self.previous);
        let shown = match self.version {
            Version::V3 => Micros(time.0 - self.previous.0),
            Version::V1 | Version::V2 => time,
        };
        self.previous = time;
        let mut digits = [0; DECIMAL_CAPACITY];
        out.push(b'[');
        out.extend_from_slice(shown.write_decimal(&mut digits).as_bytes());
    }

    /// Appends a comment line; in v2, which has none, an event that keeps it.
    pub fn comment(&mut self, comment: &str, out: &mut Vec<u8>) {
        if self.version == Version::V3 && comment.starts_with('#') && !comment.contains(['\n', '\r']) {
            out.extend_from_slice(comment.as_bytes());
            out.push(b'\n');
        } else {
            // Written by hand, because `event` turns comments into lines where it can.
            let time = if self.version == Version::V3 { Micros(0) } else { self.previous };
            writeln!(out, "[{time}, \"{}\", {}]", own::COMMENT, Text::new(comment).as_json())
                .expect("a vector takes everything");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Encoder;
    use crate::event::{Code, Event};
    use crate::header::Version;
    use crate::time::Micros;

    #[test]
    fn output_is_the_event_that_it_stands_for() {
        for version in [Version::V2, Version::V3] {
            let (mut short, mut long) = (Encoder::new(version), Encoder::new(version));
            let (mut shorts, mut longs) = (Vec::new(), Vec::new());
            for (time, text) in [(5, "a"), (1_500_000, "\x1b[1m\"é\"\r\n"), (7, "earlier"), (1_500_000, "")]
            {
                short.output(Micros(time), text, &mut shorts);
                long.event(&Event::new(Micros(time), Code::Output, text), &mut longs);
            }
            assert_eq!(String::from_utf8(shorts), String::from_utf8(longs));
            assert_eq!(short.now(), long.now());
        }
    }
}
