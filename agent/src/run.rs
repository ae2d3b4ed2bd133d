//! The agent at work: one thread finds out what there is to carry, some carry it.

use std::collections::HashSet;
use std::fs::{DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casemate_client::{Client, ClientError, Settings};
use casemate_host::kept::{Place, Shelves};
use casemate_host::trusted::{self, NoConfig, Untrusted};
use casemate_host::wrap::host_target;
use casemate_host::{Config, Places, Registry, logins, now_us, recording_folders};
use rustix::fs::OFlags;
use uuid::Uuid;

use crate::carried::{Concern, Host, Job, Step, Stuck, facts, named_logins};
use crate::delivered::Delivered;
use crate::logins::{Logins, Reader};
use crate::queue::{Again, Queue, Taken};
use crate::status::{Status, lock_path};
use crate::watch::Watch;

/// So many calls are under way at once: enough for a server that is far away, and little for one that many hosts have.
const WORKERS: usize = 4;

/// What nobody has told of is found after so long.
const LOOK: Duration = Duration::from_secs(60);

/// On the last days with recordings something may still happen: on this one, and on the one before at midnight.
const RECENT: usize = 2;

/// While something is about to be due.
const SOON: Duration = Duration::from_millis(500);

/// An agent that has nothing else to say says so often that it is there.
const BEAT: Duration = Duration::from_secs(60);

/// If so many in a row cannot be sent for now, nothing can.
const SEVERAL: usize = 3;

/// What could not be sent for so many times is named by `--status`.
const NAMED: u32 = 4;

/// How it stands is written down no more often, but for news.
const WRITE: Duration = Duration::from_secs(1);

/// The agent of a host, ready to begin.
#[derive(Debug)]
pub struct Agent {
    host: Host,
    shelves: Vec<Arc<Shelves>>,
    delivered: Mutex<Delivered>,
    logins: Mutex<Logins>,
    queue: Queue<Job>,
    contact: Mutex<Contact>,
    status: Mutex<Written>,
    /// Held while it runs: there is one.
    _lock: File,
}

/// What came of the last calls.
#[derive(Debug, Default)]
struct Contact {
    /// When the server last took something.
    at: Option<Instant>,
    /// Those that could not be sent for now since then.
    failing: HashSet<Uuid>,
}

#[derive(Debug)]
struct Written {
    status: Status,
    at: Option<Instant>,
    folder: PathBuf,
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

/// What a folder is that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Folder {
    /// Of running sessions, or of the host log.
    Told,
    /// Of recordings.
    Shelves,
    /// Of a day of them, or of an account on that day.
    Day(usize, String),
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
        let lock = lock(&folder).map_err(io)?.ok_or(AgentError::Runs)?;
        let shelves = shelves(&places, &config)?;
        let delivered = Delivered::open(&folder, server.url, oldest_us(&shelves)).map_err(io)?;
        let status =
            Status { pid: std::process::id(), server: client.server().to_owned(), ..Status::default() };
        let (target, target_known_by) = match config.target() {
            Some((name, _)) => (name.to_owned(), "config"),
            None => (host_target(&config), "host"),
        };
        let registry = Registry::of(&places);
        Ok(Self {
            host: Host { client, places, registry, target, target_known_by },
            shelves,
            delivered: Mutex::new(delivered),
            logins: Mutex::default(),
            queue: Queue::default(),
            contact: Mutex::default(),
            status: Mutex::new(Written { status, at: None, folder }),
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
        self.written(&mut |_| {}, true);
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

    /// Says that the agent is there, whenever it has said nothing else for a while.
    fn beat(&self, say: &(dyn Fn(&str) + Sync)) {
        let mut tried = None;
        loop {
            let last = lock_of(&self.contact).at.max(tried);
            let rest = until_beat(last, Instant::now());
            if !rest.is_zero() {
                std::thread::sleep(rest);
                continue;
            }
            tried = Some(Instant::now());
            match self.host.client.heartbeat().map_err(Stuck::from) {
                Ok(()) => {
                    self.there(say);
                    // Nothing else may come that would write it down.
                    self.written(&mut |_| {}, true);
                }
                // A server that does not know the call, or a key that is of no agent.
                Err(stuck) if stuck.concern() == Concern::This => {}
                Err(stuck) => self.away(&stuck, say),
            }
        }
    }

    /// Carries what is next, and what comes after that.
    fn work(&self, say: &(dyn Fn(&str) + Sync)) {
        loop {
            let mut taken = self.queue.take();
            let spoken = taken.job.spoken();
            match taken.job.step(&self.host) {
                Ok(step) => {
                    if taken.job.spoken() != spoken || matches!(step, Step::Done) {
                        self.there(say);
                        if taken.job.recover() {
                            let name = taken.job.name();
                            self.written(&mut |status| drop(status.refused.remove(&name)), true);
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
    fn stuck(&self, mut taken: Taken<Job>, stuck: &Stuck, say: &(dyn Fn(&str) + Sync)) {
        let concern = stuck.concern();
        if concern == Concern::All {
            self.away(stuck, say);
            let now = Instant::now();
            return self.again(taken, Again { due: now, not_before: now });
        }
        let failures = taken.job.fail();
        if concern == Concern::This || failures == NAMED {
            let (name, reason) = (taken.job.name(), stuck.to_string());
            say(&format!("{name} is not carried: {reason}"));
            self.written(&mut |status| status.refuse(name.clone(), reason.clone()), true);
        }
        if concern == Concern::This {
            taken.job.rest();
            return self.queue.park(taken);
        }
        let is_live = taken.job.is_live;
        let are_several = {
            let mut contact = lock_of(&self.contact);
            contact.failing.insert(taken.job.id);
            contact.failing.len() >= SEVERAL
        };
        if are_several {
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
    fn there(&self, say: &(dyn Fn(&str) + Sync)) {
        *lock_of(&self.contact) = Contact { at: Some(Instant::now()), failing: HashSet::new() };
        let is_news = self.queue.there();
        if is_news {
            say(&format!("{} is there again", self.host.client.server()));
        }
        let now = now_us();
        self.written(
            &mut |status| {
                status.reached_us = Some(now);
                status.away = None;
            },
            is_news,
        );
    }

    /// The server takes nothing.
    fn away(&self, stuck: &Stuck, say: &(dyn Fn(&str) + Sync)) {
        let reason = stuck.to_string();
        if self.queue.away() {
            say(&format!("{reason}; what is recorded waits where it is"));
        }
        let now = now_us();
        self.written(
            &mut |status| {
                let since = status.away.as_ref().map_or(now, |(_, since)| *since);
                status.away = Some((reason.clone(), since));
            },
            true,
        );
    }

    /// Changes how it stands, and writes it down, if it is time or news.
    fn written(&self, change: &mut dyn FnMut(&mut Status), is_news: bool) {
        let mut written = lock_of(&self.status);
        change(&mut written.status);
        if is_news || written.at.is_none_or(|at| at.elapsed() >= WRITE) {
            written.at = Some(Instant::now());
            // It is told again soon.
            written.status.write(&written.folder).ok();
        }
    }
}

/// Finds out what there is to carry.
struct Scout<'a> {
    agent: &'a Agent,
    say: &'a (dyn Fn(&str) + Sync),
    reader: Reader,
    /// The recordings that were seen.
    seen: HashSet<Uuid>,
    /// Those that are just being begun: the logins that they name are not known yet.
    begun: Vec<(Arc<Shelves>, Place, Instant)>,
    /// What was complained of is said once.
    said: HashSet<String>,
}

impl<'a> Scout<'a> {
    fn new(agent: &'a Agent, say: &'a (dyn Fn(&str) + Sync)) -> Self {
        let reader = Reader::new(agent.host.places.log());
        Self { agent, say, reader, seen: HashSet::new(), begun: Vec::new(), said: HashSet::new() }
    }

    fn run(&mut self) {
        let mut watch = None;
        let mut looked: Option<Instant> = None;
        let mut is_first = true;
        loop {
            if looked.is_none_or(|at| at.elapsed() >= LOOK) {
                // Watched before it is looked at: what comes in between is told.
                watch = self.watch();
                self.look_at_all(is_first);
                (is_first, looked) = (false, Some(Instant::now()));
            }
            self.look_again();
            self.look_at_logins();
            let is_soon = !self.begun.is_empty() || lock_of(&self.agent.logins).is_waiting();
            let time = if is_soon { SOON } else { LOOK };
            let happened = watch.as_ref().and_then(|watch: &Watch<Folder>| watch.wait(time).ok());
            let (Some(happened), Some(watch)) = (happened, &mut watch) else {
                // Nobody tells: it is looked at again and again.
                std::thread::sleep(SOON);
                looked = None;
                self.agent.queue.wake();
                continue;
            };
            if happened.is_lost || happened.names.iter().any(|folder| matches!(folder, Folder::Shelves)) {
                looked = None;
            }
            for folder in happened.names {
                if let Folder::Day(at, day) = folder {
                    self.watch_day(watch, at, &day);
                    self.look_at_day(at, &day, None);
                }
            }
            if happened.anything {
                self.agent.queue.wake();
            }
        }
    }

    /// Watches what changes from now on: it is made anew from time to time, as days pass.
    fn watch(&mut self) -> Option<Watch<Folder>> {
        let mut watch = match Watch::new() {
            Ok(watch) => watch,
            Err(error) => {
                self.complain(&format!("looking twice a second, for nothing can be watched: {error}"));
                return None;
            }
        };
        let places = &self.agent.host.places;
        watch.add(&places.sessions(), Folder::Told);
        watch.add(&places.log(), Folder::Told);
        for at in 0..self.agent.shelves.len() {
            watch.add(self.agent.shelves[at].folder(), Folder::Shelves);
            for day in self.days(at, false) {
                self.watch_day(&mut watch, at, &day);
            }
        }
        Some(watch)
    }

    fn watch_day(&self, watch: &mut Watch<Folder>, at: usize, day: &str) {
        let shelves = &self.agent.shelves[at];
        let folder = shelves.folder().join(day);
        watch.add(&folder, Folder::Day(at, day.to_owned()));
        for account in shelves.accounts(day).unwrap_or_default() {
            watch.add(&folder.join(account), Folder::Day(at, day.to_owned()));
        }
    }

    /// The days that matter: all of them, or those in which something may still happen.
    fn days(&mut self, at: usize, all: bool) -> Vec<String> {
        let mut days = match self.agent.shelves[at].days() {
            Ok(days) => days,
            // A policy may name a folder in which nobody has been recorded yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                let folder = self.agent.shelves[at].folder().display().to_string();
                self.complain(&format!("cannot look into {folder}: {error}"));
                return Vec::new();
            }
        };
        if !all {
            let running = self.agent.host.registry.running().unwrap_or_default();
            let day = |path: &Path| Some(path.parent()?.parent()?.file_name()?.to_str()?.to_owned());
            let running: HashSet<_> = running.iter().filter_map(|session| day(&session.recording)).collect();
            let recent = days.len().saturating_sub(RECENT);
            let mut number = 0;
            days.retain(|day| {
                number += 1;
                number > recent || running.contains(day)
            });
        }
        days
    }

    fn look_at_all(&mut self, is_first: bool) {
        // What was there before goes on only if that is said of it; what comes later has just begun.
        let running = is_first.then(|| self.agent.host.registry.running().unwrap_or_default());
        let running = running.map(|running| running.into_iter().map(|session| session.session).collect());
        for at in 0..self.agent.shelves.len() {
            for day in self.days(at, is_first) {
                self.look_at_day(at, &day, running.as_ref());
            }
        }
    }

    /// Looks for recordings that were not seen yet. Of those that are not new it is known which go on.
    fn look_at_day(&mut self, at: usize, day: &str, running: Option<&HashSet<String>>) {
        let agent = self.agent;
        let shelves = &agent.shelves[at];
        for account in shelves.accounts(day).unwrap_or_default() {
            let places = match shelves.recordings(day, &account) {
                Ok(places) => places,
                Err(error) => {
                    let folder = shelves.folder().join(day).join(&account).display().to_string();
                    self.complain(&format!("{folder} is passed over: {error}"));
                    continue;
                }
            };
            for place in places {
                let Ok(id) = Uuid::parse_str(&place.session) else { continue };
                if !self.seen.insert(id) || lock_of(&agent.delivered).has(id) {
                    continue;
                }
                let is_live = running.is_none_or(|running| running.contains(&place.session));
                if !self.knows_logins(shelves, &place) && is_live {
                    self.begun.push((Arc::clone(shelves), place.clone(), Instant::now()));
                }
                agent.queue.add(Job::recording(id, Arc::clone(shelves), place, is_live), is_live);
            }
        }
    }

    /// Whether it is known within which logins a recording was: these have one.
    fn knows_logins(&self, shelves: &Shelves, place: &Place) -> bool {
        let named = facts(shelves, place).map(|facts| named_logins(&facts));
        if let Ok(named) = &named {
            lock_of(&self.agent.logins).recorded(named);
        }
        named.is_ok()
    }

    fn look_again(&mut self) {
        let mut begun = std::mem::take(&mut self.begun);
        begun.retain(|(shelves, place, since)| since.elapsed() < LOOK && !self.knows_logins(shelves, place));
        self.begun = begun;
    }

    /// Reads what the host log tells, and carries logins that are without a recording.
    fn look_at_logins(&mut self) {
        let agent = self.agent;
        let read = self.reader.read(|entry, time| {
            lock_of(&agent.logins).take(entry, time, |id, login| {
                let delivered = lock_of(&agent.delivered);
                // What recordings there were is not known any more; who is there still has none.
                let is_old = login.start_us < delivered.since_us() && logins::holder_of(login).is_none();
                is_old || delivered.has(id)
            });
        });
        if let Err(error) = read {
            self.complain(&format!("the host log cannot be read: {error}"));
        }
        for (id, login, ended) in lock_of(&agent.logins).due(now_us()) {
            agent.queue.add(Job::login(id, login, ended), true);
        }
    }

    fn complain(&mut self, text: &str) {
        if self.said.insert(text.to_owned()) {
            (self.say)(text);
        }
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

/// When the oldest recording that is kept began, in microseconds since 1970; now, if there is none.
fn oldest_us(shelves: &[Arc<Shelves>]) -> u64 {
    let now = now_us();
    let oldest = shelves.iter().filter_map(|shelves| {
        shelves.days().ok()?.iter().find_map(|day| {
            let accounts = shelves.accounts(day).ok()?;
            let places =
                accounts.iter().flat_map(|account| shelves.recordings(day, account).unwrap_or_default());
            places.filter_map(|place| begun_us(&place.session)).min()
        })
    });
    oldest.min().map_or(now, |oldest| oldest.min(now))
}

/// When a session began, by its id.
fn begun_us(session: &str) -> Option<u64> {
    let (seconds, nanos) = Uuid::parse_str(session).ok()?.get_timestamp()?.to_unix();
    Some(seconds.checked_mul(1_000_000)? + u64::from(nanos / 1000))
}

/// Takes the place of the one agent that there is; `None` if another has it.
fn lock(folder: &Path) -> io::Result<Option<File>> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => made?,
    }
    let flags = OFlags::NOFOLLOW.bits().cast_signed();
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(flags);
    let file = options.open(lock_path(folder))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lock_of<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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

    #[test]
    fn the_id_of_a_session_says_when_it_began() {
        assert_eq!(begun_us("0196a1b2-c3d4-7e5f-8a9b-000000000001"), Some(0x0196_a1b2_c3d4 * 1000));
        assert_eq!(begun_us("0196a1b2-c3d4-4e5f-8a9b-000000000001"), None);
    }
}
