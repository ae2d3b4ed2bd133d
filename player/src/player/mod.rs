//! The player: one position in a recording, and the screen there.
//!
//! - `seek`: to a [`Target`], at once or bit by bit; `step`: frame by frame; `play`: as time passes.
//!
//! *Invariants*: the position lies between two events, and [`Player::screen`] shows what all events before it have left.
//! Nothing here reads a clock; waiting for the index is the only thing that takes time by itself.

mod play;
mod seek;
mod step;

use std::io;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use casemate_cast_format::{Header, Micros};
use casemate_terminal::Vt100Screen;

pub use play::{Advance, State};
pub use seek::Pursuit;

use crate::index::{Folder, Index, Indexer};
use crate::pace::Pace;
use crate::recording::{Block, Blocks, OpenError, Recording};
use crate::search::Pass;
use crate::stage::{Spot, Stage};
use crate::target::Target;

/// So long is waited for the index at once, at most; then whoever waits can do something else.
const PATIENCE: Duration = Duration::from_millis(10);

/// Plays a recording.
#[derive(Debug)]
pub struct Player {
    indexer: Indexer,
    blocks: Blocks,
    name: String,
    header: Arc<Header>,
    stage: Stage,
    spot: Spot,
    /// Where the position is between the events before and behind the spot.
    time: Micros,
    goal: Option<seek::Goal>,
    play: play::Playing,
    /// When commands began, by time.
    commands: Vec<Micros>,
    /// When the last line of a file with absolute times happened.
    tail: Option<Micros>,
}

/// Where a player is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Since the start of the recording.
    pub time: Micros,
    /// How many events lie before it, if they have been counted already.
    pub event: Option<u64>,
}

/// How long a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Its last event is at this time.
    Exact(Micros),
    /// This is what the file says before all of it has been read.
    Estimated(Micros),
    /// The file does not say it, and has not been read to its end.
    Unknown,
}

impl Length {
    /// The time, exact or not.
    #[must_use]
    pub fn time(self) -> Option<Micros> {
        match self {
            Self::Exact(time) | Self::Estimated(time) => Some(time),
            Self::Unknown => None,
        }
    }
}

/// What comes behind a spot.
enum Next {
    /// An event of this block.
    Event(Spot, Arc<Block>),
    /// Nothing, as long as the file does not grow; the recording ends there.
    End(Spot),
    /// That is not known yet.
    Unknown,
}

