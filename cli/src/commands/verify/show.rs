//! What was found, as lines for people and as JSON. The names in the JSON stay; new ones may come.

use std::io::IsTerminal as _;
use std::path::Path;

use casemate_cast_format::segment::{Condition, Defect, DefectKind, Span, Verdict, hex};
use serde_json::{Value, json};

use super::links::Session;
use super::logs::{Logs, LogsCondition};
use super::screens::Screens;
use crate::commands::info::{number, people_bytes, people_time};
use crate::failure::Failure;
use crate::integrity::Integrity;
use crate::printer::{colours_welcome, one_line};

/// Defects of an export that are shown to people.
const LISTED: usize = 50;

/// How it is shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Show {
    Text,
    Json,
}

impl Show {
    pub(super) fn recording(self, one: &Integrity, screens: Option<&Screens>) -> String {
        match self {
            Self::Text => text(one) + &screens.map_or_else(String::new, screens_text),
            Self::Json => {
                let mut object = to_json(one);
                if let Some(screens) = screens {
                    object["screens"] = screens_json(screens);
                }
                format!("{object}\n")
            }
        }
    }

    pub(super) fn logs(self, logs: &Logs) -> String {
        match self {
            Self::Text => logs_text(logs),
            Self::Json => format!("{}\n", logs_json(logs)),
        }
    }

    pub(super) fn unreadable(self, path: &Path, failure: &Failure) -> String {
        match self {
            // It was said already.
            Self::Text => String::new(),
            Self::Json => {
                let name = path.display().to_string();
                let object = json!({ "file": name, "verdict": "unreadable", "status": 2, "error": failure.to_string() });
                format!("{object}\n")
            }
        }
    }

    pub(super) fn session(self, session: &Session<'_>) -> String {
        match self {
            Self::Text => session_text(session),
            Self::Json => {
                let broken = session.broken.iter();
                let broken = broken.map(|(before, behind)| json!({ "before": before, "behind": behind }));
                let object = json!({
                    "session": session.id,
                    "parts": session.parts,
                    "linked": session.is_whole(),
                    "status": u8::from(!session.is_whole()),
                    "broken": broken.collect::<Vec<_>>(),
                    "not_given_before": session.before,
                    "not_given_behind": session.behind,
                });
                format!("{object}\n")
            }
        }
    }
}

fn to_json(one: &Integrity) -> Value {
    let condition = one.condition();
    let verdict = one.verdict.as_ref();
    let name = match condition {
        Condition::Intact => "intact",
        Condition::Damaged => "damaged",
        Condition::Unfinished => "unfinished",
        Condition::Unsealed => "unsealed",
        Condition::OtherKey => "other_key",
    };
    let signed_by = verdict.and_then(|verdict| verdict.signed_by);
    json!({
        "file": one.name,
        "verdict": name,
        "status": u8::from(condition != Condition::Intact),
        "signed_by": signed_by.map(|key| hex(&key)),
        "signed_by_key": one.key.map(|key| signed_by == Some(key)),
        "finished": verdict.map(|verdict| verdict.finished),
        "segments": verdict.map(|verdict| verdict.segments),
        "keyframes": verdict.map(|verdict| verdict.keyframes),
        "sealed_until": verdict.filter(|verdict| verdict.segments > 0).map(|verdict| number(verdict.sealed_until)),
        "sealed_text_bytes": verdict.map(|verdict| verdict.sealed_text_bytes),
        "text_bytes": verdict.map(|verdict| verdict.text_bytes),
        "unsealed_bytes": verdict.map(|_| one.unsealed_bytes()),
        "session": one.facts.as_ref().map(|facts| &facts.session),
        "part": one.facts.as_ref().map(|facts| facts.part),
        "next": one.next,
        "continues": verdict.and_then(|verdict| verdict.continues).map(|hash| hex(&hash)),
        "last_seal": verdict.and_then(|verdict| verdict.last_seal).map(|hash| hex(&hash)),
        "defects": verdict.map_or(Vec::new(), |verdict| verdict.defects.iter().map(defect_json).collect()),
        "defect_count": verdict.map_or(0, Verdict::defect_count),
    })
}

fn logs_json(logs: &Logs) -> Value {
    let condition = logs.condition();
    let name = match condition {
        LogsCondition::Intact => "intact",
        LogsCondition::Damaged => "damaged",
        LogsCondition::OtherKey => "other_key",
        LogsCondition::Unsigned => "unsigned",
    };
    let verified = &logs.verified;
    let defects = logs
        .defects
        .iter()
        .map(|defect| json!({ "what": defect.name(), "line": defect.line(), "text": defect.to_string() }));
    json!({
        "file": logs.name,
        "verdict": name,
        "status": u8::from(condition != LogsCondition::Intact),
        "signed_by": verified.keys,
        "signed_by_key": logs.key.map(|key| verified.keys == [key]),
        "rows": verified.rows,
        "writers": verified.writers,
        "checkpoints": verified.checkpoints,
        "unsigned_rows": verified.unsigned,
        "erased_rows": verified.erased,
        "defects": defects.collect::<Vec<_>>(),
        "defect_count": logs.defect_count,
    })
}

