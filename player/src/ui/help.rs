//! The panels that are only read: help, and what the recording says of itself.

use casemate_cast_format::segment::{Verdict, hex};
use casemate_cast_format::{Header, Micros};
use casemate_tui::Look;
use casemate_tui::panel::Line;
use casemate_tui::text::{bytes, clock, count, harmless};
use chrono::{DateTime, SecondsFormat};

use super::reader::Found;
use crate::index::Index;

const KEYS: [(&str, &str); 20] = [
    ("space", "play, pause"),
    ("← →", "5 seconds back, on"),
    ("shift ← →", "a tenth of the recording"),
    ("0 … 9", "to 0 %, 10 %, … 90 %"),
    ("Home End", "to the start, the end"),
    (", .", "a frame back, on"),
    ("[ ]", "marker before, next marker"),
    ("{ }", "command before, next command"),
    ("c", "list of commands"),
    ("/ n N", "search, next hit, hit before"),
    ("g", "go to: 1:30, 50%, marker:…"),
    ("< >", "slower, faster"),
    ("i", "what was typed"),
    ("m", "what this recording is"),
    ("s", "save this screen"),
    ("b", "hide this line, show it"),
    ("z", "all of a large screen, or a part"),
    ("h j k l", "move that part; ↑ ↓ too"),
    ("q", "quit; Ctrl-Z: not for good"),
    ("mouse", "click or drag the timeline; wheel"),
];

/// The key that only those have who can keep a note.
const NOTE: (&str, &str) = ("a", "add a note on this moment");

/// The keys.
pub(crate) fn help(has_notes: bool, look: &Look) -> Vec<Line> {
    let line = |(key, text): &(&str, &str)| {
        vec![(format!("{key:<10} "), look.accent), ((*text).to_owned(), look.plain)]
    };
    has_notes.then_some(&NOTE).into_iter().chain(&KEYS).map(line).collect()
}

/// What is known of the recording.
pub(crate) fn metadata(
    name: &str,
    header: &Header,
    index: &Index,
    length: Option<Micros>,
    found: &Found,
    look: &Look,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut row = |name: &str, text: &str, style| {
        lines.push(vec![(format!("{name:<10} "), look.faint), (harmless(text).into_owned(), style)]);
    };
    row("file", name, look.strong);
    if let Some(title) = &header.title {
        row("title", title, look.plain);
    }
    if let Some(command) = &header.command {
        row("program", command, look.plain);
    }
    if let Some(facts) = header.facts() {
        row("user", &facts.user, look.plain);
        row("target", &format!("{}@{}", facts.target_user, facts.target), look.plain);
        row("session", &facts.session, look.plain);
    }
    if let Some(start) = start(header) {
        row("started", &start, look.plain);
    }
    let duration = length.map_or_else(|| "not known yet".into(), |length| clock(length, true));
    row("duration", &duration, look.plain);
    let sizes = index.sizes().len();
    let changes = match sizes as u64 {
        0 => String::new(),
        1 => ", changed once".to_owned(),
        number => format!(", changed {} times", count(number)),
    };
    row("terminal", &format!("{}{changes}", header.size), look.plain);
    if !header.terminal().is_empty() {
        row("TERM", header.terminal(), look.plain);
    }
    let markers = match index.markers().len() as u64 {
        0 => String::new(),
        1 => ", 1 marker".to_owned(),
        number => format!(", {} markers", count(number)),
    };
    row("events", &format!("{}{markers}", count(index.events())), look.plain);
    row("commands", &count(found.commands.len() as u64 + found.commands_left_out), look.plain);
    row("input", if found.has_typed() { "recorded" } else { "not recorded" }, look.plain);
    if let Some(exit) = &found.exit {
        row("ended", &format!("status {exit}"), look.plain);
    }
    let form = if found.is_packed { ", compressed" } else { "" };
    let size = bytes(found.total);
    row("format", &format!("asciicast v{}{form}, {size}", header.version.number()), look.plain);
    for (number, (text, style)) in integrity(found, index, look).into_iter().enumerate() {
        row(if number == 0 { "integrity" } else { "" }, &text, style);
    }
    lines
}

fn integrity(found: &Found, index: &Index, look: &Look) -> Vec<(String, casemate_terminal::Style)> {
    if let Some(failure) = found.failure.as_deref().or(index.failure()) {
        return vec![(format!("cannot be read to its end: {failure}"), look.bad)];
    }
    if !found.is_complete {
        return vec![(format!("{:.0} % read", found.progress() * 100.0), look.plain)];
    }
    let mut lines = match &found.verdict {
        None => vec![("without seals: a change cannot be seen".into(), look.plain)],
        Some(verdict) => judged(verdict, look),
    };
    if index.unreadable_lines() > 0 {
        lines.push((format!("{} lines cannot be read", count(index.unreadable_lines())), look.bad));
    }
    lines
}

fn judged(verdict: &Verdict, look: &Look) -> Vec<(String, casemate_terminal::Style)> {
    /// More of them tell nothing new here; `casemate info` lists them.
    const DEFECTS: usize = 5;
    let segments = match verdict.segments {
        1 => "1 segment".to_owned(),
        number => format!("{} segments", count(number)),
    };
    let mut lines = vec![match verdict {
        Verdict { segments: 0, .. } => ("without seals: a change cannot be seen".into(), look.plain),
        Verdict { intact: true, .. } => (format!("intact, {segments}"), look.good),
        Verdict { finished: false, defects, .. } if defects.is_empty() => {
            (format!("unfinished: its recorder did not end it; {segments} so far"), look.marker)
        }
        Verdict { .. } => (format!("not intact, {segments}"), look.bad),
    }];
    if let Some(key) = verdict.signed_by {
        lines.push((format!("signed by {}…", hex(&key[..8])), look.good));
    } else if verdict.segments > 0 {
        lines.push(("not signed".into(), look.plain));
    }
    lines.extend(verdict.defects.iter().take(DEFECTS).map(|defect| (defect.to_string(), look.bad)));
    lines
}

fn start(header: &Header) -> Option<String> {
    Some(DateTime::from_timestamp_micros(header.start_us()?)?.to_rfc3339_opts(SecondsFormat::Secs, true))
}
