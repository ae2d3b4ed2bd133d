//! Columns of connections: who was where, from when to when, and how it stands.

use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionState, ConnectionType, Standing, SubjectType};
use maud::html;

use super::{Column, Listed, asked, asked_if, flag, kind, moment};
use crate::time;

/// A connection.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are named as in the API")]
pub struct Connection {
    pub id: String,
    pub time_created: Time,
    pub time_ended: Option<Time>,
    pub state: ConnectionState,
    /// It is open, and nobody is at it.
    pub is_inactive: bool,
    pub subject_name: String,
    pub subject_type: SubjectType,
    pub is_admin: bool,
    pub ip_address: Option<String>,
    pub target_name: String,
    pub target_user: String,
    pub target_type: ConnectionType,
    pub environment_name: String,
    pub space_name: Option<String>,
    /// Why it ended.
    pub reason: Option<String>,
    /// How it is known who it is.
    pub known_by: Option<String>,
}

impl Connection {
    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match self.state {
            ConnectionState::Pending => Standing::Pending,
            ConnectionState::Open if self.is_inactive => Standing::Inactive,
            ConnectionState::Open => Standing::Open,
            ConnectionState::Closed => Standing::Closed,
            ConnectionState::Error => Standing::Error,
        }
    }
}

impl Listed for Connection {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("timeCreated", "Began", "time", moment),
        Column::shown("timeEnded", "Ended", "time", |connection, _| {
            html! { @if let Some(ended) = connection.time_ended { (time::moment(ended)) } }
        }),
        Column::shown("state", "State", "state", |connection, view| {
            let standing = connection.standing().name();
            html! { span class={ "state-" (standing.to_lowercase()) } { (asked(view, "connectionState", standing)) } }
        }),
        Column::shown("subjectName", "SSO user", "", |connection, view| {
            asked(view, "subjectNames", &connection.subject_name)
        }),
        Column::shown("targetUser", "Target user", "", |connection, view| {
            asked(view, "targetUsers", &connection.target_user)
        }),
        Column::shown("targetName", "Target", "", |connection, view| {
            asked(view, "targetNames", &connection.target_name)
        }),
        Column::shown("spaceName", "Space", "", |connection, view| {
            asked_if(view, "spaceNames", connection.space_name.as_deref())
        }),
        Column::shown("reason", "Reason", "long", |connection, view| {
            view.text(connection.reason.as_deref().unwrap_or_default())
        }),
        Column::shown("id", "Connection", "id", |connection, view| {
            asked(view, "connectionIds", &connection.id)
        }),
        Column::more("targetType", "Kind", "", |connection, view| {
            asked(view, "targetTypes", connection.target_type.name())
        }),
        Column::more("environmentName", "Environment", "", |connection, view| {
            asked(view, "environmentNames", &connection.environment_name)
        }),
        Column::more("ipAddress", "IP address", "", |connection, view| {
            asked_if(view, "ipAddresses", connection.ip_address.as_deref())
        }),
        Column::more("subjectType", "Kind of user", "", |connection, _| kind(connection.subject_type)),
        Column::more("isAdmin", "Administrator", "", |connection, _| flag(connection.is_admin)),
        Column::more("knownBy", "Known by", "", |connection, view| {
            view.text(connection.known_by.as_deref().unwrap_or_default())
        }),
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.time_created
    }
}
