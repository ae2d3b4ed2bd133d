//! The agent at work: one thread finds out what there is to carry, some carry it, and one says for all of it that it is there.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casemate_client::{Client, ClientError, Settings};
use casemate_host::kept::Shelves;
use casemate_host::trusted::{self, NoConfig, Untrusted};
use casemate_host::wrap::host_target;
use casemate_host::{Config, Places, Registry, recording_folders};

use crate::carried::{Concern, Host, Job, Step, Stuck};
use crate::contact::{Contact, Say};
use crate::delivered::Delivered;
use crate::logins::Logins;
use crate::queue::{Again, Queue, Taken};
use crate::roll::Roll;
use crate::scout::{Scout, oldest_us};
use crate::status;

/// So many calls are under way at once: enough for a server that is far away, and little for one that many hosts have.
const WORKERS: usize = 4;

/// An agent that has nothing else to say says so often that it is there.
const BEAT: Duration = Duration::from_secs(60);

/// So long the server may keep the call that speaks for all, while nobody is to end. Whoever has come since speaks for himself
/// meanwhile, and what is between us and the server takes us for alive.
const KEPT: Duration = Duration::from_secs(20);

/// A server that does not keep it is not called more often.
const SHORTEST: Duration = Duration::from_secs(3);

/// What is waited before that call is tried again that came to nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// What could not be sent for so many times is named by `--status`.
const NAMED: u32 = 4;

/// The agent of a host, ready to begin.
#[derive(Debug)]
pub struct Agent {
    pub(crate) host: Host,
    pub(crate) shelves: Vec<Arc<Shelves>>,
    pub(crate) delivered: Mutex<Delivered>,
    pub(crate) logins: Mutex<Logins>,
    pub(crate) queue: Queue<Job>,
    contact: Contact,
    /// Held while it runs: there is one.
    _lock: File,
}

