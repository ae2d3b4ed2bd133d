//! How connections begin, go on and end. Each step is in the log once, with who or what is behind it: ids of events are made
//! of what they say, so that whoever repeats a step, or does it on another server, says the same again.

use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::model::{
    AgentStatus, AgentStatusChangeEvent, ConnectionEvent, ConnectionEventType, ConnectionState, Event, NO_ID,
    NONE,
};
use casemate_audit_store::connections::{Connection, Which};
use casemate_audit_store::directory::Target;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::app::App;
use crate::error::ApiError;

/// Why a connection is closed that nobody carries any more.
const LAPSED: &str = "lease expired";

/// What is not in the log so long after it happened was forgotten by a server that ended in between.
const FORGOTTEN: i64 = 5_000_000;

/// How many of them at once.
const AT_ONCE: u64 = 500;

/// The id of what happened to something: the same whoever says so.
#[must_use]
pub fn event_id(of: Uuid, time: Time, what: &str) -> Uuid {
    let digest = Sha256::new().chain_update(of.as_bytes()).chain_update(what).finalize();
    let mut random = [0; 10];
    random.copy_from_slice(&digest[..10]);
    let millis = u64::try_from(time.0 / 1000).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// What happened to a connection, as the log has it.
#[must_use]
pub fn event(
    app: &App,
    connection: &Connection,
    id: Uuid,
    what: ConnectionEventType,
    time: Time,
    reason: Option<String>,
) -> Event {
    Event::Connection(Box::new(ConnectionEvent {
        id: id.to_string(),
        connection_id: connection.id.to_string(),
        organization_id: app.organization.id.to_string(),
        timestamp: time,
        subject: connection.subject(),
        place: connection.place(),
        session_id: connection.space_id.clone().unwrap_or_else(|| NO_ID.into()),
        session_name: connection.space_name.clone().unwrap_or_else(|| NONE.into()),
        connection_event_type: what,
        reason,
        connection_node_id: app.node.id.to_string(),
    }))
}

/// A connection is there, and the agent's side of it.
///
/// # Errors
/// It cannot be kept.
pub async fn begun(app: &App, connection: &Connection) -> Result<(), ApiError> {
    let events = [ConnectionEventType::Created, ConnectionEventType::ShellConnect].map(|what| {
        let id = event_id(connection.id, connection.started, what.name());
        event(app, connection, id, what, connection.started, None)
    });
    app.write(events.into()).await
}

/// Ends a connection, unless it is over.
///
/// # Errors
/// It cannot be kept.
pub async fn end(
    app: &App,
    id: Uuid,
    state: ConnectionState,
    reason: &str,
    now: Time,
) -> Result<(), ApiError> {
    match app.connections.end(id, state, Some(reason), now).await? {
        Some(ended) => announce(app, &[ended]).await,
        None => Ok(()),
    }
}

/// Closes connections: they are over at once, and whoever carries them hears it.
///
/// # Errors
/// It cannot be kept.
pub async fn close(
    app: &App,
    which: Which<'_>,
    by: &str,
    reason: &str,
    now: Time,
) -> Result<usize, ApiError> {
    let asked = app.connections.ask_to_close(which, by, reason, now).await?;
    let number = asked.len();
    let (app, reason) = (app.clone(), reason.to_owned());
    // It goes on though whoever asked has gone away.
    let ended = tokio::spawn(async move {
        for connection in asked {
            end(&app, connection.id, ConnectionState::Closed, &reason, now).await?;
        }
        Ok(())
    });
    ended.await.unwrap_or_else(|_| Err(ApiError::conflict("the server is ending"))).map(|()| number)
}

/// Writes down that connections have ended.
async fn announce(app: &App, ended: &[Connection]) -> Result<(), ApiError> {
    let events = ended.iter().map(|connection| {
        let time = connection.ended.unwrap_or_else(Time::now);
        let id = event_id(connection.id, time, ConnectionEventType::Closed.name());
        event(app, connection, id, ConnectionEventType::Closed, time, connection.reason.clone())
    });
    app.write(events.collect()).await?;
    let ids: Vec<Uuid> = ended.iter().map(|connection| connection.id).collect();
    Ok(app.connections.announced(&ids).await?)
}

/// Closes connections whose lease is over, and writes down what another server left unsaid.
///
/// # Errors
/// It cannot be kept.
pub async fn reap(app: &App, now: Time) -> Result<(), ApiError> {
    let ended = app.connections.end_lapsed(LAPSED, now).await?;
    if !ended.is_empty() {
        announce(app, &ended).await?;
    }
    for asked in app.connections.asked(Time(now.0 - FORGOTTEN), AT_ONCE).await? {
        let reason = asked.close_reason.as_deref().unwrap_or(LAPSED);
        end(app, asked.id, ConnectionState::Closed, reason, now).await?;
    }
    let unsaid = app.connections.unannounced(Time(now.0 - FORGOTTEN), AT_ONCE).await?;
    if !unsaid.is_empty() {
        announce(app, &unsaid).await?;
    }
    Ok(())
}

/// An agent was heard; if it was not there before, that is written down.
///
/// # Errors
/// It cannot be kept.
pub async fn agent_heard(app: &App, target: &Target, now: Time) -> Result<(), ApiError> {
    match app.directory.agent_heard(target, AgentStatus::Online, now).await? {
        Some(_) => agent_event(app, target, AgentStatus::Online, "it was heard", now).await,
        None => Ok(()),
    }
}

/// Agents that have not been heard for so long are not there any more.
///
/// # Errors
/// It cannot be kept.
pub async fn miss_agents(app: &App, silence: Duration, now: Time) -> Result<(), ApiError> {
    let since = Time(now.0 - i64::try_from(silence.as_micros()).unwrap_or(i64::MAX));
    for target in app.directory.agents_silent(since).await? {
        let reason = format!("it was not heard for {} seconds", silence.as_secs());
        agent_event(app, &target, AgentStatus::Offline, &reason, now).await?;
    }
    Ok(())
}

async fn agent_event(
    app: &App,
    target: &Target,
    status: AgentStatus,
    reason: &str,
    now: Time,
) -> Result<(), ApiError> {
    app.write(vec![Event::AgentStatusChange(AgentStatusChangeEvent {
        id: Uuid::now_v7().to_string(),
        target_id: target.id.to_string(),
        status_change: status,
        time_stamp: now,
        reason: reason.to_owned(),
        agent_public_key: NONE.to_owned(),
    })])
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_says_it_gives_it_the_same_id() {
        let (of, time) = (Uuid::now_v7(), Time::now());
        let id = event_id(of, time, "Created");
        assert_eq!(id, event_id(of, time, "Created"));
        assert_ne!(id, event_id(of, time, "Closed"));
        assert_ne!(id, event_id(Uuid::now_v7(), time, "Created"));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.to_string()[..13], Uuid::now_v7().to_string()[..13]);
    }
}
