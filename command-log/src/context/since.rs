//! What has been seen since the last prompt: the evidence for the decision at the next.

use super::Contexts;
use super::hop::{self, Change, Hop, HopKind};
use super::line::Says;
use super::look::{Identity, same_host};

/// What was committed since the last prompt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Ran {
    #[default]
    Nothing,
    /// `exit` or `logout`.
    Exit,
    /// What may change how the shell's own prompt looks.
    Prompt,
    /// Anything else.
    Command,
}

/// The process in the foreground.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Foreground {
    /// An interactive shell.
    Shell {
        user: Option<String>,
    },
    /// A program such as `ssh`, that passes on the terminal.
    Hop(Hop),
    Other,
}

impl Foreground {
    pub(super) fn of(uid: u32, user: Option<&str>, exe: Option<&str>, argv: &[String]) -> Self {
        let user = user.or((uid == 0).then_some("root")).map(str::to_owned);
        let reading = hop::read_arguments(argv);
        match reading.hop {
            Some(hop) if hop.kind == HopKind::Shell && hop::is_shell(&hop.program) => Self::Shell { user },
            Some(hop) => Self::Hop(hop),
            None if argv.is_empty() && exe.is_some_and(hop::is_shell) => Self::Shell { user },
            None => Self::Other,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Since {
    pub(super) ran: Ran,
    /// The shell that the command would open.
    pub(super) hop: Option<Hop>,
    /// The program that reads lines.
    pub(super) program: Option<String>,
    /// The program that runs.
    pub(super) runs: Option<String>,
    /// The hop failed, as somebody said.
    pub(super) failed: bool,
    pub(super) welcomed: bool,
    /// A shell said that it ends.
    pub(super) left: bool,
    /// A connection or a container ended that is, or may be, ours.
    pub(super) closed: bool,
    pub(super) stays: bool,
    pub(super) end_of_input: bool,
    /// Whom a shell integration names.
    pub(super) explicit: Identity,
    /// Whom the title names.
    pub(super) titled: Identity,
    /// The last process in the foreground.
    pub(super) foreground: Option<Foreground>,
    /// The hop's own program was in the foreground.
    pub(super) hop_seen: bool,
    /// The context that was opened.
    pub(super) context: Option<String>,
    /// Of the frames, this one and those above have ended.
    pub(super) ended: Option<usize>,
}

impl Since {
    pub(super) fn note(&mut self, says: &Says) {
        match says {
            Says::Failed => self.failed = true,
            // What was said before does not count once a login greets.
            Says::Welcome => {
                self.welcomed = true;
                self.failed = false;
            }
            // `echo exit` prints it too.
            Says::Leaves => self.left |= matches!(self.ran, Ran::Nothing | Ran::Exit),
            Says::Stays => self.stays = true,
            Says::Retry | Says::Nothing | Says::Closed(_) => {}
        }
    }

    /// A context was opened.
    pub(super) fn context(&mut self, id: &str, fields: &[(String, String)]) {
        let field = |key: &str| {
            let found = fields.iter().find(|(name, value)| name == key && !value.is_empty());
            found.map(|(_, value)| value.chars().take(256).collect::<String>())
        };
        let kind = match field("type").as_deref() {
            Some("elevate" | "chpriv" | "subcontext") => HopKind::User,
            Some("container" | "vm") => HopKind::Container,
            Some("remote") => HopKind::Host,
            Some("shell" | "session") => {
                self.explicit =
                    Identity::new(&field("user").unwrap_or_default(), &field("hostname").unwrap_or_default());
                return;
            }
            _ => return,
        };
        let target = field("targethost").or(field("container")).or(field("vm"));
        let user = field("targetuser");
        let hop = self.hop.get_or_insert_with(|| Hop {
            kind,
            program: String::new(),
            target: if kind == HopKind::User { Change::Same } else { Change::Unknown },
            target_user: Change::Unknown,
            replaces: false,
            perhaps: false,
        });
        if let Some(target) = target
            && !matches!(hop.target, Change::Named(_))
        {
            hop.target = Change::Named(target);
        }
        if let Some(user) = user {
            hop.target_user = Change::Named(user);
        }
        self.context = Some(id.to_owned());
    }
}

impl Contexts {
    /// A line said that a connection was closed. Whose?
    pub(super) fn closed(&mut self, name: Option<&str>) {
        let is = |target: &str, name: &str| same_host(target, name);
        let named = name.and_then(|name| {
            self.frames.iter().skip(1).rposition(|frame| {
                let known =
                    [frame.target.as_deref(), frame.named.host.as_deref(), frame.titled.host.as_deref()];
                matches!(frame.kind, HopKind::Host | HopKind::Container)
                    && known.into_iter().flatten().any(|known| is(known, name))
            })
        });
        let pending = self.since.hop.as_ref();
        let of_pending = pending.is_some_and(|hop| {
            matches!(hop.kind, HopKind::Host | HopKind::Container | HopKind::Multiplexer)
                && match (&hop.target, name) {
                    (Change::Named(target), Some(name)) => is(target, name) || named.is_none(),
                    _ => named.is_none(),
                }
        });
        if of_pending {
            // It is over before a prompt came.
            self.since.failed = true;
            self.since.welcomed = false;
        } else if let Some(at) = named {
            // It is not the innermost shell that was closed, but all above it ended with it.
            self.since.closed = true;
            self.since.ended = Some(at + 1);
        } else if self.frames.len() > 1 {
            // A name that we do not know is an alias of ours if we were leaving, and else somebody else's.
            let leaving = self.since.ran != Ran::Command || self.since.end_of_input;
            let ours = match self.top().kind {
                HopKind::Host | HopKind::Container => name.is_none() || leaving,
                HopKind::Multiplexer => name.is_none(),
                HopKind::Shell | HopKind::User | HopKind::Inside => leaving,
            };
            self.since.closed |= ours;
        }
    }
}
