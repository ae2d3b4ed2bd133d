//! `casemate rec`: records a session.

mod live;

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_cast_format::Micros;
use casemate_client::Client;
use casemate_command_log::is_interactive_shell;
use casemate_recorder::{
    AppendError, Begun, Ending, Existing, Format, Identity, Integration, Options, Output, Program,
    RecordError, Recorded, Role, Rotation, SESSION_VARIABLE, Said, Unrecorded, WindowSize, keys, record,
    recording_version,
};
use chrono::{SecondsFormat, Utc};
use serde_json::Map;

use self::live::Sending;
use crate::args::{self, OutputFormat};
use crate::command_file::{CommandFile, Present};
use crate::failure::{About as _, Failure};
use crate::keys::signing_key;
use crate::place::data_folder;
use crate::printer::Printer;
use crate::server::ServerArgs;

/// Record a terminal session
///
/// Runs your shell, or another program, and records what it shows. Without FILE the recording goes into
/// `~/.local/share/casemate/recordings`.
///
/// While recording, the prefix key (Ctrl-\ by default) and then `p` pauses and resumes, `m` sets a marker
/// and asks for its label, `q` stops; the prefix twice sends it to the session.
///
/// With --server the recording goes to an audit server while it is made, and the session ends when somebody closes it
/// there. Without FILE it is kept in a spool until all of it is there: `~/.local/state/casemate/spool`. What cannot be
/// uploaded now is uploaded by the next one, or by `casemate upload --spool`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate rec                                   your shell, into a file named by time
  casemate rec demo.cast -- vim notes.txt        a program with its arguments, no shell between
  casemate rec -c 'make 2>&1 | tail' build.cast  a command line, through /bin/sh
  casemate rec -a demo.cast                      go on with a recording, or begin it
  casemate rec --integrate deploy.cast           with marks where prompts and commands are
  casemate rec --commands run.jsonl demo.cast    what is run, too, as JSON Lines while it is run
  casemate rec -I --user alice --target web-1 --target-user root audit.cast.zst
  casemate rec --server https://audit.example.com --key-file ~/.audit.key
  casemate rec -q - -- make | casemate convert - make.txt")]
pub(crate) struct RecArgs {
    /// The recording: NAME.cast, NAME.cast.zst (compressed, chained), NAME.raw, NAME.txt; `-` for standard output
    file: Option<PathBuf>,

    /// Program and arguments to record instead of your shell
    #[arg(last = true, value_name = "PROGRAM")]
    program: Vec<OsString>,

    /// Command line to record instead of your shell, run by /bin/sh
    #[arg(short, long, conflicts_with = "program", value_name = "COMMAND")]
    command: Option<String>,

    /// Format [default: by the file's name, else asciicast-v2]
    #[arg(short = 'f', long, value_enum, hide_default_value = true)]
    output_format: Option<OutputFormat>,

    /// Record what is typed, too; what the terminal does not show is left out
    #[arg(short = 'I', long, alias = "stdin")]
    capture_input: bool,

    /// Make bash, zsh or fish mark prompts, commands and results (OSC 133), without touching their files
    #[arg(long)]
    integrate: bool,

    /// Leave out which process is in the foreground, and what was started
    #[arg(long)]
    no_process_facts: bool,

