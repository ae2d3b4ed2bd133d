//! What was typed before we read keys: the person's terminal has taken it as lines, and shown it already.
//!
//! It is typed again in the session's terminal before anything runs there, and what that shows of it is recorded but not
//! shown a second time. A terminal that is made raw would turn an end of input into a NUL: so it is read before.

use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::termios::{InputModes, LocalModes, SpecialCodeIndex, Termios};

use crate::nonblocking::{Read, read_some};

/// The system keeps no more than this.
const LIMIT: usize = 4096;

/// Keys that lead to what waited in a terminal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TypedAhead {
    pub(crate) keys: Vec<u8>,
    /// How much of it can be read at once: whole lines.
    pub(crate) in_lines: u64,
    /// Whether the terminal showed them.
    pub(crate) shown: bool,
}

impl TypedAhead {
    /// Takes the lines that wait in a terminal with these attributes, if any do. One that takes no lines has
    /// shown nothing, and what waits there is read as all that comes later.
    pub(crate) fn lines(terminal: BorrowedFd<'_>, attributes: &Termios) -> Self {
        let mut typed = Self { shown: attributes.local_modes.contains(LocalModes::ECHO), ..Self::default() };
        if !attributes.local_modes.contains(LocalModes::ICANON) {
            return typed;
        }
        let mut line = [0; LIMIT];
        while typed.keys.len() <= LIMIT && has_more(terminal) {
            match read_some(terminal, &mut line) {
                Read::Bytes(length) => typed.line(&line[..length], attributes),
                Read::End => typed.line(&[], attributes),
                Read::Nothing => break,
            }
        }
        typed
    }

    /// Takes the beginning of a line, which can be read now that the terminal takes none.
    pub(crate) fn rest(&mut self, terminal: BorrowedFd<'_>, attributes: &Termios) {
        let mut rest = [0; LIMIT];
        if attributes.local_modes.contains(LocalModes::ICANON)
            && has_more(terminal)
            && let Read::Bytes(length) = read_some(terminal, &mut rest)
        {
            self.quote(&rest[..length], attributes);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// One line as it was read: what it ends with is there, but for an end of input.
    fn line(&mut self, line: &[u8], attributes: &Termios) {
        let code = |index| Some(attributes.special_codes[index]).filter(|code| *code != 0);
        let ends = [Some(b'\n'), code(SpecialCodeIndex::VEOL), code(SpecialCodeIndex::VEOL2)];
        match line.split_last() {
            Some((end, text)) if ends.contains(&Some(*end)) => {
                self.quote(text, attributes);
                self.keys.push(*end);
            }
            _ => {
                self.quote(line, attributes);
                self.keys.extend(code(SpecialCodeIndex::VEOF));
            }
        }
        self.in_lines += line.len() as u64;
    }

    /// Text of which no character means anything to the terminal: where one would, it is typed behind the one that says so.
    fn quote(&mut self, text: &[u8], attributes: &Termios) {
        let codes = &attributes.special_codes;
        let quote = Some(codes[SpecialCodeIndex::VLNEXT])
            .filter(|quote| *quote != 0 && attributes.local_modes.contains(LocalModes::IEXTEN));
        let maps = |byte: u8| {
            byte == b'\r' && attributes.input_modes.intersects(InputModes::ICRNL | InputModes::IGNCR)
        };
        let means = |byte: u8| maps(byte) || byte != 0 && MEANING.iter().any(|index| codes[*index] == byte);
        for &byte in text {
            self.keys.extend(quote.filter(|_| means(byte)));
            self.keys.push(byte);
        }
    }
}

/// Characters that mean something where lines are taken.
const MEANING: [SpecialCodeIndex; 13] = [
    SpecialCodeIndex::VINTR,
    SpecialCodeIndex::VQUIT,
    SpecialCodeIndex::VERASE,
    SpecialCodeIndex::VKILL,
    SpecialCodeIndex::VEOF,
    SpecialCodeIndex::VEOL,
    SpecialCodeIndex::VEOL2,
    SpecialCodeIndex::VSTART,
    SpecialCodeIndex::VSTOP,
    SpecialCodeIndex::VSUSP,
    SpecialCodeIndex::VWERASE,
    SpecialCodeIndex::VREPRINT,
    SpecialCodeIndex::VLNEXT,
];

/// Whether there is something to read, and somebody to have typed it. Reading might have to wait otherwise.
fn has_more(terminal: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::from_borrowed_fd(terminal, PollFlags::IN)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut polled, Some(&now)).is_ok() && polled[0].revents() == PollFlags::IN
}

/// Both sides of a new terminal.
#[cfg(test)]
pub(crate) fn terminal_for_tests() -> (std::os::fd::OwnedFd, std::os::fd::OwnedFd) {
    let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
    crate::pty::OpenPty::open(size, None).unwrap().into_sides()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsFd as _, OwnedFd};

