//! How connections begin, go on and end. Each step is in the log once, with who or what is behind it: it is made and said in
//! one transaction, by whoever is first.

use std::time::Duration;

use axum::body::Bytes;
use casemate_audit_log::Time;
use casemate_audit_log::model::{
    AgentStatus, AgentStatusChangeEvent, ConnectionEvent, ConnectionEventType, ConnectionState, Event, NO_ID,
    NONE,
};
use casemate_audit_store::connections::{Connection, Which};
use casemate_audit_store::directory::Target;
use casemate_audit_store::{Connections, Directory, RecordingFilter, Step};
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

use crate::app::App;
use crate::error::ApiError;
use crate::sessions::Upload;

/// Why a connection is closed that nobody carries any more.
const LAPSED: &str = "lease expired";

/// Why a connection goes on that was closed for that reason.
const BACK: &str = "it was heard again";

/// What was not done so long after somebody asked for it was forgotten by a server that ended in between.
const FORGOTTEN: i64 = 5_000_000;

/// How many of them at once.
const AT_ONCE: usize = 500;

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

/// What is said where a connection is there, and the agent's side of it.
#[must_use]
pub fn begun(app: &App, connection: &Connection) -> Vec<Event> {
    let events = [ConnectionEventType::Created, ConnectionEventType::ShellConnect].map(|what| {
        let id = event_id(connection.id, connection.started, what.name());
        event(app, connection, id, what, connection.started, None)
    });
    events.into()
}

/// What ends a connection, unless it is over.
#[must_use]
pub fn ending(app: &App, connection: &Connection, state: ConnectionState, reason: &str, now: Time) -> Step {
    let closed = vec![closed(app, connection, reason, now)];
    Connections::ending(connection.id, state, Some(reason), now, closed)
}

fn closed(app: &App, connection: &Connection, reason: &str, now: Time) -> Event {
    let id = event_id(connection.id, now, ConnectionEventType::Closed.name());
    event(app, connection, id, ConnectionEventType::Closed, now, Some(reason.to_owned()))
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
    app.bell.send_modify(|_| {});
    // It goes on though whoever asked has gone away.
    end_all(app, &asked, reason, now).await?;
    Ok(asked.len())
}

async fn end_all(app: &App, connections: &[Connection], reason: &str, now: Time) -> Result<(), ApiError> {
    for some in connections.chunks(AT_ONCE) {
        let steps = some.iter().map(|connection| {
            let reason = connection.close_reason.as_deref().unwrap_or(reason);
            ending(app, connection, ConnectionState::Closed, reason, now)
        });
        app.make(steps.collect()).await?;
    }
    Ok(())
}

/// Closes connections whose lease is over, and those that a server that ended in between was to close.
///
/// # Errors
/// It cannot be kept.
pub async fn reap(app: &App, now: Time) -> Result<(), ApiError> {
    let lapsed = app.connections.lapsed(now, AT_ONCE as u64).await?;
    let steps = lapsed.iter().map(|connection| {
        let reason = connection.close_reason.as_deref().unwrap_or(LAPSED);
        Connections::lapsing(connection.id, reason, now, vec![closed(app, connection, reason, now)])
    });
    app.make(steps.collect()).await?;
    let asked = app.connections.asked(Time(now.0 - FORGOTTEN), AT_ONCE as u64).await?;
    end_all(app, &asked, LAPSED, now).await
}

/// Whoever carries a connection was heard. One that had lapsed goes on, unless somebody has wanted it closed meanwhile.
///
/// # Errors
/// It cannot be kept.
pub async fn heard(app: &App, connection: Connection, now: Time) -> Result<Connection, ApiError> {
    if !connection.has_lapsed || connection.close_request().is_some() {
        return Ok(app.connections.renew(connection, now).await?);
    }
    let what = ConnectionEventType::ShellConnect;
    let (id, reason) = (event_id(connection.id, now, what.name()), Some(BACK.to_owned()));
    let event = event(app, &connection, id, what, now, reason);
    app.make(vec![app.connections.reviving(connection.id, now, vec![event])]).await?;
    Ok(app.connections.get(connection.id).await?.unwrap_or(connection))
}

/// Whoever carries some connections to a target was heard, of all of them at once.
///
/// # Errors
/// It cannot be kept.
pub async fn all_heard(app: &App, ids: &[Uuid], target: &str, now: Time) -> Result<(), ApiError> {
    let there = app.connections.of_target(ids, target).await?;
    app.connections.renew_all(&there, now).await?;
    for lapsed in there.into_iter().filter(|connection| connection.has_lapsed) {
        heard(app, lapsed, now).await?;
    }
    Ok(())
}

/// An agent was heard; if it was not there before, that is written down.
///
/// # Errors
/// It cannot be kept.
pub async fn agent_heard(app: &App, target: &Target, now: Time) -> Result<(), ApiError> {
    let event = || vec![agent_event(target, AgentStatus::Online, "it was heard", now)];
    app.make(Directory::hearing(target, now, event)).await
}

/// Agents that have not been heard for so long are not there any more.
///
/// # Errors
/// It cannot be kept.
pub async fn miss_agents(app: &App, silence: Duration, now: Time) -> Result<(), ApiError> {
    let since = ago(now, silence);
    let silent = app.directory.agents_silent(since).await?;
    let steps = silent.iter().map(|target| {
        let reason = format!("it was not heard for {} seconds", silence.as_secs());
        Directory::missing(target, since, vec![agent_event(target, AgentStatus::Offline, &reason, now)])
    });
    app.make(steps.collect()).await
}

/// So long before.
fn ago(now: Time, silence: Duration) -> Time {
    Time(now.0 - i64::try_from(silence.as_micros()).unwrap_or(i64::MAX))
}

