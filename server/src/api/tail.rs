//! Logs as they grow, by server-sent events.
//!
//! What is sent is read from the database behind a cursor, whoever wrote it: nothing is skipped and nothing comes twice,
//! also where the stream broke and goes on elsewhere. A commit only says that it is time to look.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::http::{HeaderMap, Uri};
use axum::response::Sse;
use axum::response::sse::{Event as Message, KeepAlive};
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{Event, Log};
use casemate_audit_log::verify::Row;
use casemate_audit_store::{Cursor, StoreError};
use futures_util::Stream;
use tokio::sync::watch;

use super::events::asked;
use super::question::{Asks, EventParameters, FilterParameters, Question};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Caller, Gate, Still};

/// Rows that are read at once, of each writer.
const ROWS: usize = 500;

/// Other servers write without telling us.
const LOOK: Duration = Duration::from_millis(200);

/// How often something is sent where nothing happens.
const ALIVE: Duration = Duration::from_secs(15);

/// Logs as they grow
///
/// Server-sent events: `event` is the log, `data` the event, `id` where to go on behind it. How a command ended comes as
/// `command-end`, with the id of the command. Without a cursor it begins now.
#[utoipa::path(get, path = "/events/tail", tag = "events",
    params(FilterParameters, EventParameters,
        ("logs" = Option<String>, Query, description = "Which logs, with commas between them; as a rule all."),
        ("cursor" = Option<String>, Query, description = "The last `id` that came; empty: from the very beginning."),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, as browsers send it.")),
    responses((status = 200, content_type = "text/event-stream", body = String), (status = "4XX", body = ErrorBody)))]
pub async fn tail(
    gate: Gate,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    let caller = gate.pass(Action::TailEvents, "all", asked(&uri)?).await?;
    let question = Question::parse(&uri, Asks::Tail)?;
    let tail = Tail::begin(&gate.app, caller, question, &headers).await?;
    let stream = futures_util::stream::unfold(tail, |mut tail| async move {
        let News { event, cursor, content } = tail.next().await?;
        Some((Ok(Message::default().event(event.log().name()).id(cursor).data(content)), tail))
    });
    Ok(Sse::new(stream).keep_alive(alive()))
}

/// What is sent so that whoever is between does not take us for dead.
pub(crate) fn alive() -> KeepAlive {
    KeepAlive::new().interval(ALIVE)
}

/// Where logs have got to, as a cursor.
///
/// # Errors
/// The database refuses.
pub(crate) async fn now(app: &App) -> Result<String, ApiError> {
    Ok(write(&heads(app).await?))
}

async fn heads(app: &App) -> Result<Cursor, ApiError> {
    Ok(app.database.heads().await?.into_iter().map(|head| (head.writer, head.seq)).collect())
}

/// An event that came, and where to go on behind it.
pub(crate) struct News {
    pub(crate) event: Event,
    pub(crate) cursor: String,
    /// As it stands in the log.
    content: String,
}

/// Somebody who follows logs.
pub(crate) struct Tail {
    app: App,
    still: Still,
    logs: Vec<Log>,
    filter: Option<Filter>,
    cursor: Cursor,
    committed: watch::Receiver<u64>,
    waiting: VecDeque<Row>,
}

impl Tail {
    /// Begins where the question or the browser says, or now.
    ///
    /// # Errors
    /// They say no such place, or the database refuses.
    pub(crate) async fn begin(
        app: &App,
        caller: Caller,
        question: Question,
        headers: &HeaderMap,
    ) -> Result<Self, ApiError> {
        let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        let committed = app.journal.committed();
        let filter = question.narrowed(&caller);
        let cursor = match resumed.or(question.cursor) {
            Some(text) => {
                parse(&text).ok_or_else(|| ApiError::field("cursor", "it is no `id` that came before"))?
            }
            None => heads(app).await?,
        };
        // Nothing of what is asked for may be known: then nothing comes.
        let still = Still::of(app, caller, Action::TailEvents);
        let (app, logs, waiting) = (app.clone(), question.logs, VecDeque::new());
        Ok(Self { app, still, logs, filter, cursor, committed, waiting })
    }

    /// The next event; none where the server ends or cannot go on: whoever listens comes again, with the cursor.
    pub(crate) async fn next(&mut self) -> Option<News> {
        loop {
            self.still.may().await.ok()?;
            while let Some(row) = self.waiting.pop_front() {
                self.cursor.insert(row.head.writer, row.head.seq);
                match self.wanted(row).await {
                    Ok(Some(news)) => return Some(news),
                    Ok(None) => {}
                    Err(error) => {
                        crate::say(format_args!("a tail ends: {error}"));
                        return None;
                    }
                }
            }
            self.committed.mark_unchanged();
            match self.app.database.after(&self.cursor, ROWS).await {
                Ok(rows) if !rows.is_empty() => self.waiting.extend(rows),
                Ok(_) => {
                    let heard = tokio::time::timeout(LOOK, self.committed.changed()).await;
                    if matches!(heard, Ok(Err(_))) {
                        return None;
                    }
                }
                Err(error) => {
                    crate::say(format_args!("a tail ends: {error}"));
                    return None;
                }
            }
        }
    }

    async fn wanted(&self, row: Row) -> Result<Option<News>, StoreError> {
        let Some(filter) = &self.filter else { return Ok(None) };
        let of = if row.log == Log::CommandEnd { Log::Command } else { row.log };
        let Some(content) = row.content.filter(|_| self.logs.contains(&of)) else { return Ok(None) };
        let content = content.to_string();
        let Ok(event) = Event::from_json(row.log, &content) else { return Ok(None) };
        let is_wanted = match &event {
            // An end is wanted where its command was.
            Event::CommandEnd(_) if *filter == Filter::default() => true,
            Event::CommandEnd(end) => {
                match self.app.database.event(Log::Command, Some(&end.connection_id), &end.id).await? {
                    Some(command) => filter.matches(command.time(), &command.facets()),
                    None => false,
                }
            }
            Event::Command(_)
            | Event::Kube(_)
            | Event::Connection(_)
            | Event::Subject(_)
            | Event::AgentStatusChange(_) => filter.matches(event.time(), &event.facets()),
        };
        Ok(is_wanted.then(|| News { event, cursor: write(&self.cursor), content }))
    }
}

/// How a cursor is written: `writer.number`, several with underscores between them.
fn write(cursor: &Cursor) -> String {
    let heads = cursor.iter().map(|(writer, seq)| format!("{}.{seq}", writer.simple()));
    heads.collect::<Vec<_>>().join("_")
}

fn parse(text: &str) -> Option<Cursor> {
    let heads = text.split('_').filter(|head| !head.is_empty()).map(|head| {
        let (writer, seq) = head.split_once('.')?;
        Some((writer.parse().ok()?, seq.parse().ok()?))
    });
    heads.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_read_as_it_was_written() {
        let cursor: Cursor = [(uuid::Uuid::from_u128(7), 3), (uuid::Uuid::from_u128(9), u64::MAX)].into();
        assert_eq!(parse(&write(&cursor)), Some(cursor));
        assert_eq!(parse(""), Some(Cursor::new()));
        for text in ["x", "7.3", "00000000000000000000000000000007", "00000000000000000000000000000007.-1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
