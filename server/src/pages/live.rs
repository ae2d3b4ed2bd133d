//! Rows of a log as they come, by server-sent events: `row` has a new one, `change` one that may be on the page, `id` where to
//! go on behind it. It is the same tail as the API's.

use std::collections::BTreeSet;
use std::convert::Infallible;

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Sse;
use axum::response::sse::Event as Message;
use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionEventType, Event, Log, Standing};
use casemate_web::logs::{Entry, news};
use casemate_web::view::{Page, View};
use futures_util::Stream;

use super::logs::{named, part_of, row, tailed, view};
use crate::api::question::pairs;
use crate::api::tail::{News, Tail, alive};
use crate::app::App;
use crate::error::ApiError;
use crate::who::{Action, Gate};

/// What a row is to the page.
#[derive(Clone, Copy)]
enum Kind {
    /// It comes first.
    New,
    /// It takes the place of the one that is there, if it is.
    Change,
}

/// A log as it grows.
pub(super) async fn live(
    gate: Gate,
    Path(name): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    let page = named(&name)?;
    let caller = part_of(&gate, page, Action::TailEvents, &uri).await?;
    let view = view(page, &uri, &headers)?;
    let cursor = pairs(&uri)?.into_iter().find(|(name, _)| name == "cursor").map(|(_, cursor)| cursor);
    let tail = Tail::begin(&gate.app, caller, tailed(&view, Time::now(), cursor)?, &headers).await?;
    let rows = Rows { app: gate.app.clone(), tail, standings: standings(&view), view };
    let stream = futures_util::stream::unfold(rows, |mut rows| async move {
        let message = rows.next().await?;
        Some((Ok(message), rows))
    });
    Ok(Sse::new(stream).keep_alive(alive()))
}

/// How connections of a view have to stand; any way where it is none.
fn standings(view: &View) -> BTreeSet<Standing> {
    let asked = view.values.get("connectionState").map(Vec::as_slice).unwrap_or_default();
    asked.iter().filter_map(|name| name.parse().ok()).collect()
}

struct Rows {
    app: App,
    tail: Tail,
    view: View,
    standings: BTreeSet<Standing>,
}

impl Rows {
    /// The next row; none where the stream ends: whoever listens comes again.
    async fn next(&mut self) -> Option<Message> {
        loop {
            let News { event, cursor, .. } = self.tail.next().await?;
            match self.row(event).await {
                Ok(Some((kind, entry))) => {
                    let name = match kind {
                        Kind::New => "row",
                        Kind::Change => "change",
                    };
                    return Some(Message::default().event(name).id(cursor).data(news(&entry, &self.view)));
                }
                Ok(None) => {}
                Err(error) => {
                    crate::say(format_args!("a page goes on no more: {}", error.message()));
                    return None;
                }
            }
        }
    }

    async fn row(&self, event: Event) -> Result<Option<(Kind, Entry)>, ApiError> {
        match event {
            Event::CommandEnd(end) => {
                let begun = self.app.database.event(Log::Command, Some(&end.connection_id), &end.id).await?;
                let Some(Event::Command(mut command)) = begun else { return Ok(None) };
                command.result = end.result;
                Ok(Some((Kind::Change, Entry::Command(command))))
            }
            Event::Connection(happened) if self.view.page == Page::Connections => {
                let Ok(id) = happened.connection_id.parse() else { return Ok(None) };
                let Some(connection) = self.app.connections.get(id).await? else { return Ok(None) };
                if !self.view.search.is_empty() && !connection.has(&self.view.search) {
                    return Ok(None);
                }
                let Entry::Connection(shown) = row(&connection) else { return Ok(None) };
                // One that begins is pending at first: who asks for others wants it when it has become one of them.
                let is_wanted = if self.standings.is_empty() {
                    happened.connection_event_type == ConnectionEventType::Created
                } else {
                    connection.is_living() && self.standings.contains(&shown.standing())
                };
                let kind = if is_wanted { Kind::New } else { Kind::Change };
                Ok(Some((kind, Entry::Connection(shown))))
            }
            event @ (Event::Command(_)
            | Event::Kube(_)
            | Event::Connection(_)
            | Event::Subject(_)
            | Event::AgentStatusChange(_)) => Ok(Entry::of(event).map(|entry| (Kind::New, entry))),
        }
    }
}
