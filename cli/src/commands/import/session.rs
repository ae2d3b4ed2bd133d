//! A session that somebody else recorded, and the asciicast that it becomes.

use std::path::Path;

use casemate_audit_log::Time;
use casemate_cast_format::exact::exact_events;
use casemate_cast_format::{Code, Event, Header, Micros, SessionFacts, Size, Version};
use casemate_client::id_of;
use casemate_recorder::Format;
use serde_json::{Map, json};

use crate::failure::Failure;
use crate::output::Output;
use crate::sending::Named;

/// What happened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Bytes that the terminal received.
    Output(Vec<u8>),
    /// Bytes that were typed.
    Input(Vec<u8>),
    /// The window has another size.
    Resize(Size),
    /// The program ended with this status.
    Exit(String),
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Session {
    /// What recorded it.
    pub(super) tool: &'static str,
    /// What tells it from all others, always the same.
    pub(super) digest: [u8; 32],
    pub(super) start: Time,
    pub(super) size: Size,
    pub(super) term: Option<String>,
    pub(super) command: Option<String>,
    /// Whose it is, as far as it says so.
    pub(super) named: Named,
    pub(super) events: Vec<(Micros, What)>,
}

impl Session {
    /// Writes it as asciicast. What is given comes before what it says itself.
    pub(super) fn write(&self, path: &Path, given: &Named, name: &str) -> Result<(), Failure> {
        let mut header = Header::new(self.size);
        header.version = Version::V2;
        header.timestamp = Some(self.start.0.div_euclid(1_000_000));
        header.command.clone_from(&self.command);
        if let Some(term) = &self.term {
            header.env.insert("TERM".into(), json!(term));
        }
        header.set_facts(&self.facts(given, name)?);
        let format = Format::Cast { version: Version::V2, segments: false };
        let mut output = Output::create(path, format, true)?;
        output.header(&header)?;
        for (time, what) in &self.events {
            let mut written = Ok(());
            let mut write = |event: Event<'_>| {
                if written.is_ok() {
                    written = output.event(&event);
                }
            };
            match what {
                What::Output(bytes) => exact_events(*time, Code::Output, bytes, &mut write),
                What::Input(bytes) => exact_events(*time, Code::Input, bytes, &mut write),
                What::Resize(size) => {
                    write(Event::new(*time, Code::Resize, &format!("{}x{}", size.cols, size.rows)));
                }
                What::Exit(status) => write(Event::new(*time, Code::Exit, status)),
            }
            written?;
        }
        output.finish()
    }

    fn facts(&self, given: &Named, name: &str) -> Result<SessionFacts, Failure> {
        let mut known_by = Map::new();
        let mut pick = |what: &str, given: &Option<String>, said: &Option<String>| {
            let found =
                given.clone().map(|value| (value, "flag")).or_else(|| Some((said.clone()?, self.tool)));
            found.map(|(value, by)| {
                known_by.insert(what.to_owned(), json!(by));
                value
            })
        };
        let user = pick("user", &given.user, &self.named.user);
        let target = pick("target", &given.target, &self.named.target);
        let target_user = pick("target_user", &given.target_user, &self.named.target_user);
        let missing = |what: &str, flag: &str| {
            Failure::new(format!("`{name}` does not say {what}")).hint(format!("give {flag} NAME"))
        };
        Ok(SessionFacts {
            session: id_of(self.start, &self.digest).to_string(),
            user: user.ok_or_else(|| missing("who was recorded", "--user"))?,
            target: target.ok_or_else(|| missing("on which target it was", "--target"))?,
            target_user: target_user.unwrap_or_else(|| "n/a".into()),
            start_us: u64::try_from(self.start.0).unwrap_or(0),
            known_by,
            tool: self.tool.into(),
            part: 1,
            previous: None,
            previous_seal: None,
            within: None,
            extra: Map::new(),
        })
    }
}
