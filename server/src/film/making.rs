//! Films that are being made, and what there is of them so far.
//!
//! *Invariants*: the film of a recording is made by one of us at a time; no more than [`MAKERS`] are made at once, whoever wants
//! to see them, and those that nobody waits for take no more than [`BACKGROUND`] of these places and half the time of one
//! core. Nobody alone has more than [`EACH`] of the places, and whoever has the most makes room for who has least. What is said
//! to be there of a film is in the database. Whoever makes one has the memory of a screen, of a part of a recording, and of its
//! facts.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casemate_audit_store::{KeptScene, Recording, StoreError};
use futures_util::TryStreamExt as _;
use tokio::sync::{Notify, Semaphore, watch};
use uuid::Uuid;

use super::keeper::LONG;
use super::stills::Stills;
use super::{Facts, FilmError, LAYOUT, Maker, Scene};
use crate::app::App;

/// Films that are made at once.
const MAKERS: usize = 10;

/// Those of them that one and the same person waits for, and nobody else.
const EACH: usize = 4;

/// Those of them that nobody waits for.
const BACKGROUND: usize = 6;

/// Of those that somebody waits for, so many are read at the same time.
const AT_ONCE: usize = 2;

/// Scenes that are made for somebody at once: an event may be as long as what is sent at once, and is in memory some times.
const IN_WORK: usize = 2;

/// Stills that are made at once, of what is complete and of what goes on each.
const PICTURES: usize = 1;

/// What went wrong is tried again after that.
const AGAIN: Duration = Duration::from_secs(60);

/// So long after somebody has asked for a film he is waited for.
const WANTED: Duration = Duration::from_secs(15);

/// How often it is looked whether a recording has grown.
const LOOK: Duration = Duration::from_secs(1);

/// One that has not grown for so long gives way to others.
const IDLE: Duration = Duration::from_secs(300);

/// Bytes that are read at once.
const PIECE: usize = 64 << 10;

/// Scenes that are written in one transaction, at most.
const SCENES: usize = 64;

/// How often what there is by now is written and said, where somebody waits for it.
const SAID: Duration = Duration::from_millis(200);

/// Films that are being made.
#[derive(Debug)]
pub struct Making {
    films: Mutex<Films>,
    background: Semaphore,
    wanted: Semaphore,
    pub(super) scenes: Semaphore,
    pub(super) pictures: Arc<Semaphore>,
    /// For stills of what goes on: those of what is complete do not wait for them.
    pub(super) screens: Semaphore,
    pub(super) stills: Stills,
}

#[derive(Debug, Default)]
struct Films {
    growing: HashMap<Uuid, Arc<Growing>>,
    failed: HashMap<Uuid, Instant>,
    /// That did not grow any more, and how long they were then.
    idle: HashMap<Uuid, u64>,
}

/// Forgets what was to be seen in a recording when it is let go.
#[derive(Debug)]
pub struct Forgetting<'m> {
    stills: &'m Stills,
    id: Uuid,
}

impl Drop for Forgetting<'_> {
    fn drop(&mut self) {
        self.stills.forget(self.id);
    }
}

/// A film that is being made.
#[derive(Debug)]
pub(super) struct Growing {
    /// It is closed when nobody makes it any more.
    known: watch::Receiver<Option<Arc<SoFar>>>,
    wanted: Mutex<HashMap<Uuid, Instant>>,
    wake: Notify,
    gives_way: AtomicBool,
}

/// What there is of a film.
#[derive(Debug)]
pub(super) struct SoFar {
    /// As if the recording ended there.
    pub(super) facts: Facts,
    /// So many scenes.
    pub(super) scenes: usize,
    /// So many bytes of the recording were read.
    pub(super) read: u64,
}

impl Default for Making {
    fn default() -> Self {
        let [background, wanted, scenes, screens] = [1, AT_ONCE, IN_WORK, PICTURES].map(Semaphore::new);
        let pictures = Arc::new(Semaphore::new(PICTURES));
        let (films, stills) = (Mutex::default(), Stills::default());
        Self { films, background, wanted, scenes, pictures, screens, stills }
    }
}

