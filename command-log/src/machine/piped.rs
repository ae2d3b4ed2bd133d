//! Sessions without a terminal: what the recorder started is the one command, and what passed is no screen.
//!
//! An `exec` event counts only where a session begins. Behind output or input it is ignored: nothing that stands in a
//! recording is to keep the rest of it from being read as what it is.

use casemate_cast_format::{Code, Event, Exec, Traffic, own};
use casemate_terminal::{Piece, Screen};

use super::CommandLog;

/// What is known of a session that may have no terminal.
#[derive(Debug, Default)]
pub(crate) enum Without {
    /// Nothing has come yet that tells.
    #[default]
    Unknown,
    /// There is a terminal.
    Terminal,
    /// There is none, and the command runs.
    Runs { output: u64, traffic: Option<Traffic> },
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
                self.without = match exec.terminal {
                    true => Without::Terminal,
                    false => Without::Runs { output: 0, traffic: None },
                };
                self.exec_begins(exec);
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
                self.piped_ended(event.data.decode().trim().parse().ok());
            }
            (Without::Runs { .. } | Without::Over, _) => {}
        }
        true
    }

    fn piped_ended(&mut self, status: Option<i32>) {
        let Without::Runs { output, traffic } = std::mem::replace(&mut self.without, Without::Over) else {
            return;
        };
        let traffic = traffic.unwrap_or_default();
        // Output that was only counted is not in the recording.
        let is_recorded = output > 0 || traffic.output == Some(0);
        self.exec_ends(status, is_recorded.then_some(output), traffic);
        self.end_session();
    }
}
