//! The sections of the settings: for each its table, what one more of it is made of, and what to do where there is nothing.

use casemate_audit_log::Time;
use casemate_audit_log::model::Role;
use maud::{Markup, html};

use super::forms::{self, Forms, environment, input, roles};
use super::{Asked, Content, Environment, Key, Section, Space, Subject, Target};
use crate::text::Foreign;
use crate::time::{self, moment};

const ACTS: &str = "What can be done";

/// What there is, as a table, with what can be done at the right of each row.
pub(super) fn table(content: &Content, forms: Option<&Forms<'_>>) -> Markup {
    match content {
        Content::People(people) => subjects("People", people, &|one| changes(one, forms, true)),
        Content::Accounts(accounts) => {
            subjects("Service accounts", accounts, &|one| changes(one, forms, false))
        }
        Content::Keys(keys) => keys_of(keys, forms),
        Content::Targets { targets, .. } => targets_of(targets, forms),
        Content::Environments(environments) => environments_of(environments, forms),
        Content::Spaces(spaces) => spaces_of(spaces, forms),
    }
}

impl Forms<'_> {
    /// To add one more.
    pub(super) fn to_add(&self, content: &Content) -> Markup {
        match content {
            Content::People(_) => self.add(
                "Add a person",
                "person",
                &html! {
                    (input("Mail address", "email", "email", "", true)) (input("Full name", "fullName", "text", "", false))
                    (roles(Role::User))
                },
            ),
            Content::Keys(_) => self.add(
                "Make a key",
                "key",
                &html! { (input("Name", "name", "text", "", true)) (roles(Role::Auditor)) },
            ),
            Content::Accounts(_) => self.add(
                "Add a service account",
                "service-account",
                &html! { (input("Mail address", "email", "email", "", true)) (roles(Role::Auditor)) },
            ),
            Content::Targets { environments, .. } => self.add(
                "Register a target",
                "target",
                &html! {
                    (input("Name", "targetName", "text", "", true))
                    label { "Kind " select name="kind" { option value="bzero" { "host" } option value="kube" { "Kubernetes cluster" } } }
                    (environment(None)) (forms::environments(environments))
                },
            ),
            Content::Environments(_) => {
                self.add("Add an environment", "environment", &input("Name", "name", "text", "", true))
            }
            Content::Spaces(_) => self.add("Make a space", "space", &input("Name", "name", "text", "", true)),
        }
    }
}

/// What to do where there is nothing.
pub(super) fn nothing(section: Section, asked: &Asked) -> Markup {
    if asked.after.is_some() {
        return html! { "There is nothing more." };
    }
    if !asked.text.is_empty() {
        return html! { @if section == Section::People { "Nobody" } @else { "Nothing" } " has that in its name. Fewer letters find more." };
    }
    html! {
        @match section {
            Section::People => "There is nobody yet. Add a person: the link that you are shown lets them in.",
            Section::Keys => {
                "There is no key yet. A program such as a SIEM or " code { "casemate log" } " sends one, made here, as " code { "X-API-KEY" } "."
            }
            Section::Accounts => {
                "There is no service account yet. A program that is to be known by a name of its own gets one, with a key."
            }
            Section::Targets => {
                "No target is registered yet. Register one: with the key that you are shown, "
                code { "casemate rec --server" } " or the agent of the host sends what is recorded there."
            }
            Section::Environments => {
                "There is no environment yet. Add one such as " code { "production" } ": targets belong to it, and logs are filtered by it."
            }
            Section::Spaces => "There is no space yet. Sessions that belong together are kept in one, and logs are filtered by it.",
        }
    }
}

/// Of a column the class, what stands over it, and what stands in it.
type Column<'c, T> = (&'c str, &'c str, &'c dyn Fn(&T) -> Markup);

/// Rows as a table.
fn rows<T>(title: &str, rows: &[T], id: fn(&T) -> &str, columns: &[Column<'_, T>]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(title) {
            table {
                caption.unseen { (title) }
                thead { tr { @for (class, label, _) in columns {
                    th class=(class) scope="col" {
                        @if *class == "acts" { span.unseen { (label) } } @else { (label) }
                        @if *class == "time" { " (" (time::zone()) ")" }
                    }
                } } }
                tbody { @for row in rows {
                    tr tabindex="-1" data-id=(id(row)) {
                        @for (class, label, cell) in columns { td class=(class) data-label=(label) { (cell(row)) } }
                    }
                } }
            }
        }
    }
}

fn at(time: Option<Time>) -> Markup {
    html! { @match time { Some(time) => (moment(time)), None => span.hint { "never" } } }
}

