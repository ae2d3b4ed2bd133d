//! Reads recordings in the background, and keeps the lines of them.
//!
//! One at a time, and each piece of work is followed by as long a rest: whoever sends, or asks, comes first. A recording is
//! read when it is complete; one that goes on for longer also meanwhile. Each has its turn, the shortest first: whoever
//! prints without end keeps nobody else's from being found.

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

/// Of those that are complete, so many are begun and not read to their end. Others wait, unless one turn is enough for them.
const BEGUN: usize = 16;

/// So much text of one is read in its turn.
const TURN: u64 = 2 << 20;

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
    let mut keeper = Keeper::new(app);
    loop {
        tokio::time::sleep(EVERY).await;
        loop {
            match keeper.round().await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    crate::say(format_args!("what recordings showed cannot be kept: {error}"));
                    break;
                }
            }
        }
    }
}

struct Keeper {
    app: App,
    growing: HashMap<Uuid, Growing>,
    failed: HashMap<Uuid, Instant>,
    /// For which one turn was not enough when there was no place for them.
    long: HashSet<Uuid>,
}

/// A recording that is being read.
struct Growing {
    lines: Lines,
    position: u64,
    /// What was fed is not all read.
    has_more: bool,
    is_complete: bool,
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
    fn new(app: &App) -> Self {
        let (growing, failed, long) = (HashMap::new(), HashMap::new(), HashSet::new());
        Self { app: app.clone(), growing, failed, long }
    }

    /// Gives each recording that is to be read its turn; says whether there is more of one.
    async fn round(&mut self) -> Result<bool, StoreError> {
        let (mut due, mut before) = (Vec::new(), None);
        loop {
            let recordings = self.app.recordings.to_index(before, AT_ONCE).await?;
            let Some(last) = recordings.last() else { break };
            before = Some(last.id);
            due.extend(recordings);
        }
        due.sort_by_cached_key(|recording| {
            let read = self.growing.get(&recording.id).map_or(0, |growing| growing.position);
            recording.size.saturating_sub(read)
        });
        let mut is_more = false;
        for recording in &due {
            is_more |= self.turn(recording).await;
        }
        let due: HashSet<Uuid> = due.into_iter().map(|recording| recording.id).collect();
        self.growing.retain(|id, _| due.contains(id));
        self.failed.retain(|id, _| due.contains(id));
        self.long.retain(|id| due.contains(id));
        Ok(is_more)
    }

    /// Says whether there is more of it to be read.
    async fn turn(&mut self, recording: &Recording) -> bool {
        let id = recording.id;
        if self.failed.get(&id).is_some_and(|failed| failed.elapsed() < AGAIN) {
            return false;
        }
        let (growing, is_complete) = (self.growing.remove(&id), recording.completed.is_some());
        let begun = self.growing.values().filter(|growing| growing.is_complete).count();
        let has_place = growing.is_some() || begun < BEGUN;
        let may = match is_complete {
            true => has_place || (recording.size <= TURN && !self.long.contains(&id)),
            false => growing.is_some() || self.has_room_for(recording),
        };
        if !may {
            return false;
        }
        match self.read(recording, growing).await {
            Ok((_, false)) if is_complete => false,
            Ok((_, true)) if is_complete && !has_place => {
                self.long.insert(id);
                false
            }
            Ok((growing, is_more)) => {
                self.growing.insert(id, growing);
                is_more
            }
            Err(KeepError::Store(StoreError::Deleted { .. })) => false,
            Err(error) => {
                crate::say(format_args!("what recording {id} showed cannot be kept: {error}"));
                self.failed.insert(id, Instant::now());
                false
            }
        }
    }

    /// Whether one that goes on is worth a place, and there is one.
    fn has_room_for(&mut self, recording: &Recording) -> bool {
        if Time::now().0.saturating_sub(recording.created.0) < LONG {
            return false;
        }
        let growing = self.growing.iter().filter(|(_, growing)| !growing.is_complete);
        if growing.clone().count() >= GROWING {
            let oldest = growing.min_by_key(|(_, growing)| growing.read);
            let Some(oldest) = oldest.filter(|(_, growing)| growing.read.elapsed() > IDLE) else {
                return false;
            };
            let oldest = *oldest.0;
            self.growing.remove(&oldest);
        }
        true
    }

    /// Reads a recording to where it ends by now, or its turn does; then there is more.
    async fn read(
        &self,
        recording: &Recording,
        growing: Option<Growing>,
    ) -> Result<(Growing, bool), KeepError> {
        let id = recording.id;
        let mut growing = match growing {
            Some(growing) => growing,
            None => self.begin(recording).await?,
        };
        growing.is_complete = recording.completed.is_some();
        let end = growing.lines.text_read() + TURN;
        if growing.has_more && !self.step(id, &mut growing, None, end).await? {
            return Ok((growing, true));
        }
        if growing.position < recording.size {
            growing.read = Instant::now();
            let mut bytes = self.app.recordings.read(id, growing.position..recording.size).await?;
            while let Some(bytes) = bytes.try_next().await? {
                for piece in bytes.chunks(PIECE) {
                    growing.position += piece.len() as u64;
                    if !self.step(id, &mut growing, Some(piece), end).await? {
                        return Ok((growing, true));
                    }
                }
            }
        }
        if growing.is_complete {
            tokio::task::block_in_place(|| growing.lines.finish());
            growing.take();
            self.write(id, &mut growing, BLOCKS).await?;
            self.app.recordings.index(id, &growing.ready, true).await?;
        } else {
            self.write(id, &mut growing, 1).await?;
        }
        Ok((growing, false))
    }

