//! The bar over a log: by what is asked, and the form in which that is done. It works without a script; with one, names are
//! offered while they are typed.

use casemate_audit_log::model::{ConnectionEventType, ConnectionType, Standing, SubjectType};
use maud::{Markup, html};

use crate::text::Foreign;
use crate::time;
use crate::view::{Page, Range, Span, View, address};

/// Something by which is asked.
#[derive(Debug)]
pub struct Field {
    /// The parameter of the address, and of the API.
    pub parameter: &'static str,
    /// As BastionZero named it, where that is another name.
    old: Option<&'static str>,
    /// What it is called.
    pub label: &'static str,
    kind: Kind,
}

/// How it is asked for.
#[derive(Debug)]
enum Kind {
    /// Names that stand in the log, in this field of it.
    Names(&'static str),
    /// Whatever it is.
    Text,
    /// One of a few.
    Choice(fn() -> Vec<(&'static str, &'static str)>),
}

static SUBJECT: Field = Field {
    parameter: "subjectNames",
    old: Some("userNames"),
    label: "SSO user",
    kind: Kind::Names("subjectName"),
};
static TARGET_USER: Field =
    Field { parameter: "targetUsers", old: None, label: "Target user", kind: Kind::Names("targetUser") };
static TARGET: Field =
    Field { parameter: "targetNames", old: None, label: "Target", kind: Kind::Names("targetName") };
static IP_ADDRESS: Field =
    Field { parameter: "ipAddresses", old: None, label: "IP address", kind: Kind::Names("ipAddress") };
static ENVIRONMENT: Field = Field {
    parameter: "environmentNames",
    old: None,
    label: "Environment",
    kind: Kind::Names("environmentName"),
};
static SPACE: Field =
    Field { parameter: "spaceNames", old: None, label: "Space", kind: Kind::Names("spaceName") };
static CONNECTION: Field =
    Field { parameter: "connectionIds", old: None, label: "Connection", kind: Kind::Text };
static SUBJECT_TYPE: Field = Field {
    parameter: "subjectTypes",
    old: None,
    label: "Kind of user",
    kind: Kind::Choice(|| SubjectType::ALL.iter().map(|kind| (kind.name(), kind.name())).collect()),
};
static TARGET_TYPE: Field = Field {
    parameter: "targetTypes",
    old: None,
    label: "Kind of connection",
    kind: Kind::Choice(|| ConnectionType::ALL.iter().map(|kind| (kind.name(), kind.name())).collect()),
};
static COMMAND_KIND: Field = Field {
    parameter: "commandKinds",
    old: None,
    label: "Given to",
    kind: Kind::Choice(|| {
        vec![
            ("shell", "a shell"),
            ("program", "a program"),
            ("hidden", "unseen"),
            ("cancelled", "nobody: cancelled"),
        ]
    }),
};
static EVENT_TYPE: Field = Field {
    parameter: "connectionEventTypes",
    old: None,
    label: "Event",
    kind: Kind::Choice(|| ConnectionEventType::ALL.iter().map(|kind| (kind.name(), kind.name())).collect()),
};
static STATE: Field = Field {
    parameter: "connectionState",
    old: None,
    label: "State",
    kind: Kind::Choice(|| Standing::ALL.iter().map(|standing| (standing.name(), standing.name())).collect()),
};
static ACTION: Field =
    Field { parameter: "serviceActions", old: None, label: "Action", kind: Kind::Names("serviceAction") };
static EVALUATION: Field = Field {
    parameter: "evaluation",
    old: None,
    label: "Allowed",
    kind: Kind::Choice(|| vec![("true", "allowed"), ("false", "refused")]),
};

impl Field {
    /// Whether a parameter is of it.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.parameter == name || self.old == Some(name)
    }
}

impl Page {
    /// By what it is asked: what most ask for, and the rest.
    #[must_use]
    pub fn fields(self) -> [Vec<&'static Field>; 2] {
        match self {
            Self::Commands => [
                vec![&SUBJECT, &TARGET_USER, &TARGET],
                vec![
                    &COMMAND_KIND,
                    &SPACE,
                    &ENVIRONMENT,
                    &IP_ADDRESS,
                    &CONNECTION,
                    &TARGET_TYPE,
                    &SUBJECT_TYPE,
                ],
            ],
            Self::KubernetesCommands => {
                [vec![&SUBJECT, &TARGET_USER, &TARGET], vec![&IP_ADDRESS, &CONNECTION]]
            }
            Self::Connections => [
                vec![&SUBJECT, &TARGET_USER, &TARGET, &STATE],
                vec![&SPACE, &ENVIRONMENT, &IP_ADDRESS, &CONNECTION, &TARGET_TYPE, &SUBJECT_TYPE],
            ],
            Self::ConnectionEvents => [
                vec![&SUBJECT, &TARGET_USER, &TARGET, &EVENT_TYPE],
                vec![&SPACE, &ENVIRONMENT, &IP_ADDRESS, &CONNECTION, &TARGET_TYPE, &SUBJECT_TYPE],
            ],
            Self::UserEvents => [vec![&SUBJECT, &ACTION, &EVALUATION], vec![&IP_ADDRESS, &SUBJECT_TYPE]],
        }
    }
}

/// The bar; names are offered in it with a ticket for the log.
#[must_use]
pub fn bar(view: &View, ticket: &str) -> Markup {
    bar_of(view, view.page.title(), &view.page.path(), &[], ticket)
}

