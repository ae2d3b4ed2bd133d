//! What the system says of the process in the foreground: `/proc`, read once, at one moment.
//!
//! What it does not say is absent: a process of another user hides its executable and its folder,
//! one that has just ended hides everything, and a system without `/proc` leaves the process id.
//!
//! *Not here*: when it is looked at, which is [`observer`](crate::observer)'s part, and the name of
//! the user, which may be a question to a server and is asked beside the session.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use casemate_cast_format::{ProcessFacts, Why};
use rustix::process::Pid;

/// Of argv so much is kept. Longer ones are lists of files, and what matters stands in front.
const ARGV_LIMIT: usize = 4 << 10;

/// A group whose leader has ended is looked for among so many children of one process.
const SEARCHED_CHILDREN: usize = 64;

/// The facts of a foreground process group. `parents` are who may have started it, should its leader
/// be gone: processes that were in the foreground before.
pub(crate) fn look(why: Why, group: Pid, parents: &[u32]) -> ProcessFacts {
    let group = number(group);
    let leader = Status::read(group);
    // The leader of a pipeline may end before its other members do.
    let is_gone = leader.as_ref().is_none_or(|status| status.zombie);
    let member = if is_gone {
        let parents =
            leader.as_ref().and_then(|status| status.parent).into_iter().chain(parents.iter().copied());
        parents.filter(|&parent| parent > 1).find_map(|parent| member_of(group, parent))
    } else {
        None
    };
    let pid = member.unwrap_or(group);
    let status = if member.is_some() { Status::read(pid) } else { leader };
    let (argv, argv_cut) = argv(&read_limited(pid, "cmdline", ARGV_LIMIT + 1));
    ProcessFacts {
        group: member.map(|_| group),
        uid: status.as_ref().and_then(|status| status.uid),
        real_uid: status.as_ref().and_then(|status| status.real_uid).filter(|real| {
            let effective = status.as_ref().and_then(|status| status.uid);
            effective.is_some_and(|effective| effective != *real)
        }),
        exe: link(pid, "exe"),
        cwd: link(pid, "cwd"),
        argv,
        argv_cut,
        ..ProcessFacts::new(why, pid)
    }
}

/// A living process of the group among the children of `parent`.
fn member_of(group: u32, parent: u32) -> Option<u32> {
    let children = read_limited(parent, &format!("task/{parent}/children"), SEARCHED_CHILDREN * 8);
    let children = String::from_utf8(children).ok()?;
    children.split_whitespace().take(SEARCHED_CHILDREN).filter_map(|child| child.parse().ok()).find(
        |&child: &u32| {
            let pid = i32::try_from(child).ok().map(nix::unistd::Pid::from_raw);
            let in_group = pid.and_then(|pid| nix::unistd::getpgid(Some(pid)).ok());
            in_group.is_some_and(|its| its.as_raw().unsigned_abs() == group)
                && Status::read(child).is_some_and(|status| !status.zombie)
        },
    )
}

pub(crate) fn number(pid: Pid) -> u32 {
    pid.as_raw_nonzero().get().unsigned_abs()
}

/// A link of `/proc`; hidden ones are no error.
fn link(pid: u32, name: &str) -> Option<String> {
    let path = std::fs::read_link(Path::new("/proc").join(pid.to_string()).join(name)).ok()?;
    Some(path.to_string_lossy().into_owned())
}

/// At most so many bytes of a file of `/proc`, which never says how long it is.
fn read_limited(pid: u32, name: &str, limit: usize) -> Vec<u8> {
    // With room from the start it is one read, which here is what costs.
    let mut bytes = Vec::with_capacity(limit);
    if let Ok(file) = File::open(format!("/proc/{pid}/{name}")) {
        // What could be read before an error is as good as a process that ended a moment later.
        file.take(limit as u64).read_to_end(&mut bytes).ok();
    }
    bytes
}

/// Words that end with NUL, as far as they were read.
fn argv(bytes: &[u8]) -> (Option<Vec<String>>, bool) {
    if bytes.is_empty() {
        return (None, false);
    }
    let is_cut = bytes.len() > ARGV_LIMIT;
    let bytes = &bytes[..bytes.len().min(ARGV_LIMIT)];
    // A process that names itself leaves padding behind its name.
    let padding = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    let kept = if padding > 1 && !is_cut { &bytes[..=bytes.len() - padding] } else { bytes };
    let words = kept.strip_suffix(b"\0").unwrap_or(kept).split(|byte| *byte == 0);
    (Some(words.map(|word| String::from_utf8_lossy(word).into_owned()).collect()), is_cut)
}

/// What matters here of `/proc/PID/status`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Status {
    parent: Option<u32>,
    uid: Option<u32>,
    real_uid: Option<u32>,
    zombie: bool,
}

