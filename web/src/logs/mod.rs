//! The logs as tables: for each a list of its columns, and what all of them have in common.
//!
//! A row is the same in a page, and where it comes by itself while the page is open.

pub mod commands;
mod common;
pub mod connection_events;
pub mod connections;
pub mod kubernetes;
pub mod user_events;

use std::ops::Deref;

use casemate_audit_log::Time;
use casemate_audit_log::model::{CommandEvent, ConnectionEvent, Event, KubernetesEvent, SubjectEvent};
use maud::{Markup, html};

pub use self::connections::Connection;
use crate::text::{Foreign, encoded};
use crate::time;
use crate::view::{Live, Order, Page, View, address, query};
use crate::{empty, event, filter};

/// A column of a table.
pub struct Column<T: 'static> {
    /// Its name in addresses: that of the field in the API.
    pub key: &'static str,
    /// What stands over it.
    pub label: &'static str,
    /// It is there where nobody chose.
    is_shown: bool,
    /// For the style: `time`, `figure`, `code`, `long` or nothing.
    class: &'static str,
    cell: fn(&T, &Shown<'_>) -> Markup,
}

impl<T> Column<T> {
    const fn shown(
        key: &'static str,
        label: &'static str,
        class: &'static str,
        cell: fn(&T, &Shown<'_>) -> Markup,
    ) -> Self {
        Self { key, label, is_shown: true, class, cell }
    }

    const fn more(
        key: &'static str,
        label: &'static str,
        class: &'static str,
        cell: fn(&T, &Shown<'_>) -> Markup,
    ) -> Self {
        Self { key, label, is_shown: false, class, cell }
    }
}

impl<T> Column<T> {
    /// The same, there where nobody chose.
    const fn seen(self) -> Self {
        Self { is_shown: true, ..self }
    }
}

/// How an event is shown: in a row of a view, or by itself, with all that is known of it.
#[derive(Debug)]
pub struct Shown<'v> {
    view: &'v View,
    /// Where all of it is; nothing where that is here.
    whole: Option<String>,
}

/// What stands in a row.
pub trait Listed: Sized + 'static {
    /// Its columns; the first one is the moment.
    const COLUMNS: &'static [Column<Self>];

    /// Its id.
    fn id(&self) -> &str;

    /// When it was.
    fn time(&self) -> Time;

    /// The connection that it is of.
    fn connection(&self) -> Option<&str>;

    /// How it stands, for the style.
    fn state(&self) -> &'static str {
        ""
    }
}

/// Something that stands in a row of a page.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "they are what they are of")]
pub enum Entry {
    Command(Box<CommandEvent>),
    Kubernetes(Box<KubernetesEvent>),
    Connection(Box<Connection>),
    ConnectionEvent(Box<ConnectionEvent>),
    UserEvent(Box<SubjectEvent>),
}

impl Entry {
    /// The row of an event; nothing of what has no page.
    #[must_use]
    pub fn of(event: Event) -> Option<Self> {
        match event {
            Event::Command(event) => Some(Self::Command(event)),
            Event::Kube(event) => Some(Self::Kubernetes(event)),
            Event::Connection(event) => Some(Self::ConnectionEvent(event)),
            Event::Subject(event) => Some(Self::UserEvent(event)),
            Event::CommandEnd(_) | Event::AgentStatusChange(_) => None,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Command(event) => event.id(),
            Self::Kubernetes(event) => event.id(),
            Self::Connection(connection) => connection.id(),
            Self::ConnectionEvent(event) => event.id(),
            Self::UserEvent(event) => event.id(),
        }
    }

    /// The connection that it is of.
    #[must_use]
    pub fn connection(&self) -> Option<&str> {
        match self {
            Self::Command(event) => event.connection(),
            Self::Kubernetes(event) => event.connection(),
            Self::Connection(connection) => connection.connection(),
            Self::ConnectionEvent(event) => event.connection(),
            Self::UserEvent(event) => event.connection(),
        }
    }

