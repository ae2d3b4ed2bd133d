//! Recordings that are arriving: bytes in, kept with the commands that they hold, in one transaction.
//!
//! What is known of a recording while it arrives is in memory, and can be made again of what is kept: after a start, or
//! where another server had it. Commands get the same ids each time.
//!
//! *Invariants*: bytes are acknowledged when they are on the disk. What is refused leaves nothing. One recording is worked on
//! by one call at a time.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::StatusCode;
use casemate_audit_log::Time;
use casemate_audit_log::model::{CommandEnd, CommandResult, ConnectionState, Event, Log};
use casemate_audit_store::connections::Connection;
use casemate_audit_store::{Batch, Chunk, Form, Recordings, StoreError};
use futures_util::TryStreamExt as _;
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;
use crate::intake::{About, Intake, Overlap, Refused, Space, Step};
use crate::lifecycle::ending;

/// What has not been heard of for so long is forgotten, and made again when it is.
const IDLE: Duration = Duration::from_secs(300);

/// So often the intake stops to have its events taken, in one call: each time it has read tens of mebibytes of text, or some
/// thousand events. What is left of the call then is not taken: whoever sends it goes on from there.
const ROUNDS: usize = 8;

/// A clock over there may be so far ahead of ours, in microseconds.
pub const AHEAD: i64 = 300_000_000;

/// What was recorded so long before its end comes was not uploaded while it was made, in microseconds.
pub(crate) const LATE: i64 = 60_000_000;

/// Why a connection is over whose recording is complete.
const ENDED: &str = "the recording ended";

/// What became of it.
#[derive(Clone, Copy, Debug)]
pub struct Uploaded {
    /// So many bytes of the recording are there.
    pub size: u64,
}

/// Recordings that are arriving.
#[derive(Debug, Default)]
pub struct Sessions(Mutex<HashMap<Uuid, Arc<Session>>>);

#[derive(Debug, Default)]
struct Session(AsyncMutex<Option<Open>>);

struct Open {
    intake: Intake,
    heard: Instant,
    /// It was made of what was kept. What somebody said of silences is not kept: a command that was decided by one may be
    /// unknown to it.
    is_again: bool,
}

impl std::fmt::Debug for Open {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Open").field("position", &self.intake.position()).finish_non_exhaustive()
    }
}

/// Bytes that somebody sends.
#[derive(Debug)]
pub struct Upload {
    /// Where they begin.
    pub offset: u64,
    /// They.
    pub bytes: Bytes,
    /// With them the recording is whole.
    pub is_last: bool,
    /// For so long nothing was recorded behind what is there.
    pub silence: Option<Duration>,
}

impl Sessions {
    fn session(&self, id: Uuid) -> Arc<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(sessions.entry(id).or_default())
    }

    pub(crate) fn forget(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn all(&self) -> Vec<(Uuid, Arc<Session>)> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.iter().map(|(id, session)| (*id, Arc::clone(session))).collect()
    }
}

impl App {
    /// Takes bytes of a recording; gives how many of it there are when they are kept.
    ///
    /// # Errors
    /// They do not go on where it ends, are not what is there already, or no part of a recording; or they cannot be kept.
    pub async fn upload(&self, connection: &Connection, upload: Upload) -> Result<Uploaded, ApiError> {
        let session = self.sessions.session(connection.id);
        let mut open = session.0.lock().await;
        let uploaded = self.upload_to(&mut open, connection, &upload).await;
        if open.is_none() {
            self.sessions.forget(connection.id);
        }
        uploaded
    }

