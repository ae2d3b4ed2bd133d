//! Columns of the log of what happened to connections.

use casemate_audit_log::Time;
use casemate_audit_log::model::ConnectionEvent;
use maud::html;

use super::{Column, Listed, asked, asked_if, flag, kind, moment};

impl Listed for ConnectionEvent {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("timestamp", "Time", "time", moment),
        Column::shown("subjectName", "SSO user", "", |event, view| {
            asked(view, "subjectNames", &event.subject.subject_name)
        }),
        Column::shown("targetUser", "Target user", "", |event, view| {
            asked(view, "targetUsers", &event.place.target_user)
        }),
        Column::shown("targetName", "Target", "", |event, view| {
            asked(view, "targetNames", &event.place.target_name)
        }),
        Column::shown("connectionEventType", "Event", "", |event, view| {
            asked(view, "connectionEventTypes", event.connection_event_type.name())
        }),
        Column::shown("reason", "Reason", "long", |event, view| {
            view.text(event.reason.as_deref().unwrap_or_default())
        }),
        Column::shown("connectionId", "Connection", "id", |event, view| {
            asked(view, "connectionIds", &event.connection_id)
        }),
        Column::more("targetType", "Kind of connection", "", |event, view| {
            asked(view, "targetTypes", event.place.target_type.name())
        }),
        Column::more("sessionName", "Space", "", |event, view| {
            asked(view, "spaceNames", &event.session_name)
        }),
        Column::more("environmentName", "Environment", "", |event, view| {
            asked(view, "environmentNames", &event.place.environment_name)
        }),
        Column::more("ipAddress", "IP address", "", |event, view| {
            asked_if(view, "ipAddresses", event.subject.ip_address.as_deref())
        }),
        Column::more("subjectType", "Kind of user", "", |event, _| kind(event.subject.subject_type)),
        Column::more("isAdmin", "Administrator", "", |event, _| flag(event.subject.is_admin)),
        Column::more(
            "connectionNodeId",
            "Server",
            "id",
            |event, view| html! { (view.text(&event.connection_node_id)) },
        ),
        Column::more("id", "Id", "id", |event, view| view.text(&event.id)),
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.timestamp
    }
}