    /// Environment variables to record
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_value = "SHELL")]
    capture_env: Vec<String>,

    /// Go on with the recording in FILE, or begin it
    #[arg(short, long)]
    append: bool,

    /// Replace FILE if it exists
    #[arg(long, conflicts_with = "append")]
    overwrite: bool,

    /// Title of the recording
    #[arg(short, long)]
    title: Option<String>,

    /// Let players shorten longer pauses to this
    #[arg(short, long, value_name = "SECONDS", value_parser = args::seconds)]
    idle_time_limit: Option<Micros>,

    /// Show nothing, and read no keys
    #[arg(long)]
    headless: bool,

    /// Size of the session's terminal, instead of yours
    #[arg(long, value_name = "COLSxROWS", value_parser = args::window_size)]
    window_size: Option<WindowSize>,

    /// End with the status of the recorded program
    #[arg(long = "return")]
    return_status: bool,

    /// Who is recorded [default: who logged in]
    #[arg(long)]
    user: Option<String>,

    /// On which machine [default: its host name]
    #[arg(long)]
    target: Option<String>,

    /// As which account of that machine [default: the effective user]
    #[arg(long)]
    target_user: Option<String>,

    /// Go on in another file when one is this large, like 100M
    #[arg(long, value_name = "SIZE", value_parser = args::size)]
    max_size: Option<u64>,

    /// Go on in another file when one is this long, like 90s or 2h
    #[arg(long, value_name = "TIME", value_parser = args::duration)]
    max_duration: Option<Micros>,

    /// Write the command line into the recording's header
    #[arg(long)]
    record_command: bool,

    /// Key before the recorder's own keys: C-a, ^a, none
    #[arg(long, value_name = "KEY", default_value = r"C-\", value_parser = prefix_key)]
    prefix_key: PrefixKey,

    /// Sign the recording with this Ed25519 key (PKCS#8 PEM, as made by `casemate keygen`)
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,

    /// Write who ran what to this file, as JSON Lines, while the session goes on (see `casemate commands`)
    #[arg(long, value_name = "FILE")]
    commands: Option<PathBuf>,

    /// Write what the recorder does to this file
    #[arg(long, value_name = "FILE")]
    log_file: Option<PathBuf>,

    /// Record even if the server refuses the session
    #[arg(long, requires = "server")]
    best_effort: bool,

    #[command(flatten)]
    server: ServerArgs,
}

/// A control character, or none at all.
#[derive(Clone, Copy, Debug)]
struct PrefixKey(Option<u8>);

fn prefix_key(text: &str) -> Result<PrefixKey, String> {
    keys::parse_prefix(text)
        .map(PrefixKey)
        .ok_or_else(|| "give a control key, like C-a or ^a, or none".into())
}

pub(crate) fn run(arguments: &RecArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let mut log = Log::open(arguments.log_file.as_deref())?;
    let client = live::client(arguments, printer)?;
    let options = options(arguments, client.as_ref(), printer)?;
    let mut sending =
        client.map(|client| Sending::prepare(client, &options, arguments, printer)).transpose()?;
    let mut commands =
        arguments.commands.as_deref().map(|file| command_file(file, arguments, &options)).transpose()?;
    let witness = commands.as_mut().and_then(CommandFile::witness);
    let recorded = record(&options, witness, |begun| {
        announce(begun, &options, printer);
        log.line(format!("session {} of {} begins", begun.facts.session, begun.facts.user));
        if let (Some(sending), Some(file)) = (&mut sending, begun.file) {
            sending.begin(file, printer);
        }
    });
    let recorded = match recorded {
        Ok(recorded) => recorded,
        Err(error) => {
            if let Some(commands) = commands {
                commands.discard();
            }
            return Err(explain(error, arguments));
        }
    };
    let written = commands.map_or(Ok(()), CommandFile::finish);
    log.line(format!(
        "session {} ended: {}, status {}, {} events, {}",
        recorded.facts.session,
        recorded.ending,
        recorded.status,
        recorded.events,
        recorded.failure.as_deref().unwrap_or("recorded whole"),
    ));
    let place = sending.map(|sending| sending.finish(&recorded, printer));
    let status = conclude(&recorded, arguments, place, printer);
    if let Err(failure) = written {
        // The recording is there, and the events can be derived from it again.
        printer.failure(&failure.hint("list them again from the recording: casemate commands"));
        return Ok(ExitCode::FAILURE);
    }
    Ok(status)
}

fn command_file(path: &Path, arguments: &RecArgs, options: &Options) -> Result<CommandFile, Failure> {
    if path == Path::new("-") {
        return Err(Failure::new("command events cannot go to standard output beside the session").hint(
            "give a file or a pipe, or read the recording live: casemate rec - | casemate commands -",
        ));
    }
    let recording = match &options.output {
        Output::File(file, _) | Output::Append(file) => Some(file),
        Output::Stdout => None,
    };
    let place = |path: &Path| path.canonicalize().ok();
    if let Some(file) = recording
        && (file == path || place(file).is_some_and(|file| place(path) == Some(file)))
    {
        return Err(Failure::new(format!("`{}` is the recording", path.display()))
            .hint("give the command events another name"));
    }
    let present = match () {
        () if arguments.append => Present::Append,
        () if arguments.overwrite => Present::Replace,
        () => Present::Refuse,
    };
    CommandFile::create(path, present)
}

