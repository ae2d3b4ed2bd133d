//! A cell of the screen.

use crate::attrs::Attrs;

/// Chosen to make a cell 32 bytes.
const CONTENT_BYTES: usize = 22;

/// All ASCII characters, each at its own place.
const ASCII: &str = {
    const BYTES: [u8; 128] = {
        let mut bytes = [0; 128];
        let mut byte = 0;
        while byte < 128 {
            bytes[byte as usize] = byte;
            byte += 1;
        }
        bytes
    };
    match std::str::from_utf8(&BYTES) {
        Ok(text) => text,
        Err(_) => panic!("ASCII is UTF-8"),
    }
};

const IS_WIDE: u8 = 0b1000_0000;
const IS_WIDE_CONTINUATION: u8 = 0b0100_0000;
const LEN_BITS: u8 = 0b0001_1111;

/// A single terminal cell.
#[derive(Clone, Debug, Eq)]
pub struct Cell {
    // Invariant: the first `len() <= CONTENT_BYTES` bytes are valid UTF-8.
    contents: [u8; CONTENT_BYTES],
    len: u8,
    attrs: Attrs,
}
const _: () = assert!(size_of::<Cell>() == 32);

impl PartialEq<Self> for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.len == other.len
            && self.attrs == other.attrs
            && self.contents[..self.len()] == other.contents[..self.len()]
    }
}

impl Cell {
    /// A cell without text, drawn with `attrs`.
    pub(crate) const fn blank(attrs: Attrs) -> Self {
        Self { contents: [0; CONTENT_BYTES], len: 0, attrs }
    }

    /// A cell with an ASCII character.
    pub(crate) const fn ascii(byte: u8, attrs: Attrs) -> Self {
        let mut contents = [0; CONTENT_BYTES];
        contents[0] = byte;
        Self { contents, len: 1, attrs }
    }

    /// A cell with a character of one or two columns.
    pub(crate) fn new(character: char, wide: bool, attrs: Attrs) -> Self {
        let mut cell = Self::blank(attrs);
        cell.push(character);
        if wide {
            cell.len |= IS_WIDE;
        }
        cell
    }

    /// The second half of a wide character.
    pub(crate) const fn continuation(attrs: Attrs) -> Self {
        Self { contents: [0; CONTENT_BYTES], len: IS_WIDE_CONTINUATION, attrs }
    }

    /// A cell with that text, or nothing if there is no room for it.
    pub(crate) fn from_text(text: &str, wide: bool, attrs: Attrs) -> Option<Self> {
        let mut cell = Self::blank(attrs);
        cell.contents.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        cell.len = u8::try_from(text.len()).ok()? | if wide { IS_WIDE } else { 0 };
        Some(cell)
    }

    fn len(&self) -> usize {
        usize::from(self.len & LEN_BITS)
    }

    fn push(&mut self, character: char) {
        let (start, length) = (self.len(), character.len_utf8());
        if let Some(room) = self.contents.get_mut(start..start + length) {
            character.encode_utf8(room);
            // There was room, so both are far below 32.
            self.len += u8::try_from(length).unwrap_or(0);
        }
    }

    /// Adds a character without a width. What does not fit is dropped.
    pub(crate) fn append(&mut self, character: char) {
        if self.len() == 0 {
            self.push(' ');
        }
        self.push(character);
    }

    /// Returns the ASCII character in the cell, if it holds just one.
    #[must_use]
    pub fn as_ascii(&self) -> Option<u8> {
        (self.len == 1).then_some(self.contents[0])
    }

    /// Returns the text in the cell: at most one character that has a width, and those combined with it.
    #[must_use]
    pub fn contents(&self) -> &str {
        // Nearly all hold one such character or none, and are looked at far more often than they are written.
        let at = usize::from(self.contents[0]);
        let ascii = match self.len() {
            0 => Some(""),
            1 => ASCII.get(at..at + 1),
            _ => None,
        };
        ascii.unwrap_or_else(|| {
            std::str::from_utf8(&self.contents[..self.len()]).expect("only whole characters are stored")
        })
    }

    /// Returns whether the cell contains any text. A cell that was never written to, or was erased since, has none;
    /// a blank that was printed is text.
    #[must_use]
    pub fn has_contents(&self) -> bool {
        self.len() > 0
    }

    /// Returns whether the text is a wide character.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.len & IS_WIDE != 0
    }

    /// Returns whether the previous cell in the row contains a wide character.
    #[must_use]
    pub fn is_wide_continuation(&self) -> bool {
        self.len & IS_WIDE_CONTINUATION != 0
    }

    /// Returns how the cell is drawn.
    #[must_use]
    pub fn attrs(&self) -> &Attrs {
        &self.attrs
    }
}