    use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

    use crate::pty::OpenPty;

    fn pty() -> (OwnedFd, OwnedFd, OpenPty) {
        let size = rustix::termios::Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let open = |like| OpenPty::open(size, like).unwrap();
        let (master, terminal) = open(None).into_sides();
        rustix::io::ioctl_fionbio(&terminal, true).unwrap();
        let like = tcgetattr(&terminal).unwrap();
        (master, terminal, open(Some(&like)))
    }

    /// All that can be read of a terminal, read by read.
    fn reads(terminal: &OwnedFd) -> Vec<Vec<u8>> {
        rustix::io::ioctl_fionbio(terminal, true).unwrap();
        let (mut reads, mut buffer) = (Vec::new(), [0; LIMIT]);
        loop {
            match read_some(terminal.as_fd(), &mut buffer) {
                Read::Bytes(length) => reads.push(buffer[..length].to_vec()),
                Read::End => reads.push(Vec::new()),
                Read::Nothing => return reads,
            }
        }
    }

    #[track_caller]
    fn check(typed: &[u8], lines: &[&[u8]], rest: &[u8]) {
        let (person, shown, session) = pty();
        rustix::io::write(&person, typed).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(20));
        let attributes = tcgetattr(&shown).unwrap();
        let mut ahead = TypedAhead::lines(shown.as_fd(), &attributes);
        let mut raw = attributes.clone();
        raw.make_raw();
        tcsetattr(&shown, OptionalActions::Now, &raw).unwrap();
        ahead.rest(shown.as_fd(), &attributes);
        assert!(reads(&shown).is_empty(), "all of it is taken");

        let echo = session.type_ahead(&ahead).unwrap();
        let mut was = [0; LIMIT];
        let Read::Bytes(length) = read_some(person.as_fd(), &mut was) else { panic!("nothing was shown") };
        assert_eq!(echo.escape_ascii().to_string(), was[..length].escape_ascii().to_string());
        let (_master, terminal) = session.into_sides();
        assert_eq!(reads(&terminal), lines);
        tcsetattr(&terminal, OptionalActions::Now, &raw).unwrap();
        assert_eq!(reads(&terminal).concat(), rest);
    }

    #[test]
    fn what_was_typed_ahead_waits_in_the_other_terminal() {
        check(b"ls\r", &[b"ls\n"], b"");
        check(b"one\rtwo\nhalf", &[b"one\n", b"two\n"], b"half");
        check(b"a\x16\x04b\x16\rc\x16\x16\r", &[b"a\x04b\rc\x16\n"], b"");
    }

    #[test]
    fn an_end_of_input_stays_one() {
        check(b"typed\n\x04", &[b"typed\n", b""], b"");
        check(b"half\x04\x04more\r", &[b"half", b"", b"more\n"], b"");
    }

    #[test]
    fn nothing_is_nothing() {
        let (_person, shown, _) = pty();
        let attributes = tcgetattr(&shown).unwrap();
        assert!(TypedAhead::lines(shown.as_fd(), &attributes).is_empty());
    }

    #[test]
    fn one_that_nobody_is_at_any_more_ends() {
        let (person, shown, _) = pty();
        let attributes = tcgetattr(&shown).unwrap();
        drop(person);
        assert!(TypedAhead::lines(shown.as_fd(), &attributes).is_empty());
    }
}
