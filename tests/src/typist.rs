//! Somebody who types on a [`Session`], and notes what the shell was given: the labels of a recording.
//!
//! Keys come 20 to 60 ms apart, with a rest at each prompt, from a seeded source: the same script has the
//! same rhythm every time. Waiting is for what the terminal shows: a prompt before the cursor, a text.
//!
//! *Invariants.* A label's time is the moment at which Enter took effect, on the clock that the recording's
//! header shows. What is typed by [`secret`](Typist::secret) is never part of a label.
//!
//! *Not here*: whether a label is true. The corpus asks the shell's own history; the live tests compare.

use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::{LONG, Session};

/// Control keys and what terminals send for keys without a character.
pub mod keys {
    /// Cursor keys.
    pub const UP: &str = "\x1b[A";
    /// One line down.
    pub const DOWN: &str = "\x1b[B";
    /// One character to the right.
    pub const RIGHT: &str = "\x1b[C";
    /// One character to the left.
    pub const LEFT: &str = "\x1b[D";
    /// To the left end.
    pub const HOME: &str = "\x1b[H";
    /// To the right end.
    pub const END: &str = "\x1b[F";
    /// What the key above Enter sends.
    pub const BACKSPACE: &str = "\x7f";
    /// Removes the character at the cursor.
    pub const DELETE: &str = "\x1b[3~";
    /// Completes.
    pub const TAB: &str = "\t";
    /// Leaves a mode.
    pub const ESCAPE: &str = "\x1b";

    /// Escape before each ASCII character: what Alt with it sends.
    static ALT: [u8; 256] = {
        let mut pairs = [0x1b; 256];
        let mut code = 0_u8;
        while code < 128 {
            pairs[2 * code as usize + 1] = code;
            code += 1;
        }
        pairs
    };

    /// Control and a letter.
    #[must_use]
    pub fn control(letter: char) -> &'static str {
        let code = usize::from(u8::try_from(letter).expect("control keys are ASCII") & 0x1f);
        std::str::from_utf8(&ALT[2 * code + 1..2 * code + 2]).expect("ASCII is UTF-8")
    }

    /// Alt and a character.
    #[must_use]
    pub fn alt(letter: char) -> &'static str {
        let code = usize::from(u8::try_from(letter).expect("Alt goes with ASCII")) & 0x7f;
        std::str::from_utf8(&ALT[2 * code..2 * code + 2]).expect("ASCII is UTF-8")
    }
}

/// What was given to a shell or a program with one Enter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Microseconds since 1970 at which Enter took effect.
    pub at: u64,
    /// The text, several lines with real newlines.
    pub command: String,
    /// The program that was given the line; none for a shell.
    pub program: Option<String>,
    /// The machine.
    pub target: String,
    /// The account on it.
    pub target_user: String,
    /// Whether the shell puts it into its history.
    pub remembered: bool,
    /// Whether nothing of it was ever shown, so that nobody can say what it was.
    pub hidden: bool,
}

/// Where a shell runs, and how its prompt ends.
#[derive(Clone, Debug)]
struct Place {
    target: String,
    target_user: String,
    ready: String,
}

/// How long nothing may come before a prompt counts as waiting.
const QUIET: Duration = Duration::from_millis(45);

/// A person at a terminal; see the top of the file.
pub struct Typist {
    /// The terminal.
    pub session: Session,
    labels: Vec<Label>,
    places: Vec<Place>,
    random: u64,
    /// Length of the output at the last Enter: the prompt before it is not the one after it.
    entered: usize,
    rests: bool,
}

impl Typist {
    /// Sits down at `session`, whose shell runs on `target` as `target_user` with a prompt that ends in `ready`.
    #[must_use]
    pub fn new(session: Session, seed: &str, target: &str, target_user: &str, ready: &str) -> Self {
        let random = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let place = Place {
            target: target.to_owned(),
            target_user: target_user.to_owned(),
            ready: ready.trim_end().to_owned(),
        };
        Self { session, labels: Vec::new(), places: vec![place], random: random | 1, entered: 0, rests: true }
    }

    /// Types without the rests between commands, for tests that have no time.
    pub fn hurry(&mut self) {
        self.rests = false;
    }

    fn between(&mut self, from: u64, to: u64) -> Duration {
        // xorshift: nothing depends on how good it is.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        Duration::from_millis(from + self.random % (to - from))
    }

    /// Looks at the screen for a moment.
    pub fn rest(&mut self) {
        let pause = if self.rests { self.between(150, 400) } else { Duration::from_millis(10) };
        sleep(pause);
    }

