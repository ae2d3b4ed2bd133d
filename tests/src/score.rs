//! How well a list of commands agrees with the truth about a session.
//!
//! A command counts when its text is exactly right and it stands in the right order: the pairs are one
//! longest common subsequence. White space at the end does not count, nor does the indentation of the lines
//! after the first, because some shells show a continued line with an indentation of their own.
//!
//! *Invariants.* What has no text (`"command": null`) counts neither for nor against. Lines that programs
//! were given are counted apart from commands.
//!
//! *Not here*: where truth and commands come from, and the bars.

use std::fmt::Write as _;

use serde_json::Value;

/// A command, as it was or as it was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Seconds since the start of the recording.
    pub time: f64,
    /// The text.
    pub command: String,
    /// Whether a shell ran it, rather than a program took it.
    pub shell: bool,
    /// The machine.
    pub target: Option<String>,
    /// The account.
    pub target_user: Option<String>,
}

impl Line {
    /// Reads a label of a truth file.
    #[must_use]
    pub fn of_truth(value: &Value) -> Option<Self> {
        Self::read(value, "time", "prompt")
    }

    /// Reads a command event; nothing if its text is not known.
    #[must_use]
    pub fn of_event(value: &Value) -> Option<Self> {
        Self::read(value, "offset", "kind")
    }

    fn read(value: &Value, time: &str, kind: &str) -> Option<Self> {
        let text = |key: &str| value[key].as_str().map(str::to_owned);
        Some(Self {
            time: value[time].as_f64().unwrap_or(-9.0),
            command: text("command")?,
            shell: text(kind).is_none_or(|kind| kind == "shell"),
            target: text("target"),
            target_user: text("target_user"),
        })
    }

    fn normal(&self) -> String {
        let mut lines = self.command.split('\n');
        let mut text = lines.next().unwrap_or_default().trim_end().to_owned();
        for line in lines {
            text.push('\n');
            text.push_str(line.trim());
        }
        text.truncate(text.trim_end().len());
        text
    }
}

/// Reads JSON lines with `read`, and says which line is none.
///
/// # Errors
/// The first line that is not JSON.
pub fn read_lines(text: &str, read: fn(&Value) -> Option<Line>) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let value = serde_json::from_str(line).map_err(|err| format!("line {}: {err}: {line}", index + 1))?;
        lines.extend(read(&value));
    }
    Ok(lines)
}

