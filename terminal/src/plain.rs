//! Finds stretches of plain lines, which need no emulator: common characters, tabs and colours, ended by CR LF.
//!
//! Such a line, begun in the first column, comes out as it is, but for tabs and colours, whatever the width of the
//! screen.

/// A stretch of whole plain lines.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct PlainLines {
    /// Length in bytes.
    pub(crate) length: usize,
    /// Number of lines.
    pub(crate) count: usize,
    /// Length of the longest line, in bytes, with its end.
    pub(crate) longest: usize,
}

/// Finds the plain lines that `bytes` begins with, for a screen of `columns` columns.
pub(crate) fn plain_lines(bytes: &[u8], columns: u16) -> PlainLines {
    let mut plain = PlainLines::default();
    let mut position = 0;
    // The column of the cursor, as long as there is but ASCII in the line.
    let mut column = Some(0);
    loop {
        let length = bytes[position..].iter().take_while(|byte| matches!(byte, 0x20..=0x7e)).count();
        position += length;
        column = column.map(|column| column + length);
        match bytes[position..] {
            [b'\r', b'\n', ..] => {
                position += 2;
                plain.longest = plain.longest.max(position - plain.length);
                plain.length = position;
                plain.count += 1;
                column = Some(0);
            }
            [0x1b, b'[', ref rest @ ..] => match color_length(rest) {
                Some(length) => position += 2 + length,
                None => return plain,
            },
            // A tab at the right edge goes nowhere.
            [b'\t', ..] => match column {
                Some(before) if before + TAB < usize::from(columns) => {
                    position += 1;
                    column = Some(next_tab(before));
                }
                Some(_) | None => return plain,
            },
            ref rest => match character_length(rest) {
                Some(length) => {
                    position += length;
                    column = None;
                }
                None => return plain,
            },
        }
    }
}

/// Distance of tab stops.
const TAB: usize = 8;

/// What a tab is at most.
const BLANKS: &str = "        ";

fn next_tab(column: usize) -> usize {
    column - column % TAB + TAB
}

/// Returns the length of a character that takes one or two columns by itself, whatever stands beside it.
/// These are the commonest, in valid UTF-8: Latin, Cyrillic, CJK ideographs, dashes and quotation marks, arrows,
/// frames, ticks. Neither combining characters nor those that end in a variation are among them.
fn character_length(rest: &[u8]) -> Option<usize> {
    match rest {
        [0xC2, 0xAD, ..] => None,
        [0xC2, 0xA0..=0xBF, ..] | [0xC3..=0xCB | 0xD0 | 0xD1, _, ..] => Some(2),
        [0xE2, 0x80, 0x90..=0xA7, ..] | [0xE2, 0x86 | 0x87 | 0x94..=0x96 | 0x9C, _, ..] => Some(3),
        [0xE4..=0xE9, _, _, ..] => Some(3),
        _ => None,
    }
}

/// Returns the length of an SGR sequence behind its `ESC [`.
fn color_length(rest: &[u8]) -> Option<usize> {
    // Few colours are longer; and the scanner drops sequences beyond its own, larger limit.
    let digits = rest.iter().take(64).take_while(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')).count();
    (rest.get(digits) == Some(&b'm')).then_some(digits + 1)
}

/// Returns the length of the first `count` lines.
pub(crate) fn head_length(lines: &[u8], count: usize) -> usize {
    lines.split_inclusive(|&byte| byte == b'\n').take(count).map(<[u8]>::len).sum()
}

/// Returns the length of the last `count` lines.
pub(crate) fn tail_length(lines: &[u8], count: usize) -> usize {
    lines.rsplit(|&byte| byte == b'\n').skip(1).take(count).map(|line| line.len() + 1).sum()
}

/// A piece of a plain line.
#[derive(Debug)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// The blanks that a tab goes over.
    Gap(&'a str),
    End,
}

/// Hands the text of plain lines and their ends to `sink`.
pub(crate) fn for_each_piece(lines: &str, mut sink: impl FnMut(Piece<'_>)) {
    let mut rest = lines;
    let mut column = 0;
    while let Some(end) = rest.bytes().position(|byte| byte < 0x20) {
        let (text, behind) = rest.split_at(end);
        sink(Piece::Text(text));
        column += end;
        let skipped = match *behind.as_bytes() {
            [0x1b, b'[', ref sequence @ ..] => 2 + color_length(sequence).unwrap_or(0),
            [b'\t', ..] => {
                sink(Piece::Gap(&BLANKS[..next_tab(column) - column]));
                column = next_tab(column);
                1
            }
            _ => {
                sink(Piece::End);
                column = 0;
                2
            }
        };
        rest = behind.get(skipped..).unwrap_or_default();
    }
}

/// Returns the last character that plain lines print.
pub(crate) fn last_character(lines: &str) -> Option<char> {
    let mut last = None;
    for_each_piece(lines, |piece| {
        if let Piece::Text(text) = piece {
            last = text.chars().next_back().or(last);
        }
    });
    last
}

/// Returns whether text may be concealed behind one of the colours in plain lines (SGR 8).
pub(crate) fn conceals(lines: &[u8]) -> bool {
    memchr::memchr_iter(0x1b, lines).any(|at| {
        let digits = lines.get(at + 2..).unwrap_or_default();
        let body = &digits[..color_length(digits).unwrap_or(0)];
        body.split(|byte| matches!(byte, b';' | b':' | b'm')).any(|number| {
            let zeros = number.iter().take_while(|&&byte| byte == b'0').count();
            &number[zeros..] == b"8"
        })
    })
}
