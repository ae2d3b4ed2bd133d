//! Logins from elsewhere in which nothing is recorded: forwarded ports, `internal-sftp`, accounts whose shell is not ours.
//!
//! The host log says who logged in, and each recording within which logins it was. A login that no recording has named a
//! moment after it began is one without a shell. Pure, but for [`Reader`]
//! and [`booted_us`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use casemate_host::log::{Entry, Line, LoginEnd, day_files, open_day};
use casemate_host::login::Login;
use uuid::Uuid;

/// So long after a login its shell has begun to be recorded, in microseconds.
const GRACE: u64 = 5_000_000;

/// Read of a log at once.
const CHUNK: u64 = 4 << 20;

/// When a login was over, in microseconds since 1970; 0 while that is not known.
pub(crate) type Ended = Arc<AtomicU64>;

/// Those that may be without a recording.
#[derive(Debug, Default)]
pub(crate) struct Logins {
    waiting: BTreeMap<Uuid, (Login, Ended)>,
    /// Those that are being carried: when each began, and ended.
    carried: HashMap<Uuid, (u64, Ended)>,
    /// A recording has named these. Of them the log may tell later.
    recorded: HashSet<Uuid>,
}

impl Logins {
    /// Takes an entry of the host log, written at that time.
    pub(crate) fn take(&mut self, entry: Entry, time_us: u64, is_passed_over: impl Fn(Uuid, &Login) -> bool) {
        match entry {
            Entry::Login(login) if login.comes_from_elsewhere() => {
                let Ok(id) = Uuid::parse_str(&login.id) else { return };
                if !self.recorded.contains(&id) && !is_passed_over(id, &login) {
                    self.waiting.insert(id, (login, Ended::default()));
                }
            }
            Entry::Logout { id, end, .. } => {
                let Ok(id) = Uuid::parse_str(&id) else { return };
                let ended = self.waiting.get(&id).map(|(_, ended)| ended);
                let ended = ended.or_else(|| self.carried.get(&id).map(|(_, ended)| ended));
                // That it was found lost says nothing of when.
                if let Some(ended) = ended.filter(|_| end == LoginEnd::Closed) {
                    ended.store(time_us, Ordering::Relaxed);
                }
                self.recorded.remove(&id);
            }
            Entry::Login(_)
            | Entry::Skipped { .. }
            | Entry::Emergency { .. }
            | Entry::Refused(_)
            | Entry::Unrecorded(_)
            | Entry::UnrecordedEnd { .. }
            | Entry::CommandLog(_)
            | Entry::Watched { .. }
            | Entry::Closed { .. }
            | Entry::Disk { .. }
            | _ => {}
        }
    }

    /// A recording has named these.
    pub(crate) fn recorded(&mut self, ids: &[Uuid]) {
        for id in ids {
            if self.waiting.remove(id).is_none() {
                self.recorded.insert(*id);
            }
        }
    }

    /// Those that are without a recording by now.
    pub(crate) fn due(&mut self, now_us: u64) -> Vec<(Uuid, Login, Ended)> {
        let is_due = |login: &Login| login.start_us.saturating_add(GRACE) <= now_us;
        let due: Vec<_> =
            self.waiting.iter().filter(|(_, (login, _))| is_due(login)).map(|(id, _)| *id).collect();
        let mut found = Vec::new();
        for id in due {
            if let Some((login, ended)) = self.waiting.remove(&id) {
                self.carried.insert(id, (login.start_us, Arc::clone(&ended)));
                found.push((id, login, ended));
            }
        }
        found
    }

    /// When the oldest of them began that the server may not know, in microseconds since 1970.
    pub(crate) fn oldest_us(&self) -> Option<u64> {
        let waiting = self.waiting.values().map(|(login, _)| login.start_us);
        waiting.chain(self.carried.values().map(|(start, _)| *start)).min()
    }

    /// Whether one may be due soon.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// It needs no carrying any more.
    pub(crate) fn forget(&mut self, id: Uuid) {
        self.carried.remove(&id);
    }
}

/// When a login is over at the latest that is over now, in microseconds since 1970: whatever was before the boot ended before it.
pub(crate) fn over_by(start_us: u64, booted_us: u64, now_us: u64) -> u64 {
    if start_us < booted_us { booted_us.min(now_us) } else { now_us }
}

/// When this host was booted, in microseconds since 1970.
pub(crate) fn booted_us() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let seconds: u64 = stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())?;
    seconds.checked_mul(1_000_000)
}

/// Reads the host log as it grows, each line once.
#[derive(Debug)]
pub(crate) struct Reader {
    folder: PathBuf,
    /// The file of a day, and how far it is read.
    at: Option<(String, u64)>,
}

