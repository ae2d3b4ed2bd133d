//! Settings: people, keys, targets, environments, spaces. Each is a table, with what can be done at the right of its rows.
//!
//! *Invariants*: what the viewer may not do is not offered. All of it are forms that work without a script. A secret is on the
//! page that answers when it is made, and on no other.

use casemate_audit_log::Time;
use casemate_audit_log::model::Role;
use maud::{Markup, html};

use crate::text::{Foreign, encoded};
use crate::time::{self, moment};

/// Where they are.
pub const ROOT: &str = "/admin/settings";

/// What they are called.
pub const TITLE: &str = "Settings";

/// Roles that people, and programs of theirs, can have.
const ROLES: [Role; 3] = [Role::Administrator, Role::Auditor, Role::User];

/// A page of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Who there is.
    People,
    /// Programs with an identity of their own, and keys.
    Keys,
    /// What sessions lead to.
    Targets,
    /// Where targets belong.
    Environments,
    /// What people keep sessions together in.
    Spaces,
}

impl Section {
    /// All there are.
    pub const ALL: [Self; 5] = [Self::People, Self::Keys, Self::Targets, Self::Environments, Self::Spaces];

    /// As in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Keys => "keys",
            Self::Targets => "targets",
            Self::Environments => "environments",
            Self::Spaces => "spaces",
        }
    }

    /// That of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.name() == name)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::People => "People",
            Self::Keys => "Keys",
            Self::Targets => "Targets",
            Self::Environments => "Environments",
            Self::Spaces => "Spaces",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(self) -> String {
        format!("{ROOT}/{}", self.name())
    }
}

/// Somebody, or a program with an identity of its own.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are what they are of")]
pub struct Subject {
    pub id: String,
    pub name: String,
    pub full_name: String,
    pub role: Role,
    pub is_enabled: bool,
    pub has_password: bool,
    pub created: Time,
    pub seen: Option<Time>,
    /// It is who looks.
    pub is_me: bool,
}

/// A key.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are what they are of")]
pub struct Key {
    pub id: String,
    pub name: String,
    pub role: Role,
    /// Of the agent of this target.
    pub target: Option<String>,
    pub created: Time,
    pub used: Option<Time>,
}

/// A target.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are what they are of")]
pub struct Target {
    pub id: String,
    pub name: String,
    pub kind: &'static str,
    pub status: &'static str,
    /// By its id.
    pub environment: Option<String>,
    pub created: Time,
    pub seen: Option<Time>,
}

/// An environment.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are what they are of")]
pub struct Environment {
    pub id: String,
    pub name: String,
    pub created: Time,
}

/// A space.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are what they are of")]
pub struct Space {
    pub id: String,
    pub name: String,
    /// Whose it is, where that may be known.
    pub owner: String,
    pub state: &'static str,
    pub is_open: bool,
    pub created: Time,
}

/// What there is.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are as their sections")]
pub enum Content {
    People(Vec<Subject>),
    Keys { accounts: Vec<Subject>, keys: Vec<Key>, targets: Vec<(String, String)> },
    Targets { targets: Vec<Target>, environments: Vec<Environment> },
    Environments(Vec<Environment>),
    Spaces(Vec<Space>),
}

/// What is told once.
#[derive(Clone, Debug)]
pub struct Secret {
    /// What it is.
    pub what: String,
    /// What to do with it.
    pub hint: String,
    /// It.
    pub secret: String,
}

/// A page of them, and what else is to be on it.
#[derive(Debug)]
pub struct Settings {
    /// Which.
    pub section: Section,
    /// Those that the viewer may see.
    pub sections: Vec<Section>,
    /// What there is.
    pub content: Content,
    /// What forms send along, if the viewer may change it.
    pub changes: Option<String>,
    /// What was made.
    pub secret: Option<Secret>,
}

/// The content of the page.
#[must_use]
pub fn page(settings: &Settings) -> Markup {
    let Settings { section, sections, content, changes, secret } = settings;
    let forms = changes.as_deref().map(|csrf| Forms { csrf, section: *section });
    let forms = forms.as_ref();
    html! {
        div.head {
            h1 { (TITLE) }
            nav.tools.choice aria-label=(TITLE) {
                @for one in sections {
                    a.button href=(one.path()) aria-current=[(one == section).then_some("true")] { (one.title()) }
                }
            }
        }
        @if let Some(secret) = secret {
            section.secret role="status" aria-labelledby="secret-title" {
                h2 #secret-title { (Foreign(&secret.what)) }
                input.secret readonly value=(secret.secret) aria-label=(secret.what) autocomplete="off" spellcheck="false";
                p.hint { "It is shown this once. " (secret.hint) }
            }
        }
        @match content {
            Content::People(people) => (people_of(people, forms)),
            Content::Keys { accounts, keys, targets } => (keys_of(accounts, keys, targets, forms)),
            Content::Targets { targets, environments } => (targets_of(targets, environments, forms)),
            Content::Environments(environments) => (environments_of(environments, forms)),
            Content::Spaces(spaces) => (spaces_of(spaces, forms)),
        }
    }
}

