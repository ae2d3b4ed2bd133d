//! Records one session, from the options to what came of it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Instant;

use casemate_cast_format::{Exec, Header, Micros, SessionFacts, Size};
use ed25519_dalek::SigningKey;
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::isatty;
use serde_json::{Map, Value};

use crate::control::Control;
use crate::echo::Echo;
use crate::ending::Ending;
use crate::exec::exec;
use crate::form::Format;
use crate::integrate::{Folder, Integration};
use crate::journal::{AppendError, Existing, Journal, Kind, Plan, Rotation, Sink, Target, micros};
use crate::keys::Keys;
use crate::observer::Observer;
use crate::pipes::descriptors::leave_given;
use crate::program::Program;
use crate::proxy::{Keyboard, Proxy, WindowSize};
use crate::pty::{self, OpenPty};
use crate::rights::{self, Rights};
use crate::signals::Signals;
use crate::terminal::{Kept, Terminal};
use crate::typed_ahead::TypedAhead;
use crate::witness::Witness;

/// Size of a session that nobody sees.
pub(crate) const HEADLESS_SIZE: Size = Size { cols: 80, rows: 24 };

/// Where a recording goes.
#[derive(Clone, Debug)]
pub enum Output {
    /// A new file.
    File(PathBuf, Existing),
    /// The end of a recording that is there.
    Append(PathBuf),
    /// Standard output.
    Stdout,
}

/// What to record, and how.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is run.
    pub program: Program,
    /// As what we stand before it.
    pub role: Role,
    /// Whose session it is, and since when.
    pub facts: SessionFacts,
    /// Where to.
    pub output: Output,
    /// As what.
    pub format: Format,
    /// What is typed, too.
    pub capture_input: bool,
    /// Environment variables that go into the header.
    pub capture_env: Vec<String>,
    /// A title for the header.
    pub title: Option<String>,
    /// For the header: players shorten longer pauses.
    pub idle_time_limit: Option<Micros>,
    /// The command line, for the header.
    pub command: Option<String>,
    /// Show nothing.
    pub headless: bool,
    /// A size that does not follow the terminal's.
    pub window: WindowSize,
    /// When to go on in another file.
    pub rotation: Rotation,
    /// Signs the seals.
    pub signing_key: Option<SigningKey>,
    /// The control character before the recorder's own keys.
    pub prefix_key: Option<u8>,
    /// It is one command, and not a shell that somebody types into: say what was started.
    pub says_exec: bool,
    /// Note which process is in the foreground.
    pub process_facts: bool,
    /// Make the shell print marks, in this way.
    pub integration: Option<Integration>,
    /// What becomes of the session where the recording can no longer be written.
    pub unrecorded: Unrecorded,
}

/// As what a recorder stands before a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A tool that somebody started: all that is read and written goes through the session's terminal, and whatever ends
    /// the tool ends the program.
    Tool,
    /// In the place of a shell, as if it were not there: descriptors that are no terminals are handed through, signals are
    /// passed on, and after a hang-up whoever does not care lives on.
    Shell,
}

/// What becomes of a session where the recording can no longer be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrecorded {
    /// It goes on; the gap is written down as soon as it can be.
    GoesOn,
    /// It ends.
    Ends,
}

impl Unrecorded {
    /// What whoever is recorded is told.
    pub(crate) fn told(self) -> &'static str {
        match self {
            Self::GoesOn => "from here on nothing is recorded",
            Self::Ends => "nothing may go on unrecorded here: the session ends",
        }
    }
}

/// A session that is about to begin.
#[derive(Clone, Copy, Debug)]
pub struct Begun<'a> {
    /// Whose it is.
    pub facts: &'a SessionFacts,
    /// The first file of the recording, if it has a name.
    pub file: Option<&'a Path>,
    /// The device that is the session's terminal.
    pub terminal: Option<Device>,
}

/// Which terminal it is of all on a host. The number alone does not say so: each devpts has its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// The file system that it is in (`st_dev`).
    pub file_system: u64,
    /// Its number (`st_rdev`).
    pub number: u64,
}

impl Device {
    /// That of an open terminal.
    ///
    /// # Errors
    /// Nothing is known of it.
    pub fn of(terminal: impl AsFd) -> io::Result<Self> {
        let about = rustix::fs::fstat(terminal)?;
        Ok(Self { file_system: about.st_dev, number: about.st_rdev })
    }
}

