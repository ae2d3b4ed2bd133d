//! Names that stand in the logs, for whoever begins to type one.

use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::http::Uri;
use casemate_audit_log::model::Log;
use casemate_audit_store::{Facet, Names};

use super::events::asked;
use super::question::{count, logs, pairs};
use crate::error::{ApiError, ErrorBody};
use crate::who::{Action, Caller, Gate, Reach};

/// Names in an answer, where nobody says how many.
const NAMES: usize = 20;

/// Names in an answer at most.
const MOST: usize = 1000;

/// Whoever types does not wait longer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Names that stand in a field of a log
///
/// Those that begin with what was typed first, then those that have it in them, by name. Of somebody who sees only his own
/// sessions, those in the latest 20 000 of his events.
#[utoipa::path(get, path = "/events/{log}/values", tag = "events",
    params(("log" = String, Path, description = "`command`, `kube`, `connection`, `subject`, `agent-status-change`."),
        ("field" = String, Query, description = "`subjectName`, `targetName`, `targetUser`, `ipAddress`, `environmentName`, \
            `spaceName`; `kind` of commands, `connectionEventType` of connections, `serviceAction` of calls."),
        ("prefix" = Option<String>, Query, description = "What was typed, whatever its capitals."),
        ("count" = Option<u32>, Query, description = "So many: 20 where it is not said, 1000 at most.")),
    responses((status = 200, body = [String]), (status = "4XX", body = ErrorBody)))]
pub async fn values(gate: Gate, Path(log): Path<String>, uri: Uri) -> Result<Json<Vec<String>>, ApiError> {
    let caller = gate.pass(Action::ListEvents, &log, asked(&uri)?).await?;
    let log: Log = log.parse().map_err(|_| ApiError::not_found("log"))?;
    of_log(&gate, &caller, log, &uri).await.map(Json)
}

/// Names that stand in a field of a log.
///
/// # Errors
/// The caller asks for what there is not.
pub(crate) async fn of_log(
    gate: &Gate,
    caller: &Caller,
    log: Log,
    uri: &Uri,
) -> Result<Vec<String>, ApiError> {
    find(gate, caller, parse(uri, Some(log))?).await
}

/// Names that stand in a field of several logs
#[utoipa::path(get, path = "/events/values", tag = "events",
    params(("logs" = Option<String>, Query, description = "Which, with commas between them; as a rule all."),
        ("field" = String, Query, description = "As of one log."),
        ("prefix" = Option<String>, Query, description = "What was typed, whatever its capitals."),
        ("count" = Option<u32>, Query, description = "So many: 20 where it is not said, 1000 at most.")),
    responses((status = 200, body = [String]), (status = "4XX", body = ErrorBody)))]
pub async fn all_values(gate: Gate, uri: Uri) -> Result<Json<Vec<String>>, ApiError> {
    let caller = gate.pass(Action::ListEvents, "all", asked(&uri)?).await?;
    find(&gate, &caller, parse(&uri, None)?).await.map(Json)
}

async fn find(gate: &Gate, caller: &Caller, names: Names) -> Result<Vec<String>, ApiError> {
    let own = (caller.reach != Reach::All).then(|| caller.subject.subject_id.clone());
    Ok(gate.app.database.values(Names { of: own, ..names }).await?)
}

fn parse(uri: &Uri, log: Option<Log>) -> Result<Names, ApiError> {
    let (mut facet, mut asked) = (None, None);
    let (mut part, mut limit) = (String::new(), NAMES);
    for (name, value) in pairs(uri)? {
        match name.as_str() {
            "field" => facet = Some(field(&name, &value)?),
            "prefix" => part = value,
            "ticket" => {}
            "count" => limit = count(&name, &value, MOST)?,
            "logs" if log.is_none() => asked = Some(logs(&name, &value)?),
            _ => return Err(ApiError::field(&name, "there is no such parameter here")),
        }
    }
    let Some((facet, only)) = facet else { return Err(ApiError::field("field", "say which")) };
    let mut logs = log.map(|log| vec![log]).or(asked).unwrap_or_else(|| Log::ALL.to_vec());
    logs.retain(|log| *log != Log::CommandEnd && only.is_none_or(|only| only == *log));
    Ok(Names { logs, facet, part, of: None, limit, within: PATIENCE })
}

/// What a field of events is, and the one log that has it, if it is one.
fn field(name: &str, value: &str) -> Result<(Facet, Option<Log>), ApiError> {
    Ok(match value {
        "subjectName" => (Facet::SubjectName, None),
        "targetName" => (Facet::TargetName, None),
        "targetUser" => (Facet::TargetUser, None),
        "ipAddress" => (Facet::IpAddress, None),
        "environmentName" => (Facet::EnvironmentName, None),
        "spaceName" => (Facet::SpaceName, None),
        "kind" => (Facet::Action, Some(Log::Command)),
        "connectionEventType" => (Facet::Action, Some(Log::Connection)),
        "serviceAction" => (Facet::Action, Some(Log::Subject)),
        _ => return Err(ApiError::field(name, "no such field is offered")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_of_the_logs_that_have_it() {
        let parse = |query: &str, log| parse(&format!("/x?{query}").parse().unwrap(), log);
        let names = parse("field=subjectName&prefix=Al&count=3", Some(Log::Kube)).unwrap();
        assert_eq!((names.logs, names.facet, names.limit), (vec![Log::Kube], Facet::SubjectName, 3));
        assert_eq!((names.part.as_str(), names.of), ("Al", None));
        assert_eq!(parse("field=targetUser", None).unwrap().logs.len(), Log::ALL.len() - 1);
        assert_eq!(parse("field=serviceAction", None).unwrap().logs, [Log::Subject]);
        assert_eq!(parse("field=kind", Some(Log::Kube)).unwrap().logs, []);
        for (query, log, wrong) in [
            ("", None, "`field`: say which"),
            ("field=command", None, "`field`: no such field is offered"),
            ("field=kind&logs=kube", Some(Log::Kube), "`logs`: there is no such"),
            ("field=kind&logs=sql", None, "`logs`: `sql` is none of"),
            ("field=kind&count=0", None, "`count`: it has to be a number"),
        ] {
            let error = parse(query, log).map(drop).unwrap_err();
            assert!(error.message().contains(wrong), "{query}: {}", error.message());
        }
    }
}
