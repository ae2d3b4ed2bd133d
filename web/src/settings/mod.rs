//! Settings: people, keys, service accounts, targets, environments, spaces. Each is a table in the order of names, page by page, with
//! what can be done at the right of its rows.
//!
//! *Invariants*: what the viewer may not do is not offered. All of it are forms that work without a script, and whatever is done leads
//! back to the page where it was done. However much there is, a page of it is light. A secret is on the page that answers when it
//! is made, and on no other.

mod forms;
mod sections;

use casemate_audit_log::Time;
use casemate_audit_log::model::Role;
use maud::{Markup, html};

use self::forms::Forms;
use crate::text::Foreign;
use crate::view::address;

/// Where they are.
pub const ROOT: &str = "/admin/settings";

/// What they are called.
pub const TITLE: &str = "Settings";

/// Rows of a page: of people it is of some 115 kB.
pub const ROWS: usize = 50;

/// Names that are offered in a form; others can be typed.
pub const OFFERED: usize = 100;

/// A page of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Who there is.
    People,
    /// What programs send to be known.
    Keys,
    /// Programs with an identity of their own.
    Accounts,
    /// What sessions lead to.
    Targets,
    /// Where targets belong.
    Environments,
    /// What people keep sessions together in.
    Spaces,
}

impl Section {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::People, Self::Keys, Self::Accounts, Self::Targets, Self::Environments, Self::Spaces];

    /// As in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Keys => "keys",
            Self::Accounts => "service-accounts",
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
            Self::Accounts => "Service accounts",
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

/// What stands in the address of a section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What is to stand in names.
    pub text: String,
    /// Behind which name it begins.
    pub after: Option<String>,
}

