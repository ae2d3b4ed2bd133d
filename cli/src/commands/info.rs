//! `casemate info`: says what is in a recording.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_cast_format::segment::{Condition, UnpackerConfig, hex};
use casemate_cast_format::{Code, Event, Exec, Header, Item, Micros, Traffic, own};
use chrono::{DateTime, SecondsFormat};
use serde_json::{Map, Value, json};

use crate::failure::Failure;
use crate::input::{Findings, Input, Strictness};
use crate::keys::public_key;
use crate::printer::{Printer, one_line};

/// Say what is in a recording
///
/// Reads it to its end: who, where, when, how long, how many events of which kind, whether its segments
/// are intact, by whom they are signed, and all that is wrong with it. Ends with status 1 if a file
/// cannot be read at all, or, with --strict or --public-key, is not as it should be.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate info demo.cast
  casemate info --json *.cast.zst | jq -r '[.file, .duration] | @tsv'
  casemate info --public-key alice.pub.pem audit.cast.zst")]
pub(crate) struct InfoArgs {
    /// The recordings; `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// One JSON object a line for each recording
    #[arg(long)]
    json: bool,

    /// Anything that is wrong is an error
    #[arg(long)]
    strict: bool,

    /// Every segment must be signed with this Ed25519 key: a file in PEM, or 64 hex digits
    #[arg(long, alias = "key", value_name = "KEY")]
    public_key: Option<PathBuf>,
}

