//! One stream, carried from one end to the other by a thread of its own, byte for byte.
//!
//! Where the content is not wanted the bytes never come to us: `splice` moves them from pipe to pipe, between sockets
//! through a pipe of our own. What either end finds is what it would find without us: an end where there is an end, a pipe
//! that is broken where nobody reads any more, also while nothing flows.
//!
//! *Invariant*: descriptors that are shared with others are never set to non-blocking, nor shut down but where the other
//! side was.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, ioctl_fionread, read, write};
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_getpipe_size, fcntl_setpipe_size, pipe_with, splice};

use super::lend::Lender;
use super::log::Content;
use super::plumbing::Stream;
use super::shared::{Loan, Shared};

/// Of a pipe so much is lent, which takes 2 ms of a processor for each MiB, before it is moved: whoever reads more than that hardly
/// leaves the rest to somebody else.
const LENDING: u64 = 16 << 20;

/// A stream that carried so much is a long one, and gets larger pipes.
const LONG: u64 = 1 << 20;

/// What a pipe usually has room for.
const USUAL_PIPE: usize = 64 << 10;

/// Larger pipes take fewer turns. Four times the usual is most of what can be won, and leaves room for others of what a
/// user may have in pipes.
const LARGE_PIPE: usize = 256 << 10;

/// So many moves are made before everything else is looked at again.
const MOVES_IN_A_ROW: u32 = 32;

/// Where bytes have to come to us, so many at a time.
const CHUNK: usize = 64 << 10;

/// Whoever is to do nothing more is killed in milliseconds; who cannot be, because he is another's, finds an end after this.
const STOPPING: Duration = Duration::from_secs(1);

/// What is carried.
pub(super) struct Flow {
    pub(super) stream: Stream,
    pub(super) from: Arc<OwnedFd>,
    pub(super) to: Arc<OwnedFd>,
    pub(super) is_socket: bool,
}

/// How a flow ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// There will be no more.
    End,
    /// Nobody takes any more.
    Broken,
    /// Nothing may be carried any more.
    Cut,
}

impl Flow {
    /// Carries to the end.
    pub(super) fn run(self, shared: &Shared, content: Option<Content>) {
        let mut carrier = Carrier {
            flow: self,
            shared,
            copies: content.is_some(),
            content,
            relay: None,
            left: Left::Unasked,
            total: 0,
            is_large: false,
        };
        let ended = carrier.carry();
        let Carrier { flow, left, .. } = carrier;
        if ended == Ended::Cut {
            // Who finds that his pipe is broken may still do something about it.
            shared.wait_until_stopped(STOPPING);
        }
        flow.end(ended);
        shared.ended(left == Left::Nothing);
    }

    /// Lets both sides find what has happened to the other.
    fn end(self, ended: Ended) {
        // A pipe, and a connection that is closed both ways, is closed with our descriptors.
        if !self.is_socket {
            return;
        }
        // Whoever is gone already needs not be told.
        _ = match ended {
            Ended::Cut => Ok(()),
            Ended::End if self.stream != Stream::In && is_gone(self.from.as_fd()) => Ok(()),
            Ended::End => shutdown(&*self.to, Shutdown::Write),
            Ended::Broken if self.stream == Stream::In && is_gone(self.to.as_fd()) => Ok(()),
            Ended::Broken => shutdown(&*self.from, Shutdown::Read).map(|()| forget(&self.from)),
        };
    }
}

/// What is still to be carried of what was there when the program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Left {
    /// It has not ended.
    Unasked,
    Bytes(u64),
    /// Nothing, and that is said.
    Nothing,
}

struct Carrier<'a> {
    flow: Flow,
    shared: &'a Shared,
    /// What is still recorded.
    content: Option<Content>,
    /// Between two sockets.
    relay: Option<(OwnedFd, OwnedFd)>,
    /// The bytes come to us.
    copies: bool,
    left: Left,
    total: u64,
    /// Its pipes are.
    is_large: bool,
}

