//! Wakes whoever looks when something happens in folders: a name comes or goes, or a file grows.
//!
//! *Not here*: what it was. Who is woken looks at all that matters; and also from time to time, for what nobody told of.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use rustix::io::Errno;

/// What happens within this time is one: whoever is woken sees all of it.
const TOGETHER: Duration = Duration::from_millis(25);

/// Room for some hundred events.
const ROOM: usize = 16 << 10;

/// Folders that are watched, each with what it is to whoever watches.
#[derive(Debug)]
pub(crate) struct Watch<T> {
    inotify: OwnedFd,
    folders: HashMap<i32, T>,
}

/// What has happened.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Happened<T> {
    /// Anything has.
    pub(crate) anything: bool,
    /// In these folders names have come or gone.
    pub(crate) names: Vec<T>,
    /// More than was told.
    pub(crate) is_lost: bool,
}

impl<T: Clone + PartialEq> Watch<T> {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self { inotify: init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?, folders: HashMap::new() })
    }

    /// Watches a folder as well; one that is not there is not.
    pub(crate) fn add(&mut self, folder: &Path, is: T) {
        let flags = WatchFlags::CREATE
            | WatchFlags::MOVED_TO
            | WatchFlags::MOVED_FROM
            | WatchFlags::DELETE
            | WatchFlags::MODIFY
            | WatchFlags::ONLYDIR
            | WatchFlags::DONT_FOLLOW;
        if let Ok(watched) = add_watch(&self.inotify, folder, flags) {
            self.folders.insert(watched, is);
        }
    }

    /// Waits until something happens, or for so long.
    pub(crate) fn wait(&self, time: Duration) -> io::Result<Happened<T>> {
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        match poll(&mut [PollFd::new(&self.inotify, PollFlags::IN)], Some(&time)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => std::thread::sleep(TOGETHER),
            Err(error) => return Err(error.into()),
        }
        let mut happened = Happened { anything: false, names: Vec::new(), is_lost: false };
        let mut room = [MaybeUninit::uninit(); ROOM];
        let mut events = Reader::new(&self.inotify, &mut room);
        loop {
            let event = match events.next() {
                Err(Errno::AGAIN) => return Ok(happened),
                Err(Errno::INTR) => continue,
                event => event?,
            };
            happened.anything = true;
            happened.is_lost |= event.events().contains(ReadFlags::QUEUE_OVERFLOW);
            if !event.events().contains(ReadFlags::MODIFY)
                && let Some(folder) = self.folders.get(&event.wd())
                && !happened.names.contains(folder)
            {
                happened.names.push(folder.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_is_told_with_its_folder() {
        let root = tempfile::tempdir().unwrap();
        let mut watch = Watch::new().unwrap();
        watch.add(root.path(), 7);
        watch.add(&root.path().join("gone"), 8);
        let nothing = Happened { anything: false, names: Vec::new(), is_lost: false };
        assert_eq!(watch.wait(Duration::from_millis(1)).unwrap(), nothing);
        let path = root.path().join("x");
        std::fs::write(&path, "x").unwrap();
        let happened = watch.wait(Duration::from_secs(10)).unwrap();
        assert_eq!(happened, Happened { anything: true, names: vec![7], is_lost: false });
        std::fs::write(&path, "xy").unwrap();
        let happened = watch.wait(Duration::from_secs(10)).unwrap();
        assert_eq!(happened, Happened { anything: true, names: Vec::new(), is_lost: false });
    }
}