    /// Types character by character.
    #[track_caller]
    pub fn text(&mut self, text: &str) {
        for character in text.chars() {
            self.session.send(character.to_string());
            let pause = self.between(20, 60);
            sleep(pause);
        }
    }

    /// Presses keys, each given as the bytes that it sends.
    #[track_caller]
    pub fn keys<S: AsRef<str>>(&mut self, keys: &[S]) {
        for key in keys {
            let key = key.as_ref();
            let letter =
                key.strip_prefix("\x1b[").filter(|rest| matches!(*rest, "A" | "B" | "C" | "D" | "F" | "H"));
            match letter {
                Some(letter) if self.session.wants_application_keys() => {
                    self.session.send(format!("\x1bO{letter}"));
                }
                Some(_) | None => self.session.send(key),
            }
            let pause = self.between(70, 140);
            sleep(pause);
        }
    }

    /// Presses one key several times.
    #[track_caller]
    pub fn times(&mut self, count: usize, key: &str) {
        self.keys(&vec![key; count]);
    }

    /// Sends everything at once, as a terminal does that pastes without brackets, or a script.
    #[track_caller]
    pub fn at_once(&mut self, text: &str) {
        self.session.send(text);
        let pause = self.between(70, 140);
        sleep(pause);
    }

    /// Pastes in brackets.
    #[track_caller]
    pub fn paste(&mut self, text: &str) {
        self.at_once(&format!("\x1b[200~{}\x1b[201~", text.replace('\n', "\r")));
    }

    /// Notes that the shell has just taken `command`.
    pub fn label(&mut self, command: &str) {
        self.note(command, None);
    }

    /// Notes that the last label does not show in the shell's history.
    pub fn forgotten(&mut self) {
        self.labels.last_mut().expect("there is a label").remembered = false;
    }

    /// Notes that the shell remembers a text that it did not run as it stands.
    pub fn remembered(&mut self, texts: &[&str]) {
        for text in texts {
            self.label(text);
            self.unseen();
        }
    }

    /// Notes that nothing of the last label was shown: no reader of the screen can know it.
    pub fn unseen(&mut self) {
        self.labels.last_mut().expect("there is a label").hidden = true;
    }

