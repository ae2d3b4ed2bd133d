//! What is sent has to come in time: whoever sends byte by byte keeps nothing for as long as he likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use futures_util::stream::unfold;

use tokio::time::{Instant, timeout_at};

use crate::app::App;
use crate::error::ApiError;

/// Gives what is sent as long as the configuration says, all in all.
pub async fn in_time(State(app): State<App>, request: Request, next: Next) -> Response {
    if request.body().is_end_stream() {
        return next.run(request).await;
    }
    let seconds = app.config.limits.body_seconds;
    let latest = Instant::now() + Duration::from_secs(seconds.into());
    let is_late = Arc::new(AtomicBool::new(false));
    let late = Arc::clone(&is_late);
    let request = request.map(|body| {
        let pieces = unfold((body.into_data_stream(), late), move |(mut body, late)| async move {
            match timeout_at(latest, body.next()).await {
                Ok(piece) => piece.map(|piece| (piece.map_err(std::io::Error::other), (body, late))),
                Err(_) => {
                    late.store(true, Ordering::Relaxed);
                    Some((Err(std::io::ErrorKind::TimedOut.into()), (body, late)))
                }
            }
        });
        Body::from_stream(pieces)
    });
    let response = next.run(request).await;
    if is_late.load(Ordering::Relaxed) {
        let message = format!("what was sent did not come within {seconds} seconds");
        let error = ApiError::new(StatusCode::REQUEST_TIMEOUT, "TooSlow", message);
        return error.with_header(header::CONNECTION.as_str(), "close".to_owned()).into_response();
    }
    response
}
