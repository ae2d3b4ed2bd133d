//! Sessions without a terminal: what the recorder started is the one command, and what passed is no screen.
//!
//! An `exec` event counts only where a session begins. Behind output or input it is ignored: nothing that stands in a
//! recording is to keep the rest of it from being read as what it is.

use casemate_cast_format::{Code, Event, Exec, Micros, Traffic, own};
use casemate_terminal::{Piece, Screen};

use super::CommandLog;
use super::running::Line;
use crate::context::shell_line;
use crate::event::{Kind, Piped, Source};

/// What is known of a session that may have no terminal.
#[derive(Debug, Default)]
pub(crate) enum Without {
    /// Nothing has come yet that tells.
    #[default]
    Unknown,
    /// There is a terminal.
    Terminal,
    /// There is none, and this command runs.
    Runs { number: u64, output: u64, traffic: Option<Traffic> },
    /// There is none, and the command has ended.
    Over,
}

impl Without {
    pub(crate) fn has_no_terminal(&self) -> bool {
        matches!(self, Self::Runs { .. } | Self::Over)
    }
}

impl<S: Screen> CommandLog<S> {
    /// Takes an event of a session without a terminal; returns whether it was one.
    pub(crate) fn handle_without_terminal(&mut self, event: &Event<'_>) -> bool {
        match (&mut self.without, &event.code) {
            (_, Code::Other(code)) if code == own::SESSION => return false,
            (Without::Unknown, Code::Output | Code::Input) => {
                if !event.data.decode().is_empty() {
                    self.without = Without::Terminal;
                }
                return false;
            }
            (Without::Unknown, Code::Other(code)) if code == own::EXEC => {
                let Some(exec) = Exec::parse(&event.data.decode()) else { return false };
                self.without = Without::Runs { number: self.note_exec(exec), output: 0, traffic: None };
            }
            (Without::Unknown | Without::Terminal, _) => return false,
            (Without::Runs { output, .. }, Code::Output) => {
                let text = event.data.decode();
                *output += text.len() as u64;
                // What is kept of output is counted as it comes from the scanner.
                let mut scanner = self.scanner.take().unwrap_or_default();
                scanner.scan(text.as_bytes(), &mut |piece| {
                    if let Piece::Bytes(bytes) = piece {
                        self.running.at += bytes.len() as u64;
                    }
                });
                self.scanner = Some(scanner);
            }
            (Without::Runs { traffic, .. }, Code::Other(code)) if code == own::TRAFFIC => {
                *traffic = Traffic::parse(&event.data.decode()).or(*traffic);
            }
            (Without::Runs { .. }, Code::Exit) => {
                self.exec_ended(event.data.decode().trim().parse().ok());
                self.end_session();
            }
            (Without::Runs { .. } | Without::Over, _) => {}
        }
        true
    }

    fn note_exec(&mut self, exec: Exec) -> u64 {
        let command = shell_line(&exec.argv)
            .filter(|line| !line.is_empty())
            .unwrap_or_else(|| exec.argv.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" "));
        let number = self.note(Line {
            text: Some(command),
            reason: None,
            offset: self.now,
            kind: Kind::Shell,
            program: None,
            source: Source::Exec,
            confidence: 1.0,
            mismatch: Vec::new(),
        });
        self.running.close(number);
        if let Some(event) = self.running.event(number) {
            event.cwd = exec.cwd;
            let Exec { argv, argv_cut, .. } = exec;
            event.piped = Some(Box::new(Piped { argv, argv_cut, ..Piped::default() }));
        }
        number
    }

    fn exec_ended(&mut self, status: Option<i32>) {
        let Without::Runs { number, output, traffic } = std::mem::replace(&mut self.without, Without::Over)
        else {
            return;
        };
        let (now, traffic) = (self.now, traffic.unwrap_or_default());
        let Some(event) = self.running.event(number) else { return };
        event.exit_code = status;
        event.duration = Some(Micros(now.0.saturating_sub(event.offset.0)));
        // Output that was only counted is not in the recording.
        if output > 0 || traffic.output == Some(0) {
            event.output_bytes = Some(output);
            event.output = Some((event.offset, now.max(event.offset)));
        }
        if let Some(piped) = &mut event.piped {
            piped.bytes_in = traffic.input;
            piped.bytes_out = traffic.output;
            piped.bytes_err = traffic.error;
        }
    }
}

/// A word as it would be typed.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_@%+=:,./-".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
