//! The journal: what many tasks want to keep is committed together, by one.
//!
//! A task commits whatever waits in one transaction; meanwhile the next waits. So one flush of the disk serves all that
//! came in the time of the last one, and whoever is alone does not wait for others.
//!
//! *Invariants*: what is acknowledged is on the disk, events, bytes and steps of a batch all or none. A batch that cannot be
//! kept does not keep others from it. What waits is limited, by its bytes: whoever would go beyond waits outside.
//!
//! *Not here*: what is in a batch, and whether it may be; and how long somebody waits who has to wait.

use std::borrow::Cow;
use std::slice;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use casemate_audit_log::Time;
use casemate_audit_log::model::Event;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use uuid::Uuid;

use crate::append::Appender;
use crate::database::Database;
use crate::error::StoreError;
use crate::ready::Ready;
use crate::recordings::tail;
use crate::step::{self, Step};

/// So much waits at most, in units.
const ROOM: u32 = 64 << 10;

/// What is counted as one, in bytes.
const UNIT: usize = 1 << 10;

/// No more is begun with in one transaction, in units: so that the first does not wait for too many others.
const ROUND: u32 = 8 << 10;

/// So many pieces of the index are merged at most before others have their turn.
const PIECES: usize = 8;

/// What is not owed for what has just come is merged when nobody has come for so long: parts that have long been there may
/// have to be read from the disk.
const QUIET: Duration = Duration::from_millis(50);

/// What an event takes beside its text, about, in bytes.
const EVENT: usize = 2 << 10;

/// What is to be kept, all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Those that are there already, by log and id, are not written again.
    pub events: Vec<Event>,
    /// In the order in which they follow each other.
    pub chunks: Vec<Chunk>,
    /// What changes when the bytes are there, each for itself: what comes to nothing keeps nothing else from being kept.
    pub steps: Vec<Step>,
}

/// Bytes of a recording that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Which.
    pub recording: Uuid,
    /// Where they begin: where the recording ended.
    pub offset: u64,
    /// What follows.
    pub bytes: Bytes,
}

/// Keeps what is written to it. It is cheap to clone; all clones are the same.
#[derive(Clone, Debug)]
pub struct Journal(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    queue: mpsc::UnboundedSender<Message>,
    room: Arc<Semaphore>,
    committed: watch::Receiver<u64>,
    task: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
enum Message {
    Write(Waiting),
    Close,
}

/// A batch, and whoever waits for it.
#[derive(Debug)]
struct Waiting {
    events: Vec<Ready<'static>>,
    chunks: Vec<Chunk>,
    steps: Vec<Step>,
    answer: oneshot::Sender<Result<usize, StoreError>>,
    room: OwnedSemaphorePermit,
}

struct Committer {
    database: Database,
    appender: Appender,
    committed: watch::Sender<u64>,
}

impl Batch {
    /// How many units it takes.
    fn size(&self) -> u32 {
        let text = |event: &Event| EVENT + 2 * event.facets().text.map_or(0, |text| text.len());
        let events = self.events.iter().chain(self.steps.iter().flat_map(Step::events));
        let events: usize = events.map(text).sum();
        let chunks: usize = self.chunks.iter().map(|chunk| chunk.bytes.len()).sum();
        // Whatever is greater than all has to wait until it is alone.
        u32::try_from((events + chunks).div_ceil(UNIT)).unwrap_or(ROOM).clamp(1, ROOM)
    }
}

impl Journal {
    /// Begins to write, as a writer whose chain goes on if there is one.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn open(database: &Database, writer: Uuid, now: Time) -> Result<Self, StoreError> {
        let appender = Appender::resume(database, writer, now).await?;
        let (queue, messages) = mpsc::unbounded_channel();
        let (sender, committed) = watch::channel(0);
        let committer = Committer { database: database.clone(), appender, committed: sender };
        let task = Mutex::new(Some(tokio::spawn(committer.run(messages))));
        let room = Arc::new(Semaphore::new(ROOM as usize));
        Ok(Self(Arc::new(Shared { queue, room, committed, task })))
    }

    /// Keeps a batch; returns when it is on the disk, and says how many of its steps came to something. What was begun goes on
    /// though nobody waits for it any more.
    ///
    /// # Errors
    /// The database refuses, bytes do not go on where a recording ends, or the journal has been closed. Where it was the way
    /// to the database that broke, it may have been kept: what is there has to be looked up.
    pub async fn write(&self, batch: Batch) -> Result<usize, StoreError> {
        let size = batch.size();
        let Batch { events, chunks, steps } = batch;
        // By whoever brings them: the one who commits has enough to do.
        let ready = events.into_iter().map(|event| Ready::new(Cow::Owned(event)));
        let events = ready.collect::<Result<_, _>>()?;
        let ended = || StoreError::Ended { reason: "the journal has been closed".into() };
        let room = Arc::clone(&self.0.room).acquire_many_owned(size).await.map_err(|_| ended())?;
        let (answer, answered) = oneshot::channel();
        self.0
            .queue
            .send(Message::Write(Waiting { events, chunks, steps, answer, room }))
            .map_err(|_| ended())?;
        answered.await.unwrap_or_else(|_| Err(ended()))
    }

    /// Changes after each commit.
    #[must_use]
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.0.committed.clone()
    }

    /// Keeps what waits, and ends. What comes later is refused.
    pub async fn close(&self) {
        self.0.room.close();
        // Where nobody reads any more it is closed already.
        self.0.queue.send(Message::Close).ok();
        let task = self.0.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.await.ok();
        }
    }
}

