//! Shells by name, and which of their arguments leave them interactive.

use super::super::words::Word;
use super::Next;
use super::options::{Options, Takes};

const SHELLS: &[&str] = &[
    "sh",
    "bash",
    "zsh",
    "fish",
    "dash",
    "ash",
    "ksh",
    "ksh93",
    "mksh",
    "pdksh",
    "oksh",
    "tcsh",
    "csh",
    "rbash",
    "rzsh",
    "yash",
    "elvish",
    "nu",
    "xonsh",
    "pwsh",
    "osh",
    "ysh",
    "ion",
    "murex",
    "nologin-shell",
];

/// Whether a program of this name is a shell. It may be a path or begin with the dash of a login shell.
pub(in super::super) fn is_shell(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or_default();
    SHELLS.contains(&name.strip_prefix('-').unwrap_or(name))
}

/// Whether a word runs a shell, be it that the user's own is meant.
pub(super) fn is_shell_word(word: &Word) -> bool {
    if word.literal {
        return is_shell(&word.text);
    }
    matches!(
        word.text.as_str(),
        "$SHELL" | "${SHELL}" | "$0" | "$BASH" | "${SHELL:-sh}" | "${SHELL:-/bin/sh}"
    )
}

/// The line that a shell with these arguments runs, and nothing else: what stands behind `-c`.
pub(crate) fn line(argv: &[String]) -> Option<String> {
    with_arguments(argv, |next| match next {
        Next::Line(line) => Some(line),
        Next::Run(_) | Next::Shell | Next::Perhaps | Next::Nothing => None,
    })?
}

/// Whether this is a shell that reads lines from whoever types, and not one that is given what to run.
pub fn is_interactive(argv: &[String]) -> bool {
    with_arguments(argv, |next| matches!(next, Next::Shell)).unwrap_or(false)
}

/// Says what a shell does with its arguments; `None` where it is no shell.
fn with_arguments<T>(argv: &[String], tell: impl FnOnce(Next<'_>) -> T) -> Option<T> {
    let (shell, arguments) = argv.split_first()?;
    if !is_shell(shell) {
        return None;
    }
    let words: Vec<Word> = arguments.iter().map(|argument| Word::literal(argument)).collect();
    let name = Word::literal(shell);
    Some(tell(self::arguments(name.program(), &words)))
}

/// Options that say which file to read first, not what to run.
const TAKES: Takes = Takes { short: "oOC", long: "rcfile init-file init-command config env-config" };

/// What a shell does with these arguments.
pub(super) fn arguments<'a>(name: &str, arguments: &'a [Word]) -> Next<'a> {
    let mut options = Options::new(arguments, TAKES);
    let (mut line, mut interactive) = (false, false);
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "c" | "command" | "Command" | "commands" => match option.value {
                    Some(given) => return Next::Line(given.text.to_owned()),
                    None => line = true,
                },
                "i" | "interactive" | "s" | "NoExit" => interactive = true,
                "version" | "help" | "n" => return Next::Nothing,
                _ => {}
            }
        }
        match options.rest().first() {
            // `set +o emacs` style options begin with a plus.
            Some(word) if word.text.starts_with('+') => {
                options.positional();
                if word.text.ends_with(['o', 'O']) {
                    options.positional();
                }
            }
            Some(word) if line => {
                return Next::Line(word.text.clone());
            }
            // `-s` reads what follows as arguments; else it is a script, unless it is asked to stay.
            Some(_) if interactive && name != "nu" => return Next::Shell,
            Some(_) => return Next::Nothing,
            None if line => return Next::Nothing,
            None => return Next::Shell,
        }
    }
}