fn subjects(title: &str, subjects: &[Subject], acts: &dyn Fn(&Subject) -> Markup) -> Markup {
    let mut columns: Vec<Column<'_, Subject>> = vec![
        ("name main", "Name", &|one| {
            html! {
                (Foreign(&one.name)) @if !one.full_name.is_empty() { " " span.hint { (Foreign(&one.full_name)) } }
            }
        }),
        ("name", "Role", &|one| html! { (one.role.name()) }),
        ("standing", "State", &|one| {
            html! {
                @if !one.is_enabled { span.refused { "disabled" } } @else if one.has_password { "enabled" } @else { span.hint { "no password yet" } }
            }
        }),
        ("time", "Added", &|one| moment(one.created)),
        ("time", "Last seen", &|one| at(one.seen)),
    ];
    columns.push(("acts", ACTS, acts));
    rows(title, subjects, |one| &one.id, &columns)
}

/// What can be done with somebody.
fn changes(one: &Subject, forms: Option<&Forms<'_>>, is_person: bool) -> Markup {
    let Some(forms) = forms else { return html! {} };
    if one.is_me {
        return html! { span.hint { "yourself" } };
    }
    let to_be = if one.is_enabled { ("Disable", "false") } else { ("Enable", "true") };
    html! {
        (forms.ask(&one.id, "change", "Role", &roles(one.role), &html! { button.main { "Change the role" } }))
        @if is_person { (forms.press(&one.id, "link", "New link", &[])) }
        (forms.press(&one.id, "change", to_be.0, &[("enabled", to_be.1)]))
        (forms.remove(&one.id, "Remove", "What the logs say of it stays."))
    }
}

fn keys_of(keys: &[Key], forms: Option<&Forms<'_>>) -> Markup {
    rows(
        "Keys",
        keys,
        |key| &key.id,
        &[
            ("name main", "Name", &|key| Foreign(&key.name).begin()),
            (
                "name",
                "Role",
                &|key| html! { (key.role.name()) @if let Some(target) = &key.target { " of " (Foreign(target)) } },
            ),
            ("time", "Made", &|key| moment(key.created)),
            ("time", "Last used", &|key| at(key.used)),
            ("acts", ACTS, &|key| {
                html! {
                    @if let Some(forms) = forms { (forms.remove(&key.id, "Take back", "Whoever uses it is refused from then on.")) }
                }
            }),
        ],
    )
}

fn targets_of(targets: &[Target], forms: Option<&Forms<'_>>) -> Markup {
    rows(
        "Targets",
        targets,
        |target| &target.id,
        &[
            ("name main", "Name", &|target| Foreign(&target.name).begin()),
            ("name", "Kind", &|target| html! { (target.kind) }),
            (
                "name",
                "Environment",
                &|target| html! { @if let Some(environment) = &target.environment { (Foreign(environment)) } },
            ),
            ("name", "Agent", &|target| html! { (target.status) }),
            ("time", "Agent seen", &|target| at(target.seen)),
            ("time", "Registered", &|target| moment(target.created)),
            ("acts", ACTS, &|target| {
                html! {
                    @if let Some(forms) = forms {
                        (forms.ask(&target.id, "change", "Change", &html! {
                            (input("Name", "targetName", "text", &target.name, true)) (environment(target.environment.as_deref()))
                        }, &html! { button.main { "Change it" } }))
                        (forms.remove(&target.id, "Delete", "Its connections are closed, and its agent is refused."))
                    }
                }
            }),
        ],
    )
}

fn environments_of(environments: &[Environment], forms: Option<&Forms<'_>>) -> Markup {
    rows(
        "Environments",
        environments,
        |one| &one.id,
        &[
            ("name main", "Name", &|one| Foreign(&one.name).begin()),
            ("time", "Added", &|one| moment(one.created)),
            ("acts", ACTS, &|one| {
                html! {
                    @if let Some(forms) = forms {
                        (forms.ask(&one.id, "change", "Rename", &input("Name", "name", "text", &one.name, true), &html! { button.main { "Rename it" } }))
                        (forms.remove(&one.id, "Delete", "Its targets belong to none then."))
                    }
                }
            }),
        ],
    )
}

fn spaces_of(spaces: &[Space], forms: Option<&Forms<'_>>) -> Markup {
    rows(
        "Spaces",
        spaces,
        |space| &space.id,
        &[
            ("name main", "Name", &|space| Foreign(&space.name).begin()),
            ("name", "Whose", &|space| Foreign(&space.owner).begin()),
            ("name", "State", &|space| html! { (space.state) }),
            ("time", "Made", &|space| moment(space.created)),
            ("acts", ACTS, &|space| {
                html! {
                    @if let Some(forms) = forms.filter(|_| space.is_open) { (forms.remove(&space.id, "Close", "It takes no more sessions.")) }
                }
            }),
        ],
    )
}