/// The same over something else that is asked for as a log is: what it is called, where it is, and what else its address says.
#[must_use]
pub fn bar_of(
    view: &View,
    title: &str,
    path: &str,
    more_said: &[(&'static str, String)],
    ticket: &str,
) -> Markup {
    let mut said = view.shape();
    said.extend(more_said.iter().cloned());
    let mut all = view.all().parameters();
    all.extend(more_said.iter().cloned());
    let [first, more] = view.page.fields();
    let has_more = more.iter().any(|field| view.values.contains_key(field.parameter));
    html! {
        form #filter method="get" action=(path) role="search" aria-label={ "Filter: " (title) } data-ticket=(ticket) {
            @for (name, value) in &said { input type="hidden" name=(name) value=(value); }
            div.fields {
                @for one in first { (field(view, one)) }
                div.field.wide {
                    label for="search" { "Text" }
                    input #search type="search" name="search" value=(view.search) autocomplete="off" spellcheck="false";
                }
                (range(view))
                div.field.buttons {
                    button.main { "Filter" }
                    @if !view.is_of_all() {
                        a.button href=(address(path, &all)) { "Clear" }
                    }
                }
            }
            details #more open[has_more] {
                summary { "More filters" }
                div.fields { @for one in more { (field(view, one)) } }
            }
        }
    }
}

fn field(view: &View, field: &Field) -> Markup {
    let id = field.parameter;
    let values = view.values.get(id).map(Vec::as_slice).unwrap_or_default();
    html! {
        div.field.set[!values.is_empty()] {
            label for=(id) { (field.label) }
            @match &field.kind {
                Kind::Names(of) => {
                    input #(id) name=(id) value=(values.join(", ")) autocomplete="off" autocapitalize="off" spellcheck="false"
                        data-offers={ (view.page.path()) "/values?field=" (of) };
                }
                Kind::Text => {
                    input #(id) name=(id) value=(values.join(", ")) autocomplete="off" spellcheck="false";
                }
                Kind::Choice(choices) => {
                    @let choices = choices();
                    @let chosen = values.join(",");
                    select #(id) name=(id) {
                        option value="" selected[values.is_empty()] { "any" }
                        @for (value, title) in &choices { option value=(value) selected[chosen.eq_ignore_ascii_case(value)] { (title) } }
                        // Several, or one that is written in another way.
                        @if !values.is_empty() && !choices.iter().any(|(value, _)| chosen.eq_ignore_ascii_case(value)) {
                            option value=(chosen) selected { (Foreign(&chosen)) }
                        }
                    }
                }
            }
        }
    }
}

fn range(view: &View) -> Markup {
    let (start, end) = match view.range {
        Range::Between(start, end) => (start, end),
        Range::All | Range::Last(_) => (None, None),
    };
    // As an input has it: to the second, without a zone.
    let local = |time: Option<casemate_audit_log::Time>| {
        time.map(|time| time.to_string().chars().take(19).collect::<String>())
    };
    html! {
        div.field.set[view.range != Range::All] {
            label for="last" { "Time" }
            select #last name="last" {
                option value="" selected[view.range == Range::All] { "any time" }
                @for span in Span::ALL {
                    option value=(span.name) selected[view.range == Range::Last(span)] { (span.title) }
                }
                @if matches!(view.range, Range::Between(..)) { option value="" selected { "from … to" } }
            }
        }
        details.field.moments.set[matches!(view.range, Range::Between(..))] open[matches!(view.range, Range::Between(..))] {
            summary { "From … to" }
            div.moments {
                @for (name, label, time) in [("startTimestamp", "From", start), ("endTimestamp", "To", end)] {
                    label for=(name) { (label) " (" (time::zone()) ")" }
                    input #(name) type="datetime-local" step="1" name=(name) value=[local(time)] data-moment=[time];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_most_ask_for_comes_first() {
        for page in [Page::Commands, Page::KubernetesCommands, Page::Connections, Page::ConnectionEvents] {
            let first: Vec<_> = page.fields()[0].iter().map(|field| field.label).take(3).collect();
            assert_eq!(first, ["SSO user", "Target user", "Target"], "{page:?}");
        }
    }

    #[test]
    fn the_bar_says_what_is_asked() {
        let query = [
            ("subjectNames", "a\"><b>,c"),
            ("last", "1h"),
            ("evaluation", "FALSE"),
            ("sort", "asc"),
            ("ipAddresses", "::1"),
        ];
        let bar = bar(&View::parse(Page::UserEvents, query).unwrap(), "t").into_string();
        for part in [
            "value=\"a&quot;&gt;&lt;b&gt;, c\"",
            "<option value=\"1h\" selected>",
            "<option value=\"false\" selected>",
            "<input type=\"hidden\" name=\"sort\" value=\"asc\">",
            "<details id=\"more\" open>",
            "<div class=\"field set\"><label for=\"evaluation\">",
            "href=\"/admin/events/user-events?sort=asc\"",
        ] {
            assert!(bar.contains(part), "{part} in {bar}");
        }
        let all = super::bar(&View::of(Page::Commands), "t").into_string();
        assert!(!all.contains("Clear") && !all.contains("<details id=\"more\" open"), "{all}");
    }

    #[test]
    fn each_label_is_of_an_input_and_no_id_is_there_twice() {
        for page in Page::ALL {
            let bar = bar(&View::of(page), "t").into_string();
            for (_, rest) in bar.match_indices("for=\"").map(|(at, found)| bar.split_at(at + found.len())) {
                let id = format!(" id=\"{}\"", rest.split('"').next().unwrap());
                assert_eq!(bar.matches(&id).count(), 1, "{page:?}: {id}");
            }
        }
    }
}
