//! What the recorder started: the one command that the session is, on a terminal or without one.
//!
//! An `exec` event says so, at the beginning of a session. Its command runs beside all others: what is typed into the
//! program that was started is derived as if nobody had said what that is.

use casemate_cast_format::{Exec, Micros, Traffic};
use casemate_terminal::Screen;

use super::CommandLog;
use super::running::Line;
use crate::context::shell_line;
use crate::event::{Kind, Piped, Source};

impl<S: Screen> CommandLog<S> {
    pub(crate) fn exec_begins(&mut self, exec: Exec) {
        let command = command_line(&exec.argv);
        if exec.terminal {
            // It may lead to another account, or another host.
            self.contexts.committed(&command);
        }
        let mut event = self.event_of(Line {
            text: Some(command),
            reason: None,
            offset: self.now,
            kind: Kind::Shell,
            program: None,
            source: Source::Exec,
            confidence: 1.0,
            mismatch: Vec::new(),
        });
        event.cwd = exec.cwd;
        let Exec { argv, argv_cut, output_elsewhere, .. } = exec;
        self.output_elsewhere = output_elsewhere;
        event.piped = Some(Box::new(Piped { argv, argv_cut, ..Piped::default() }));
        self.running.begin_whole(event);
    }

    /// It ended, with so many bytes of output in the recording, if any output is.
    pub(crate) fn exec_ends(&mut self, status: Option<i32>, output: Option<u64>, traffic: Traffic) {
        let now = self.now;
        let Some(event) = self.running.whole() else { return };
        event.exit_code = status;
        event.duration = Some(Micros(now.0.saturating_sub(event.offset.0)));
        if let Some(output) = output {
            event.output_bytes = Some(output);
            event.output = Some((event.offset, now.max(event.offset)));
        }
        if let Some(piped) = &mut event.piped {
            piped.bytes_in = traffic.input;
            piped.bytes_out = traffic.output;
            piped.bytes_err = traffic.error;
        }
    }

    /// On a terminal all output is in the recording, but for what goes elsewhere.
    pub(crate) fn exec_ends_on_terminal(&mut self, status: Option<i32>) {
        let at = self.running.at;
        let Some(begun) = self.running.whole().map(|event| event.output_at.unwrap_or(0)) else { return };
        let output = (!self.output_elsewhere).then(|| at.saturating_sub(begun));
        self.exec_ends(status, output, Traffic::default());
    }
}

/// What was run, as it would be typed: of a shell that is given a line, that line.
pub fn command_line(argv: &[String]) -> String {
    shell_line(argv)
        .filter(|line| !line.is_empty())
        .unwrap_or_else(|| argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "))
}

/// A word as it would be typed.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
