//! Who is logged in: a record for each login, `/run/casemate/logins/PID-START.json`, by the process that holds it open.
//!
//! [`open`] and [`close`] are what the PAM hook does, as root; [`find`] is how whoever runs within a login finds it:
//! among its ancestors, and by its audit session, which are the kernel's word. *Invariants*: a record is believed only if it and its folder are
//! root's, and nobody else can write to them; one whose process is gone counts no more, and the next login ends it.
//!
//! *Not here*: what a login says of the person ([`crate::login`], [`crate::who`]).

use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, Mode, OFlags};
use rustix::io::Errno;

use crate::log::{self, Entry, LoginEnd};
use crate::login::pam::Pam;
use crate::login::{Login, person, ssh};
use crate::places::Places;
use crate::process::{Process, audit_session};
use crate::{Config, json};

/// A record is read by all, if they come so far.
const RECORD_MODE: u32 = 0o644;

/// A larger record is none of ours.
const LARGEST: u64 = 64 << 10;

/// What came of a login: the record, and what went wrong beside it.
#[derive(Debug)]
pub struct Opened {
    /// The login.
    pub login: Login,
    /// What could not be done. A login goes on without.
    pub failures: Vec<(&'static str, io::Error)>,
}

/// A login begins: makes its record and its entry in the host log, and ends those whose processes are gone. The caller
/// is a child of the process that holds the login open, as `pam_exec` runs it. `now_us` in microseconds since 1970 UTC.
///
/// # Errors
///
/// That process is gone.
pub fn open(places: &Places, config: &Config, pam: &Pam, now_us: u64) -> io::Result<Opened> {
    let holder = holder()?;
    // Elsewhere the variable may come from a file of the user's: pam_env reads one.
    let is_sshd = holder.program().as_deref().is_some_and(is_sshd);
    let authentications = if is_sshd { ssh::authentications(&pam.authentications) } else { Vec::new() };
    let person = person::person(&authentications, config);
    let mut login = Login {
        id: uuid::Uuid::now_v7().to_string(),
        account: pam.account.clone(),
        service: pam.service.clone(),
        client: pam.client.clone(),
        terminal: pam.terminal.clone(),
        remote_user: pam.remote_user.clone(),
        pid: holder.pid,
        process_start: holder.start,
        start_us: now_us,
        audit_session: holder.begun_audit_session(),
        authentications,
        person,
    };
    login.cap();
    let mut failures = Vec::new();
    let mut attempt = |what, result: io::Result<()>| {
        if let Err(error) = result {
            failures.push((what, error));
        }
    };
    attempt("cannot make its folders", places.prepare());
    attempt("cannot end the logins whose processes are gone", sweep(places, now_us));
    attempt("cannot write the record of the login", record(places, &login, holder));
    attempt("cannot write to the host log", log::append(places, now_us, Entry::Login(login.clone())));
    Ok(Opened { login, failures })
}

/// A login is over: removes its record, and says so in the host log. One that has no record began without us.
///
/// # Errors
///
/// The process that held it is gone, or the log cannot be written.
pub fn close(places: &Places, now_us: u64) -> io::Result<()> {
    end(places, &open_folder(places)?, &name(holder()?), now_us, LoginEnd::Closed)
}

/// The logins within which this process runs, the nearest first: that of `su`, then that of `sshd` around it.
#[must_use]
pub fn find(places: &Places) -> Vec<Login> {
    find_of(places, 0)
}

/// The process that holds a login open; `None` once it is over.
#[must_use]
pub fn holder_of(login: &Login) -> Option<OwnedFd> {
    Process::hold(login.pid, login.process_start).map(|(held, _)| held)
}

fn find_of(places: &Places, owner: u32) -> Vec<Login> {
    let Ok(folder) = open_folder(places) else { return Vec::new() };
    if !is_owners(&folder, owner) {
        return Vec::new();
    }
    let mut found: Vec<_> =
        Process::line().filter_map(|process| read(&folder, &name(process), owner)).collect();
    let beginning = audit_session("self").and_then(|session| beginning_of(&folder, session, owner));
    found.extend(beginning.filter(|login| found.iter().all(|other| other.id != login.id)));
    found
}

/// The login with which an audit session began. Processes that have left their parents, or that may not see them, are in it
/// all the same.
fn beginning_of(folder: &OwnedFd, session: u32, owner: u32) -> Option<Login> {
    let entries = Dir::read_from(folder).ok()?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned));
    let whole = names.filter(|name| !name.starts_with('.'));
    let mut logins = whole.filter_map(|name| read(folder, &name, owner));
    logins.find(|login| login.audit_session == Some(session))
}

