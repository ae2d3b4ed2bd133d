//! Search: an index of many sessions, filled by the store's own way in, and how long its answers take.
//!
//! No peer has one. The sessions are made up, because no recorder is fast enough for ten million commands: words,
//! names and numbers as administrators type them, so that some trigrams are everywhere and some patterns nowhere.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use casemate_cast_format::Micros;
use casemate_command_log::{CommandEvent, Kind, Source};
use casemate_store::recording::Filter;
use casemate_store::{Entry, Meaning, Order, Pattern, Store, Timeline};
use chrono::{DateTime, SecondsFormat, TimeDelta};

use crate::report::{Goal, Table};
use crate::say;
use crate::stats::{median, quantile_of};
use crate::suite::Suite;

/// Commands of a session.
const COMMANDS: u32 = 1000;

/// Lines of output that each command leaves.
const LINES: u32 = 3;

/// What fits a screen of hits.
const PAGE: usize = 100;

/// Hits are counted up to here.
const CAP: usize = 1000;

/// What an answer may take, in milliseconds.
const LIMIT: f64 = 200.0;

/// Each question is asked so many times; the first answer is reported as well, because then nothing is in memory that
/// is not always there.
const ROUNDS: usize = 9;

const VERBS: [&str; 20] = [
    "ls -la",
    "cd",
    "systemctl restart",
    "systemctl status",
    "git commit -m",
    "git log --oneline",
    "vim",
    "cat",
    "grep -rn",
    "kubectl get pods -n",
    "kubectl logs",
    "docker exec -it",
    "tail -f",
    "sudo -i -u",
    "psql -h",
    "curl -s https://",
    "rsync -a",
    "apt-get install",
    "journalctl -u",
    "rm -rf",
];

const NOUNS: [&str; 20] = [
    "nginx",
    "postgresql",
    "/etc/passwd",
    "/var/log/syslog",
    "main.rs",
    "production",
    "staging",
    "web",
    "database",
    "config.yaml",
    "deploy",
    "redis",
    "/home/alice",
    "secrets",
    "backup.tar.gz",
    "kernel",
    "network",
    "certificate",
    "payment",
    "worker",
];

/// What words of output are made of.
const SYLLABLES: [&str; 20] = [
    "ba", "con", "der", "fil", "gor", "hex", "ion", "jar", "ker", "log", "mod", "net", "oper", "pro", "qua",
    "rec", "ser", "tim", "ver", "zon",
];

/// Numbers that look random and are the same in each run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn below(&mut self, most: u32) -> u32 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 40).unwrap_or(0) % most
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let index = self.below(u32::try_from(words.len()).unwrap_or(1));
        words[usize::try_from(index).unwrap_or(0)]
    }

    pub(crate) fn noun(&mut self) -> &'static str {
        self.of(&NOUNS)
    }

    pub(crate) fn command(&mut self) -> String {
        let mut command = format!("{} {}", self.of(&VERBS), self.of(&NOUNS));
        if self.below(2) == 0 {
            command.push_str(&format!("-{:x}", self.below(100_000)));
        }
        if self.below(3) == 0 {
            command.push_str(&format!(" {}/{}.{}", self.of(&NOUNS), self.of(&NOUNS), self.below(1000)));
        }
        command
    }

    /// A line of output. Each session has words of its own, as services, files and versions have.
    fn line(&mut self, session: u32) -> String {
        let mut word = || {
            let of_session = Self(u64::from(session * 40 + self.below(40)) + 1).below(8000);
            let syllable = |place: u32| SYLLABLES[usize::try_from(of_session / place % 20).unwrap_or(0)];
            format!("{}{}{}", syllable(1), syllable(20), syllable(400))
        };
        let (one, other, third) = (word(), word(), word());
        let (number, size, hex) = (self.below(10_000), self.below(1_000_000), self.below(1 << 24));
        format!("{one}-{number:04} {other}: {size} bytes from {third}, id {hex:06x}")
    }

    fn session(&mut self, number: u32) -> Entry {
        let start =
            DateTime::UNIX_EPOCH + TimeDelta::minutes(i64::from(number) * 50) + TimeDelta::days(19_000);
        let (user, target) = (format!("user-{}", self.below(50)), format!("host-{}", self.below(400)));
        let mut entry = Entry {
            path: PathBuf::from(format!("/recordings/{number:05}.cast")),
            start,
            user,
            target,
            target_user: if self.below(5) == 0 { "root".into() } else { "deploy".into() },
            ..Entry::default()
        };
        for index in 0..COMMANDS {
            let offset = u64::from(index) * 5_000_000 + u64::from(self.below(4_000_000));
            entry.commands.push(self.event(&entry, number, index, offset));
            for line in 0..LINES {
                let time = Duration::from_micros(offset) + Duration::from_millis(u64::from(line) * 20);
                entry.lines.push((time, self.line(number)));
            }
        }
        entry
    }

    fn event(&mut self, entry: &Entry, session: u32, index: u32, offset: u64) -> CommandEvent {
        let time = entry.start + Duration::from_micros(offset);
        CommandEvent {
            id: format!("{session:08x}-{:04x}-8000-8000-{:012x}", index, self.0 & 0xffff_ffff_ffff),
            session: None,
            state: None,
            time: Some(time.to_rfc3339_opts(SecondsFormat::Micros, true)),
            offset: Micros(offset),
            duration: Some(Micros(u64::from(self.below(3_000_000)))),
            user: Some(entry.user.clone()),
            target: Some(entry.target.clone()),
            target_user: Some(entry.target_user.clone()),
            command: Some(self.command()),
            reason: None,
            cwd: Some(format!("/srv/{}", self.of(&NOUNS))),
            exit_code: Some(i32::from(self.below(20) == 0)),
            kind: Kind::Shell,
            program: None,
            source: Source::Screen,
            confidence: 0.98,
            output_bytes: Some(u64::from(self.below(5000))),
            output: None,
            output_at: None,
            mismatch: Vec::new(),
            piped: None,
        }
    }
}

