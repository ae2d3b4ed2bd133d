//! Columns of connections: who was where, from when to when, and how it stands.

use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionState, Place, Standing, Subject};
use maud::html;

use super::common::{Where, Whose};
use super::{Column, Listed, asked, asked_if, moment};
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
    pub subject: Subject,
    pub place: Place,
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
        Column::SUBJECT,
        Column::TARGET_USER,
        Column::TARGET,
        Column::shown("spaceName", "Space", "", |connection, view| {
            asked_if(view, "spaceNames", connection.space_name.as_deref())
        }),
        Column::shown("reason", "Reason", "long", |connection, view| {
            view.text(connection.reason.as_deref().unwrap_or_default())
        }),
        Column { key: "id", ..Column::CONNECTION.seen() },
        Column { label: "Kind", ..Column::TARGET_TYPE },
        Column::ENVIRONMENT,
        Column::IP_ADDRESS,
        Column::SUBJECT_TYPE,
        Column::IS_ADMIN,
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

    fn connection(&self) -> Option<&str> {
        Some(&self.id)
    }
}

impl Whose for Connection {
    fn whose(&self) -> &Subject {
        &self.subject
    }
}

impl Where for Connection {
    fn place(&self) -> &Place {
        &self.place
    }

    fn connection_id(&self) -> &str {
        &self.id
    }
}
