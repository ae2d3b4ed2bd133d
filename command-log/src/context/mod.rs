//! On which target, as which user, a command ran: a stack of shells.
//!
//! A recording's header says where it begins. From there people go on with `sudo`, `su`, `ssh`, `docker exec`, and come
//! back. [`Contexts`] follows them: each [`Contexts::committed`] may announce a hop, each [`Contexts::prompt`]
//! decides whether it came about, or whether one ended.
//!
//! ```text
//!  committed("ssh bob@web-1")            prompt("bob@web-1:~$ ")
//!  ──────────▶ a hop is pending ──┬────▶ it came about: push
//!              failure lines,     ├────▶ the same prompt again: nothing
//!              titles, marks,     └────▶ a prompt further down: pop
//!              process facts
//!  committed("exit"), end_of_input,      prompt("alice@laptop:~$ ")
//!  "Connection to … closed." ──────────▶ the prompt below: pop
//! ```
//!
//! The text of a command alone never moves anybody. What counts, from strong to weak: the foreground process, where the
//! recorder saw it; a context that the system opened or closed (OSC 3008); whom the prompt names, or the title; how
//! the prompt looks; and where prompts look all alike, that a shell came up and nothing said that it could not.
//!
//! *Invariants*: pure; at most `MAX_DEPTH` (32) frames, each with a few short texts; no input panics, and none costs more
//! than a pass over it and over the stack.
//!
//! *Not here*: where prompts and commands stand in the stream. The caller knows, and calls.

mod decide;
mod frame;
mod hop;
mod line;
mod look;
mod program;
mod since;
#[cfg(test)]
mod tests;
mod words;

pub use frame::Place;
pub use hop::is_interactive_shell;
pub(crate) use hop::shell_line;
pub use hop::{Change, Hop, HopKind, parse_hop};
pub use program::parse_program;

use frame::Frame;
use look::{Identity, Look};
use since::{Foreground, Ran, Since};

/// Shells within shells. Nobody stands so deep; whoever nests further loses the outermost, but for the first.
const MAX_DEPTH: usize = 32;

/// Ids of contexts have at most 64 characters, as UAPI.15 says; a longer one is nobody's.
const MAX_ID: usize = 64;

/// Which shell a prompt belongs to.
#[derive(Clone, Debug)]
pub struct Contexts {
    /// Invariant: never empty, at most [`MAX_DEPTH`].
    frames: Vec<Frame>,
    since: Since,
    /// A prompt stands, and no command has been committed since.
    standing: bool,
    /// A hop that the last prompt spoke against. What the kernel says later may yet prove it.
    declined: Option<Hop>,
}

impl Contexts {
    /// Begins where the header of a recording says.
    pub fn new(target: Option<String>, target_user: Option<String>) -> Self {
        Self {
            frames: vec![Frame::first(target, target_user)],
            since: Since::default(),
            standing: false,
            declined: None,
        }
    }

    /// A shell command was committed in the current place.
    pub fn committed(&mut self, command: &str) {
        let reading = hop::read_line(command);
        let program = program::reads_lines(&reading);
        self.standing = false;
        self.declined = None;
        self.since = Since {
            ran: match () {
                () if reading.exits => Ran::Exit,
                () if reading.changes_prompt => Ran::Prompt,
                () if command.trim().is_empty() => Ran::Nothing,
                () => Ran::Command,
            },
            runs: reading.runs.first().map(|word| word.program().to_owned()),
            hop: reading.hop,
            program,
            ..Since::default()
        };
    }

    /// The last input ended the shell: Ctrl-D on an empty line.
    pub fn end_of_input(&mut self) {
        self.standing = false;
        self.since.end_of_input = true;
    }

    /// A line that the command printed, as shown. Few and short ones matter: the first and the last of its output.
    pub fn output_line(&mut self, line: &str) {
        let says = line::read(line, self.since.hop.as_ref());
        if let line::Says::Closed(name) = &says {
            self.closed(name.as_deref());
        }
        self.since.note(&says);
    }