/// The index pairs of one longest common subsequence.
#[must_use]
pub fn common(left: &[String], right: &[String]) -> Vec<(usize, usize)> {
    let mut lengths = vec![vec![0_usize; right.len() + 1]; left.len() + 1];
    for i in (0..left.len()).rev() {
        for j in (0..right.len()).rev() {
            lengths[i][j] = if left[i] == right[j] {
                lengths[i + 1][j + 1] + 1
            } else {
                lengths[i + 1][j].max(lengths[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < left.len() && j < right.len() {
        if left[i] == right[j] {
            pairs.push((i, j));
            i += 1;
            j += 1;
        } else if lengths[i + 1][j] >= lengths[i][j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Counts over any number of recordings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Recordings, and those without any difference.
    pub recordings: Share,
    /// Shell commands found, of those there were.
    pub recall: Share,
    /// Shell commands that are right, of those found.
    pub precision: Share,
    /// Right commands whose time is within half a second.
    pub times: Share,
    /// Right commands with the right account, of those whose account is known.
    pub users: Share,
    /// The same, from the first change of account on.
    pub switched: Share,
    /// Right commands with the right machine.
    pub targets: Share,
    /// Lines given to programs that were found.
    pub programs: Share,
    /// How many times a secret was printed.
    pub leaks: usize,
}

/// Some of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// Those that are right.
    pub some: usize,
    /// All that were looked at.
    pub all: usize,
}

impl Share {
    fn add(&mut self, other: Self) {
        self.some += other.some;
        self.all += other.all;
    }

    fn count(&mut self, right: bool) {
        self.some += usize::from(right);
        self.all += 1;
    }

    /// The share, 1 of nothing.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of a test corpus")]
    pub fn of_one(self) -> f64 {
        if self.all == 0 { 1.0 } else { self.some as f64 / self.all as f64 }
    }
}

impl Score {
    /// The harmonic mean of precision and recall.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision.of_one(), self.recall.of_one());
        if self.precision.some == 0 { 0.0 } else { 2.0 * precision * recall / (precision + recall) }
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.recordings.add(other.recordings);
        self.recall.add(other.recall);
        self.precision.add(other.precision);
        self.times.add(other.times);
        self.users.add(other.users);
        self.switched.add(other.switched);
        self.targets.add(other.targets);
        self.programs.add(other.programs);
        self.leaks += other.leaks;
    }

    /// Three lines for a person.
    #[must_use]
    pub fn summary(&self) -> String {
        let percent = |share: Share| format!("{:.1} % of {}", 100.0 * share.of_one(), share.all);
        format!(
            "recordings {}, entirely right {}; shell commands {}, printed {}, right {}\n\
             F1 {:.4}, precision {:.4}, recall {:.4}; times {}\n\
             users {}, after a switch {}; targets {}; lines to programs {} of {}; secrets leaked {}",
            self.recordings.all,
            self.recordings.some,
            self.recall.all,
            self.precision.all,
            self.recall.some,
            self.f1(),
            self.precision.of_one(),
            self.recall.of_one(),
            percent(self.times),
            percent(self.users),
            percent(self.switched),
            percent(self.targets),
            self.programs.some,
            self.programs.all,
            self.leaks,
        )
    }
}

/// Compares what was found with the truth, and lists the differences.
#[must_use]
pub fn compare(name: &str, truth: &[Line], found: &[Line]) -> (Score, String) {
    let of = |lines: &[Line], shell: bool| -> Vec<Line> {
        lines.iter().filter(|line| line.shell == shell).cloned().collect()
    };
    let pair = |left: &[Line], right: &[Line]| {
        let texts = |lines: &[Line]| lines.iter().map(Line::normal).collect::<Vec<_>>();
        common(&texts(left), &texts(right))
    };
    let (wanted, got) = (of(truth, true), of(found, true));
    let pairs = pair(&wanted, &got);
    let mut score = Score {
        recall: Share { some: pairs.len(), all: wanted.len() },
        precision: Share { some: pairs.len(), all: got.len() },
        ..Score::default()
    };
    let mut differences = String::new();
    let mut note = |what: &str, time: f64, command: &str, more: String| {
        writeln!(differences, "   {what:<8} {time:9.3}  {command:?}{more}").expect("writing to a string");
    };
    let mut switched = false;
    for (i, j) in &pairs {
        let (wanted_line, got_line) = (&wanted[*i], &got[*j]);
        let near = (got_line.time - wanted_line.time).abs() <= 0.5;
        score.times.count(near);
        if !near {
            note("time", wanted_line.time, &wanted_line.command, format!(" at {:.3}", got_line.time));
        }
        if wanted_line.target_user.is_some() {
            let right = wanted_line.target_user == got_line.target_user;
            score.users.count(right);
            switched |= wanted_line.target_user != wanted[0].target_user;
            if switched {
                score.switched.count(right);
            }
            if !right {
                let more = format!(" {:?}, not {:?}", got_line.target_user, wanted_line.target_user);
                note("user", wanted_line.time, &wanted_line.command, more);
            }
        }
        if wanted_line.target.is_some() {
            let right = wanted_line.target == got_line.target;
            score.targets.count(right);
            if !right {
                let more = format!(" {:?}, not {:?}", got_line.target, wanted_line.target);
                note("target", wanted_line.time, &wanted_line.command, more);
            }
        }
    }
    for (i, line) in wanted.iter().enumerate().filter(|(i, _)| !pairs.iter().any(|(left, _)| left == i)) {
        note("missed", line.time, &line.command, format!("  #{}", i + 1));
    }
    for (_, line) in got.iter().enumerate().filter(|(j, _)| !pairs.iter().any(|(_, right)| right == j)) {
        note("spurious", line.time, &line.command, String::new());
    }
    let (wanted_program, got_program) = (of(truth, false), of(found, false));
    let program_pairs = pair(&wanted_program, &got_program);
    score.programs = Share { some: program_pairs.len(), all: wanted_program.len() };
    for (i, line) in wanted_program.iter().enumerate() {
        if !program_pairs.iter().any(|(left, _)| *left == i) {
            note("program", line.time, &line.command, String::new());
        }
    }
    score.recordings.count(pairs.len() == wanted.len() && pairs.len() == got.len());
    if !differences.is_empty() {
        differences.insert_str(
            0,
            &format!(
                "--- {name}: {} of {} found, {} spurious\n",
                pairs.len(),
                wanted.len(),
                got.len() - pairs.len()
            ),
        );
    }
    (score, differences)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(time: f64, command: &str, user: &str) -> Line {
        Line {
            time,
            command: command.to_owned(),
            shell: true,
            target: Some("t".to_owned()),
            target_user: Some(user.to_owned()),
        }
    }

    #[test]
    fn counts_what_is_missing_wrong_late_and_of_another_user() {
        let truth = [line(1.0, "su olaf", "mara"), line(2.0, "id \n  -u", "olaf"), line(3.0, "ls", "olaf")];
        let found = [line(1.4, "su olaf", "mara"), line(2.6, "id\n-u ", "mara"), line(3.0, "lss", "olaf")];
        let (score, differences) = compare("one", &truth, &found);
        assert_eq!(score.recall, Share { some: 2, all: 3 });
        assert_eq!(score.precision, Share { some: 2, all: 3 });
        assert_eq!(score.times, Share { some: 1, all: 2 });
        assert_eq!(score.users, Share { some: 1, all: 2 });
        assert_eq!(score.switched, Share { some: 0, all: 1 });
        assert_eq!(score.recordings, Share { some: 0, all: 1 });
        assert!((score.f1() - 2.0 / 3.0).abs() < 1e-9);
        for what in ["missed", "spurious", "time", "user"] {
            assert_eq!(differences.matches(&format!("   {what:<8} ")).count(), 1, "{differences}");
        }
    }

    #[test]
    fn order_counts_and_nothing_is_nothing() {
        let texts = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        assert_eq!(common(&texts("abcd"), &texts("acbd")).len(), 3);
        assert_eq!(common(&[], &texts("a")), []);
        let (score, differences) = compare("none", &[], &[]);
        assert_eq!(score.recordings, Share { some: 1, all: 1 });
        assert!(differences.is_empty());
        assert!(score.f1() < 0.5, "an empty list is not a perfect one");
    }

    #[test]
    fn an_unknown_text_is_neither_right_nor_wrong() {
        let text =
            "{\"command\":null,\"offset\":1,\"kind\":\"shell\"}\n{\"command\":\"ls\",\"offset\":2.5}\n";
        let lines = read_lines(text, Line::of_event).unwrap();
        assert_eq!(lines.len(), 1);
        assert!(lines[0].shell);
        assert!(read_lines("nonsense", Line::of_event).is_err());
    }
}