    /// Reads a piece, or what is left of the one before; says whether the turn goes on.
    async fn step(
        &self,
        id: Uuid,
        growing: &mut Growing,
        mut piece: Option<&[u8]>,
        end: u64,
    ) -> Result<bool, KeepError> {
        loop {
            growing.step(piece.take()).await?;
            self.write(id, growing, BLOCKS).await?;
            if growing.lines.text_read() >= end {
                return Ok(false);
            }
            if !growing.has_more {
                return Ok(true);
            }
        }
    }

    async fn begin(&self, recording: &Recording) -> Result<Growing, KeepError> {
        let started = self.app.connections.get(recording.id).await?;
        let started = started.map_or(recording.created, |connection| connection.started);
        Ok(Growing {
            lines: Lines::new(recording.form, started)?,
            position: 0,
            has_more: false,
            is_complete: false,
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
    /// Reads on, and rests.
    async fn step(&mut self, bytes: Option<&[u8]>) -> Result<(), KeepError> {
        let begin = Instant::now();
        let has_more = tokio::task::block_in_place(|| {
            if let Some(bytes) = bytes {
                self.lines.feed(bytes);
            }
            self.lines.read()
        });
        self.take();
        tokio::time::sleep(begin.elapsed()).await;
        self.has_more = has_more?;
        Ok(())
    }

    fn take(&mut self) {
        let new = std::iter::from_fn(|| self.lines.next_block());
        self.ready.extend(new.filter(|block| block.number >= self.next));
    }
}

#[cfg(test)]
mod tests {
    use casemate_audit_store::{Batch, Chunk, Form, NewRecording};

    use super::*;
    use crate::Server;
    use crate::config::Config;

    fn cast(lines: usize) -> String {
        let events: String =
            (0..lines).map(|at| format!("[{at}.0,\"o\",\"line {at:090}\\r\\n\"]\n")).collect();
        format!("{{\"version\":2,\"width\":80,\"height\":24}}\n{events}")
    }

    /// A recording that is complete, of so many lines.
    async fn recorded(app: &App, lines: usize) -> Uuid {
        let id = Uuid::now_v7();
        let recording = NewRecording {
            id,
            form: Form::Cast,
            subject_id: "alice".into(),
            created: Time::now(),
            input_recorded: false,
        };
        app.recordings.create(&recording).await.unwrap();
        let chunk = Chunk { recording: id, offset: 0, bytes: cast(lines).into() };
        app.journal.write(Batch { chunks: vec![chunk], ..Batch::default() }).await.unwrap();
        app.recordings.complete(id, Time::now()).await.unwrap();
        id
    }

    async fn due(app: &App) -> HashSet<Uuid> {
        let due = app.recordings.to_index(None, 100).await.unwrap();
        due.into_iter().map(|recording| recording.id).collect()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_flood_keeps_nobody_else_from_being_found() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        let server = Server::open(config, folder.path().join("data")).await;
        let app = server.unwrap().app().clone();
        let mut keeper = Keeper::new(&app);
        // Four turns, and less than one.
        let flood = recorded(&app, 70_000).await;
        recorded(&app, 1_000).await;
        assert!(keeper.round().await.unwrap());
        assert_eq!(due(&app).await, [flood].into());
        // Whoever comes meanwhile does not wait for it.
        let other = recorded(&app, 20_000).await;
        assert!(keeper.round().await.unwrap());
        assert_eq!(due(&app).await, [flood, other].into());
        assert!(keeper.round().await.unwrap());
        assert_eq!(due(&app).await, [flood].into());
        while keeper.round().await.unwrap() {}
        assert_eq!((due(&app).await, keeper.growing.len()), (HashSet::new(), 0));
        // In turns the same is made as in one go.
        let mut lines = Lines::new(Form::Cast, Time(0)).unwrap();
        lines.feed(cast(20_000).as_bytes());
        lines.finish();
        let made = std::iter::from_fn(|| lines.next_block()).count();
        assert_eq!(app.recordings.blocks(other).await.unwrap(), made as u64);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn where_many_are_begun_the_short_ones_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        let server = Server::open(config, folder.path().join("data")).await;
        let app = server.unwrap().app().clone();
        let mut keeper = Keeper::new(&app);
        let long = recorded(&app, 20_000).await;
        let recording = app.recordings.find(long).await.unwrap();
        for _ in 0..BEGUN {
            let mut begun = keeper.begin(&recording).await.unwrap();
            begun.is_complete = true;
            keeper.growing.insert(Uuid::now_v7(), begun);
        }
        let short = recorded(&app, 100).await;
        keeper.turn(&app.recordings.find(short).await.unwrap()).await;
        keeper.turn(&recording).await;
        assert_eq!((due(&app).await, keeper.growing.len()), ([long].into(), BEGUN));
        keeper.growing.clear();
        while keeper.round().await.unwrap() {}
        assert_eq!(due(&app).await, HashSet::new());
    }
}