fn agent_event(target: &Target, status: AgentStatus, reason: &str, now: Time) -> Event {
    Event::AgentStatusChange(AgentStatusChangeEvent {
        id: Uuid::now_v7().to_string(),
        target_id: target.id.to_string(),
        status_change: status,
        time_stamp: now,
        reason: reason.to_owned(),
        agent_public_key: NONE.to_owned(),
    })
}

/// Recordings whose recorder was not heard of for so long get no more of it: what is there is all there is.
///
/// # Errors
/// It cannot be kept.
pub async fn give_up(app: &App, silence: Duration, now: Time) -> Result<(), ApiError> {
    let since = ago(now, silence);
    let filter = RecordingFilter { is_complete: Some(false), end: Some(since), ..RecordingFilter::default() };
    let mut before = None;
    loop {
        let some = app.recordings.list(&filter, before, AT_ONCE).await?;
        let Some(last) = some.last() else { return Ok(()) };
        before = Some((last.created, last.id));
        for recording in some {
            let Some(connection) = app.connections.get(recording.id).await? else { continue };
            if connection.ended.is_some_and(|ended| ended < since) {
                let none =
                    Upload { offset: recording.size, bytes: Bytes::new(), is_last: true, silence: None };
                // One that cannot be read keeps no other from being given up.
                if let Err(error) = app.upload(&connection, none).await {
                    crate::say(format_args!(
                        "recording {} cannot be given up: {}",
                        recording.id,
                        error.message()
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use casemate_audit_log::model::Log;
    use casemate_audit_store::connections::{NewConnection, Opened};
    use casemate_audit_store::{Form, NewRecording};
    use serde_json::json;

    use super::*;
    use crate::config::Config;
    use crate::intake::About;
    use crate::intake::fuzz::about;
    use crate::serve::Server;

    #[test]
    fn whoever_says_it_gives_it_the_same_id() {
        let (of, time) = (Uuid::now_v7(), Time::now());
        let id = event_id(of, time, "Created");
        assert_eq!(id, event_id(of, time, "Created"));
        assert_ne!(id, event_id(of, time, "Closed"));
        assert_ne!(id, event_id(Uuid::now_v7(), time, "Created"));
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.simple().to_string()[..12], format!("{:012x}", time.0 / 1000));
    }
    /// A server without anybody.
    async fn app(folder: &std::path::Path) -> App {
        let config = Config { listen: ([127, 0, 0, 1], 0).into(), ..Config::default() };
        Server::open(config, folder.join("data")).await.unwrap().app().clone()
    }

    /// A connection whose recording has begun.
    async fn recorded(app: &App, now: Time) -> Connection {
        let About { subject, place, .. } = about();
        let (id, state) = (Uuid::now_v7(), ConnectionState::Open);
        let (space_id, space_name, known_by) = (None, None, None);
        let new = NewConnection { id, state, subject, place, space_id, space_name, known_by, started: now };
        let opened = app.connections.open(&app.journal, new, now, |there| begun(app, there)).await.unwrap();
        let Opened::New(connection) = opened else { panic!("{opened:?}") };
        let (form, subject_id) = (Form::Cast, connection.subject_id.clone());
        let new = NewRecording { id, form, subject_id, created: now, input_recorded: false };
        app.recordings.create(&new).await.unwrap();
        let bytes = Bytes::from_static(b"{\"version\":2,\"width\":80,\"height\":24}\n");
        app.upload(&connection, Upload { offset: 0, bytes, is_last: false, silence: None }).await.unwrap();
        connection
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_nobody_brings_to_an_end_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path()).await;
        let (now, day) = (Time::now(), Duration::from_hours(24));
        let later = |days: i64| Time(now.0 + days * 86_400_000_000);
        let (over, living) = (recorded(&app, now).await, recorded(&app, now).await);
        app.make(vec![ending(&app, &over, ConnectionState::Closed, LAPSED, now)]).await.unwrap();
        let complete = async || {
            let of = async |id| app.recordings.find(id).await.unwrap().completed.is_some();
            (of(over.id).await, of(living.id).await)
        };
        give_up(&app, 30 * day, later(29)).await.unwrap();
        assert_eq!(complete().await, (false, false));
        give_up(&app, 30 * day, later(31)).await.unwrap();
        assert_eq!(complete().await, (true, false));
        app.journal.close().await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_began_ends_though_it_is_not_known_any_more_what_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path()).await;
        let connection = recorded(&app, Time::now()).await;
        // It was decided by a silence, of which a server that starts anew knows nothing.
        let (id, connection_id) = (Uuid::now_v7().to_string(), connection.id.to_string());
        let command = json!({
            "id": id, "connectionId": connection_id, "organizationId": NO_ID, "timestamp": Time::now(),
            "subjectId": NO_ID, "subjectType": "User", "subjectName": "alice", "targetId": NO_ID, "targetType": "SHELL",
            "targetName": "web-1", "targetUser": "alice", "environmentId": NO_ID, "environmentName": "test",
            "command": "make",
        });
        app.write(vec![Event::from_json(Log::Command, &command.to_string()).unwrap()]).await.unwrap();
        app.sessions.forget(connection.id);
        let size = app.recordings.find(connection.id).await.unwrap().size;
        let last = Upload { offset: size, bytes: Bytes::new(), is_last: true, silence: None };
        app.upload(&connection, last).await.unwrap();
        let end = app.database.event(Log::CommandEnd, Some(&connection_id), &id).await.unwrap();
        assert!(matches!(end, Some(Event::CommandEnd(end)) if end.result.duration.is_none()));
        assert!(app.database.unended(&connection_id).await.unwrap().is_empty());
        app.journal.close().await;
    }
}
