//! Recordings of sessions: by person, as BastionZero listed them, by target, or by time; each with what can be done with it.
//!
//! Whose there are is counted over all of them; beneath each name stand the first few, and it leads to a list of its own.
//!
//! *Invariants*: what the viewer may not do, and what cannot be done as a recording is, is not offered. It works without a script.

use casemate_audit_log::Time;
use maud::{Markup, html};

use crate::text::{Foreign, encoded};
use crate::time::{self, duration, moment};
use crate::view::{Order, Page, View, address};
use crate::{empty, filter, session};

/// Where they are.
pub const ROOT: &str = "/admin/session-recordings";

/// What they are called.
pub const TITLE: &str = "Session recordings";

/// Names on a page: with [`EACH`] it is of some 90 kB.
pub const NAMES: usize = 10;

/// Recordings beneath a name.
pub const EACH: usize = 5;

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
    /// Where there is a picture of it.
    pub still: Option<String>,
    /// Who wants it to stay, since when and why.
    pub hold: Option<String>,
}

/// Recordings that stand together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Whose they are, or on what.
    pub name: String,
    /// How many.
    pub count: u64,
    /// When the latest began.
    pub latest: Time,
    /// How long those that are over took, in microseconds.
    pub total: i64,
    /// The first few of them, in the order that was asked for.
    pub recordings: Vec<Recording>,
}

/// What stands in an address beside what is asked of all lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// What stands together.
    pub by: By,
    /// Those of this one alone.
    pub of: Option<String>,
    /// Names behind this one.
    pub after: Option<String>,
}

/// What was found.
#[derive(Clone, Debug)]
pub enum Found {
    /// Whose there are, in the order of names.
    Groups {
        /// Each name once.
        groups: Vec<Group>,
        /// There are more.
        has_more: bool,
        /// What forms send along, if the viewer may delete.
        deletes: Option<String>,
    },
    /// Some.
    Recordings {
        /// In the order that was asked for.
        recordings: Vec<Recording>,
        /// Where there is more.
        behind: Option<String>,
        /// What forms send along, if the viewer may delete.
        deletes: Option<String>,
    },
}

impl Asked {
    /// Whether names are asked for, and not recordings.
    #[must_use]
    pub fn is_of_groups(&self) -> bool {
        self.by != By::Time && self.of.is_none()
    }

    /// All that stands together so.
    fn all(by: By) -> Self {
        Self { by, ..Self::default() }
    }

    fn parameters(&self) -> Vec<(&'static str, String)> {
        let by = (self.by != By::default()).then(|| ("by", self.by.name().to_owned()));
        let of = self.of.clone().map(|of| ("of", of));
        let after = self.after.clone().map(|after| ("after", after));
        by.into_iter().chain(of).chain(after).collect()
    }
}

/// The address of a view of them.
#[must_use]
pub fn of(view: &View, asked: &Asked) -> String {
    let mut parameters = view.parameters();
    parameters.extend(asked.parameters());
    address(ROOT, &parameters)
}

