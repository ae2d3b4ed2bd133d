//! One session: recorded, or not begun.

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use casemate_cast_format::{SessionFacts, Version};
use casemate_command_file::{Also, CommandFile, News};
use casemate_command_log::{CommandEvent, is_interactive_shell};
use casemate_recorder::{
    Begun, Existing, Format, Integration, Options, Output, PipedOptions, Program, Recorded, Rights, Role,
    Rotation, Unrecorded, WindowSize, die_of, record, record_pipes,
};
use ed25519_dalek::SigningKey;

use super::gaps::Gaps;
use super::shelf::Shelf;
use super::{Refusal, Wrapper, say, show};
use crate::clock::now_us;
use crate::config::{Config, Mode, Pipes, Record};
use crate::log;
use crate::places::Places;
use crate::policy::Policy;
use crate::process::Process;
use crate::registry::{Registered, Registration, Registry};
use crate::syslog::{EXAMPLE, Message, Syslog};
use crate::usage::{Budget, Crossing, State, Watch};
use crate::who;

/// The fact that says whether what goes into a session is in its recording, too.
const INPUT_FACT: &str = "input";

/// A session that is to be recorded.
pub(super) struct Session<'a> {
    pub(super) wrapper: &'a Wrapper,
    pub(super) config: &'a Config,
    pub(super) policy: &'a Policy,
    /// Signs the recording; the user cannot read it.
    pub(super) signing_key: Option<SigningKey>,
}

/// All that a session needs to begin.
struct Ready<'a> {
    program: &'a Program,
    facts: SessionFacts,
    recording: PathBuf,
    /// The command log, and who is told as well.
    commands: (File, Also),
    gaps: Gaps,
    budget: Budget,
}

