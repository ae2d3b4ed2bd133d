//! When the process in the foreground is looked at, and what of it is news.
//!
//! A process can be in the foreground at any time, but it hardly changes without a key or output. So
//! there is a look at each Enter, a few shortly after it and after Ctrl-C, Ctrl-D, Ctrl-Z and Ctrl-\,
//! and later ones only when output comes. While nothing happens nothing is looked at, and a flood of
//! output costs four looks a second.
//!
//! [`Schedule`] is pure; [`Observer`] looks.

use std::time::{Duration, Instant};

use casemate_cast_format::{ProcessFacts, Why};
use rustix::process::Pid;

use crate::process;
use crate::pty::Pty;

/// After a key: a shell has started a program after 5 ms in most cases, on a busy machine after 20,
/// and after 60 a wrapper such as `sudo` or `env` has become what it starts; where a machine does
/// far more than it can, after 300. Programs that ask first are met when they put out something.
const AFTER_KEY: [Duration; 4] = [
    Duration::from_millis(5),
    Duration::from_millis(20),
    Duration::from_millis(60),
    Duration::from_millis(300),
];

/// Between two looks lies at least this after a key; twice that after each look,
const SHORTEST_GAP: Duration = Duration::from_millis(5);

/// up to this, which keeps the costs of a flood below a ten-thousandth.
const LONGEST_GAP: Duration = Duration::from_millis(250);

/// A line that is committed to a process of which all is known is noted this often, so that pasted or
/// piped lines do not fill the recording.
const REPEAT: Duration = Duration::from_millis(20);

/// A program is waited for at its start so often,
const STARTING: usize = 100;

/// and so long each time, in which nobody types yet: at most 10 ms in all.
const STARTING_STEP: Duration = Duration::from_micros(100);

/// When to look.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    key_at: Option<Instant>,
    /// How many looks after the key are done.
    steps: usize,
    last_look: Option<Instant>,
    gap: Duration,
    /// Output came since the last look.
    output: bool,
}

impl Schedule {
    fn new() -> Self {
        Self { key_at: None, steps: AFTER_KEY.len(), last_look: None, gap: SHORTEST_GAP, output: false }
    }

    fn key(&mut self, now: Instant) {
        (self.key_at, self.steps, self.gap) = (Some(now), 0, SHORTEST_GAP);
        // So that what the key sets going is not looked at before it can have begun.
        self.last_look = Some(now);
    }

    fn due(&self) -> Option<Instant> {
        let step = AFTER_KEY.get(self.steps).zip(self.key_at).map(|(after, key_at)| key_at + *after);
        let output = self.last_look.filter(|_| self.output).map(|last| last + self.gap);
        step.into_iter().chain(output).min()
    }

    fn looked(&mut self, now: Instant) {
        while self.key_at.zip(AFTER_KEY.get(self.steps)).is_some_and(|(key_at, after)| key_at + *after <= now)
        {
            self.steps += 1;
        }
        self.gap = (self.gap * 2).min(LONGEST_GAP);
        (self.last_look, self.output) = (Some(now), false);
    }
}

/// Looks at the foreground of a session's terminal.
#[derive(Debug)]
pub(crate) struct Observer {
    schedule: Schedule,
    /// What was noted last.
    noted: Option<ProcessFacts>,
    /// A process that showed no arguments at the last look.
    unsettled: Option<u32>,
    /// Whom the last line was committed to, and when.
    committed: Option<(Foreground, Instant)>,
}

/// The foreground of a terminal at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Foreground {
    pub(crate) group: Pid,
    /// Lines are edited by the terminal.
    pub(crate) canonical: bool,
    /// The terminal shows what is typed.
    pub(crate) echo: bool,
}

impl Observer {
    pub(crate) fn new() -> Self {
        Self { schedule: Schedule::new(), noted: None, unsettled: None, committed: None }
    }

    /// Who the session begins with: its program, once it is no longer the recorder's own fork.
    pub(crate) fn begin(&mut self, now: Instant, pty: &Pty) -> Option<ProcessFacts> {
        let ourselves = process::look(Why::Start, rustix::process::getpid(), &[]);
        let mut facts = self.facts(Why::Start, pty.foreground_at_start()?);
        for _ in 0..STARTING {
            if (&facts.exe, &facts.argv) != (&ourselves.exe, &ourselves.argv) {
                break;
            }
            std::thread::sleep(STARTING_STEP);
            facts = self.facts(Why::Start, pty.foreground_at_start()?);
        }
        // It may be a wrapper that becomes another program.
        self.schedule.key(now);
        self.noted = Some(facts.clone());
        Some(facts)
    }

    /// Whether these keys commit a line.
    pub(crate) fn is_commit(keys: &[u8]) -> bool {
        memchr::memchr2(b'\r', b'\n', keys).is_some()
    }