fn logs_text(logs: &Logs) -> String {
    let verified = &logs.verified;
    let rows = format!("{} of {}", count(verified.rows, "row"), count(verified.writers, "writer"));
    let checkpoints = count(verified.checkpoints, "checkpoint");
    let keys = verified.keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let signed = match (logs.key, &verified.keys[..]) {
        (_, []) => "not signed".to_owned(),
        (Some(key), [one]) if key == *one => "signed by the key".into(),
        _ => format!("signed by {keys}"),
    };
    let said = match logs.condition() {
        LogsCondition::Intact => format!("{}: {rows}, {checkpoints}, {signed}", good("intact")),
        LogsCondition::OtherKey => {
            format!("{}: {rows}", bad("NOT SIGNED BY THE KEY, otherwise intact"))
        }
        LogsCondition::Unsigned if verified.checkpoints == 0 => {
            format!("{}: {rows}, no checkpoint", bad("NOT SIGNED"))
        }
        LogsCondition::Unsigned => format!(
            "{}: {} of {rows} are behind the last of {checkpoints}, {signed}",
            bad("NOT ALL SIGNED"),
            verified.unsigned
        ),
        LogsCondition::Damaged => {
            let defects = count(logs.defect_count, "defect");
            format!("{}: {defects} in {rows}, {checkpoints}, {signed}", bad("NOT INTACT"))
        }
    };
    let mut lines = format!("{}: {said}\n", one_line(&logs.name));
    for defect in logs.defects.iter().take(LISTED) {
        lines.push_str(&format!("  {}\n", one_line(&defect.to_string())));
    }
    let more = logs.defect_count.saturating_sub(LISTED as u64);
    if more > 0 {
        lines.push_str(&format!("  and {more} more\n"));
    }
    if verified.erased > 0 {
        lines.push_str(&format!(
            "  of {} the content was erased; their places are held by hashes\n",
            count(verified.erased, "row")
        ));
    }
    lines
}

fn screens_json(screens: &Screens) -> Value {
    let wrong = screens.wrong.iter().map(|(segment, end)| json!({ "segment": segment, "to": number(*end) }));
    json!({
        "kept": screens.kept,
        "wrong": wrong.collect::<Vec<_>>(),
        "wrong_count": screens.wrong_count,
        "not_compared": screens.unknown,
    })
}

fn screens_text(screens: &Screens) -> String {
    let mut lines = String::new();
    for (segment, end) in &screens.wrong {
        let end = people_time(*end);
        lines.push_str(&format!(
            "  {}: the screen kept in segment {segment} (at {end})\n",
            bad("NOT WHAT WAS PRINTED")
        ));
    }
    let more = screens.wrong_count - screens.wrong.len() as u64;
    if more > 0 {
        lines.push_str(&format!("  and {more} more\n"));
    }
    if screens.unknown > 0 {
        let kept = count(screens.unknown, "screen");
        lines.push_str(&format!("  {kept} could not be compared: something before cannot be read\n"));
    }
    if lines.is_empty() {
        lines = match screens.kept {
            0 => "  no screens are kept\n".to_owned(),
            1 => "  1 screen kept, as it was printed\n".to_owned(),
            kept => format!("  {} kept, as they were printed\n", count(kept, "screen")),
        };
    }
    lines
}

fn defect_json(defect: &Defect) -> Value {
    let last =
        if let DefectKind::Missing { last, .. } = defect.kind { Some(last) } else { defect.kind.segment() };
    json!({
        "what": defect.kind.name(),
        "segment": defect.kind.segment(),
        "last_segment": last,
        "from": defect.span.map(|span| number(span.from)),
        "to": defect.span.and_then(|span| span.to).map(number),
        "offset": defect.offset,
        "text": defect.to_string(),
    })
}

