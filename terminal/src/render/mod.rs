//! What a screen shows, as something to keep: text, JSON, ANSI, a picture.
//!
//! | form | holds |
//! |---|---|
//! | [`txt`] | the rows, a line each |
//! | [`json`] | the rows, as an array of strings |
//! | [`ansi`](fn@ansi) | the rows with their colours and styles, for any terminal |
//! | [`svg`](fn@svg) | a picture: also the cursor, and colours as a [`Theme`] has them |
//!
//! *Invariants*: whatever is on the screen, and whoever put it there, no form holds a control character that is not
//! ours, and none can break out of the format that it is in. Blanks at the end of rows are cut.
//!
//! Concealed text (SGR 8) is on the screen and not to be seen. Text and JSON have it, because they are what somebody
//! searches; ANSI has it, concealed; a picture does not show it, as a terminal does not.

mod ansi;
mod shapes;
mod svg;
mod theme;

pub use ansi::ansi;
pub use svg::svg;
pub use theme::{Rgb, Theme};

use crate::screen::Screen;

/// Returns the text of each row, without the blanks at its end.
#[must_use]
pub fn rows(screen: &impl Screen) -> Vec<String> {
    let size = screen.size();
    (0..size.rows)
        .map(|row| {
            let mut text = String::new();
            if let Some(line) = screen.shown(row) {
                line.text(0, size.cols, &mut text);
            }
            let mut text = harmless(&text).into_owned();
            text.truncate(text.trim_end_matches(' ').len());
            text
        })
        .collect()
}

/// Returns the rows as text, a line each.
#[must_use]
pub fn txt(screen: &impl Screen) -> String {
    rows(screen).into_iter().flat_map(|row| [row, "\n".into()]).collect()
}

/// Returns the rows as a JSON array of strings.
#[must_use]
pub fn json(screen: &impl Screen) -> String {
    let mut out = String::from("[");
    for (number, row) in rows(screen).iter().enumerate() {
        if number > 0 {
            out.push_str(", ");
        }
        out.push('"');
        for character in row.chars() {
            // Control characters are gone already.
            if matches!(character, '"' | '\\') {
                out.push('\\');
            }
            out.push(character);
        }
        out.push('"');
    }
    out.push_str("]\n");
    out
}

/// Takes out what a terminal or a browser would obey. A screen has no such characters, but a keyframe that somebody
/// made up may.
fn harmless(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().any(char::is_control) {
        text.chars().filter(|character| !character.is_control()).collect::<String>().into()
    } else {
        text.into()
    }
}