    async fn upload_to(
        &self,
        open: &mut Option<Open>,
        connection: &Connection,
        upload: &Upload,
    ) -> Result<Uploaded, ApiError> {
        let id = connection.id;
        let recording = self.recordings.find(id).await?;
        if recording.deleted.is_some() {
            return Err(ApiError::new(StatusCode::GONE, "Deleted", "this recording was deleted"));
        }
        let stored = recording.size;
        let length = upload.bytes.len() as u64;
        let new = match (Overlap { stored, offset: upload.offset, length }).step() {
            Step::Append(from) => upload.bytes.slice(from..),
            Step::AlreadyThere => Bytes::new(),
            Step::Gap => return Err(gap(stored, upload.offset)),
            Step::Compare { stored, append } => {
                self.compare(id, stored, &upload.bytes).await?;
                upload.bytes.slice(append..)
            }
        };
        if recording.completed.is_some() {
            return if new.is_empty() {
                Ok(Uploaded { size: stored })
            } else {
                let message = format!("this recording is complete, with {stored} bytes");
                Err(ApiError::conflict(message).with_header("upload-offset", stored.to_string()))
            };
        }
        if open.as_ref().is_none_or(|open| open.intake.position() != stored) {
            if new.is_empty() && !upload.is_last {
                return Ok(Uploaded { size: stored });
            }
            *open = Some(self.again(connection, recording.form, stored).await?);
        }
        // Where something goes wrong from here on, what it knows may not be what is kept.
        let Some(mut session) = open.take() else { return Ok(Uploaded { size: stored }) };
        // A few compressed bytes may hold much to read.
        let fed = tokio::task::block_in_place(|| feed(&mut session.intake, &new));
        let (taken, mut events) = fed.map_err(|refused| no_part(&refused))?;
        if let Some(silence) = upload.silence.filter(|_| length == 0 && upload.offset == stored) {
            session.intake.rest(silence);
            events.extend(taken_of(&mut session.intake));
        }
        let is_last = upload.is_last && taken == new.len();
        let new = new.slice(..taken);
        let stored = stored + taken as u64;
        let mut steps = Vec::new();
        let session = if is_last {
            let end = tokio::task::block_in_place(|| session.intake.finish());
            let (duration, now) = (i64::try_from(end.duration.0).unwrap_or(i64::MAX), Time::now());
            let ended = Time(connection.started.0.saturating_add(duration));
            // What comes long after it was recorded ended when it did.
            let ended = if now.0.saturating_sub(ended.0) > LATE { ended } else { now };
            events.extend(end.events.into_iter().map(not_ahead));
            if session.is_again {
                self.end_the_rest(connection, ended, &mut events).await?;
            }
            steps.push(Recordings::completing(id, now));
            steps.push(ending(self, connection, ConnectionState::Closed, ENDED, ended));
            None
        } else {
            session.heard = Instant::now();
            Some(session)
        };
        let chunks = if new.is_empty() {
            Vec::new()
        } else {
            vec![Chunk { recording: id, offset: stored - new.len() as u64, bytes: new }]
        };
        if !(chunks.is_empty() && events.is_empty() && steps.is_empty()) {
            match self.journal.write(Batch { events, chunks, steps }).await {
                Ok(_) => {}
                Err(StoreError::Offset { expected, offset, .. }) => return Err(gap(expected, offset)),
                Err(error) => return Err(error.into()),
            }
        }
        *open = session;
        Ok(Uploaded { size: stored })
    }

    /// Ends what began, and of which nothing is known any more.
    async fn end_the_rest(
        &self,
        connection: &Connection,
        ended: Time,
        events: &mut Vec<Event>,
    ) -> Result<(), ApiError> {
        let connection_id = connection.id.to_string();
        let ends: HashSet<String> = events
            .iter()
            .filter(|event| event.log() == Log::CommandEnd)
            .map(|event| event.id().to_owned())
            .collect();
        let unended = self.database.unended(&connection_id).await?;
        events.extend(unended.into_iter().filter(|id| !ends.contains(id)).map(|id| {
            let (connection_id, result) = (connection_id.clone(), CommandResult::default());
            Event::CommandEnd(CommandEnd { id, connection_id, timestamp: ended, result })
        }));
        Ok(())
    }

