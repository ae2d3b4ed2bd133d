//! Search in all that may be known: in commands, and in what was to be seen. Each hit leads to its moment.

use casemate_audit_log::Time;
use maud::{Markup, html};

use crate::session;
use crate::text::{Foreign, around};
use crate::time::{self, moment};
use crate::view::address;

/// Where it is.
pub const ROOT: &str = "/admin/search";

/// What it is called.
pub const TITLE: &str = "Search";

/// In what is looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// In the text of commands.
    Commands,
    /// In lines that were to be seen.
    Output,
}

impl In {
    /// As in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Output => "output",
        }
    }

    /// That of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Commands, Self::Output].into_iter().find(|one| one.name() == name)
    }
}

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What to look for.
    pub text: String,
    /// In what; in all, where it is not said.
    pub only: Option<In>,
    /// Where the page before this one ended: of one kind alone.
    pub behind: Option<String>,
}

impl Asked {
    /// Whether that is looked in.
    #[must_use]
    pub fn is_in(&self, what: In) -> bool {
        self.only.is_none_or(|only| only == what)
    }

    /// The address.
    #[must_use]
    pub fn address(&self) -> String {
        let mut parameters = vec![("text", self.text.clone())];
        parameters.extend(self.only.map(|only| ("in", only.name().to_owned())));
        parameters.extend(self.behind.clone().map(|behind| ("before", behind)));
        address(ROOT, &parameters)
    }
}

/// Where it was found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// In which session.
    pub session: String,
    /// When in it, in seconds.
    pub at: Option<f64>,
    /// When.
    pub time: Time,
    /// Whose session it is.
    pub subject: String,
    /// On what.
    pub target: String,
    /// As which account.
    pub target_user: String,
    /// What it stands in.
    pub text: String,
    /// The command that a line belongs to.
    pub command: Option<String>,
}

/// What was found: hits and where there are more, or why it could not be looked.
pub type Found = Result<(Vec<Hit>, Option<String>), String>;

/// The content of the page.
#[must_use]
pub fn page(asked: &Asked, found: &[(In, Found)]) -> Markup {
    html! {
        div.head { h1 { (TITLE) } }
        form.search method="get" action=(ROOT) role="search" {
            label.unseen for="search" { "In commands and in what was to be seen" }
            input #search type="search" name="text" value=(asked.text) maxlength="500" required autocomplete="off"
                autocapitalize="off" spellcheck="false" placeholder="In commands and in what was to be seen";
            button.main { "Search" }
        }
        @if asked.text.is_empty() {
            p.hint { "Whatever its capitals. Three letters or more are found soonest. What is on the screen of a session that goes on is found once it has left it." }
        }
        @for (what, found) in found { (section(asked, *what, found)) }
    }
}

fn section(asked: &Asked, what: In, found: &Found) -> Markup {
    let title = match what {
        In::Commands => "In commands",
        In::Output => "In what was to be seen",
    };
    html! {
        section.hits data-in=(what.name()) {
            h2 { (title) }
            @match found {
                Err(why) => p.wrong role="alert" { (Foreign(why)) },
                Ok((hits, behind)) => {
                    @if hits.is_empty() {
                        p.hint { @if behind.is_some() { "Nothing so far: it was looked for two seconds." } @else { (nothing(what)) } }
                    } @else { (table(asked, what, title, hits)) }
                    nav.pager aria-label=(title) {
                        @if asked.behind.is_some() { a href=(Asked { behind: None, only: None, ..asked.clone() }.address()) { "From the beginning" } }
                        @if let Some(behind) = behind {
                            a.next rel="next" href=(Asked { behind: Some(behind.clone()), only: Some(what), ..asked.clone() }.address()) { "Go on →" }
                        }
                    }
                }
            }
        }
    }
}

/// What to do where nothing was found.
const fn nothing(what: In) -> &'static str {
    match what {
        In::Commands => "No command has that in it. Try a part of it: fewer letters find more.",
        In::Output => {
            "Nothing that was to be seen has that in it. Try a part of it, on one line; what has just ended is found some seconds later."
        }
    }
}

fn table(asked: &Asked, what: In, title: &str, hits: &[Hit]) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(title) {
            table {
                caption.unseen { (title) ", newest first" }
                thead { tr {
                    th.time scope="col" { "Time (" (time::zone()) ")" }
                    th.figure scope="col" { "Moment" }
                    th scope="col" { "Session" }
                    th.code scope="col" { @if what == In::Commands { "Command" } @else { "Line" } }
                    @if what == In::Output { th.code scope="col" { "Of the command" } }
                } }
                tbody { @for hit in hits { (row(asked, what, hit)) } }
            }
        }
    }
}

fn row(asked: &Asked, what: In, hit: &Hit) -> Markup {
    html! {
        tr tabindex="-1" {
            td.time data-label="Time" { (moment(hit.time)) }
            td.figure data-label="Moment" {
                a.play href=(session::address(&hit.session, hit.at)) hx-boost="false" title="Play it from here" {
                    "▶ " @if let Some(at) = hit.at { (session::clock(at)) }
                }
            }
            td.name data-label="Session" {
                (Foreign(&hit.subject).begin()) span.hint { " on " (Foreign(&hit.target).begin()) " as " (Foreign(&hit.target_user).begin()) }
            }
            td.code.main data-label=(if what == In::Commands { "Command" } else { "Line" }) { code { (around(&hit.text, &asked.text)) } }
            @if what == In::Output {
                td.code data-label="Command" { @if let Some(command) = &hit.command { code { (Foreign(command).begin()) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hit_leads_to_its_moment_and_what_goes_on_is_of_one_kind() {
        let hit = Hit {
            session: "id1".into(),
            at: Some(83.25),
            time: Time(0),
            subject: "a<b>".into(),
            target: "web-1".into(),
            target_user: "root".into(),
            text: "cat <Secret>".into(),
            command: Some("<i>".into()),
        };
        let asked = Asked { text: "<secret>".into(), ..Asked::default() };
        let found = [
            (In::Commands, Ok((vec![hit], Some("1.2".to_owned())))),
            (In::Output, Err("it <took> too long".to_owned())),
        ];
        let page = page(&asked, &found).into_string();
        for part in [
            "href=\"/admin/sessions/id1?t=83.25\"",
            "<mark><bdi>&lt;Secret&gt;</bdi></mark>",
            "href=\"/admin/search?text=%3Csecret%3E&amp;in=commands&amp;before=1.2\"",
            "it &lt;took&gt; too long",
            "value=\"&lt;secret&gt;\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }
}