pub(crate) fn run(arguments: &InfoArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let public_key = arguments.public_key.as_deref().map(public_key).transpose()?;
    let mut bad = false;
    for (index, path) in arguments.files.iter().enumerate() {
        // One bad file does not keep the others from being looked at.
        let summary = match Summary::read(path, public_key, printer) {
            Ok(summary) => summary,
            Err(failure) => {
                printer.failure(&failure);
                bad = true;
                continue;
            }
        };
        let text = if arguments.json {
            format!("{}\n", summary.to_json())
        } else {
            let gap = if index > 0 { "\n" } else { "" };
            format!("{gap}{}", summary.to_text())
        };
        std::io::stdout().write_all(text.as_bytes())?;
        if let Some(wrong) = summary.judge(arguments.strict) {
            printer.error(wrong);
            bad = true;
        }
    }
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// What was found.
struct Summary {
    name: String,
    /// By whom it ought to be signed.
    key: Option<[u8; 32]>,
    header: Header,
    findings: Findings,
    duration: Micros,
    counts: BTreeMap<String, u64>,
    output_bytes: u64,
    markers: Vec<(Micros, String)>,
    largest: (u32, u32),
    /// There was none, and so many bytes passed.
    no_terminal: Option<Traffic>,
    exit: Option<String>,
    end: Option<String>,
    sessions: Vec<Value>,
}

impl Summary {
    fn read(path: &Path, public_key: Option<[u8; 32]>, printer: &Printer) -> Result<Self, Failure> {
        let input = Input::open(path)?;
        let name = input.name.clone();
        let mut summary: Option<Self> = None;
        let config = UnpackerConfig { public_key, ..UnpackerConfig::default() };
        let findings = input.read(config, Strictness::Collect, printer, |item| {
            match item {
                Item::Header(header) => summary = Some(Self::new(name.clone(), *header)),
                Item::Event(event) => {
                    if let Some(summary) = &mut summary {
                        summary.count(&event);
                    }
                }
                Item::Comment(_) | Item::Defect(_) => {}
            }
            Ok(())
        })?;
        let summary = summary.ok_or_else(|| Failure::new(format!("{name}: nothing in it can be read")))?;
        Ok(Self { findings, key: public_key, ..summary })
    }

    fn new(name: String, header: Header) -> Self {
        let sessions = header.facts().map(|facts| facts.to_value()).into_iter().collect();
        Self {
            name,
            key: None,
            findings: Findings::default(),
            duration: Micros(0),
            counts: BTreeMap::new(),
            output_bytes: 0,
            markers: Vec::new(),
            largest: (header.size.cols, header.size.rows),
            no_terminal: None,
            exit: None,
            end: None,
            sessions,
            header,
        }
    }

    fn count(&mut self, event: &Event<'_>) {
        self.duration = event.time;
        *self.counts.entry(event.code.as_str().to_owned()).or_default() += 1;
        match &event.code {
            Code::Output => self.output_bytes += event.data.decode().len() as u64,
            Code::Marker => self.markers.push((event.time, event.data.decode().into_owned())),
            Code::Exit => self.exit = Some(event.data.decode().into_owned()),
            Code::Resize => {
                if let Some(size) = event.size() {
                    self.largest = (self.largest.0.max(size.cols), self.largest.1.max(size.rows));
                }
            }
            Code::Other(code) if code == own::EXEC => {
                let exec = Exec::parse(&event.data.decode());
                self.no_terminal = exec.filter(|exec| !exec.terminal).map(|_| Traffic::default());
            }
            Code::Other(code) if code == own::TRAFFIC && self.no_terminal.is_some() => {
                self.no_terminal = Traffic::parse(&event.data.decode()).or(self.no_terminal);
            }
            Code::Other(code) if code == own::END => self.end = Some(event.data.decode().into_owned()),
            Code::Other(code) if code == own::SESSION => {
                self.sessions.extend(serde_json::from_str::<Value>(&event.data.decode()).ok());
                // It has an end of its own.
                (self.exit, self.end, self.no_terminal) = (None, None, None);
            }
            Code::Input | Code::Other(_) => {}
        }
    }

    /// What keeps it from being what was asked for.
    fn judge(&self, strict: bool) -> Option<String> {
        let verdict = self.findings.verdict.as_ref();
        let proven = verdict.is_some_and(|verdict| verdict.condition(self.key.as_ref()) == Condition::Intact);
        if self.key.is_some() && !proven {
            return Some(format!("{}: not a finished, intact recording signed with that key", self.name));
        }
        let unfinished = || Some(format!("{}: unfinished: its recorder did not end it", self.name));
        match self.findings.defects.first() {
            _ if !strict => None,
            Some(defect) => Some(defect.clone()),
            None if self.findings.is_unfinished() => unfinished(),
            None => None,
        }
    }

    fn start(&self) -> Option<String> {
        let from_facts = self.header.facts().and_then(|facts| i64::try_from(facts.start_us).ok());
        let micros = from_facts.or_else(|| self.header.timestamp?.checked_mul(1_000_000))?;
        Some(DateTime::from_timestamp_micros(micros)?.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }

    fn to_json(&self) -> Value {
        let verdict = self.findings.verdict.as_ref().filter(|verdict| verdict.segments > 0);
        let markers =
            self.markers.iter().map(|(time, label)| json!({ "time": number(*time), "label": label }));
        json!({
            "file": self.name,
            "version": self.header.version.number(),
            "compressed": self.findings.verdict.is_some(),
            "file_bytes": self.findings.bytes,
            "text_bytes": self.findings.text_bytes,
            "duration": number(self.duration),
            "start": self.start(),
            "width": self.header.size.cols,
            "height": self.header.size.rows,
            "largest_width": self.largest.0,
            "largest_height": self.largest.1,
            "title": self.header.title,
            "command": self.header.command,
            "term": self.header.term_type,
            "idle_time_limit": self.header.idle_time_limit.map(number),
            "env": self.header.env,
            "tags": self.header.tags,
            "events": self.counts.values().sum::<u64>(),
            "event_counts": self.counts,
            "output_bytes": self.output_bytes,
            "traffic": self.no_terminal,
            "markers": markers.collect::<Vec<_>>(),
            "exit": self.exit,
            "end": self.end,
            "sessions": self.sessions,
            "excerpt": self.header.excerpt(),
            "segments": verdict.map(|verdict| verdict.segments),
            "finished": verdict.map(|verdict| verdict.finished),
            "intact": verdict.map(|verdict| verdict.intact),
            "unfinished": self.findings.is_unfinished(),
            "keyframes": verdict.map(|verdict| verdict.keyframes),
            "continues": verdict.and_then(|verdict| verdict.continues).map(|hash| hex(&hash)),
            "last_seal": verdict.and_then(|verdict| verdict.last_seal).map(|hash| hex(&hash)),
            "signed_by": verdict.and_then(|verdict| verdict.signed_by).map(|key| hex(&key)),
            "defects": self.findings.defects,
            "defect_count": self.findings.defect_count,
        })
    }

    fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.name);
        let mut row = |name: &str, value: String| {
            text.push_str(&format!("  {name:<11} {}\n", one_line(&value)));
        };
        row("format", self.format());
        for session in &self.sessions {
            row("session", session_text(session));
        }
        if let Some(title) = &self.header.title {
            row("title", title.clone());
        }
        if let Some(command) = &self.header.command {
            row("command", command.clone());
        }
        if let Some(start) = self.start() {
            row("started", start);
        }
        row("duration", people_time(self.duration));
        if let Some(excerpt) = self.header.excerpt_text() {
            row("excerpt", excerpt);
        }
        let (cols, rows) = self.largest;
        let grown = self.largest != (self.header.size.cols, self.header.size.rows);
        let largest = if grown { format!(", at most {cols}x{rows}") } else { String::new() };
        match self.no_terminal {
            None => row("terminal", format!("{}{largest}", self.header.size)),
            Some(traffic) => row("terminal", format!("none, {}", traffic_text(traffic))),
        }
        row("events", self.events_text());
        row(
            "size",
            format!(
                "{} of output, {} of text, {} in the file",
                people_bytes(self.output_bytes),
                people_bytes(self.findings.text_bytes),
                people_bytes(self.findings.bytes)
            ),
        );
        for (time, label) in &self.markers {
            row("marker", format!("{} {label}", people_time(*time)));
        }
        match (&self.exit, &self.end) {
            (Some(exit), Some(end)) => row("ended", format!("{end}, status {exit}")),
            (Some(exit), None) => row("ended", format!("status {exit}")),
            (None, Some(end)) => row("ended", end.clone()),
            (None, None) => {}
        }
        if self.findings.defects.is_empty() {
            row("defects", "none".into());
        }
        for defect in &self.findings.defects {
            row("defect", defect.clone());
        }
        let more = self.findings.defect_count - self.findings.defects.len() as u64;
        if more > 0 {
            row("defects", format!("{more} more"));
        }
        text
    }

    fn format(&self) -> String {
        let version = self.header.version.number();
        match &self.findings.verdict {
            None => format!("asciicast v{version}"),
            Some(verdict) if verdict.segments == 0 && self.findings.open => {
                format!("asciicast v{version}, compressed, unfinished, not sealed")
            }
            Some(verdict) if verdict.segments == 0 => format!("asciicast v{version}, compressed, not sealed"),
            Some(verdict) => {
                let plural = if verdict.segments == 1 { "" } else { "s" };
                let state = match verdict.condition(self.key.as_ref()) {
                    Condition::Intact => "finished and intact",
                    Condition::Unfinished => "unfinished",
                    Condition::OtherKey => "NOT SIGNED BY THE KEY, otherwise intact",
                    Condition::Damaged | Condition::Unsealed => "NOT INTACT",
                };
                let signed =
                    verdict.signed_by.map_or("not signed".into(), |key| format!("signed by {}", hex(&key)));
                format!("asciicast v{version} in {} segment{plural}, {state}, {signed}", verdict.segments)
            }
        }
    }

    fn events_text(&self) -> String {
        let name = |code: &str| match code {
            "o" => "output".to_owned(),
            "i" => "input".into(),
            "m" => "marker".into(),
            "r" => "resize".into(),
            "x" => "exit".into(),
            other => other.into(),
        };
        let total: u64 = self.counts.values().sum();
        let kinds: Vec<_> =
            self.counts.iter().map(|(code, count)| format!("{count} {}", name(code))).collect();
        if kinds.is_empty() { "none".into() } else { format!("{total}: {}", kinds.join(", ")) }
    }
}