    /// The terminal's title (OSC 0, OSC 2), such as `bob@web-1: ~`.
    pub fn title(&mut self, title: &str) {
        let title = title.get(..title.len().min(MAX_TITLE)).unwrap_or_default();
        let front = title.split([':', ' ']).next().unwrap_or_default();
        if let Some(identity) = Identity::find(front) {
            self.since.titled = identity;
        }
    }

    /// The working directory (OSC 7), and the host that says so.
    pub fn cwd(&mut self, host: &str, _path: &str) {
        let identity = Identity::new("", host);
        if !identity.is_empty() {
            self.since.titled = Identity { host: identity.host, user: self.since.titled.user.take() };
        }
    }

    /// The host and the user that a shell integration names (OSC 1337).
    pub fn remote_host(&mut self, user: &str, host: &str) {
        self.since.explicit = Identity::new(user, host);
    }

    /// A context begins or is brought up to date (OSC 3008).
    pub fn context_start(&mut self, id: &str, fields: &[(String, String)]) {
        if id.len() > MAX_ID || id.is_empty() {
            return;
        }
        if let Some(at) = self.frames.iter().rposition(|frame| frame.context.as_deref() == Some(id)) {
            // A context that is named again has no children any more.
            if at + 1 < self.frames.len() {
                self.since.ended = Some(at + 1);
            }
            return;
        }
        self.since.context(id, fields);
    }

    /// A context ends (OSC 3008).
    pub fn context_end(&mut self, id: &str) {
        if let Some(at) = self.frames.iter().rposition(|frame| frame.context.as_deref() == Some(id)) {
            self.since.ended = Some(self.since.ended.map_or(at, |ended| ended.min(at)));
        } else if self.since.context.as_deref() == Some(id) {
            self.since.context = None;
            self.since.failed = true;
        }
    }

    /// The process in the foreground of the recorded terminal, seen on the recorder's own host.
    pub fn process(&mut self, uid: u32, user: Option<&str>, exe: Option<&str>, argv: &[String]) {
        let foreground = Foreground::of(uid, user, exe, argv);
        if self.standing {
            self.late_fact(foreground);
            return;
        }
        let first = self.frames.len() == 1 && self.top().looks.is_empty() && self.since.ran == Ran::Nothing;
        match &foreground {
            Foreground::Shell { user: Some(user) } if first && self.top().target_user.is_none() => {
                let top = self.top_mut();
                top.target_user = Some(user.clone());
                top.user_known = true;
            }
            Foreground::Hop(hop) => {
                self.since.hop_seen = true;
                // An alias or a script went somewhere.
                if self.since.hop.is_none() && self.since.ran == Ran::Command && self.top().local {
                    self.since.hop = Some(hop.clone());
                }
            }
            Foreground::Shell { .. } | Foreground::Other => {}
        }
        self.since.foreground = Some(foreground);
    }

    /// A shell prompt stands there waiting: its last row, and the rows above it that belong to it, joined by newlines.
    /// Decides where we are.
    pub fn prompt(&mut self, prompt: &str) {
        let look = Look::of(prompt);
        let since = std::mem::take(&mut self.since);
        self.decide(&look, since);
        self.standing = true;
    }

    /// Where the current shell is.
    pub fn place(&self) -> Place {
        self.top().place()
    }

    /// How many shells we are in, one for the first.
    pub fn depth(&self) -> usize {
        self.frames.len()
    }

    /// The program that reads lines since the last command, where its command line tells: `python3`, `psql`.
    pub fn program(&self) -> Option<&str> {
        self.since.program.as_deref()
    }

    /// The program that the last command runs, whatever it does with what is typed: `cat`, `apt`.
    pub fn running(&self) -> Option<&str> {
        self.since.runs.as_deref()
    }

    /// The shell that the last command would open, as long as no prompt has decided.
    pub fn pending(&self) -> Option<&Hop> {
        self.since.hop.as_ref()
    }

    fn top(&self) -> &Frame {
        self.frames.last().expect("the first frame is never popped")
    }

    fn top_mut(&mut self) -> &mut Frame {
        self.frames.last_mut().expect("the first frame is never popped")
    }
}

/// Titles are cut here before they are looked at.
const MAX_TITLE: usize = 512;
