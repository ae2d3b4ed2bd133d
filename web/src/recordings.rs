//! Recordings of sessions: by person, as BastionZero listed them, by target, or by time; each with what can be done with it.
//!
//! *Invariants*: what the viewer may not do, and what cannot be done as a recording is, is not offered. It works without a script.

use std::collections::BTreeMap;

use casemate_audit_log::Time;
use maud::{Markup, html};

use crate::text::{Foreign, encoded};
use crate::time::{self, duration, moment};
use crate::view::{View, address};
use crate::{filter, session};

/// Where they are.
pub const ROOT: &str = "/admin/session-recordings";

/// What they are called.
pub const TITLE: &str = "Session recordings";

/// What stands together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// What is one person's.
    #[default]
    Person,
    /// What was on one target.
    Target,
    /// All of it.
    Time,
}

impl By {
    /// All there are.
    pub const ALL: [Self; 3] = [Self::Person, Self::Target, Self::Time];

    /// As in addresses.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Target => "target",
            Self::Time => "time",
        }
    }

    /// That of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// A recording.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Its id, and that of its session.
    pub id: String,
    /// Whose session it is.
    pub subject: String,
    /// On what.
    pub target: String,
    /// As which account.
    pub target_user: String,
    /// When the session began.
    pub started: Time,
    /// And ended.
    pub ended: Option<Time>,
    /// In bytes.
    pub size: u64,
    /// Its session goes on.
    pub is_open: bool,
    /// Who wants it to stay, since when and why.
    pub hold: Option<String>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The latest first.
    pub recordings: Vec<Recording>,
    /// Where there is more.
    pub behind: Option<String>,
    /// What forms send along, if the viewer may delete.
    pub deletes: Option<String>,
}

/// The address of a view of them.
#[must_use]
pub fn of(view: &View, by: By) -> String {
    address(ROOT, &parameters(view, by))
}

fn parameters(view: &View, by: By) -> Vec<(&'static str, String)> {
    let mut parameters = view.parameters();
    parameters.extend(said(by));
    parameters
}

/// What stands in an address beside what is asked.
fn said(by: By) -> Option<(&'static str, String)> {
    (by != By::default()).then(|| ("by", by.name().to_owned()))
}

