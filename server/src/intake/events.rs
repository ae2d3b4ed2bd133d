//! From what `command-log` says of a command to what the audit log keeps of it.

use casemate_audit_log::Time;
use casemate_audit_log::model::{CommandEnd, CommandEvent, CommandResult};
use casemate_command_log as log;
use sha2::{Digest, Sha256};

use super::About;

/// A command that has begun; `own` is the machine and the account of the session itself.
pub(super) fn command(
    about: &About,
    own: (Option<&str>, Option<&str>),
    event: log::CommandEvent,
    timestamp: Time,
) -> CommandEvent {
    let id = id(about, &event);
    let (target, user) = (event.target.as_deref(), event.target_user.as_deref());
    let is_elsewhere = target.is_some() && target != own.0.or(Some(&about.place.target_name));
    let is_other = user.is_some() && user != own.1.or(Some(&about.place.target_user));
    let inner_target = event.target.filter(|_| is_elsewhere);
    let inner_target_user = event.target_user.filter(|_| is_elsewhere || is_other);
    CommandEvent {
        id,
        connection_id: about.connection_id.clone(),
        organization_id: about.organization_id.clone(),
        timestamp,
        subject: about.subject.clone(),
        place: about.place.clone(),
        command: event.command.unwrap_or_default(),
        space_id: about.space.as_ref().map(|space| space.id.clone()),
        space_name: about.space.as_ref().map(|space| space.name.clone()),
        recording_id: Some(about.connection_id.clone()),
        offset: Some(seconds(event.offset)),
        cwd: event.cwd,
        kind: Some(kind(event.kind).to_owned()),
        program: event.program,
        source: Some(source(event.source).to_owned()),
        confidence: Some(event.confidence),
        reason: event.reason.map(|reason| why(reason).to_owned()),
        inner_target,
        inner_target_user,
        argv: event.piped.map(|piped| piped.argv).unwrap_or_default(),
        result: CommandResult::default(),
    }
}

/// The end of a command.
pub(super) fn command_end(about: &About, event: log::CommandEvent, timestamp: Time) -> CommandEnd {
    let piped = event.piped.as_deref();
    CommandEnd {
        id: id(about, &event),
        connection_id: about.connection_id.clone(),
        timestamp,
        result: CommandResult {
            exit_code: event.exit_code,
            duration: event.duration.map(seconds),
            output_bytes: event.output_bytes,
            bytes_in: piped.and_then(|piped| piped.bytes_in),
            bytes_out: piped.and_then(|piped| piped.bytes_out),
            bytes_err: piped.and_then(|piped| piped.bytes_err),
        },
    }
}

/// That of `command-log` where the recording says of itself that it is the connection's. Else, as what a recording says is
/// up to whoever sends it, another one, made of both: no recording has an event that was there for another.
fn id(about: &About, event: &log::CommandEvent) -> String {
    if event.session.as_ref() == Some(&about.connection_id) {
        return event.id.clone();
    }
    let mut hash = Sha256::new();
    hash.update(&about.connection_id);
    hash.update([0]);
    hash.update(&event.id);
    id_from(hash)
}

/// An id of version 8, which is for whatever somebody makes them of.
pub(super) fn id_from(hash: Sha256) -> String {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid().to_string()
}

#[expect(clippy::cast_precision_loss, reason = "exact to the microsecond for 285 years")]
fn seconds(time: casemate_cast_format::Micros) -> f64 {
    time.0 as f64 / 1e6
}

fn kind(kind: log::Kind) -> &'static str {
    match kind {
        log::Kind::Shell => "shell",
        log::Kind::Program => "program",
        log::Kind::Hidden => "hidden",
        log::Kind::Cancelled => "cancelled",
    }
}

fn source(source: log::Source) -> &'static str {
    match source {
        log::Source::Marks => "marks",
        log::Source::Screen => "screen",
        log::Source::Exec => "exec",
        log::Source::None => "none",
    }
}

fn why(reason: log::Reason) -> &'static str {
    match reason {
        log::Reason::NotEchoed => "not_echoed",
        log::Reason::TooLong => "too_long",
        log::Reason::Overwritten => "overwritten",
    }
}
