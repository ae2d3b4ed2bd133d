//! The panels that are only read: help, and what the recording says of itself.

use casemate_cast_format::segment::{Condition, Verdict, hex};
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
    let condition = verdict.condition(None);
    let mut lines = vec![match condition {
        Condition::Unsealed => ("without seals: a change cannot be seen".into(), look.plain),
        Condition::Intact => (format!("intact, {segments}"), look.good),
        Condition::Unfinished if verdict.segments == 0 => {
            ("unfinished: it breaks off before the first seal".into(), look.marker)
        }
        Condition::Unfinished => {
            (format!("unfinished: its recorder did not end it; {segments} so far"), look.marker)
        }
        Condition::Damaged | Condition::OtherKey => (format!("not intact, {segments}"), look.bad),
    }];
    if let Some(key) = verdict.signed_by {
        lines.push((format!("signed by {}…", hex(&key[..8])), look.good));
    } else if verdict.segments > 0 {
        lines.push(("not signed".into(), look.plain));
    }
    // That it breaks off is said.
    let listed = if condition == Condition::Unfinished { 0 } else { DEFECTS };
    lines.extend(verdict.defects.iter().take(listed).map(|defect| (defect.to_string(), look.bad)));
    lines
}

fn start(header: &Header) -> Option<String> {
    Some(DateTime::from_timestamp_micros(header.start_us()?)?.to_rfc3339_opts(SecondsFormat::Secs, true))
}

#[cfg(test)]
mod tests {
    use casemate_cast_format::segment::{Defect, DefectKind};

    use super::*;

    #[test]
    fn a_recording_is_judged_as_verify_does() {
        let look = Look::new(true);
        let said = |verdict: Verdict| {
            let lines = judged(&verdict, &look).into_iter();
            lines.map(|(text, _)| text).collect::<Vec<_>>()
        };
        let defect = |kind| vec![Defect { offset: 9, span: None, kind }];
        let finished = Verdict { finished: true, segments: 2, ..Verdict::default() };
        assert_eq!(said(Verdict::default()), ["without seals: a change cannot be seen"]);
        assert_eq!(
            said(Verdict { signed_by: Some([0xA7; 32]), ..finished.clone() }),
            ["intact, 2 segments", "signed by a7a7a7a7a7a7a7a7…"]
        );
        let torn = DefectKind::Torn { sequence: 2, offset: 9, bytes: 5 };
        let torn = Verdict { segments: 2, defects: defect(torn), torn_bytes: 5, ..Verdict::default() };
        assert_eq!(
            said(torn.clone()),
            ["unfinished: its recorder did not end it; 2 segments so far", "not signed"]
        );
        assert_eq!(
            said(Verdict { segments: 0, ..torn }),
            ["unfinished: it breaks off before the first seal"]
        );
        assert_eq!(
            said(Verdict { defects: defect(DefectKind::SeekTableMissing), ..finished }),
            ["not intact, 2 segments", "not signed", "the seek table is missing"]
        );
    }
}