    /// Its row, with the place behind which a page can begin, where that is known.
    #[must_use]
    pub fn row(&self, view: &View, place: Option<&str>) -> Markup {
        match self {
            Self::Command(event) => row(&**event, view, place),
            Self::Kubernetes(event) => row(&**event, view, place),
            Self::Connection(connection) => row(&**connection, view, place),
            Self::ConnectionEvent(event) => row(&**event, view, place),
            Self::UserEvent(event) => row(&**event, view, place),
        }
    }

    /// All that is known of it, by the names of its columns.
    #[must_use]
    pub fn fields(&self, view: &View) -> Vec<(&'static str, Markup)> {
        match self {
            Self::Command(event) => fields(&**event, view),
            Self::Kubernetes(event) => fields(&**event, view),
            Self::Connection(connection) => fields(&**connection, view),
            Self::ConnectionEvent(event) => fields(&**event, view),
            Self::UserEvent(event) => fields(&**event, view),
        }
    }
}

/// A name of each column, what stands over it, and whether it is there where nobody chose.
fn columns(page: Page) -> Vec<(&'static str, &'static str, bool)> {
    fn of<T: Listed>() -> Vec<(&'static str, &'static str, bool)> {
        T::COLUMNS.iter().map(|column| (column.key, column.label, column.is_shown)).collect()
    }
    match page {
        Page::Commands => of::<CommandEvent>(),
        Page::KubernetesCommands => of::<KubernetesEvent>(),
        Page::Connections => of::<Connection>(),
        Page::ConnectionEvents => of::<ConnectionEvent>(),
        Page::UserEvents => of::<SubjectEvent>(),
    }
}

/// The names of all columns that a page can have.
pub fn keys(page: Page) -> impl Iterator<Item = &'static str> {
    columns(page).into_iter().map(|(key, ..)| key)
}

/// Whether a column is to be seen; that of the moment always is.
fn is_seen<T: Listed>(column: &Column<T>, view: &View) -> bool {
    let chosen = view.chosen().map(|columns| columns.contains(&column.key));
    chosen.unwrap_or(column.is_shown) || T::COLUMNS.first().is_some_and(|first| first.key == column.key)
}

fn row<T: Listed>(entry: &T, view: &View, place: Option<&str>) -> Markup {
    let shown = Shown { view, whole: Some(event::address(view.page, entry.id(), entry.connection())) };
    html! {
        tr id={ "e-" (encoded(entry.id())) } class=[Some(entry.state()).filter(|state| !state.is_empty())] data-place=[place] tabindex="-1" {
            @for column in T::COLUMNS.iter().filter(|column| is_seen(column, view)) {
                td class=(column.class) data-label=(column.label) { ((column.cell)(entry, &shown)) }
            }
        }
    }
}

fn fields<T: Listed>(entry: &T, view: &View) -> Vec<(&'static str, Markup)> {
    let shown = Shown { view, whole: None };
    let fields = T::COLUMNS.iter().map(|column| (column.label, (column.cell)(entry, &shown)));
    fields.filter(|(_, cell)| !cell.0.is_empty()).collect()
}

/// What was found for a view.
#[derive(Debug)]
pub struct Found {
    /// What is shown of it, each with the place behind which a page can begin.
    pub entries: Vec<(Entry, String)>,
    /// Where there is more.
    pub behind: Option<String>,
    /// Where what happens from now on begins.
    pub cursor: String,
    /// When it was asked.
    pub now: Time,
    /// That it was written down that somebody looks at it: what its page asks for by itself is a part of that.
    pub ticket: String,
    /// Where the server is that recordings are sent to.
    pub server: String,
}

