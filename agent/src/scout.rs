//! Finds out what there is to carry: recordings in their folders, and logins without one in the host log.
//!
//! *Invariants*: what happens in a folder is seen at once where it can be watched, and all of it after a while; nothing is
//! found twice. What is remembered is no more than what may still be there.

use std::collections::HashSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use casemate_host::kept::{Place, Shelves};
use casemate_host::log::Entry;
use casemate_host::login::Login;
use casemate_host::{logins, now_us};
use uuid::Uuid;

use crate::carried::{Job, facts, named_logins};
use crate::contact::Say;
use crate::delivered::begun_us;
use crate::logins::Reader;
use crate::run::{Agent, lock_of};
use crate::watch::Watch;

/// What nobody has told of is found after so long.
const LOOK: Duration = Duration::from_secs(60);

/// So often all days are looked at, and what is gone is forgotten.
const ALL: Duration = Duration::from_hours(24);

/// On the last days with recordings something may still happen: on this one, and on the one before at midnight.
const RECENT: usize = 2;

/// While something is about to be due.
const SOON: Duration = Duration::from_millis(500);

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

/// Finds out what there is to carry.
pub(crate) struct Scout<'a> {
    agent: &'a Agent,
    say: Say<'a>,
    reader: Reader,
    /// The recordings that were seen.
    seen: HashSet<Uuid>,
    /// Those that are just being begun: the logins that they name are not known yet.
    begun: Vec<(Arc<Shelves>, Place, Instant)>,
    /// Logins that were open when the host log told of them.
    open: Vec<Login>,
    /// What was complained of is said once.
    said: HashSet<String>,
}

impl<'a> Scout<'a> {
    pub(crate) fn new(agent: &'a Agent, say: Say<'a>) -> Self {
        let reader = Reader::new(agent.host.places.log());
        let (seen, begun, open, said) = (HashSet::new(), Vec::new(), Vec::new(), HashSet::new());
        Self { agent, say, reader, seen, begun, open, said }
    }

    /// Looks for ever.
    pub(crate) fn run(&mut self) {
        let mut watch = None;
        let (mut looked, mut looked_at_all): (Option<Instant>, Option<Instant>) = (None, None);
        loop {
            let is_all = looked_at_all.is_none_or(|at| at.elapsed() >= ALL);
            if is_all || looked.is_none_or(|at| at.elapsed() >= LOOK) {
                // Watched before it is looked at: what comes in between is told.
                watch = self.watch();
                self.look_at_days(is_all);
                looked = Some(Instant::now());
            }
            self.look_again();
            let is_read = self.look_at_logins();
            if is_all {
                looked_at_all = looked;
                if is_read {
                    self.forget();
                }
            }
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

    fn look_at_days(&mut self, all: bool) {
        // What was there before goes on only if that is said of it; what comes later has just begun.
        let running = all.then(|| self.agent.host.registry.running().unwrap_or_default());
        let running = running.map(|running| running.into_iter().map(|session| session.session).collect());
        for at in 0..self.agent.shelves.len() {
            for day in self.days(at, all) {
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

    /// Reads what the host log tells, and carries logins that are without a recording. Gives whether all of it could be read.
    fn look_at_logins(&mut self) -> bool {
        let (agent, open) = (self.agent, &mut self.open);
        let read = self.reader.read(|entry, time| {
            if let Entry::Login(login) = &entry
                && login.comes_from_elsewhere()
                && logins::holder_of(login).is_some()
            {
                open.push(login.clone());
            }
            lock_of(&agent.logins).take(entry, time, |id, login| {
                let delivered = lock_of(&agent.delivered);
                // What recordings there were is not known any more; who is there still has none.
                let is_old = login.start_us < delivered.since_us() && logins::holder_of(login).is_none();
                is_old || delivered.has(id)
            });
        });
        if let Err(error) = &read {
            self.complain(&format!("the host log cannot be read: {error}"));
        }
        for (id, login, ended) in lock_of(&agent.logins).due(now_us()) {
            agent.queue.add(Job::login(id, login, ended), true);
        }
        read.is_ok()
    }

    /// Forgets what was before all that may still be asked for: the oldest recording, the oldest login that is open or was not
    /// carried yet.
    fn forget(&mut self) {
        self.open.retain(|login| logins::holder_of(login).is_some());
        let open = self.open.iter().map(|login| login.start_us).min();
        let waiting = lock_of(&self.agent.logins).oldest_us();
        let recorded = Some(oldest_us(&self.agent.shelves));
        let Some(before) = [recorded, open, waiting].into_iter().flatten().min() else { return };
        self.seen.retain(|id| begun_us(*id).is_none_or(|begun| begun >= before));
        if let Err(error) = lock_of(&self.agent.delivered).forget(before) {
            self.complain(&format!("what was delivered cannot be written down: {error}"));
        }
    }

    fn complain(&mut self, text: &str) {
        if self.said.insert(text.to_owned()) {
            (self.say)(text);
        }
    }
}

/// When the oldest recording that is kept began, in microseconds since 1970; now, if there is none.
pub(crate) fn oldest_us(shelves: &[Arc<Shelves>]) -> u64 {
    let now = now_us();
    let oldest = shelves.iter().filter_map(|shelves| {
        shelves.days().ok()?.iter().find_map(|day| {
            let accounts = shelves.accounts(day).ok()?;
            let places =
                accounts.iter().flat_map(|account| shelves.recordings(day, account).unwrap_or_default());
            places.filter_map(|place| begun_us(Uuid::parse_str(&place.session).ok()?)).min()
        })
    });
    oldest.min().map_or(now, |oldest| oldest.min(now))
}