/// The content of the page.
#[must_use]
pub fn page(view: &View, by: By, found: &Found) -> Markup {
    let said: Vec<_> = said(by).into_iter().collect();
    html! {
        div.head {
            h1 { (TITLE) }
            nav.tools.choice aria-label="What stands together" {
                @for other in By::ALL {
                    a.button href=(of(&view.begin(), other)) aria-current=[(other == by).then_some("true")] { "By " (other.name()) }
                }
            }
        }
        (filter::bar_of(view, TITLE, ROOT, &said))
        @if found.recordings.is_empty() {
            p.empty {
                @if view.behind.is_some() { "There is nothing more." }
                @else if view.is_of_all() { "There is nothing yet." }
                @else { "Nothing is as the filter says." }
            }
        } @else {
            (groups(view, by, found))
        }
        nav.pager aria-label="Pages" {
            @if view.behind.is_some() { a #newest href=(of(&view.begin(), by)) { "Newest" } }
            @if let Some(behind) = &found.behind {
                a #next rel="next" href=(of(&View { behind: Some(behind.clone()), ..view.clone() }, by)) { "Older →" }
            }
        }
    }
}

fn groups(view: &View, by: By, found: &Found) -> Markup {
    let mut groups: BTreeMap<&str, Vec<&Recording>> = BTreeMap::new();
    for recording in &found.recordings {
        let group = match by {
            By::Person => &recording.subject,
            By::Target => &recording.target,
            By::Time => "",
        };
        groups.entry(group).or_default().push(recording);
    }
    if by == By::Time {
        let all: Vec<_> = found.recordings.iter().collect();
        return table(view, by, TITLE, &all, found);
    }
    // One is what somebody has asked for.
    let is_open = groups.len() == 1;
    html! {
        @for (name, recordings) in &groups {
            details.group open[is_open] {
                summary {
                    strong { (Foreign(name)) }
                    span.hint {
                        @if recordings.len() == 1 { "1 session" } @else { (recordings.len()) " sessions" }
                        @if let Some(latest) = recordings.first() { ", the latest " (moment(latest.started)) }
                    }
                }
                (table(view, by, name, recordings, found))
            }
        }
    }
}

fn table(view: &View, by: By, caption: &str, recordings: &[&Recording], found: &Found) -> Markup {
    html! {
        div.wide tabindex="0" role="region" aria-label=(caption) {
            table.recordings {
                caption.unseen { (Foreign(caption)) ", newest first" }
                thead { tr {
                    th.time scope="col" { "Began (" (time::zone()) ")" }
                    @if by != By::Person { th scope="col" { "SSO user" } }
                    @if by != By::Target { th scope="col" { "Target" } }
                    th scope="col" { "Target user" }
                    th.figure scope="col" { "Took" }
                    th.figure scope="col" { "Size" }
                    th.acts scope="col" { span.unseen { "What can be done" } }
                } }
                tbody { @for recording in recordings { (row(view, by, recording, found)) } }
            }
        }
    }
}

fn row(view: &View, by: By, recording: &Recording, found: &Found) -> Markup {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let took = recording.ended.map(|ended| duration((ended.0 - recording.started.0).max(0) as f64 / 1e6));
    html! {
        tr data-id=(recording.id) tabindex="-1" {
            td.time data-label="Began" { a href=(session::address(&recording.id, None)) hx-boost="false" { (moment(recording.started)) } }
            @if by != By::Person { td.name data-label="SSO user" { (Foreign(&recording.subject).begin()) } }
            @if by != By::Target { td.name data-label="Target" { (Foreign(&recording.target).begin()) } }
            td.name data-label="Target user" { (Foreign(&recording.target_user).begin()) }
            td.figure data-label="Took" { @if recording.is_open { span.state-open { "goes on" } } @else { (took.unwrap_or_default()) } }
            td.figure data-label="Size" { (size(recording.size)) }
            td.acts hx-boost="false" {
                a.button.view href=(session::address(&recording.id, None)) { "View" }
                a.button.download href={ "/api/v2/session-recordings/" (encoded(&recording.id)) } download { "Download" }
                @if let Some(csrf) = &found.deletes { (delete(view, by, recording, csrf)) }
            }
        }
    }
}

/// To delete it, or why that cannot be.
fn delete(view: &View, by: By, recording: &Recording, csrf: &str) -> Markup {
    let why_not = match &recording.hold {
        Some(hold) => Some(format!("On hold: {hold}")),
        None => recording.is_open.then(|| "Its session goes on: close that first".to_owned()),
    };
    if let Some(why_not) = why_not {
        let kind = if recording.hold.is_some() { "on hold" } else { "open" };
        return html! { span.hint.kept { (kind) span.unseen { ": " (Foreign(&why_not)) } } };
    }
    html! {
        details.act {
            summary.button { "Delete" }
            form method="post" action={ (ROOT) "/" (encoded(&recording.id)) "/delete" } {
                input type="hidden" name="csrf" value=(csrf);
                input type="hidden" name="next" value=(of(view, by));
                label { "Reason " input name="reason" required maxlength="500" autocomplete="off"; }
                button.danger { "Delete the recording" }
            }
        }
    }
}

/// `812 B`, `3.4 kB`, `1.2 MB`.
#[must_use]
pub fn size(bytes: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    let mut number = bytes as f64;
    let mut units = ["B", "kB", "MB", "GB", "TB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    for larger in units {
        if number < 999.95 {
            break;
        }
        (number, unit) = (number / 1000.0, larger);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{number:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Page;

    fn recording(id: &str, subject: &str, target: &str) -> Recording {
        Recording {
            id: id.into(),
            subject: subject.into(),
            target: target.into(),
            target_user: "root".into(),
            started: Time(0),
            ended: Some(Time(5_000_000)),
            size: 812,
            is_open: false,
            hold: None,
        }
    }

    fn shown(by: By, recordings: Vec<Recording>, deletes: Option<&str>) -> String {
        let found = Found { recordings, behind: Some("1.x".into()), deletes: deletes.map(str::to_owned) };
        page(&View::of(Page::Connections), by, &found).into_string()
    }

    #[test]
    fn what_is_one_persons_stands_together() {
        let three =
            vec![recording("1", "<bob>", "a"), recording("2", "alice", "b"), recording("3", "<bob>", "b")];
        let page = shown(By::Person, three.clone(), None);
        let at = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text} in {page}"));
        assert!(at("data-id=\"1\"") < at("data-id=\"3\"") && at("data-id=\"3\"") < at("data-id=\"2\""));
        assert!(page.contains("2 sessions") && page.contains("&lt;bob&gt;") && !page.contains("<bob>"));
        assert!(page.contains("href=\"/admin/session-recordings?before=1.x\""), "{page}");
        assert_eq!(shown(By::Time, three.clone(), None).matches("<table").count(), 1);
        assert!(shown(By::Target, three, None).contains("?before=1.x&amp;by=target\""));
    }

    #[test]
    fn what_cannot_be_deleted_is_not_offered_for_it() {
        let offers =
            |recording: Recording, deletes| shown(By::Time, vec![recording], deletes).contains("/delete\"");
        let one = || recording("1", "a", "b");
        assert!(offers(one(), Some("csrf")));
        assert!(!offers(one(), None));
        assert!(!offers(Recording { is_open: true, ..one() }, Some("csrf")));
        let held = Recording { hold: Some("bob: <case>".into()), ..one() };
        assert!(!offers(held.clone(), Some("csrf")));
        assert!(shown(By::Time, vec![held], Some("csrf")).contains("bob: &lt;case&gt;"));
    }

    #[test]
    fn sizes_are_as_people_write_them() {
        let sizes = [0, 999, 1000, 999_949, 999_951, 1_234_567_890].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1.2 GB"]);
    }
}
