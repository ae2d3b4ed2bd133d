//! The page of a session. `content`: what it shows. `live`: what comes while it is open. `found`: lines of the recording that have
//! a text in them.

mod content;
mod found;
mod live;

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use casemate_web::layout;
use casemate_web::session;
use serde_json::json;

use super::{html, viewer};
use crate::api::connections;
use crate::api::question::only;
use crate::error::ApiError;
use crate::who::{Action, Gate};

pub(super) use found::found;
pub(super) use live::{film, live};

/// A session.
pub(super) async fn page(gate: Gate, Path(id): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::GetConnection, &id, json!({ "page": "session" })).await?;
    // A script goes to that moment.
    let [_at] = only(&uri, ["t"])?;
    let connection = connections::find(&gate, &caller, &id).await?;
    let mut session = content::of(&gate.app, &caller, &connection).await?;
    (session.looks, session.has_more_looks) = content::looks(&gate.app, &caller, &connection).await?;
    let title = format!("{} on {}", session.subject, session.target);
    Ok(html(layout::page(&title, session::ROOT, &viewer(&caller), &session::page(&session))))
}
