//! Which colours a terminal shows for those that have only a number, or none.

use std::fmt;

use crate::screen::Color;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The colours of a terminal.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Theme {
    /// Of text that has no colour of its own.
    pub foreground: Rgb,
    /// Behind it.
    pub background: Rgb,
    /// The first sixteen of the palette.
    pub palette: [Rgb; 16],
}

impl Theme {
    /// Light on dark, in colours that can all be read on it, but for black.
    pub const DARK: Self = Self {
        foreground: Rgb(0xd6, 0xd9, 0xdd),
        background: Rgb(0x14, 0x16, 0x1a),
        palette: [
            Rgb(0x2a, 0x2e, 0x35),
            Rgb(0xe5, 0x60, 0x6b),
            Rgb(0x6f, 0xbf, 0x73),
            Rgb(0xd0, 0xa8, 0x4c),
            Rgb(0x5c, 0x9c, 0xf5),
            Rgb(0xbf, 0x84, 0xe0),
            Rgb(0x4d, 0xbf, 0xc4),
            Rgb(0xc9, 0xcd, 0xd2),
            Rgb(0x6b, 0x73, 0x7d),
            Rgb(0xff, 0x80, 0x87),
            Rgb(0x8f, 0xdb, 0x93),
            Rgb(0xed, 0xca, 0x6e),
            Rgb(0x86, 0xb9, 0xff),
            Rgb(0xd8, 0xa6, 0xf5),
            Rgb(0x7a, 0xdd, 0xe0),
            Rgb(0xf4, 0xf6, 0xf8),
        ],
    };

    /// Reads colours as asciicast has them: `#rrggbb`, and 8 or 16 of them with colons between. Where there are 8, the
    /// bright ones are the same.
    #[must_use]
    pub fn from_hex(foreground: &str, background: &str, palette: &str) -> Option<Self> {
        let colors: Vec<Rgb> = palette.split(':').map(Rgb::from_hex).collect::<Option<_>>()?;
        let sixteen = match colors.len() {
            8 => [colors.as_slice(), colors.as_slice()].concat(),
            _ => colors,
        };
        Some(Self {
            foreground: Rgb::from_hex(foreground)?,
            background: Rgb::from_hex(background)?,
            palette: sixteen.try_into().ok()?,
        })
    }

    /// Returns the colour of text.
    #[must_use]
    pub fn foreground(&self, color: Color) -> Rgb {
        self.color(color, self.foreground)
    }

    /// Returns the colour behind text.
    #[must_use]
    pub fn background(&self, color: Color) -> Rgb {
        self.color(color, self.background)
    }

    fn color(&self, color: Color, default: Rgb) -> Rgb {
        /// The steps of each part of the colours 16 to 231, as all terminals have them.
        const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];
        match color {
            Color::Default => default,
            Color::Rgb(red, green, blue) => Rgb(red, green, blue),
            Color::Indexed(index @ 0..16) => self.palette[usize::from(index)],
            Color::Indexed(index @ 16..232) => {
                let step = |divisor: u8| STEPS[usize::from((index - 16) / divisor % 6)];
                Rgb(step(36), step(6), step(1))
            }
            Color::Indexed(index @ 232..) => {
                let grey = 8 + 10 * (index - 232);
                Rgb(grey, grey, grey)
            }
        }
    }
}

impl Rgb {
    fn from_hex(text: &str) -> Option<Self> {
        let hex = text.strip_prefix('#').filter(|hex| hex.len() == 6 && hex.is_ascii())?;
        let part = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        // A sign would pass for a digit.
        let is_hex = hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then_some(Self(part(0)?, part(2)?, part(4)?))
    }

    /// Returns the colour that `part` of `whole` of this one make, the rest being another one.
    pub(crate) fn mix(self, part: u16, whole: u16, other: Self) -> Self {
        let mixed = |one: u8, two: u8| {
            let sum = u16::from(one) * part + u16::from(two) * (whole - part);
            u8::try_from((sum + whole / 2) / whole).unwrap_or(u8::MAX)
        };
        Self(mixed(self.0, other.0), mixed(self.1, other.1), mixed(self.2, other.2))
    }
}

/// As in CSS.
impl fmt::Display for Rgb {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

#[cfg(test)]
mod tests {
    use super::{Rgb, Theme};
    use crate::screen::Color;

    #[test]
    fn the_palette_is_that_of_all_terminals() {
        let color = |index| Theme::DARK.foreground(Color::Indexed(index)).to_string();
        assert_eq!(
            [16, 21, 196, 208, 231, 232, 255].map(color),
            ["#000000", "#0000ff", "#ff0000", "#ff8700", "#ffffff", "#080808", "#eeeeee"]
        );
        assert_eq!(color(9), "#ff8087");
    }

    #[test]
    fn themes_of_recordings_are_read() {
        let eight = ["#010203"; 8].join(":");
        let theme = Theme::from_hex("#ffffff", "#000000", &eight).unwrap();
        assert_eq!((theme.foreground, theme.palette[15]), (Rgb(255, 255, 255), Rgb(1, 2, 3)));
        for bad in ["", "#010203", "#010203:", "#+10203", "#01020é"] {
            assert_eq!(Theme::from_hex("#ffffff", "#000000", bad), None, "{bad}");
        }
        assert_eq!(Theme::from_hex("white", "#000000", &eight), None);
    }
}