impl Reader {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, at: None }
    }

    /// Gives what is new: entries with their times.
    pub(crate) fn read(&mut self, mut take: impl FnMut(Entry, u64)) -> io::Result<()> {
        let at = self.at.take();
        let mut at = at.unwrap_or_default();
        for name in day_files(&self.folder)? {
            match name.cmp(&at.0) {
                std::cmp::Ordering::Less => continue,
                std::cmp::Ordering::Equal => {}
                std::cmp::Ordering::Greater => at = (name, 0),
            }
            // One that is not ours is passed over.
            if let Ok(mut file) = open_day(&self.folder, &at.0) {
                at.1 = lines(&mut file, at.1, &mut take)?;
            }
        }
        self.at = Some(at);
        Ok(())
    }
}

/// Reads whole lines from there on; gives where the next one begins.
fn lines(file: &mut File, mut from: u64, take: &mut impl FnMut(Entry, u64)) -> io::Result<u64> {
    loop {
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.by_ref().take(CHUNK).read_to_end(&mut bytes)?;
        let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
            // No line of ours is so long.
            let is_too_long = bytes.len() as u64 == CHUNK;
            return Ok(if is_too_long { from + CHUNK } else { from });
        };
        for line in bytes[..end].split(|byte| *byte == b'\n') {
            if let Ok(Line { time, entry }) = serde_json::from_slice(line)
                && let Ok(time) = serde_json::from_value::<casemate_audit_log::Time>(time.into())
            {
                take(entry, u64::try_from(time.0).unwrap_or(0));
            }
        }
        from += end as u64 + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(number: u128, start_us: u64) -> Login {
        let text = format!(
            r#"{{"id":"{}","account":"alice","service":"sshd","client":"192.0.2.7","pid":1,"process_start":1,"start_us":{start_us}}}"#,
            Uuid::from_u128(number)
        );
        serde_json::from_str(&text).unwrap()
    }

    fn logout(number: u128) -> Entry {
        let id = Uuid::from_u128(number).to_string();
        Entry::Logout { account: "alice".into(), id, duration: None, end: LoginEnd::Closed }
    }

    #[test]
    fn a_login_that_no_recording_names_is_one_without_a_shell() {
        let mut logins = Logins::default();
        for number in 1..=4 {
            logins.take(Entry::Login(login(number, 0)), 0, |id, _| id == Uuid::from_u128(4));
        }
        logins.recorded(&[Uuid::from_u128(2)]);
        assert!(logins.due(GRACE - 1).is_empty() && logins.is_waiting());
        logins.take(logout(1), 7, |_, _| false);
        assert_eq!(logins.oldest_us(), Some(0));
        let due = logins.due(GRACE);
        let ids: Vec<_> = due.iter().map(|(id, ..)| id.as_u128()).collect();
        assert_eq!(ids, [1, 3]);
        assert_eq!(due[0].2.load(Ordering::Relaxed), 7);
        assert_eq!(due[1].2.load(Ordering::Relaxed), 0);
        // It ends while it is carried.
        logins.take(logout(3), 9, |_, _| false);
        assert_eq!(due[1].2.load(Ordering::Relaxed), 9);
        assert!(logins.due(u64::MAX).is_empty());
        logins.take(Entry::Login(login(5, 9)), 9, |_, _| false);
        for (number, oldest) in [(1, Some(0)), (3, Some(9))] {
            logins.forget(Uuid::from_u128(number));
            assert_eq!(logins.oldest_us(), oldest);
        }
    }

    #[test]
    fn of_a_login_that_was_found_lost_it_is_not_known_when_it_ended() {
        let mut logins = Logins::default();
        logins.take(Entry::Login(login(1, 0)), 0, |_, _| false);
        let Entry::Logout { account, id, .. } = logout(1) else { unreachable!() };
        logins.take(Entry::Logout { account, id, duration: None, end: LoginEnd::Lost }, 7, |_, _| false);
        assert_eq!(logins.due(GRACE)[0].2.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn who_is_over_at_the_latest_when_the_host_began_anew() {
        assert_eq!(over_by(5, 90, 100), 90, "it was of another boot");
        assert_eq!(over_by(95, 90, 100), 100);
        assert!(booted_us().unwrap() > 0);
    }

    #[test]
    fn what_the_log_tells_later_than_a_recording_is_known() {
        let mut logins = Logins::default();
        logins.recorded(&[Uuid::from_u128(1)]);
        logins.take(Entry::Login(login(1, 0)), 0, |_, _| false);
        assert!(logins.due(u64::MAX).is_empty());
    }

    #[test]
    fn who_comes_from_here_is_no_connection() {
        let mut logins = Logins::default();
        let here = Login { client: None, ..login(1, 0) };
        let by_su = Login { remote_user: Some("bob".into()), ..login(2, 0) };
        for login in [here, by_su] {
            logins.take(Entry::Login(login), 0, |_, _| false);
        }
        assert!(logins.due(u64::MAX).is_empty());
    }
}
