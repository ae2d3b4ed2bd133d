//! The configuration of a host, in TOML: `/etc/casemate/config.toml`. Pure; [`crate::trusted`] reads the file.
//!
//! Every key is known, or the file is refused. What a key is set to is kept with the line where it stands, so that
//! whoever asks can be told why.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::Error as _;
use toml::Spanned;

/// What is recorded of a session on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Record {
    /// What is to be seen.
    Output,
    /// That, and what is typed.
    InputAndOutput,
}

/// What is recorded of a session without a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pipes {
    /// The command, how it ended, and how many bytes went which way.
    Count,
    /// That, and what went through.
    Content,
}

/// How much of each stream is recorded of a session without a terminal: bytes, or `unlimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit(pub u64);

/// How it is written that there is none.
const UNLIMITED: &str = "unlimited";

impl<'de> Deserialize<'de> for Limit {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let limit = if text == UNLIMITED { Some(u64::MAX) } else { bytes(&text) };
        limit.map(Self).ok_or_else(|| D::Error::custom("a size is needed, like 16M, or `unlimited`"))
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0 == u64::MAX {
            return f.write_str(UNLIMITED);
        }
        let (mut rest, mut units) = (self.0, ["", "K", "M", "G", "T"].into_iter().peekable());
        while rest > 0 && rest % 1024 == 0 && units.len() > 1 {
            rest /= 1024;
            units.next();
        }
        write!(f, "{rest}{}", units.next().unwrap_or_default())
    }
}

/// What happens where nothing can be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// There is no session.
    Strict,
    /// The session goes on, and the gap is written down as soon as it can be.
    BestEffort,
}

/// What a policy may say. What it does not say is as it was before.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) record: Option<Spanned<Record>>,
    pub(crate) pipes: Option<Spanned<Pipes>>,
    pub(crate) pipes_limit: Option<Spanned<Limit>>,
    pub(crate) mode: Option<Spanned<Mode>>,
    pub(crate) integration: Option<Spanned<bool>>,
    pub(crate) notice: Option<Spanned<String>>,
    pub(crate) shell: Option<Spanned<Absolute>>,
    pub(crate) recordings: Option<Spanned<Absolute>>,
    pub(crate) syslog: Option<Spanned<bool>>,
}

/// A rule: what a policy says of some.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Rule {
    #[serde(default)]
    pub(crate) users: Vec<String>,
    #[serde(default)]
    pub(crate) groups: Vec<String>,
    #[serde(default)]
    pub(crate) targets: Vec<String>,
    pub(crate) policy: Settings,
}

/// A path from the root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Absolute(pub(crate) PathBuf);

impl<'de> Deserialize<'de> for Absolute {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let path = PathBuf::deserialize(from)?;
        let is_plain = path.components().all(|part| !matches!(part, std::path::Component::ParentDir));
        if path.is_absolute() && is_plain {
            Ok(Self(path))
        } else {
            Err(D::Error::custom("a path from the root is needed, without `..`"))
        }
    }
}

/// A number of bytes: `500M`, `20G`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) u64);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        bytes(&text).map(Self).ok_or_else(|| D::Error::custom("a size is needed, like 500M or 20G"))
    }
}

fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) =
        text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()));
    let unit: u64 = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "T" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// So fingerprints begin.
const FINGERPRINT: &str = "SHA256:";
const FINGERPRINT_NEEDED: &str =
    "a fingerprint is needed, as `ssh-keygen -l` shows it: `SHA256:` and 43 characters";
const NAME_NEEDED: &str = "a name is needed: letters, digits, and `.`, `-`, `_`, `@`, `+`";
const PERSON_NEEDED: &str = "a key and a person are needed, without control characters";

const ADDRESS_NEEDED: &str = "the address of a server is needed, such as https://audit.example.com";

/// The audit server to which this host's agent carries what is recorded.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct ServerTable {
    url: Spanned<String>,
    key_file: Spanned<Absolute>,
    ca: Option<Spanned<Absolute>>,
}

/// The audit server of a host, as its configuration says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server<'a> {
    /// Its address.
    pub url: &'a str,
    /// The file with the key of this host's agent.
    pub key_file: &'a Path,
    /// The file with the certificates of the authority to trust, if it is not one of those that browsers trust.
    pub ca: Option<&'a Path>,
    /// The line that names the address.
    pub line: usize,
}

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    target: Option<Spanned<String>>,
    emergency_group: Option<Spanned<String>>,
    disk_budget: Option<Spanned<Bytes>>,
    signing_key: Option<Spanned<Absolute>>,
    enterprise_number: Option<Spanned<u32>>,
    #[serde(default)]
    watchers: Vec<Spanned<String>>,
    #[serde(default)]
    certificate_authorities: Vec<Spanned<String>>,
    #[serde(default)]
    people: BTreeMap<String, Spanned<String>>,
    server: Option<ServerTable>,
    #[serde(default)]
    policy: Settings,
    #[serde(default)]
    rule: Vec<Spanned<Rule>>,
}

