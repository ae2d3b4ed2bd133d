//! What comes through a pipe, copied to a file without a name as it comes, so that it can be played meanwhile.
//!
//! *Invariants*: who finds that nothing more comes finds all of it in the file. The thread ends with the pipe, with an
//! error, or with the last who reads the recording.

use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read as _, Write as _};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::spool::CHUNK;
use super::{OpenError, SPOOL_LIMIT};
use crate::shared::Shared;

/// A pipe that is being copied.
#[derive(Debug)]
pub(crate) struct Inflow {
    state: Arc<Shared<State>>,
    /// Closed, it ends the thread.
    wanted: Option<PipeWriter>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    /// How it ended, once it has.
    end: Option<Result<(), String>>,
}

impl Inflow {
    /// Begins to copy; returns the copy as well.
    pub(super) fn start(name: &str, from: File) -> Result<(Self, File), OpenError> {
        let failed = |error| OpenError::Unpack(name.into(), error);
        let to = tempfile::tempfile().map_err(failed)?;
        let copy = to.try_clone().map_err(failed)?;
        let (unwanted, wanted) = io::pipe().map_err(failed)?;
        let state = Arc::<Shared<State>>::default();
        let thread = Builder::new().name("pipe".into()).spawn({
            let state = Arc::clone(&state);
            move || {
                let end = copy_all(from, to, &unwanted, &state);
                state.change(|state| state.end = Some(end.map_err(|error| error.to_string())));
            }
        });
        let thread = Some(thread.map_err(failed)?);
        Ok((Self { state, wanted: Some(wanted), thread }, copy))
    }

    /// Whether more may come.
    ///
    /// # Errors
    /// When the pipe could not be read, or the copy not be written.
    pub(crate) fn is_going(&self) -> io::Result<bool> {
        match &self.state.lock().end {
            None => Ok(true),
            Some(Ok(())) => Ok(false),
            Some(Err(error)) => Err(io::Error::other(error.clone())),
        }
    }

    /// Waits until there are more than so many bytes, or nothing more comes; at most for about so long.
    pub(crate) fn wait(&self, than: u64, time: Duration) {
        let state = self.state.lock();
        if state.end.is_none() && state.bytes <= than {
            self.state.wait(state, time);
        }
    }
}

impl Drop for Inflow {
    fn drop(&mut self) {
        drop(self.wanted.take());
        if let Some(thread) = self.thread.take() {
            // Should it have panicked, nobody asks for what it would have read any more.
            thread.join().ok();
        }
    }
}

fn copy_all(mut from: File, mut to: File, unwanted: &PipeReader, state: &Shared<State>) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut bytes = 0;
    loop {
        let mut ready = [PollFd::new(&from, PollFlags::IN), PollFd::new(unwanted, PollFlags::IN)];
        match poll(&mut ready, None) {
            Ok(_) if !ready[1].revents().is_empty() => return Ok(()),
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => {
                bytes += read as u64;
                if bytes > SPOOL_LIMIT {
                    let gib = SPOOL_LIMIT >> 30;
                    return Err(io::Error::other(format!("it holds more than {gib} GiB")));
                }
                to.write_all(&chunk[..read])?;
                state.change(|state| state.bytes = bytes);
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
    }
}
