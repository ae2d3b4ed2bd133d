//! One session: recorded, or not begun.

use std::path::Path;
use std::process::ExitCode;

use casemate_command_file::CommandFile;
use casemate_recorder::{
    Begun, Ending, Existing, Format, Identity, Integration, Options, Output, Program, Recorded, Role,
    Rotation, Unrecorded, WindowSize, die_of, record,
};
use rustix::stdio::stderr;
use rustix::termios::isatty;

use super::shelf::Shelf;
use super::{Refusal, Wrapper, say};
use crate::config::{Config, Mode, Record};
use crate::log::Entry;
use crate::policy::Policy;

/// A session that is to be recorded.
pub(super) struct Session<'a> {
    pub(super) wrapper: &'a Wrapper,
    pub(super) config: &'a Config,
    pub(super) policy: &'a Policy,
    pub(super) target: &'a str,
}

impl Session<'_> {
    /// Runs it to its end.
    pub(super) fn run(&self, program: &Program, is_interactive: bool) -> Result<ExitCode, Refusal> {
        let Wrapper { account, rights, .. } = self.wrapper;
        let recordings = &self.policy.recordings.value;
        let identity = Identity::default();
        let facts = identity.facts(None);
        let shelf = Shelf::new(recordings, &account.name, &facts.session, facts.start_us);
        let place = |error| Refusal(format!("cannot record to `{}`: {error}", recordings.display()));
        let group = rights.map(casemate_recorder::Rights::group);
        self.wrapper.with_rights(|| shelf.prepare(recordings, group)).map_err(place)?;
        let file = self.wrapper.with_rights(|| shelf.commands()).map_err(place)?;
        let mut commands = CommandFile::begin(file, None)?;
        let witness = commands.witness();
        let session = facts.session.clone();
        if is_interactive && !self.policy.notice.value.is_empty() {
            self.give_notice();
        }
        let options = self.options(program, facts, &shelf.recording());
        let recorded = record(&options, witness, |begun| self.begun(begun));
        let written = commands.finish();
        let recorded = recorded?;
        if let Err(error) = written {
            say(&format!("the command log is not whole: {error}"));
        }
        self.conclude(&recorded, session)
    }

    fn options(&self, program: &Program, facts: casemate_cast_format::SessionFacts, file: &Path) -> Options {
        Options {
            program: program.clone(),
            role: Role::Shell,
            facts,
            output: Output::File(file.to_owned(), Existing::Refuse),
            format: Format::Cast { version: casemate_cast_format::Version::V2, segments: true },
            capture_input: self.policy.record.value == Record::InputAndOutput,
            capture_env: vec!["SHELL".into()],
            title: None,
            idle_time_limit: None,
            command: None,
            headless: false,
            window: WindowSize::default(),
            rotation: Rotation::default(),
            signing_key: None,
            prefix_key: None,
            process_facts: true,
            integration: self.integration(program),
            unrecorded: match self.policy.mode.value {
                Mode::Strict => Unrecorded::Ends,
                Mode::BestEffort => Unrecorded::GoesOn,
            },
        }
    }

    /// How the shell is made to print marks, where the policy wants that and it can be.
    fn integration(&self, program: &Program) -> Option<Integration> {
        if !self.policy.integration.value {
            return None;
        }
        Integration::of(&program.argv, |name| Some(program.variable(name)?.to_owned())).ok()
    }

    fn give_notice(&self) {
        let end = if isatty(stderr()) { "\r\n" } else { "\n" };
        let text: String = self.policy.notice.value.lines().map(|line| format!("{line}{end}")).collect();
        std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).ok();
    }

    fn begun(&self, _begun: Begun<'_>) {
        let _ = self.config;
    }

    fn conclude(&self, recorded: &Recorded, session: String) -> Result<ExitCode, Refusal> {
        if let Some(failure) = &recorded.failure {
            let account = self.wrapper.account.name.clone();
            let reason = format!("the recording is not whole: {failure}");
            say(&reason);
            let session = Some(session);
            let entry = match recorded.ending {
                Ending::Unrecorded => Entry::Refused { account, reason, session, login: None },
                Ending::Exit | Ending::Hangup | Ending::Signal(_) | Ending::Stopped => {
                    Entry::Unrecorded { account, reason, session, login: None }
                }
            };
            if let Err(error) = self.wrapper.note(entry) {
                say(&format!("that cannot be written down: {error}"));
            }
        }
        match recorded.signal {
            Some(signal) => Ok(die_of(signal)),
            None => Ok(ExitCode::from(u8::try_from(recorded.status).unwrap_or(u8::MAX))),
        }
    }
}
