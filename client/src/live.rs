//! The upload of a recording while it is made: a thread beside the recorder, which never waits for it.
//!
//! *Invariants*: what is recorded is in the file first; the thread only reads it. While the session goes on it is tried for
//! ever. A close request is told once.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::error::ClientError;
use crate::http::Client;
use crate::ingest::{NewConnection, NewEvent};
use crate::upload::Upload;

/// How often the file is looked at: what is typed is on the server within a quarter of a second, in no more than four calls.
const TICK: Duration = Duration::from_millis(250);

/// What is waited before something is tried again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));

/// What is uploaded.
#[derive(Debug)]
pub struct Begin {
    /// The id of session, connection and recording.
    pub id: Uuid,
    /// The recording.
    pub path: PathBuf,
    /// Whose it is.
    pub connection: NewConnection,
    /// What has happened to it so far.
    pub events: Vec<NewEvent>,
}

/// How the session ended.
#[derive(Debug)]
pub struct End {
    /// What happened to the connection then.
    pub events: Vec<NewEvent>,
    /// Nobody waits longer for the rest to be sent.
    pub patience: Duration,
}

/// What an upload left behind.
#[derive(Debug, Default)]
pub struct Left {
    /// All of it is on the server.
    pub is_complete: bool,
    /// So many bytes are not.
    pub bytes: u64,
    /// Why not.
    pub error: Option<ClientError>,
    /// Why the session was to end, if somebody closed it.
    pub closed: Option<String>,
}

/// An upload that goes on.
#[derive(Debug)]
pub struct Live(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    ended: Option<Vec<NewEvent>>,
    left: Left,
    /// The thread does nothing more.
    is_over: bool,
}

impl Live {
    /// Begins; `close` is told when somebody closes the connection, and why.
    ///
    /// # Errors
    /// There can be no thread.
    pub fn start(
        client: &Client,
        begin: Begin,
        close: impl FnOnce(&str) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let work = Work {
            client: client.clone(),
            begin,
            upload: None,
            close: Some(close),
            shared: Arc::clone(&shared),
        };
        std::thread::Builder::new().name("upload".into()).spawn(move || work.run())?;
        Ok(Self(shared))
    }

    /// Why the session is to end, if somebody closed it.
    #[must_use]
    pub fn closed(&self) -> Option<String> {
        self.0.lock().left.closed.clone()
    }

    /// The session has ended: waits until all is sent, or patience ends. `waiting` is told now and then how much is left.
    pub fn finish(self, end: End, mut waiting: impl FnMut(u64)) -> Left {
        let deadline = Instant::now() + end.patience;
        let mut state = self.0.lock();
        state.ended = Some(end.events);
        self.0.changed.notify_all();
        loop {
            let now = Instant::now();
            if state.is_over || now >= deadline {
                return std::mem::take(&mut state.left);
            }
            waiting(state.left.bytes);
            let wait = (deadline - now).min(TICK);
            let waited = self.0.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits so long, or until the session ends.
    fn wait(&self, time: Duration) {
        let state = self.lock();
        if state.ended.is_none() {
            // Woken for nothing is as good.
            drop(self.changed.wait_timeout(state, time));
        }
    }
}

/// What the thread has.
struct Work<C> {
    client: Client,
    begin: Begin,
    upload: Option<Upload>,
    close: Option<C>,
    shared: Arc<Shared>,
}

impl<C: FnOnce(&str)> Work<C> {
    fn run(mut self) {
        let mut pause = PAUSES.0;
        loop {
            // What is asked first may be older than what is sent: then there is another round.
            let is_all = self.shared.lock().ended.is_some();
            let came = self.step(is_all);
            let mut state = self.shared.lock();
            state.left.bytes = self.upload.as_ref().map_or(0, Upload::left);
            let is_temporary = came.as_ref().err().is_some_and(ClientError::is_temporary);
            match came {
                Ok(is_complete) => {
                    pause = PAUSES.0;
                    state.left.error = None;
                    state.left.is_complete = is_complete;
                    state.is_over = is_complete;
                }
                Err(error) => {
                    state.is_over = !is_temporary;
                    state.left.error = Some(error);
                }
            }
            let (is_over, is_behind) = (state.is_over, state.left.bytes > 0);
            drop(state);
            self.shared.changed.notify_all();
            if is_over {
                return;
            }
            if is_temporary {
                if is_all {
                    std::thread::sleep(PAUSES.0);
                } else {
                    self.shared.wait(pause);
                    pause = (pause * 2).min(PAUSES.1);
                }
            } else if !(is_all && is_behind) {
                self.shared.wait(TICK);
            }
        }
    }

    /// Sends what there is to send; gives whether all is there.
    fn step(&mut self, is_all: bool) -> Result<bool, ClientError> {
        let upload = match &mut self.upload {
            Some(upload) => upload,
            none => {
                let mut upload = Upload::open(&self.client, self.begin.id, &self.begin.path)?;
                upload.begin(&self.begin.connection)?;
                none.insert(upload)
            }
        };
        if is_all {
            // The end is told first: the rest of the bytes may take long.
            self.begin
                .events
                .extend(self.shared.lock().ended.as_mut().map(std::mem::take).into_iter().flatten());
        }
        while let Some(event) = self.begin.events.first() {
            match self.client.event(self.begin.id, event) {
                Ok(close) => {
                    if let Some(reason) = close {
                        Self::closed(&mut self.close, &self.shared, &reason);
                    }
                }
                Err(error) if error.is_temporary() => return Err(error),
                // What is told of a connection matters less than its recording.
                Err(_) => {}
            }
            self.begin.events.remove(0);
        }
        if is_all || upload.rest().is_zero() {
            let sent = upload.send(is_all)?;
            if let Some(reason) = &sent.close {
                Self::closed(&mut self.close, &self.shared, reason);
            }
        }
        Ok(upload.is_complete())
    }

    fn closed(close: &mut Option<C>, shared: &Shared, reason: &str) {
        let mut state = shared.lock();
        // A session that has ended need not be asked to.
        if state.ended.is_none()
            && let Some(close) = close.take()
        {
            state.left.closed = Some(reason.to_owned());
            drop(state);
            close(reason);
        }
    }
}