impl Carrier<'_> {
    fn carry(&mut self) -> Ended {
        // The other side of a connection is one of a pair: nobody else reads there.
        if self.flow.stream == Stream::In
            && !self.flow.is_socket
            && let Some(ended) = self.lend()
        {
            return ended;
        }
        self.move_all()
    }

    /// Lends; `None` where the rest is to be moved.
    fn lend(&mut self) -> Option<Ended> {
        let ended = match Lender::new(&self.flow.from, &self.flow.to) {
            Ok(lender) => {
                self.shared.loan().replace(Loan { lender, content: self.content.take() });
                let ended = self.lend_on();
                self.content = self.shared.loan().take().and_then(|loan| loan.content);
                ended
            }
            Err(_) => None,
        };
        self.copies = self.content.is_some();
        self.total = self.shared.carried(Stream::In as usize);
        widen(self.flow.to.as_fd(), USUAL_PIPE);
        ended
    }

    fn lend_on(&mut self) -> Option<Ended> {
        loop {
            let has_lent = self.shared.has_lent();
            let events = match self.look(!has_lent, has_lent) {
                Ok(events) => events,
                Err(Errno::INTR) => continue,
                Err(_) => return Some(Ended::Broken),
            };
            self.shared.note_read(Lender::settle);
            if events.cut {
                return Some(Ended::Cut);
            }
            if !(events.to - PollFlags::OUT).is_empty() {
                return Some(Ended::Broken);
            }
            if events.drain {
                self.begin_draining();
            }
            if self.shared.has_lent() {
                if !events.to.is_empty() {
                    // This is a pipe that does not wait for the end of a buffer.
                    self.shared.note_read(Lender::give_up);
                    return None;
                }
                continue;
            }
            if self.shared.carried(Stream::In as usize) >= LENDING {
                return None;
            }
            match self.shared.loan().as_mut()?.lender.lend() {
                Ok(0) => return Some(Ended::End),
                Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
                Err(Errno::PIPE) => return Some(Ended::Broken),
                Err(_) => return None,
            }
        }
    }

    fn move_all(&mut self) -> Ended {
        let mut buffer = Vec::new();
        let mut in_a_row = MOVES_IN_A_ROW;
        loop {
            // Where much flows, more is there, and asking first costs as much as taking it.
            if in_a_row == MOVES_IN_A_ROW {
                match self.wait() {
                    Ok(true) => in_a_row = 0,
                    Ok(false) => continue,
                    Err(ended) => return ended,
                }
            }
            let moved = if self.copies {
                buffer.resize(CHUNK, 0);
                in_a_row = MOVES_IN_A_ROW;
                self.copy(&mut buffer)
            } else {
                self.splice()
            };
            match moved {
                Ok(0) => return Ended::End,
                Ok(bytes) => {
                    self.count(bytes);
                    if self.total >= LONG && !self.is_large {
                        self.enlarge();
                    }
                    in_a_row = (in_a_row + 1).min(MOVES_IN_A_ROW);
                }
                // There were bytes, so that there is no room.
                Err(Moving::Again) if in_a_row == 0 => match self.wait_for_room() {
                    Ok(()) => in_a_row = 1,
                    Err(ended) => return ended,
                },
                Err(Moving::Again) => in_a_row = MOVES_IN_A_ROW,
                Err(Moving::Ended(ended)) => return ended,
            }
        }
    }

    /// Waits for bytes; whether there may be some.
    fn wait(&mut self) -> Result<bool, Ended> {
        let events = match self.look(true, false) {
            Ok(events) => events,
            Err(Errno::INTR) => return Ok(false),
            Err(_) => return Err(Ended::Broken),
        };
        if events.cut {
            return Err(Ended::Cut);
        }
        if !events.to.is_empty() {
            return Err(Ended::Broken);
        }
        if events.drain {
            self.begin_draining();
        }
        Ok(events.from)
    }

    /// Waits for something to happen: whatever happens at the one end only if it is `asked` for, room at the other.
    fn look(&self, asks_from: bool, asks_room: bool) -> rustix::io::Result<Events> {
        let source = |fd, flags| PollFd::from_borrowed_fd(fd, flags);
        let room = if asks_room { PollFlags::OUT } else { PollFlags::empty() };
        let (cut, drain) = (self.shared.is_cut(), self.shared.is_draining());
        let mut fds = vec![source(self.flow.to.as_fd(), room), source(cut, PollFlags::IN)];
        let from = asks_from.then_some(fds.len());
        fds.extend(from.map(|_| source(self.flow.from.as_fd(), PollFlags::IN)));
        let drain = (self.left == Left::Unasked).then(|| {
            fds.push(source(drain, PollFlags::IN));
            fds.len() - 1
        });
        poll(&mut fds, None)?;
        let has = |at: usize| !fds[at].revents().is_empty();
        Ok(Events {
            from: from.is_some_and(has),
            to: fds[0].revents(),
            cut: has(1),
            drain: drain.is_some_and(has),
        })
    }

    fn begin_draining(&mut self) {
        // What somebody still sends to the program is not waited for.
        let bytes = match self.flow.stream {
            Stream::In => 0,
            Stream::Out | Stream::Err => ioctl_fionread(&*self.flow.from).unwrap_or(0),
        };
        self.left = Left::Bytes(bytes);
        self.settle();
    }

    fn count(&mut self, bytes: usize) {
        let bytes = bytes as u64;
        self.total += bytes;
        self.shared.count(self.flow.stream, bytes);
        if let Left::Bytes(left) = self.left {
            self.left = Left::Bytes(left.saturating_sub(bytes));
            self.settle();
        }
    }

    /// Says that nothing is left, unless there will be nothing more, either: then the end is there to be found.
    fn settle(&mut self) {
        let ends = self.flow.stream != Stream::In && is_gone(self.flow.from.as_fd());
        if self.left == Left::Bytes(0) && !ends {
            self.left = Left::Nothing;
            self.shared.drained();
        }
    }

    fn splice(&mut self) -> Result<usize, Moving> {
        if !self.flow.is_socket {
            return match splice(
                &*self.flow.from,
                None,
                &*self.flow.to,
                None,
                LARGE_PIPE,
                SpliceFlags::NONBLOCK | SpliceFlags::MOVE,
            ) {
                Err(Errno::INVAL | Errno::NOSYS) => Err(self.fall_back()),
                result => moved(result),
            };
        }
        if self.relay.is_none() {
            self.relay = pipe_with(PipeFlags::CLOEXEC).ok();
        }
        let Some((reader, writer)) = &self.relay else { return Err(self.fall_back()) };
        let taken = match splice(
            &*self.flow.from,
            None,
            writer,
            None,
            LARGE_PIPE,
            SpliceFlags::NONBLOCK | SpliceFlags::MOVE,
        ) {
            Err(Errno::INVAL | Errno::NOSYS) => return Err(self.fall_back()),
            // The connection broke: there will be no more.
            Err(error) if !matches!(error, Errno::AGAIN | Errno::INTR) => return Ok(0),
            result => moved(result)?,
        };
        let mut left = taken;
        while left > 0 {
            match splice(reader, None, &*self.flow.to, None, left, SpliceFlags::MOVE) {
                Ok(0) => return Err(Moving::Ended(Ended::Broken)),
                Ok(given) => left -= given,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait_for_room().map_err(Moving::Ended)?,
                Err(_) => return Err(Moving::Ended(Ended::Broken)),
            }
        }
        Ok(taken)
    }

    /// What cannot be spliced is copied.
    fn fall_back(&mut self) -> Moving {
        self.copies = true;
        Moving::Again
    }

    /// Records what has passed, as long as it is to be.
    fn record(&mut self, bytes: &[u8]) {
        let Some(content) = &mut self.content else { return };
        if self.flow.stream != Stream::In {
            // What was read to make that comes before it.
            self.shared.note_read(Lender::settle);
        }
        if !content.record(bytes) {
            self.content = None;
            // Where it cannot be moved, that is found out again.
            self.copies = false;
        }
    }

    fn copy(&mut self, buffer: &mut [u8]) -> Result<usize, Moving> {
        let length = match read(&*self.flow.from, &mut *buffer) {
            Err(error) if !matches!(error, Errno::AGAIN | Errno::INTR) => return Ok(0),
            result => moved(result)?,
        };
        let mut rest = &buffer[..length];
        while !rest.is_empty() {
            match write(&*self.flow.to, rest) {
                Ok(given) => rest = &rest[given..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait_for_room().map_err(Moving::Ended)?,
                Err(_) => return Err(Moving::Ended(Ended::Broken)),
            }
        }
        self.record(&buffer[..length]);
        Ok(length)
    }

    fn wait_for_room(&self) -> Result<(), Ended> {
        let source = |fd, flags| PollFd::from_borrowed_fd(fd, flags);
        let to = source(self.flow.to.as_fd(), PollFlags::OUT);
        let mut fds = [to, source(self.shared.is_cut(), PollFlags::IN)];
        match poll(&mut fds, None) {
            Ok(_) if !fds[1].revents().is_empty() => Err(Ended::Cut),
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(_) => Err(Ended::Broken),
        }
    }

    fn enlarge(&mut self) {
        self.is_large = true;
        let pipes = self.relay.as_ref().map(|(_, writer)| writer.as_fd());
        let pipes = pipes.into_iter().chain([self.flow.from.as_fd(), self.flow.to.as_fd()]);
        pipes.for_each(|pipe| widen(pipe, LARGE_PIPE));
    }
}

