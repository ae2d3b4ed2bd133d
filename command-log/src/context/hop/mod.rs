//! What a command line says about where the next prompt will stand.
//!
//! [`parse_hop`] reads `sudo -iu bob`, `ssh -t web-1 sudo -i`, `kubectl exec -it pod -- sh` and their like, and says
//! which shell they would open: on which target, as which user. It says so from the text alone; whether it came
//! about is for the evidence that `Contexts` collects.
//!
//! *Invariants*: pure; linear in the line. Commands within commands (`sudo doas doas …`) are read in a loop, and lines
//! within lines (`sh -c "sh -c …"`) at most [`MAX_LINES`] deep. A name that the shell would have to expand is unknown.

mod container;
mod elevate;
mod options;
mod prefix;
mod remote;
mod shell;
#[cfg(test)]
mod tests;

use super::words::{self, Simple, Word};
use options::Value;
pub use shell::is_interactive as is_interactive_shell;
pub(super) use shell::is_shell;
pub(crate) use shell::line as shell_line;

/// Lines within lines: each level is read anew, so that there must be an end to them. Nobody quotes four times.
const MAX_LINES: usize = 8;

/// What kind of place a hop leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HopKind {
    /// Another shell at the same place, such as `bash`.
    Shell,
    /// `tmux` or `screen`: shells at the same place.
    Multiplexer,
    /// Another user of the same target, such as `sudo -i`.
    User,
    /// A place inside the same kernel that the shell entered itself, such as `chroot` or `nsenter`.
    Inside,
    /// A container or virtual machine, behind a program that passes on the terminal.
    Container,
    /// Another machine, such as `ssh`.
    Host,
}

/// What a hop does to a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    #[default]
    Same,
    /// The command gives the name.
    Named(String),
    /// The command gives no name; this is what it usually is.
    Presumed(String),
    /// The name there is usually the name here, as with `ssh` without a user.
    SameName,
    /// The command says nothing about it.
    Unknown,
}

/// A shell that a command line would open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// The kind of the farthest place on the way.
    pub kind: HopKind,
    /// The program that goes there, such as `sudo`, or the shell itself.
    pub program: String,
    /// What becomes of the target.
    pub target: Change,
    /// What becomes of the target's user.
    pub target_user: Change,
    /// The shell that asks is replaced (`exec`), so that leaving leads to its parent.
    pub replaces: bool,
    /// The command names no shell; what starts may be another program (`docker run -it IMAGE`).
    pub perhaps: bool,
}

impl Hop {
    /// The shell runs on the machine of the shell that asked, so that its user is seen from there.
    pub(super) fn is_local(&self) -> bool {
        self.kind <= HopKind::Inside
    }
}

/// The last shell that a command line would open, if it opens any.
///
/// ```
/// use casemate_command_log::context::{Change, parse_hop};
///
/// let hop = parse_hop("cd /srv && sudo -iu bob").unwrap();
/// assert_eq!(hop.target_user, Change::Named("bob".into()));
/// assert_eq!(parse_hop("sudo -u bob id"), None);
/// ```
pub fn parse_hop(command: &str) -> Option<Hop> {
    read_line(command).hop
}

/// What a command line does, as far as contexts and programs are concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) hop: Option<Hop>,
    /// What runs in the end and is no shell: its words, the program first.
    pub(super) runs: Vec<Word>,
    /// It ends the shell.
    pub(super) exits: bool,
    /// It may change what the prompt looks like, or where the shell stands, without a hop.
    pub(super) changes_prompt: bool,
}

/// Reads a whole line.
pub(super) fn read_line(line: &str) -> Reading {
    read_commands(&words::split(line), 0)
}

/// Reads the arguments of a process.
pub(super) fn read_arguments(arguments: &[String]) -> Reading {
    let length: usize = arguments.iter().map(|argument| argument.len() + 1).sum();
    if length > words::MAX_LINE {
        return Reading::default();
    }
    let words = arguments.iter().map(|argument| Word::literal(argument)).collect();
    read_commands(&[Simple { words, on_terminal: true, subshell: false }], 0)
}

