//! Screens as text, at three sizes: what is expected stands in `screens/`. `UPDATE_EXPECT=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use casemate_tests::{LONG, Session};
use expect_test::expect_file;

pub(crate) const SIZES: [(u16, u16); 3] = [(40, 10), (80, 24), (200, 60)];

/// The screen as it is, framed.
fn framed(session: &mut Session, cols: u16) -> String {
    let mut text = format!("┌{}\n", "─".repeat(cols.into()));
    for line in session.screen().lines() {
        writeln!(text, "│{}", line.trim_end()).unwrap();
    }
    text
}

/// Waits until the screen is the expected one.
#[track_caller]
pub(crate) fn check(session: &mut Session, (cols, rows): (u16, u16), scene: &str) {
    let name = format!("screens/{scene}-{cols}x{rows}.txt");
    let expected = expect_file![Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(name)];
    let is_update = std::env::var_os("UPDATE_EXPECT").is_some();
    let wanted = std::fs::read_to_string(&expected.path).unwrap_or_default();
    let deadline = Instant::now() + if is_update { Duration::from_secs(2) } else { LONG };
    loop {
        let screen = framed(session, cols);
        if (screen == wanted && !is_update) || Instant::now() >= deadline {
            expected.assert_eq(&screen);
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