/// Makes forms.
struct Forms<'f> {
    csrf: &'f str,
    section: Section,
}

impl Forms<'_> {
    /// To add something.
    fn add(&self, title: &str, what: &str, fields: &Markup) -> Markup {
        html! {
            details.add {
                summary.button { (title) }
                form method="post" action=(self.section.path()) hx-boost="false" {
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
        format!("{}/{}/{act}", self.section.path(), encoded(id))
    }

    /// To do something that needs nothing more.
    fn press(&self, id: &str, act: &str, title: &str, fields: &[(&str, &str)]) -> Markup {
        html! {
            form.press method="post" action=(self.action(id, act)) hx-boost="false" {
                (self.hidden())
                @for (name, value) in fields { input type="hidden" name=(name) value=(value); }
                button { (title) }
            }
        }
    }

    /// To do something that needs more, or a second thought.
    fn ask(&self, id: &str, act: &str, title: &str, fields: &Markup, button: &Markup) -> Markup {
        html! {
            details.act {
                summary.button { (title) }
                form method="post" action=(self.action(id, act)) hx-boost="false" { (self.hidden()) (fields) (button) }
            }
        }
    }

    /// To remove something, and what becomes of what depends on it.
    fn remove(&self, id: &str, title: &str, warning: &str) -> Markup {
        self.ask(
            id,
            "delete",
            title,
            &html! { span.hint { (warning) } },
            &html! { button.danger { (title) " it" } },
        )
    }
}

fn roles(chosen: Role) -> Markup {
    html! {
        label { "Role " select name="role" {
            @for role in ROLES { option value=(role.name()) selected[role == chosen] { (role.name()) } }
        } }
    }
}

fn input(label: &str, name: &str, kind: &str, value: &str, is_required: bool) -> Markup {
    html! { label { (label) " " input type=(kind) name=(name) value=(value) required[is_required] maxlength="200" autocomplete="off" spellcheck="false"; } }
}

/// Of a column the class, what stands over it, and what stands in it.
type Column<'c, T> = (&'c str, &'c str, &'c dyn Fn(&T) -> Markup);

/// A table.
fn table<T>(title: &str, rows: &[T], id: fn(&T) -> &str, columns: &[Column<'_, T>]) -> Markup {
    html! {
        @if rows.is_empty() { p.empty { "There is nothing yet." } }
        @else {
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
}

fn at(time: Option<Time>) -> Markup {
    html! { @match time { Some(time) => (moment(time)), None => span.hint { "never" } } }
}

const ACTS: &str = "What can be done";

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
    table(title, subjects, |one| &one.id, &columns)
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

fn people_of(people: &[Subject], forms: Option<&Forms<'_>>) -> Markup {
    html! {
        @if let Some(forms) = forms {
            (forms.add("Add a person", "person", &html! {
                (input("Mail address", "email", "email", "", true)) (input("Full name", "fullName", "text", "", false)) (roles(Role::User))
            }))
        }
        (subjects("People", people, &|one| changes(one, forms, true)))
    }
}

fn keys_of(
    accounts: &[Subject],
    keys: &[Key],
    targets: &[(String, String)],
    forms: Option<&Forms<'_>>,
) -> Markup {
    let target = |key: &Key| {
        let id = key.target.as_deref()?;
        targets.iter().find(|(target, _)| target == id).map(|(_, name)| name.clone())
    };
    html! {
        h2 { "Keys" }
        @if let Some(forms) = forms {
            (forms.add("Make a key", "key", &html! { (input("Name", "name", "text", "", true)) (roles(Role::Auditor)) }))
        }
        (table("Keys", keys, |key| &key.id, &[
            ("name main", "Name", &|key| Foreign(&key.name).begin()),
            ("name", "Role", &|key| html! { (key.role.name()) @if let Some(target) = target(key) { " of " (Foreign(&target)) } }),
            ("time", "Made", &|key| moment(key.created)),
            ("time", "Last used", &|key| at(key.used)),
            ("acts", ACTS, &|key| html! {
                @if let Some(forms) = forms { (forms.remove(&key.id, "Take back", "Whoever uses it is refused from then on.")) }
            }),
        ]))
        h2 { "Service accounts" }
        @if let Some(forms) = forms {
            (forms.add("Add a service account", "service-account", &html! {
                (input("Mail address", "email", "email", "", true)) (roles(Role::Auditor))
            }))
        }
        (subjects("Service accounts", accounts, &|one| changes(one, forms, false)))
    }
}

fn choice(environments: &[Environment], chosen: Option<&str>) -> Markup {
    html! {
        label { "Environment " select name="environmentId" {
            option value="" selected[chosen.is_none()] { "none" }
            @for one in environments { option value=(one.id) selected[chosen == Some(&one.id)] { (Foreign(&one.name)) } }
        } }
    }
}

fn targets_of(targets: &[Target], environments: &[Environment], forms: Option<&Forms<'_>>) -> Markup {
    let environment = |target: &Target| {
        let id = target.environment.as_deref()?;
        environments.iter().find(|one| one.id == id)
    };
    html! {
        @if let Some(forms) = forms {
            (forms.add("Register a target", "target", &html! {
                (input("Name", "targetName", "text", "", true))
                label { "Kind " select name="kind" { option value="bzero" { "host" } option value="kube" { "Kubernetes cluster" } } }
                (choice(environments, None))
            }))
        }
        (table("Targets", targets, |target| &target.id, &[
            ("name main", "Name", &|target| Foreign(&target.name).begin()),
            ("name", "Kind", &|target| html! { (target.kind) }),
            ("name", "Environment", &|target| html! { @if let Some(one) = environment(target) { (Foreign(&one.name)) } }),
            ("name", "Agent", &|target| html! { (target.status) }),
            ("time", "Agent seen", &|target| at(target.seen)),
            ("time", "Registered", &|target| moment(target.created)),
            ("acts", ACTS, &|target| html! {
                @if let Some(forms) = forms {
                    (forms.ask(&target.id, "change", "Change", &html! {
                        (input("Name", "targetName", "text", &target.name, true)) (choice(environments, target.environment.as_deref()))
                    }, &html! { button.main { "Change it" } }))
                    (forms.remove(&target.id, "Delete", "Its connections are closed, and its agent is refused."))
                }
            }),
        ]))
    }
}

fn environments_of(environments: &[Environment], forms: Option<&Forms<'_>>) -> Markup {
    html! {
        @if let Some(forms) = forms {
            (forms.add("Add an environment", "environment", &input("Name", "name", "text", "", true)))
        }
        (table("Environments", environments, |one| &one.id, &[
            ("name main", "Name", &|one| Foreign(&one.name).begin()),
            ("time", "Added", &|one| moment(one.created)),
            ("acts", ACTS, &|one| html! {
                @if let Some(forms) = forms {
                    (forms.ask(&one.id, "change", "Rename", &input("Name", "name", "text", &one.name, true), &html! { button.main { "Rename it" } }))
                    (forms.remove(&one.id, "Delete", "Its targets belong to none then."))
                }
            }),
        ]))
    }
}

fn spaces_of(spaces: &[Space], forms: Option<&Forms<'_>>) -> Markup {
    html! {
        @if let Some(forms) = forms {
            (forms.add("Make a space", "space", &input("Name", "name", "text", "", true)))
        }
        (table("Spaces", spaces, |space| &space.id, &[
            ("name main", "Name", &|space| Foreign(&space.name).begin()),
            ("name", "Whose", &|space| Foreign(&space.owner).begin()),
            ("name", "State", &|space| html! { (space.state) }),
            ("time", "Made", &|space| moment(space.created)),
            ("acts", ACTS, &|space| html! {
                @if let Some(forms) = forms.filter(|_| space.is_open) { (forms.remove(&space.id, "Close", "It takes no more sessions.")) }
            }),
        ]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, is_me: bool) -> Subject {
        Subject {
            id: format!("id-{is_me}"),
            name: name.into(),
            full_name: String::new(),
            role: Role::Auditor,
            is_enabled: true,
            has_password: true,
            created: Time(0),
            seen: None,
            is_me,
        }
    }

    fn shown(changes: Option<&str>, secret: Option<Secret>) -> String {
        let content = Content::People(vec![one("<a>\u{202e}", false), one("me", true)]);
        let sections = vec![Section::People];
        let changes = changes.map(str::to_owned);
        page(&Settings { section: Section::People, sections, content, changes, secret }).into_string()
    }

    #[test]
    fn whoever_may_change_nothing_has_no_form() {
        let page = shown(None, None);
        assert!(
            !page.contains("<form") && page.contains("&lt;a&gt;") && page.contains("\\u{202e}"),
            "{page}"
        );
        assert_eq!(page.matches("<button").count(), 0);
    }

    #[test]
    fn nobody_is_offered_to_disable_himself() {
        let page = shown(Some("csrf1"), None);
        assert!(page.contains("/admin/settings/people/id-false/change"), "{page}");
        assert!(!page.contains("/id-true/"), "{page}");
        assert_eq!(page.matches("<form").count(), page.matches("name=\"csrf\" value=\"csrf1\"").count());
    }

    #[test]
    fn a_secret_is_there_when_it_is_made() {
        assert!(!shown(Some("c"), None).contains("shown this once"));
        let secret =
            Secret { what: "The key <of> web-1".into(), hint: String::new(), secret: "cmak_1".into() };
        let page = shown(Some("c"), Some(secret));
        assert!(page.contains("value=\"cmak_1\"") && page.contains("&lt;of&gt;"), "{page}");
    }
}