/// A configuration that was read; by default one that says nothing.
#[derive(Clone, Debug, Default)]
pub struct Config {
    file: File,
    /// Where each line ends, in bytes.
    lines: Vec<usize>,
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct BadConfig {
    /// From 1.
    pub line: usize,
    /// What is wrong there, in one line.
    pub what: String,
}

impl Config {
    /// Reads a configuration.
    ///
    /// # Errors
    ///
    /// It is no TOML, or has a key that is not known, or a value that makes no sense.
    pub fn parse(text: &str) -> Result<Self, BadConfig> {
        let lines = ends(text);
        let line = |span: Option<Range<usize>>| line_of(&lines, span.map_or(0, |span| span.start));
        let file: File = toml::from_str(text).map_err(|error| BadConfig {
            line: line(error.span()),
            what: error.message().lines().map(str::trim).collect::<Vec<_>>().join(" "),
        })?;
        let config = Self { file, lines };
        config.check()?;
        Ok(config)
    }

    /// What the types do not say.
    fn check(&self) -> Result<(), BadConfig> {
        let wrong =
            |span: Range<usize>, what: &str| BadConfig { line: self.line(span.start), what: what.to_owned() };
        for name in self.file.target.iter().chain(&self.file.emergency_group).chain(&self.file.watchers) {
            if !is_name(name.get_ref()) {
                return Err(wrong(name.span(), NAME_NEEDED));
            }
        }
        for authority in &self.file.certificate_authorities {
            if !is_fingerprint(authority.get_ref()) {
                return Err(wrong(authority.span(), FINGERPRINT_NEEDED));
            }
        }
        for (key, person) in &self.file.people {
            if key.starts_with(FINGERPRINT) && !is_fingerprint(key) {
                return Err(wrong(person.span(), FINGERPRINT_NEEDED));
            }
            if key.is_empty() || !is_person(person.get_ref()) {
                return Err(wrong(person.span(), PERSON_NEEDED));
            }
        }
        if let Some(ServerTable { url, .. }) = &self.file.server
            && !is_address(url.get_ref())
        {
            return Err(wrong(url.span(), ADDRESS_NEEDED));
        }
        for rule in &self.file.rule {
            let Rule { users, groups, targets, .. } = rule.get_ref();
            if users.is_empty() && groups.is_empty() && targets.is_empty() {
                return Err(wrong(rule.span(), "a rule is about somebody: give users, groups or targets"));
            }
        }
        Ok(())
    }

    /// How this host is called in recordings, and where that is said.
    #[must_use]
    pub fn target(&self) -> Option<(&str, usize)> {
        self.file.target.as_ref().map(|name| (name.get_ref().as_str(), self.line(name.span().start)))
    }

    /// The file of the key with which recordings are signed.
    #[must_use]
    pub fn signing_key(&self) -> Option<(&Path, usize)> {
        let path = self.file.signing_key.as_ref()?;
        Some((path.get_ref().0.as_path(), self.line(path.span().start)))
    }

    /// The enterprise number that names our structured data in the system's log.
    #[must_use]
    pub fn enterprise_number(&self) -> Option<(u32, usize)> {
        self.file.enterprise_number.as_ref().map(|number| (*number.get_ref(), self.line(number.span().start)))
    }

    /// The audit server.
    #[must_use]
    pub fn server(&self) -> Option<Server<'_>> {
        let ServerTable { url, key_file, ca } = self.file.server.as_ref()?;
        Some(Server {
            url: url.get_ref(),
            key_file: &key_file.get_ref().0,
            ca: ca.as_ref().map(|ca| ca.get_ref().0.as_path()),
            line: self.line(url.span().start),
        })
    }

    /// Whether a rule is about a group.
    #[must_use]
    pub fn has_rules_for_groups(&self) -> bool {
        self.rules().any(|rule| !rule.groups.is_empty())
    }

    /// The group whose members are let through unrecorded, in an emergency.
    #[must_use]
    pub fn emergency_group(&self) -> Option<(&str, usize)> {
        self.file.emergency_group.as_ref().map(|name| (name.get_ref().as_str(), self.line(name.span().start)))
    }