/// The process that asked PAM for the session.
fn holder() -> io::Result<Process> {
    let parent = std::os::unix::process::parent_id();
    // All are descendants of the first process; it is our parent only where ours has ended.
    let holder = Process::find(parent).filter(|_| parent > 1);
    holder.ok_or_else(|| io::Error::other("the process that opened the session is gone"))
}

/// `sshd`, or what newer versions have for a session, `sshd-session`; also while it is being upgraded.
fn is_sshd(program: &Path) -> bool {
    program.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"sshd"))
}

fn name(process: Process) -> String {
    format!("{}-{}.json", process.pid, process.start)
}

/// The process of a record, by its name; also of one that was not finished.
fn process_of(name: &str) -> Option<(u32, u64)> {
    let (pid, start) = name.strip_prefix('.').unwrap_or(name).strip_suffix(".json")?.split_once('-')?;
    Some((pid.parse().ok()?, start.parse().ok()?))
}

fn open_folder(places: &Places) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::open(places.logins(), flags, Mode::empty())?)
}

/// Writes the record beside its place first: it is there whole, or not at all.
fn record(places: &Places, login: &Login, holder: Process) -> io::Result<()> {
    let folder = open_folder(places)?;
    let name = name(holder);
    let beside = format!(".{name}");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::openat(&folder, &beside, flags, Mode::RUSR | Mode::WUSR)?;
    rustix::fs::fchmod(&file, Mode::from_raw_mode(RECORD_MODE))?;
    std::fs::File::from(file).write_all(&json::line(login)?)?;
    // If it has ended meanwhile, we are another's child, and nobody would end the record.
    if std::os::unix::process::parent_id() == holder.pid {
        Ok(rustix::fs::renameat(&folder, &beside, &folder, &name)?)
    } else {
        rustix::fs::unlinkat(&folder, &beside, AtFlags::empty())?;
        Err(io::Error::other("the process that opened the session is gone"))
    }
}

/// Reads a record that root alone can have written.
fn read(folder: &OwnedFd, name: &str, owner: u32) -> Option<Login> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(folder, name, flags, Mode::empty()).ok()?;
    if !is_owners(&file, owner) {
        return None;
    }
    let mut text = String::new();
    std::fs::File::from(file).take(LARGEST).read_to_string(&mut text).ok()?;
    let login: Login = serde_json::from_str(&text).ok()?;
    (process_of(name) == Some((login.pid, login.process_start))).then_some(login)
}

/// Whether it is root's, and nobody else can write to it.
fn is_owners(file: &OwnedFd, owner: u32) -> bool {
    rustix::fs::fstat(file).is_ok_and(|about| about.st_uid == owner && about.st_mode & 0o022 == 0)
}

/// Ends the logins whose processes are gone: killed, and so not closed.
fn sweep(places: &Places, now_us: u64) -> io::Result<()> {
    let folder = open_folder(places)?;
    for entry in Dir::read_from(&folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().to_str() else { continue };
        let Some((pid, start)) = process_of(name) else { continue };
        if Process::find(pid).is_none_or(|process| process.start != start) {
            end(places, &folder, name, now_us, LoginEnd::Lost)?;
        }
    }
    Ok(())
}

/// Removes a record and says in the log that its login is over. Of several who try, the one who removes it says so.
fn end(places: &Places, folder: &OwnedFd, name: &str, now_us: u64, end: LoginEnd) -> io::Result<()> {
    let owner = rustix::process::geteuid().as_raw();
    let login = read(folder, name, owner);
    match rustix::fs::unlinkat(folder, name, AtFlags::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        removed => removed?,
    }
    let Some(login) = login.filter(|_| !name.starts_with('.')) else { return Ok(()) };
    let duration = match end {
        #[expect(clippy::cast_precision_loss, reason = "a duration has far fewer than 2^53 microseconds")]
        LoginEnd::Closed => Some(now_us.saturating_sub(login.start_us) as f64 / 1e6),
        LoginEnd::Lost => None,
    };
    log::append(places, now_us, Entry::Logout { account: login.account, id: login.id, duration, end })
}

#[cfg(test)]
mod tests;
