//! A session that runs, given on as it is recorded: the bytes of its recording, part after part.
//!
//! *Invariants*: what is given is what is in the files, from the first byte on, and ends when the session has ended and
//! all of it was given; a reader that goes away ends it as well. *Not here*: who may ask ([`crate::watching`]), and what
//! the bytes say.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use casemate_recorder::part_path;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::access::Access;
use crate::registry::{Registered, Registry};

/// While something comes, this is how often one looks for more; then ever more rarely, as in the player.
const SOON: Duration = Duration::from_millis(20);
const RARELY: Duration = Duration::from_millis(200);

/// So much is given at once.
const CHUNK: usize = 64 << 10;

/// Why there is no one session to follow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotOne {
    /// None runs.
    #[error("no session that runs has an id that begins with `{0}`")]
    None(String),
    /// More than one do.
    #[error("the ids of several sessions begin with `{0}`: {1}")]
    Several(String, String),
}

/// The one session whose id begins so.
///
/// # Errors
///
/// There is none, or more than one.
pub fn find<'a>(running: &'a [Registered], id: &str) -> Result<&'a Registered, NotOne> {
    let wanted = id.to_ascii_lowercase();
    let mut found = running.iter().filter(|session| !id.is_empty() && session.session.starts_with(&wanted));
    match (found.next(), found.next()) {
        (None, _) => Err(NotOne::None(id.to_owned())),
        (Some(one), None) => Ok(one),
        (Some(one), Some(other)) => {
            let ids = [one, other].into_iter().chain(found).map(|session| session.session.as_str());
            Err(NotOne::Several(id.to_owned(), ids.take(5).collect::<Vec<_>>().join(", ")))
        }
    }
}

/// Gives what is recorded of a session, to its end.
///
/// # Errors
///
/// The recording or the registry cannot be read, or whoever takes it takes no more; but that he is gone is none.
pub fn follow<W: Write + AsFd>(
    registry: &Registry,
    session: &Registered,
    access: Access,
    out: &mut W,
) -> io::Result<()> {
    let mut follower = Follower { registry, session, access, part: 1 };
    match follower.run(out) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

struct Follower<'a> {
    registry: &'a Registry,
    session: &'a Registered,
    access: Access,
    part: u32,
}

impl Follower<'_> {
    fn run<W: Write + AsFd>(&mut self, out: &mut W) -> io::Result<()> {
        let mut file = self.access.open(&self.session.recording)?;
        let mut pause = SOON;
        loop {
            // In this order: what was written before the session ended, or before the next part began, is there.
            let is_running = self.is_running()?;
            let next = self.next()?;
            if pass_on(&mut file, out)? > 0 {
                pause = SOON;
            }
            match next {
                Some(next) => {
                    file = next;
                    self.part += 1;
                }
                None if !is_running => return Ok(()),
                None => {
                    wait(out.as_fd(), pause)?;
                    pause = (pause * 3 / 2).min(RARELY);
                }
            }
        }
    }

    fn is_running(&self) -> io::Result<bool> {
        self.access.with(|| self.registry.is_running(&self.session.session)).map_err(io::Error::other)
    }

    /// The next part, once there is one.
    fn next(&self) -> io::Result<Option<File>> {
        match self.access.open(&part_path(&self.session.recording, self.part + 1)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            next => next.map(Some),
        }
    }
}

/// Gives all that is there; returns how much that is.
fn pass_on(file: &mut File, out: &mut impl Write) -> io::Result<u64> {
    let mut chunk = vec![0; CHUNK];
    let mut passed = 0;
    loop {
        match file.read(&mut chunk) {
            Ok(0) => break,
            Ok(read) => {
                out.write_all(&chunk[..read])?;
                passed += read as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if passed > 0 {
        out.flush()?;
    }
    Ok(passed)
}

/// Waits, unless whoever reads has gone.
fn wait(out: BorrowedFd<'_>, time: Duration) -> io::Result<()> {
    let time = Timespec::try_from(time).map_err(io::Error::other)?;
    let mut gone = [PollFd::from_borrowed_fd(out, PollFlags::empty())];
    match poll(&mut gone, Some(&time)) {
        Ok(_) if gone[0].revents().intersects(PollFlags::ERR | PollFlags::HUP) => {
            Err(ErrorKind::BrokenPipe.into())
        }
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
