//! Has films made: in the background of what is complete, one at a time and with as long a rest after each piece of work, and
//! at once of what somebody wants to see.
//!
//! *Invariant*: a recording is read by one of us at a time. Whoever waits for a film that is being made is told when it is.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use casemate_audit_store::{KeptScene, Recording, StoreError};
use casemate_cast_format::Micros;
use futures_util::TryStreamExt as _;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};
use uuid::Uuid;

use super::scene::Until;
use super::{Facts, LAYOUT, Maker, Place, Scene, SceneReader};
use crate::app::App;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);

/// Films that are made in one go.
const AT_ONCE: u64 = 16;

/// What went wrong is tried again after that.
const AGAIN: Duration = Duration::from_secs(600);

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Scenes that are written in one transaction.
const SCENES: usize = 64;

/// A film that is there.
#[derive(Clone, Debug)]
pub struct Film {
    recording: Recording,
    /// What is known of the whole.
    pub facts: Facts,
}

/// Scenes that are made for somebody at once: an event may be as long as what is sent at once, and is in memory some times.
const IN_WORK: usize = 2;

/// Films that are being made: of each by one.
#[derive(Debug)]
pub struct Making {
    films: Mutex<HashMap<Uuid, Arc<AsyncMutex<()>>>>,
    scenes: Semaphore,
}

impl Default for Making {
    fn default() -> Self {
        Self { films: Mutex::default(), scenes: Semaphore::new(IN_WORK) }
    }
}

