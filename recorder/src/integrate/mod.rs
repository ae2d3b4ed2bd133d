//! Our own shell integration: marks (OSC 133 and 7) from the shell itself, for the session only.
//!
//! No file of the user is touched. The scripts are written into a private folder, the shell is told
//! by its arguments or its environment to read them there, and they put back what that took before
//! they let the user's own files run:
//!
//! | shell | how it comes to read ours | what then reads the user's files |
//! |---|---|---|
//! | bash | `--rcfile` | bash the system's, ours `~/.bashrc` |
//! | bash, as login shell or without rc file | `--posix` and `ENV` | ours |
//! | zsh | `ZDOTDIR` | ours `.zshenv`, zsh all others |
//! | fish | `--init-command` | fish, before ours |
//!
//! A shell is a login shell by an argument, or because its name begins with a dash, and stays one: the name is not
//! changed. What a shell that is told to run something would do with ours nobody can say, so that it gets none.
//!
//! Each mark carries a nonce, which stands in the script, so that printed files cannot pass for marks. It is no secret to
//! the person who is recorded.
//!
//! Here is what decides, which is pure; [`folder`] writes.

mod folder;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

pub(crate) use folder::Folder;

const BASH: &str = include_str!("bash.sh");
const ZSH: &str = include_str!("zsh.zsh");
const FISH: &str = include_str!("fish.fish");

/// How a shell is made to print marks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    shell: Shell,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Shell {
    Bash(Start),
    Zsh,
    Fish,
}

/// How bash comes to read our script.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Start {
    /// As its rc file; it then reads this one, or `~/.bashrc`.
    Rc(Option<OsString>),
    /// By `ENV`; it then reads the files of a login shell, or none. An argument says that it is one.
    Env { by_argument: bool, files: bool },
}

/// Why a program cannot be made to print marks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotIntegrated {
    /// It is none of the shells.
    #[error("`{0}` is not bash, zsh or fish")]
    Program(String),
    /// It is to run a script or a command, or to leave out what the integration needs.
    #[error("{shell} is started with `{argument}`")]
    Argument {
        /// Which.
        shell: &'static str,
        /// The argument.
        argument: String,
    },
    /// It behaves as another shell.
    #[error("`{0}` is set")]
    Variable(&'static str),
    /// The terminal takes no marks.
    #[error("the terminal is of the type `{0}`")]
    Terminal(String),
}

/// All that makes a shell read a script of ours.
#[derive(Debug, PartialEq, Eq)]
struct Prepared {
    name: &'static str,
    script: Vec<u8>,
    argv: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
}

