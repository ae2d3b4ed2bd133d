//! What happens in sessions, as lines of the system's log, so that whoever collects that has it at once.
//!
//! ```text
//! <86>casemate[4321]: [casemate@32473 session="0196…" user="alice" … exit_code="0"] systemctl restart nginx
//! ```
//!
//! A line has the structured data of RFC 5424 and then the command. Where journald listens, it gets the same as its
//! `MESSAGE`, and each value as a field besides. The head of the line is the one that programs on a host write, without
//! a time: of an RFC 5424 head what listens on `/dev/log` makes a program named `1` (rsyslog with its defaults) or a part
//! of the text (journald). `docs/syslog.md` shows how rsyslog makes whole RFC 5424 messages of it.
//!
//! *Invariants*: a message is one line of bounded length, whatever was typed; [`Syslog`] never waits longer than
//! [`PATIENCE`], and not again before [`RESPITE`] has passed. What could not be sent is counted, and said as soon as
//! somebody listens. *Not here*: which messages there are to be, and proof: everybody on a host can write such a line
//! (journald says who it was: `_EXE`, `_UID`).

use std::borrow::Cow;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use casemate_command_log::{CommandEvent, Piped};
use casemate_terminal::escaped;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use serde::Serialize;

/// The enterprise number of those who have none of their own (RFC 5612).
pub const EXAMPLE: u32 = 32473;

/// Messages of security and authorisation, for the system's own eyes.
const AUTHPRIV: u8 = 10;

/// What is longer is cut, here, and not somewhere on the way: rsyslog takes 8 KiB unless it is told otherwise.
const LONGEST: usize = 8000;

/// A name or a path is shorter; together they leave room for a command.
const LONGEST_VALUE: usize = 512;

/// journald takes as much as a datagram holds, which is not less than 200 KiB.
const LONGEST_FIELD: usize = 64 << 10;

/// So long a message may wait for somebody who does not read.
pub const PATIENCE: Duration = Duration::from_millis(50);

/// So long nothing waits any more after one that waited in vain.
pub const RESPITE: Duration = Duration::from_secs(5);

/// How grave a message is, in the numbers of syslog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Somebody should look.
    Warning = 4,
    /// So that it is known.
    Info = 6,
}

/// A message: a text, and values with names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    severity: Severity,
    values: Vec<(&'static str, Cow<'a, str>)>,
    text: Cow<'a, str>,
    /// The text is a command, which the journal has as it was typed, too.
    is_command: bool,
}

impl<'a> Message<'a> {
    /// A message with a text.
    pub fn new(severity: Severity, text: impl Into<Cow<'a, str>>) -> Self {
        Self { severity, values: Vec::new(), text: text.into(), is_command: false }
    }