fn read_commands(commands: &[Simple], depth: usize) -> Reading {
    let mut all = Reading::default();
    for simple in commands {
        let mut here = Here { depth, ..Here::default() };
        let end = walk(&simple.words, &mut here);
        all.exits |= !simple.subshell && here.exits;
        all.changes_prompt |= here.changes_prompt;
        if !simple.on_terminal {
            continue;
        }
        match end {
            End::Shell(hop) => all.hop = Some(hop),
            End::Runs(words) => all.runs = words,
            End::Nothing => {}
        }
    }
    all
}

/// How far the reading of one simple command has come.
#[derive(Default)]
struct Here {
    kind: Option<HopKind>,
    program: Option<String>,
    target: Change,
    user: Change,
    replaces: bool,
    exits: bool,
    changes_prompt: bool,
    /// In how many lines within lines we are.
    depth: usize,
}

impl Here {
    /// A layer leads to another place.
    fn goes(&mut self, kind: HopKind, program: &str) {
        self.kind = self.kind.max(Some(kind));
        self.program.get_or_insert_with(|| program.into());
    }

    fn hop(&mut self, perhaps: bool) -> Hop {
        Hop {
            kind: self.kind.unwrap_or(HopKind::Shell),
            program: self.program.take().unwrap_or_default(),
            target: std::mem::take(&mut self.target),
            target_user: std::mem::take(&mut self.user),
            replaces: self.replaces,
            perhaps,
        }
    }
}

/// What one layer of a command leaves to be read.
enum Next<'a> {
    /// A command.
    Run(&'a [Word]),
    /// A line for a shell.
    Line(String),
    /// An interactive shell.
    Shell,
    /// Something interactive that is usually a shell.
    Perhaps,
    /// Nothing that stays.
    Nothing,
}

enum End {
    Shell(Hop),
    Runs(Vec<Word>),
    Nothing,
}

fn walk(words: &[Word], here: &mut Here) -> End {
    let mut words = words;
    loop {
        words = prefix::skip_keywords(words);
        let Some((first, arguments)) = words.split_first() else {
            here.changes_prompt |= here.kind.is_none();
            return End::Nothing;
        };
        let next = if shell::is_shell_word(first) {
            here.program.get_or_insert_with(|| first.program().into());
            shell::arguments(first.program(), arguments)
        } else if !first.literal {
            return End::Nothing;
        } else {
            let name = first.program();
            let layer = prefix::layer(name, arguments, here)
                .or_else(|| elevate::layer(name, arguments, here))
                .or_else(|| remote::layer(name, arguments, here))
                .or_else(|| container::layer(name, arguments, here));
            match layer {
                Some(next) => next,
                None => return End::Runs(words.to_vec()),
            }
        };
        match next {
            Next::Run(inner) => words = inner,
            Next::Line(line) => return walk_line(&line, here),
            Next::Shell => return End::Shell(here.hop(false)),
            Next::Perhaps => return End::Shell(here.hop(true)),
            Next::Nothing => return End::Nothing,
        }
    }
}

/// The last command of a line within a line decides: what stands before it is over when a prompt comes.
fn walk_line(line: &str, here: &mut Here) -> End {
    here.depth += 1;
    if here.depth > MAX_LINES {
        return End::Nothing;
    }
    let commands = words::split(line);
    match commands.iter().rev().find(|simple| simple.on_terminal) {
        Some(simple) => walk(&simple.words, here),
        None => End::Nothing,
    }
}

/// The name in a value, if the command line really says it.
fn named(value: Option<Value<'_>>) -> Change {
    match value {
        Some(value) if value.literal && !value.text.is_empty() => Change::Named(value.text.into()),
        Some(_) | None => Change::Unknown,
    }
}

/// The value of a word, as that of an option.
fn value(word: &Word) -> Value<'_> {
    Value { text: &word.text, literal: word.literal }
}

/// Several words as the one line that a shell on the other side makes of them.
fn joined(words: &[Word]) -> String {
    let texts: Vec<_> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}
