//! Columns of the log of calls: by whom, of what, and whether it was allowed.

use casemate_audit_log::Time;
use casemate_audit_log::model::{Subject, SubjectEvent};
use maud::html;

use super::common::Whose;
use super::{Column, Listed, asked, moment};

impl Listed for SubjectEvent {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("timestamp", "Time", "time", moment),
        Column { label: "User", ..Column::SUBJECT },
        Column::shown("serviceAction", "Action", "", |event, view| {
            asked(view, "serviceActions", &event.service_action)
        }),
        Column::shown("resource", "Resource", "long", |event, view| view.text(&event.resource)),
        Column::shown("evaluation", "Allowed", "", |event, _| {
            html! { @if event.evaluation { "allowed" } @else { span.refused { "refused" } } }
        }),
        Column::IP_ADDRESS.seen(),
        Column::shown("context", "Context", "code main", |event, view| {
            if event.context == "{}" {
                html! {}
            } else {
                view.code(&event.context)
            }
        }),
        Column::SUBJECT_TYPE,
        Column::IS_ADMIN,
        Column::ID,
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.timestamp
    }

    fn connection(&self) -> Option<&str> {
        None
    }

    fn state(&self) -> &'static str {
        if self.evaluation { "" } else { "failed" }
    }
}

impl Whose for SubjectEvent {
    fn whose(&self) -> &Subject {
        &self.subject
    }
}