fn options(arguments: &RecArgs, client: Option<&Client>, printer: &Printer) -> Result<Options, Failure> {
    let identity = Identity {
        user: arguments.user.clone().map(Said::by_flag),
        target: arguments.target.clone().map(Said::by_flag),
        target_user: arguments.target_user.clone().map(Said::by_flag),
        extra: client.map_or_else(Map::new, |_| live::more_facts(arguments.capture_input)),
    };
    let facts = identity.facts(std::env::var(SESSION_VARIABLE).ok());
    let file = match (&arguments.file, client) {
        (Some(file), _) => file.clone(),
        (None, Some(client)) => live::spool_file(client, &facts.session)?,
        (None, None) => default_file()?,
    };
    let to_stdout = file == Path::new("-");
    if to_stdout && arguments.append {
        return Err(
            Failure::new("standard output cannot be appended to").hint("give a file, or leave out --append")
        );
    }
    let output = match () {
        () if to_stdout => Output::Stdout,
        () if arguments.append => Output::Append(file.clone()),
        () if arguments.overwrite => Output::File(file.clone(), Existing::Replace),
        () => Output::File(file.clone(), Existing::Refuse),
    };
    let mut format = OutputFormat::of(arguments.output_format, &file);
    if let (Format::Cast { version, .. }, true, None) =
        (&mut format, arguments.append, arguments.output_format)
    {
        // Nobody needs to remember which version a recording was begun in.
        if let Ok(Some(found)) = recording_version(&file) {
            *version = found;
        }
    }
    refuse_idle_options(arguments, format, to_stdout)?;
    let argv = argv(arguments);
    let command = match &arguments.command {
        Some(command) => command.clone(),
        None => argv.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" "),
    };
    let mut program = Program::new(argv.clone());
    program.set(SESSION_VARIABLE, &facts.session);
    Ok(Options {
        process_facts: !arguments.no_process_facts,
        says_exec: says_exec(arguments, &argv),
        integration: integration(arguments, &argv, printer),
        program,
        role: Role::Tool,
        facts,
        unrecorded: Unrecorded::GoesOn,
        output,
        format,
        capture_input: arguments.capture_input,
        capture_env: arguments.capture_env.iter().map(|name| name.trim().to_owned()).collect(),
        title: arguments.title.clone(),
        idle_time_limit: arguments.idle_time_limit,
        command: arguments.record_command.then_some(command),
        headless: arguments.headless,
        window: arguments.window_size.unwrap_or_default(),
        rotation: Rotation { size: arguments.max_size, duration: arguments.max_duration },
        signing_key: arguments.sign_key.as_deref().map(signing_key).transpose()?,
        prefix_key: arguments.prefix_key.0,
    })
}

/// Whether what is recorded is one command: not a shell that somebody types into.
fn says_exec(arguments: &RecArgs, argv: &[OsString]) -> bool {
    let is_given = arguments.command.is_some() || !arguments.program.is_empty();
    let argv: Vec<_> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    is_given && !arguments.no_process_facts && !is_interactive_shell(&argv)
}

/// How the shell is made to print marks. Where that cannot be, the session is recorded without them.
fn integration(arguments: &RecArgs, argv: &[OsString], printer: &Printer) -> Option<Integration> {
    let planned = arguments.integrate.then(|| Integration::of(argv, |name| std::env::var_os(name)))?;
    planned.inspect_err(|why| printer.warn(format!("no shell integration: {why}; recording without it"))).ok()
}

/// An option that would do nothing is worse than none: somebody relies on it.
fn refuse_idle_options(arguments: &RecArgs, format: Format, to_stdout: bool) -> Result<(), Failure> {
    let in_segments = matches!(format, Format::Cast { segments: true, .. });
    if arguments.sign_key.is_some() && !in_segments {
        return Err(Failure::new("only recordings in segments can be signed")
            .hint("record to a file named NAME.cast.zst"));
    }
    let rotates = arguments.max_size.is_some() || arguments.max_duration.is_some();
    if rotates && (to_stdout || !matches!(format, Format::Cast { .. })) {
        return Err(Failure::new("only asciicast files can go on in another file").hint(
            "record to a file named NAME.cast or NAME.cast.zst, or leave out --max-size and --max-duration",
        ));
    }
    Ok(())
}

