//! What comes while the page of a session is open, by server-sent events, all in one stream.
//!
//! - `ticket`: what to send along when it is opened again: whoever follows a session stands in the log once.
//! - `screen`: what is to be seen now, of a session that goes on; `output`: what is to be played behind it.
//! - `command`: one that is new, or has ended; `id` says where to go on behind it.
//! - `film`: what has changed of the page since more of the film is there. It is the last when it says that it is whole.
//! - `over`: the session has ended.
//! - `gone`: the recording was deleted, and nothing more comes.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Sse;
use axum::response::sse::Event as Message;
use casemate_audit_log::Time;
use casemate_audit_log::model::{Event, Log};
use casemate_audit_store::Recording;
use casemate_audit_store::connections::Connection;
use casemate_web::session;
use futures_util::{Stream, TryStreamExt as _};
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::content;
use crate::api::connections;
use crate::api::question::{Asks, Question, only};
use crate::api::tail::{News, Tail, alive};
use crate::app::{App, id};
use crate::error::ApiError;
use crate::film::{Film, FilmError, Follower, look};
use crate::who::ticket::shown;
use crate::who::{Action, Caller, Gate, Seen, Still};

/// How often it is looked, also where nobody says that something came: other servers may take it in.
const LOOK: Duration = Duration::from_millis(200);

/// How often the page hears what there is of the film.
const TOLD: Duration = Duration::from_secs(2);

/// Bytes of a recording that are read at once.
const PIECE: u64 = 256 << 10;

/// Of these so many are played at once: compressed, they may be a great deal of output. So much of that is told at once.
const LITTLE: usize = 1 << 10;
const MUCH: usize = 1 << 20;

/// Messages that wait for whoever listens.
const WAITING: usize = 4;

/// A session that goes on.
pub(in crate::pages) async fn live(
    gate: Gate,
    Path(text): Path<String>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    let (asked, known) = (only(&uri, ["cursor", "ticket"]), id("session", &text));
    let ticket = asked.as_ref().ok().and_then(|[_, ticket]| ticket.as_deref());
    let ticket = shown(Seen::Live, &known, ticket);
    let context = json!({ "page": "session" });
    let caller = gate.pass_with(Action::WatchRecording, &text, ticket, context).await?;
    let connection = connections::find(&gate, &caller, &text).await?;
    let [cursor, ticket] = asked?;
    let ticket =
        ticket.unwrap_or_else(|| gate.app.tickets.give(caller.id, Seen::Live(connection.id), Time::now()));
    let parameters = vec![("connectionIds".to_owned(), connection.id.to_string())];
    let mut question = Question::of(parameters, Asks::Tail)?;
    (question.logs, question.cursor) = (vec![Log::Command], cursor);
    let tail = Tail::begin(&gate.app, caller.clone(), question, &headers).await?;
    let (sender, receiver) = channel(WAITING);
    let page = Page { app: gate.app, caller, connection, sender };
    tokio::spawn(async move {
        let sender = page.sender.clone();
        page.send("ticket", ticket).await;
        tokio::select! {
            () = sender.closed() => {}
            () = page.play() => {}
            () = page.commands(tail) => {}
        }
    });
    Ok(stream(receiver))
}

/// A session that has ended, the film of which is not whole. Looking at the page was looking at this as well: it says how far the
/// film is, and shows nothing of it.
pub(in crate::pages) async fn film(
    gate: Gate,
    Path(text): Path<String>,
    uri: Uri,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, ApiError> {
    let (asked, known) = (only(&uri, ["ticket"]), id("session", &text));
    let ticket = asked.as_ref().ok().and_then(|[ticket]| ticket.as_deref());
    let ticket = shown(Seen::Page, &known, ticket);
    let context = json!({ "page": "session" });
    let caller = gate.pass_with(Action::GetConnection, &text, ticket, context).await?;
    asked?;
    let connection = connections::find(&gate, &caller, &text).await?;
    let (sender, receiver) = channel(WAITING);
    let page = Page { app: gate.app, caller, connection, sender };
    tokio::spawn(async move {
        let sender = page.sender.clone();
        tokio::select! {
            () = sender.closed() => {}
            () = page.prepared() => {}
        }
    });
    Ok(stream(receiver))
}

fn stream(messages: Receiver<Message>) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let stream = futures_util::stream::unfold(messages, |mut messages| async move {
        Some((Ok(messages.recv().await?), messages))
    });
    Sse::new(stream).keep_alive(alive())
}

/// Somebody's page.
struct Page {
    app: App,
    caller: Caller,
    connection: Connection,
    sender: Sender<Message>,
}

impl Page {
    /// Whoever does not listen any more ends all of it.
    async fn send(&self, name: &str, data: impl AsRef<str>) {
        self.sender.send(Message::default().event(name).data(data)).await.ok();
    }

    /// Tells of commands as they come; ends where the tail does.
    async fn commands(&self, mut tail: Tail) {
        while let Some(News { event, cursor, .. }) = tail.next().await {
            let command = match event {
                Event::Command(command) => command,
                Event::CommandEnd(end) => {
                    let found =
                        self.app.database.event(Log::Command, Some(&end.connection_id), &end.id).await;
                    let Ok(Some(Event::Command(mut command))) = found else { continue };
                    command.result = end.result;
                    command
                }
                Event::Kube(_) | Event::Connection(_) | Event::Subject(_) | Event::AgentStatusChange(_) => {
                    continue;
                }
            };
            let command = content::command(&command, |time| content::moment(None, &self.connection, time));
            let data = session::command(&self.connection.id.to_string(), &command).into_string();
            self.sender.send(Message::default().event("command").id(cursor).data(data)).await.ok();
        }
    }