impl Making {
    /// Begins to make films that nobody waits for, the first ones first, as far as there is room.
    pub(super) fn begin(&self, app: &App, due: &[Recording]) {
        let mut films = self.films();
        films.idle.retain(|id, _| due.iter().any(|due| due.id == *id));
        for recording in due {
            let id = recording.id;
            let is_idle = recording.completed.is_none() && films.idle.get(&id) == Some(&recording.size);
            let is_left = is_idle || films.growing.contains_key(&id) || films.failed.contains_key(&id);
            if films.growing.len() >= BACKGROUND {
                break;
            }
            if !is_left {
                films.begin(app, id);
            }
        }
    }

    /// A recording is deleted while that is held: of what was to be seen in it nothing stays here, also where nobody waits for the
    /// end of that.
    #[must_use]
    pub fn forgetting(&self, id: Uuid) -> Forgetting<'_> {
        Forgetting { stills: &self.stills, id }
    }

    /// How many films could not be made.
    pub(super) fn failed(&self) -> u64 {
        self.films().failed.len() as u64
    }

    /// The film of a recording, which somebody waits for.
    pub(super) fn want(&self, app: &App, id: Uuid, who: Uuid) -> Result<Arc<Growing>, FilmError> {
        let mut films = self.films();
        if films.failed.contains_key(&id) {
            return Err(FilmError::Failed);
        }
        if !films.growing.contains_key(&id) && !films.has_room(who) {
            return Err(FilmError::Later);
        }
        let growing = match films.growing.get(&id) {
            Some(growing) => Arc::clone(growing),
            None => films.begin(app, id),
        };
        growing.wanted().insert(who, Instant::now());
        growing.wake.notify_one();
        Ok(growing)
    }

    /// As they are by now.
    fn films(&self) -> MutexGuard<'_, Films> {
        let mut films = self.films.lock().unwrap_or_else(PoisonError::into_inner);
        films.growing.retain(|_, growing| growing.known.has_changed().is_ok());
        films.failed.retain(|_, since| since.elapsed() < AGAIN);
        films
    }
}

impl Films {
    /// Whether another one can begin for somebody. Where there is no room, one gives way if it can: there is room soon.
    fn has_room(&self, who: Uuid) -> bool {
        let mut alone = HashMap::<Uuid, Vec<(Instant, &Growing)>>::new();
        for growing in self.growing.values() {
            if let Some((who, since)) = growing.wanted_by_one() {
                alone.entry(who).or_default().push((since, growing));
            }
        }
        let his = alone.get(&who).map_or(0, Vec::len);
        if self.growing.len() < MAKERS || his >= EACH {
            return his < EACH;
        }
        if self.growing.values().any(|growing| growing.gives_way.load(Ordering::Relaxed)) {
            return false;
        }
        // That of which the least is lost.
        let idle = self.growing.values().filter(|growing| !growing.is_wanted());
        if let Some(least) = idle.min_by_key(|growing| growing.read()) {
            least.give_way();
            return false;
        }
        // Of two who have as many, nobody takes from the other.
        let most = alone.values().max_by_key(|films| films.len()).filter(|films| films.len() > his + 1);
        if let Some((_, oldest)) = most.and_then(|films| films.iter().min_by_key(|(since, _)| *since)) {
            oldest.give_way();
        }
        false
    }

    fn begin(&mut self, app: &App, id: Uuid) -> Arc<Growing> {
        let (said, known) = watch::channel(None);
        let (wanted, wake, gives_way) = (Mutex::default(), Notify::new(), AtomicBool::new(false));
        let growing = Arc::new(Growing { known, wanted, wake, gives_way });
        self.growing.insert(id, Arc::clone(&growing));
        let (app, made) = (app.clone(), Arc::clone(&growing));
        tokio::spawn(async move {
            let done = make(&app, id, &made, &said).await;
            match done {
                Ok(()) | Err(FilmError::Store(StoreError::Deleted { .. })) => {}
                Err(error) => {
                    crate::say(format_args!("the film of {id} cannot be made: {error}"));
                    app.films.films().failed.insert(id, Instant::now());
                }
            }
        });
        growing
    }
}

impl Growing {
    pub(super) fn known(&self) -> watch::Receiver<Option<Arc<SoFar>>> {
        self.known.clone()
    }