/// The content of the page; names are offered in it with a ticket, and recordings are sent to a server at that address.
#[must_use]
pub fn page(view: &View, asked: &Asked, found: &Found, ticket: &str, server: &str) -> Markup {
    let begin = view.begin();
    let first = Asked { after: None, ..asked.clone() };
    let is_first = view.behind.is_none() && asked.after.is_none();
    let is_empty = match found {
        Found::Groups { groups, .. } => groups.is_empty(),
        Found::Recordings { recordings, .. } => recordings.is_empty(),
    };
    html! {
        div.head {
            h1 { (TITLE) }
            nav.tools.choice aria-label="What stands together" {
                @for by in By::ALL {
                    a.button href=(of(&begin, &Asked::all(by))) aria-current=[(by == asked.by).then_some("true")] { "By " (by.name()) }
                }
            }
        }
        (filter::bar_of(view, TITLE, ROOT, &first.parameters(), ticket))
        @if let Some(name) = &asked.of {
            div.of {
                h2 { (Foreign(name).begin()) }
                a href=(of(&begin, &Asked::all(asked.by))) { "All " (plural(asked.by)) }
            }
        }
        @if is_empty {
            p.empty {
                @if !is_first { "There is nothing more." }
                @else if !view.is_of_all() { (empty::nothing_as(&of(&view.all(), &first))) }
                @else if asked.of.is_some() { "Nothing is recorded of that name: above is the way to all of them." }
                @else { (empty::nothing_yet(Page::Connections, server)) }
            }
        } @else {
            @match found {
                Found::Groups { groups, deletes, .. } => {
                    (table(view, asked, &html! {
                        @for (number, one) in groups.iter().enumerate() { (group(view, asked, number, one, deletes.as_deref())) }
                    }))
                }
                Found::Recordings { recordings, deletes, .. } => {
                    (table(view, asked, &html! {
                        tbody { (rows(asked.by, recordings, deletes.as_deref(), &of(view, asked))) }
                    }))
                }
            }
        }
        nav.pager aria-label="Pages" {
            @if !is_first { a #newest href=(of(&begin, &first)) { @if asked.is_of_groups() { "First" } @else if view.order == Order::Newest { "Newest" } @else { "Oldest" } } }
            @match found {
                Found::Groups { groups, has_more: true, .. } => {
                    @let after = groups.last().map(|last| last.name.clone());
                    a #next rel="next" href=(of(view, &Asked { after, ..asked.clone() })) { "More →" }
                },
                Found::Recordings { behind: Some(behind), .. } => {
                    @let next = View { behind: Some(behind.clone()), ..view.clone() };
                    a #next rel="next" href=(of(&next, asked)) { @if view.order == Order::Newest { "Older" } @else { "Newer" } " →" }
                },
                Found::Groups { .. } | Found::Recordings { .. } => {}
            }
        }
    }
}

/// What a name is of, and many of that.
const fn plural(by: By) -> &'static str {
    match by {
        By::Person => "persons",
        By::Target => "targets",
        By::Time => "",
    }
}

/// What somebody has, or what there is on a target: how much, and the first few.
fn group(view: &View, asked: &Asked, number: usize, group: &Group, deletes: Option<&str>) -> Markup {
    let one = of(&view.begin(), &Asked { by: asked.by, of: Some(group.name.clone()), after: None });
    // Whoever deletes one comes back to where it was.
    let place = format!("of-{number}");
    let back = format!("{}#{place}", of(view, asked));
    html! {
        tbody.group #(place) {
            tr tabindex="-1" {
                th scope="rowgroup" colspan="3" { h2 { a.view href=(one) { (Foreign(&group.name).begin()) } } }
                td.sum colspan=(COLUMNS - 3) {
                    span { (group.count) @if group.count == 1 { " session" } @else { " sessions" } }
                    span { "latest " (moment(group.latest)) }
                    @if group.total > 0 { span title="Those that are over" { (length(group.total)) " in all" } }
                    @if group.count > group.recordings.len() as u64 { a.all href=(one) { "All " (group.count) } }
                }
            }
            (rows(asked.by, &group.recordings, deletes, &back))
        }
    }
}

/// Microseconds for people.
fn length(micros: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "for people")]
    duration(micros.max(0) as f64 / 1e6)
}

/// Columns where it is said once, above, whose they are or on what.
const COLUMNS: usize = 7;

/// The table, with what stands in it.
fn table(view: &View, asked: &Asked, bodies: &Markup) -> Markup {
    let by = asked.by;
    let (sorted, other, title, sign) = match view.order {
        Order::Newest => ("descending", Order::Oldest, "oldest first", "↓"),
        Order::Oldest => ("ascending", Order::Newest, "newest first", "↑"),
    };
    let turned = View { order: other, ..view.begin() };
    html! {
        div.wide tabindex="0" role="region" aria-label=(TITLE) {
            table.recordings {
                caption.unseen {
                    (Foreign(asked.of.as_deref().unwrap_or(TITLE)))
                    @if asked.is_of_groups() { ", the first few by " (by.name()) }
                    @if view.order == Order::Newest { ", newest first" } @else { ", oldest first" }
                }
                thead { tr {
                    th.still scope="col" { span.unseen { "Still" } }
                    th.time scope="col" aria-sort=(sorted) {
                        "Began (" (time::zone()) ") "
                        a.sort href=(of(&turned, asked)) title=(title) aria-label=(title) { (sign) }
                    }
                    @if by != By::Person { th scope="col" { "SSO user" } }
                    @if by != By::Target { th scope="col" { "Target" } }
                    th scope="col" { "Target user" }
                    th.figure scope="col" { "Took" }
                    th.figure scope="col" { "Size" }
                    th.acts scope="col" { span.unseen { "What can be done" } }
                } }
                (bodies)
            }
        }
    }
}

