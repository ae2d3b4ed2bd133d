//! Columns of the log of Kubernetes commands.

use casemate_audit_log::Time;
use casemate_audit_log::model::{Call, KubernetesEvent};
use maud::{Markup, html};

use super::{Column, Listed, Shown, asked, asked_if, flag, moment};

impl Listed for KubernetesEvent {
    const COLUMNS: &'static [Column<Self>] = &[
        Column::shown("creationDate", "Time", "time", moment),
        Column::shown("userEmail", "SSO user", "", |event, view| {
            asked(view, "subjectNames", &event.user_email)
        }),
        Column::shown("role", "Target user", "", |event, view| asked(view, "targetUsers", &event.role)),
        Column::shown("targetName", "Cluster", "", |event, view| {
            asked(view, "targetNames", &event.target_name)
        }),
        Column::shown("kubeEnglishCommand", "Command", "code", |event, view| {
            view.code(&event.kube_english_command)
        }),
        Column::shown("execCommands", "In containers", "code", |event, view| {
            calls(view, &event.exec_commands)
        }),
        Column::shown("endpoints", "Called", "code main", |event, view| calls(view, &event.endpoints)),
        Column::shown("statusCode", "Status", "figure result", |event, _| html! { (event.status_code) }),
        Column::more("verbs", "Verbs", "", |event, view| view.text(&event.verbs.join(", "))),
        Column::more("namespaces", "Namespaces", "", |event, view| view.text(&event.namespaces.join(", "))),
        Column::more("resources", "Resources", "", |event, view| view.text(&event.resources.join(", "))),
        Column::more("targetGroups", "Groups", "", |event, view| view.text(&event.target_groups.join(", "))),
        Column::more("ipAddress", "IP address", "", |event, view| {
            asked_if(view, "ipAddresses", event.ip_address.as_deref())
        }),
        Column::more("userAgent", "With", "", |event, view| {
            view.text(event.user_agent.as_deref().unwrap_or_default())
        }),
        Column::more("groupingGuessed", "Grouping is a guess", "", |event, _| flag(event.grouping_guessed)),
        Column::more("connectionId", "Connection", "id", |event, view| {
            asked_if(view, "connectionIds", event.connection_id.as_deref())
        }),
        Column::ID,
    ];

    fn id(&self) -> &str {
        &self.id
    }

    fn time(&self) -> Time {
        self.creation_date
    }

    fn connection(&self) -> Option<&str> {
        self.connection_id.as_deref()
    }

    fn state(&self) -> &'static str {
        if self.status_code >= 400 { "failed" } else { "" }
    }
}

/// So many stand in a row.
const CALLS: usize = 5;

fn calls(view: &Shown<'_>, calls: &[Call]) -> Markup {
    let shown = if view.whole.is_none() { calls.len() } else { CALLS.min(calls.len()) };
    html! {
        @for call in &calls[..shown] { (view.code(&call.event)) " " }
        @if shown < calls.len() { "and " (calls.len() - shown) " more" }
    }
}
