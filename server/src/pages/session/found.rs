//! Lines that were to be seen in a session, and have a text in them: as the API finds them.

use axum::extract::Path;
use axum::http::Uri;
use axum::response::Response;
use casemate_web::session::{self, Line};

use crate::api::connections;
use crate::api::events::asked;
use crate::api::question::pairs;
use crate::api::search::lines;
use crate::error::ApiError;
use crate::pages::html;
use crate::who::{Action, Gate};

/// Lines that are found at once.
const LINES: usize = 200;

/// What was found, in the order of time.
pub(in crate::pages) async fn found(
    gate: Gate,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::SearchRecordings, &id, asked(&uri)?).await?;
    let connection = connections::find(&gate, &caller, &id).await?;
    let mut text = String::new();
    for (name, value) in pairs(&uri)? {
        match &*name {
            "text" => text = value,
            _ => return Err(ApiError::field(&name, "there is no such parameter here")),
        }
    }
    let question =
        [("text", text.clone()), ("connectionIds", connection.id.to_string()), ("count", LINES.to_string())];
    let question = question.map(|(name, value)| (name.to_owned(), value)).into();
    let (found, more) = lines(&gate.app, &caller, question).await?;
    let mut found: Vec<Line> =
        found.into_iter().map(|line| Line { at: line.offset, text: line.line }).collect();
    found.sort_by(|one, other| one.at.total_cmp(&other.at));
    Ok(html(session::found(&connection.id.to_string(), &found, more.is_some(), &text)))
}