/// Makes a pipe larger, if it is smaller. Sockets have no such size, and not everybody may have it.
fn widen(pipe: BorrowedFd<'_>, size: usize) {
    if fcntl_getpipe_size(pipe).is_ok_and(|is| is < size) {
        _ = fcntl_setpipe_size(pipe, size);
    }
}

/// What has happened.
struct Events {
    /// Something at the end where we take.
    from: bool,
    /// At the end where we give.
    to: PollFlags,
    cut: bool,
    drain: bool,
}

/// Why nothing was moved.
#[derive(Clone, Copy, Debug)]
enum Moving {
    Again,
    Ended(Ended),
}

fn moved(result: rustix::io::Result<usize>) -> Result<usize, Moving> {
    match result {
        Ok(bytes) => Ok(bytes),
        Err(Errno::AGAIN | Errno::INTR) => Err(Moving::Again),
        Err(_) => Err(Moving::Ended(Ended::Broken)),
    }
}

/// Takes what has still come by a way that is shut. A connection that is closed with something left in it is broken for
/// the other side, where it should be at its end.
fn forget(socket: &OwnedFd) {
    let mut buffer = [0; 4096];
    while recv(socket, &mut buffer, RecvFlags::DONTWAIT).is_ok_and(|(bytes, _)| bytes > 0) {}
}

/// What there is at a descriptor, without waiting.
fn state(descriptor: BorrowedFd<'_>) -> PollFlags {
    let mut fds = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    match poll(&mut fds, Some(&now)) {
        Ok(_) => fds[0].revents(),
        Err(_) => PollFlags::empty(),
    }
}

/// Whether the other side of a connection has closed it.
fn is_gone(descriptor: BorrowedFd<'_>) -> bool {
    state(descriptor).contains(PollFlags::HUP)
}
