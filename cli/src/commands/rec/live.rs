//! `casemate rec --server`: what is recorded goes to an audit server while it is recorded.
//!
//! *Invariants*: the recorder writes a file, as ever, and does not wait for the server. What the server refuses is not
//! recorded, unless that was asked for; what it cannot be asked is recorded, and uploaded later.

use std::path::{Path, PathBuf};
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_client::ingest::{CLAIMS_FACT, INPUT_FACT, NewConnection, NewEvent};
use casemate_client::{Begin, Client, End, Facts, Live, RecordingForm};
use casemate_recorder::{Ending, Options, Output, Recorded};
use rustix::process::{Signal, getpid, kill_process};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::RecArgs;
use crate::commands::info::people_bytes;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::sending::{send_left_behind, spool};

/// Nobody waits longer for the rest to be uploaded.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whoever waits longer wants to know for what.
const UNSAID: Duration = Duration::from_secs(1);

/// The server, and what it is told.
pub(super) struct Sending {
    client: Client,
    id: Uuid,
    connection: NewConnection,
    events: Vec<NewEvent>,
    /// Somebody sits at it.
    has_client: bool,
    /// The file is one of the spool: it goes when all of it is there.
    is_spooled: bool,
    /// The server does not want it: only recorded.
    is_refused: bool,
    live: Option<Live>,
}

/// The client, where a server is named.
pub(super) fn client(arguments: &RecArgs, printer: &Printer) -> Result<Option<Client>, Failure> {
    if arguments.server.server.is_none() {
        return Ok(None);
    }
    let wrong = |what: &str, hint: &str| {
        Err(Failure::new(format!("{what} cannot be uploaded while it is made")).hint(hint))
    };
    if arguments.append {
        // The server says what the hash of a recording is when its session is over, and takes nothing more then.
        return wrong(
            "a recording that is appended to",
            "give another FILE, or none: on a server each session is a recording of its own",
        );
    }
    if arguments.max_size.is_some() || arguments.max_duration.is_some() {
        return wrong(
            "a recording in several files",
            "leave out --max-size and --max-duration; or record without --server, and then: \
             casemate cat PARTS -o WHOLE.cast.zst && casemate upload WHOLE.cast.zst",
        );
    }
    arguments.server.client(printer).map(Some)
}

/// Where a recording goes that was given no name.
pub(super) fn spool_file(client: &Client, session: &str) -> Result<PathBuf, Failure> {
    Ok(spool(client)?.join(format!("{session}.cast.zst")))
}

impl Sending {
    /// Asks the server whether it wants this session.
    pub(super) fn prepare(
        client: Client,
        options: &Options,
        arguments: &RecArgs,
        printer: &Printer,
    ) -> Result<Self, Failure> {
        let facts = &options.facts;
        let form = match &options.format {
            casemate_recorder::Format::Cast { segments: true, .. } => RecordingForm::Segments,
            casemate_recorder::Format::Cast { segments: false, .. } => RecordingForm::Cast,
            casemate_recorder::Format::Raw | casemate_recorder::Format::Text => {
                return Err(Failure::new("only asciicast can be uploaded")
                    .hint("record to NAME.cast or NAME.cast.zst, or leave out --output-format"));
            }
        };
        if matches!(options.output, Output::Stdout) {
            return Err(
                Failure::new("what goes to standard output cannot be uploaded").hint("give a file, or none")
            );
        }
        let id = Uuid::parse_str(&facts.session)?;
        let connection = NewConnection::of(&Facts {
            id,
            form,
            start: Time(i64::try_from(facts.start_us).unwrap_or(0)),
            session: Some(facts.clone()),
            title: None,
        });
        let start = connection.started_at;
        // That the shell is there, the server says by itself.
        let client_connects = NewEvent::once(id, "ClientConnect", start, None);
        let events = if options.headless { Vec::new() } else { vec![client_connects] };
        let mut is_refused = false;
        match client.connect(id, &connection) {
            Ok(_) => {}
            Err(error) if error.is_temporary() => {
                printer.warn(format!("{error}; recording here, and uploading when it can be reached"));
            }
            Err(error) if arguments.best_effort => {
                printer.warn(format!("{error}; recording here only"));
                is_refused = true;
            }
            Err(error) => {
                let failure = Failure::new(format!("nothing is recorded: {error}"));
                let hint = error.hint().map_or_else(String::new, |hint| format!("{hint}; "));
                return Err(failure.hint(format!("{hint}to record all the same: --best-effort")));
            }
        }
        let is_spooled = arguments.file.is_none();
        let has_client = !options.headless;
        Ok(Self { client, id, connection, events, has_client, is_spooled, is_refused, live: None })
    }

