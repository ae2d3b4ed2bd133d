//! Follows a recording that goes on: the screen now, and then what is to be played behind it.

use std::io;

use casemate_audit_store::Form;
use casemate_cast_format::Micros;

use super::look::{Film, FilmError, scene_of};
use super::scene::Until;
use super::{Scene, SceneReader};
use crate::app::App;

/// Somebody who follows a recording.
#[derive(Debug)]
pub struct Follower {
    reader: SceneReader,
    /// So much of the recording was read: it is to be fed what follows.
    pub read: u64,
}

impl Follower {
    /// Begins with the last scene that there is: what follows is not much.
    ///
    /// # Errors
    /// There is none yet, or it cannot be read.
    pub async fn begin(app: &App, film: &Film) -> Result<Self, FilmError> {
        Ok(Self::of(film.recording.form, &scene_of(app, film).await?)?)
    }

    /// Begins with a scene.
    pub(super) fn of(form: Form, scene: &Scene) -> io::Result<Self> {
        let reader = SceneReader::new(form, scene, Until::End(Micros(u64::MAX)))?;
        Ok(Self { reader, read: scene.place.anchor.offset })
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// zstd has no memory.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.read += bytes.len() as u64;
        self.reader.feed(bytes).map(drop)
    }

    /// The screen now, as JSON. What led to it is not to be played any more.
    pub fn screen(&mut self) -> String {
        self.reader.screen()
    }

    /// So much text was played until now, or what costs as much.
    pub(super) fn text(&self) -> usize {
        self.reader.text()
    }

    /// Bytes of what is to be played since.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.reader.waiting()
    }

    /// What is to be played since, if there is anything: events, as JSON.
    pub fn output(&mut self) -> Option<String> {
        self.reader.news()
    }
}