impl Integration {
    /// How to integrate this program, in an environment of these variables.
    ///
    /// # Errors
    /// Where it cannot be.
    pub fn of(argv: &[OsString], variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, NotIntegrated> {
        let (program, arguments) =
            argv.split_first().map_or((OsStr::new(""), argv), |(p, rest)| (p.as_os_str(), rest));
        let by_name = program.as_bytes().starts_with(b"-");
        let name = Path::new(program).file_name().unwrap_or_default().to_string_lossy();
        let name = if by_name { name.trim_start_matches('-') } else { &name };
        let shell = match name {
            "bash" => bash(by_name, arguments, &variable)?,
            "zsh" => {
                plain_arguments("zsh", arguments, &["--interactive", "--login"])?;
                Shell::Zsh
            }
            "fish" => {
                plain_arguments("fish", arguments, &["--interactive", "--login", "--private", "-P"])?;
                Shell::Fish
            }
            _ => return Err(NotIntegrated::Program(name.to_owned())),
        };
        match variable("TERM") {
            Some(term) if term != "dumb" && !term.is_empty() => Ok(Self { shell }),
            term => Err(NotIntegrated::Terminal(term.unwrap_or_default().to_string_lossy().into_owned())),
        }
    }

    fn prepare(
        &self,
        argv: &[OsString],
        folder: &Path,
        nonce: &str,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Prepared {
        let mut env = Vec::new();
        let mut argv = argv.to_vec();
        let mut script = Vec::new();
        let mut assign = |name: &str, value: &OsStr| {
            script.extend_from_slice(name.as_bytes());
            script.push(b'=');
            script.extend(quoted(value));
            script.push(b'\n');
        };
        if self.shell != Shell::Fish {
            assign("__casemate_nonce", OsStr::new(nonce));
        }
        let (name, text) = match &self.shell {
            Shell::Bash(Start::Rc(file)) => {
                assign("__casemate_start", OsStr::new("rc"));
                match file {
                    Some(file) => assign("__casemate_rc", file),
                    // bash knows best where that is.
                    None => script.extend_from_slice(b"__casemate_rc=~/.bashrc\n"),
                }
                let rc = folder.join("bash.sh").into_os_string();
                argv.splice(1.., [OsString::from("--rcfile"), rc]);
                ("bash.sh", BASH)
            }
            Shell::Bash(Start::Env { by_argument, files }) => {
                assign("__casemate_start", OsStr::new(if *files { "login" } else { "none" }));
                if let Some(before) = variable("ENV") {
                    assign("__casemate_env", &before);
                }
                // Where the environment does not say, the mode that this takes has a value of its own.
                for (variable_name, name) in
                    [("HISTFILE", "__casemate_histfile"), ("MAILCHECK", "__casemate_mailcheck")]
                {
                    if variable(variable_name).is_some() {
                        assign(name, OsStr::new("given"));
                    }
                }
                env.push(("ENV", folder.join("bash.sh").into_os_string()));
                let login = by_argument.then(|| OsString::from("--login"));
                argv.splice(1.., [OsString::from("--posix")].into_iter().chain(login));
                ("bash.sh", BASH)
            }
            Shell::Zsh => {
                if let Some(before) = variable("ZDOTDIR") {
                    assign("__casemate_zdotdir", &before);
                }
                env.push(("ZDOTDIR", folder.as_os_str().to_owned()));
                (".zshenv", ZSH)
            }
            Shell::Fish => {
                script.extend_from_slice(b"set -g __casemate_nonce ");
                script.extend(fish_quoted(OsStr::new(nonce)));
                script.push(b'\n');
                let mut command = b"source ".to_vec();
                command.extend(fish_quoted(folder.join("fish.fish").as_os_str()));
                argv.splice(1..1, ["--init-command".into(), OsString::from_vec(command)]);
                ("fish.fish", FISH)
            }
        };
        script.extend_from_slice(text.as_bytes());
        Prepared { name, script, argv, env }
    }
}

fn bash(
    by_name: bool,
    arguments: &[OsString],
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Shell, NotIntegrated> {
    if variable("POSIXLY_CORRECT").is_some() {
        return Err(NotIntegrated::Variable("POSIXLY_CORRECT"));
    }
    let (mut by_argument, mut rc, mut profile, mut file) = (false, true, true, None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.to_str() {
            Some("--login") => by_argument = true,
            Some("--norc") => rc = false,
            Some("--noprofile") => profile = false,
            Some("--rcfile" | "--init-file") if rest.len() > 0 => file = rest.next().cloned(),
            Some(letters) if letters_of(letters).is_some_and(|letters| letters.contains('l')) => {
                by_argument = true;
            }
            Some(letters) if letters_of(letters).is_some() => {}
            _ => return Err(refused("bash", argument)),
        }
    }
    let login = by_name || by_argument;
    let start =
        if rc && !login { Start::Rc(file) } else { Start::Env { by_argument, files: login && profile } };
    Ok(Shell::Bash(start))
}

/// The letters of an argument that makes a shell interactive or a login shell, and nothing else.
fn letters_of(argument: &str) -> Option<&str> {
    argument
        .strip_prefix('-')
        .filter(|letters| !letters.is_empty() && letters.bytes().all(|letter| matches!(letter, b'i' | b'l')))
}

fn plain_arguments(shell: &'static str, arguments: &[OsString], also: &[&str]) -> Result<(), NotIntegrated> {
    let is_plain = |argument: &&OsString| {
        argument.to_str().is_some_and(|text| also.contains(&text) || letters_of(text).is_some())
    };
    match arguments.iter().find(|argument| !is_plain(argument)) {
        Some(argument) => Err(refused(shell, argument)),
        None => Ok(()),
    }
}

fn refused(shell: &'static str, argument: &OsStr) -> NotIntegrated {
    NotIntegrated::Argument { shell, argument: argument.to_string_lossy().into_owned() }
}

/// One word of bash and zsh.
fn quoted(text: &OsStr) -> Vec<u8> {
    quoted_with(text, |byte| (byte == b'\'').then_some(r"'\''"))
}

/// One word of fish.
fn fish_quoted(text: &OsStr) -> Vec<u8> {
    quoted_with(text, |byte| match byte {
        b'\'' => Some(r"\'"),
        b'\\' => Some(r"\\"),
        _ => None,
    })
}

fn quoted_with(text: &OsStr, escape: impl Fn(u8) -> Option<&'static str>) -> Vec<u8> {
    let mut quoted = vec![b'\''];
    for &byte in text.as_bytes() {
        match escape(byte) {
            Some(escaped) => quoted.extend_from_slice(escaped.as_bytes()),
            None => quoted.push(byte),
        }
    }
    quoted.push(b'\'');
    quoted
}

/// A folder whose name the shells take as it is: bash expands what stands in `ENV`.
fn is_plain_path(path: &Path) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-+".contains(byte);
    path.is_absolute() && path.as_os_str().as_bytes().iter().all(plain)
}

/// Where the folders of scripts are made.
fn temporary_folder() -> PathBuf {
    Some(std::env::temp_dir()).filter(|path| is_plain_path(path)).unwrap_or_else(|| "/tmp".into())
}

#[cfg(test)]
mod tests;