    /// The groups whose members may see which sessions there are, and watch them.
    pub fn watchers(&self) -> impl Iterator<Item = &str> {
        self.file.watchers.iter().map(|name| name.get_ref().as_str())
    }

    /// The folders of recordings that policies name.
    pub fn recordings(&self) -> impl Iterator<Item = &Path> {
        let settings = std::iter::once(self.common()).chain(self.rules().map(|rule| &rule.policy));
        settings.filter_map(|said| Some(said.recordings.as_ref()?.get_ref().0.as_path()))
    }

    /// How much recordings may take.
    #[must_use]
    pub fn disk_budget(&self) -> Option<(u64, usize)> {
        self.file.disk_budget.as_ref().map(|bytes| (bytes.get_ref().0, self.line(bytes.span().start)))
    }

    /// Who it is that has a key: by its fingerprint, or by the id in a certificate, if its authority is one
    /// ([`Self::is_authority`]).
    #[must_use]
    pub fn person(&self, key: &str) -> Option<&str> {
        self.file.people.get(key).map(|person| person.get_ref().as_str())
    }

    /// Whether the ids in the certificates of an authority are believed, by the fingerprint of its key.
    #[must_use]
    pub fn is_authority(&self, fingerprint: &str) -> bool {
        self.file.certificate_authorities.iter().any(|authority| authority.get_ref() == fingerprint)
    }

    /// What is said of all.
    pub(crate) fn common(&self) -> &Settings {
        &self.file.policy
    }

    /// What is said of some, in order.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.file.rule.iter().map(Spanned::get_ref)
    }

    /// The line of a place, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        line_of(&self.lines, at)
    }
}

/// Whether a name is one: of a host, a group or a user. Such a name is safe in paths, too, if it is no dot or two.
pub(crate) fn is_name(name: &str) -> bool {
    let is_part =
        |character: char| character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | '@' | '+');
    !name.is_empty() && name.len() <= 255 && !name.starts_with(['.', '-']) && name.chars().all(is_part)
}

/// Whether a text can be that by which an organisation knows somebody.
fn is_person(text: &str) -> bool {
    !text.is_empty() && text.len() <= 255 && !text.contains(casemate_terminal::is_acting)
}

/// Whether a text can be the address of a server.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_graphic()))
}

/// Whether a text is the fingerprint of a key: 32 bytes in base64, without padding.
fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix(FINGERPRINT).is_some_and(|hash| {
        let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
        hash.len() == 43 && hash.bytes().all(is_digit)
    })
}

fn ends(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
}

