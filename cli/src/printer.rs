//! Talk, on standard error: errors, warnings, what was done, how far long work is.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

pub(crate) use casemate_store::recording::one_line;
use indicatif::{ProgressBar, ProgressStyle};

use crate::failure::Failure;

/// Work that is done sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// Writes talk to standard error.
#[derive(Debug)]
pub(crate) struct Printer {
    quiet: bool,
    colour: bool,
    terminal: bool,
}

/// Whether nobody said that there shall be no colours.
pub(crate) fn colours_welcome() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    !refused && !dumb
}

impl Printer {
    pub(crate) fn new(quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { quiet, colour: terminal && colours_welcome(), terminal }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// What was done; left out when quiet.
    pub(crate) fn say(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.line("casemate:", &text.to_string());
        }
    }

    /// Something that is not as it should be; left out when quiet.
    pub(crate) fn warn(&self, text: impl std::fmt::Display) {
        if !self.quiet {
            self.line(&self.paint("33", "warning:"), &text.to_string());
        }
    }

    /// Something that must be known even when quiet.
    pub(crate) fn error(&self, text: impl std::fmt::Display) {
        self.line(&self.paint("1;31", "error:"), &text.to_string());
    }

    pub(crate) fn failure(&self, failure: &Failure) {
        self.error(failure);
        if let Some(hint) = failure.hint_text() {
            self.line(&self.paint("36", "hint:"), hint);
        }
    }

    /// A bar for work on this many bytes, if anybody would see it.
    pub(crate) fn progress(&self, name: &str, bytes: Option<u64>) -> Progress {
        let wanted = self.terminal && !self.quiet;
        let bar = bytes.filter(|&bytes| wanted && bytes > 0);
        Progress {
            name: name.into(),
            bytes: bar,
            done: 0,
            begun: Instant::now(),
            bar: None,
            colour: self.colour,
        }
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.into() }
    }

    fn line(&self, label: &str, text: &str) {
        // One line, and nothing in it that a terminal would obey: names and recordings are anybody's.
        let text = one_line(text);
        // Where standard error is gone, nobody listens.
        writeln!(std::io::stderr().lock(), "{label} {text}").ok();
    }
}

/// How far long work is.
pub(crate) struct Progress {
    name: String,
    bytes: Option<u64>,
    done: u64,
    begun: Instant,
    bar: Option<ProgressBar>,
    colour: bool,
}

impl Progress {
    /// This many bytes more are done.
    pub(crate) fn advance(&mut self, bytes: usize) {
        let Some(total) = self.bytes else { return };
        self.done += bytes as u64;
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        } else if self.begun.elapsed() >= PATIENCE {
            let colour = if self.colour { ".cyan/dim" } else { "" };
            let template =
                format!("{{prefix}} {{bar:30{colour}}} {{bytes}}/{{total_bytes}} {{bytes_per_sec}} {{eta}}");
            let style =
                ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::new(total).with_style(style).with_prefix(self.name.clone());
            bar.set_position(self.done);
            self.bar = Some(bar);
        }
    }
}

impl Progress {
    /// Runs something that writes to the terminal, without the bar in its way.
    pub(crate) fn hidden<T>(&self, write: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