impl Session<'_> {
    /// Runs it to its end.
    pub(super) fn run(&self, program: &Program, is_interactive: bool) -> Result<ExitCode, Refusal> {
        let Wrapper { account, rights, places, .. } = self.wrapper;
        let recordings = &self.policy.recordings.value;
        let budget = Budget::new(places, recordings, self.config.disk_budget().map(|(bytes, _)| bytes));
        self.check_disk(&budget, is_interactive)?;
        let identity =
            who::identity(&self.wrapper.logins, self.config, |name| Some(program.variable(name)?.to_owned()));
        let mut facts = identity.facts(None);
        let typed = if is_interactive {
            self.policy.record.value == Record::InputAndOutput
        } else {
            self.policy.pipes.value == Pipes::Content
        };
        facts.extra.insert(INPUT_FACT.into(), typed.into());
        let shelf = Shelf::new(recordings, &account.name, &facts.session, facts.start_us);
        let place = |error| Refusal(format!("cannot record to `{}`: {error}", recordings.display()));
        let group = rights.map(Rights::group);
        self.wrapper.with_rights(|| shelf.prepare(recordings, group)).map_err(place)?;
        let file = self.wrapper.with_rights(|| shelf.commands()).map_err(place)?;
        let unsent = Arc::<AtomicU64>::default();
        let gap = self.wrapper.gap(String::new(), Some(facts.session.clone()));
        let gaps = Gaps::new(places.clone(), *rights, gap, self.policy.mode.value);
        let also = self.also(&unsent, &gaps);
        let gaps_here = gaps.clone();
        let ready =
            Ready { program, facts, recording: shelf.recording(), commands: (file, also), gaps, budget };
        let ended = if is_interactive { self.on_terminal(ready) } else { self.on_pipes(ready) };
        let recorded = ended.inspect_err(|_| self.wrapper.with_rights(|| shelf.discard_commands()))?;
        match unsent.load(Ordering::Relaxed) {
            0 => {}
            lost => say(&format!("of the commands, {lost} did not reach the system's log")),
        }
        Ok(conclude(&recorded, &gaps_here))
    }

    fn on_terminal(&self, ready: Ready<'_>) -> Result<Recorded, Refusal> {
        let Ready { program, facts, recording, commands: (file, also), gaps, budget } = ready;
        let mut commands = CommandFile::begin(file, Some(also))?;
        let witness = Some(gaps.hear(commands.witness()));
        show("", &self.policy.notice.value);
        let mut watch = None;
        let options = self.options(program, facts, recording);
        let recorded = record(&options, witness, |begun| {
            watch = self.watch_disk(budget);
            self.register(begun)
        });
        drop(watch);
        // Whether it is whole was said where it was not.
        commands.finish().ok();
        Ok(recorded?)
    }

    /// Comes back in another process than it was called in; see [`record_pipes`].
    fn on_pipes(&self, ready: Ready<'_>) -> Result<Recorded, Refusal> {
        let Ready { program, facts, recording, commands: (file, also), gaps, budget } = ready;
        let options = PipedOptions {
            program: program.clone(),
            facts,
            output: Output::File(recording, Existing::Refuse),
            content: (self.policy.pipes.value == Pipes::Content).then_some(self.policy.pipes_limit.value.0),
            capture_env: vec!["SHELL".into()],
            signing_key: self.signing_key.clone(),
            unrecorded: self.unrecorded(),
        };
        let (mut registration, mut watch, mut commands) = (None, None, None);
        let witness = || {
            // Threads begin where we part.
            watch = self.watch_disk(budget);
            let commands = commands.insert(CommandFile::begin(file, Some(also))?);
            Ok(Some(gaps.hear(commands.witness())))
        };
        let recorded = record_pipes(&options, witness, |begun| registration = self.register(begun));
        self.wrapper.with_rights(|| drop((registration, watch)));
        commands.map(CommandFile::finish);
        Ok(recorded?)
    }

    /// Where there is no more room, nothing can be recorded. Root gets in, to make some, and is told before.
    fn check_disk(&self, budget: &Budget, is_interactive: bool) -> Result<(), Refusal> {
        let is_root = self.wrapper.account.is_root();
        let recordings = self.policy.recordings.value.display();
        // What cannot be asked is found out when the recording is made.
        match self.wrapper.with_rights(|| budget.state()).unwrap_or_default() {
            State::Full if !is_root => {
                return Err(Refusal(format!(
                    "recordings in `{recordings}` take all of the disk that they may"
                )));
            }
            State::Full | State::Warning if is_root && is_interactive => {
                say(&format!("recordings in `{recordings}` take most of the disk that they may"));
            }
            State::Full | State::Warning | State::Fine => {}
        }
        Ok(())
    }

    /// Registers the session for as long as it runs.
    fn register(&self, begun: Begun<'_>) -> Option<Registration> {
        let Wrapper { account, places, .. } = self.wrapper;
        let facts = begun.facts;
        let registered = Registered {
            session: facts.session.clone(),
            pid: std::process::id(),
            process_start: Process::find(std::process::id()).map_or(0, |this| this.start),
            account: account.name.clone(),
            user: facts.user.clone(),
            target: facts.target.clone(),
            target_user: facts.target_user.clone(),
            start_us: facts.start_us,
            recording: begun.file.map(Path::to_owned).unwrap_or_default(),
            terminal: begun.terminal.map(|terminal| terminal.number),
            terminal_fs: begun.terminal.map(|terminal| terminal.file_system),
        };
        // Without it the session is recorded as well: it is found when it is over.
        self.wrapper.with_rights(|| Registry::of(places).register(&registered)).ok()
    }

    /// Has a look at the disk from time to time, while the session runs.
    fn watch_disk(&self, budget: Budget) -> Option<Watch> {
        let (places, enterprise) = (self.wrapper.places.clone(), self.enterprise());
        let tell = move |crossing| warn_of_disk(&places, enterprise, &crossing);
        Watch::start(budget, self.wrapper.rights, tell).ok()
    }

    fn options(&self, program: &Program, facts: SessionFacts, file: PathBuf) -> Options {
        Options {
            program: program.clone(),
            role: Role::Shell,
            facts,
            output: Output::File(file, Existing::Refuse),
            format: Format::Cast { version: Version::V2, segments: true },
            capture_input: self.policy.record.value == Record::InputAndOutput,
            capture_env: vec!["SHELL".into()],
            title: None,
            idle_time_limit: None,
            command: None,
            headless: false,
            window: WindowSize::default(),
            rotation: Rotation::default(),
            signing_key: self.signing_key.clone(),
            prefix_key: None,
            says_exec: is_one_command(&program.argv),
            process_facts: true,
            integration: self.integration(program),
            unrecorded: self.unrecorded(),
        }
    }

    fn unrecorded(&self) -> Unrecorded {
        match self.policy.mode.value {
            Mode::Strict => Unrecorded::Ends,
            Mode::BestEffort => Unrecorded::GoesOn,
        }
    }

    /// How the shell is made to print marks, where the policy wants that and it can be.
    fn integration(&self, program: &Program) -> Option<Integration> {
        if !self.policy.integration.value {
            return None;
        }
        Integration::of(&program.argv, |name| Some(program.variable(name)?.to_owned())).ok()
    }

    /// What names our structured data in the system's log.
    fn enterprise(&self) -> u32 {
        self.config.enterprise_number().map_or(EXAMPLE, |(number, _)| number)
    }

    /// Who is told of commands, and that they cannot be written.
    fn also(&self, unsent: &Arc<AtomicU64>, gaps: &Gaps) -> Also {
        let mut syslog = self.policy.syslog.value.then(|| to_syslog(self.enterprise(), unsent));
        let gaps = gaps.clone();
        Box::new(move |news| match (news, &mut syslog) {
            (News::Command(event), Some(send)) => send(event),
            (News::Command(_), None) => {}
            (News::Failed(error), _) => {
                gaps.commands_failed(&error.to_string());
                say(&format!(
                    "the command log cannot be written: {error}\nthe session is recorded all the same"
                ));
            }
        })
    }
}

/// Says what of it is not whole; gives the status with which it ended.
fn conclude(recorded: &Recorded, gaps: &Gaps) -> ExitCode {
    if let Some(failure) = &recorded.failure {
        let reason = format!("the recording is not whole: {failure}");
        say(&reason);
        gaps.end_of_gap(&reason);
    }
    if gaps.finish() > 0 {
        say("that cannot be written down");
    }
    match recorded.signal {
        Some(signal) => die_of(signal),
        None => ExitCode::from(u8::try_from(recorded.status).unwrap_or(u8::MAX)),
    }
}

/// Whether a shell was started to run something, and not for somebody to type into.
fn is_one_command(argv: &[OsString]) -> bool {
    let argv: Vec<_> = argv.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    argv.len() > 1 && !is_interactive_shell(&argv)
}

/// Brings each command into the system's log; what did not reach it is counted.
fn to_syslog(enterprise: u32, unsent: &Arc<AtomicU64>) -> impl FnMut(&CommandEvent) + Send + use<> {
    let (mut syslog, unsent) = (Syslog::of_host(enterprise), Arc::clone(unsent));
    move |event| {
        syslog.send(&Message::command(event)).ok();
        unsent.store(syslog.lost(), Ordering::Relaxed);
    }
}

fn warn_of_disk(places: &Places, enterprise: u32, crossing: &Crossing) {
    // It is said again when the next boundary is crossed.
    log::append(places, now_us(), crossing.entry()).ok();
    Syslog::of_host(enterprise).send(&crossing.message()).ok();
}