    /// Keys go to the session: there may soon be another process in the foreground.
    pub(crate) fn keys(&mut self, now: Instant, keys: &[u8]) {
        let ends = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0x03 | 0x04 | 0x1a | 0x1c);
        if keys.iter().any(ends) {
            self.schedule.key(now);
        }
    }

    /// Output came.
    pub(crate) fn output(&mut self) {
        self.schedule.output = true;
    }

    /// When to [look](Self::look).
    pub(crate) fn due(&self) -> Option<Instant> {
        self.schedule.due()
    }

    /// Who gets the line that is being committed; `None` where that was just said.
    pub(crate) fn commit(&mut self, now: Instant, foreground: Foreground) -> Option<ProcessFacts> {
        let committed = self.committed.replace((foreground, now));
        if committed
            .is_some_and(|(before, at)| before == foreground && now.saturating_duration_since(at) < REPEAT)
        {
            self.committed = committed;
            return None;
        }
        let facts = self.facts(Why::Commit, foreground);
        self.noted = Some(facts.clone());
        Some(facts)
    }

    /// Who is in the foreground now, if that is news.
    pub(crate) fn look(&mut self, now: Instant, foreground: Option<Foreground>) -> Option<ProcessFacts> {
        self.schedule.looked(now);
        let facts = self.facts(Why::Foreground, foreground?);
        // Whoever is just ending or becoming another program is no news; what follows will be.
        let unsettled = facts.argv.is_none().then_some(facts.pid);
        let is_still_so = unsettled == self.unsettled && facts.exe.is_some();
        let before = std::mem::replace(&mut self.unsettled, unsettled);
        if unsettled.is_some() && !is_still_so && self.noted.is_some() {
            self.schedule.output |= unsettled != before;
            return None;
        }
        if self.noted.as_ref().is_some_and(|noted| noted.is_same_program(&facts)) {
            return None;
        }
        self.noted = Some(facts.clone());
        Some(facts)
    }

    fn facts(&self, why: Why, foreground: Foreground) -> ProcessFacts {
        // The shell that was given the line has started what runs now.
        let shell = self.committed.map(|(before, _)| process::number(before.group));
        let parents: Vec<u32> = shell.into_iter().chain(self.noted.as_ref().map(|noted| noted.pid)).collect();
        let mut facts = process::look(why, foreground.group, &parents);
        facts.canonical = Some(foreground.canonical);
        facts.echo = Some(foreground.echo);
        facts
    }
}

#[cfg(test)]
mod tests {
    use super::{AFTER_KEY, Foreground, LONGEST_GAP, Observer, Schedule};
    use casemate_cast_format::Why;
    use rustix::process::getpid;
    use std::time::{Duration, Instant};

    /// Looks whenever it is due, until nothing is; gives the moments, in milliseconds.
    fn looks(schedule: &mut Schedule, start: Instant) -> Vec<u128> {
        let mut moments = Vec::new();
        while let Some(due) = schedule.due() {
            schedule.looked(due);
            moments.push((due - start).as_millis());
        }
        moments
    }

    #[test]
    fn after_a_key_there_are_four_looks_and_then_none() {
        let (mut schedule, now) = (Schedule::new(), Instant::now());
        assert_eq!(schedule.due(), None);
        schedule.key(now);
        assert_eq!(looks(&mut schedule, now), [5, 20, 60, 300]);
    }

    #[test]
    fn output_is_looked_at_at_once_after_a_pause() {
        let (mut schedule, now) = (Schedule::new(), Instant::now());
        schedule.key(now);
        looks(&mut schedule, now);
        schedule.output = true;
        let later = now + Duration::from_secs(5);
        assert!(schedule.due().unwrap() < later);
        schedule.looked(later);
        assert_eq!(schedule.due(), None, "one look an output");
    }

    #[test]
    fn a_flood_costs_few_looks() {
        let (mut schedule, start) = (Schedule::new(), Instant::now());
        schedule.key(start);
        let mut count = 0;
        for millisecond in 0..60_000 {
            schedule.output = true;
            let now = start + Duration::from_millis(millisecond);
            if schedule.due().is_some_and(|due| due <= now) {
                schedule.looked(now);
                count += 1;
            }
        }
        let floor = usize::try_from(60_000 / LONGEST_GAP.as_millis()).unwrap();
        assert!(count <= floor + AFTER_KEY.len() + 8, "{count} looks in a minute");
    }

    #[test]
    fn what_is_known_is_not_said_again() {
        let (mut observer, now) = (Observer::new(), Instant::now());
        let here = Foreground { group: getpid(), canonical: true, echo: true };
        assert_eq!(observer.look(now, Some(here)).unwrap().why, Why::Foreground);
        assert_eq!(observer.look(now, Some(here)), None);
        assert_eq!(observer.look(now, None), None, "a terminal that says nothing says no news");
        assert_eq!(observer.commit(now, here).unwrap().why, Why::Commit);
        assert_eq!(observer.commit(now, here), None, "the next of many pasted lines");
        let hidden = Foreground { echo: false, ..here };
        assert_eq!(observer.commit(now, hidden).unwrap().echo, Some(false));
        let later = now + Duration::from_secs(1);
        assert!(observer.commit(later, hidden).is_some(), "a line typed later");
    }
}