/// The content of the page.
#[must_use]
pub fn page(view: &View, found: &Found) -> Markup {
    html! {
        div.head {
            h1 { (view.page.title()) }
            (tools(view, found))
        }
        (filter::bar(view, &found.ticket))
        @if view.page == Page::UserEvents { (looks(view)) }
        div #news {}
        div.wide tabindex="0" role="region" aria-label=(view.page.title()) {
            table #log data-page=(view.page.name()) data-live=[live(view, found)] {
                caption.unseen { (view.page.title()) @if view.order == Order::Newest { ", newest first" } @else { ", oldest first" } }
                thead { tr { (heads(view)) } }
                tbody { @for (entry, place) in &found.entries { (entry.row(view, Some(place))) } }
            }
        }
        @if found.entries.is_empty() {
            p.empty { (empty::of_log(view, &found.server)) }
        }
        nav.pager aria-label="Pages" {
            @if view.behind.is_some() { a #newest href=(view.begin().address()) { @if view.order == Order::Newest { "Newest" } @else { "Oldest" } } }
            @if let Some(behind) = &found.behind {
                @let next = View { behind: Some(behind.clone()), ..view.clone() };
                a #next rel="next" href=(next.address()) { @if view.order == Order::Newest { "Older" } @else { "Newer" } " →" }
            }
        }
    }
}

/// What is left out of a log of calls, and the way to the rest.
fn looks(view: &View) -> Markup {
    let other = View { own_looks: !view.own_looks, ..view.begin() }.address();
    html! {
        p.looks {
            @if view.leaves_out_looks() {
                "Lists that you have looked at yourself are left out: each page is a call. "
                a #own-looks href=(other) { "Show them" }
            } @else if view.own_looks {
                a #own-looks href=(other) { "Leave out lists that you have looked at yourself" }
            }
        }
    }
}

/// Where what happens from now on comes from, if it comes.
fn live(view: &View, found: &Found) -> Option<String> {
    view.can_grow().then(|| {
        let mut parameters = view.parameters();
        parameters.extend([("cursor", found.cursor.clone()), ("ticket", found.ticket.clone())]);
        format!("{}/live?{}", view.page.path(), query(&parameters))
    })
}

fn heads(view: &View) -> Markup {
    fn of<T: Listed>(view: &View) -> Markup {
        let order = match view.order {
            Order::Newest => ("descending", Order::Oldest, "oldest first", "↓"),
            Order::Oldest => ("ascending", Order::Newest, "newest first", "↑"),
        };
        let (sorted, other, title, sign) = order;
        html! {
            @for (index, column) in T::COLUMNS.iter().filter(|column| is_seen(column, view)).enumerate() {
                @if column.class == "time" && index == 0 {
                    th.time scope="col" aria-sort=(sorted) {
                        (column.label) " (" (time::zone()) ") "
                        a.sort href=(View { order: other, ..view.begin() }.address()) title=(title) aria-label=(title) { (sign) }
                    }
                } @else {
                    th class=(column.class) scope="col" {
                        (column.label) @if column.class == "time" { " (" (time::zone()) ")" }
                    }
                }
            }
        }
    }
    match view.page {
        Page::Commands => of::<CommandEvent>(view),
        Page::KubernetesCommands => of::<KubernetesEvent>(view),
        Page::Connections => of::<Connection>(view),
        Page::ConnectionEvents => of::<ConnectionEvent>(view),
        Page::UserEvents => of::<SubjectEvent>(view),
    }
}

/// What can be done with what is shown.
fn tools(view: &View, found: &Found) -> Markup {
    html! {
        div.tools {
            @if view.can_grow() {
                // A script makes it work, and shows it then.
                button #pause type="button" hidden aria-pressed=(view.live == Live::Paused) title="p" { "Pause" }
                span #live-state role="status" aria-live="polite" {}
                noscript { span.hint { "Without scripts, what is new comes when the page is loaded again." } }
            }
            (choose_columns(view))
            (export(view, found))
        }
    }
}

