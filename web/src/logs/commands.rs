//! Columns of the log of commands.

use casemate_audit_log::Time;
use casemate_audit_log::model::{CommandEvent, Place, Subject};
use maud::html;

use super::common::{Where, Whose};
use super::{Column, Listed, asked_if, figure, moment};
use crate::session;
use crate::time::duration;

impl Listed for CommandEvent {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("timestamp", "Time", "time", moment),
        Column::SUBJECT,
        Column::TARGET_USER,
        Column::TARGET,
        Column::shown("command", "Command", "code main", |event, view| match event.reason.as_deref() {
            Some(reason) if event.command.is_empty() => html! { span.reason { (view.text(reason)) } },
            _ => view.code(&event.command),
        }),
        Column::shown("exitCode", "Exit", "figure result", |event, _| figure(event.result.exit_code)),
        Column::shown("duration", "Took", "figure", |event, _| figure(event.result.duration.map(duration))),
        Column::shown("offset", "Moment", "figure", |event, _| {
            html! {
                @if let Some(offset) = event.offset {
                    a.play href=(session::address(&event.connection_id, Some(offset))) hx-boost="false" title="Play it from here" {
                        "▶ " (session::clock(offset))
                    }
                }
            }
        }),
        Column::more("cwd", "Directory", "code", |event, view| {
            view.code(event.cwd.as_deref().unwrap_or_default())
        }),
        Column::more("kind", "Given to", "", |event, view| {
            asked_if(view, "commandKinds", event.kind.as_deref())
        }),
        Column::more("program", "Program", "", |event, view| {
            view.text(event.program.as_deref().unwrap_or_default())
        }),
        Column::more("innerTarget", "Went on to", "", |event, view| {
            view.text(event.inner_target.as_deref().unwrap_or_default())
        }),
        Column::more("innerTargetUser", "There as", "", |event, view| {
            view.text(event.inner_target_user.as_deref().unwrap_or_default())
        }),
        Column::more("argv", "Words", "code", |event, view| {
            html! { @for word in &event.argv { (view.code(word)) " " } }
        }),
        Column::more("outputBytes", "Output", "figure", |event, _| {
            figure(event.result.output_bytes.map(|bytes| format!("{bytes} B")))
        }),
        Column::more("source", "Taken from", "", |event, view| {
            view.text(event.source.as_deref().unwrap_or_default())
        }),
        Column::more("confidence", "Confidence", "figure", |event, _| {
            figure(event.confidence.map(|confidence| format!("{confidence:.2}")))
        }),
        Column::ENVIRONMENT,
        Column::more("spaceName", "Space", "", |event, view| {
            asked_if(view, "spaceNames", event.space_name.as_deref())
        }),
        Column::IP_ADDRESS,
        Column::SUBJECT_TYPE,
        Column::IS_ADMIN,
        Column::TARGET_TYPE,
        Column::CONNECTION,
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

    fn state(&self) -> &'static str {
        if self.result.exit_code.is_some_and(|code| code != 0) { "failed" } else { "" }
    }
}

impl Whose for CommandEvent {
    fn whose(&self) -> &Subject {
        &self.subject
    }
}

impl Where for CommandEvent {
    fn place(&self) -> &Place {
        &self.place
    }

    fn connection_id(&self) -> &str {
        &self.connection_id
    }
}
