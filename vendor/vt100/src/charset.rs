//! Character sets: ASCII and DEC's line drawing.

/// A designated character set.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Charset {
    #[default]
    Ascii,
    /// DEC Special Graphics.
    Drawing,
    /// The British one: a pound sign in place of `#`.
    British,
}

/// The four sets that are designated, and which one is in use.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Charsets {
    pub(crate) sets: [Charset; 4],
    /// Invariant: below 4.
    pub(crate) active: u8,
}

impl Charsets {
    pub(crate) fn active(&self) -> Charset {
        self.sets.get(usize::from(self.active)).copied().unwrap_or_default()
    }
}

/// What DEC Special Graphics has for the bytes from 0x5f to 0x7e.
const DRAWING: [char; 32] = [
    '\u{a0}', '◆', '▒', '␉', '␌', '␍', '␊', '°', '±', '␤', '␋', '┘', '┐', '┌', '└', '┼', '⎺', '⎻', '─', '⎼',
    '⎽', '├', '┤', '┴', '┬', '│', '≤', '≥', 'π', '≠', '£', '·',
];

impl Charset {
    pub(crate) fn from_final(byte: u8) -> Self {
        match byte {
            b'0' | b'2' => Self::Drawing,
            b'A' => Self::British,
            _ => Self::Ascii,
        }
    }

    /// What the set shows for a printable ASCII character.
    pub(crate) fn map(self, byte: u8) -> char {
        match (self, byte) {
            (Self::Drawing, 0x5f..=0x7e) => DRAWING[usize::from(byte - 0x5f)],
            (Self::British, b'#') => '£',
            _ => char::from(byte),
        }
    }
}
