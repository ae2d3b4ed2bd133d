//! A file, made piece by piece as somebody takes it.

use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::export::{Export, Form};
use casemate_audit_log::filter::Filter;
use casemate_audit_store::{Found, Order, Page, StoreError};
use futures_util::stream::try_unfold;

use super::progress::Running;
use crate::api::question::Question;
use crate::app::App;
use crate::error::ApiError;
use crate::who::{Caller, Still};

/// Events that are read at once, at most.
pub(super) const EVENTS: usize = 1000;

/// Events that are read at first: nobody knows how large they are.
const FIRST: usize = 50;

/// A piece is to be no larger than this, in bytes of the file.
const PIECE: usize = 4 << 20;

/// How long it may take to read a piece, and from when on it is to be smaller. Where it takes longer, and it is not the
/// smallest, it is tried again with less.
const WITHIN: Duration = Duration::from_secs(10);
const SLOW: Duration = Duration::from_secs(1);

/// A part of a file.
#[derive(Default)]
pub(super) struct Piece {
    pub(super) bytes: Vec<u8>,
    /// So many events are in it.
    pub(super) events: usize,
    /// Of when the last of them is.
    pub(super) last: Option<Time>,
    /// Nothing comes behind it.
    pub(super) is_end: bool,
}

/// What gives the parts of a file.
pub(super) trait Pieces: Send + 'static {
    /// What comes before all of them.
    fn head(&self) -> Vec<u8>;

    /// The next one.
    fn next(&mut self) -> impl Future<Output = Result<Piece, ApiError>> + Send;
}

/// Events of logs.
pub(super) struct Events {
    app: App,
    export: Export,
    question: Question,
    /// None where nothing of it may be known.
    filter: Option<Filter>,
    /// The file has begun.
    has_begun: bool,
}

impl Events {
    /// What somebody asks for, as far as he may know it; and whether he asks for all of it.
    pub(super) fn of(app: &App, caller: &Caller, export: Export, mut question: Question) -> (Self, bool) {
        let is_all = question.filter == Filter::default() && question.own_looks;
        let filter = question.narrowed(caller);
        question.limit = FIRST;
        (Self { app: app.clone(), export, question, filter, has_begun: false }, is_all)
    }

    async fn read(&mut self) -> Result<Vec<Found>, ApiError> {
        let Some(filter) = self.filter.clone() else { return Ok(Vec::new()) };
        loop {
            let page = Page { filter: filter.clone(), within: WITHIN, ..self.question.page() };
            match self.app.database.page(page).await {
                Err(StoreError::TooLong { .. }) if self.question.limit > 1 => {
                    self.question.limit = (self.question.limit / 10).max(1);
                }
                found => return Ok(found?),
            }
        }
    }

    /// Where the oldest come first it would never end while something is written: what comes later than now, and later than all
    /// that is there, is not in it.
    async fn end_here(&mut self) -> Result<(), ApiError> {
        let Some(filter) = self.filter.as_mut().filter(|_| self.question.order == Order::Oldest) else {
            return Ok(());
        };
        let now = Time::now();
        let last = Page {
            filter: filter.clone(),
            order: Order::Newest,
            limit: 1,
            within: WITHIN,
            ..self.question.page()
        };
        let last = self.app.database.page(last).await?.pop().map_or(now, |last| last.position.time.max(now));
        filter.end = Some(filter.end.map_or(last, |end| end.min(last)));
        Ok(())
    }
}

/// How many events are read next, by what came of those that were read last.
fn next_limit(limit: usize, bytes: usize, took: Duration) -> usize {
    if bytes > PIECE || took > SLOW {
        (limit / 4).max(1)
    } else if bytes < PIECE / 4 && took < SLOW / 4 {
        (limit * 2).min(EVENTS)
    } else {
        limit
    }
}

impl Pieces for Events {
    fn head(&self) -> Vec<u8> {
        self.export.head()
    }

    async fn next(&mut self) -> Result<Piece, ApiError> {
        if !self.has_begun {
            self.has_begun = true;
            self.end_here().await?;
        }
        let begin = Instant::now();
        let found = self.read().await?;
        let mut bytes = Vec::new();
        for found in &found {
            let event = self.export.event(&found.event, None);
            bytes.extend(event.map_err(|error| ApiError::invalid(error.to_string()))?);
        }
        self.question.behind = found.last().map(|found| found.position);
        let is_end = found.len() < self.question.limit;
        self.question.limit = next_limit(self.question.limit, bytes.len(), begin.elapsed());
        if is_end {
            bytes.extend(self.export.tail());
        }
        let last = found.last().map(|found| found.position.time);
        Ok(Piece { bytes, events: found.len(), last, is_end })
    }
}

/// A file of such parts, under a name that says what it is.
pub(super) fn file(
    running: Running,
    still: Still,
    pieces: impl Pieces,
    form: Form,
    name: &str,
    is_all: bool,
) -> Response {
    let now: String =
        Time::now().to_string().chars().take(19).filter(|character| *character != ':').collect();
    let part = if is_all { "" } else { "-filtered" };
    let name = format!("attachment; filename=\"casemate-{name}{part}-{now}Z.{}\"", form.extension());
    let stream = try_unfold(
        (running, still, pieces, true, false),
        |(running, mut still, mut pieces, is_first, is_end)| async move {
            if is_end {
                running.complete();
                return Ok::<_, ApiError>(None);
            }
            still.may().await?;
            let mut bytes = if is_first { pieces.head() } else { Vec::new() };
            let piece = tokio::select! {
                piece = pieces.next() => piece?,
                () = running.stopped() => return Err(ApiError::invalid("somebody has stopped it")),
            };
            bytes.extend(piece.bytes);
            running.add(piece.events, bytes.len(), piece.last);
            Ok(Some((Bytes::from(bytes), (running, still, pieces, false, piece.is_end))))
        },
    );
    let headers =
        [(header::CONTENT_TYPE, form.content_type().to_owned()), (header::CONTENT_DISPOSITION, name)];
    (headers, Body::from_stream(ended(stream))).into_response()
}

/// What goes wrong amid a stream breaks it off: whoever reads must not take it for whole.
pub(super) fn ended<S>(stream: S) -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>>
where
    S: futures_util::Stream<Item = Result<Bytes, ApiError>>,
{
    use futures_util::StreamExt as _;
    stream.map(|bytes| bytes.map_err(|error| std::io::Error::other(error.message().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_as_large_as_memory_and_time_allow() {
        let (quick, slow) = (Duration::from_millis(5), Duration::from_secs(3));
        assert_eq!(next_limit(FIRST, 1000, quick), 2 * FIRST);
        assert_eq!(next_limit(EVENTS, 1000, quick), EVENTS);
        assert_eq!(next_limit(EVENTS, PIECE + 1, quick), EVENTS / 4);
        assert_eq!(next_limit(EVENTS, 1000, slow), EVENTS / 4);
        assert_eq!(next_limit(1, 1 << 30, slow), 1);
        // Events of one size come to rest.
        let size = 150_000;
        let rest = (0..20).fold(FIRST, |limit, _| next_limit(limit, limit * size, quick));
        assert!(rest * size <= 2 * PIECE && rest * size >= PIECE / 8, "{rest}");
    }
}
