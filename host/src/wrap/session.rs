//! One session: recorded, or not begun.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use casemate_cast_format::{SessionFacts, Version};
use casemate_command_file::{Also, CommandFile};
use casemate_recorder::{
    Begun, Ending, Existing, Format, Integration, Options, Output, PipedOptions, Program, Recorded, Rights,
    Role, Rotation, Unrecorded, WindowSize, die_of, record, record_pipes,
};
use ed25519_dalek::SigningKey;

use super::shelf::Shelf;
use super::{Refusal, Wrapper, say, show};
use crate::clock::now_us;
use crate::config::{Config, Mode, Pipes, Record};
use crate::log::{self, Entry};
use crate::places::Places;
use crate::policy::Policy;
use crate::registry::{Registered, Registration, Registry};
use crate::syslog::{Message, Syslog};
use crate::usage::{Budget, Crossing, State, Watch};
use crate::who;

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
    commands: (File, Option<Also>),
    budget: Budget,
}

/// What came of a session.
struct Ended {
    recorded: Recorded,
    /// Whether its command log is whole.
    commands: io::Result<()>,
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
        let facts = identity.facts(None);
        let shelf = Shelf::new(recordings, &account.name, &facts.session, facts.start_us);
        let place = |error| Refusal(format!("cannot record to `{}`: {error}", recordings.display()));
        let group = rights.map(Rights::group);
        self.wrapper.with_rights(|| shelf.prepare(recordings, group)).map_err(place)?;
        let file = self.wrapper.with_rights(|| shelf.commands()).map_err(place)?;
        let unsent = Arc::<AtomicU64>::default();
        let also = self.policy.syslog.value.then(|| to_syslog(&unsent));
        let session = facts.session.clone();
        let ready = Ready { program, facts, recording: shelf.recording(), commands: (file, also), budget };
        let ended = if is_interactive { self.on_terminal(ready)? } else { self.on_pipes(ready)? };
        if let Err(error) = ended.commands {
            let reason = format!("the command log is not whole: {error}");
            say(&reason);
            self.wrapper.write_down(Entry::Unrecorded(self.wrapper.gap(reason, Some(session.clone()))));
        }
        match unsent.load(Ordering::Relaxed) {
            0 => {}
            lost => say(&format!("of the commands, {lost} did not reach the system's log")),
        }
        self.conclude(&ended.recorded, session)
    }

    fn on_terminal(&self, ready: Ready<'_>) -> Result<Ended, Refusal> {
        let Ready { program, facts, recording, commands: (file, also), budget } = ready;
        let mut commands = CommandFile::begin(file, also)?;
        let witness = commands.witness();
        show("", &self.policy.notice.value);
        let mut watch = None;
        let options = self.options(program, facts, recording);
        let recorded = record(&options, witness, |begun| {
            watch = self.watch_disk(budget);
            self.register(begun)
        });
        drop(watch);
        let commands = commands.finish();
        Ok(Ended { recorded: recorded?, commands })
    }

    /// Comes back in another process than it was called in; see [`record_pipes`].
    fn on_pipes(&self, ready: Ready<'_>) -> Result<Ended, Refusal> {
        let Ready { program, facts, recording, commands: (file, also), budget } = ready;
        let options = PipedOptions {
            program: program.clone(),
            facts,
            output: Output::File(recording, Existing::Refuse),
            content: self.policy.pipes.value == Pipes::Content,
            capture_env: vec!["SHELL".into()],
            signing_key: self.signing_key.clone(),
            unrecorded: self.unrecorded(),
        };
        let (mut registration, mut watch, mut commands) = (None, None, None);
        let witness = || {
            // Threads begin where we part.
            watch = self.watch_disk(budget);
            let commands = commands.insert(CommandFile::begin(file, also)?);
            Ok(commands.witness())
        };
        let recorded = record_pipes(&options, witness, |begun| registration = self.register(begun));
        self.wrapper.with_rights(|| drop((registration, watch)));
        let commands = commands.map_or(Ok(()), CommandFile::finish);
        Ok(Ended { recorded: recorded?, commands })
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
            account: account.name.clone(),
            user: facts.user.clone(),
            target: facts.target.clone(),
            target_user: facts.target_user.clone(),
            start_us: facts.start_us,
            recording: begun.file.map(Path::to_owned).unwrap_or_default(),
            terminal: begun.terminal,
        };
        // Without it the session is recorded as well: it is found when it is over.
        self.wrapper.with_rights(|| Registry::of(places).register(&registered)).ok()
    }

    /// Has a look at the disk from time to time, while the session runs.
    fn watch_disk(&self, budget: Budget) -> Option<Watch> {
        let places = self.wrapper.places.clone();
        Watch::start(budget, self.wrapper.rights, move |crossing| warn_of_disk(&places, &crossing)).ok()
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

    fn conclude(&self, recorded: &Recorded, session: String) -> Result<ExitCode, Refusal> {
        if let Some(failure) = &recorded.failure {
            let reason = format!("the recording is not whole: {failure}");
            say(&reason);
            let gap = self.wrapper.gap(reason, Some(session));
            self.wrapper.write_down(match recorded.ending {
                Ending::Unrecorded => Entry::Refused(gap),
                Ending::Exit | Ending::Hangup | Ending::Signal(_) | Ending::Stopped => Entry::Unrecorded(gap),
            });
        }
        match recorded.signal {
            Some(signal) => Ok(die_of(signal)),
            None => Ok(ExitCode::from(u8::try_from(recorded.status).unwrap_or(u8::MAX))),
        }
    }
}

/// Brings each command into the system's log; what did not reach it is counted.
fn to_syslog(unsent: &Arc<AtomicU64>) -> Also {
    let (mut syslog, unsent) = (Syslog::default(), Arc::clone(unsent));
    Box::new(move |event| {
        syslog.send(&Message::command(event)).ok();
        unsent.store(syslog.lost(), Ordering::Relaxed);
    })
}

fn warn_of_disk(places: &Places, crossing: &Crossing) {
    // It is said again when the next boundary is crossed.
    log::append(places, now_us(), crossing.entry()).ok();
    Syslog::default().send(&crossing.message()).ok();
}
