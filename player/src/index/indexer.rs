//! Who makes the index: a thread of its own, or whoever waits for it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder as ThreadBuilder, JoinHandle};
use std::time::Duration;

use super::builder::Step;
use super::{Builder, Folder, Index};
use crate::recording::Recording;
use crate::shared::Shared;

/// How long to wait at once for more through a pipe: whoever quits waits for that.
const PAUSE: Duration = Duration::from_millis(50);

/// Makes the index of a recording.
#[derive(Debug)]
pub(crate) struct Indexer {
    pub(crate) index: Arc<Shared<Index>>,
    work: Work,
    cache: Option<Folder>,
}

#[derive(Debug)]
enum Work {
    /// Whoever waits does it.
    Here(Box<Builder>),
    Thread {
        handle: JoinHandle<Box<Builder>>,
        stop: Arc<AtomicBool>,
    },
    /// A thread has died; there will be no more.
    Lost,
}

impl Indexer {
    /// Begins with what needs no reading.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn new(recording: Recording) -> io::Result<Self> {
        let (builder, index) = Builder::begin(recording)?;
        let work = Work::Here(Box::new(builder));
        Ok(Self { index: Arc::new(Shared::new(index)), work, cache: None })
    }

    /// As [`Self::new`], but with the index that is in the folder; one that had to be made goes there.
    pub(crate) fn with_cache(recording: Recording, cache: Folder) -> io::Result<Self> {
        if let Some(index) = cache.find(&recording)
            && let Some(builder) = Builder::behind(&index, recording.clone())
        {
            let work = Work::Here(Box::new(builder));
            return Ok(Self { index: Arc::new(Shared::new(index)), work, cache: None });
        }
        let mut indexer = Self::new(recording)?;
        indexer.cache = Some(cache);
        Ok(indexer)
    }

    /// Lets a thread do what there is to do. Without threads, whoever waits will.
    pub(crate) fn in_background(&mut self) {
        if self.index.lock().is_complete {
            return;
        }
        let Work::Here(mut builder) = std::mem::replace(&mut self.work, Work::Lost) else { return };
        let stop = Arc::new(AtomicBool::new(false));
        let (index, stopped) = (Arc::clone(&self.index), Arc::clone(&stop));
        let cache = self.cache.take();
        let run = move || {
            while !stopped.load(Ordering::Relaxed) {
                match builder.step(&index) {
                    Step::More => {}
                    Step::Waiting => builder.wait_for_more(&index, PAUSE),
                    Step::Done => {
                        if let Some(cache) = cache {
                            cache.keep(builder.recording(), &index);
                        }
                        break;
                    }
                }
            }
            builder
        };
        match ThreadBuilder::new().name("index".into()).spawn(run) {
            Ok(handle) => self.work = Work::Thread { handle, stop },
            Err(error) => self.fail(&error.to_string()),
        }
    }

    /// Waits for a little more of the index, at most for about so long.
    pub(crate) fn wait(&mut self, time: Duration) {
        match &mut self.work {
            Work::Here(builder) => match builder.step(&self.index) {
                Step::More => {}
                Step::Waiting => builder.wait_for_more(&self.index, time),
                Step::Done => {
                    if let Some(cache) = self.cache.take() {
                        cache.keep(builder.recording(), &self.index);
                    }
                }
            },
            Work::Thread { handle, .. } => {
                let guard = self.index.lock();
                if !guard.is_complete && !handle.is_finished() {
                    self.index.wait(guard, time);
                } else {
                    drop(guard);
                    self.take_back();
                }
            }
            Work::Lost => {}
        }
    }

    /// Looks whether the file has grown. Returns whether it has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn refresh(&mut self) -> io::Result<bool> {
        if !self.index.lock().is_complete {
            return Ok(false);
        }
        self.take_back();
        let Work::Here(builder) = &mut self.work else { return Ok(false) };
        builder.refresh(&self.index)?;
        Ok(!self.index.lock().is_complete)
    }

    /// Ends the thread, and takes over its work.
    fn take_back(&mut self) {
        if let Work::Here(_) = self.work {
            return;
        }
        let Work::Thread { handle, stop } = std::mem::replace(&mut self.work, Work::Lost) else { return };
        stop.store(true, Ordering::Relaxed);
        match handle.join() {
            Ok(builder) => self.work = Work::Here(builder),
            Err(_) => self.fail("the thread that read the file has died"),
        }
    }

    fn fail(&self, why: &str) {
        self.index.change(|index| {
            index.failure = Some(why.to_owned());
            index.has_all_places = true;
            (index.is_complete, index.is_arriving) = (true, false);
        });
    }
}

impl Drop for Indexer {
    fn drop(&mut self) {
        self.take_back();
    }
}
