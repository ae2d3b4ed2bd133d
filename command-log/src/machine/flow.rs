//! Output that flows by: of a long one only its end is emulated.
//!
//! While something runs, nothing is decided before output rests. What is printed until then is kept in a backlog;
//! when the screen is needed, lines that have scrolled away by then are left out, if they are plain: text, colours
//! and line ends. What the screen shows is the same, but for the numbers of its rows.

use casemate_terminal::Screen;

/// The backlog is shortened when it has grown to this.
const LONGEST_BACKLOG: usize = 128 << 10;

/// Shorter output is emulated as it is.
const SHORTEST_FLOOD: usize = 4 << 10;

/// Lines that are kept above the screen: what is read of the output before a prompt may have scrolled off.
const LINES_ABOVE: usize = 8;

/// Output that has not been emulated.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    bytes: Vec<u8>,
    /// Emulate everything, to compare.
    pub(crate) thorough: bool,
}

impl Backlog {
    pub(crate) fn push<S: Screen>(&mut self, bytes: &[u8], screen: &mut S) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= LONGEST_BACKLOG {
            self.flush(screen);
        }
    }

    /// Brings the screen up to date.
    pub(crate) fn flush<S: Screen>(&mut self, screen: &mut S) {
        if self.bytes.is_empty() {
            return;
        }
        let mut bytes = self.bytes.as_slice();
        if !self.thorough && bytes.len() > SHORTEST_FLOOD && !screen.is_alternate() && screen.scrolls_whole()
        {
            let lines = usize::from(screen.size().rows) + LINES_ABOVE;
            if let Some(at) = tail(bytes, lines)
                && is_plain(&bytes[..at])
            {
                feed_colours(&bytes[..at], screen);
                screen.feed(b"\r\n");
                bytes = &bytes[at..];
            }
        }
        screen.feed(bytes);
        self.bytes.clear();
    }
}

/// Where the last so many lines begin.
fn tail(bytes: &[u8], lines: usize) -> Option<usize> {
    memchr::memrchr_iter(b'\n', bytes).nth(lines).map(|at| at + 1)
}

/// Whether there is nothing in it but text, blanks, line ends and colours.
fn is_plain(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        let length = rest.iter().position(|&byte| !PLAIN[usize::from(byte)]).unwrap_or(rest.len());
        rest = &rest[length..];
        match rest {
            [] => return true,
            [0x1b, b'[', behind @ ..] => {
                let length = behind.iter().take(32).take_while(|byte| matches!(byte, b'0'..=b';')).count();
                if behind.get(length) != Some(&b'm') {
                    return false;
                }
                rest = &behind[length + 1..];
            }
            // Signs, rather than control characters of eight bits.
            [0xc2, 0xa0..=0xbf, behind @ ..] => rest = behind,
            _ => return false,
        }
    }
}

/// Bytes that end up in one line and do nothing else. What begins with 0xC2 is looked at closer: the control
/// characters of eight bits are among it.
static PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0x20;
    while byte < 256 {
        plain[byte] = byte != 0x7f && byte != 0xc2;
        byte += 1;
    }
    plain[b'\r' as usize] = true;
    plain[b'\n' as usize] = true;
    plain[b'\t' as usize] = true;
    plain
};

/// Gives the screen the colours that plain output leaves behind.
fn feed_colours<S: Screen>(bytes: &[u8], screen: &mut S) {
    let reset = [&b"\x1b[0m"[..], b"\x1b[m"]
        .iter()
        .filter_map(|reset| memchr::memmem::rfind(bytes, reset))
        .max()
        .unwrap_or(0);
    for at in memchr::memchr_iter(0x1b, &bytes[reset..]) {
        let sequence = &bytes[reset + at..];
        let end = sequence.iter().position(|&byte| byte == b'm').unwrap_or(0);
        screen.feed(&sequence[..=end]);
    }
}

#[cfg(test)]
mod tests {
    use casemate_terminal::{Screen, Vt100Screen};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn shown(thorough: bool, pieces: &[String]) -> (Vec<String>, (u16, u16), String) {
        let mut screen = Vt100Screen::new(20, 5, 50);
        let mut backlog = Backlog { thorough, ..Backlog::default() };
        for piece in pieces {
            backlog.push(piece.as_bytes(), &mut screen);
            if piece.len() % 3 == 0 {
                backlog.flush(&mut screen);
            }
        }
        backlog.flush(&mut screen);
        let rows = (0..5).map(|row| {
            let line = screen.shown(row).unwrap();
            format!("{:?}", line.cells().collect::<Vec<_>>())
        });
        (rows.collect(), (screen.cursor().row, screen.cursor().col), format!("{:?}", screen.style()))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn what_is_left_out_changes_nothing_that_is_shown(
            pieces in vec(
                prop_oneof![
                    3 => ("[a-z日µé \t]{0,50}", 1..900_usize).prop_map(|(line, count)| format!("{line}\r\n").repeat(count)),
                    2 => ("[a-z]{0,9}", 0..9_u8, 1..400_usize)
                        .prop_map(|(word, colour, count)| format!("\x1b[3{colour}m{word}\x1b[0m:\x1b[4m x\r\n").repeat(count)),
                    1 => "[a-z]{0,9}",
                    1 => "\x1b\\[(0|1;31|7|44)?m",
                    1 => "\x1b\\[[1-4];[1-5]r|\x1b\\[[HJKABCD]|\x1b\\[\\?(7|6|47)[hl]|\n|\r|\x08|\u{85}|\x1b7|\x1b8",
                ],
                0..9,
            ),
        ) {
            prop_assert_eq!(shown(false, &pieces), shown(true, &pieces));
        }
    }
}
