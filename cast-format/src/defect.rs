//! Defects: what is wrong with a recording, and where. Reading goes on around them.

/// Something wrong with a recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {kind}")]
pub struct Defect {
    /// Line of the file, from 1.
    pub line: u64,
    /// What is wrong.
    pub kind: DefectKind,
}

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DefectKind {
    /// Nothing to read at all.
    #[error("the file is empty")]
    Empty,
    /// Nothing in it looks like a recording.
    #[error("not an asciicast v1, v2 or v3 recording: {0}")]
    NotARecording(String),
    /// A version that is not known.
    #[error("not an asciicast v1, v2 or v3 header")]
    HeaderVersion,
    /// The header is gone, but events follow.
    #[error("unreadable header, asciicast v2 with 80x24 assumed")]
    HeaderUnreadable,
    /// A known key with a value that makes no sense.
    #[error("the header's `{0}` makes no sense, left out")]
    HeaderKey(&'static str),
    /// A key with a value that no reader takes, like one nested hundreds of levels deep.
    #[error("the header's {0} cannot be read, left out")]
    HeaderKeyUnreadable(String),
    /// No size.
    #[error("the header does not say the terminal's size, 80x24 assumed where it is missing")]
    HeaderSize,
    /// A v1 key that stands behind the events.
    #[error("the header's `{0}` stands behind too many events to be read with the header, left out")]
    HeaderKeyLate(String),
    /// The last line is cut off.
    #[error("the last line is cut off, left out: {0}")]
    CutOff(String),
    /// No event.
    #[error("not an event, left out: {0}")]
    NotAnEvent(String),
    /// An event with a time that is none.
    #[error("the event's time is {0}, event left out")]
    BadTime(&'static str),
    /// An event whose code or data is no string, or that has too many parts.
    #[error("{0}, event left out")]
    BadShape(&'static str),
    /// A resize to something that is no size.
    #[error("no terminal size: {0}, event left out")]
    BadSize(String),
    /// An event earlier than the one before it.
    #[error("the event is {0} s earlier than the one before it, moved to its time")]
    EarlierThanPrevious(crate::time::Micros),
    /// Half of a surrogate pair.
    #[error("half of a surrogate pair, replaced by U+FFFD")]
    LoneSurrogate,
    /// Bytes that are no UTF-8.
    #[error("bytes that are not UTF-8, replaced by U+FFFD")]
    NotUtf8,
    /// A comment that does not begin in the first column.
    #[error("a comment must begin in the first column; kept as a comment")]
    IndentedComment,
    /// A line beyond all measure.
    #[error("the line is longer than {0} MiB, left out")]
    LineTooLong(usize),
}

impl DefectKind {
    /// Whether nothing at all can be read behind it.
    pub fn is_fatal(&self) -> bool {
        matches!(self, Self::Empty | Self::NotARecording(_) | Self::HeaderVersion)
    }
}

/// The beginning of a broken line, for a message: short, and without control characters.
pub(crate) fn excerpt(line: &str) -> String {
    const SHOWN: usize = 40;
    let mut shown: String = line.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    if line.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}
