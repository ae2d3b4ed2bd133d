//! The page of a session: what the logs say of a connection, and what its film says of its recording.

use std::collections::HashSet;
use std::time::Duration;

use axum::extract::Path;
use axum::response::Response;
use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{Event, Log, SubjectEvent};
use casemate_audit_store::connections::Connection;
use casemate_audit_store::{Mark as Done, Order, Page, Recording, StoreError};
use casemate_web::layout;
use casemate_web::session::{self, Command, Kept, Look, Mark, May, Session};
use serde_json::json;

use super::{html, viewer};
use crate::api::connections;
use crate::api::player::film;
use crate::app::App;
use crate::error::ApiError;
use crate::film::Facts;
use crate::who::{Action, Caller, Gate, Reach};

/// Commands that are listed.
const COMMANDS: usize = 2000;

/// Connection events, and looks, that are listed.
const EVENTS: usize = 100;

/// Calls that are looked through at once for those that looked at a recording.
const LOOKED_AT: usize = 1000;

/// So long is waited for the film of a recording: the page is there without it as well.
const PATIENCE: Duration = Duration::from_secs(2);

/// A session.
pub(super) async fn page(gate: Gate, Path(id): Path<String>) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::GetConnection, &id, json!({ "page": "session" })).await?;
    let connection = connections::find(&gate, &caller, Action::GetConnection, &id).await?;
    let app = &gate.app;
    let recording = match app.recordings.find(connection.id).await {
        Ok(recording) => Some(recording),
        Err(StoreError::NoRecording { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let (facts, unplayable) = match recording.as_ref().filter(|recording| recording.deleted.is_none()) {
        Some(recording) if recording.completed.is_some() => facts(app, recording).await,
        Some(_) | None => (None, None),
    };
    let started = connection.started;
    let moment = |time: Time| {
        let micros = match &facts {
            Some(facts) => facts.moment(time),
            None => u64::try_from(time.0.saturating_sub(started.0)).unwrap_or(0),
        };
        seconds(micros)
    };
    let of = Filter { connection_ids: [connection.id.to_string()].into(), ..Filter::default() };
    let mut commands = commands(app, &of, moment).await?;
    let has_more_commands = commands.len() > COMMANDS;
    commands.truncate(COMMANDS);
    let mut marks = facts.as_ref().map(marks).unwrap_or_default();
    let (events, has_more_events) = connection_events(app, &of, moment).await?;
    let has_more_marks = has_more_events || facts.as_ref().is_some_and(|facts| facts.left_out > 0);
    marks.extend(events);
    marks.sort_by(|one, other| one.at.total_cmp(&other.at));
    let session = Session {
        id: connection.id.to_string(),
        subject: connection.subject_name.clone(),
        target: connection.target_name.clone(),
        target_user: connection.target_user.clone(),
        started,
        ended: connection.ended,
        state: connection.state.name().to_owned(),
        reason: connection.reason.clone(),
        recording: recording
            .as_ref()
            .map_or(session::Recording::Nothing, |recording| kept(recording, facts.as_ref(), unplayable)),
        commands,
        has_more_commands,
        marks,
        has_more_marks,
        looks: looks(app, &caller, &connection).await?,
        may: may(&caller, &connection),
        csrf: caller.csrf.clone(),
    };
    let title = format!("{} on {}", session.subject, session.target);
    Ok(html(layout::page(&title, session::ROOT, &viewer(&caller), &session::page(&session))))
}

/// What is known of a recording by its film, and why there is none. It is made on, also where nobody waits for it.
async fn facts(app: &App, recording: &Recording) -> (Option<Facts>, Option<String>) {
    let (app, recording) = (app.clone(), recording.clone());
    let made = tokio::spawn(async move { film(&app, &recording).await });
    match tokio::time::timeout(PATIENCE, made).await {
        Ok(Ok(Ok(film))) => {
            let damage = film.facts.damage.clone();
            (Some(film.facts), damage.map(|why| format!("from some place on it cannot be read: {why}")))
        }
        Ok(Ok(Err(error))) => (None, Some(error.message().to_owned())),
        Ok(Err(_)) | Err(_) => (None, None),
    }
}

async fn events(
    app: &App,
    logs: Log,
    filter: Filter,
    order: Order,
    limit: usize,
) -> Result<Vec<Event>, ApiError> {
    let page = Page { logs: vec![logs], filter, order, limit, ..Page::default() };
    Ok(app.database.page(page).await?.into_iter().map(|found| found.event).collect())
}

async fn commands(app: &App, of: &Filter, moment: impl Fn(Time) -> f64) -> Result<Vec<Command>, ApiError> {
    let found = events(app, Log::Command, of.clone(), Order::Oldest, COMMANDS + 1).await?;
    let commands = found.into_iter().filter_map(|event| {
        let Event::Command(event) = event else { return None };
        let place = match (&event.inner_target, &event.inner_target_user) {
            (Some(target), Some(user)) => Some(format!("{user} on {target}")),
            (Some(one), None) | (None, Some(one)) => Some(one.clone()),
            (None, None) => None,
        };
        let text = match (&*event.command, &event.reason) {
            ("", Some(reason)) => format!("({reason})"),
            ("", None) => "(not known)".to_owned(),
            (command, _) => command.to_owned(),
        };
        let at = event.offset.unwrap_or_else(|| moment(event.timestamp));
        Some(Command { at, text, place, status: event.result.exit_code.map(i64::from) })
    });
    Ok(commands.collect())
}

/// The first ones and the last ones: how it began, and who ended it. Says whether there are others between them.
async fn connection_events(
    app: &App,
    of: &Filter,
    moment: impl Fn(Time) -> f64,
) -> Result<(Vec<Mark>, bool), ApiError> {
    let mut found = events(app, Log::Connection, of.clone(), Order::Oldest, EVENTS).await?;
    let mut has_more = false;
    if found.len() == EVENTS {
        let ids: HashSet<_> = found.iter().map(|event| event.id().to_owned()).collect();
        let last = events(app, Log::Connection, of.clone(), Order::Newest, EVENTS).await?;
        has_more = last.iter().all(|event| !ids.contains(event.id()));
        found.extend(last.into_iter().filter(|event| !ids.contains(event.id())));
    }
    let marks = found.into_iter().filter_map(|event| {
        let Event::Connection(event) = event else { return None };
        let mut text = event.connection_event_type.name().to_owned();
        if let Some(reason) = &event.reason {
            text = format!("{text}: {reason}");
        }
        Some(Mark { at: moment(event.timestamp), kind: "connection".into(), text })
    });
    Ok((marks.collect(), has_more))
}

fn marks(facts: &Facts) -> Vec<Mark> {
    let mark = |at: u64, kind: &str, text: String| Mark { at: seconds(at), kind: kind.to_owned(), text };
    let markers = facts.markers.iter().map(|(at, label)| mark(*at, "marker", label.clone()));
    let resizes = facts.resizes.iter().map(|(at, cols, rows)| mark(*at, "resize", format!("{cols}x{rows}")));
    let notes = facts.notes.iter().map(|note| mark(note.at, &note.kind, note.text.clone()));
    markers.chain(resizes).chain(notes).collect()
}

fn kept(recording: &Recording, facts: Option<&Facts>, unplayable: Option<String>) -> session::Recording {
    let said = |mark: &Done| format!("{}, {}: {}", mark.by, mark.time, mark.reason);
    if let Some(deleted) = &recording.deleted {
        return session::Recording::Deleted(said(deleted));
    }
    let activity = facts.map(|facts| (seconds(facts.activity.width), facts.activity.counts.clone()));
    session::Recording::Kept(Kept {
        is_open: recording.completed.is_none(),
        form: recording.form.name(),
        size: recording.size,
        sha256: recording.sha256.map(|hash| hash.to_string()),
        hold: recording.hold.as_ref().map(said),
        duration: facts.map_or(0.0, |facts| seconds(facts.duration)),
        activity: activity.unwrap_or((1.0, Vec::new())),
        seals: facts.and_then(|facts| facts.seals.as_ref()).map(|seals| session::Seals {
            condition: seals.condition.clone(),
            count: seals.count,
            signed_by: seals.signed_by.clone(),
            defects: seals.defects.clone(),
        }),
        unplayable,
    })
}

/// Who has looked at it or taken it away: all of it for whoever may know, his own for a user.
async fn looks(app: &App, caller: &Caller, connection: &Connection) -> Result<Vec<Look>, ApiError> {
    let id = connection.id.to_string();
    let actions = [Action::GetRecording, Action::WatchRecording].map(|action| action.name().to_owned());
    let filter = Filter { actions: actions.into(), search: Some(id.clone()), ..Filter::default() };
    let Some(filter) = caller.narrow(filter) else { return Ok(Vec::new()) };
    let mut page = Page { logs: vec![Log::Subject], filter, limit: LOOKED_AT, ..Page::default() };
    let (mut looks, mut refused) = (Vec::new(), HashSet::new());
    // Calls for what is not there name the id as well: they are in nobody's way.
    while looks.len() < EVENTS {
        let found = app.database.page(page.clone()).await?;
        page.behind = found.last().map(|last| last.position);
        let is_last = found.len() < LOOKED_AT;
        for found in found {
            let Event::Subject(event) = found.event else { continue };
            let who = (event.service_action.clone(), event.subject.subject_id.clone());
            // Who was refused because it is not his was let through just before.
            match event.resource == id && (!event.evaluation || !refused.remove(&who)) {
                true if event.evaluation => looks.push(look(*event)),
                true => drop(refused.insert(who)),
                false => {}
            }
        }
        if is_last {
            break;
        }
    }
    looks.truncate(EVENTS);
    Ok(looks)
}

fn look(event: SubjectEvent) -> Look {
    let how = match &*event.service_action {
        action if action == Action::WatchRecording.name() => "followed it live",
        _ if event.context.contains("\"player\"") => "played it",
        _ if event.context.contains("\"still\"") => "saw a still of it",
        _ => "downloaded it",
    };
    Look { time: event.timestamp, who: event.subject.subject_name, how: how.to_owned() }
}

fn may(caller: &Caller, connection: &Connection) -> May {
    let may = |action: Action| match action.reach(caller.role) {
        Reach::All => true,
        Reach::Own => connection.subject_id == caller.subject.subject_id,
        Reach::Target | Reach::Nothing => false,
    };
    May {
        close: may(Action::CloseConnection) && connection.is_living(),
        delete: may(Action::DeleteRecording),
        hold: may(Action::HoldRecording),
    }
}

#[expect(clippy::cast_precision_loss, reason = "to the microsecond for some centuries")]
fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