/// Why there is no agent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] NoConfig),
    /// It names no server.
    #[error("{} names no server", .0.display())]
    NoServer(PathBuf),
    /// The key or the certificates cannot be used.
    #[error(transparent)]
    File(#[from] Untrusted),
    /// What is said of the server makes no sense.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// There is one already.
    #[error("an agent runs already")]
    Runs,
    /// Its own files cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Agent {
    /// The agent of this host, as its configuration says.
    ///
    /// # Errors
    /// See [`AgentError`].
    pub fn of(places: Places) -> Result<Self, AgentError> {
        let config = trusted::config(&places.config)?;
        let server = config.server().ok_or_else(|| AgentError::NoServer(places.config.clone()))?;
        let key = trusted::read_secret(server.key_file)?;
        let ca = server.ca.map(trusted::read).transpose()?.map(String::into_bytes);
        let client = Client::new(Settings { server: server.url.to_owned(), key, ca })?;
        let folder = places.agent();
        let io = |source| AgentError::Io { path: folder.clone(), source };
        places.prepare().map_err(io)?;
        let lock = status::lock(&folder).map_err(io)?.ok_or(AgentError::Runs)?;
        let shelves = shelves(&places, &config)?;
        let delivered = Delivered::open(&folder, server.url, oldest_us(&shelves)).map_err(io)?;
        let contact = Contact::new(client.server(), folder);
        let (target, target_known_by) = match config.target() {
            Some((name, _)) => (name.to_owned(), "config"),
            None => (host_target(&config), "host"),
        };
        let registry = Registry::of(&places);
        Ok(Self {
            host: Host { client, places, registry, target, target_known_by, roll: Roll::default() },
            shelves,
            delivered: Mutex::new(delivered),
            logins: Mutex::default(),
            queue: Queue::default(),
            contact,
            _lock: lock,
        })
    }

    /// The server that it carries to.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.host.client
    }

    /// Carries until it is killed, which it may be at any moment. What there is to say is said.
    pub fn run(&self, say: &(dyn Fn(&str) + Sync)) {
        self.contact.write();
        std::thread::scope(|scope| {
            for number in 0..WORKERS {
                let name = std::thread::Builder::new().name(format!("carry {number}"));
                if let Err(error) = name.spawn_scoped(scope, || self.work(say)) {
                    say(&format!("carrying with fewer threads: {error}"));
                }
            }
            let name = std::thread::Builder::new().name("heartbeat".into());
            if let Err(error) = name.spawn_scoped(scope, || self.beat(say)) {
                say(&format!("the server is not told that this host has nothing to say: {error}"));
            }
            Scout::new(self, say).run();
        });
    }

    /// Says for all that goes on that it is there, and hears what is to end. Where nothing goes on, it says that the agent is
    /// there, whenever it has said nothing else for a while.
    fn beat(&self, say: Say<'_>) {
        let (mut pause, mut kept) = (PAUSE, KEPT);
        loop {
            let called = self.host.roll.call(until_beat(self.contact.reached(), Instant::now()));
            let begun = Instant::now();
            let patience = if called.is_empty() { Duration::ZERO } else { kept };
            match self.host.client.heartbeat(&called, patience).map_err(Stuck::from) {
                Ok(closed) => {
                    pause = PAUSE;
                    let is_news = !closed.is_empty();
                    self.host.roll.heard(closed);
                    self.there(say);
                    // Nothing else may come that would write it down.
                    self.contact.write();
                    if is_news {
                        self.queue.wake();
                    } else if !called.is_empty() {
                        std::thread::sleep(SHORTEST.saturating_sub(begun.elapsed()));
                    }
                }
                Err(stuck) => {
                    self.host.roll.unheard();
                    // Somebody in between may have no patience.
                    if begun.elapsed() > SHORTEST {
                        kept = (kept / 2).max(SHORTEST);
                    }
                    // A server that does not know the call, or a key that is of no agent.
                    if stuck.concern() == Concern::This {
                        pause = BEAT;
                    } else {
                        self.away(&stuck, say);
                    }
                    std::thread::sleep(pause);
                    pause = (pause * 2).min(BEAT);
                }
            }
        }
    }

    /// Carries what is next, and what comes after that.
    fn work(&self, say: Say<'_>) {
        loop {
            let mut taken = self.queue.take();
            let spoken = taken.job.spoken();
            match taken.job.step(&self.host) {
                Ok(step) => {
                    if taken.job.spoken() != spoken || matches!(step, Step::Done) {
                        self.there(say);
                        if taken.job.recover() {
                            self.contact.taken(&taken.job.name());
                        }
                    }
                    match step {
                        Step::Done => self.done(&taken),
                        Step::Again(again) => self.again(taken, again),
                    }
                }
                Err(stuck) => self.stuck(taken, &stuck, say),
            }
        }
    }

    /// It does not go on: with this one, or with any.
    fn stuck(&self, mut taken: Taken<Job>, stuck: &Stuck, say: Say<'_>) {
        let concern = stuck.concern();
        if concern == Concern::All {
            self.away(stuck, say);
            let now = Instant::now();
            return self.again(taken, Again { due: now, not_before: now });
        }
        let failures = taken.job.fail();
        if concern == Concern::This || failures == NAMED {
            self.contact.refused(&taken.job.name(), stuck, say);
        }
        if concern == Concern::This {
            taken.job.rest();
            return self.queue.park(taken);
        }
        let is_live = taken.job.is_live;
        if self.contact.fails(taken.job.id) {
            self.away(stuck, say);
        }
        self.queue.postpone(taken, is_live, failures);
    }

    fn again(&self, taken: Taken<Job>, again: Again) {
        let is_live = taken.job.is_live;
        self.queue.put_back(taken, is_live, again);
    }

    fn done(&self, taken: &Taken<Job>) {
        let id = taken.job.id;
        lock_of(&self.delivered).add(taken.job.logins().into_iter().chain([id]));
        lock_of(&self.logins).forget(id);
        self.queue.done(taken);
    }

    /// The server has taken something.
    fn there(&self, say: Say<'_>) {
        self.contact.there(self.queue.there(), say);
    }

    /// The server takes nothing.
    fn away(&self, stuck: &Stuck, say: Say<'_>) {
        self.contact.away(stuck, self.queue.away(), say);
    }
}

/// How long it is until there is to be a heartbeat, if the server was last spoken to then.
fn until_beat(last: Option<Instant>, now: Instant) -> Duration {
    last.map_or(Duration::ZERO, |last| BEAT.saturating_sub(now.saturating_duration_since(last)))
}

/// The folders of recordings, each once.
fn shelves(places: &Places, config: &Config) -> Result<Vec<Arc<Shelves>>, AgentError> {
    let open = |path: PathBuf| match Shelves::of(&path) {
        Ok(shelves) => Ok(Arc::new(shelves)),
        Err(source) => Err(AgentError::Io { path, source }),
    };
    recording_folders(places, config).into_iter().map(open).collect()
}

/// Takes what is in a mutex.
pub(crate) fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is under it is whole at any moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_is_due_at_first_and_a_minute_after_anything_that_was_said() {
        let now = Instant::now();
        let after = |seconds| until_beat(Some(now), now + Duration::from_secs(seconds)).as_secs();
        assert_eq!(until_beat(None, now), Duration::ZERO);
        assert_eq!([after(0), after(59), after(60), after(300)], [60, 1, 0, 0]);
    }
}