    /// Whether bytes that come again are those that are there.
    async fn compare(&self, id: Uuid, range: std::ops::Range<u64>, bytes: &[u8]) -> Result<(), ApiError> {
        let (mut at, mut rest) = (range.start, bytes);
        let mut there = self.recordings.read(id, range).await?;
        while let Some(piece) = there.try_next().await? {
            let (same, after) = rest.split_at(piece.len().min(rest.len()));
            if piece != same {
                let message = format!("from byte {at} on, what comes is not what was sent before");
                return Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, "Differs", message));
            }
            (at, rest) = (at + piece.len() as u64, after);
        }
        Ok(())
    }

    /// What is known of a recording, from what is kept of it. Its commands may not all be in the log: whoever had it may have
    /// ended before it wrote them.
    async fn again(&self, connection: &Connection, form: Form, size: u64) -> Result<Open, ApiError> {
        let mut intake = Intake::new(form, self.about(connection)).map_err(|error| {
            crate::say(format_args!("a recording cannot be read: {error}"));
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "the server has no memory left")
        })?;
        let mut bytes = self.recordings.read(connection.id, 0..size).await?;
        while let Some(piece) = bytes.try_next().await? {
            let mut rest = &piece[..];
            while !rest.is_empty() {
                let taken = tokio::task::block_in_place(|| intake.feed(rest)).map_err(|refused| {
                    crate::say(format_args!("recording {}: {refused}", connection.id));
                    ApiError::conflict("what is kept of this recording cannot be read any more")
                })?;
                rest = &rest[taken..];
                let events: Vec<_> = taken_of(&mut intake).collect();
                if !events.is_empty() {
                    self.write(events).await?;
                }
            }
        }
        Ok(Open { intake, heard: Instant::now(), is_again: size > 0 })
    }

    fn about(&self, connection: &Connection) -> About {
        let space = connection.space_id.clone().zip(connection.space_name.clone());
        About {
            connection_id: connection.id.to_string(),
            organization_id: self.organization.id.to_string(),
            subject: connection.subject(),
            place: connection.place(),
            space: space.map(|(id, name)| Space { id, name }),
            started: connection.started,
        }
    }

    /// Time passes: what rests long enough is decided. To be called a few times a second.
    pub async fn pass_time(&self, now: Time) {
        for (id, session) in self.sessions.all() {
            // One that is worked on does not rest.
            let Ok(mut open) = session.0.try_lock() else { continue };
            let Some(there) = open.as_mut().filter(|open| open.heard.elapsed() < IDLE) else {
                self.sessions.forget(id);
                continue;
            };
            there.intake.advance(now);
            let events: Vec<_> = taken_of(&mut there.intake).collect();
            if !events.is_empty()
                && let Err(error) = self.write(events).await
            {
                crate::say(format_args!("commands of {id} cannot be kept: {}", error.message()));
                *open = None;
            }
        }
    }
}

/// Feeds as much of it as is taken in one call: says how much that is, and gives the events that are in it.
fn feed(intake: &mut Intake, bytes: &[u8]) -> Result<(usize, Vec<Event>), Refused> {
    let (mut events, mut at) = (Vec::new(), 0);
    for _ in 0..ROUNDS {
        if at == bytes.len() {
            break;
        }
        at += intake.feed(&bytes[at..])?;
        events.extend(taken_of(intake));
    }
    Ok((at, events))
}

/// The events of what was fed.
fn taken_of(intake: &mut Intake) -> impl Iterator<Item = Event> {
    std::iter::from_fn(|| intake.next_event()).map(not_ahead)
}

/// Whatever a recording says, what is yet to come has not happened.
fn not_ahead(mut event: Event) -> Event {
    let latest = Time(Time::now().0.saturating_add(AHEAD));
    match &mut event {
        Event::Command(command) => command.timestamp = command.timestamp.min(latest),
        Event::CommandEnd(end) => end.timestamp = end.timestamp.min(latest),
        Event::Kube(_) | Event::Connection(_) | Event::Subject(_) | Event::AgentStatusChange(_) => {}
    }
    event
}

fn no_part(refused: &Refused) -> ApiError {
    let message = format!("{refused}; nothing of this was kept");
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, refused.reason.name(), message)
}

fn gap(stored: u64, offset: u64) -> ApiError {
    let message = format!("it goes on at byte {stored}, not at {offset}");
    ApiError::new(StatusCode::CONFLICT, "OffsetMismatch", message)
        .with_header("upload-offset", stored.to_string())
}
