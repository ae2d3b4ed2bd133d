//! `casemate-shell`: in the place of a shell, as if it were not there, but that everything is recorded.
//!
//! One process, which has a group beside the user's own ([`Rights`]): it records where the user cannot go. What runs in
//! it has that group no more. A session on a terminal gets a PTY; one without keeps its pipes.
//!
//! *Invariants*: nothing is decided by the environment, the arguments or files that the user can write, but for what is
//! run; whatever is not recorded is said, and written down.

mod account;
mod gaps;
mod session;
mod shelf;

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::process::ExitCode;

use casemate_recorder::{Device, Environment, Program, Rights, with_rights};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey as _;
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{OutputModes, isatty, tcgetattr};

pub use self::account::Account;
use self::session::Session;
use crate::access::Access;
use crate::causes::with_causes;
use crate::clock::now_us;
use crate::config::{Config, Mode};
use crate::invocation::{Asked, NoShell};
use crate::log::{self, Entry, Gap};
use crate::login::Login;
use crate::logins;
use crate::places::Places;
use crate::policy::{Policy, Subject};
use crate::registry::{Registered, Registry, terminal_device};
use crate::trusted;
use crate::watching::{self, Refused, Request};

/// The status of a session that there may not be.
const REFUSED: u8 = 1;

/// The shells of accounts of which nobody says which.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// Where distributions have what serves sftp.
const SFTP_SERVERS: [&str; 3] =
    ["/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server"];

/// Why there is no session.
#[derive(Debug)]
struct Refusal(String);

impl<E: std::error::Error> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self(with_causes(&error))
    }
}

/// Runs the wrapper; gives the status of what ran in it.
#[must_use]
pub fn main() -> ExitCode {
    let rights = match Rights::lay_aside() {
        Ok(rights) => rights,
        Err(error) => {
            say(&format!("cannot lay the recorder's group aside: {error}"));
            return ExitCode::from(REFUSED);
        }
    };
    let places = Places::system();
    let logins = with_rights(rights, || logins::find(&places));
    let wrapper = Wrapper { places, account: Account::own(), rights, logins };
    match Request::of(&std::env::args_os().collect::<Vec<_>>()) {
        Ok(None) => {}
        Ok(Some(request)) => return wrapper.answer(&request),
        Err(refused) => return wrapper.refuse(&refused),
    }
    match wrapper.run() {
        Ok(status) => status,
        Err(Refusal(reason)) => {
            say(&format!(
                "{reason}\nthere is no session without a recording on this host: ask its administrator"
            ));
            // Where this cannot be written down either, there is no session that it would be about.
            wrapper.note(Entry::Refused(wrapper.gap(reason, None))).ok();
            ExitCode::from(REFUSED)
        }
    }
}

/// Who stands before a shell.
struct Wrapper {
    places: Places,
    account: Account,
    rights: Option<Rights>,
    /// The logins within which it is, the nearest first.
    logins: Vec<Login>,
}

impl Wrapper {
    /// Gives what somebody wants to see of sessions.
    fn answer(&self, request: &Request) -> ExitCode {
        let answered = match self.config() {
            Ok(config) => {
                let access = Access(self.rights);
                watching::answer(request, &self.places, &config, &self.account, self.login(), access)
            }
            Err(Refusal(reason)) => Err(io::Error::other(reason).into()),
        };
        answered.map_or_else(|refused| self.refuse(&refused), |()| ExitCode::SUCCESS)
    }

    fn refuse(&self, refused: &Refused) -> ExitCode {
        say(&refused.to_string());
        if let Refused::NotAllowed(_) = refused {
            let reason = "may not see the sessions of others".to_owned();
            // Nothing was given, whether that is written down or not.
            self.note(Entry::Refused(self.gap(reason, None))).ok();
        }
        ExitCode::from(REFUSED)
    }

    fn run(&self) -> Result<ExitCode, Refusal> {
        let config = self.config()?;
        let target = host_target(&config);
        let account = &self.account;
        let groups = if config.has_rules_for_groups() { account.groups() } else { &[] };
        let subject = Subject { user: &account.name, groups, target: &target };
        let policy = Policy::of(&config, &subject);
        let program = self.program(&policy)?;
        if let Some((group, _)) = config.emergency_group()
            && account.is_in(group)
        {
            return self.let_through(&program, group);
        }
        if account.is_root() {
            // Root's own folders are root's to make; where they cannot be made, recording says so.
            self.places.prepare().ok();
        }
        match self.record(&config, &policy, &program) {
            Err(Refusal(reason)) if policy.mode.value == Mode::BestEffort => self.go_on(&program, reason),
            ended => ended,
        }
    }

    /// Runs the shell, recorded, if it is not already.
    fn record(&self, config: &Config, policy: &Policy, program: &Program) -> Result<ExitCode, Refusal> {
        let terminal = [stdin(), stdout(), stderr()].into_iter().find_map(terminal_device);
        if let Some(outer) = terminal.and_then(|device| self.recorder_of(device)) {
            let account = self.account.name.clone();
            self.note(Entry::Skipped { account, within: outer.session, login: self.login() })?;
            return become_it(program);
        }
        let signing_key = self.signing_key(config)?;
        Session { wrapper: self, config, policy, signing_key }.run(program, terminal.is_some())
    }

    /// The session that is recorded around us already: our terminal is its.
    fn recorder_of(&self, device: Device) -> Option<Registered> {
        self.with_rights(|| Registry::of(&self.places).recorder_of(device)).ok()?
    }

