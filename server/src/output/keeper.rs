//! Reads recordings in the background, and keeps the lines of them.
//!
//! One at a time, the latest first, and each piece of work is followed by as long a rest: whoever sends, or asks, comes
//! first. A recording is read when it is complete; one that goes on for longer also meanwhile.

use std::collections::{HashMap, HashSet};
use std::io;
use std::time::{Duration, Instant};

use casemate_audit_log::Time;
use casemate_audit_store::{NewBlock, Recording, StoreError};
use futures_util::TryStreamExt as _;
use uuid::Uuid;

use super::Lines;
use crate::app::App;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(1);

/// Recordings that are looked at in one go.
const AT_ONCE: u64 = 256;

/// So long one has to go on until it is read before it is complete, in microseconds.
const LONG: i64 = 60_000_000;

/// Of those that go on, so many are read: each has a screen in memory. Others are read when they are complete.
const GROWING: usize = 32;

/// Whose lines nothing was added to for so long gives way to another.
const IDLE: Duration = Duration::from_secs(300);

/// What went wrong is tried again after that.
const AGAIN: Duration = Duration::from_secs(600);

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Blocks that are written in one transaction: whoever sends waits for it.
const BLOCKS: usize = 16;

/// Keeps the lines of recordings, as long as it is let.
pub async fn keep(app: &App) {
    let mut keeper = Keeper { app: app.clone(), growing: HashMap::new(), failed: HashMap::new() };
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = keeper.round().await {
            crate::say(format_args!("what recordings showed cannot be kept: {error}"));
        }
    }
}

struct Keeper {
    app: App,
    growing: HashMap<Uuid, Growing>,
    failed: HashMap<Uuid, Instant>,
}

/// A recording that is being read.
struct Growing {
    lines: Lines,
    position: u64,
    /// Blocks before this one are there already.
    next: u64,
    ready: Vec<NewBlock>,
    read: Instant,
}

#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("it is no recording any more: {0}")]
    Unreadable(#[from] io::Error),
}

impl Keeper {
    /// Reads what there is to be read.
    async fn round(&mut self) -> Result<(), StoreError> {
        let (mut before, mut seen) = (None, HashSet::new());
        loop {
            let recordings = self.app.recordings.to_index(before, AT_ONCE).await?;
            let Some(last) = recordings.last() else { break };
            before = Some(last.id);
            for recording in recordings {
                seen.insert(recording.id);
                self.recording(&recording).await;
            }
        }
        self.growing.retain(|id, _| seen.contains(id));
        self.failed.retain(|id, _| seen.contains(id));
        Ok(())
    }

    async fn recording(&mut self, recording: &Recording) {
        let id = recording.id;
        if self.failed.get(&id).is_some_and(|failed| failed.elapsed() < AGAIN) {
            return;
        }
        let (growing, is_complete) = (self.growing.remove(&id), recording.completed.is_some());
        if growing.is_none() && !is_complete && !self.has_room_for(recording) {
            return;
        }
        match self.read(recording, growing).await {
            Ok(growing) if !is_complete => drop(self.growing.insert(id, growing)),
            Ok(_) | Err(KeepError::Store(StoreError::Deleted { .. })) => {}
            Err(error) => {
                crate::say(format_args!("what recording {id} showed cannot be kept: {error}"));
                self.failed.insert(id, Instant::now());
            }
        }
    }

    /// Whether one that goes on is worth a place, and there is one.
    fn has_room_for(&mut self, recording: &Recording) -> bool {
        if Time::now().0.saturating_sub(recording.created.0) < LONG {
            return false;
        }
        if self.growing.len() >= GROWING {
            let oldest = self.growing.iter().min_by_key(|(_, growing)| growing.read);
            let Some(oldest) = oldest.filter(|(_, growing)| growing.read.elapsed() > IDLE) else {
                return false;
            };
            let oldest = *oldest.0;
            self.growing.remove(&oldest);
        }
        true
    }

    /// Reads a recording to where it ends by now.
    async fn read(&self, recording: &Recording, growing: Option<Growing>) -> Result<Growing, KeepError> {
        let id = recording.id;
        let mut growing = match growing {
            Some(growing) => growing,
            None => self.begin(recording).await?,
        };
        if growing.position < recording.size {
            growing.read = Instant::now();
            let mut bytes = self.app.recordings.read(id, growing.position..recording.size).await?;
            while let Some(bytes) = bytes.try_next().await? {
                for piece in bytes.chunks(PIECE) {
                    let mut is_first = true;
                    while growing.step(is_first.then_some(piece)).await? {
                        is_first = false;
                        self.write(id, &mut growing, BLOCKS).await?;
                    }
                    self.write(id, &mut growing, BLOCKS).await?;
                }
                growing.position += bytes.len() as u64;
            }
        }
        if recording.completed.is_some() {
            tokio::task::block_in_place(|| growing.lines.finish());
            growing.take();
            self.write(id, &mut growing, BLOCKS).await?;
            self.app.recordings.index(id, &growing.ready, true).await?;
        } else {
            self.write(id, &mut growing, 1).await?;
        }
        Ok(growing)
    }

    async fn begin(&self, recording: &Recording) -> Result<Growing, KeepError> {
        let started = self.app.connections.get(recording.id).await?;
        let started = started.map_or(recording.created, |connection| connection.started);
        Ok(Growing {
            lines: Lines::new(recording.form, started)?,
            position: 0,
            next: self.app.recordings.blocks(recording.id).await?,
            ready: Vec::new(),
            read: Instant::now(),
        })
    }

    /// Writes what is ready, if it is as much as that.
    async fn write(&self, id: Uuid, growing: &mut Growing, least: usize) -> Result<(), KeepError> {
        while growing.ready.len() >= least {
            let begin = Instant::now();
            let blocks: Vec<_> = growing.ready.drain(..BLOCKS.min(growing.ready.len())).collect();
            self.app.recordings.index(id, &blocks, false).await?;
            tokio::time::sleep(begin.elapsed()).await;
        }
        Ok(())
    }
}

impl Growing {
    /// Reads on, and rests; says whether there is more to be read.
    async fn step(&mut self, bytes: Option<&[u8]>) -> Result<bool, KeepError> {
        let begin = Instant::now();
        let more = tokio::task::block_in_place(|| {
            if let Some(bytes) = bytes {
                self.lines.feed(bytes);
            }
            self.lines.read()
        });
        self.take();
        tokio::time::sleep(begin.elapsed()).await;
        Ok(more?)
    }

    fn take(&mut self) {
        let new = std::iter::from_fn(|| self.lines.next_block());
        self.ready.extend(new.filter(|block| block.number >= self.next));
    }
}