    /// Who waits for it, and since when he asked last.
    fn wanted(&self) -> MutexGuard<'_, HashMap<Uuid, Instant>> {
        let mut wanted = self.wanted.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.retain(|_, since| since.elapsed() < WANTED);
        wanted
    }

    fn is_wanted(&self) -> bool {
        !self.wanted().is_empty()
    }

    /// The only one who waits for it.
    fn wanted_by_one(&self) -> Option<(Uuid, Instant)> {
        let wanted = self.wanted();
        wanted.iter().next().filter(|_| wanted.len() == 1).map(|(who, since)| (*who, *since))
    }

    fn give_way(&self) {
        self.gives_way.store(true, Ordering::Relaxed);
        self.wake.notify_one();
    }

    fn read(&self) -> u64 {
        self.known.borrow().as_ref().map_or(0, |known| known.read)
    }
}

/// Somebody who makes a film.
struct Work<'w> {
    app: &'w App,
    id: Uuid,
    growing: &'w Growing,
    said: &'w watch::Sender<Option<Arc<SoFar>>>,
    maker: Maker,
    ready: Vec<KeptScene>,
    scenes: u64,
    read: u64,
    /// When it was last said what there is.
    told: Instant,
}

/// Makes a film, to the end of its recording, or until it gives way to another.
async fn make(
    app: &App,
    id: Uuid,
    growing: &Growing,
    said: &watch::Sender<Option<Arc<SoFar>>>,
) -> Result<(), FilmError> {
    let begun = app.recordings.find(id).await?;
    let connection = app.connections.get(id).await?;
    let started = connection.map_or(begun.created, |connection| connection.started);
    let maker = Maker::new(begun.form, started)?;
    let (ready, scenes, read, told) = (Vec::new(), 0, 0, Instant::now());
    let mut work = Work { app, id, growing, said, maker, ready, scenes, read, told };
    let mut grown = Instant::now();
    loop {
        let recording = app.recordings.find(id).await?;
        if recording.deleted.is_some() {
            return Ok(());
        }
        if work.read < recording.size {
            grown = Instant::now();
            if !work.read(recording.size).await? {
                return Ok(());
            }
        }
        if recording.completed.is_some() {
            return work.finish().await;
        }
        work.tell().await?;
        tokio::time::timeout(LOOK, growing.wake.notified()).await.ok();
        let is_idle = grown.elapsed() > IDLE;
        if work.is_over() || !growing.is_wanted() && (is_idle || recording.size < LONG) {
            app.films.films().idle.insert(id, recording.size);
            return Ok(());
        }
    }
}

impl Work<'_> {
    fn is_over(&self) -> bool {
        self.growing.gives_way.load(Ordering::Relaxed) || *self.app.bell.borrow()
    }

    /// Reads on to a byte of the recording; says whether it came there.
    async fn read(&mut self, end: u64) -> Result<bool, FilmError> {
        let mut bytes = self.app.recordings.read(self.id, self.read..end).await?;
        while let Some(bytes) = bytes.try_next().await? {
            for piece in bytes.chunks(PIECE) {
                if self.is_over() {
                    return Ok(false);
                }
                let is_wanted = self.growing.is_wanted();
                let films = &self.app.films;
                let turns = if is_wanted { &films.wanted } else { &films.background };
                // They are closed nowhere.
                let turn = turns.acquire().await.ok();
                let begun = Instant::now();
                tokio::task::block_in_place(|| self.maker.feed(piece))?;
                self.take()?;
                self.read += piece.len() as u64;
                if !is_wanted {
                    tokio::time::sleep(begun.elapsed()).await;
                }
                drop(turn);
                if self.ready.len() >= SCENES || is_wanted && self.told.elapsed() >= SAID {
                    self.tell().await?;
                }
            }
        }
        Ok(true)
    }

    fn take(&mut self) -> io::Result<()> {
        while let Some(Scene { number, start, place, screen }) = self.maker.next_scene() {
            let place = serde_json::to_string(&place)?;
            self.scenes = number + 1;
            self.ready.push(KeptScene { number, start: start.0, place, screen });
        }
        Ok(())
    }

    async fn write(&mut self) -> Result<(), FilmError> {
        self.app.recordings.add_scenes(self.id, &self.ready).await?;
        self.ready.clear();
        Ok(())
    }

    /// Writes what there is by now, and says so.
    async fn tell(&mut self) -> Result<(), FilmError> {
        self.write().await?;
        let scenes = usize::try_from(self.scenes).unwrap_or(usize::MAX);
        let so_far = self.maker.so_far().map(|facts| Arc::new(SoFar { facts, scenes, read: self.read }));
        self.said.send_replace(so_far);
        self.told = Instant::now();
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), FilmError> {
        let facts = tokio::task::block_in_place(|| self.maker.finish())?;
        self.take()?;
        self.write().await?;
        let facts = facts.unwrap_or_else(|| Facts { layout: LAYOUT, ..Facts::default() });
        let facts = serde_json::to_string(&facts).map_err(io::Error::from)?;
        Ok(self.app.recordings.add_film(self.id, self.scenes, &facts).await?)
    }
}