/// Rows; whoever deletes one comes back to where he was.
fn rows(by: By, recordings: &[Recording], deletes: Option<&str>, back: &str) -> Markup {
    html! { @for recording in recordings { (row(by, recording, deletes, back)) } }
}

fn row(by: By, recording: &Recording, deletes: Option<&str>, back: &str) -> Markup {
    let took = recording.ended.map(|ended| length(ended.0.saturating_sub(recording.started.0)));
    let session = session::address(&recording.id, None);
    html! {
        tr data-id=(recording.id) tabindex="-1" hx-boost="false" {
            td.still {
                // It leads where the moment beside it does.
                a href=(session) tabindex="-1" aria-hidden="true" {
                    @if let Some(still) = &recording.still { img src=(still) alt="" loading="lazy"; }
                    @if recording.is_open { span { "live" } }
                }
            }
            td.time data-label="Began" { a href=(session) { (moment(recording.started)) } }
            @if by != By::Person { td.name data-label="SSO user" { (Foreign(&recording.subject).begin()) } }
            @if by != By::Target { td.name data-label="Target" { (Foreign(&recording.target).begin()) } }
            td.name data-label="Target user" { (Foreign(&recording.target_user).begin()) }
            td.figure data-label="Took" { @if recording.is_open { span.state-open { "goes on" } } @else { (took.unwrap_or_default()) } }
            td.figure data-label="Size" { (size(recording.size)) }
            td.acts {
                a.button.view href=(session) { "View" }
                a.button.download href={ "/api/v2/session-recordings/" (encoded(&recording.id)) } download { "Download" }
                @if let Some(csrf) = deletes { (delete(recording, csrf, back)) }
            }
        }
    }
}

