//! Tests of the screen through its trait.

mod keyframes;
mod lines;
pub(crate) mod properties;
mod render;
mod sequences;
mod tmux;

use crate::{Screen, Vt100Screen};

/// Returns a screen of 10 columns and 4 rows after some output.
fn screen(output: &str) -> Vt100Screen {
    let mut screen = Vt100Screen::new(10, 4, 100);
    screen.feed(output.as_bytes());
    screen
}

/// Returns the text of what is shown, a line for each row, and where the cursor is.
fn picture(screen: &impl Screen) -> String {
    let mut picture = String::new();
    for row in 0..screen.size().rows {
        let line = screen.shown(row).unwrap();
        line.text(0, screen.size().cols, &mut picture);
        let kept = picture.trim_end_matches(' ').len();
        picture.truncate(kept);
        picture.push_str(if line.is_wrapped() { "↩\n" } else { "\n" });
    }
    let cursor = screen.cursor();
    picture.push_str(&format!("({}, {})\n", cursor.row, cursor.col));
    picture
}

#[track_caller]
fn check(output: &str, expected: expect_test::Expect) {
    expected.assert_eq(&picture(&screen(output)));
}
