//! Process facts: which process is in the foreground of the session's terminal, as the system that
//! ran it says. They are the data of [`own::PROCESS`](crate::own::PROCESS) events.
//!
//! *Invariants*: whatever the text, reading it never panics, and takes memory in proportion to a
//! text of at most [`LONGEST_TEXT`] bytes. What the system did not say is absent, never guessed.
//!
//! *Not here*: where the facts come from; the recorder reads `/proc`.

use serde::{Deserialize, Serialize};

/// No facts are longer: argv, executable and folder have limits of 4 KiB each, and JSON takes at most
/// six bytes for one of theirs.
pub const LONGEST_TEXT: usize = 128 << 10;

/// What is known of the process in the foreground at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessFacts {
    /// Why it was looked at.
    pub why: Why,
    /// The process: the leader of the foreground process group, or another member where the leader
    /// has ended.
    pub pid: u32,
    /// The process group, where it is not `pid`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// Effective user id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<u32>,
    /// Real user id, where it is not `uid`: a setuid program at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_uid: Option<u32>,
    /// Name of the effective user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Path of the executable; the kernel adds ` (deleted)` to one that is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exe: Option<String>,
    /// Program and arguments, as the process itself shows them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv: Option<Vec<String>>,
    /// `argv` is longer, and cut.
    #[serde(default, skip_serializing_if = "is_false")]
    pub argv_cut: bool,
    /// Working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<String>,
    /// The terminal gives whole lines: it is not a program that edits the line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical: Option<bool>,
    /// The terminal shows what is typed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub echo: Option<bool>,
}

/// Why a process was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Why {
    /// The session began.
    Start,
    /// Enter was pressed: this process is to get the line.
    Commit,
    /// Another process is in the foreground than before, or the same one is another program or user.
    Foreground,
    /// A reason of a later version.
    #[serde(other)]
    Other,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl ProcessFacts {
    /// Facts of which nothing is known but the process.
    pub fn new(why: Why, pid: u32) -> Self {
        Self {
            why,
            pid,
            group: None,
            uid: None,
            real_uid: None,
            user: None,
            exe: None,
            argv: None,
            argv_cut: false,
            cwd: None,
            canonical: None,
            echo: None,
        }
    }

    /// Reads the data of an event; `None` where it holds no such facts.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_TEXT {
            return None;
        }
        serde_json::from_str(text).ok()
    }

    /// The process group.
    pub fn group(&self) -> u32 {
        self.group.unwrap_or(self.pid)
    }

    /// Whether it is the same program, run by the same user in the same process.
    pub fn is_same_program(&self, other: &Self) -> bool {
        let program = |facts: &Self| (facts.pid, facts.group(), facts.uid, facts.real_uid);
        program(self) == program(other) && self.exe == other.exe && self.argv == other.argv
    }
}

impl std::fmt::Display for ProcessFacts {
    /// The data of an event.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&serde_json::to_string(self).map_err(|_| std::fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use super::{LONGEST_TEXT, ProcessFacts, Why};
    use proptest::prelude::*;

    #[test]
    fn what_is_not_known_is_absent() {
        let facts = ProcessFacts::new(Why::Start, 7);
        assert_eq!(facts.to_string(), r#"{"why":"start","pid":7}"#);
        let full = ProcessFacts {
            uid: Some(0),
            user: Some("root".into()),
            exe: Some("/usr/bin/bash".into()),
            argv: Some(vec!["bash".into(), "-l".into()]),
            cwd: Some("/srv".into()),
            canonical: Some(false),
            echo: Some(false),
            ..ProcessFacts::new(Why::Commit, 7)
        };
        assert_eq!(
            full.to_string(),
            r#"{"why":"commit","pid":7,"uid":0,"user":"root","exe":"/usr/bin/bash","argv":["bash","-l"],"cwd":"/srv","canonical":false,"echo":false}"#
        );
    }

    #[test]
    fn later_versions_and_nulls_are_read() {
        let facts = ProcessFacts::parse(r#"{"why":"cgroup","pid":1,"uid":null,"argv":null,"ns":[{"a":1}]}"#);
        assert_eq!(facts, Some(ProcessFacts::new(Why::Other, 1)));
    }

    #[test]
    fn what_are_no_facts_is_none() {
        for text in ["", "{}", "[]", "null", r#"{"why":"start"}"#, r#"{"why":"start","pid":-1}"#, "{\"why\""]
        {
            assert_eq!(ProcessFacts::parse(text), None, "{text}");
        }
        let long = format!(r#"{{"why":"start","pid":1,"cwd":"{}"}}"#, "x".repeat(LONGEST_TEXT));
        assert_eq!(ProcessFacts::parse(&long), None);
        let deep = format!(r#"{{"why":"start","pid":1,"x":{}}}"#, "[".repeat(60_000));
        assert_eq!(ProcessFacts::parse(&deep), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "\\PC{0,200}") {
            ProcessFacts::parse(&text);
        }

        #[test]
        fn what_is_written_is_read(
            pid in any::<u32>(), group in any::<Option<u32>>(), uid in any::<Option<u32>>(),
            user in any::<Option<String>>(), argv in any::<Option<Vec<String>>>(), argv_cut in any::<bool>(),
            echo in any::<Option<bool>>(),
        ) {
            let facts = ProcessFacts { group, uid, user, argv, argv_cut, echo, ..ProcessFacts::new(Why::Foreground, pid) };
            prop_assert_eq!(ProcessFacts::parse(&facts.to_string()), Some(facts));
        }
    }
}