impl Asked {
    /// The address of something with it.
    #[must_use]
    pub fn address(&self, path: &str) -> String {
        let text = Some(&self.text).filter(|text| !text.is_empty()).map(|text| ("text", text.clone()));
        let after = self.after.clone().map(|after| ("after", after));
        address(path, &text.into_iter().chain(after).collect::<Vec<_>>())
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
    /// Of the agent of this target, by its name.
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
    /// By its name.
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
    Keys(Vec<Key>),
    Accounts(Vec<Subject>),
    /// With names of environments that are offered.
    Targets {
        targets: Vec<Target>,
        environments: Vec<String>,
    },
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
    /// What is asked for.
    pub asked: Asked,
    /// What there is of it.
    pub content: Content,
    /// Behind which name there is more.
    pub more: Option<String>,
    /// What forms send along, if the viewer may change it.
    pub changes: Option<String>,
    /// What was made.
    pub secret: Option<Secret>,
}

impl Content {
    fn is_empty(&self) -> bool {
        match self {
            Self::People(rows) | Self::Accounts(rows) => rows.is_empty(),
            Self::Keys(rows) => rows.is_empty(),
            Self::Targets { targets, .. } => targets.is_empty(),
            Self::Environments(rows) => rows.is_empty(),
            Self::Spaces(rows) => rows.is_empty(),
        }
    }
}

/// The content of the page.
#[must_use]
pub fn page(settings: &Settings) -> Markup {
    let Settings { section, sections, asked, content, more, changes, secret } = settings;
    let forms = changes.as_deref().map(|csrf| Forms { csrf, section: *section, asked });
    let forms = forms.as_ref();
    let path = section.path();
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
        form.search.by-name method="get" action=(path) role="search" {
            label.unseen for="text" { (section.title()) " by name" }
            input #text type="search" name="text" value=(asked.text) maxlength="200" autocomplete="off" autocapitalize="off"
                spellcheck="false" placeholder={ (section.title()) " by name" };
            button { "Find" }
            @if !asked.text.is_empty() { a.button href=(path) { "All" } }
        }
        @if let Some(forms) = forms { (forms.to_add(content)) }
        @if content.is_empty() { p.empty { (sections::nothing(*section, asked)) } }
        @else { (sections::table(content, forms)) }
        nav.pager aria-label="Pages" {
            @if asked.after.is_some() { a #newest href=(Asked { after: None, ..asked.clone() }.address(&path)) { "First" } }
            @if more.is_some() {
                a #next rel="next" href=(Asked { after: more.clone(), ..asked.clone() }.address(&path)) { "More →" }
            }
        }
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
        of(Section::People, content, Asked::default(), changes, secret)
    }

    fn of(
        section: Section,
        content: Content,
        asked: Asked,
        changes: Option<&str>,
        secret: Option<Secret>,
    ) -> String {
        let (sections, changes) = (vec![section], changes.map(str::to_owned));
        let more = Some("m&m.1".to_owned());
        page(&Settings { section, sections, asked, content, more, changes, secret }).into_string()
    }

    #[test]
    fn whoever_may_change_nothing_has_no_form() {
        let page = shown(None, None);
        assert!(
            !page.contains("method=\"post\"") && page.contains("&lt;a&gt;") && page.contains("\\u{202e}"),
            "{page}"
        );
        assert_eq!(page.matches("<button").count(), 1, "to find something");
    }

    #[test]
    fn nobody_is_offered_to_disable_himself() {
        let page = shown(Some("csrf1"), None);
        assert!(page.contains("/admin/settings/people/id-false/change"), "{page}");
        assert!(!page.contains("/id-true/"), "{page}");
        let sent = page.matches("method=\"post\"").count();
        assert_eq!(sent, page.matches("name=\"csrf\" value=\"csrf1\"").count());
    }

    #[test]
    fn a_secret_is_there_when_it_is_made() {
        assert!(!shown(Some("c"), None).contains("shown this once"));
        let secret =
            Secret { what: "The key <of> web-1".into(), hint: String::new(), secret: "cmak_1".into() };
        let page = shown(Some("c"), Some(secret));
        assert!(page.contains("value=\"cmak_1\"") && page.contains("&lt;of&gt;"), "{page}");
    }

    #[test]
    fn what_is_done_on_a_page_leads_back_to_it() {
        let asked = Asked { text: "a b".into(), after: Some("x&y.2".into()) };
        let content = Content::People(vec![one("<a>", false)]);
        let page = of(Section::People, content, asked, Some("c"), None);
        for part in [
            "action=\"/admin/settings/people?text=a%20b&amp;after=x%26y.2\"",
            "action=\"/admin/settings/people/id-false/change?text=a%20b&amp;after=x%26y.2\"",
            "action=\"/admin/settings/people/id-false/delete?text=a%20b&amp;after=x%26y.2\"",
            "href=\"/admin/settings/people?text=a%20b\">First</a>",
            "href=\"/admin/settings/people?text=a%20b&amp;after=m%26m.1\">More →</a>",
            "value=\"a b\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn environments_are_offered_once_however_many_targets_there_are() {
        let target = |number: u32| Target {
            id: number.to_string(),
            name: format!("web-{number}"),
            kind: "Bzero",
            status: "Online",
            environment: Some("e<1>".into()),
            created: Time(0),
            seen: None,
        };
        let environments = (0..OFFERED).map(|number| format!("e<{number}>")).collect();
        let content = Content::Targets { targets: (0..50).map(target).collect(), environments };
        let page = of(Section::Targets, content, Asked::default(), Some("c"), None);
        assert_eq!(page.matches("<option value=\"e&lt;1&gt;\">").count(), 1, "{page}");
        assert_eq!(page.matches("list=\"environments\"").count(), 51);
        assert!(page.contains("list=\"environments\" value=\"e&lt;1&gt;\""), "{page}");
        assert!(page.len() < 100_000, "{} bytes", page.len());
    }

    #[test]
    fn where_there_is_nothing_it_is_said_what_to_do() {
        for (content, section) in [
            (Content::Keys(Vec::new()), Section::Keys),
            (Content::Accounts(Vec::new()), Section::Accounts),
            (Content::Environments(Vec::new()), Section::Environments),
            (Content::Spaces(Vec::new()), Section::Spaces),
        ] {
            let page = |asked| of(section, content.clone(), asked, None, None);
            assert!(page(Asked::default()).contains(" yet"), "{section:?}");
            let found = page(Asked { text: "<x>".into(), after: None });
            assert!(found.contains("has that in its name"), "{section:?}: {found}");
        }
    }
}