    /// The recording begins, in this file.
    pub(super) fn begin(&mut self, file: &Path, printer: &Printer) {
        if self.is_refused {
            return;
        }
        let begin = Begin {
            id: self.id,
            path: file.to_owned(),
            connection: self.connection.clone(),
            events: std::mem::take(&mut self.events),
        };
        // The recorder ends a session as it does whenever it is asked to end.
        let close = |_: &str| _ = kill_process(getpid(), Signal::TERM);
        match Live::start(&self.client, begin, close) {
            Ok(live) => self.live = Some(live),
            Err(error) => printer.warn(format!("uploading when the session is over: {error}")),
        }
        let (client, folder) = (self.client.clone(), spool(&self.client));
        if let Ok(folder) = folder {
            let name = std::thread::Builder::new().name("spool".into());
            // Without a thread it is left to the next one.
            drop(name.spawn(move || send_left_behind(&client, &folder)));
        }
    }

    /// The session is over: where its recording is now, as it is said of one that was made.
    pub(super) fn finish(mut self, recorded: &Recorded, printer: &Printer) -> String {
        let files =
            recorded.files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>().join(", ");
        let kept = format!("to {files}");
        let Some(live) = self.live.take() else {
            if !self.is_refused {
                self.say_how(&files, printer);
            }
            return kept;
        };
        let server = self.client.server().to_owned();
        let now = Time::now();
        let mut events = Vec::new();
        if self.has_client {
            events.push(NewEvent::once(self.id, "ClientDisconnect", now, None));
        }
        if live.closed().is_none() {
            events.push(NewEvent::once(self.id, "Closed", now, Some(reason(recorded))));
        }
        let begun = std::time::Instant::now();
        let mut is_said = false;
        let left = live.finish(End { events, patience: PATIENCE }, |bytes| {
            if !is_said && begun.elapsed() >= UNSAID && bytes > 0 {
                is_said = true;
                printer.say(format!("uploading the rest to {server}: {}", people_bytes(bytes)));
            }
        });
        if let Some(reason) = &left.closed {
            printer.error(format!("the session was closed: {reason}"));
        }
        if left.is_complete {
            let uploaded = format!("uploaded to {server} as {}", self.id);
            let is_removed =
                self.is_spooled && recorded.files.iter().all(|file| std::fs::remove_file(file).is_ok());
            return if is_removed { uploaded } else { format!("{kept}, {uploaded}") };
        }
        let why = left.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let bytes = if left.bytes > 0 { people_bytes(left.bytes) } else { "the end".to_owned() };
        printer.warn(format!("{bytes} of the recording is not on {server} yet{why}"));
        self.say_how(&files, printer);
        kept
    }

    fn say_how(&self, files: &str, printer: &Printer) {
        let what = if self.is_spooled { "--spool" } else { files };
        printer.say(format!("upload it with: casemate upload --server {} {what}", self.client.server()));
    }
}

/// What the file is to say beside who and where, so that it can be uploaded by itself.
pub(super) fn more_facts(input_recorded: bool) -> Map<String, Value> {
    let mut facts = Map::new();
    facts.insert(INPUT_FACT.into(), input_recorded.into());
    if let Ok(said) = std::env::var("SSH_CONNECTION") {
        facts.insert(
            CLAIMS_FACT.into(),
            json!({ "SSH_CONNECTION": said.chars().take(256).collect::<String>() }),
        );
    }
    facts
}

fn reason(recorded: &Recorded) -> String {
    match recorded.ending {
        Ending::Exit => format!("the program ended with status {}", recorded.status),
        Ending::Hangup => "the terminal went away".into(),
        Ending::Signal(_) => format!("the recorder was ended ({})", recorded.ending),
        Ending::Stopped => "the recorded person stopped recording".into(),
        Ending::Unrecorded => "the recording could not be written".into(),
    }
}
