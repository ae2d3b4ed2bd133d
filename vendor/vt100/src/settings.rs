//! What a terminal is set to, beyond what it shows: for whoever brings another one into the same state.

use crate::attrs::Attrs;
use crate::charset::{Charset, Charsets};
use crate::grid::Saved;
use crate::screen::{Modes, Screen};

/// What a terminal is set to.
#[derive(Clone, Debug)]
pub struct Settings<'a> {
    /// First and last row of the scroll region, if it is not the whole screen.
    pub margins: Option<(u16, u16)>,
    /// DECOM: rows are counted from the top margin.
    pub origin: bool,
    /// DECAWM: text goes on in the next row.
    pub autowrap: bool,
    /// IRM: characters push the others to the right.
    pub insert: bool,
    /// LNM: a line feed returns the carriage as well.
    pub newline: bool,
    /// DECKPAM.
    pub application_keypad: bool,
    /// Whether there is a tab stop, for each column; `None` if nobody has changed them.
    pub tabs: Option<&'a [bool]>,
    /// The character sets.
    pub charsets: CharsetNames,
    /// The cursor that the primary screen has saved.
    pub saved: SavedCursor,
    /// The cursor that the alternate screen has saved.
    pub saved_alternate: SavedCursor,
}

/// The last bytes of the sequences that designate G0 to G3, and which one is in use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct CharsetNames {
    /// `B`, `0` or `A` for each.
    pub sets: [u8; 4],
    /// Below 4.
    pub active: u8,
}

/// What DECSC has saved.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct SavedCursor {
    /// The row.
    pub row: u16,
    /// The column; that of the width when a wrap was pending.
    pub col: u16,
    /// How text was drawn.
    pub attrs: Attrs,
    /// Whether DECOM was on.
    pub origin: bool,
    /// The character sets.
    pub charsets: CharsetNames,
}

impl Screen {
    /// Returns what the terminal is set to.
    #[must_use]
    pub fn settings(&self) -> Settings<'_> {
        Settings {
            margins: (!self.scrolls_whole()).then_some((self.top, self.bottom)),
            origin: self.origin,
            autowrap: self.autowrap,
            insert: self.insert,
            newline: self.newline,
            application_keypad: self.modes.0 & Modes::APPLICATION_KEYPAD != 0,
            tabs: (!self.has_default_tabs()).then_some(&self.tabs),
            charsets: self.charsets.into(),
            saved: self.primary.saved.into(),
            saved_alternate: self.alternate.saved.into(),
        }
    }
}

impl From<Charsets> for CharsetNames {
    fn from(charsets: Charsets) -> Self {
        let name = |set| match set {
            Charset::Ascii => b'B',
            Charset::Drawing => b'0',
            Charset::British => b'A',
        };
        Self { sets: charsets.sets.map(name), active: charsets.active }
    }
}

impl Default for CharsetNames {
    fn default() -> Self {
        Charsets::default().into()
    }
}

impl From<Saved> for SavedCursor {
    fn from(saved: Saved) -> Self {
        Self {
            row: saved.pos.row,
            col: saved.pos.col,
            attrs: saved.attrs,
            origin: saved.origin,
            charsets: saved.charsets.into(),
        }
    }
}