/// What came of a recording.
#[derive(Debug)]
pub struct Recorded {
    /// Whose session it was.
    pub facts: SessionFacts,
    /// The files, in order; none for standard output.
    pub files: Vec<PathBuf>,
    /// The program's exit status, 128 + n for signal n.
    pub status: i32,
    /// The signal that ended the program, if one did.
    pub signal: Option<i32>,
    /// Why it ended.
    pub ending: Ending,
    /// How long it took.
    pub duration: Micros,
    /// How many events were recorded.
    pub events: u64,
    /// Why the recording is not whole.
    pub failure: Option<String>,
}

/// Why nothing could be recorded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The file cannot be created.
    #[error("cannot record to `{}`: {source}", path.display())]
    Create {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be continued.
    #[error("cannot append to `{}`: {source}", path.display())]
    Append {
        /// The file.
        path: PathBuf,
        /// Why.
        source: AppendError,
    },
    /// The program cannot be started.
    #[error("cannot start `{program}`: {reason}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        reason: String,
    },
    /// The system refused something.
    #[error("{what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
}

pub(crate) fn system(what: &'static str) -> impl FnOnce(io::Error) -> RecordError {
    move |source| RecordError::System { what, source }
}

/// Records a session; `begun` is told when everything stands and the session is about to start. What it gives is kept
/// for as long as the session's terminal is, and dropped just before, with the rights of the program: the next one that
/// is opened gets the same number. A `witness` is told what is recorded, on the journal's thread, and is dropped before
/// this returns.
///
/// # Errors
/// Where nothing could be recorded. A recording that begins and cannot be written to its end is no
/// error: [`Recorded::failure`] says so.
pub fn record<T>(
    options: &Options,
    witness: Option<Box<dyn Witness>>,
    begun: impl FnOnce(Begun<'_>) -> T,
) -> Result<Recorded, RecordError> {
    let to_stdout = matches!(options.output, Output::Stdout);
    let mut terminal = if options.headless { None } else { Terminal::find(to_stdout) };
    let on_terminal = match options.role {
        Role::Tool => [true; 3],
        Role::Shell => [isatty(stdin()), isatty(stdout()), isatty(stderr())],
    };
    let keyboard = match options.role {
        Role::Tool if !isatty(stdin()) => Keyboard::Stdin,
        Role::Tool | Role::Shell if terminal.is_some() => Keyboard::Terminal,
        Role::Tool | Role::Shell => Keyboard::None,
    };
    let shown_size = terminal.as_ref().and_then(Terminal::size).unwrap_or(HEADLESS_SIZE);
    let size = options.window.on(shown_size);

    let (mut program, mut facts) = (options.program.clone(), options.facts.clone());
    // Without both no shell takes lines from somebody who types.
    let is_interactive = on_terminal[0] && on_terminal[2];
    let integration = options.integration.as_ref().filter(|_| is_interactive);
    let folder = integration.map(|integration| Folder::create(integration, &program, &facts.session));
    let folder = match (folder.transpose(), options.role) {
        (Ok(folder), _) => folder,
        // Whoever fills the folder of temporary files is not to decide who gets in.
        (Err(_), Role::Shell) => None,
        (Err(error), Role::Tool) => return Err(system("cannot put the shell integration in place")(error)),
    };
    if let Some(folder) = &folder {
        facts.set_marks_nonce(&folder.nonce);
        program.argv.clone_from(&folder.argv);
        folder.env.iter().for_each(|(name, value)| program.set(name, value));
    }
    let plan = Plan {
        format: options.format,
        header: header(options, size, terminal.is_some()),
        facts: facts.clone(),
        rotation: options.rotation,
        signing_key: options.signing_key.clone(),
        rights: program.rights,
    };
    // Before any file is touched.
    if let Err(reason) = program.check() {
        return Err(RecordError::Start { program: program.name(), reason });
    }
    let mut sink = rights::with(program.rights, || open(&options.output, plan))?;
    if let Some(witness) = witness {
        sink.tell(witness);
    }
    let shown = terminal.as_ref().and_then(Terminal::window);
    let window = match (options.role, shown) {
        (Role::Shell, Some(shown)) => shown,
        (Role::Shell | Role::Tool, shown) => pty::window(size, shown),
    };
    let opened = OpenPty::open(window, terminal.as_ref().and_then(Terminal::attributes));
    let pty = opened.map_err(system("cannot open a terminal for the session"))?;
    let device = pty.device().map_err(system("the session's terminal has no name"))?;
    if program.variable("SSH_TTY").is_some() && options.role == Role::Shell {
        program.set("SSH_TTY", device.1);
    }
    let file = sink.files().first().map(PathBuf::as_path);
    let hold = pty.hold().map_err(system("cannot hold the session's terminal"))?;
    let standing = begun(Begun { facts: &facts, file, terminal: Some(device.0) });
    let standing = Standing { of_it: Some(standing), rights: program.rights, _terminal: hold };

    // Signals are met from here on: whoever ends us from now on ends a recording.
    let signals = Signals::listen().map_err(system("cannot listen to signals"))?;
    let start = Instant::now();
    // All that can fail comes before the program: once it runs, it is recorded.
    let journal = Journal::start(sink, start).map_err(system("cannot start the journal"))?;
    let control = match (options.role, &terminal) {
        (Role::Shell, Some(terminal)) => terminal.control(),
        (Role::Shell | Role::Tool, _) => Control::Leads,
    };
    // Others may use it as well: the shell around us, and the rest of a pipeline.
    let leaves_terminal = options.role == Role::Shell
        && match control {
            Control::Leads => false,
            Control::Belongs => !(on_terminal[0] && on_terminal[1]),
            Control::None => true,
        };
    // What goes past us is shown as ever.
    let shares_output = on_terminal != [true; 3];
    let output = terminal.as_ref().and_then(Terminal::attributes).map(|attributes| attributes.output_modes);
    let kept = Kept { signal_keys: false, output: output.filter(|_| shares_output) };
    let taken = match terminal.as_mut().filter(|_| keyboard == Keyboard::Terminal && !leaves_terminal) {
        Some(terminal) => terminal.take(kept).map(Option::unwrap_or_default),
        None => Ok(TypedAhead::default()),
    };
    let typed = match taken {
        Ok(typed) => typed,
        Err(error) => {
            take_back(journal, &options.output, program.rights);
            return Err(system("cannot set the terminal to raw mode")(error));
        }
    };
    // What is typed ahead is not what a session fails for.
    let echo = if typed.is_empty() { Vec::new() } else { pty.type_ahead(&typed).unwrap_or_default() };
    let pty = match pty.start(&program, on_terminal, control, signals.given()) {
        Ok(pty) => pty,
        Err(error) => {
            take_back(journal, &options.output, program.rights);
            return Err(RecordError::Start { program: program.name(), reason: error.to_string() });
        }
    };
    // Where there are no events, nobody looks.
    let has_events = matches!(options.format, Format::Cast { .. });
    // Nobody types into what reads its commands elsewhere.
    let says_exec = options.says_exec || !on_terminal[0];
    if says_exec && has_events {
        let exec = Exec { output_elsewhere: !on_terminal[1], ..exec(&options.program, true) }.to_string();
        journal.queue().push(Micros(0), Kind::Exec, exec.as_bytes());
    }
    let looks = options.process_facts && has_events;
    let mut observer = looks.then(Observer::new);
    let begun_as = observer.as_mut().and_then(|observer| observer.begin(start, &pty));
    if let Some(facts) = begun_as {
        journal.queue().push(Micros(0), Kind::Process(facts.uid), facts.to_string().as_bytes());
    }
    if !typed.is_empty() {
        if options.capture_input {
            let shown = if typed.shown { Echo::On } else { Echo::Off };
            journal.queue().push(Micros(0), Kind::Input(shown), &typed.keys);
        }
        journal.queue().push(Micros(0), Kind::Output, &echo);
    }
    if options.role == Role::Shell {
        leave_given();
    }
    let proxy = Proxy {
        pty,
        terminal: terminal.as_mut(),
        keyboard,
        journal: &journal,
        signals,
        keys: Keys::new(options.prefix_key.filter(|_| keyboard == Keyboard::Terminal)),
        capture_input: options.capture_input,
        observer,
        window: options.window,
        size,
        start,
        role: options.role,
        control,
        leaves_terminal,
        shares_output,
        unrecorded: options.unrecorded,
    };
    let outcome = proxy.run().map_err(system("cannot wait for the session"));
    drop(standing);
    drop(terminal);
    drop(folder);
    let duration = micros(start.elapsed());
    let report = journal.finish(outcome.as_ref().ok().map(|outcome| outcome.ending));
    let outcome = outcome?;
    Ok(Recorded {
        facts,
        files: report.files,
        status: outcome.status,
        signal: outcome.signal,
        ending: outcome.ending,
        duration,
        events: report.events,
        failure: report.failure,
    })
}

/// Removes the recording of a session that never began, if it was made for it.
pub(crate) fn take_back(journal: Journal, output: &Output, rights: Option<Rights>) {
    let report = journal.finish(None);
    if matches!(output, Output::File(..)) {
        rights::with(rights, || {
            for file in &report.files {
                // What cannot be removed holds nothing but a header.
                std::fs::remove_file(file).ok();
            }
        });
    }
}

/// What stands for as long as the session's terminal is its.
struct Standing<T> {
    of_it: Option<T>,
    rights: Option<Rights>,
    _terminal: OwnedFd,
}

impl<T> Drop for Standing<T> {
    fn drop(&mut self) {
        rights::with(self.rights, || drop(self.of_it.take()));
    }
}

pub(crate) fn open(output: &Output, plan: Plan) -> Result<Sink, RecordError> {
    match output {
        Output::File(path, existing) => Sink::create(plan, path, *existing)
            .map_err(|source| RecordError::Create { path: path.clone(), source }),
        Output::Append(path) => {
            let is_new = std::fs::metadata(path).map_or(true, |metadata| metadata.len() == 0);
            if is_new {
                return Sink::create(plan, path, Existing::Replace)
                    .map_err(|source| RecordError::Create { path: path.clone(), source });
            }
            Sink::append(plan, path).map_err(|source| RecordError::Append { path: path.clone(), source })
        }
        Output::Stdout => stdout()
            .as_fd()
            .try_clone_to_owned()
            .and_then(|stdout| Target::from_file(stdout.into()))
            .and_then(|target| Sink::begin(plan, target))
            .map_err(|source| RecordError::Create { path: "standard output".into(), source }),
    }
}

fn header(options: &Options, size: Size, has_terminal: bool) -> Header {
    let variable = |name: &str| options.program.variable(name)?.to_str().map(str::to_owned);
    let env =
        options.capture_env.iter().filter_map(|name| Some((name.clone(), Value::String(variable(name)?))));
    Header {
        term_type: if has_terminal { variable("TERM") } else { None },
        timestamp: i64::try_from(options.facts.start_us / 1_000_000).ok(),
        idle_time_limit: options.idle_time_limit,
        command: options.command.clone(),
        title: options.title.clone(),
        env: Map::from_iter(env),
        ..Header::new(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_cast_format::Version;

    /// Notes whether the terminal is still there when this goes.
    struct Noting(PathBuf, std::sync::mpsc::Sender<bool>);

    impl Drop for Noting {
        fn drop(&mut self) {
            self.1.send(self.0.exists()).unwrap();
        }
    }

    fn check_standing(program: &str, is_recorded: bool) {
        let folder = tempfile::tempdir().unwrap();
        let options = Options {
            program: Program::new(vec![program.into()]),
            role: Role::Shell,
            facts: crate::Identity::default().facts(None),
            output: Output::File(folder.path().join("a.cast"), Existing::Refuse),
            format: Format::Cast { version: Version::V2, segments: false },
            capture_input: false,
            capture_env: Vec::new(),
            title: None,
            idle_time_limit: None,
            command: None,
            headless: true,
            window: WindowSize::default(),
            rotation: Rotation::default(),
            signing_key: None,
            prefix_key: None,
            says_exec: false,
            process_facts: false,
            integration: None,
            unrecorded: Unrecorded::Ends,
        };
        let (noted, notes) = std::sync::mpsc::channel();
        let recorded = record(&options, None, |begun| {
            let number = rustix::fs::minor(begun.terminal.unwrap().number);
            Noting(format!("/dev/pts/{number}").into(), noted)
        });
        assert_eq!(recorded.is_ok(), is_recorded, "{recorded:?}");
        assert!(notes.recv().unwrap(), "{program}: the terminal was gone, and another may have its number");
    }

    #[test]
    fn what_stands_for_a_terminal_goes_before_it() {
        check_standing("/bin/true", true);
        // Such a one cannot be started, as nobody knows before.
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::write(&program, "#!/nowhere/at/all\n").unwrap();
        std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        check_standing(program.to_str().unwrap(), false);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