/// Commands and lines with these are looked for.
const PATTERNS: [(&str, &str, bool); 9] = [
    ("in each session", "nginx", false),
    ("several words", "systemctl restart nginx", false),
    ("a rare number", "payment-1f3c ", false),
    ("nowhere, of rare letters", "xyzzy", false),
    ("nowhere, of words that are everywhere", "nginx restart systemctl", false),
    ("an expression", "^rm -rf /etc/.*-1[0-9a-f]{3}$", false),
    ("alternatives", "(passwd|shadow)-dead", false),
    ("in the midst of words", "gresq.-2b", false),
    ("large and small", "KUBECTL LOGS REDIS-3F", true),
];

/// Asks an index: that one, or one of this run.
pub(crate) fn measure(suite: &mut Suite, index: Option<&Path>) -> Result<()> {
    let sessions = suite.scale.search_sessions;
    let commands = u64::from(sessions) * u64::from(COMMANDS);
    say(&format!("search: {sessions} sessions, {commands} commands"));
    let place = index.map_or_else(|| suite.path("search.db"), Path::to_owned);
    // How it was made is known as long as it is.
    let note = place.with_extension("made");
    if !place.exists() {
        std::fs::write(&note, make(&place, sessions)?)?;
    }
    let made = std::fs::read_to_string(&note).with_context(|| format!("{}", note.display()))?;
    let bytes = std::fs::metadata(&place)?.len();

    let mut questions = Questions { store: Store::open(&place, &[])?, rows: Vec::new(), slowest: Vec::new() };
    questions.ask_all(sessions)?;
    let Questions { rows, slowest, .. } = questions;
    suite.table(Table {
        title: format!("Search in {sessions} sessions with {commands} commands"),
        note: format!(
            "Made up, with {LINES} lines of output for each command. {made}; the index has {} MB. The page has the \
             first {PAGE} hits, the count goes up to {CAP}. Median (and 90 %) of {ROUNDS} answers in milliseconds, and \
             the first one.",
            bytes / 1_000_000
        ),
        header: vec!["asked", "in", "hits", "page", "first page", "count", "first count"],
        rows,
    });
    for (place, slowest) in slowest {
        suite.goal(Goal::at_most(format!("slowest answer about {place}, 90 %"), LIMIT, " ms", slowest));
    }
    Ok(())
}

/// Makes an index, and says how fast.
fn make(place: &Path, sessions: u32) -> Result<String> {
    let mut store = Store::open(place, &[])?;
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let (mut made, began) = (Duration::ZERO, Instant::now());
    let mut text = 0;
    store.add((0..sessions).map(|number| {
        let began = Instant::now();
        let entry = numbers.session(number);
        let commands = entry.commands.iter().filter_map(|event| event.command.as_ref()).map(String::len);
        let lines = entry.lines.iter().map(|(_, line)| line.len());
        text += commands.sum::<usize>() + lines.sum::<usize>();
        made += began.elapsed();
        entry
    }))?;
    let seconds = (began.elapsed() - made).as_secs_f64();
    let per_second = f64::from(sessions) * f64::from(COMMANDS) / seconds;
    Ok(format!(
        "Added at {per_second:.0} commands a second with their lines, by one thread; the text of commands and lines has \
         {} MB",
        text / 1_000_000
    ))
}