fn session_text(session: &Value) -> String {
    let empty = Map::new();
    let facts = session.as_object().unwrap_or(&empty);
    let get = |key: &str| facts.get(key).and_then(Value::as_str).unwrap_or("?").to_owned();
    let known = facts.get("known_by").and_then(Value::as_object).unwrap_or(&empty);
    let how =
        |key: &str| known.get(key).and_then(Value::as_str).map_or(String::new(), |how| format!(" ({how})"));
    let part = facts.get("part").and_then(Value::as_u64).filter(|&part| part > 1);
    format!(
        "{}{}: {}{} on {}{} as {}{}",
        get("session"),
        part.map_or(String::new(), |part| format!(" part {part}")),
        get("user"),
        how("user"),
        get("target"),
        how("target"),
        get("target_user"),
        how("target_user"),
    )
}

pub(super) fn number(time: Micros) -> Value {
    serde_json::from_str(&time.to_string()).unwrap_or(Value::Null)
}

/// What passed a program without a terminal.
fn traffic_text(traffic: Traffic) -> String {
    let Traffic { input, output, error } = traffic;
    let parts = [(input, "to its input"), (output, "of output"), (error, "of errors")];
    let parts: Vec<_> = parts
        .iter()
        .filter_map(|(bytes, what)| Some(format!("{} {what}", people_bytes((*bytes)?))))
        .collect();
    if parts.is_empty() { "nothing was counted".into() } else { parts.join(", ") }
}

/// `1 h 02 min 03.5 s`.
pub(super) fn people_time(time: Micros) -> String {
    let tenths = (time.0 + 50_000) / 100_000;
    let (hours, minutes, seconds) = (tenths / 36_000, tenths / 600 % 60, tenths % 600);
    let (whole, tenth) = (seconds / 10, seconds % 10);
    match (hours, minutes) {
        (0, 0) => format!("{whole}.{tenth} s"),
        (0, _) => format!("{minutes} min {whole:02}.{tenth} s"),
        _ => format!("{hours} h {minutes:02} min {whole:02}.{tenth} s"),
    }
}

pub(super) fn people_bytes(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}