    /// With one value more, if there is one. The name is a word in lower case.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: Option<impl Into<Cow<'a, str>>>) -> Self {
        self.values.extend(value.map(|value| (name, value.into())));
        self
    }

    /// What became known of a command.
    #[must_use]
    pub fn command(event: &'a CommandEvent) -> Self {
        let duration = event.duration.map(|duration| duration.to_string());
        let text = event.command.as_deref().unwrap_or_default();
        // Of a session without a terminal.
        let bytes = |which: fn(&Piped) -> Option<u64>| Some(which(event.piped.as_deref()?)?.to_string());
        Self { is_command: true, ..Self::new(Severity::Info, text) }
            .with("session", event.session.as_deref())
            .with("id", Some(event.id.as_str()))
            .with("time", event.time.as_deref())
            .with("state", event.state.and_then(word))
            .with("user", event.user.as_deref())
            .with("target", event.target.as_deref())
            .with("target_user", event.target_user.as_deref())
            .with("kind", word(event.kind))
            .with("program", event.program.as_deref())
            .with("exit_code", event.exit_code.map(|code| code.to_string()))
            .with("duration", duration)
            .with("cwd", event.cwd.as_deref())
            .with("bytes_in", bytes(|piped| piped.bytes_in))
            .with("bytes_out", bytes(|piped| piped.bytes_out))
            .with("bytes_err", bytes(|piped| piped.bytes_err))
            .with("reason", event.reason.and_then(word))
    }

    /// The structured data, named with an enterprise number, and the text: one line.
    #[must_use]
    pub fn line(&self, enterprise: u32) -> String {
        let mut line = format!("[casemate@{enterprise}");
        let text = escaped(&self.text);
        let structure: Vec<_> = self.values.iter().map(|(name, value)| (*name, parameter(value))).collect();
        let taken: usize = structure.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        let room = LONGEST.saturating_sub(line.len() + taken + r#" cut="true"] "#.len());
        let kept = beginning(&text, room);
        for (name, value) in structure {
            line.extend([" ", name, "=\"", &value, "\""]);
        }
        line.push_str(if kept.len() < text.len() { r#" cut="true"] "# } else { "] " });
        // RFC 5424: what is more than ASCII says so.
        line.extend([if kept.is_ascii() { "" } else { "\u{feff}" }, kept]);
        line
    }

    /// As programs write it to `/dev/log`.
    #[must_use]
    pub fn datagram(&self, enterprise: u32, pid: u32) -> Vec<u8> {
        let priority = AUTHPRIV * 8 + self.severity as u8;
        format!("<{priority}>casemate[{pid}]: {}", self.line(enterprise)).into_bytes()
    }

    /// As journald takes it: fields, of which a text may have several lines.
    #[must_use]
    pub fn fields(&self, enterprise: u32, pid: u32) -> Vec<u8> {
        let mut fields = format!(
            "PRIORITY={}\nSYSLOG_FACILITY={AUTHPRIV}\nSYSLOG_IDENTIFIER=casemate\nSYSLOG_PID={pid}\nMESSAGE={}\n",
            self.severity as u8,
            self.line(enterprise),
        )
        .into_bytes();
        let command = self.is_command.then_some(("command", &self.text));
        for (name, value) in self.values.iter().map(|(name, value)| (*name, value)).chain(command) {
            let value = beginning(value, LONGEST_FIELD);
            fields.extend_from_slice(b"CASEMATE_");
            fields.extend(name.bytes().map(|byte| byte.to_ascii_uppercase()));
            fields.push(b'\n');
            fields.extend_from_slice(&(value.len() as u64).to_le_bytes());
            fields.extend_from_slice(value.as_bytes());
            fields.push(b'\n');
        }
        fields
    }
}

/// The word for a value of few, as it stands in command events.
fn word(value: impl Serialize) -> Option<String> {
    serde_json::to_value(value).ok()?.as_str().map(str::to_owned)
}

/// A value as it stands in structured data, between quotes.
fn parameter(value: &str) -> String {
    let value = escaped(value);
    let kept = beginning(&value, LONGEST_VALUE);
    let mut quoted = String::with_capacity(kept.len());
    for character in kept.chars() {
        if matches!(character, '"' | '\\' | ']') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    if kept.len() < value.len() {
        quoted.push('…');
    }
    quoted
}

/// Not more than so many bytes, and no part of a character.
fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// The way to the system's log.
#[derive(Debug)]
pub struct Syslog {
    journal: PathBuf,
    log: PathBuf,
    enterprise: u32,
    socket: Option<(UnixDatagram, Language)>,
    lost: Lost,
    /// Until then nothing waits.
    respite: Option<Instant>,
}

/// What whoever listens understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    Lines,
    Fields,
}

#[derive(Clone, Copy, Debug, Default)]
struct Lost {
    /// Since the last that was sent.
    now: u64,
    /// In all.
    all: u64,
}

/// A message that was not sent.
#[derive(Debug, thiserror::Error)]
#[error("the system's log takes no messages")]
pub struct Unsent {
    /// Whether those before it were sent; then it is to be said.
    pub is_first: bool,
    /// Why.
    pub source: io::Error,
}

impl Syslog {
    /// That of this host; the structured data is named with this enterprise number.
    #[must_use]
    pub fn of_host(enterprise: u32) -> Self {
        Self { enterprise, ..Self::at(Path::new("/run/systemd/journal/socket"), Path::new("/dev/log")) }
    }

    /// To journald, if that is where it listens; else to whoever listens there.
    #[must_use]
    pub fn at(journal: &Path, log: &Path) -> Self {
        Self {
            journal: journal.to_owned(),
            log: log.to_owned(),
            enterprise: EXAMPLE,
            socket: None,
            lost: Lost::default(),
            respite: None,
        }
    }

    /// How many messages could not be sent so far.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.all
    }

    /// Sends a message, if somebody takes it.
    ///
    /// # Errors
    ///
    /// Nobody listens, or whoever does is busy for too long. The message is counted and gone.
    pub fn send(&mut self, message: &Message<'_>) -> Result<(), Unsent> {
        match self.deliver(message) {
            Ok(()) => {
                self.own_up();
                Ok(())
            }
            Err(source) => {
                self.lost.all += 1;
                self.lost.now += 1;
                Err(Unsent { is_first: self.lost.now == 1, source })
            }
        }
    }

    /// Says how many are missing.
    fn own_up(&mut self) {
        let missing = self.lost.now;
        let text = format!("{missing} messages could not be sent before this one");
        let message = Message::new(Severity::Warning, text).with("lost", Some(missing.to_string()));
        if missing > 0 && self.deliver(&message).is_ok() {
            self.lost.now = 0;
        }
    }

    fn deliver(&mut self, message: &Message<'_>) -> io::Result<()> {
        let is_fresh = self.socket.is_none();
        let (socket, language) = match self.socket.take() {
            Some(socket) => socket,
            None => self.connect()?,
        };
        let pid = std::process::id();
        let bytes = match language {
            Language::Lines => message.datagram(self.enterprise, pid),
            Language::Fields => message.fields(self.enterprise, pid),
        };
        let mut sent = socket.send(&bytes);
        if is_busy(&sent) && self.wait(&socket) {
            sent = socket.send(&bytes);
        }
        if is_busy(&sent) {
            self.respite = Some(Instant::now() + RESPITE);
        }
        match sent {
            Ok(_) => {}
            // Whoever listened is gone; somebody else may be there.
            Err(error) if !is_fresh && !is_again(&error) => return self.deliver(message),
            Err(error) if !is_again(&error) => return Err(error),
            Err(error) => {
                self.socket = Some((socket, language));
                return Err(error);
            }
        }
        self.socket = Some((socket, language));
        Ok(())
    }

    fn connect(&self) -> io::Result<(UnixDatagram, Language)> {
        let to = |path: &Path| {
            let socket = UnixDatagram::unbound()?;
            socket.set_nonblocking(true)?;
            socket.connect(path)?;
            io::Result::Ok(socket)
        };
        match to(&self.journal) {
            Ok(socket) => Ok((socket, Language::Fields)),
            Err(_) => Ok((to(&self.log)?, Language::Lines)),
        }
    }

    /// Waits for whoever listens, if that has not just been in vain.
    fn wait(&self, socket: &UnixDatagram) -> bool {
        let patience = Timespec::try_from(PATIENCE).ok();
        if self.respite.is_some_and(|until| Instant::now() < until) || patience.is_none() {
            return false;
        }
        let mut ready = [PollFd::new(socket, PollFlags::OUT)];
        poll(&mut ready, patience.as_ref()).is_ok_and(|ready| ready > 0)
    }
}

fn is_busy(sent: &io::Result<usize>) -> bool {
    sent.as_ref().is_err_and(is_again)
}

/// Whether it may be taken a moment later.
fn is_again(error: &io::Error) -> bool {
    let no_room = rustix::io::Errno::NOBUFS.raw_os_error();
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
        || error.raw_os_error() == Some(no_room)
}

#[cfg(test)]
mod tests;
