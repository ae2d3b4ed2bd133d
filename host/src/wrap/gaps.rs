//! What fails while a session goes on: written down in the host log at once, or as soon as it can be.
//!
//! The host log is often on the disk that is full. An entry that cannot be written is tried again, with the time at which
//! it was made, until it can be or the session is over.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use casemate_cast_format::{Event, Header, Micros};
use casemate_recorder::{Rights, Witness, with_rights};

use crate::clock::now_us;
use crate::config::Mode;
use crate::log::{self, Entry, Gap};
use crate::places::Places;

/// Somebody makes room, and not at once.
const AGAIN: Duration = Duration::from_secs(2);

/// A thread that only tries again needs little.
const STACK: usize = 128 << 10;

/// Whoever writes down what fails in one session; all who are the same are one.
#[derive(Clone)]
pub(super) struct Gaps(Arc<Shared>);

struct Shared {
    places: Places,
    rights: Option<Rights>,
    /// Of what all of them are, but for the reason.
    of: Gap,
    mode: Mode,
    state: Mutex<State>,
    over: Condvar,
}

#[derive(Default)]
struct State {
    /// When the recording failed.
    since: Option<Instant>,
    /// What could not be written yet.
    waiting: Vec<(u64, Entry)>,
    tries: Option<JoinHandle<()>>,
    is_over: bool,
}

impl Gaps {
    /// Of a session; `of` says which, without a reason.
    pub(super) fn new(places: Places, rights: Option<Rights>, of: Gap, mode: Mode) -> Self {
        Self(Arc::new(Shared { places, rights, of, mode, state: Mutex::default(), over: Condvar::new() }))
    }

    /// The recording cannot be written.
    pub(super) fn recording_failed(&self, failure: &str) {
        self.0.lock().since.get_or_insert_with(Instant::now);
        let gap = self.gap(format!("the recording cannot be written: {failure}"));
        self.note(match self.0.mode {
            Mode::Strict => Entry::Refused(gap),
            Mode::BestEffort => Entry::Unrecorded(gap),
        });
    }

    /// The command log cannot be written.
    pub(super) fn commands_failed(&self, failure: &str) {
        self.note(Entry::CommandLog(self.gap(format!("the command log cannot be written: {failure}"))));
    }

    /// The session is over, and its recording is not whole: says for how long, or why, if nobody has said that yet.
    pub(super) fn end_of_gap(&self, failure: &str) {
        let since = self.0.lock().since;
        let Some(since) = since else { return self.note(Entry::Unrecorded(self.gap(failure.to_owned()))) };
        if self.0.mode == Mode::BestEffort {
            let Gap { account, session, login, .. } = self.0.of.clone();
            let (session, duration) = (session.unwrap_or_default(), since.elapsed().as_secs_f64());
            self.note(Entry::UnrecordedEnd { account, session, duration, login });
        }
    }

    /// Tries for the last time; gives how much is not written down.
    pub(super) fn finish(&self) -> usize {
        let tries = {
            let mut state = self.0.lock();
            state.is_over = true;
            state.tries.take()
        };
        self.0.over.notify_all();
        if let Some(thread) = tries {
            // It runs nothing that panics.
            thread.join().ok();
        }
        let mut state = self.0.lock();
        self.0.write(&mut state);
        state.waiting.len()
    }

    /// Tells of failures of the recording whoever `witness` does not.
    pub(super) fn hear(&self, witness: Option<Box<dyn Witness>>) -> Box<dyn Witness> {
        Box::new(Ear { witness, gaps: self.clone() })
    }

    fn gap(&self, reason: String) -> Gap {
        Gap { reason, ..self.0.of.clone() }
    }

