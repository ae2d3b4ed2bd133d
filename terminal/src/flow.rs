//! Output that flows by: of a long one only its end is emulated.
//!
//! Nobody sees a line that scrolls away at once. So lines that are plain (text, colours, line ends) and that will have
//! scrolled away by the end are left out. *Invariant*: what the screen shows, and what it will ever show, is the same
//! as if it had been given everything; only the numbers of its rows are lower.

use crate::screen::Screen;

/// A backlog is shortened when it has grown to this.
const LONGEST_BACKLOG: usize = 128 << 10;

/// Shorter output is emulated as it is.
const SHORTEST_FLOOD: usize = 4 << 10;

/// Longest control sequence that is looked at; with all its parts a colour has twenty characters.
const LONGEST_SEQUENCE: usize = 32;

/// Output that has not been emulated, because nobody has looked at the screen since.
#[derive(Debug, Default)]
pub struct Backlog {
    bytes: Vec<u8>,
    lines_above: usize,
    thorough: bool,
}

impl Backlog {
    /// A backlog that keeps that many lines above the screen, for whoever reads them in the scrollback.
    #[must_use]
    pub fn new(lines_above: usize) -> Self {
        Self { lines_above, ..Self::default() }
    }

    /// Emulates everything from now on, to compare.
    pub fn be_thorough(&mut self) {
        self.thorough = true;
    }

    /// Takes output.
    pub fn push<S: Screen>(&mut self, bytes: &[u8], screen: &mut S) {
        self.bytes.extend_from_slice(bytes);
        if self.bytes.len() >= LONGEST_BACKLOG {
            self.flush(screen);
        }
    }

    /// Takes no more memory than what it holds.
    pub fn rest(&mut self) {
        self.bytes.shrink_to_fit();
    }

    /// Brings the screen up to date.
    pub fn flush<S: Screen>(&mut self, screen: &mut S) {
        if self.thorough {
            screen.feed(&self.bytes);
        } else {
            feed_flood(screen, &self.bytes, self.lines_above);
        }
        self.bytes.clear();
    }
}

/// Feeds a screen as [`Screen::feed`] does, but for lines that scroll away; that many above the screen are kept.
pub fn feed_flood<S: Screen>(screen: &mut S, bytes: &[u8], lines_above: usize) {
    let mut fed = 0;
    if bytes.len() > SHORTEST_FLOOD && screen.is_amid_sequence() {
        // A sequence that the output before was cut in hardly ever goes on beyond the line.
        fed = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        screen.feed(&bytes[..fed]);
    }
    let mut at = fed;
    while bytes.len() - at > SHORTEST_FLOOD {
        let plain = plain_length(&bytes[at..]);
        if plain > SHORTEST_FLOOD {
            screen.feed(&bytes[fed..at]);
            fed = at;
            if !screen.is_alternate() && screen.scrolls_whole() && !screen.is_amid_sequence() {
                fed += leave_out(&bytes[at..at + plain], lines_above, screen);
            }
        }
        at += plain;
        at = memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1);
    }
    screen.feed(&bytes[fed..]);
}

/// Brings the screen into the state that it has within this plain output, and returns where.
fn leave_out<S: Screen>(plain: &[u8], lines_above: usize, screen: &mut S) -> usize {
    let rows = usize::from(screen.size().rows);
    let Some(kept) = kept(plain, rows + lines_above) else { return 0 };
    let is_at_the_bottom = memchr::memchr_iter(b'\n', &plain[..kept]).nth(rows).is_some();
    // A character may be repeated later (REP), so the last one is printed.
    let Some(from) = last_text(&plain[..kept]).filter(|&from| from > 0 && is_at_the_bottom) else { return 0 };
    feed_colours(&plain[..from], screen);
    screen.feed(b"\r");
    (0..rows).for_each(|_| screen.feed(b"\n"));
    from
}

/// Where the last so many lines begin, or some more: behind a line end that leads to the first column.
fn kept(bytes: &[u8], lines: usize) -> Option<usize> {
    let ends = memchr::memrchr_iter(b'\n', bytes).skip(lines);
    ends.filter(|&end| end > 0 && bytes[end - 1] == b'\r').map(|end| end + 1).next()
}

/// Where the last line begins that surely has text.
fn last_text(plain: &[u8]) -> Option<usize> {
    let mut end = plain.len();
    loop {
        let start = memchr::memrchr(b'\n', plain.get(..end.checked_sub(1)?)?).map_or(0, |before| before + 1);
        if has_ascii_text(&plain[start..end]) {
            return Some(start);
        }
        end = start;
    }
}

/// Whether plain output shows anything of ASCII.
fn has_ascii_text(mut plain: &[u8]) -> bool {
    while let Some((&byte, rest)) = plain.split_first() {
        plain = match byte {
            0x1b => &plain[sequence(plain).map_or(1, |sequence| sequence.length)..],
            0x20..=0x7e => return true,
            _ => rest,
        };
    }
    false
}

/// How much of the beginning holds nothing but text, blanks, line ends, colours and erased ends of lines.
fn plain_length(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let length = rest.iter().position(|&byte| !PLAIN[usize::from(byte)]).unwrap_or(rest.len());
        at += length;
        match &rest[length..] {
            behind @ [0x1b, ..] => match sequence(behind) {
                Some(Sequence { length, end: b'm' | b'K' }) => at += length,
                _ => return at,
            },
            // Signs, rather than control characters of eight bits.
            [0xc2, 0xa0..=0xbf, ..] => at += 2,
            _ => return at,
        }
    }
}

struct Sequence {
    length: usize,
    end: u8,
}