    /// The configuration; root gets in with any, to mend it.
    fn config(&self) -> Result<Config, Refusal> {
        let bad: Refusal = match trusted::config(&self.places.config) {
            Ok(config) => return Ok(config),
            Err(error) => error.into(),
        };
        if !self.account.is_root() {
            return Err(bad);
        }
        say(&format!("{}\nonly root gets in, recorded as if there were no configuration", bad.0));
        Ok(Config::default())
    }

    /// The key with which this host signs.
    fn signing_key(&self, config: &Config) -> Result<Option<SigningKey>, Refusal> {
        let Some((path, _)) = config.signing_key() else { return Ok(None) };
        let text = self.with_rights(|| trusted::read(path))?;
        let bad = |error| Refusal(format!("{} is no Ed25519 key in PKCS#8 PEM: {error}", path.display()));
        SigningKey::from_pkcs8_pem(&text).map(Some).map_err(bad)
    }

    /// What is really to run.
    fn program(&self, policy: &Policy) -> Result<Program, Refusal> {
        let env = Environment::given();
        let variable = |name: &str| env.variable(name).map(OsStr::to_owned);
        let asked = Asked {
            argv: std::env::args_os().collect(),
            comes_by_ssh: variable("SSH_CONNECTION").is_some(),
            ssh_command: variable("SSH_ORIGINAL_COMMAND").map(served),
            configured: policy.shell.value.clone(),
            account: self.account.shell.clone(),
            own: std::env::current_exe().unwrap_or_default(),
        };
        let invocation = match asked.invocation() {
            Err(NoShell::Unknown) => {
                let known = SHELLS.iter().map(Into::into).find(|shell: &std::path::PathBuf| shell.exists());
                Asked { configured: known, ..asked }.invocation()?
            }
            invocation => invocation?,
        };
        let mut program = Program::new(invocation.argv);
        program.path.clone_from(&invocation.shell);
        program.env = env;
        program.rights = self.rights;
        if program.variable("SHELL").is_some() {
            program.set("SHELL", invocation.shell);
        }
        Ok(program)
    }

    /// Runs the shell without us, in an emergency.
    fn let_through(&self, program: &Program, group: &str) -> Result<ExitCode, Refusal> {
        let text = |word: &OsString| word.to_string_lossy().into_owned();
        let entry = Entry::Emergency {
            account: self.account.name.clone(),
            group: group.to_owned(),
            argv: program.argv.iter().map(text).collect(),
            login: self.login(),
        };
        if let Err(error) = self.note(entry) {
            // An emergency is just when that may be.
            say(&format!("that this session is not recorded cannot be written down: {error}"));
        }
        if isatty(stderr()) {
            say(&format!(
                "you are in the group `{group}`: this session is not recorded, and that is written down"
            ));
        }
        become_it(program)
    }

    /// Runs the shell without us, because it cannot be recorded.
    fn go_on(&self, program: &Program, reason: String) -> Result<ExitCode, Refusal> {
        say(&format!("{reason}\nthis session is not recorded"));
        self.write_down(Entry::Unrecorded(self.gap(reason, None)));
        become_it(program)
    }

    /// Something that was not recorded, and why.
    fn gap(&self, reason: String, session: Option<String>) -> Gap {
        Gap { account: self.account.name.clone(), reason, session, login: self.login() }
    }

    /// Writes something down in the host log, or says that it cannot.
    fn write_down(&self, entry: Entry) {
        if let Err(error) = self.note(entry) {
            say(&format!("that cannot be written down: {error}"));
        }
    }

    /// Writes something down in the host log.
    fn note(&self, entry: Entry) -> io::Result<()> {
        self.with_rights(|| log::append(&self.places, now_us(), entry))
    }

    /// The id of the login.
    fn login(&self) -> Option<String> {
        self.logins.first().map(|login| login.id.clone())
    }

    /// Does something with the recorder's group, if there is one.
    fn with_rights<T>(&self, act: impl FnOnce() -> T) -> T {
        with_rights(self.rights, act)
    }
}

/// What sshd would do itself, were we not forced in its place, is done by the program that does the same.
fn served(command: OsString) -> OsString {
    let text = command.to_str().unwrap_or_default();
    let arguments =
        text.strip_prefix("internal-sftp").filter(|rest| rest.is_empty() || rest.starts_with(' '));
    let server = SFTP_SERVERS.into_iter().find(|path| std::path::Path::new(path).exists());
    match (arguments, server) {
        (Some(arguments), Some(server)) => format!("{server}{arguments}").into(),
        (None, _) | (_, None) => command,
    }
}

/// Becomes the program; comes back only where that fails.
fn become_it(program: &Program) -> Result<ExitCode, Refusal> {
    let error = program.exec();
    Err(Refusal(format!("cannot start `{}`: {error}", program.path.display())))
}

/// How this host is called in recordings.
#[must_use]
pub fn host_target(config: &Config) -> String {
    match config.target() {
        Some((name, _)) => name.to_owned(),
        None => rustix::system::uname().nodename().to_string_lossy().into_owned(),
    }
}

/// Says something to whoever sits before the session; each line for itself.
fn say(text: &str) {
    show("casemate: ", text);
}

fn show(before: &str, text: &str) {
    // A raw terminal goes to the beginning of a line only if it is told to.
    let adds_return = |modes: OutputModes| modes.contains(OutputModes::OPOST | OutputModes::ONLCR);
    let is_raw = tcgetattr(stderr()).is_ok_and(|attributes| !adds_return(attributes.output_modes));
    let end = if is_raw { "\r\n" } else { "\n" };
    let lines: String = text.lines().map(|line| format!("{before}{line}{end}")).collect();
    // There is nobody else to tell.
    io::stderr().write_all(lines.as_bytes()).ok();
}
