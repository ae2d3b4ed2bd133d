//! Looks at films: what there is of one, and each of its scenes.
//!
//! *Invariant*: nobody waits long for what is still being made: he is given what there is of it. What he got stays good, though it
//! grows: its last scene ends where it ended then.

use std::io;
use std::time::Duration;

use axum::body::Bytes;
use casemate_audit_store::{KeptScene, Recording, StoreError};
use casemate_cast_format::Micros;
use futures_util::TryStreamExt as _;
use uuid::Uuid;

use super::scene::Until;
use super::{Facts, LAYOUT, Place, Scene, SceneReader};
use crate::app::App;

/// So long is waited for a film that may be made any moment.
const PATIENCE: Duration = Duration::from_millis(300);

/// No more bytes of a recording than these are read in that time.
const NEAR: u64 = 8 << 20;

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// A film, or what there is of it.
#[derive(Clone, Debug)]
pub struct Film {
    pub(super) recording: Recording,
    /// What is known of the whole, or so far.
    pub facts: Facts,
    /// Of one that is still being made: so many scenes.
    so_far: Option<usize>,
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
    /// It was said why when that happened.
    #[error("it could not be made")]
    Failed,
    /// Nothing is there yet.
    #[error("it is being prepared")]
    Later,
}

/// The film of a recording, or what there is of it, for somebody; it is made on from then.
///
/// # Errors
/// It cannot be made, or nothing is there yet.
pub async fn look(app: &App, recording: &Recording, who: Uuid) -> Result<Film, FilmError> {
    if let Some(film) = made(app, recording).await? {
        return Ok(film);
    }
    let mut known = app.films.want(app, recording.id, who)?.known();
    let there = known.borrow().clone();
    let left = there.as_ref().map_or(recording.size, |there| recording.size.saturating_sub(there.read));
    // What is far from its end is not waited for.
    if there.is_none() || left < NEAR && (left > 0 || recording.completed.is_some()) {
        let wait = async {
            // The end of it is the whole.
            let is_enough = |read: u64| match recording.size.saturating_sub(read) {
                0 => recording.completed.is_none(),
                left => left >= NEAR,
            };
            known.wait_for(|known| known.as_ref().is_some_and(|known| is_enough(known.read))).await.is_err()
        };
        if tokio::time::timeout(PATIENCE, wait).await == Ok(true)
            && let Some(film) = made(app, recording).await?
        {
            return Ok(film);
        }
    }
    let there = known.borrow().clone().ok_or(FilmError::Later)?;
    Ok(Film { recording: recording.clone(), facts: there.facts.clone(), so_far: Some(there.scenes) })
}

/// The film of a recording, if it is whole; an error where there is nothing to be played.
pub(super) async fn made(app: &App, recording: &Recording) -> Result<Option<Film>, FilmError> {
    let facts = app.recordings.film(recording.id).await?;
    let facts = facts.and_then(|facts| serde_json::from_str::<Facts>(&facts).ok());
    match facts.filter(|facts| facts.layout == LAYOUT) {
        Some(facts) if facts.size == (0, 0) => Err(FilmError::NotARecording),
        Some(facts) => Ok(Some(Film { recording: recording.clone(), facts, so_far: None })),
        None => Ok(None),
    }
}

impl Film {
    /// Whether all of it is there.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.so_far.is_none()
    }

    /// What the player asks for first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn index(&self, app: &App, address: &str, query: &str) -> Result<String, FilmError> {
        let mut starts = app.recordings.scene_starts(self.recording.id).await?;
        let mut query = query.to_owned();
        if let Some(scenes) = self.so_far {
            starts.truncate(scenes);
            query = format!("{query}&end={}", self.facts.duration);
        }
        let starts: Vec<Micros> = starts.into_iter().map(Micros).collect();
        let mut index = self.facts.index(&starts, address, &query);
        index["isWhole"] = self.is_whole().into();
        Ok(index.to_string())
    }
}

/// The last scene that there is of a film.
pub(super) async fn scene_of(app: &App, film: &Film) -> Result<Scene, FilmError> {
    let last = match film.so_far {
        Some(scenes) => scenes,
        None => app.recordings.scene_starts(film.recording.id).await?.len(),
    };
    let last = (last as u64).saturating_sub(1);
    scene_at(app, film.recording.id, last).await?.ok_or(FilmError::Later)
}

/// The last scene of a recording that is there by now, whoever made it.
pub(super) async fn last_scene(app: &App, id: Uuid) -> Result<Option<Scene>, FilmError> {
    match app.recordings.scene_starts(id).await?.len().checked_sub(1) {
        Some(last) => scene_at(app, id, last as u64).await,
        None => Ok(None),
    }
}

async fn scene_at(app: &App, id: Uuid, number: u64) -> Result<Option<Scene>, FilmError> {
    let kept = app.recordings.scenes(id, number, 1).await?;
    Ok(kept.into_iter().next().map(read).transpose()?)
}

/// One of the scenes of a recording, as the player takes it, of a film that ends then; nothing where there is none of that number.
///
/// # Errors
/// It cannot be read.
pub async fn scene(
    app: &App,
    recording: &Recording,
    number: u64,
    end: u64,
) -> Result<Option<String>, FilmError> {
    let id = recording.id;
    let mut kept = app.recordings.scenes(id, number, 2).await?.into_iter();
    let Some(scene) = kept.next().filter(|scene| scene.number == number) else { return Ok(None) };
    let scene = read(scene)?;
    let until = match kept.next().filter(|next| next.start < end) {
        Some(next) => read(next).map(|next| Until::Next(next.place, next.start))?,
        None => Until::End(Micros(end.max(scene.start.0))),
    };
    // It is closed nowhere.
    let _turn = app.films.scenes.acquire().await.ok();
    let mut reader = SceneReader::new(recording.form, &scene, until)?;
    let mut bytes = app.recordings.read(id, scene.place.anchor.offset..recording.size).await?;
    while let Some(piece) = bytes.try_next().await? {
        if !tokio::task::block_in_place(|| all(&mut reader, &piece))? {
            break;
        }
    }
    Ok(Some(tokio::task::block_in_place(|| reader.finish())))
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
