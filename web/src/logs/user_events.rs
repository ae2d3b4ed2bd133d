//! Columns of the log of calls: by whom, of what, and whether it was allowed.

use casemate_audit_log::Time;
use casemate_audit_log::model::SubjectEvent;
use maud::html;

use super::{Column, Listed, asked, asked_if, flag, kind, moment};

impl Listed for SubjectEvent {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("timestamp", "Time", "time", moment),
        Column::shown("subjectName", "User", "", |event, view| {
            asked(view, "subjectNames", &event.subject.subject_name)
        }),
        Column::shown("serviceAction", "Action", "", |event, view| {
            asked(view, "serviceActions", &event.service_action)
        }),
        Column::shown("resource", "Resource", "long", |event, view| view.text(&event.resource)),
        Column::shown("evaluation", "Allowed", "", |event, _| {
            html! { @if event.evaluation { "allowed" } @else { span.refused { "refused" } } }
        }),
        Column::shown("ipAddress", "IP address", "", |event, view| {
            asked_if(view, "ipAddresses", event.subject.ip_address.as_deref())
        }),
        Column::shown("context", "Context", "code main", |event, view| {
            if event.context == "{}" {
                html! {}
            } else {
                view.code(&event.context)
            }
        }),
        Column::more("subjectType", "Kind of user", "", |event, _| kind(event.subject.subject_type)),
        Column::more("isAdmin", "Administrator", "", |event, _| flag(event.subject.is_admin)),
        Column::more("id", "Id", "id", |event, view| view.text(&event.id)),
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.timestamp
    }

    fn state(&self) -> &'static str {
        if self.evaluation { "" } else { "failed" }
    }
}