/// A control sequence with nothing but numbers in it.
fn sequence(bytes: &[u8]) -> Option<Sequence> {
    let body = bytes.strip_prefix(b"\x1b[")?;
    let length = body.iter().take(LONGEST_SEQUENCE).take_while(|byte| matches!(byte, b'0'..=b';')).count();
    Some(Sequence { length: length + 3, end: *body.get(length)? })
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
fn feed_colours<S: Screen>(plain: &[u8], screen: &mut S) {
    let is_reset =
        |&at: &usize| [&b"[m"[..], b"[0m", b"[0;"].iter().any(|reset| plain[at + 1..].starts_with(reset));
    let reset = memchr::memrchr_iter(0x1b, plain).find(is_reset).unwrap_or(0);
    for at in memchr::memchr_iter(0x1b, &plain[reset..]) {
        let bytes = &plain[reset + at..];
        if let Some(Sequence { length, end: b'm' }) = sequence(bytes) {
            screen.feed(&bytes[..length]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::{Size, Vt100Screen};

    /// What a screen shows, and what it shows after more.
    fn shown(screen: &mut Vt100Screen, probe: &str) -> Vec<String> {
        let mut all = Vec::new();
        for output in ["", probe] {
            screen.feed(output.as_bytes());
            for row in 0..screen.size().rows {
                let line = screen.shown(row).unwrap();
                all.push(format!("{} {:?}", line.is_wrapped(), line.cells().collect::<Vec<_>>()));
            }
            all.push(format!("{:?} {:?} {}", screen.cursor(), screen.style(), screen.is_alternate()));
        }
        all
    }

    fn screen(thorough: bool, size: Size, pieces: &[String]) -> Vt100Screen {
        let mut screen = Vt100Screen::new(size.cols, size.rows, 50);
        let mut backlog = Backlog::new(usize::from(size.cols % 3));
        backlog.thorough = thorough;
        for piece in pieces {
            backlog.push(piece.as_bytes(), &mut screen);
            if piece.len() % 3 == 0 {
                backlog.flush(&mut screen);
            }
        }
        backlog.flush(&mut screen);
        screen
    }

    fn check(size: Size, pieces: &[String], probe: &str) {
        let shown = [false, true].map(|thorough| shown(&mut screen(thorough, size, pieces), probe));
        assert_eq!(shown[0], shown[1]);
    }

    fn flood(line: &str) -> String {
        line.repeat(9000 / line.len())
    }

    #[test]
    fn text_below_the_cursor_scrolls_away_too() {
        let size = Size { cols: 20, rows: 30 };
        let old = "x".repeat(20 * 30);
        check(size, &[old.clone(), "\x1b[H".into(), flood("ab\r\n")], "");
        check(size, &[flood("cd\r\n"), format!("{old}\x1b[Hab\r\n")], "");
    }

    #[test]
    fn a_sequence_may_have_begun_before() {
        let size = Size { cols: 20, rows: 5 };
        for (begun, ended) in
            [("\x1b[", "?1049h"), ("\x1b[", "2;4r"), ("\x1b", "c"), ("\x1b(", "0"), ("\x1b]0;", "")]
        {
            check(size, &["red \x1b[31m".into(), begun.into(), format!("{ended}{}", flood("lq\r\n"))], "x");
        }
    }

    #[test]
    fn columns_and_characters_that_come_later_are_right() {
        let size = Size { cols: 20, rows: 5 };
        check(size, &[flood("ab\n")], "");
        check(size, &[format!("{}{}", flood("ab\r\n"), "\n".repeat(9))], "");
        check(size, &[format!("{}{}", flood("ab\r\n"), "\r\n".repeat(90))], "\x1b[3b");
        check(size, &[format!("{}\x1b[41m{}", flood("ab\r\n"), "\r\n".repeat(5000))], "\x1b[3b");
    }

    #[test]
    fn most_of_a_flood_is_left_out() {
        for line in ["text of a line\r\n", "\x1b[32mcolours\x1b[0m and \x1b[1m\x1b[Kmore\r\n", "日本語 µ\r\n"]
        {
            let mut screen = Vt100Screen::new(80, 24, 0);
            feed_flood(&mut screen, line.repeat(10_000).as_bytes(), 0);
            assert!(screen.scrolled() < 100, "{line:?} {}", screen.scrolled());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        #[test]
        fn what_is_left_out_changes_nothing_that_is_shown(
            size in (3..30_u16, 2..30_u16).prop_map(|(cols, rows)| Size { cols, rows }),
            pieces in vec(
                prop_oneof![
                    3 => ("[a-z日µé\u{301} \t]{0,50}", "\r\n|\r\n|\n", 1..900_usize)
                        .prop_map(|(line, end, count)| format!("{line}{end}").repeat(count)),
                    2 => ("[a-z]{0,9}", 0..9_u8, 1..400_usize)
                        .prop_map(|(word, colour, count)| format!("\x1b[3{colour}m{word}\x1b[0m:\x1b[4m\x1b[K x\r\n").repeat(count)),
                    1 => "[a-z]{0,9}|x{30,900}",
                    1 => "\x1b\\[(0|1;31|7|44)?m",
                    1 => "\x1b\\[[1-4];[1-5]r|\x1b\\[[HJKABCDb]|\x1b\\[\\?(7|6|47)[hl]|\n|\r|\x08|\u{85}|\x1b7|\x1b8|\x1b\\[4[hl]",
                    1 => "\x1b|\x1b\\[|\x1b\\[\\?|\x1b\\]0;|\x1bP|[1-9];[1-9]r|\\?1049[hl]|\\(0|c|\x07|\x1b\\\\",
                ],
                0..9,
            ),
            probe in "(\x1b\\[3b)?(\x1b8|\x1b\\[\\?1049l)?x(\x1b\\[[KJ])?",
        ) {
            check(size, &pieces, &probe);
        }
    }
}
