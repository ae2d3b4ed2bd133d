//! What control characters and sequences do.

use crate::attrs::{Attrs, BLINK, BOLD, CONCEALED, Color, DIM, INVERSE, ITALIC, STRIKETHROUGH, UNDERLINE};
use crate::charset::Charset;
use crate::screen::{Modes, Screen};

/// How many parameters of a control sequence are looked at.
const MAX_PARAMETERS: usize = 64;

/// The parameters of a control sequence; one that is missing is 0.
struct Parameters {
    values: [u16; MAX_PARAMETERS],
    /// Bit n says that value n is a subparameter of the one before it.
    sub: u64,
    len: usize,
}

impl Parameters {
    fn new(digits: &[u8]) -> Self {
        let mut parameters = Self { values: [0; MAX_PARAMETERS], sub: 0, len: 1 };
        for &byte in digits {
            match byte {
                b'0'..=b'9' => {
                    let value = &mut parameters.values[parameters.len - 1];
                    *value = value.saturating_mul(10).saturating_add(u16::from(byte - b'0'));
                }
                _ if parameters.len == MAX_PARAMETERS => break,
                _ => {
                    if byte == b':' {
                        parameters.sub |= 1 << parameters.len;
                    }
                    parameters.len += 1;
                }
            }
        }
        parameters
    }

    fn get(&self, index: usize) -> u16 {
        self.values.get(index).copied().unwrap_or(0)
    }

    /// A parameter that counts something: 0 stands for 1.
    fn count(&self, index: usize) -> u16 {
        self.get(index).max(1)
    }

    fn all(&self) -> &[u16] {
        &self.values[..self.len]
    }

    /// Hands each parameter to `sink`, with those that belong to it.
    fn groups(&self, mut sink: impl FnMut(&[u16], &[u16]) -> usize) {
        let mut index = 0;
        while index < self.len {
            let mut end = index + 1;
            while end < self.len && self.sub & (1 << end) != 0 {
                end += 1;
            }
            let further = sink(&self.values[index..end], &self.values[end..self.len]);
            index = end + further;
        }
    }
}

impl Screen {
    /// Takes a control character.
    pub(crate) fn control(&mut self, byte: u8) {
        match byte {
            0x08 => self.left(1),
            b'\t' => self.tab(1),
            b'\n' | 0x0b | 0x0c => {
                if self.newline {
                    self.pos.col = 0;
                }
                self.index();
            }
            b'\r' => self.pos.col = 0,
            0x0e => self.charsets.active = 1,
            0x0f => self.charsets.active = 0,
            _ => {}
        }
    }

    /// Takes an escape sequence.
    pub(crate) fn escape_sequence(&mut self, intermediates: &[u8], end: u8) {
        match (intermediates, end) {
            ([], b'7') => self.save_cursor(),
            ([], b'8') => self.restore_cursor(),
            ([], b'=') => self.modes.set(Modes::APPLICATION_KEYPAD, true),
            ([], b'>') => self.modes.set(Modes::APPLICATION_KEYPAD, false),
            ([], b'D') => self.index(),
            ([], b'E') => {
                self.pos.col = 0;
                self.index();
            }
            ([], b'H') => self.set_tab(true),
            ([], b'M') => self.reverse_index(),
            ([], b'c') => self.reset(),
            ([], b'n') => self.charsets.active = 2,
            ([], b'o') => self.charsets.active = 3,
            ([b'#'], b'8') => self.align(),
            ([slot @ b'('..=b'+'], _) => {
                self.charsets.sets[usize::from(slot - b'(')] = Charset::from_final(end);
            }
            _ => {}
        }
    }

