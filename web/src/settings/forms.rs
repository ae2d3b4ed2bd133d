//! Forms of the settings: to add something, and to do something with what there is.

use casemate_audit_log::model::Role;
use maud::{Markup, html};

use super::{Asked, Section};
use crate::text::encoded;

/// Roles that people, and programs of theirs, can have.
const ROLES: [Role; 3] = [Role::Administrator, Role::Auditor, Role::User];

/// Makes forms.
pub(super) struct Forms<'f> {
    pub(super) csrf: &'f str,
    pub(super) section: Section,
    /// Where whoever sends one comes back to.
    pub(super) asked: &'f Asked,
}

impl Forms<'_> {
    /// To add something.
    pub(super) fn add(&self, title: &str, what: &str, fields: &Markup) -> Markup {
        html! {
            details.add {
                summary.button { (title) }
                form method="post" action=(self.asked.address(&self.section.path())) hx-boost="false" {
                    (self.hidden()) input type="hidden" name="what" value=(what);
                    (fields) button.main { (title) }
                }
            }
        }
    }

    fn hidden(&self) -> Markup {
        html! { input type="hidden" name="csrf" value=(self.csrf); }
    }

    fn action(&self, id: &str, act: &str) -> String {
        self.asked.address(&format!("{}/{}/{act}", self.section.path(), encoded(id)))
    }

    /// To do something that needs nothing more.
    pub(super) fn press(&self, id: &str, act: &str, title: &str, fields: &[(&str, &str)]) -> Markup {
        html! {
            form.press method="post" action=(self.action(id, act)) hx-boost="false" {
                (self.hidden())
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                button { (title) }
            }
        }
    }

    /// To do something that needs more, or a second thought.
    pub(super) fn ask(&self, id: &str, act: &str, title: &str, fields: &Markup, button: &Markup) -> Markup {
        html! {
            details.act {
                summary.button { (title) }
                form method="post" action=(self.action(id, act)) hx-boost="false" { (self.hidden()) (fields) (button) }
            }
        }
    }

    /// To remove something, and what becomes of what depends on it.
    pub(super) fn remove(&self, id: &str, title: &str, warning: &str) -> Markup {
        self.ask(
            id,
            "delete",
            title,
            &html! { span.hint { (warning) } },
            &html! { button.danger { (title) " it" } },
        )
    }
}

pub(super) fn roles(chosen: Role) -> Markup {
    html! {
        label { "Role " select name="role" {
            @for role in ROLES { option value=(role.name()) selected[role == chosen] { (role.name()) } }
        } }
    }
}

pub(super) fn input(label: &str, name: &str, kind: &str, value: &str, is_required: bool) -> Markup {
    html! { label { (label) " " input type=(kind) name=(name) value=(value) required[is_required] maxlength="200" autocomplete="off" spellcheck="false"; } }
}

/// The id of the list of environments that are offered.
const ENVIRONMENTS: &str = "environments";

/// An environment, by its name: those of the list are offered while one is typed.
pub(super) fn environment(chosen: Option<&str>) -> Markup {
    html! {
        label { "Environment " input name="environment" list=(ENVIRONMENTS) value=[chosen] placeholder="none" maxlength="200" autocomplete="off" spellcheck="false"; }
    }
}

/// What is offered there.
pub(super) fn environments(names: &[String]) -> Markup {
    html! { datalist #(ENVIRONMENTS) { @for name in names { option value=(name); } } }
}