impl Player {
    /// Opens a recording. Its index is that in the user's cache, or else a thread makes it.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let recording = Recording::open(path)?;
        let mut player = match Folder::of_the_user() {
            Some(folder) => Self::with_cache(recording, folder)?,
            None => Self::new(recording)?,
        };
        player.index_in_background();
        Ok(player)
    }

    /// Plays a recording that is open. Its index is made where somebody has to wait for it, and not kept.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(recording: Recording) -> Result<Self, OpenError> {
        Self::of(recording, Indexer::new)
    }

    /// As [`Self::new`], but the index is kept in that folder; its files belong to casemate.
    ///
    /// # Errors
    /// When the recording cannot be read. What goes wrong with the folder is no error.
    pub fn with_cache_in(recording: Recording, folder: &Path) -> Result<Self, OpenError> {
        Self::with_cache(recording, Folder::new(folder))
    }

    fn with_cache(recording: Recording, folder: Folder) -> Result<Self, OpenError> {
        Self::of(recording, |recording| Indexer::with_cache(recording, folder))
    }

    fn of(
        recording: Recording,
        indexer: impl FnOnce(Recording) -> io::Result<Indexer>,
    ) -> Result<Self, OpenError> {
        let header = Arc::new(recording.header().clone());
        let failed = |error| OpenError::Read(recording.name().to_owned(), error);
        let indexer = indexer(recording.clone()).map_err(failed)?;
        Ok(Self {
            indexer,
            stage: Stage::new(&header),
            spot: Spot::default(),
            time: Micros(0),
            goal: None,
            play: play::Playing::new(Pace::new(header.idle_time_limit)),
            commands: Vec::new(),
            tail: recording.last_time(),
            name: recording.name().to_owned(),
            blocks: Blocks::new(recording),
            header,
        })
    }

    /// Lets a thread make the index from here on.
    pub fn index_in_background(&mut self) {
        self.indexer.in_background();
    }

    /// What the recording is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the recording says of itself.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// What is known of the recording as a whole so far. Whoever makes the index has to wait until this is dropped.
    pub fn index(&self) -> impl Deref<Target = Index> + '_ {
        self.indexer.index.lock()
    }

    /// Waits until the whole recording has been read, or for about so long. Returns whether it has.
    pub fn wait_for_index(&mut self, time: Duration) -> bool {
        self.indexer.wait(time);
        self.indexer.index.lock().is_complete
    }

    /// Where it is.
    #[must_use]
    pub fn position(&self) -> Position {
        let first = self.indexer.index.lock().places.get(self.spot.block).and_then(|place| place.first_event);
        Position { time: self.time, event: first.map(|first| first.saturating_add(self.spot.at as u64)) }
    }

    /// How long the recording is, as far as that is known.
    #[must_use]
    pub fn length(&self) -> Length {
        self.length_in(&self.index())
    }

    /// As [`Self::length`], for whoever holds the index.
    pub(crate) fn length_in(&self, index: &Index) -> Length {
        if index.is_complete {
            return Length::Exact(index.end);
        }
        let sealed =
            index.places.iter().rev().map(|place| place.latest).find(|latest| *latest != Micros(u64::MAX));
        match sealed.or(self.tail).or(self.header.duration) {
            Some(time) => Length::Estimated(time.max(index.end)),
            None => Length::Unknown,
        }
    }

    /// The screen at the position. While a target is being pursued it is the screen on the way.
    pub fn screen(&mut self) -> &Vt100Screen {
        if self.goal.is_none() {
            self.stage.go(self.spot, &mut self.blocks, &self.indexer.index, usize::MAX);
        }
        self.stage.screen()
    }

    /// Says when commands began, for [`Target::Command`] and its like.
    pub fn set_commands(&mut self, mut times: Vec<Micros>) {
        times.sort_unstable();
        self.commands = times;
    }

    /// Looks whether the file has grown. Returns whether it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn refresh(&mut self) -> io::Result<bool> {
        /// What was appended since the last time is hardly ever more; what is, is for a thread.
        const BLOCKS_AT_ONCE: usize = 4;
        if !self.indexer.refresh()? {
            return Ok(false);
        }
        self.blocks.recording().refresh()?;
        for _ in 0..BLOCKS_AT_ONCE {
            self.indexer.wait(Duration::ZERO);
        }
        self.indexer.in_background();
        self.play.gap = None;
        Ok(true)
    }

    /// The recording that it plays.
    pub(crate) fn recording(&mut self) -> Recording {
        self.blocks.recording().clone()
    }

    /// What a search from the position on needs.
    pub(crate) fn pass(&mut self) -> Pass {
        let recording = self.recording();
        Pass { recording, index: Arc::clone(&self.indexer.index), from: self.spot.block }
    }

    fn next(&mut self, mut spot: Spot) -> Next {
        let mut end = spot;
        loop {
            let (place, has_all, is_arriving) = {
                let index = self.indexer.index.lock();
                (index.places.get(spot.block).copied(), index.has_all_places, index.is_arriving)
            };
            let Some(place) = place else {
                return if has_all && !is_arriving { Next::End(end) } else { Next::Unknown };
            };
            let block = self.blocks.load(&place);
            if spot.at < block.len() {
                return Next::Event(spot, block);
            }
            end = Spot { block: spot.block, at: block.len() };
            if place.is_open {
                return if is_arriving { Next::Unknown } else { Next::End(end) };
            }
            spot = Spot { block: spot.block + 1, at: 0 };
        }
    }

    /// The block that a spot is in.
    fn block(&mut self, block: usize) -> Option<Arc<Block>> {
        let place = crate::stage::place(&self.indexer.index, block)?;
        Some(self.blocks.load(&place))
    }

    /// Puts the position there.
    pub(crate) fn put(&mut self, spot: Spot, time: Micros) {
        (self.spot, self.time) = (spot, time);
        self.goal = None;
        self.play.moved();
    }
}

impl From<Target> for seek::Goal {
    fn from(target: Target) -> Self {
        Self { target, place: None }
    }
}
