//! Events: what happened when. Codes of the format are typed; all others pass through untouched.

use std::borrow::Cow;

use crate::text::Text;
use crate::time::Micros;

/// One line of a recording: a time, a code, a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Since the start of the recording, whatever the file's version says its times in.
    pub time: Micros,
    /// What kind of event this is.
    pub code: Code<'a>,
    /// The event's data.
    pub data: Text<'a>,
}

/// What an event is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Code<'a> {
    /// `o`: the terminal received this.
    Output,
    /// `i`: the keyboard sent this.
    Input,
    /// `m`: a marker; its label may be empty.
    Marker,
    /// `r`: the terminal's size became `COLSxROWS`.
    Resize,
    /// `x`: the session's exit status, in decimal.
    Exit,
    /// Any other code, of any length; casemate's own are in [`own`].
    Other(Cow<'a, str>),
}

/// casemate's own event codes. They never begin with `o i m r x`, because stock tools cut a
/// longer code to its first character.
pub mod own {
    /// Base64 of the exact bytes for which the `o`, `i` or `err` event just before stands: they were no UTF-8.
    pub const BYTES: &str = "bytes";
    /// A comment line of an asciicast v3 file, kept in a v2 file, which has none.
    pub const COMMENT: &str = "comment";
    /// Why the recording ended: `exit`, `hangup`, `signal NAME`, `stopped`, `rotated`, `excerpt`.
    pub const END: &str = "end";
    /// A program without a terminal wrote this to its standard error.
    pub const ERR: &str = "err";
    /// The program that the session is was started, as JSON: [`Exec`](crate::Exec).
    pub const EXEC: &str = "exec";
    /// What was lost here, as JSON.
    pub const GAP: &str = "gap";
    /// Something was typed of which nothing was echoed; it is not kept. No data.
    pub const HIDDEN: &str = "hidden";
    /// The recording continues in another file: JSON with its name.
    pub const PART: &str = "part";
    /// The recording was paused (`begin`) or goes on (`end`).
    pub const PAUSE: &str = "pause";
    /// Which process is in the foreground of the terminal, as JSON: [`ProcessFacts`](crate::ProcessFacts).
    pub const PROCESS: &str = "process";
    /// The facts of a session that was appended, as in the header's `casemate` key.
    pub const SESSION: &str = "session";
    /// How many bytes a program without a terminal was given and gave so far, as JSON: [`Traffic`](crate::Traffic).
    pub const TRAFFIC: &str = "traffic";
    /// All of them.
    pub const ALL: [&str; 12] =
        [BYTES, COMMENT, END, ERR, EXEC, GAP, HIDDEN, PART, PAUSE, PROCESS, SESSION, TRAFFIC];
}

impl<'a> Event<'a> {
    /// An event made of plain text.
    pub fn new(time: Micros, code: Code<'a>, data: &str) -> Self {
        Self { time, code, data: Text::new(data) }
    }

    /// One of casemate's own events; `code` is one of [`own`].
    pub fn own(time: Micros, code: &'static str, data: &str) -> Self {
        Self::new(time, Code::Other(Cow::Borrowed(code)), data)
    }

    /// The new size, of a resize event.
    pub fn size(&self) -> Option<Size> {
        if self.code == Code::Resize { Size::parse(&self.data.decode()) } else { None }
    }

    /// Cuts the tie to the buffer it was read from.
    pub fn into_owned(self) -> Event<'static> {
        Event { time: self.time, code: self.code.into_owned(), data: self.data.into_owned() }
    }
}

impl<'a> Code<'a> {
    /// The code as the file spells it.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Output => "o",
            Self::Input => "i",
            Self::Marker => "m",
            Self::Resize => "r",
            Self::Exit => "x",
            Self::Other(code) => code,
        }
    }

    /// Types a code.
    pub fn parse(code: Cow<'a, str>) -> Self {
        match &*code {
            "o" => Self::Output,
            "i" => Self::Input,
            "m" => Self::Marker,
            "r" => Self::Resize,
            "x" => Self::Exit,
            _ => Self::Other(code),
        }
    }

    fn into_owned(self) -> Code<'static> {
        match self {
            Self::Output => Code::Output,
            Self::Input => Code::Input,
            Self::Marker => Code::Marker,
            Self::Resize => Code::Resize,
            Self::Exit => Code::Exit,
            Self::Other(code) => Code::Other(Cow::Owned(code.into_owned())),
        }
    }
}

/// A terminal's size in character cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub cols: u32,
    /// Rows.
    pub rows: u32,
}

impl Size {
    /// Columns and rows as terminals count them; no terminal is larger.
    pub fn cells(self) -> (u16, u16) {
        let cells = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
        (cells(self.cols), cells(self.rows))
    }

    /// Reads `COLSxROWS`.
    pub fn parse(text: &str) -> Option<Self> {
        let (cols, rows) = text.split_once('x')?;
        let number = |digits: &str| {
            digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
        };
        Some(Self { cols: number(cols)?, rows: number(rows)? })
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.cols, self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::{Size, own};

    #[test]
    fn own_codes_survive_tools_that_keep_only_the_first_character() {
        for code in own::ALL {
            assert!(!code.starts_with(['o', 'i', 'm', 'r', 'x']), "{code}");
        }
    }

    #[test]
    fn sizes_are_two_plain_numbers() {
        assert_eq!(Size::parse("80x24"), Some(Size { cols: 80, rows: 24 }));
        for text in ["-1x0", "80x", "x24", "80", "80x24x1", "+8x2", " 80x24", "99999999999x1"] {
            assert_eq!(Size::parse(text), None, "{text}");
        }
    }
}