/// To delete it, or why that cannot be.
fn delete(recording: &Recording, csrf: &str, back: &str) -> Markup {
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
                input type="hidden" name="next" value=(back);
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
            still: Some(format!("/still?{id}&x")),
            hold: None,
        }
    }

    fn shown(asked: &Asked, recordings: Vec<Recording>, deletes: Option<&str>) -> String {
        let deletes = deletes.map(str::to_owned);
        let found = Found::Recordings { recordings, behind: Some("1.x".into()), deletes };
        page(&View::of(Page::Connections), asked, &found, "t", "http://s").into_string()
    }

    fn group(name: &str, count: u64, recordings: Vec<Recording>) -> Group {
        Group { name: name.into(), count, latest: Time(0), total: 90_000_000, recordings }
    }

    #[test]
    fn each_name_has_its_first_few_and_leads_to_what_is_its_own() {
        let view = View::parse(Page::Connections, [("targetNames", "web-1"), ("sort", "asc")]).unwrap();
        let groups = vec![
            group("<a>,b", 3, vec![recording("1", "<a>,b", "web-1"), recording("2", "<a>,b", "web-1")]),
            group("carol", 1, vec![recording("3", "carol", "web-1")]),
        ];
        let found = Found::Groups { groups, has_more: true, deletes: Some("csrf".into()) };
        let asked = Asked { after: Some("A".into()), ..Asked::all(By::Person) };
        let names = page(&view, &asked, &found, "t", "http://s").into_string();
        let his = "href=\"/admin/session-recordings?targetNames=web-1&amp;sort=asc&amp;of=%3Ca%3E,b\"";
        for part in [
            &format!("<a class=\"view\" {his}><bdi>&lt;a&gt;,b</bdi></a>"),
            &format!("<a class=\"all\" {his}>All 3</a>"),
            "<span>1 session</span>",
            "id=\"next\" rel=\"next\" href=\"/admin/session-recordings?targetNames=web-1&amp;sort=asc&amp;after=carol\"",
            "name=\"next\" value=\"/admin/session-recordings?targetNames=web-1&amp;sort=asc&amp;after=A#of-0\"",
            "name=\"next\" value=\"/admin/session-recordings?targetNames=web-1&amp;sort=asc&amp;after=A#of-1\"",
        ] {
            assert!(names.contains(part), "{part} in {names}");
        }
        // What is all there leads nowhere else; whose they are is said once.
        assert!(!names.contains("All 1") && !names.contains("data-label=\"SSO user\""), "{names}");
        let at: Vec<_> = ["&lt;a&gt;", "data-id=\"1\"", "data-id=\"2\"", "<bdi>carol", "data-id=\"3\""]
            .map(|part| names.find(part).unwrap())
            .into();
        assert!(at.is_sorted(), "{at:?}");
        assert_eq!(names.matches("/delete\"").count(), 3);
    }

    #[test]
    fn a_page_of_names_is_light() {
        let uuid = |number: u64| format!("0190f3c1-7a2e-7c44-9d3b-{number:012x}");
        let of_one = |person: usize| {
            let one = |number: usize| {
                let id = uuid((person * EACH + number) as u64);
                let still = format!("{ROOT}/{id}/still.svg?ticket={}", "x".repeat(80));
                Recording { still: Some(still), ..recording(&id, "", "ip-10-0-17-233.eu-central-1") }
            };
            group(&format!("firstname.lastname-{person}@example.com"), 1000, (0..EACH).map(one).collect())
        };
        let groups = (0..NAMES).map(of_one).collect();
        let found = Found::Groups { groups, has_more: true, deletes: Some("c".repeat(48)) };
        let asked = Asked { after: Some("somebody.else@example.com".into()), ..Asked::all(By::Person) };
        let page = page(&View::of(Page::Connections), &asked, &found, "t", "http://s").into_string();
        assert!(page.len() < 95_000, "{} bytes", page.len());
    }

    #[test]
    fn what_is_one_persons_can_be_listed_alone() {
        assert!(
            shown(&Asked::all(By::Time), vec![recording("2", "a", "b")], None)
                .contains("<img src=\"/still?2&amp;x\" alt=\"\" loading=\"lazy\">")
        );
        let his = Asked { by: By::Target, of: Some("web-1".into()), after: None };
        let shown = shown(&his, vec![recording("1", "<bob>", "web-1")], None);
        assert!(shown.contains("?before=1.x&amp;by=target&amp;of=web-1\"") && shown.contains("All targets"));
        assert!(shown.contains("&lt;bob&gt;") && !shown.contains("<bob>"), "{shown}");
        // What is asked for in the bar is asked of the same.
        assert!(shown.contains("<input type=\"hidden\" name=\"of\" value=\"web-1\">"), "{shown}");
    }

    #[test]
    fn what_cannot_be_deleted_is_not_offered_for_it() {
        let by_time = Asked::all(By::Time);
        let offers =
            |recording: Recording, deletes| shown(&by_time, vec![recording], deletes).contains("/delete\"");
        let one = || recording("1", "a", "b");
        assert!(offers(one(), Some("csrf")));
        assert!(!offers(one(), None));
        assert!(!offers(Recording { is_open: true, ..one() }, Some("csrf")));
        let held = Recording { hold: Some("bob: <case>".into()), ..one() };
        assert!(!offers(held.clone(), Some("csrf")));
        assert!(shown(&by_time, vec![held], Some("csrf")).contains("bob: &lt;case&gt;"));
    }

    #[test]
    fn sizes_are_as_people_write_them() {
        let sizes = [0, 999, 1000, 999_949, 999_951, 1_234_567_890].map(size);
        assert_eq!(sizes, ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "1.2 GB"]);
    }
}
