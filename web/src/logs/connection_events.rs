//! Columns of the log of what happened to connections.

use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionEvent, Place, Subject};
use maud::html;

use super::common::{Where, Whose};
use super::{Column, Listed, asked, moment};

impl Listed for ConnectionEvent {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("timestamp", "Time", "time", moment),
        Column::SUBJECT,
        Column::TARGET_USER,
        Column::TARGET,
        Column::shown("connectionEventType", "Event", "", |event, view| {
            asked(view, "connectionEventTypes", event.connection_event_type.name())
        }),
        Column::shown("reason", "Reason", "long", |event, view| {
            view.text(event.reason.as_deref().unwrap_or_default())
        }),
        Column::CONNECTION.seen(),
        Column::TARGET_TYPE,
        Column::more("sessionName", "Space", "", |event, view| {
            asked(view, "spaceNames", &event.session_name)
        }),
        Column::ENVIRONMENT,
        Column::IP_ADDRESS,
        Column::SUBJECT_TYPE,
        Column::IS_ADMIN,
        Column::more(
            "connectionNodeId",
            "Server",
            "id",
            |event, view| html! { (view.text(&event.connection_node_id)) },
        ),
        Column::ID,
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.timestamp
    }

    fn connection(&self) -> Option<&str> {
        Some(&self.connection_id)
    }
}

impl Whose for ConnectionEvent {
    fn whose(&self) -> &Subject {
        &self.subject
    }
}

impl Where for ConnectionEvent {
    fn place(&self) -> &Place {
        &self.place
    }

    fn connection_id(&self) -> &str {
        &self.connection_id
    }
}