    /// Takes a control sequence: what stands between `ESC [` and its last byte.
    pub(crate) fn control_sequence(&mut self, body: &[u8], end: u8) {
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b';' | b':');
        let (private, body) = match body {
            [private @ b'<'..=b'?', rest @ ..] => (Some(*private), rest),
            _ => (None, body),
        };
        let digits = body.iter().take_while(|byte| is_digit(byte)).count();
        let (digits, intermediates) = body.split_at(digits);
        match (private, intermediates, end) {
            (None, [], b'm') if digits.is_empty() => self.attrs = Attrs::default(),
            (None, [], b's') if digits.is_empty() => self.save_cursor(),
            (None, [], b'u') if digits.is_empty() => self.restore_cursor(),
            (None, [], _) => self.plain_sequence(&Parameters::new(digits), end),
            (Some(b'?'), [], b'J') => self.erase_display(Parameters::new(digits).get(0)),
            (Some(b'?'), [], b'K') => self.erase_line(Parameters::new(digits).get(0)),
            (Some(b'?'), [], b'h' | b'l') => {
                let parameters = Parameters::new(digits);
                parameters.all().iter().for_each(|&mode| self.private_mode(mode, end == b'h'));
            }
            (None, b"!", b'p') => self.soft_reset(),
            _ => {}
        }
    }

    fn plain_sequence(&mut self, parameters: &Parameters, end: u8) {
        let (first, count) = (parameters.get(0), parameters.count(0));
        let (cols, attrs) = (self.cols, self.attrs);
        match end {
            b'A' => self.up(count),
            b'B' | b'e' => self.down(count),
            b'C' | b'a' => self.right(count),
            b'D' => self.left(count),
            b'E' => {
                self.down(count);
                self.pos.col = 0;
            }
            b'F' => {
                self.up(count);
                self.pos.col = 0;
            }
            b'G' | b'`' => self.go_to_column(count - 1),
            b'H' | b'f' => {
                self.go_to_row(count - 1);
                self.go_to_column(parameters.count(1) - 1);
            }
            b'I' => self.tab(count),
            b'Z' => self.back_tab(count),
            b'J' => self.erase_display(first),
            b'K' => self.erase_line(first),
            b'L' | b'M' => self.insert_or_delete_lines(count, end == b'L'),
            b'@' | b'P' | b'X' => {
                self.settle();
                let col = self.pos.col;
                let row = self.current_row();
                match end {
                    b'@' => row.insert(col, count, cols, attrs),
                    b'P' => row.delete(col, count, cols, attrs),
                    _ => row.erase(col, col.saturating_add(count).min(cols), cols, attrs),
                }
            }
            b'S' => self.scroll_up(count),
            // With more parameters it is highlight tracking.
            b'T' if parameters.len == 1 => self.scroll_down(count),
            b'b' => self.repeat(count),
            b'd' => self.go_to_row(count - 1),
            b'g' => match first {
                0 => self.set_tab(false),
                3 => self.tabs.fill(false),
                _ => {}
            },
            b'h' | b'l' => {
                for &mode in parameters.all() {
                    match mode {
                        4 => self.insert = end == b'h',
                        20 => self.newline = end == b'h',
                        _ => {}
                    }
                }
            }
            b'm' => self.rendition(parameters),
            b'r' => {
                let bottom = match parameters.get(1) {
                    0 => self.rows,
                    bottom => bottom,
                };
                self.set_margins(count - 1, bottom - 1);
            }
            _ => {}
        }
    }

    fn set_tab(&mut self, on: bool) {
        let col = usize::from(self.pos.col.min(self.cols - 1));
        if let Some(tab) = self.tabs.get_mut(col) {
            *tab = on;
        }
    }

    /// ED. A pending wrap stands behind the row, so nothing of it is erased forward.
    fn erase_display(&mut self, how: u16) {
        let (row, col) = (usize::from(self.pos.row), self.pos.col);
        let (cols, attrs) = (self.cols, self.attrs);
        let grid = self.grid_mut();
        match how {
            0 => {
                grid.rows.range_mut(row + 1..).for_each(|row| row.clear(attrs));
                grid.rows[row].erase(col, cols, cols, attrs);
            }
            1 => {
                grid.rows.range_mut(..row).for_each(|row| row.clear(attrs));
                grid.rows[row].erase(0, (col + 1).min(cols), cols, attrs);
            }
            2 => grid.clear(attrs),
            3 => self.clear_scrollback(),
            _ => {}
        }
    }

    /// EL.
    fn erase_line(&mut self, how: u16) {
        let (col, cols, attrs) = (self.pos.col, self.cols, self.attrs);
        let row = self.current_row();
        match how {
            0 => row.erase(col, cols, cols, attrs),
            1 => row.erase(0, (col + 1).min(cols), cols, attrs),
            2 => row.erase(0, cols, cols, attrs),
            _ => {}
        }
    }

    /// IL and DL, which only work between the margins.
    fn insert_or_delete_lines(&mut self, count: u16, insert: bool) {
        if !self.in_region() {
            return;
        }
        let (row, bottom) = (self.pos.row, self.bottom);
        self.pos.col = 0;
        if insert {
            self.move_down(row, bottom, count);
        } else {
            self.move_up(row, bottom, count);
        }
    }

    /// DECALN: fills the screen.
    fn align(&mut self) {
        (self.top, self.bottom) = (0, self.rows - 1);
        self.origin = false;
        self.home();
        let line = vec![b'E'; usize::from(self.cols)];
        for row in &mut self.grid_mut().rows {
            row.clear(Attrs::default());
            row.put_ascii(0, &line, Attrs::default());
        }
    }

    /// DECSET and DECRST.
    fn private_mode(&mut self, mode: u16, on: bool) {
        match mode {
            1 => self.modes.set(Modes::APPLICATION_CURSOR, on),
            6 => {
                self.origin = on;
                self.home();
            }
            7 => {
                self.autowrap = on;
                if !on {
                    self.settle();
                }
            }
            25 => self.modes.set(Modes::HIDE_CURSOR, !on),
            47 => self.is_alternate = on,
            1047 => {
                if !on && self.is_alternate {
                    self.alternate.clear(Attrs::default());
                }
                self.is_alternate = on;
            }
            1048 if on => self.save_cursor(),
            1048 => self.restore_cursor(),
            1049 if on => {
                if !self.is_alternate {
                    self.save_cursor();
                    self.is_alternate = true;
                }
                self.alternate.clear(self.attrs);
            }
            1049 => {
                if self.is_alternate {
                    self.is_alternate = false;
                    self.restore_cursor();
                }
            }
            2004 => self.modes.set(Modes::BRACKETED_PASTE, on),
            _ => {}
        }
    }

    /// SGR.
    fn rendition(&mut self, parameters: &Parameters) {
        let attrs = &mut self.attrs;
        parameters.groups(|group, rest| {
            match group {
                [0] => *attrs = Attrs::default(),
                [1] => attrs.set(BOLD, true),
                [2] => attrs.set(DIM, true),
                [3] => attrs.set(ITALIC, true),
                [4, 0] => attrs.set(UNDERLINE, false),
                [4, ..] | [21] => attrs.set(UNDERLINE, true),
                [5 | 6] => attrs.set(BLINK, true),
                [7] => attrs.set(INVERSE, true),
                [8] => attrs.set(CONCEALED, true),
                [9] => attrs.set(STRIKETHROUGH, true),
                [22] => attrs.set(BOLD | DIM, false),
                [23] => attrs.set(ITALIC, false),
                [24] => attrs.set(UNDERLINE, false),
                [25] => attrs.set(BLINK, false),
                [27] => attrs.set(INVERSE, false),
                [28] => attrs.set(CONCEALED, false),
                [29] => attrs.set(STRIKETHROUGH, false),
                [39] => attrs.fgcolor = Color::Default,
                [49] => attrs.bgcolor = Color::Default,
                [kind @ (38 | 48 | 58), sub @ ..] => {
                    let (color, further) =
                        if sub.is_empty() { color(rest) } else { (color_of_group(sub), 0) };
                    match (kind, color) {
                        (38, Some(color)) => attrs.fgcolor = color,
                        (48, Some(color)) => attrs.bgcolor = color,
                        // 58 is the colour of the underline.
                        _ => {}
                    }
                    return further;
                }
                &[plain] => {
                    let low = |base: u16| u8::try_from(plain - base).ok().map(Color::Idx);
                    match plain {
                        30..=37 => attrs.fgcolor = low(30).unwrap_or_default(),
                        40..=47 => attrs.bgcolor = low(40).unwrap_or_default(),
                        90..=97 => attrs.fgcolor = low(82).unwrap_or_default(),
                        100..=107 => attrs.bgcolor = low(92).unwrap_or_default(),
                        _ => {}
                    }
                }
                _ => {}
            }
            0
        });
    }
}

/// Reads a colour from the parameters behind 38; returns how many belong to it as well.
fn color(rest: &[u16]) -> (Option<Color>, usize) {
    match *rest {
        [5, index, ..] => (u8::try_from(index).ok().map(Color::Idx), 2),
        [2, red, green, blue, ..] => (rgb(red, green, blue), 4),
        _ => (None, rest.len()),
    }
}

/// Reads a colour from the subparameters of 38, with or without the number of a colour space.
fn color_of_group(sub: &[u16]) -> Option<Color> {
    match *sub {
        [5, index, ..] => u8::try_from(index).ok().map(Color::Idx),
        [2, red, green, blue] | [2, _, red, green, blue, ..] => rgb(red, green, blue),
        _ => None,
    }
}

fn rgb(red: u16, green: u16, blue: u16) -> Option<Color> {
    Some(Color::Rgb(u8::try_from(red).ok()?, u8::try_from(green).ok()?, u8::try_from(blue).ok()?))
}
