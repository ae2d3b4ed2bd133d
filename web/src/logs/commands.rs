//! Columns of the log of commands.

use casemate_audit_log::Time;
use casemate_audit_log::model::CommandEvent;
use maud::html;

use super::{Column, Listed, asked, asked_if, figure, flag, kind, moment};
use crate::session;
use crate::time::duration;

impl Listed for CommandEvent {
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
        Column::more("environmentName", "Environment", "", |event, view| {
            asked(view, "environmentNames", &event.place.environment_name)
        }),
        Column::more("spaceName", "Space", "", |event, view| {
            asked_if(view, "spaceNames", event.space_name.as_deref())
        }),
        Column::more("ipAddress", "IP address", "", |event, view| {
            asked_if(view, "ipAddresses", event.subject.ip_address.as_deref())
        }),
        Column::more("subjectType", "Kind of user", "", |event, _| kind(event.subject.subject_type)),
        Column::more("isAdmin", "Administrator", "", |event, _| flag(event.subject.is_admin)),
        Column::more("targetType", "Kind of connection", "", |event, _| {
            html! { (event.place.target_type.name()) }
        }),
        Column::more("connectionId", "Connection", "id", |event, view| {
            asked(view, "connectionIds", &event.connection_id)
        }),
        Column::more("id", "Id", "id", |event, view| view.text(&event.id)),
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.timestamp
    }

    fn state(&self) -> &'static str {
        if self.result.exit_code.is_some_and(|code| code != 0) { "failed" } else { "" }
    }
}
