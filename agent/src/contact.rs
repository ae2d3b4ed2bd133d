//! How it stands with the server: what came of the last calls, said to whoever runs the agent, and written down for
//! `--status`.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use casemate_host::now_us;
use uuid::Uuid;

use crate::run::lock_of;
use crate::status::Status;

/// If so many in a row cannot be sent for now, nothing can.
const SEVERAL: usize = 3;

/// It is written down no more often, but for news.
const WRITE: Duration = Duration::from_secs(1);

/// To whom it is said.
pub(crate) type Say<'a> = &'a (dyn Fn(&str) + Sync);

/// What is known of it.
#[derive(Debug)]
pub(crate) struct Contact {
    calls: Mutex<Calls>,
    written: Mutex<Written>,
}

/// What came of the last calls.
#[derive(Debug, Default)]
struct Calls {
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

impl Contact {
    /// With a server, and where that is written down.
    pub(crate) fn new(server: &str, folder: PathBuf) -> Self {
        let status = Status { pid: std::process::id(), server: server.to_owned(), ..Status::default() };
        let written = Written { status, at: None, folder };
        Self { calls: Mutex::default(), written: Mutex::new(written) }
    }

    /// When the server last took something.
    pub(crate) fn reached(&self) -> Option<Instant> {
        lock_of(&self.calls).at
    }

    /// Writes it down now.
    pub(crate) fn write(&self) {
        self.change(&mut |_| {}, true);
    }

    /// The server has taken something, which may be news.
    pub(crate) fn there(&self, is_news: bool, say: Say<'_>) {
        *lock_of(&self.calls) = Calls { at: Some(Instant::now()), failing: HashSet::new() };
        if is_news {
            let server = lock_of(&self.written).status.server.clone();
            say(&format!("{server} is there again"));
        }
        let now = now_us();
        let there = &mut |status: &mut Status| {
            status.reached_us = Some(now);
            status.away = None;
        };
        self.change(there, is_news);
    }

    /// The server takes nothing, which may be news.
    pub(crate) fn away(&self, reason: &dyn fmt::Display, is_news: bool, say: Say<'_>) {
        let reason = reason.to_string();
        if is_news {
            say(&format!("{reason}; what is recorded waits where it is"));
        }
        let now = now_us();
        let away = &mut |status: &mut Status| {
            let since = status.away.as_ref().map_or(now, |(_, since)| *since);
            status.away = Some((reason.clone(), since));
        };
        self.change(away, true);
    }

    /// One cannot be sent for now; gives whether that is so with several, and so with all.
    pub(crate) fn fails(&self, id: Uuid) -> bool {
        let mut calls = lock_of(&self.calls);
        calls.failing.insert(id);
        calls.failing.len() >= SEVERAL
    }

    /// One is not taken, and is named.
    pub(crate) fn refused(&self, name: &str, reason: &dyn fmt::Display, say: Say<'_>) {
        let reason = reason.to_string();
        say(&format!("{name} is not carried: {reason}"));
        self.change(&mut |status| status.refuse(name.to_owned(), reason.clone()), true);
    }

    /// One is taken that was not.
    pub(crate) fn taken(&self, name: &str) {
        self.change(&mut |status| drop(status.refused.remove(name)), true);
    }

    /// Changes how it stands, and writes it down, if it is time or news.
    fn change(&self, change: &mut dyn FnMut(&mut Status), is_news: bool) {
        let mut written = lock_of(&self.written);
        change(&mut written.status);
        if is_news || written.at.is_none_or(|at| at.elapsed() >= WRITE) {
            written.at = Some(Instant::now());
            // It is told again soon.
            written.status.write(&written.folder).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[test]
    fn what_is_news_is_said_and_how_it_stands_is_written_down() {
        let folder = tempfile::tempdir().unwrap();
        let said = Mutex::new(Vec::new());
        let say = |text: &str| said.lock().unwrap().push(text.to_owned());
        let written = || -> Status {
            serde_json::from_slice(&std::fs::read(folder.path().join("status.json")).unwrap()).unwrap()
        };
        let contact = Contact::new("https://a", folder.path().to_owned());
        assert_eq!(contact.reached(), None);
        contact.away(&"no route", true, &say);
        let since = written().away.unwrap().1;
        contact.away(&"no answer", false, &say);
        assert_eq!(written().away, Some(("no answer".into(), since)), "since it was so first");
        contact.there(true, &say);
        assert!(written().away.is_none() && written().reached_us.is_some() && contact.reached().is_some());
        assert_eq!(
            *said.lock().unwrap(),
            ["no route; what is recorded waits where it is", "https://a is there again"]
        );
        contact.refused("/r/b", &"it differs", &say);
        assert_eq!(written().refused["/r/b"], "it differs");
        contact.taken("/r/b");
        assert!(written().refused.is_empty());
    }

    #[test]
    fn of_several_in_a_row_it_is_said_that_it_is_so_with_all() {
        let contact = Contact::new("", tempfile::tempdir().unwrap().path().to_owned());
        let fails = |numbers: &[u128]| -> Vec<bool> {
            numbers.iter().map(|number| contact.fails(Uuid::from_u128(*number))).collect()
        };
        assert_eq!(fails(&[1, 1, 1, 2]), [false; 4]);
        contact.there(false, &|_| {});
        assert_eq!(fails(&[1, 2, 3]), [false, false, true]);
    }
}