    fn note(&mut self, command: &str, program: Option<&str>) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
        let place = self.places.last().expect("one place is always there").clone();
        self.labels.push(Label {
            at: u64::try_from(now.as_micros()).expect("the clock is before the year 586524"),
            command: command.to_owned(),
            program: program.map(str::to_owned),
            target: place.target,
            target_user: place.target_user,
            remembered: program.is_none(),
            hidden: false,
        });
    }

    /// Presses Enter and nothing else.
    #[track_caller]
    pub fn press_enter(&mut self) {
        let pause = self.between(60, 150);
        sleep(pause);
        self.entered = self.session.output_len();
        self.session.send("\r");
    }

    /// Presses Enter, with which the shell takes `command`; does not wait for what comes of it.
    #[track_caller]
    pub fn commit(&mut self, command: &str) {
        self.press_enter();
        self.label(command);
    }

    /// Presses Enter, with which the shell takes `command`, and waits for the next prompt.
    #[track_caller]
    pub fn enter(&mut self, command: &str) {
        self.commit(command);
        self.ready();
    }

    /// Types a command and waits for the next prompt.
    #[track_caller]
    pub fn run(&mut self, command: &str) {
        self.text(command);
        self.enter(command);
    }

    /// Types a command and Enter, and does not wait.
    #[track_caller]
    pub fn start(&mut self, command: &str) {
        self.text(command);
        self.commit(command);
    }

    /// Types the lines of one command, waiting for the secondary prompt after each but the last.
    #[track_caller]
    pub fn lines(&mut self, lines: &[&str]) {
        let (last, first) = lines.split_last().expect("a command has a line");
        for line in first {
            self.text(line);
            self.press_enter();
            self.settle();
        }
        self.text(last);
        self.enter(&lines.join("\n"));
    }

    /// Types a line for `program` and Enter, and does not wait.
    #[track_caller]
    pub fn tell(&mut self, program: &str, line: &str) {
        self.settle();
        self.text(line);
        self.press_enter();
        self.note(line, Some(program));
    }

    /// Notes a line that `program` has taken with a key other than Enter.
    pub fn label_program(&mut self, program: &str, line: &str) {
        self.note(line, Some(program));
    }

    /// Types what must never be seen, once the terminal does not echo, and Enter.
    #[track_caller]
    pub fn secret(&mut self, secret: &str) {
        self.session.wait_no_echo();
        self.settle();
        self.text(secret);
        self.press_enter();
    }

    /// From the next prompt on, a shell on `target` as `target_user` is talked to.
    pub fn arrive(&mut self, target: &str, target_user: &str, ready: &str) {
        self.places.push(Place {
            target: target.to_owned(),
            target_user: target_user.to_owned(),
            ready: ready.trim_end().to_owned(),
        });
    }

    /// A shell within the shell: the same place, another prompt.
    pub fn nest(&mut self, ready: &str) {
        let mut place = self.places.last().expect("one place is always there").clone();
        ready.trim_end().clone_into(&mut place.ready);
        self.places.push(place);
    }

    /// The shell is left; the one that it was started from is next.
    pub fn leave(&mut self) {
        self.places.pop();
        assert!(!self.places.is_empty(), "the first shell is left by `finish`");
    }

    /// From now on the prompt ends like this.
    pub fn prompt_is(&mut self, ready: &str) {
        let place = self.places.last_mut().expect("one place is always there");
        ready.trim_end().clone_into(&mut place.ready);
    }

    /// `exit` in a shell that is not the first.
    #[track_caller]
    pub fn exit(&mut self) {
        self.start("exit");
        self.leave();
        self.ready();
    }

    /// Waits until a prompt stands before the cursor and nothing more comes, then rests.
    #[track_caller]
    pub fn ready(&mut self) {
        let ready = self.places.last().expect("one place is always there").ready.clone();
        let deadline = Instant::now() + LONG;
        loop {
            let quiet = self.session.output_len() > self.entered && self.session.quiet_for() >= QUIET;
            if quiet && self.session.before_cursor().trim_end().ends_with(&ready) {
                break;
            }
            assert!(Instant::now() < deadline, "no prompt {ready:?}\n{}", self.session.dump());
            sleep(Duration::from_millis(5));
        }
        self.rest();
    }

    /// Waits until something came after the last Enter, and then nothing for a moment.
    #[track_caller]
    pub fn settle(&mut self) {
        let deadline = Instant::now() + LONG;
        while self.session.output_len() <= self.entered || self.session.quiet_for() < QUIET {
            assert!(Instant::now() < deadline, "nothing comes\n{}", self.session.dump());
            sleep(Duration::from_millis(5));
        }
        let pause = self.between(40, 120);
        sleep(pause);
    }

    /// Gives whatever the last act causes the time to be shown: a resize may show nothing at all.
    pub fn settle_quietly(&mut self) {
        sleep(Duration::from_millis(80));
        self.settle();
    }

    /// Waits until the screen shows `text`, then rests.
    #[track_caller]
    pub fn see(&mut self, text: &str) {
        self.session.wait_screen(text);
        self.settle();
        self.rest();
    }

    /// Waits until the screen shows `text`: then the shell has taken `commands`, which were typed ahead.
    #[track_caller]
    pub fn taken(&mut self, text: &str, commands: &[&str]) {
        self.session.wait_screen(text);
        for command in commands {
            self.label(command);
        }
    }

    /// Waits until `text` stands just before the cursor, then rests.
    #[track_caller]
    pub fn ask(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        while !self.session.before_cursor().trim_end().ends_with(text.trim_end()) {
            assert!(Instant::now() < deadline, "no question {text:?}\n{}", self.session.dump());
            sleep(Duration::from_millis(5));
        }
        self.settle();
        self.rest();
    }

    /// Leaves the first shell with `exit`, and gives the labels.
    #[track_caller]
    pub fn finish(&mut self) -> Vec<Label> {
        self.start("exit");
        self.ended()
    }

    /// Waits for the end of the session, and gives the labels.
    #[track_caller]
    pub fn ended(&mut self) -> Vec<Label> {
        // The status is the recorder's; a script may end its shell with any.
        let _status = self.session.wait_exit(LONG);
        self.labels.clone()
    }
}

impl Label {
    /// The label as a line of a truth file, its time counted from `start`, in microseconds since 1970.
    #[must_use]
    pub fn truth(&self, start: u64) -> Value {
        // Microseconds of a session are far below what a float holds exactly.
        let millis = self.at.saturating_sub(start) / 1000;
        let time =
            serde_json::Number::from_f64(f64::from(u32::try_from(millis).unwrap_or(u32::MAX)) / 1000.0);
        let mut truth = json!({
            "time": time,
            "command": self.command,
            "prompt": if self.program.is_some() { "program" } else { "shell" },
            "target": self.target,
            "target_user": self.target_user,
        });
        if let Some(program) = &self.program {
            truth["program"] = json!(program);
        }
        truth
    }
}
