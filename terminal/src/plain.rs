//! Finds stretches of plain lines, which need no emulator: printable ASCII and colours, ended by CR LF.
//!
//! Such a line, begun in the first column, comes out as it is, whatever the width of the screen.

/// A stretch of whole plain lines.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct PlainLines {
    /// Length in bytes.
    pub(crate) length: usize,
    /// Number of lines.
    pub(crate) count: usize,
}

/// Finds the plain lines that `bytes` begins with.
pub(crate) fn plain_lines(bytes: &[u8]) -> PlainLines {
    let mut plain = PlainLines::default();
    let mut position = 0;
    loop {
        position += bytes[position..].iter().take_while(|byte| matches!(byte, 0x20..=0x7e)).count();
        match bytes[position..] {
            [b'\r', b'\n', ..] => {
                position += 2;
                plain.length = position;
                plain.count += 1;
            }
            [0x1b, b'[', ref rest @ ..] => match color_length(rest) {
                Some(length) => position += 2 + length,
                None => return plain,
            },
            _ => return plain,
        }
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

/// Hands the pieces of each line that are text to `piece`, and calls it with `None` at each end of a line.
pub(crate) fn for_each_piece(lines: &[u8], mut piece: impl FnMut(Option<&[u8]>)) {
    let mut rest = lines;
    while let Some(end) = rest.iter().position(|&byte| byte < 0x20) {
        piece(Some(&rest[..end]));
        let skipped = match rest[end..] {
            [0x1b, b'[', ref sequence @ ..] => 2 + color_length(sequence).unwrap_or(0),
            _ => {
                piece(None);
                2
            }
        };
        rest = rest.get(end + skipped..).unwrap_or_default();
    }
}