impl Committer {
    async fn run(mut self, mut messages: mpsc::UnboundedReceiver<Message>) {
        while let Some(message) = self.next(&mut messages).await {
            let (mut round, mut size) = (Vec::new(), 0);
            let mut message = Some(message);
            loop {
                match message {
                    Some(Message::Write(waiting)) => {
                        size += u32::try_from(waiting.room.num_permits()).unwrap_or(ROUND);
                        round.push(waiting);
                    }
                    // What waits is still taken.
                    Some(Message::Close) => messages.close(),
                    None => break,
                }
                message = (size < ROUND).then(|| messages.try_recv().ok()).flatten();
            }
            if !round.is_empty() {
                self.round(round).await;
            }
            // Also where others wait: they would wait longer in the end.
            for _ in 0..PIECES {
                if self.appender.debt().is_due() && !messages.is_closed() {
                    self.appender.merge_texts().await.ok();
                }
            }
        }
    }

    /// What is to be done next. While there is nothing, texts come into the index that wait for it, and its parts are merged.
    async fn next(&mut self, messages: &mut mpsc::UnboundedReceiver<Message>) -> Option<Message> {
        while self.appender.texts_wait() || self.appender.debt().is_any() {
            let is_soon = self.appender.texts_wait() || self.appender.debt().is_owed();
            let idle = async {
                if !is_soon {
                    sleep(QUIET).await;
                }
            };
            tokio::select! {
                biased;
                message = messages.recv() => return message,
                () = idle => {}
            }
            // Where it cannot be, nothing is lost: texts are looked through one by one, and parts as many as there are.
            match self.appender.texts_wait() {
                true => self.appender.index_texts().await.ok(),
                false => self.appender.merge_texts().await.ok(),
            };
        }
        messages.recv().await
    }

    async fn round(&mut self, mut round: Vec<Waiting>) {
        let outcome = self.keep(&round).await;
        match (outcome, round.len()) {
            (Ok(made), _) => {
                round.into_iter().zip(made).for_each(|(waiting, made)| waiting.answer(Ok(made)));
            }
            (Err(error), 1) if !error.is_race() => round.remove(0).answer(Err(error)),
            (Err(error), _) if error.is_of_content() => {
                for waiting in round {
                    let outcome = match self.keep(slice::from_ref(&waiting)).await {
                        Err(error) if error.is_race() => self.keep(slice::from_ref(&waiting)).await,
                        outcome => outcome,
                    };
                    waiting.answer(outcome.map(|made| made.into_iter().sum()));
                }
            }
            (Err(error), _) => {
                let error = Arc::new(error);
                round.into_iter().for_each(|waiting| waiting.answer(Err(Arc::clone(&error).into())));
            }
        }
    }

    /// Keeps batches, all of them or none; gives how many steps of each came to something.
    async fn keep(&mut self, batches: &[Waiting]) -> Result<Vec<usize>, StoreError> {
        let chunks: Vec<_> = batches.iter().flat_map(|batch| &batch.chunks).collect();
        let mut work = self.database.writing().await?;
        tail::write(&mut work, &chunks).await?;
        let (mut said, mut made) = (Vec::new(), Vec::with_capacity(batches.len()));
        for batch in batches {
            let mut events = Vec::new();
            made.push(step::take(&mut work, &batch.steps, &mut events).await?);
            let ready = events.into_iter().map(|event| Ready::new(Cow::Borrowed(event)));
            said.push(ready.collect::<Result<Vec<_>, _>>()?);
        }
        let events: Vec<_> =
            batches.iter().zip(&said).flat_map(|(batch, said)| batch.events.iter().chain(said)).collect();
        self.appender.write(&mut work, &events).await?;
        self.appender.commit(work).await?;
        self.committed.send_modify(|count| *count += 1);
        Ok(made)
    }
}

impl Waiting {
    fn answer(self, outcome: Result<usize, StoreError>) {
        // Whoever has gone away needs none.
        self.answer.send(outcome).ok();
    }
}
