//! Styles as SGR sequences.

use std::fmt::Write as _;

use crate::screen::{Color, Style};

/// Writes text in styles, with no more sequences than are needed.
#[derive(Debug, Default)]
pub struct Pen {
    /// What was written so far; sequences that change no style may be added to it.
    pub out: String,
    style: Style,
}

impl Pen {
    /// Has what follows drawn in that style.
    pub fn set(&mut self, style: Style) {
        if style == self.style {
            return;
        }
        self.out.push_str("\x1b[");
        let mut from = self.style;
        if style != Style::default() {
            if is_lost(from, style) {
                from = Style::default();
                self.out.push_str("0;");
            }
            for (attribute, _) in
                attributes(style).into_iter().filter(|on| on.1 && !attributes(from).contains(on))
            {
                self.out.extend([attribute, ';']);
            }
            if style.foreground != from.foreground {
                color(&mut self.out, style.foreground, 30);
            }
            if style.background != from.background {
                color(&mut self.out, style.background, 40);
            }
            // The last semicolon has nothing behind it.
            self.out.pop();
        }
        self.out.push('m');
        self.style = style;
    }
}

/// The attributes, by the digit that switches each on.
fn attributes(style: Style) -> [(char, bool); 8] {
    [
        ('1', style.bold),
        ('2', style.dim),
        ('3', style.italic),
        ('4', style.underline),
        ('5', style.blink),
        ('7', style.inverse),
        ('8', style.concealed),
        ('9', style.strikethrough),
    ]
}

/// Whether an attribute has to go, which is said by a reset: what switches single ones off is less widely known.
fn is_lost(from: Style, to: Style) -> bool {
    attributes(from).iter().zip(attributes(to)).any(|(&(_, from), (_, to))| from && !to)
}

fn color(out: &mut String, color: Color, base: u8) {
    // Writing to a string does not fail.
    let _infallible = match color {
        Color::Default => write!(out, "{};", base + 9),
        Color::Indexed(index @ 0..8) => write!(out, "{};", base + index),
        Color::Indexed(index @ 8..16) => write!(out, "{};", base + 52 + index),
        Color::Indexed(index) => write!(out, "{};5;{index};", base + 8),
        Color::Rgb(red, green, blue) => write!(out, "{};2;{red};{green};{blue};", base + 8),
    };
}

#[cfg(test)]
mod tests {
    use super::Pen;
    use crate::screen::{Color, Style};

    #[test]
    fn no_more_is_said_than_has_changed() {
        let mut pen = Pen::default();
        let bold = Style { bold: true, ..Style::default() };
        let red = Style { foreground: Color::Indexed(1), ..bold };
        let blue = Style { background: Color::Indexed(12), ..Style::default() };
        let exact = Style { foreground: Color::Rgb(1, 2, 3), background: Color::Indexed(200), ..blue };
        for style in [bold, bold, red, bold, blue, exact, Style::default()] {
            pen.set(style);
            pen.out.push('x');
        }
        assert_eq!(pen.out, "\x1b[1mxx\x1b[31mx\x1b[39mx\x1b[0;104mx\x1b[38;2;1;2;3;48;5;200mx\x1b[mx");
    }
}
