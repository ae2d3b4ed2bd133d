//! The heartbeat of an agent: one call for all that goes on on a host. It renews leases, and waits until somebody closes a
//! connection, so that a session ends at once without having asked again and again.

use std::time::{Duration, Instant};

use axum::Json;
use axum::body::Bytes;
use axum::http::HeaderMap;
use casemate_audit_log::Time;
use casemate_audit_store::connections::Connection;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::{ApiError, ErrorBody};
use crate::lifecycle;
use crate::who::{Action, Gate};

/// An agent tells of no more connections at once: as many as a question to a database may name.
const MOST: usize = 10_000;

/// An answer is kept no longer: it renews leases, and what is between us and an agent is not to take us for dead.
const KEPT: Duration = Duration::from_secs(20);

/// Other servers close connections without telling us.
const LOOK: Duration = Duration::from_secs(2);

/// What an agent says of itself.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Heartbeat {
    /// The connections that go on, by their ids; 10 000 at most.
    #[serde(default)]
    connections: Vec<Uuid>,
}

/// What an agent hears that is there.
#[derive(Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Heard {
    /// Those of its connections that somebody has closed: their sessions are to end.
    closed: Vec<Closed>,
}

/// A connection that somebody has closed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Closed {
    /// Its id.
    connection_id: String,
    /// Who closed it, and why.
    reason: String,
}

impl Closed {
    fn of(connection: &Connection) -> Option<Self> {
        let reason = connection.close_request()?.reason;
        Some(Self { connection_id: connection.id.to_string(), reason })
    }
}

/// Say that an agent is there, and which connections go on
///
/// One call for a whole host, which is no user event. With nothing that goes on, once a minute is enough. It is answered when
/// somebody has closed one of the connections, or after as many seconds as `Prefer: wait` says, 20 at most. Connections to
/// other targets, and those that nobody knows, are passed over.
#[utoipa::path(post, path = "/ingest/heartbeat", tag = "ingest", request_body = Option<Heartbeat>,
    params(("Prefer" = Option<String>, Header, description = "`wait=SECONDS`: how long the answer may take while nothing is closed.")),
    responses((status = 200, body = Heard), (status = "4XX", body = ErrorBody)))]
pub async fn heartbeat(gate: Gate, headers: HeaderMap, body: Bytes) -> Result<Json<Heard>, ApiError> {
    let caller = gate.pass_again(Action::Heartbeat, "heartbeat").await?;
    let Heartbeat { connections: ids } = if body.is_empty() {
        Heartbeat::default()
    } else {
        serde_json::from_slice(&body).map_err(|error| ApiError::invalid(format!("the body: {error}")))?
    };
    if ids.len() > MOST {
        return Err(ApiError::field("connections", format!("there are more than {MOST}")));
    }
    let app = &gate.app;
    let target = match caller.target {
        Some(target) => app.directory.target(target).await?.filter(|target| target.deleted.is_none()),
        None => None,
    };
    let target = target.ok_or_else(|| ApiError::not_found("target"))?;
    lifecycle::agent_heard(app, &target, Time::now()).await?;
    if ids.is_empty() {
        return Ok(Json(Heard::default()));
    }
    let target = target.id.to_string();
    let mut bell = app.bell.subscribe();
    lifecycle::all_heard(app, &ids, &target, Time::now()).await?;
    // Before its lease is over there has to be another call.
    let patience = wait(&headers).min(KEPT).min(Duration::from_secs(app.config.connections.lease.into()) / 3);
    let until = Instant::now() + patience;
    let look = if app.database.is_sqlite() { KEPT } else { LOOK };
    loop {
        let is_ending = *bell.borrow_and_update();
        let asked = app.connections.asked_of(&ids, &target).await?;
        let closed: Vec<_> = asked.iter().filter_map(Closed::of).collect();
        let rest = until.saturating_duration_since(Instant::now());
        if !closed.is_empty() || is_ending || rest.is_zero() {
            return Ok(Json(Heard { closed }));
        }
        // Rung or not, it is looked at again.
        drop(tokio::time::timeout(rest.min(look), bell.changed()).await);
    }
}

/// How long an answer may take, as RFC 7240 has it.
fn wait(headers: &HeaderMap) -> Duration {
    let preferences = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut preferences = preferences.flat_map(|value| value.split([',', ';'])).map(str::trim);
    let wait = preferences.find_map(|preference| {
        let (name, seconds) = preference.split_once('=')?;
        name.trim().eq_ignore_ascii_case("wait").then(|| seconds.trim().trim_matches('"').parse().ok())?
    });
    Duration::from_secs(wait.unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn how_long_an_answer_may_take_is_read_as_it_may_be_written() {
        let of = |values: &[&'static str]| {
            let headers =
                values.iter().map(|value| ("prefer".parse().unwrap(), HeaderValue::from_static(value)));
            wait(&headers.collect()).as_secs()
        };
        for values in [&["wait=7"][..], &["respond-async, Wait = 7"], &["return=minimal", "wait=\"7\""]] {
            assert_eq!(of(values), 7, "{values:?}");
        }
        for values in [&[][..], &["wait"], &["wait=-1"], &["wait=x"], &["waiting=7"]] {
            assert_eq!(of(values), 0, "{values:?}");
        }
    }
}
