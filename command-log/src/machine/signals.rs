//! What the stream says beside its text: marks of shell integration, contexts, processes.
//!
//! Whoever is recorded can print any mark. So marks say where a prompt ends and a line begins; what they say a
//! command was counts only beside what the screen shows.

use casemate_cast_format::ProcessFacts;
use casemate_terminal::{ContextMark, Mark, MarkKind, PromptPart, Screen};

use super::commit::{By, weigh};
use super::running::Line;
use super::{CommandLog, Phase};
use crate::event::{Kind, Source};
use crate::prompt::{Shape, is_shell};
use crate::region::{self, Place};

/// Line ends that an editor leaves behind a line are no output, in bytes.
const LONGEST_LINE_END: u64 = 4;

/// The marks of the prompt that is being drawn.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    /// Where the prompt began.
    pub(crate) prompt: Option<Place>,
    /// Where it ended and typing began, until that was looked at.
    pub(crate) input: Option<Place>,
    /// That carried the nonce of our own integration: the prompt is a shell's.
    pub(crate) proven: bool,
    /// The last line was given at a marked prompt, so that marks may speak of it.
    pub(crate) waited: bool,
    /// What the shell says the line is that is about to be committed.
    pub(crate) reported: Option<String>,
}

impl<S: Screen> CommandLog<S> {
    pub(crate) fn mark(&mut self, mark: Mark) {
        let cursor = region::cursor(&self.screen);
        let trusted = self.session.nonce.is_none() || mark.nonce == self.session.nonce;
        match mark.kind {
            MarkKind::PromptStart { part: PromptPart::Initial, .. } => {
                self.running.mark_output_end();
                self.marks.prompt = Some(cursor);
                self.marks.input = None;
            }
            MarkKind::InputStart => {
                self.marks.input = Some(cursor);
                self.marks.proven = trusted && self.session.nonce.is_some();
            }
            MarkKind::CommandLine(text) if trusted => self.marks.reported = Some(text),
            MarkKind::OutputStart { command } => {
                self.marks.input = None;
                let reported = command.filter(|_| trusted).or_else(|| self.marks.reported.take());
                self.output_starts(cursor, reported);
                if self.marks.waited {
                    self.running.mark_output_begin();
                    self.running.run();
                }
            }
            MarkKind::Done { status } => {
                self.running.mark_output_end();
                let now = self.now;
                if let Some(event) = self.running.shell_event().filter(|_| self.marks.waited) {
                    event.exit_code = status;
                    event.duration = Some(casemate_cast_format::Micros(now.0.saturating_sub(event.offset.0)));
                }
            }
            MarkKind::PromptStart { .. }
            | MarkKind::CommandLine(_)
            | MarkKind::ContinuationStart
            | MarkKind::ContinuationEnd
            | MarkKind::RightPromptStart
            | MarkKind::RightPromptEnd
            | MarkKind::Property { .. }
            | MarkKind::FreshLine
            | MarkKind::NewCommand
            | _ => {}
        }
    }

    fn output_starts(&mut self, cursor: Place, reported: Option<String>) {
        if let Phase::Waiting(waiting) = &self.phase {
            let anchor = waiting.anchor;
            self.marks.reported = reported.clone();
            self.commit(By::Mark, self.last_row(anchor, cursor));
        }
        let Some(reported) = reported else { return };
        self.marks.reported = None;
        if let Some(blank) = self.blank.take() {
            // The screen showed nothing, so it cannot tell.
            self.contexts.committed(&reported);
            self.note(Line {
                text: Some(reported),
                reason: None,
                offset: blank.at,
                kind: Kind::Shell,
                program: None,
                source: Source::Marks,
                confidence: 0.6,
                mismatch: Vec::new(),
            });
            return;
        }
        // The line was committed just before, by the editor.
        let Some(last) = &self.running.last_line else { return };
        if last.kind != Kind::Shell || self.running.output_since_commit() > LONGEST_LINE_END {
            return;
        }
        let entry = last.entry;
        if let Some(event) = self.running.event(entry)
            && let Some(command) = event.command.take()
        {
            let (command, source, confidence, mismatch) = weigh(command, event.confidence, Some(reported));
            event.command = Some(command);
            event.source = source;
            event.confidence = confidence;
            event.mismatch = mismatch;
        }
    }

    pub(crate) fn context_mark(&mut self, mark: ContextMark) {
        match mark {
            ContextMark::Start { id, fields } => self.contexts.context_start(&id, &fields),
            ContextMark::End { id, .. } => self.contexts.context_end(&id),
        }
    }

    pub(crate) fn process(&mut self, facts: &str) {
        let Some(facts) = ProcessFacts::parse(facts) else { return };
        let name = facts.exe.as_deref().and_then(|exe| exe.rsplit('/').next());
        if name.is_some_and(is_shell) && facts.cwd.is_some() {
            self.cwd.clone_from(&facts.cwd);
        }
        if let Some(uid) = facts.uid {
            let argv = facts.argv.as_deref().unwrap_or_default();
            // Whoever recorded may have another name for the account than the system.
            let named = self.session.target_user.clone();
            // A program that takes another user's rights may be there before anybody has looked.
            let own = facts.real_uid.unwrap_or(uid);
            let account = self
                .session
                .account
                .get_or_insert_with(|| (own, named.or_else(|| facts.user.clone()).unwrap_or_default()));
            // Of another account's process the folder may not be seen, and it is not the one that was left.
            let was = self.foreground.as_ref().and_then(|facts| facts.uid).unwrap_or(account.0);
            if was != uid && facts.cwd.is_none() {
                self.cwd = None;
            }
            let user = if account.0 == uid { Some(account.1.as_str()) } else { facts.user.as_deref() };
            self.contexts.process(uid, user.filter(|user| !user.is_empty()), facts.exe.as_deref(), argv);
        }
        self.foreground = Some(facts);
        // A prompt may be seen before it is known who shows it.
        if let Phase::Waiting(waiting) = &self.phase
            && waiting.kind == Kind::Program
            && waiting.typed.is_empty()
            && waiting.continues.is_none()
            && matches!(self.foreground_waits(Shape::of(&waiting.prompt.row)), Some((Kind::Shell, _)))
        {
            let (anchor, how) = (waiting.anchor, waiting.how);
            self.wait(anchor, how);
        }
    }
}
