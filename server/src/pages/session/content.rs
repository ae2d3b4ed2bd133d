//! What the page of a session shows: what the logs say of a connection, and what its film says of its recording.

use std::collections::HashSet;

use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{CommandEvent, Event, Log, SubjectEvent};
use casemate_audit_store::connections::Connection;
use casemate_audit_store::{Order, Page, Recording, StoreError};
use casemate_web::session::{self, Command, Kept, Look, Mark, May, Session};
use serde_json::Value;

use crate::api::player::failed;
use crate::api::tail;
use crate::app::App;
use crate::error::ApiError;
use crate::film::{Facts, Film, FilmError, look};
use crate::who::{Action, Caller, Reach, Seen};

/// Commands that are listed.
const COMMANDS: usize = 2000;

/// Connection events, and looks, that are listed.
const EVENTS: usize = 100;

/// Calls that are looked through at once for those that looked at a recording.
const LOOKED_AT: usize = 1000;

/// So many times.
const ROUNDS: usize = 10;

/// All that is shown of a session, but for who looked at it.
pub(super) async fn of(app: &App, caller: &Caller, connection: &Connection) -> Result<Session, ApiError> {
    // What comes from here on comes by the stream of the page.
    let cursor = tail::now(app).await?;
    let recording = match app.recordings.find(connection.id).await {
        Ok(recording) => Some(recording),
        Err(StoreError::NoRecording { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let there = recording.as_ref().filter(|recording| recording.deleted.is_none());
    let (facts, film) = match there {
        Some(recording) => watched(look(app, recording, caller.id).await, recording),
        None => (None, session::Film::Later),
    };
    let moment = |time: Time| moment(facts.as_ref(), connection, time);
    let mut commands = commands(app, &of_connection(connection), moment).await?;
    let has_more_commands = session::keep(&mut commands, COMMANDS);
    let (marks, has_more_marks) = marks(app, connection, facts.as_ref()).await?;
    Ok(Session {
        id: connection.id.to_string(),
        subject: connection.subject_name.clone(),
        target: connection.target_name.clone(),
        target_user: connection.target_user.clone(),
        started: connection.started,
        ended: connection.ended,
        state: connection.state.name().to_owned(),
        reason: connection.reason.clone(),
        recording: recording
            .as_ref()
            .map_or(session::Recording::Nothing, |recording| recorded(recording, facts.as_ref(), film)),
        commands,
        has_more_commands,
        marks,
        has_more_marks,
        looks: Vec::new(),
        has_more_looks: false,
        may: may(caller, connection),
        csrf: caller.csrf.clone(),
        ticket: app.tickets.give(caller.id, Seen::Page(connection.id), Time::now()),
        cursor,
    })
}

/// What changes of the page as more of the film of its recording is there.
pub(super) async fn changed(
    app: &App,
    connection: &Connection,
    recording: &Recording,
    film: Film,
) -> Result<String, ApiError> {
    let (facts, film) = watched(Ok(film), recording);
    let (marks, has_more) = marks(app, connection, facts.as_ref()).await?;
    let kept = kept(recording, facts.as_ref(), film);
    Ok(session::changed(&connection.id.to_string(), &kept, &marks, has_more).into_string())
}

/// What is known of a recording by its film, and what there is of that.
fn watched(film: Result<Film, FilmError>, recording: &Recording) -> (Option<Facts>, session::Film) {
    match film {
        Ok(film) if film.is_whole() => (Some(film.facts), session::Film::Whole),
        Ok(film) => {
            let until = seconds(film.facts.duration);
            (Some(film.facts), session::Film::SoFar(until))
        }
        Err(FilmError::Later) => (None, session::Film::Later),
        Err(error) => (None, session::Film::Nothing(failed(recording, &error).message().to_owned())),
    }
}

/// When something was in the recording of a connection, in seconds.
pub(super) fn moment(facts: Option<&Facts>, connection: &Connection, time: Time) -> f64 {
    seconds(match facts {
        Some(facts) => facts.moment(time),
        None => u64::try_from(time.0.saturating_sub(connection.started.0)).unwrap_or(0),
    })
}

/// The events of a connection.
pub(super) fn of_connection(connection: &Connection) -> Filter {
    Filter { connection_ids: [connection.id.to_string()].into(), ..Filter::default() }
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
        Some(command(&event, &moment))
    });
    Ok(commands.collect())
}

/// A command as it is listed.
pub(super) fn command(event: &CommandEvent, moment: impl Fn(Time) -> f64) -> Command {
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
    Command {
        id: event.id.clone(),
        at: event.offset.unwrap_or_else(|| moment(event.timestamp)),
        text,
        place,
        status: event.result.exit_code.map(i64::from),
    }
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

/// What else happened, in the order of time, and whether there is more of it.
async fn marks(
    app: &App,
    connection: &Connection,
    facts: Option<&Facts>,
) -> Result<(Vec<Mark>, bool), ApiError> {
    let mut marks = facts.map(seen).unwrap_or_default();
    let moment = |time: Time| moment(facts, connection, time);
    let (events, has_more) = connection_events(app, &of_connection(connection), moment).await?;
    marks.extend(events);
    marks.sort_by(|one, other| one.at.total_cmp(&other.at));
    Ok((marks, has_more || facts.is_some_and(|facts| facts.left_out > 0)))
}

/// What is to be seen of it in the recording.
fn seen(facts: &Facts) -> Vec<Mark> {
    let mark = |at: u64, kind: &str, text: String| Mark { at: seconds(at), kind: kind.to_owned(), text };
    let markers = facts.markers.iter().map(|(at, label)| mark(*at, "marker", label.clone()));
    let resizes = facts.resizes.iter().map(|(at, cols, rows)| mark(*at, "resize", format!("{cols}x{rows}")));
    let notes = facts.notes.iter().map(|note| mark(note.at, &note.kind, note.text.clone()));
    markers.chain(resizes).chain(notes).collect()
}

fn recorded(recording: &Recording, facts: Option<&Facts>, film: session::Film) -> session::Recording {
    match &recording.deleted {
        Some(deleted) => session::Recording::Deleted(deleted.to_string()),
        None => session::Recording::Kept(Box::new(kept(recording, facts, film))),
    }
}

fn kept(recording: &Recording, facts: Option<&Facts>, film: session::Film) -> Kept {
    let activity = facts.map(|facts| (seconds(facts.activity.width), facts.activity.counts.clone()));
    Kept {
        is_open: recording.completed.is_none(),
        form: recording.form.name(),
        size: recording.size,
        sha256: recording.sha256.map(|hash| hash.to_string()),
        hold: recording.hold.as_ref().map(ToString::to_string),
        duration: facts.map_or(0.0, |facts| seconds(facts.duration)),
        activity: activity.unwrap_or((1.0, Vec::new())),
        seals: facts.and_then(|facts| facts.seals.as_ref()).map(|seals| session::Seals {
            condition: seals.condition.clone(),
            count: seals.count,
            signed_by: seals.signed_by.clone(),
            defects: seals.defects.clone(),
        }),
        film,
        damage: facts.and_then(|facts| facts.damage.clone()),
    }
}

/// Who has looked at it or taken it away: all of it for whoever may know, his own for a user. Says whether there may be more of
/// them in the log.
pub(super) async fn looks(
    app: &App,
    caller: &Caller,
    connection: &Connection,
) -> Result<(Vec<Look>, bool), ApiError> {
    let id = connection.id.to_string();
    let actions = [Action::GetRecording, Action::WatchRecording].map(|action| action.name().to_owned());
    let filter = Filter {
        actions: actions.into(),
        search: Some(id.clone()),
        evaluation: Some(true),
        ..Filter::default()
    };
    let Some(filter) = caller.narrow(filter) else { return Ok((Vec::new(), false)) };
    let mut page = Page { logs: vec![Log::Subject], filter, limit: LOOKED_AT, ..Page::default() };
    let mut looks = Vec::new();
    // Calls for what is not there may name the id as well: they are in nobody's way.
    for _ in 0..ROUNDS {
        let found = app.database.page(page.clone()).await?;
        page.behind = found.last().map(|last| last.position);
        let is_last = found.len() < LOOKED_AT;
        looks.extend(found.into_iter().filter_map(|found| {
            let Event::Subject(event) = found.event else { return None };
            (event.resource == id).then(|| looked(*event))
        }));
        if is_last || looks.len() > EVENTS {
            let has_more = looks.len() > EVENTS;
            looks.truncate(EVENTS);
            return Ok((looks, has_more));
        }
    }
    Ok((looks, true))
}

fn looked(event: SubjectEvent) -> Look {
    let context: Value = serde_json::from_str(&event.context).unwrap_or_default();
    let how = match (&*event.service_action, context["format"].as_str()) {
        (action, _) if action == Action::WatchRecording.name() => "followed it live",
        (_, Some("player")) => "played it",
        (_, Some("still")) => "saw a still of it",
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
