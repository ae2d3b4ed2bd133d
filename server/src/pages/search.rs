//! The page of the search: as the API's in commands, and in what was to be seen.

use axum::http::{StatusCode, Uri};
use axum::response::Response;
use casemate_audit_log::model::{Event, Log};
use casemate_web::layout;
use casemate_web::search::{self, Asked, Hit, In};

use super::logs::find;
use super::{html, viewer};
use crate::api::events::asked;
use crate::api::question::{Asks, Question, behind, only};
use crate::api::search::lines;
use crate::error::ApiError;
use crate::who::{Action, Caller, Gate};

/// Hits of each kind on a page.
const HITS: usize = 50;

/// Until it plays, a page shows what was before its moment. What came at one is to be seen at the next, a microsecond later.
const NEXT: f64 = 1e-6;

/// What was found.
pub(super) async fn page(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::SearchRecordings, "all", asked(&uri)?).await?;
    let [text, kind, behind] = only(&uri, ["text", "in", "before"])?;
    let kind = kind
        .map(|kind| In::named(&kind).ok_or_else(|| ApiError::field("in", "it is none of commands, output")));
    let question = Asked { text: text.unwrap_or_default(), only: kind.transpose()?, behind };
    if question.behind.is_some() && question.only.is_none() {
        return Err(ApiError::field("before", "it needs `in`: each kind goes on by itself"));
    }
    let mut found = Vec::new();
    if !question.text.is_empty() && question.is_in(In::Commands) {
        // It is a log of its own, and looking into it is written down as such.
        let caller = gate.pass(Action::ListEvents, Log::Command.name(), asked(&uri)?).await?;
        found.push((In::Commands, said(commands(&gate, &caller, &question).await)?));
    }
    if !question.text.is_empty() && question.is_in(In::Output) {
        found.push((In::Output, said(output(&gate, &caller, &question).await)?));
    }
    let content = search::page(&question, &found);
    Ok(html(layout::page(search::TITLE, search::ROOT, &viewer(&caller), &content)))
}

/// What took too long is said where it would stand; what was wrong to ask is wrong for the page.
pub(super) fn said<T>(found: Result<T, ApiError>) -> Result<Result<T, String>, ApiError> {
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(error)
            if error.status().is_server_error() || error.status() == StatusCode::UNPROCESSABLE_ENTITY =>
        {
            Ok(Err(error.message().to_owned()))
        }
        Err(error) => Err(error),
    }
}

/// As it is asked of the API, by the name that the text has there.
fn parameters(asked: &Asked, text: &str, count: &str) -> Vec<(String, String)> {
    let mut parameters = vec![(text.to_owned(), asked.text.clone()), (count.to_owned(), HITS.to_string())];
    parameters.extend(asked.behind.clone().map(|behind| ("before".to_owned(), behind)));
    parameters
}

async fn commands(
    gate: &Gate,
    caller: &Caller,
    asked: &Asked,
) -> Result<(Vec<Hit>, Option<String>), ApiError> {
    let mut question = Question::of(parameters(asked, "commandSearch", "eventCount"), Asks::Page)?;
    question.logs = vec![Log::Command];
    let found = find(gate, caller, question).await?;
    let last = found.last().filter(|_| found.len() == HITS);
    let more = last.map(|found| behind(found.position.time, found.position.row));
    let hits = found.into_iter().filter_map(|found| {
        let Event::Command(event) = found.event else { return None };
        Some(Hit {
            session: event.connection_id.clone(),
            at: event.offset,
            time: event.timestamp,
            subject: event.subject.subject_name.clone(),
            target: event.place.target_name.clone(),
            target_user: event.place.target_user.clone(),
            text: event.command.clone(),
            command: None,
        })
    });
    Ok((hits.collect(), more))
}

async fn output(gate: &Gate, caller: &Caller, asked: &Asked) -> Result<(Vec<Hit>, Option<String>), ApiError> {
    let (lines, rest) = lines(&gate.app, caller, parameters(asked, "text", "count")).await?;
    let hits = lines.into_iter().map(|line| Hit {
        session: line.connection_id,
        at: Some(line.offset + NEXT),
        time: line.timestamp,
        subject: line.subject_name,
        target: line.target_name,
        target_user: line.target_user,
        text: line.line,
        command: line.command,
    });
    Ok((hits.collect(), rest.map(|rest| rest.next)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_too_long_takes_no_other_half_along() {
        let said = |status| {
            let said = said::<()>(Err(ApiError::new(status, "Reason", "what")));
            said.map(Result::err).map_err(|error| error.status())
        };
        assert_eq!(said(StatusCode::UNPROCESSABLE_ENTITY), Ok(Some("what".into())));
        assert_eq!(said(StatusCode::SERVICE_UNAVAILABLE), Ok(Some("what".into())));
        assert_eq!(said(StatusCode::BAD_REQUEST), Err(StatusCode::BAD_REQUEST));
    }
}