    /// Tells what is to be seen, as long as the session goes on; ends where that cannot be told.
    async fn play(&self) {
        self.ended(self.follow().await);
    }

    fn ended(&self, how: Result<(), ApiError>) {
        if let Err(error) = how {
            let id = self.connection.id;
            crate::say(format_args!("the page of {id} goes on no more: {}", error.message()));
        }
    }

    async fn follow(&self) -> Result<(), ApiError> {
        let mut committed = self.app.journal.committed();
        let (mut follower, mut told) = (None::<Follower>, Told::default());
        let mut still = Still::of(&self.app, self.caller.clone(), Action::WatchRecording);
        loop {
            committed.mark_unchanged();
            if !still.holds().await? {
                return Ok(());
            }
            let recording = self.app.recordings.find(self.connection.id).await?;
            if recording.deleted.is_some() {
                self.send("gone", "").await;
                return Ok(());
            }
            let is_all = match &mut follower {
                Some(follower) => self.output(&recording, follower).await?,
                None => {
                    follower = self.screen(&recording).await?;
                    true
                }
            };
            if told.is_due() {
                self.tell(&recording, &mut told).await?;
            }
            if is_all && recording.completed.is_some() {
                self.send("over", "").await;
                return self.end(told).await;
            }
            if is_all {
                // Either way it is looked again.
                tokio::time::timeout(LOOK, committed.changed()).await.ok();
            }
        }
    }

    /// Begins with what is to be seen now.
    async fn screen(&self, recording: &Recording) -> Result<Option<Follower>, ApiError> {
        let follower = match look(&self.app, recording, self.caller.id).await {
            Ok(film) => Follower::begin(&self.app, &film).await,
            Err(error) => Err(error),
        };
        let mut follower = match follower {
            Ok(follower) => follower,
            Err(FilmError::Later) => return Ok(None),
            Err(error) => return Err(crate::api::player::failed(recording, &error)),
        };
        self.feed(recording, &mut follower, recording.size, false).await?;
        let screen = tokio::task::block_in_place(|| follower.screen());
        self.send("screen", screen).await;
        Ok(Some(follower))
    }

    /// Goes on, and says whether that is all there is.
    async fn output(&self, recording: &Recording, follower: &mut Follower) -> Result<bool, ApiError> {
        let end = recording.size.min(follower.read + PIECE);
        self.feed(recording, follower, end, true).await?;
        if let Some(output) = follower.output() {
            self.send("output", output).await;
        }
        Ok(follower.read == recording.size)
    }

    /// Reads up to there. Little is held of what is to be played, however much of that a few bytes hold.
    async fn feed(
        &self,
        recording: &Recording,
        follower: &mut Follower,
        end: u64,
        tells: bool,
    ) -> Result<(), ApiError> {
        if follower.read >= end {
            return Ok(());
        }
        let mut bytes = self.app.recordings.read(recording.id, follower.read..end).await?;
        while let Some(bytes) = bytes.try_next().await? {
            for piece in bytes.chunks(LITTLE) {
                let fed = tokio::task::block_in_place(|| follower.feed(piece));
                fed.map_err(|error| crate::api::player::failed(recording, &error.into()))?;
                if follower.waiting() < MUCH {
                    continue;
                }
                if let Some(output) = follower.output().filter(|_| tells) {
                    self.send("output", output).await;
                }
            }
        }
        Ok(())
    }

    /// Tells what there is of the film, to its end.
    async fn prepared(&self) {
        self.ended(self.end(Told::default()).await);
    }

    async fn end(&self, mut told: Told) -> Result<(), ApiError> {
        loop {
            let recording = self.app.recordings.find(self.connection.id).await?;
            if recording.deleted.is_some() {
                self.send("gone", "").await;
                return Ok(());
            }
            if self.tell(&recording, &mut told).await? {
                return Ok(());
            }
            tokio::time::sleep(TOLD).await;
            if !self.app.is_still(&self.caller, Action::GetConnection).await? {
                return Ok(());
            }
        }
    }

    /// Tells what there is of the film, if it is more than before; says whether that is all. It is told every other second to each
    /// who looks, and so takes no longer the more commands there are: those come by themselves.
    async fn tell(&self, recording: &Recording, told: &mut Told) -> Result<bool, ApiError> {
        told.at = Some(Instant::now());
        let film = match look(&self.app, recording, self.caller.id).await {
            Ok(film) => film,
            Err(FilmError::Later) => return Ok(false),
            // The page says why.
            Err(_) => return Ok(true),
        };
        let is_whole = Film::is_whole(&film);
        if told.events == film.facts.events && !is_whole {
            return Ok(false);
        }
        told.events = film.facts.events;
        self.send("film", content::changed(&self.app, &self.connection, recording, film).await?).await;
        Ok(is_whole && recording.completed.is_some())
    }
}

/// What the page was told last.
#[derive(Default)]
struct Told {
    at: Option<Instant>,
    events: u64,
}

impl Told {
    fn is_due(&self) -> bool {
        self.at.is_none_or(|at| at.elapsed() > TOLD)
    }
}