fn text(one: &Integrity) -> String {
    let condition = one.condition();
    let name = one_line(&one.name);
    let Some(verdict) =
        one.verdict.as_ref().filter(|verdict| verdict.segments > 0 || condition != Condition::Unsealed)
    else {
        let what = match (&one.verdict, one.bytes) {
            (_, 0) => "an empty file",
            (None, _) => "a plain asciicast",
            (Some(_), _) => "compressed, but not in segments",
        };
        return format!("{name}: {}: {what}, of which nothing can be proven\n", bad("NOT SEALED"));
    };
    let length = people_time(verdict.sealed_until);
    let segments = count(verdict.segments, "segment");
    let signed = match verdict.signed_by {
        Some(key) if one.key == Some(key) => "signed by the key".to_owned(),
        Some(key) => format!("signed by {}", hex(&key)),
        None => "not signed".into(),
    };
    let said = match condition {
        Condition::Intact => format!("{}: {segments}, {length}, {signed}", good("intact")),
        Condition::OtherKey => {
            format!("{}: {segments}, {length}, {signed}", bad("NOT SIGNED BY THE KEY, otherwise intact"))
        }
        Condition::Unfinished if verdict.segments == 0 => {
            format!("{}: it breaks off before the first seal", bad("UNFINISHED"))
        }
        Condition::Unfinished => {
            let rest = one.unsealed_bytes();
            let rest = if rest > 0 {
                format!("; {} behind it have no seal", people_bytes(rest))
            } else {
                String::new()
            };
            let hold = if verdict.segments == 1 { "holds" } else { "hold" };
            format!("{}: no final seal; {segments} {hold}, up to {length}, {signed}{rest}", bad("UNFINISHED"))
        }
        Condition::Damaged | Condition::Unsealed => {
            let end = if verdict.finished { "" } else { ", and no final seal at its end" };
            let defects = count(verdict.defect_count(), "defect");
            format!("{}: {defects} in {segments}{end}, {signed}", bad("NOT INTACT"))
        }
    };
    let mut lines = format!("{name}: {said}\n");
    if condition != Condition::Unfinished {
        for run in runs(&verdict.defects) {
            lines.push_str(&format!("  {}\n", run_text(run)));
        }
        if verdict.more_defects > 0 {
            lines.push_str(&format!("  and {} more\n", verdict.more_defects));
        }
    }
    lines
}

/// Defects of the same kind in segments that stand in a row.
fn runs(defects: &[Defect]) -> impl Iterator<Item = &[Defect]> {
    defects.chunk_by(|one, other| {
        let next = one.kind.segment().and_then(|segment| segment.checked_add(1));
        many(&one.kind).is_some() && one.kind.name() == other.kind.name() && other.kind.segment() == next
    })
}

/// What is said of several segments with this defect.
fn many(kind: &DefectKind) -> Option<&'static str> {
    match kind {
        DefectKind::NotSigned { .. } => Some("are not signed"),
        DefectKind::OtherKey { .. } => Some("are signed by another key"),
        DefectKind::WrongSignature { .. } => Some("have wrong signatures"),
        DefectKind::FrameChanged { .. } => Some("do not match their seals"),
        DefectKind::FrameMissing { .. } => Some("are missing, but for their seals"),
        DefectKind::ChainBroken { .. } => Some("do not follow the ones before them"),
        DefectKind::Repeated { .. } => Some("are there again"),
        DefectKind::OutOfOrder { .. } => Some("are out of order"),
        DefectKind::Counts { .. }
        | DefectKind::SealDamaged { .. }
        | DefectKind::Unsealed { .. }
        | DefectKind::Foreign { .. }
        | DefectKind::Missing { .. }
        | DefectKind::Damaged { .. }
        | DefectKind::Torn { .. }
        | DefectKind::SeekTableMissing
        | DefectKind::SeekTableWrong
        | _ => None,
    }
}

fn run_text(run: &[Defect]) -> String {
    let [first, .., last] = run else {
        return run.first().map_or(String::new(), |one| defect_text(one, one.span));
    };
    let span = first.span.map(|span| Span { from: span.from, to: last.span.and_then(|span| span.to) });
    let (from, to) = (first.kind.segment().unwrap_or(0), last.kind.segment().unwrap_or(0));
    format!("segments {from} to {to} {}{}", many(&first.kind).unwrap_or_default(), span_text(span))
}

fn defect_text(defect: &Defect, span: Option<Span>) -> String {
    format!("{defect}{}", span_text(span))
}

/// When it is: ` (59.9 s to 1 min 59.9 s)`.
fn span_text(span: Option<Span>) -> String {
    match span {
        None => String::new(),
        Some(Span { from, to: None }) => format!(" (behind {})", people_time(from)),
        Some(Span { from, to: Some(to) }) if people_time(from) == people_time(to) => {
            format!(" (at {})", people_time(from))
        }
        Some(Span { from, to: Some(to) }) => format!(" ({} to {})", people_time(from), people_time(to)),
    }
}

fn session_text(session: &Session<'_>) -> String {
    let mut text = String::new();
    let mut line = |said: String| text.push_str(&format!("session {}: {said}\n", one_line(session.id)));
    for (before, behind) in &session.broken {
        let (before, behind) = (one_line(before), one_line(behind));
        line(format!(
            "{}: {behind} does not follow {before}: a part is missing or another",
            bad("NOT LINKED")
        ));
    }
    if session.is_whole() && session.has_links {
        line(format!("each of {} parts {} the one before", session.parts.len(), good("follows")));
    }
    if let Some(before) = session.before {
        line(format!("it begins in {}, which was not given", one_line(before)));
    }
    if let Some(behind) = session.behind {
        line(format!("it goes on in {}, which was not given", one_line(behind)));
    }
    text
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn good(word: &str) -> String {
    paint("32", word)
}

fn bad(word: &str) -> String {
    paint("1;31", word)
}

fn paint(colour: &str, word: &str) -> String {
    if std::io::stdout().is_terminal() && colours_welcome() {
        format!("\x1b[{colour}m{word}\x1b[0m")
    } else {
        word.into()
    }
}