fn argv(arguments: &RecArgs) -> Vec<OsString> {
    if let Some(command) = &arguments.command {
        return vec!["/bin/sh".into(), "-c".into(), command.into()];
    }
    if !arguments.program.is_empty() {
        return arguments.program.clone();
    }
    let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).map(PathBuf::from);
    let shell = shell.or_else(casemate_recorder::account_shell).unwrap_or_else(|| "/bin/sh".into());
    vec![shell.into()]
}

fn default_file() -> Result<PathBuf, Failure> {
    let folder = recordings_folder().map_err(|failure| failure.hint("give a FILE"))?;
    let id = casemate_recorder::random_id();
    let name = format!("{}-{id}.cast.zst", Utc::now().format("%Y%m%dT%H%M%SZ"));
    Ok(folder.join(name))
}

/// Where recordings go that nobody gave a place.
pub(super) fn recordings_folder() -> Result<PathBuf, Failure> {
    data_folder("recordings")
}

fn announce(begun: Begun<'_>, options: &Options, printer: &Printer) {
    if let Some(outer) = &begun.facts.within {
        printer.say(format!("this session is already being recorded, as {outer}; recording it again"));
    }
    if let Some(file) = begun.file {
        printer.say(format!("recording to {}", file.display()));
    }
    if !options.headless && !printer.is_quiet() && rustix::termios::isatty(rustix::stdio::stdin()) {
        let keys = options.prefix_key.map(|key| {
            let key = char::from(key | 0x40);
            format!("; Ctrl-{key} then p pauses, m marks, q stops")
        });
        printer.say(format!("the session ends with the program{}", keys.unwrap_or_default()));
    }
}

fn explain(error: RecordError, arguments: &RecArgs) -> Failure {
    let hint = match &error {
        RecordError::Create { source, .. } if source.kind() == std::io::ErrorKind::AlreadyExists => {
            Some("give another name, --append to go on with it, or --overwrite to replace it".to_owned())
        }
        RecordError::Append { path, source: AppendError::OtherFormat(..) } => {
            let name = path.display();
            Some(format!("record to a new file, or convert it first: casemate convert {name} NEW"))
        }
        RecordError::Append { source: AppendError::Signed, .. } => {
            Some("give the key that it is signed with: --sign-key FILE".into())
        }
        RecordError::Append { path, source: AppendError::Nothing | AppendError::Tail(_) } => {
            Some(format!("see what is left of it: casemate repair {}", path.display()))
        }
        RecordError::Start { .. } if arguments.command.is_none() && arguments.program.is_empty() => {
            Some("your shell is taken from SHELL; give a program after --".into())
        }
        RecordError::Create { .. }
        | RecordError::Append { .. }
        | RecordError::Start { .. }
        | RecordError::System { .. }
        | _ => None,
    };
    let failure = Failure::new(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

fn conclude(recorded: &Recorded, arguments: &RecArgs, place: Option<String>, printer: &Printer) -> ExitCode {
    let files = recorded.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
    if let Some(failure) = &recorded.failure {
        let place = if files.is_empty() { "standard output" } else { &files };
        printer.error(format!("the recording is not whole: {place}: {failure}"));
        return ExitCode::FAILURE;
    }
    if !files.is_empty() {
        let seconds = Micros(recorded.duration.0 / 100_000 * 100_000);
        let place = place.unwrap_or_else(|| format!("to {files}"));
        printer.say(format!("recorded {seconds} s, {} events, {place}", recorded.events));
    }
    let status = match recorded.ending {
        Ending::Signal(signal) => 128 + signal,
        Ending::Hangup => 128 + signal_number_of_hangup(),
        Ending::Exit | Ending::Stopped if arguments.return_status => recorded.status,
        Ending::Exit | Ending::Stopped | Ending::Unrecorded => 0,
    };
    ExitCode::from(u8::try_from(status).unwrap_or(1))
}

fn signal_number_of_hangup() -> i32 {
    rustix::process::Signal::HUP.as_raw()
}

/// What the recorder does, for whoever runs it unattended.
struct Log(Option<std::fs::File>);

impl Log {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let open = |path: &Path| {
            let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
            file.about(format!("cannot write the log `{}`", path.display()))
        };
        Ok(Self(path.map(open).transpose()?))
    }

    fn line(&mut self, text: String) {
        if let Some(file) = &mut self.0 {
            let now = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
            // A log that cannot be written must not end a session.
            writeln!(file, "{now} {text}").ok();
        }
    }
}