fn line_of(lines: &[usize], at: usize) -> usize {
    lines.partition_point(|end| *end < at) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn refused(text: &str) -> String {
        Config::parse(text).unwrap_err().to_string()
    }

    /// What the package puts on a host explains each key, and its examples are such.
    #[test]
    fn the_example_has_every_key() {
        let example = include_str!("../../packaging/config.toml");
        Config::parse(example).unwrap();
        let is_set = |line: &&str| !line.starts_with("# ");
        let set: String = example
            .lines()
            .filter(is_set)
            .map(|line| format!("{}\n", line.strip_prefix('#').unwrap_or(line)))
            .collect();
        Config::parse(&set).unwrap();
        // Who is refused is told which keys there are.
        for unknown in ["x = 1", "[policy]\nx = 1", "[[rule]]\nx = 1", "[server]\nx = 1"] {
            let refused = refused(unknown);
            let known: Vec<_> = refused.split('`').skip(3).step_by(2).collect();
            assert!(known.len() > 2, "{refused}");
            for key in known {
                let is_it = |line: &str| {
                    let line = line.trim_start_matches(['[', '#']);
                    line.strip_prefix(key).is_some_and(|rest| rest.starts_with([' ', ']', '.']))
                };
                assert!(example.lines().any(is_it), "`{key}` is not explained");
            }
        }
    }

    #[test]
    fn all_keys_are_known() {
        let config = Config::parse(
            "# a host\ntarget = \"web-1\"\nemergency-group = \"breakglass\"\ndisk-budget = \"20G\"\nwatchers = [\"audit\"]\n\
             enterprise-number = 4711\n\
             certificate-authorities = [\"SHA256:MfeHqpRyPOm1zKUCbqUtTRGIMOD8yHSAI7C0Gp/TkRM\"]\n\
             [people]\n\"SHA256:l1PiKkcHy7uBdPtBRNtcQYsEu/Fu7UAbTK8H5zUQSwI\" = \"alice@corp.example\"\n\
             [server]\nurl = \"https://audit\"\nkey-file = \"/etc/casemate/agent.key\"\n[policy]\nmode = \"strict\"\nrecord = \"input-and-output\"\n\
             [[rule]]\nusers = [\"bob\"]\npolicy = { shell = \"/bin/zsh\" }\n",
        )
        .unwrap();
        assert_eq!(config.target(), Some(("web-1", 2)));
        assert_eq!(config.emergency_group(), Some(("breakglass", 3)));
        assert_eq!(config.disk_budget(), Some((20 << 30, 4)));
        assert_eq!(config.enterprise_number(), Some((4711, 6)));
        assert_eq!(config.watchers().collect::<Vec<_>>(), ["audit"]);
        assert_eq!(
            config.person("SHA256:l1PiKkcHy7uBdPtBRNtcQYsEu/Fu7UAbTK8H5zUQSwI"),
            Some("alice@corp.example")
        );
        assert_eq!(config.person("x"), None);
        assert!(config.is_authority("SHA256:MfeHqpRyPOm1zKUCbqUtTRGIMOD8yHSAI7C0Gp/TkRM"));
        assert!(!config.is_authority("SHA256:l1PiKkcHy7uBdPtBRNtcQYsEu/Fu7UAbTK8H5zUQSwI"));
        assert_eq!(config.rules().count(), 1);
        let key_file = Path::new("/etc/casemate/agent.key");
        assert_eq!(config.server(), Some(Server { url: "https://audit", key_file, ca: None, line: 11 }));
        assert!(Config::parse("").is_ok());
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        assert!(
            refused("\ntargett = \"x\"").starts_with("line 2: unknown field `targett`"),
            "{}",
            refused("\ntargett = \"x\"")
        );
        assert!(refused("[policy]\nmode = \"lax\"").starts_with("line 2: unknown variant `lax`"));
        assert!(refused("a = [").starts_with("line 1: "));
        assert!(refused("disk-budget = \"20 gigabytes\"").contains("a size is needed"));
        assert!(refused("disk-budget = \"99999999999T\"").contains("a size is needed"));
        assert!(refused("enterprise-number = -1").starts_with("line 1: "));
        assert!(refused("[policy]\npipes-limit = \"much\"").starts_with("line 2: a size is needed"));
        assert!(refused("target = \"../x\"").contains("a name is needed"));
        assert!(refused("watchers = [\"a b\"]").contains("a name is needed"));
        assert!(
            refused("certificate-authorities = [\n\"SHA256:abc\"]")
                .starts_with("line 2: a fingerprint is needed")
        );
        assert!(refused("[people]\n\"SHA256:abc\" = \"a\"").starts_with("line 2: a fingerprint is needed"));
        assert!(refused("[people]\nid = \"a\\u001b\"").starts_with("line 2: a key and a person are needed"));
        assert!(refused("[policy]\nshell = \"zsh\"").contains("line 2: a path from the root is needed"));
        assert!(refused("[policy]\nrecordings = \"/var/../etc\"").contains("a path from the root is needed"));
        assert!(
            refused("[server]\nurl = \"audit\"\nkey-file = \"/k\"")
                .starts_with("line 2: the address of a server")
        );
        assert!(refused("[server]\nurl = \"https://audit\"").contains("missing field `key-file`"));
        assert!(
            refused("[server]\nurl = \"https://audit\"\nkey-file = \"k\"")
                .contains("line 3: a path from the root")
        );
        assert!(refused("\n[[rule]]\npolicy = {}").starts_with("line 2: a rule is about somebody"));
        assert!(refused("[[rule]]\nusers = [\"a\"]").contains("missing field `policy`"));
    }

    #[test]
    fn limits_are_shown_as_they_are_written() {
        for text in ["0", "1000", "16K", "16M", "3G", "2T", "unlimited"] {
            let config = Config::parse(&format!("[policy]\npipes-limit = \"{text}\"")).unwrap();
            assert_eq!(config.common().pipes_limit.as_ref().unwrap().get_ref().to_string(), text);
        }
    }

    #[test]
    fn names_are_safe() {
        for name in ["alice", "alice@corp.example", "a.b-c_d+e", "björn"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "-x", ".ssh", "a/b", "a\0", "a b", "a\n", "a\u{202e}", &"a".repeat(256)] {
            assert!(!is_name(name), "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused_in_one_line(text in "([a-z\\-]{0,12}( = |\\.|\\[|\\]|\"|\n|\\{|\\}|'){1,3}){0,12}") {
            if let Err(error) = Config::parse(&text) {
                prop_assert!(!error.to_string().contains('\n'));
                prop_assert!(error.line <= text.lines().count().max(1) + 1);
            }
        }
    }
}
