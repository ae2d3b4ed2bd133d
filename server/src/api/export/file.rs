//! A file, made piece by piece as somebody takes it.

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::export::{Export, Form};
use casemate_audit_log::filter::Filter;
use casemate_audit_store::Page;
use futures_util::stream::try_unfold;

use super::progress::Running;
use crate::api::question::Question;
use crate::app::App;
use crate::error::ApiError;
use crate::who::Caller;

/// Events that are read at once.
pub(super) const EVENTS: usize = 1000;

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
}

impl Events {
    /// What somebody asks for, as far as he may know it; and whether he asks for all of it.
    pub(super) fn of(app: &App, caller: &Caller, export: Export, mut question: Question) -> (Self, bool) {
        let is_all = question.filter == Filter::default() && question.own_looks;
        let filter = question.narrowed(caller);
        question.limit = EVENTS;
        (Self { app: app.clone(), export, question, filter }, is_all)
    }
}

impl Pieces for Events {
    fn head(&self) -> Vec<u8> {
        self.export.head()
    }

    async fn next(&mut self) -> Result<Piece, ApiError> {
        let found = match &self.filter {
            Some(filter) => {
                let page = Page { filter: filter.clone(), ..self.question.page() };
                self.app.database.page(page).await?
            }
            None => Vec::new(),
        };
        let mut bytes = Vec::new();
        for found in &found {
            let event = self.export.event(&found.event, None);
            bytes.extend(event.map_err(|error| ApiError::invalid(error.to_string()))?);
        }
        self.question.behind = found.last().map(|found| found.position);
        let is_end = found.len() < EVENTS;
        if is_end {
            bytes.extend(self.export.tail());
        }
        let last = found.last().map(|found| found.position.time);
        Ok(Piece { bytes, events: found.len(), last, is_end })
    }
}

/// A file of such parts, under a name that says what it is.
pub(super) fn file(running: Running, pieces: impl Pieces, form: Form, name: &str, is_all: bool) -> Response {
    let now: String =
        Time::now().to_string().chars().take(19).filter(|character| *character != ':').collect();
    let part = if is_all { "" } else { "-filtered" };
    let name = format!("attachment; filename=\"casemate-{name}{part}-{now}Z.{}\"", form.extension());
    let stream =
        try_unfold((running, pieces, true, false), |(running, mut pieces, is_first, is_end)| async move {
            if is_end {
                running.complete();
                return Ok::<_, ApiError>(None);
            }
            let mut bytes = if is_first { pieces.head() } else { Vec::new() };
            let piece = tokio::select! {
                piece = pieces.next() => piece?,
                () = running.stopped() => return Err(ApiError::invalid("somebody has stopped it")),
            };
            bytes.extend(piece.bytes);
            running.add(piece.events, bytes.len(), piece.last);
            Ok(Some((Bytes::from(bytes), (running, pieces, false, piece.is_end))))
        });
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