impl Status {
    /// It is one to two kilobytes, and what matters stands in the first.
    const LIMIT: usize = 1 << 10;

    fn read(pid: u32) -> Option<Self> {
        let bytes = read_limited(pid, "status", Self::LIMIT);
        (!bytes.is_empty()).then(|| Self::parse(&String::from_utf8_lossy(&bytes)))
    }

    fn parse(text: &str) -> Self {
        let mut status = Self::default();
        for line in text.lines() {
            let Some((key, value)) = line.split_once(':') else { continue };
            let mut words = value.split_whitespace();
            match key {
                "State" => status.zombie = words.next().is_some_and(|state| state == "Z" || state == "X"),
                "PPid" => status.parent = words.next().and_then(|word| word.parse().ok()),
                "Uid" => {
                    status.real_uid = words.next().and_then(|word| word.parse().ok());
                    status.uid = words.next().and_then(|word| word.parse().ok());
                    break;
                }
                _ => {}
            }
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::{ARGV_LIMIT, Status, argv, look};
    use casemate_cast_format::Why;
    use rustix::process::getpid;

    #[test]
    fn the_test_itself_is_seen() {
        let facts = look(Why::Start, getpid(), &[]);
        let here = std::env::current_dir().unwrap();
        assert_eq!(facts.pid, std::process::id());
        assert_eq!(facts.uid, Some(rustix::process::geteuid().as_raw()));
        assert_eq!(facts.cwd.as_deref(), here.to_str());
        assert_eq!(facts.exe.as_deref(), std::env::current_exe().unwrap().to_str());
        let words: Vec<String> = std::env::args().collect();
        assert_eq!(facts.argv, Some(words));
        assert_eq!((facts.real_uid, facts.group, facts.argv_cut), (None, None, false));
    }

    #[test]
    fn a_pipeline_without_its_leader_is_seen_by_another_member() {
        use std::os::unix::process::CommandExt as _;
        use std::process::Command;
        let mut leader = Command::new("true").process_group(0).spawn().unwrap();
        let group = i32::try_from(leader.id()).unwrap();
        let mut member = Command::new("sleep").arg("3101").process_group(group).spawn().unwrap();
        // Not waited for yet: a zombie keeps its group.
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while !Status::read(leader.id()).unwrap().zombie && std::time::Instant::now() < deadline {
            std::thread::yield_now();
        }
        let mut facts = look(Why::Foreground, rustix::process::Pid::from_raw(group).unwrap(), &[]);
        // `exec` may still be under way.
        while facts.argv.as_ref().is_none_or(|argv| argv[0] != "sleep")
            && std::time::Instant::now() < deadline
        {
            facts = look(Why::Foreground, rustix::process::Pid::from_raw(group).unwrap(), &[]);
        }
        member.kill().unwrap();
        member.wait().unwrap();
        leader.wait().unwrap();
        // The parent is a thread of the test, whose children the main thread's list may not have.
        if facts.group.is_some() {
            assert_eq!((facts.pid, facts.group()), (member.id(), leader.id()));
            assert_eq!(facts.argv, Some(vec!["sleep".to_owned(), "3101".to_owned()]));
        }
    }

    #[test]
    fn a_process_that_is_gone_has_a_number_only() {
        let facts = look(Why::Commit, rustix::process::Pid::from_raw(i32::MAX).unwrap(), &[]);
        assert_eq!(facts.to_string(), format!(r#"{{"why":"commit","pid":{}}}"#, i32::MAX));
    }

    #[test]
    fn arguments_are_bounded_and_may_be_any_bytes() {
        let words = |bytes: &[u8]| argv(bytes).0.unwrap_or_default().join("|");
        assert_eq!(words(b"sh\0-c\0a  b\0"), "sh|-c|a  b");
        assert_eq!(words(b"a\0\0b\0"), "a||b");
        assert_eq!(words(b"nginx: worker\0\0\0\0"), "nginx: worker");
        assert_eq!(words(b"no end"), "no end");
        assert_eq!(words(b"\xff\n\0"), "\u{fffd}\n");
        assert_eq!(argv(b""), (None, false));
        let (long, is_cut) = argv(&vec![b'x'; ARGV_LIMIT + 1]);
        assert_eq!((long.unwrap()[0].len(), is_cut), (ARGV_LIMIT, true));
    }

    #[test]
    fn a_status_is_read_to_the_user() {
        let status = Status::parse(
            "Name:\ta:b\nState:\tZ (zombie)\nPPid:\t7\nUid:\t1000\t0\t0\t0\nUid:\tx\nGid:\t1\n",
        );
        let expected = Status { parent: Some(7), uid: Some(0), real_uid: Some(1000), zombie: true };
        assert_eq!(status, expected);
        assert_eq!(Status::parse("Uid: -1\n:\n"), Status::default());
    }
}