fn choose_columns(view: &View) -> Markup {
    let first = keys(view.page).next();
    html! {
        details.menu {
            summary { "Columns" }
            form #columns method="get" action=(view.page.path()) data-page=(view.page.name()) {
                @for (name, value) in view.begin().parameters().into_iter().filter(|(name, _)| *name != "columns") {
                    input type="hidden" name=(name) value=(value);
                }
                // So that none is a choice as well.
                input type="hidden" name="columns" value="";
                fieldset {
                    legend.unseen { "Columns" }
                    @for (key, label, is_shown) in columns(view.page) {
                        @if first != Some(key) {
                            @let is_chosen = view.chosen().map_or(is_shown, |chosen| chosen.contains(&key));
                            label { input type="checkbox" name="columns" value=(key) checked[is_chosen]; " " (label) }
                        }
                    }
                }
                button { "Show these" }
                a.button #usual href=(View { columns: None, ..view.begin() }.address()) { "The usual ones" }
            }
        }
    }
}

/// Forms in which what is shown can be taken away: all of it, not only this page.
fn export(view: &View, found: &Found) -> Markup {
    let path = if view.page == Page::Connections {
        "/api/v2/connections/export".to_owned()
    } else {
        format!("/api/v2/events/{}/export", view.page.log().name())
    };
    let title = view.page.title();
    html! {
        details.menu {
            summary { "Export" }
            ul hx-boost="false" {
                @for (form, name) in [("json", "JSON"), ("ndjson", "NDJSON"), ("csv", "CSV"), ("ocsf", "OCSF"), ("ecs", "ECS")] {
                    @let mut question = view.question(found.now);
                    @let () = question.push(("format", form.to_owned()));
                    li { a href=(address(&path, &question)) data-export={ (title) " as " (name) } download { (name) } }
                }
            }
        }
    }
}

/// A row that comes while a page is open, as text of a message.
#[must_use]
pub fn news(entry: &Entry, view: &View) -> String {
    entry.row(view, None).into_string()
}

/// The moment of an event, with the way to all of it.
fn moment<T: Listed>(entry: &T, shown: &Shown<'_>) -> Markup {
    let at = time::moment(entry.time());
    match &shown.whole {
        Some(whole) => html! { a.open href=(whole) { (at) } },
        None => at,
    }
}

/// A value by which can be asked: whoever clicks on it does.
fn asked(view: &View, parameter: &'static str, value: &str) -> Markup {
    if value.is_empty() || value == casemate_audit_log::model::NONE {
        return html! {};
    }
    // What an address cannot say is only shown.
    if value.contains([',', '\0']) || value.trim() != value {
        return html! { (Foreign(value).begin()) };
    }
    html! { a href=(view.only(parameter, value).address()) { (Foreign(value)) } }
}

/// The same of a value that may not be there.
fn asked_if(view: &View, parameter: &'static str, value: Option<&str>) -> Markup {
    asked(view, parameter, value.unwrap_or_default())
}

impl Shown<'_> {
    /// A text, whoever wrote it; where it is too long for a row, with the way to all of it.
    fn text(&self, value: &str) -> Markup {
        match &self.whole {
            _ if value.is_empty() => html! {},
            Some(whole) if Foreign(value).is_long() => {
                html! { (Foreign(value).begin()) " " a.open.whole href=(whole) { "all of it" } }
            }
            Some(_) | None => html! { (Foreign(value)) },
        }
    }

    /// A text as it stood in a terminal.
    fn code(&self, value: &str) -> Markup {
        if value.is_empty() {
            html! {}
        } else {
            html! { code { (self.text(value)) } }
        }
    }
}

impl Deref for Shown<'_> {
    type Target = View;

    fn deref(&self) -> &View {
        self.view
    }
}

fn figure(value: Option<impl std::fmt::Display>) -> Markup {
    html! { @if let Some(value) = value { (value.to_string()) } }
}

fn flag(value: bool) -> Markup {
    html! { @if value { "yes" } @else { "no" } }
}

#[cfg(test)]
mod tests;