    fn note(&self, entry: Entry) {
        let mut state = self.0.lock();
        state.waiting.push((now_us(), entry));
        self.0.write(&mut state);
        if !state.waiting.is_empty() && state.tries.is_none() && !state.is_over {
            let shared = Arc::clone(&self.0);
            let thread = std::thread::Builder::new().name("gaps".into()).stack_size(STACK);
            // Without it, it is tried again at the end.
            state.tries = thread.spawn(move || shared.try_again()).ok();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock panics.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn try_again(&self) {
        let mut state = self.lock();
        while !state.is_over {
            state = self.over.wait_timeout(state, AGAIN).unwrap_or_else(PoisonError::into_inner).0;
            self.write(&mut state);
        }
    }

    /// Writes what waits, in order.
    fn write(&self, state: &mut State) {
        let append = |(time, entry): &(u64, Entry)| log::append(&self.places, *time, entry.clone()).is_ok();
        with_rights(self.rights, || {
            let written = state.waiting.iter().take_while(|waiting| append(waiting)).count();
            state.waiting.drain(..written);
        });
    }
}

/// Reads along, to hear of failures.
struct Ear {
    witness: Option<Box<dyn Witness>>,
    gaps: Gaps,
}

impl Witness for Ear {
    fn begin(&mut self, header: &Header) {
        self.witness.iter_mut().for_each(|witness| witness.begin(header));
    }

    fn output(&mut self, time: Micros, text: &str) {
        self.witness.iter_mut().for_each(|witness| witness.output(time, text));
    }

    fn event(&mut self, event: &Event<'_>) {
        self.witness.iter_mut().for_each(|witness| witness.event(event));
    }

    fn failed(&mut self, failure: &str) {
        self.gaps.recording_failed(failure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(mode: Mode) -> (tempfile::TempDir, Places, Gaps) {
        let root = tempfile::tempdir().unwrap();
        let places = Places::under(root.path());
        let of =
            Gap { account: "alice".into(), reason: String::new(), session: Some("0196".into()), login: None };
        (root, places.clone(), Gaps::new(places, None, of, mode))
    }

    /// Kind and reason of each entry.
    fn noted(places: &Places) -> Vec<(String, String)> {
        let files = std::fs::read_dir(places.log()).into_iter().flatten().flatten();
        let text: String = files.map(|file| std::fs::read_to_string(file.path()).unwrap()).collect();
        let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let entry = |line: &str| {
            let entry: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!((&entry["account"], &entry["session"]), (&"alice".into(), &"0196".into()));
            (word(&entry["kind"]), word(&entry["reason"]))
        };
        text.lines().map(entry).collect()
    }

    fn kinds(places: &Places) -> Vec<String> {
        noted(places).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn a_gap_is_written_down_when_it_begins_and_when_it_is_over() {
        let (_root, places, gaps) = gaps(Mode::BestEffort);
        std::fs::create_dir_all(&places.state).unwrap();
        gaps.hear(None).failed("no space");
        assert_eq!(
            noted(&places),
            [("unrecorded".into(), "the recording cannot be written: no space".into())]
        );
        gaps.end_of_gap("no space");
        gaps.commands_failed("no space");
        assert_eq!(gaps.finish(), 0);
        assert_eq!(kinds(&places), ["unrecorded", "unrecorded-end", "command-log"]);
    }

    #[test]
    fn a_session_that_may_not_go_on_has_one_entry() {
        let (_root, places, gaps) = gaps(Mode::Strict);
        std::fs::create_dir_all(&places.state).unwrap();
        gaps.recording_failed("no space");
        gaps.end_of_gap("no space");
        assert_eq!((gaps.finish(), kinds(&places)), (0, vec!["refused".into()]));
    }

    #[test]
    fn what_fails_at_the_very_end_is_written_down() {
        let (_root, places, gaps) = gaps(Mode::Strict);
        std::fs::create_dir_all(&places.state).unwrap();
        gaps.end_of_gap("no space");
        assert_eq!((gaps.finish(), noted(&places)), (0, vec![("unrecorded".into(), "no space".into())]));
    }

    #[test]
    fn what_cannot_be_written_is_as_soon_as_it_can_be() {
        let (_root, places, gaps) = gaps(Mode::BestEffort);
        gaps.recording_failed("no space");
        gaps.commands_failed("no space");
        assert_eq!(kinds(&places), Vec::<String>::new());
        std::fs::create_dir_all(&places.state).unwrap();
        let deadline = Instant::now() + 20 * AGAIN;
        while kinds(&places).len() < 2 {
            assert!(Instant::now() < deadline, "it is tried again");
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!((gaps.finish(), kinds(&places)), (0, vec!["unrecorded".into(), "command-log".into()]));
    }

    #[test]
    fn what_can_never_be_written_is_known() {
        let (_root, _places, gaps) = gaps(Mode::BestEffort);
        gaps.recording_failed("no space");
        gaps.end_of_gap("no space");
        assert_eq!(gaps.finish(), 2);
    }
}
