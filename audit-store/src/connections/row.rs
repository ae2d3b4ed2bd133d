//! What is kept of a connection.

use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionState, ConnectionType, NONE, Place, Subject, SubjectType};
use sea_query::Iden;
use uuid::Uuid;

use crate::append::searched;
use crate::record::{record, text};

record! {
    /// A connection.
    Connection of Connections {
        /// Its id, and that of its recording.
        id: Uuid = Id,
        /// What it is for.
        kind: ConnectionType = Kind,
        /// How it stands.
        state: ConnectionState = State,
        /// Whose it is.
        subject_id: String = SubjectId,
        /// What that is.
        subject_type: SubjectType = SubjectType,
        /// Its name then.
        subject_name: String = SubjectName,
        /// It was an administrator then.
        is_admin: bool = IsAdmin,
        /// From where it came.
        ip_address: Option<String> = IpAddress,
        /// What it leads to.
        target_id: String = TargetId,
        /// Its name then.
        target_name: String = TargetName,
        /// The account on the target.
        target_user: String = TargetUser,
        /// Where the target belonged.
        environment_id: String = EnvironmentId,
        /// Its name then.
        environment_name: String = EnvironmentName,
        /// The space that it is in.
        space_id: Option<String> = SpaceId,
        /// Its name then.
        space_name: Option<String> = SpaceName,
        /// How it is known who it is.
        known_by: Option<String> = KnownBy,
        /// When it began, by the clock over there.
        started: Time = Started,
        /// When it was heard of.
        created: Time = Created,
        /// When it ended.
        ended: Option<Time> = Ended,
        /// How many clients are attached.
        clients: i64 = Clients,
        /// When it is given up, unless it is heard of.
        lease: Time = Lease,
        /// Who wants it closed.
        close_by: Option<String> = CloseBy,
        /// Why.
        close_reason: Option<String> = CloseReason,
        /// Since when.
        close_asked: Option<Time> = CloseAsked,
        /// Why it ended.
        reason: Option<String> = Reason,
        /// It ended because nobody was heard of for too long; whoever carries it may come back.
        has_lapsed: bool = HasLapsed,
        /// There is a recording of it.
        is_recorded: bool = IsRecorded,
        /// What a search looks in, in small letters: its names, and why it ended.
        text: String = Text,
    }
}

/// What has been counted in `clients`.
#[derive(Clone, Copy, Iden)]
pub(crate) enum ConnectionMarks {
    Table,
    Connection,
    Mark,
}

/// A connection that is to be.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are as in `Connection`")]
pub struct NewConnection {
    pub id: Uuid,
    /// Pending or open.
    pub state: ConnectionState,
    pub subject: Subject,
    pub place: Place,
    pub space_id: Option<String>,
    pub space_name: Option<String>,
    pub known_by: Option<String>,
    pub started: Time,
}

/// That somebody wants a connection closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseRequest {
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Since when.
    pub asked: Time,
}

impl Connection {
    /// Whose it is, as it was then.
    #[must_use]
    pub fn subject(&self) -> Subject {
        Subject {
            subject_id: self.subject_id.clone(),
            subject_type: self.subject_type,
            subject_name: self.subject_name.clone(),
            is_admin: self.is_admin,
            ip_address: self.ip_address.clone(),
        }
    }

    /// What it leads to, as it was then.
    #[must_use]
    pub fn place(&self) -> Place {
        Place {
            target_id: self.target_id.clone(),
            target_type: self.kind,
            target_name: self.target_name.clone(),
            target_user: self.target_user.clone(),
            environment_id: self.environment_id.clone(),
            environment_name: self.environment_name.clone(),
        }
    }

    /// Whether a text stands in it, whatever its capitals.
    #[must_use]
    pub fn has(&self, search: &str) -> bool {
        self.text.contains(&searched(search))
    }

    /// It is not over.
    #[must_use]
    pub fn is_living(&self) -> bool {
        self.ended.is_none()
    }

    /// It is open, and nobody is attached.
    #[must_use]
    pub fn is_inactive(&self) -> bool {
        self.state == ConnectionState::Open && self.clients == 0
    }

    /// Who wants it closed, if somebody does.
    #[must_use]
    pub fn close_request(&self) -> Option<CloseRequest> {
        let (by, reason) = (self.close_by.clone()?, self.close_reason.clone()?);
        Some(CloseRequest { by, reason, asked: self.close_asked? })
    }

    pub(super) fn new(new: NewConnection, now: Time, lease: Time) -> Self {
        let NewConnection { subject, place, .. } = new;
        let environment = Some(place.environment_name.as_str()).filter(|name| *name != NONE);
        let more = [new.space_name.as_deref(), environment, subject.ip_address.as_deref()];
        let names = [subject.subject_name.as_str(), &place.target_name, &place.target_user];
        let said: Vec<&str> = names.into_iter().chain(more.into_iter().flatten()).collect();
        Self {
            id: new.id,
            kind: place.target_type,
            state: new.state,
            subject_id: text(&subject.subject_id),
            subject_type: subject.subject_type,
            subject_name: text(&subject.subject_name),
            is_admin: subject.is_admin,
            ip_address: subject.ip_address.as_deref().map(text),
            target_id: text(&place.target_id),
            target_name: text(&place.target_name),
            target_user: text(&place.target_user),
            environment_id: text(&place.environment_id),
            environment_name: text(&place.environment_name),
            space_id: new.space_id.as_deref().map(text),
            space_name: new.space_name.as_deref().map(text),
            known_by: new.known_by.as_deref().map(text),
            started: new.started,
            created: now,
            ended: None,
            clients: 0,
            lease,
            close_by: None,
            close_reason: None,
            close_asked: None,
            reason: None,
            has_lapsed: false,
            is_recorded: false,
            text: searched(&said.join("\n")),
        }
    }

    /// Whether somebody who opens `other` means this one. By names: ids of theirs are given here, and may be others by then.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let what = |of: &Self| (of.kind, of.started, of.subject_type);
        fn names(of: &Connection) -> [Option<&str>; 3] {
            [Some(&of.subject_name), Some(&of.target_user), of.space_name.as_deref()]
        }
        let same_target = self.target_id == other.target_id || self.target_name == other.target_name;
        what(self) == what(other) && names(self) == names(other) && same_target
    }
}