#[cfg(test)]
mod tests {
    use casemate_audit_log::Time;
    use casemate_audit_store::{Batch, Chunk, Form, NewRecording};

    use super::*;
    use crate::Server;
    use crate::config::Config;

    /// A recording that goes on.
    async fn begun(app: &App) -> Uuid {
        let id = Uuid::now_v7();
        let (subject_id, created) = ("alice".into(), Time::now());
        let recording = NewRecording { id, form: Form::Cast, subject_id, created, input_recorded: false };
        app.recordings.create(&recording).await.unwrap();
        let bytes = "{\"version\":2,\"width\":80,\"height\":24}\n[0.5,\"o\",\"a\"]\n".into();
        let chunks = vec![Chunk { recording: id, offset: 0, bytes }];
        app.journal.write(Batch { chunks, ..Batch::default() }).await.unwrap();
        id
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_more_are_made_at_once_than_there_is_room_for() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        let server = Server::open(config, folder.path().join("data")).await;
        let app = server.unwrap().app().clone();
        let growing = || app.films.films().growing.len();
        let mut wanted = Vec::new();
        for _ in 0..MAKERS {
            let id = begun(&app).await;
            wanted.push(app.films.want(&app, id, Uuid::now_v7()).unwrap());
        }
        let (late, who) = (begun(&app).await, Uuid::now_v7());
        assert!(matches!(app.films.want(&app, late, who), Err(FilmError::Later)));
        let due = [app.recordings.find(late).await.unwrap()];
        app.films.begin(&app, &due);
        assert_eq!(growing(), MAKERS);
        // One that nobody waits for any more gives way.
        wanted[3].wanted().clear();
        assert!(matches!(app.films.want(&app, late, who), Err(FilmError::Later)));
        tokio::time::timeout(Duration::from_secs(20), async {
            while app.films.want(&app, late, who).is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        assert_eq!(growing(), MAKERS);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn nobody_keeps_others_from_watching() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        let server = Server::open(config, folder.path().join("data")).await;
        let app = server.unwrap().app().clone();
        let (alice, bob, carol, dan) =
            (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3), Uuid::from_u128(4));
        let mut had = Vec::new();
        for (who, films) in [(alice, EACH), (bob, EACH), (carol, MAKERS - 2 * EACH)] {
            for _ in 0..films {
                let id = begun(&app).await;
                had.push((who, id, app.films.want(&app, id, who).unwrap()));
            }
            let more = begun(&app).await;
            if films == EACH {
                assert!(matches!(app.films.want(&app, more, who), Err(FilmError::Later)));
            }
        }
        let late = begun(&app).await;
        tokio::time::timeout(Duration::from_secs(10), async {
            while app.films.want(&app, late, dan).is_err() {
                // All of the others still wait for theirs.
                for (who, id, growing) in &had {
                    if app.films.films().growing.contains_key(id) {
                        growing.wanted().insert(*who, Instant::now());
                    }
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        // It was one of those who had the most.
        let films = app.films.films();
        let left = |who: Uuid| {
            had.iter().filter(|(whose, id, _)| *whose == who && films.growing.contains_key(id)).count()
        };
        assert!(left(alice) + left(bob) < 2 * EACH);
        assert_eq!(left(carol), MAKERS - 2 * EACH);
    }
}
