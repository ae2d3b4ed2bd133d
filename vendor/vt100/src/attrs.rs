//! Colours and attributes.

/// A foreground or background colour.
#[derive(Eq, PartialEq, Debug, Copy, Clone, Default)]
pub enum Color {
    /// The default terminal colour.
    #[default]
    Default,
    /// An indexed terminal colour.
    Idx(u8),
    /// An RGB terminal colour: red, green, blue.
    Rgb(u8, u8, u8),
}

/// How text is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attrs {
    /// The colour of the text.
    pub fgcolor: Color,
    /// The colour behind it.
    pub bgcolor: Color,
    pub(crate) mode: u8,
}

pub(crate) const BOLD: u8 = 1;
pub(crate) const DIM: u8 = 1 << 1;
pub(crate) const ITALIC: u8 = 1 << 2;
pub(crate) const UNDERLINE: u8 = 1 << 3;
pub(crate) const INVERSE: u8 = 1 << 4;
pub(crate) const CONCEALED: u8 = 1 << 5;
pub(crate) const BLINK: u8 = 1 << 6;
pub(crate) const STRIKETHROUGH: u8 = 1 << 7;

impl Attrs {
    pub(crate) const DEFAULT: Self = Self { fgcolor: Color::Default, bgcolor: Color::Default, mode: 0 };

    pub(crate) fn set(&mut self, mode: u8, on: bool) {
        if on {
            self.mode |= mode;
        } else {
            self.mode &= !mode;
        }
    }

    /// What an erased cell keeps: the colour behind the text ("background colour erase").
    pub(crate) const fn erased(self) -> Self {
        Self { fgcolor: Color::Default, bgcolor: self.bgcolor, mode: 0 }
    }

    /// SGR 1.
    #[must_use]
    pub const fn bold(&self) -> bool {
        self.mode & BOLD != 0
    }

    /// SGR 2. Text can be bold and dim at once.
    #[must_use]
    pub const fn dim(&self) -> bool {
        self.mode & DIM != 0
    }

    /// SGR 3.
    #[must_use]
    pub const fn italic(&self) -> bool {
        self.mode & ITALIC != 0
    }

    /// SGR 4 and 21.
    #[must_use]
    pub const fn underline(&self) -> bool {
        self.mode & UNDERLINE != 0
    }

    /// SGR 5 and 6.
    #[must_use]
    pub const fn blink(&self) -> bool {
        self.mode & BLINK != 0
    }

    /// SGR 7.
    #[must_use]
    pub const fn inverse(&self) -> bool {
        self.mode & INVERSE != 0
    }

    /// SGR 8.
    #[must_use]
    pub const fn concealed(&self) -> bool {
        self.mode & CONCEALED != 0
    }

    /// SGR 9.
    #[must_use]
    pub const fn strikethrough(&self) -> bool {
        self.mode & STRIKETHROUGH != 0
    }
}
