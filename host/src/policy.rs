//! Which policy holds for somebody, and why: of what the configuration says, the last that fits counts, key by key.
//! Pure.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::Spanned;

use crate::config::{Config, Limit, Mode, Pipes, Record, Rule, Settings};
use crate::places::RECORDINGS;

/// What people type and read is less, and what is copied need not be kept.
const PIPES_LIMIT: Limit = Limit(16 << 20);

/// Whom a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject<'a> {
    /// The account.
    pub user: &'a str,
    /// The groups that it is in.
    pub groups: &'a [String],
    /// The host, as recordings call it.
    pub target: &'a str,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said otherwise.
    Default,
    /// That line of the configuration.
    Line(usize),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Line(line) => write!(f, "line {line}"),
        }
    }
}

/// A value, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<T> {
    /// What holds.
    pub value: T,
    /// Why.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn default(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    fn set<U: Clone + Into<T>>(&mut self, said: Option<&Spanned<U>>, config: &Config) {
        if let Some(said) = said {
            self.value = said.get_ref().clone().into();
            self.origin = Origin::Line(config.line(said.span().start));
        }
    }
}

/// What holds for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What is recorded of a session on a terminal.
    pub record: Setting<Record>,
    /// What is recorded of a session without one.
    pub pipes: Setting<Pipes>,
    /// How much of each of its streams, if their content is.
    pub pipes_limit: Setting<Limit>,
    /// What happens where nothing can be recorded.
    pub mode: Setting<Mode>,
    /// Whether the shell marks its prompts and commands.
    pub integration: Setting<bool>,
    /// What is said at the beginning of a session on a terminal; nothing if it is empty.
    pub notice: Setting<String>,
    /// The shell, if it is not the account's.
    pub shell: Setting<Option<PathBuf>>,
    /// The folder of recordings.
    pub recordings: Setting<PathBuf>,
    /// Whether each command goes to the system's log, too.
    pub syslog: Setting<bool>,
}

impl Policy {
    /// The policy for somebody.
    #[must_use]
    pub fn of(config: &Config, subject: &Subject<'_>) -> Self {
        let mut policy = Self {
            record: Setting::default(Record::Output),
            pipes: Setting::default(Pipes::Count),
            pipes_limit: Setting::default(PIPES_LIMIT),
            mode: Setting::default(Mode::Strict),
            integration: Setting::default(false),
            notice: Setting::default(String::new()),
            shell: Setting::default(None),
            recordings: Setting::default(RECORDINGS.into()),
            syslog: Setting::default(false),
        };
        policy.apply(config.common(), config);
        for rule in config.rules().filter(|rule| is_about(rule, subject)) {
            policy.apply(&rule.policy, config);
        }
        policy
    }

    fn apply(&mut self, said: &Settings, config: &Config) {
        self.record.set(said.record.as_ref(), config);
        self.pipes.set(said.pipes.as_ref(), config);
        self.pipes_limit.set(said.pipes_limit.as_ref(), config);
        self.mode.set(said.mode.as_ref(), config);
        self.integration.set(said.integration.as_ref(), config);
        self.notice.set(said.notice.as_ref(), config);
        self.shell.set(said.shell.as_ref(), config);
        self.recordings.set(said.recordings.as_ref(), config);
        self.syslog.set(said.syslog.as_ref(), config);
    }
}

impl From<crate::config::Absolute> for PathBuf {
    fn from(path: crate::config::Absolute) -> Self {
        path.0
    }
}

impl From<crate::config::Absolute> for Option<PathBuf> {
    fn from(path: crate::config::Absolute) -> Self {
        Some(path.0)
    }
}

/// A rule is about somebody who is in each list that it has.
fn is_about(rule: &Rule, subject: &Subject<'_>) -> bool {
    let is_in = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
    let groups = &rule.groups;
    is_in(&rule.users, subject.user)
        && is_in(&rule.targets, subject.target)
        && (groups.is_empty() || subject.groups.iter().any(|group| groups.contains(group)))
}

/// The policy as it is explained: a key, its value, and where that comes from.
#[must_use]
pub fn explained(policy: &Policy) -> Vec<(&'static str, String, Origin)> {
    let path = |path: &Path| path.display().to_string();
    let yes = |is: bool| if is { "true".to_owned() } else { "false".to_owned() };
    let Policy { record, pipes, pipes_limit, mode, integration, notice, shell, recordings, syslog } = policy;
    vec![
        (
            "record",
            match record.value {
                Record::Output => "output".into(),
                Record::InputAndOutput => "input-and-output".into(),
            },
            record.origin,
        ),
        (
            "pipes",
            match pipes.value {
                Pipes::Count => "count".into(),
                Pipes::Content => "content".into(),
            },
            pipes.origin,
        ),
        ("pipes-limit", pipes_limit.value.to_string(), pipes_limit.origin),
        (
            "mode",
            match mode.value {
                Mode::Strict => "strict".into(),
                Mode::BestEffort => "best-effort".into(),
            },
            mode.origin,
        ),
        ("integration", yes(integration.value), integration.origin),
        ("notice", format!("{:?}", notice.value), notice.origin),
        ("shell", shell.value.as_deref().map_or_else(|| "the account's".into(), path), shell.origin),
        ("recordings", path(&recordings.value), recordings.origin),
        ("syslog", yes(syslog.value), syslog.origin),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "\
[policy]
notice = \"all\"
mode = \"best-effort\"

[[rule]]
groups = [\"dba\", \"ops\"]
policy.record = \"input-and-output\"
policy.notice = \"ops\"

[[rule]]
users = [\"alice\"]
targets = [\"db-1\"]
[rule.policy]
mode = \"strict\"
notice = \"alice\"
";

    fn policy(user: &str, groups: &[&str], target: &str) -> Policy {
        let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        Policy::of(&Config::parse(CONFIG).unwrap(), &Subject { user, groups: &groups, target })
    }

    #[test]
    fn the_last_that_fits_counts_key_by_key() {
        let all = policy("bob", &["bob"], "db-1");
        assert_eq!((all.notice.value.as_str(), all.notice.origin), ("all", Origin::Line(2)));
        assert_eq!((all.mode.value, all.record.value), (Mode::BestEffort, Record::Output));
        assert_eq!(all.record.origin, Origin::Default);
        let ops = policy("bob", &["bob", "ops"], "db-1");
        assert_eq!((ops.notice.value.as_str(), ops.notice.origin), ("ops", Origin::Line(8)));
        assert_eq!((ops.record.value, ops.record.origin), (Record::InputAndOutput, Origin::Line(7)));
        let alice = policy("alice", &["dba"], "db-1");
        assert_eq!((alice.notice.value.as_str(), alice.mode.value), ("alice", Mode::Strict));
        assert_eq!((alice.record.value, alice.mode.origin), (Record::InputAndOutput, Origin::Line(14)));
        // On another host the rule is not about her.
        assert_eq!(policy("alice", &[], "web-1").mode.value, Mode::BestEffort);
    }

    #[test]
    fn each_key_is_explained() {
        let explained = explained(&policy("alice", &[], "db-1"));
        let notice = explained.iter().find(|(key, ..)| *key == "notice").unwrap();
        assert_eq!((notice.1.as_str(), notice.2.to_string().as_str()), ("\"alice\"", "line 15"));
        assert_eq!(explained.len(), 9);
    }
}