/// Why there is no film.
#[derive(Debug, thiserror::Error)]
pub enum FilmError {
    /// What is kept cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no memory, or what was made before is damaged.
    #[error(transparent)]
    Made(#[from] io::Error),
    /// What is kept is none.
    #[error("it does not begin as a recording does")]
    NotARecording,
}

/// Makes films of what is complete, as long as it is let.
pub async fn keep(app: &App) {
    let mut failed: HashMap<Uuid, Instant> = HashMap::new();
    loop {
        tokio::time::sleep(EVERY).await;
        failed.retain(|_, since| since.elapsed() < AGAIN);
        // Those that failed are in the way of no others.
        let wanted = AT_ONCE + failed.len() as u64;
        let due = match app.recordings.to_film(wanted).await {
            Ok(due) => due,
            Err(error) => {
                crate::say(format_args!("films cannot be made: {error}"));
                continue;
            }
        };
        for recording in due.iter().filter(|due| !failed.contains_key(&due.id)).collect::<Vec<_>>() {
            match film(app, recording, true).await {
                Ok(_) | Err(FilmError::NotARecording | FilmError::Store(StoreError::Deleted { .. })) => {}
                Err(error) => {
                    crate::say(format_args!("the film of {} cannot be made: {error}", recording.id));
                    failed.insert(recording.id, Instant::now());
                }
            }
        }
    }
}

/// The film of a recording that is complete, which is made if it is not there.
///
/// # Errors
/// It cannot be made.
pub async fn ready(app: &App, recording: &Recording) -> Result<Film, FilmError> {
    film(app, recording, false).await
}

/// The film of a recording, if it has been made.
///
/// # Errors
/// The database refuses.
pub async fn made(app: &App, recording: &Recording) -> Result<Option<Film>, FilmError> {
    find(app, recording).await
}

async fn film(app: &App, recording: &Recording, rests: bool) -> Result<Film, FilmError> {
    if let Some(film) = find(app, recording).await? {
        return film.playable();
    }
    let lock = app.films.of(recording.id);
    let made = {
        let _one = lock.lock().await;
        match find(app, recording).await? {
            Some(film) => Ok(film),
            None => make(app, recording, rests.then_some(&lock)).await,
        }
    };
    app.films.forget(recording.id, &lock);
    made?.playable()
}

async fn find(app: &App, recording: &Recording) -> Result<Option<Film>, FilmError> {
    let facts = app.recordings.film(recording.id).await?;
    let facts = facts.and_then(|facts| serde_json::from_str::<Facts>(&facts).ok());
    let facts = facts.filter(|facts| facts.layout == LAYOUT);
    Ok(facts.map(|facts| Film { recording: recording.clone(), facts }))
}

/// Rests as long as nobody else holds the lock.
async fn make(
    app: &App,
    recording: &Recording,
    rests: Option<&Arc<AsyncMutex<()>>>,
) -> Result<Film, FilmError> {
    let id = recording.id;
    // What somebody left unfinished, or made in another layout.
    app.recordings.forget_film(id).await?;
    let connection = app.connections.get(id).await?;
    let started = connection.map_or(recording.created, |connection| connection.started);
    let mut maker = Maker::new(recording.form, started)?;
    let mut ready = Vec::new();
    let mut bytes = app.recordings.read(id, 0..recording.size).await?;
    while let Some(bytes) = bytes.try_next().await? {
        for piece in bytes.chunks(PIECE) {
            let begun = Instant::now();
            tokio::task::block_in_place(|| maker.feed(piece))?;
            take(&mut maker, &mut ready)?;
            if ready.len() >= SCENES {
                app.recordings.add_scenes(id, &ready).await?;
                ready.clear();
            }
            if rests.is_some_and(|lock| Arc::strong_count(lock) <= 2) {
                tokio::time::sleep(begun.elapsed()).await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }
    let facts = tokio::task::block_in_place(|| maker.finish())?;
    take(&mut maker, &mut ready)?;
    app.recordings.add_scenes(id, &ready).await?;
    let facts = facts.unwrap_or_else(|| Facts { layout: LAYOUT, ..Facts::default() });
    app.recordings.add_film(id, &serde_json::to_string(&facts).map_err(io::Error::from)?).await?;
    Ok(Film { recording: recording.clone(), facts })
}

fn take(maker: &mut Maker, ready: &mut Vec<KeptScene>) -> io::Result<()> {
    while let Some(Scene { number, start, place, screen }) = maker.next_scene() {
        let place = serde_json::to_string(&place)?;
        ready.push(KeptScene { number, start: start.0, place, screen });
    }
    Ok(())
}

impl Film {
    fn playable(self) -> Result<Self, FilmError> {
        if self.facts.size == (0, 0) { Err(FilmError::NotARecording) } else { Ok(self) }
    }

    /// Of which recording it is.
    pub(super) fn id(&self) -> Uuid {
        self.recording.id
    }

    /// What the player asks for first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn index(&self, app: &App, address: &str, query: &str) -> Result<String, FilmError> {
        let starts = app.recordings.scene_starts(self.recording.id).await?;
        let starts: Vec<Micros> = starts.into_iter().map(Micros).collect();
        Ok(self.facts.index(&starts, address, query).to_string())
    }

    /// One of its scenes, as the player takes it; nothing where there is none of that number.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn scene(&self, app: &App, number: u64) -> Result<Option<String>, FilmError> {
        let id = self.recording.id;
        let mut kept = app.recordings.scenes(id, number, 2).await?.into_iter();
        let Some(scene) = kept.next().filter(|scene| scene.number == number) else { return Ok(None) };
        let scene = read(scene)?;
        let until = match kept.next() {
            Some(next) => read(next).map(|next| Until::Next(next.place, next.start))?,
            None => Until::End(Micros(self.facts.duration)),
        };
        // It is closed nowhere.
        let _turn = app.films.scenes.acquire().await.ok();
        let mut reader = SceneReader::new(self.recording.form, &scene, until)?;
        let range = scene.place.anchor.offset..self.recording.size;
        let mut bytes = app.recordings.read(id, range).await?;
        while let Some(piece) = bytes.try_next().await? {
            if !tokio::task::block_in_place(|| all(&mut reader, &piece))? {
                break;
            }
        }
        Ok(Some(tokio::task::block_in_place(|| reader.finish())))
    }
}

/// Feeds a piece; says whether more are needed.
fn all(reader: &mut SceneReader, piece: &Bytes) -> io::Result<bool> {
    for piece in piece.chunks(PIECE) {
        if !reader.feed(piece)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn read(KeptScene { number, start, place, screen }: KeptScene) -> io::Result<Scene> {
    let place = serde_json::from_str::<Place>(&place)?;
    Ok(Scene { number, start: Micros(start), place, screen })
}

impl Making {
    fn of(&self, id: Uuid) -> Arc<AsyncMutex<()>> {
        let mut making = self.films.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(making.entry(id).or_default())
    }

    /// Nobody waits for it any more, unless others have it.
    fn forget(&self, id: Uuid, lock: &Arc<AsyncMutex<()>>) {
        let mut making = self.films.lock().unwrap_or_else(PoisonError::into_inner);
        // That in the table, and that of whoever asks.
        if Arc::strong_count(lock) <= 2 {
            making.remove(&id);
        }
    }
}