struct Questions {
    store: Store,
    rows: Vec<Vec<String>>,
    /// The slowest answer of each kind.
    slowest: Vec<(String, f64)>,
}

impl Questions {
    fn ask_all(&mut self, sessions: u32) -> Result<()> {
        let everything = Filter::default();
        for (name, pattern, ignore_case) in PATTERNS {
            let pattern = Pattern::new(pattern, Meaning { fixed: false, ignore_case })?;
            self.ask(
                format!("{name}: `{}`", pattern.regex().as_str()),
                "commands",
                |store| Ok(store.search_commands(&pattern, &everything, None, PAGE)?.len()),
                |store| Ok(store.count_commands(&pattern, &everything, CAP)?),
            )?;
        }
        for pattern in
            ["bytes from", "7f", "conservernet", "promod.*-0042 ", "id 00abc[0-9]", "xyzzy", "-0042 .*id 77"]
        {
            let pattern = Pattern::new(pattern, Meaning::default())?;
            self.ask(
                format!("`{}`", pattern.regex().as_str()),
                "output",
                |store| Ok(store.search_lines(&pattern, None, PAGE)?.len()),
                |store| Ok(store.count_lines(&pattern, CAP)?),
            )?;
        }
        let root = Filter { target_users: vec!["root".into()], ..Filter::default() };
        let host = Filter { targets: vec!["host-7".into()], ..Filter::default() };
        let user = Filter { users: vec!["user-3".into()], ..Filter::default() };
        let pattern = Pattern::new("rm -rf /etc", Meaning::default())?;
        let rare = Pattern::new("payment-1f3c ", Meaning::default())?;
        for (name, filter, pattern) in [
            ("the latest", &everything, None),
            ("the latest of an account", &root, None),
            ("the latest on a target", &host, None),
            ("the latest of a person", &user, None),
            ("the latest with `rm -rf /etc`", &everything, Some(&pattern)),
            ("the latest with `payment-1f3c `", &everything, Some(&rare)),
        ] {
            let page = Timeline {
                filter: filter.clone(),
                pattern,
                order: Order::LatestFirst,
                limit: PAGE,
                ..Timeline::default()
            };
            self.ask(name.to_owned(), "timeline", |store| Ok(store.timeline(&page)?.len()), |_| Ok(0))?;
        }
        let all = |store: &mut Store| Ok(store.sessions()?.len());
        self.ask("all sessions".to_owned(), "sessions", all, |_| Ok(0))?;
        let found = self.store.sessions()?.len();
        ensure!(found == usize::try_from(sessions)?, "{found} of {sessions} sessions are in the index");
        Ok(())
    }

    fn ask(
        &mut self,
        name: String,
        place: &str,
        page: impl Fn(&mut Store) -> Result<usize>,
        count: impl Fn(&mut Store) -> Result<usize>,
    ) -> Result<()> {
        let (mut pages, mut counts, mut hits) = (Vec::new(), Vec::new(), 0);
        for _ in 0..ROUNDS {
            let began = Instant::now();
            let shown = page(&mut self.store).with_context(|| name.clone())?;
            pages.push(began.elapsed().as_secs_f64() * 1000.0);
            let began = Instant::now();
            hits = count(&mut self.store)?.max(shown);
            counts.push(began.elapsed().as_secs_f64() * 1000.0);
        }
        let high = |sample: &[f64]| quantile_of(sample, 900).unwrap_or(0.0);
        let spread = |sample: &[f64]| format!("{:.1} ({:.1})", median(sample).unwrap_or(0.0), high(sample));
        let slow = high(&pages).max(high(&counts));
        match self.slowest.iter_mut().find(|(of, _)| of == place) {
            Some((_, slowest)) => *slowest = slowest.max(slow),
            None => self.slowest.push((place.to_owned(), slow)),
        }
        say(&format!("search: {name}: {hits} hits, {}", spread(&pages)));
        self.rows.push(vec![
            name,
            place.to_owned(),
            if hits >= CAP { format!("{CAP} or more") } else { hits.to_string() },
            spread(&pages),
            format!("{:.1}", pages[0]),
            spread(&counts),
            format!("{:.1}", counts[0]),
        ]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Utc;

    #[test]
    fn sessions_are_the_same_in_each_run() {
        let session = || Numbers(7).session(3);
        let (one, other) = (session(), session());
        assert_eq!(one.commands, other.commands);
        assert_eq!(one.lines.len(), 3 * one.commands.len());
        let end = one.start + TimeDelta::seconds(5 * i64::from(COMMANDS));
        let time =
            |event: &CommandEvent| event.time.as_ref().and_then(|time| time.parse::<DateTime<Utc>>().ok());
        assert!(one.commands.iter().all(|event| time(event).is_some_and(|time| time <= end)));
    }
}
