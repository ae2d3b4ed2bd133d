//! The styles of what is ours on the screen. Without colours attributes alone say the same.

use casemate_terminal::{Color, Style};

/// The styles.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// For most.
    pub plain: Style,
    /// For what is to be seen first.
    pub strong: Style,
    /// For what need not be read.
    pub faint: Style,
    /// What is chosen, played, typed.
    pub accent: Style,
    /// What somebody marked, and what is said to whoever looks.
    pub marker: Style,
    /// What is as it should be.
    pub good: Style,
    /// What is not.
    pub bad: Style,
}

impl Look {
    /// With colours, or without any.
    #[must_use]
    pub fn new(has_colour: bool) -> Self {
        let plain = Style::default();
        let (bold, dim) = (Style { bold: true, ..plain }, Style { dim: true, ..plain });
        if !has_colour {
            return Self {
                plain,
                strong: bold,
                faint: dim,
                accent: bold,
                marker: bold,
                good: plain,
                bad: bold,
            };
        }
        let colour = |index| Style { foreground: Color::Indexed(index), ..plain };
        Self {
            plain,
            strong: bold,
            // Not the eighth colour: some palettes have it the same as the background.
            faint: dim,
            accent: colour(6),
            marker: Style { bold: true, ..colour(3) },
            good: colour(2),
            bad: Style { bold: true, ..colour(1) },
        }
    }
}
