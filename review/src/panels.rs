//! The panels that are only read: help, and what is known of a recording.

use casemate_cast_format::segment::hex;
use casemate_tui::Look;
use casemate_tui::panel::Line;
use casemate_tui::text::{bytes, clock, count, harmless};

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::case::Case;
use crate::library::{Library, State};
use crate::sessions::state_style;
use crate::times::exact;

const KEYS: [(&str, &str); 17] = [
    ("Enter", "play: from the start, or at the moment"),
    ("/", "type what to filter by, or to search for"),
    ("Esc", "all again"),
    ("1 2 3 4", "sessions, commands, search, notes; Tab"),
    ("↑ ↓ j k", "up, down; PgUp PgDn Home End"),
    ("c", "commands of this session"),
    ("m", "details, and what is wrong with it"),
    ("a", "note this row; in the player, the moment"),
    ("e d", "notes: edit, remove"),
    ("s", "sessions: sort by the next column"),
    ("r", "other order"),
    ("g", "commands: go to a time"),
    ("o", "search: in commands, output, or both"),
    ("mouse", "click, click again; titles sort; wheel"),
    ("Ctrl-Z", "stop for now"),
    ("Ctrl-L", "draw anew"),
    ("q", "quit; in the player, back to here"),
];

/// The names of what is known take so much.
const NAME: usize = 9;

/// No text takes more lines: whoever is recorded may have chosen it to hide the others.
const LINES: usize = 6;

/// The keys.
pub(crate) fn help(look: &Look) -> Vec<Line> {
    let line = |(key, text): &(&str, &str)| {
        vec![(format!("{key:<8} "), look.accent), ((*text).to_owned(), look.plain)]
    };
    KEYS.iter().map(line).collect()
}

/// What is known of a recording, and of a session in it, in lines of at most `room` columns.
pub(crate) fn details(
    library: &Library,
    case: &Case,
    recording: i64,
    session: Option<i64>,
    room: usize,
    look: &Look,
) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut row = |name: &str, text: &str, style| {
        let mut pieces = wrapped(&harmless(text), room.saturating_sub(NAME + 1).max(8));
        if pieces.len() > LINES {
            let rest: usize = pieces.drain(LINES - 1..).map(|piece| piece.chars().count()).sum();
            pieces.push(format!("… {} more", count(rest as u64)));
        }
        for (name, piece) in std::iter::once(name).chain(std::iter::repeat("")).zip(pieces) {
            lines.push(vec![(format!("{name:<NAME$} "), look.faint), (piece, style)]);
        }
    };
    let Some(volume) = library.volume(recording) else { return lines };
    let path = volume.recording.path.display().to_string();
    let state = match volume.state {
        State::Signed => "intact, and signed",
        State::Intact => "intact; not signed",
        State::Unsealed | State::Faulty => "without seals: a change cannot be seen",
        State::Unfinished => "unfinished: its recorder did not end it",
        State::NotSigned => "intact, but not signed",
        State::OtherKey => "intact, but not signed with the key",
        State::Damaged => "damaged",
        State::Unreadable => "nothing of it can be read",
    };
    row("state", state, state_style(volume.state, look));
    if let Some(signer) = volume.recording.signed_by {
        row("signed by", &hex(&signer), look.plain);
    }
    if let Some(failure) = &volume.recording.failure {
        row("", failure, look.bad);
    }
    for defect in &volume.recording.defects {
        row("", defect, look.bad);
    }
    let more = volume.recording.defect_count.saturating_sub(volume.recording.defects.len() as u64);
    if more > 0 {
        row("", &format!("and {} more", count(more)), look.bad);
    }
    row("file", &path, look.strong);
    row(
        "size",
        &format!("{} ({})", bytes(volume.recording.bytes), count(volume.recording.bytes)),
        look.plain,
    );
    if let Some(session) = session.and_then(|session| library.session(session)) {
        let mut known = |name: &str, text: Option<&str>| {
            if let Some(text) = text {
                row(name, text, look.plain);
            }
        };
        known("session", session.session.as_deref());
        known("title", session.title.as_deref());
        known("user", session.user.as_deref());
        known("target", session.target.as_deref());
        known("as", session.target_user.as_deref());
        known("started", session.start.map(exact).as_deref());
        known("took", Some(&clock(session.duration, true)));
        known("terminal", Some(&format!("{}×{}", session.size.0, session.size.1)));
        known("commands", Some(&count(session.commands)));
        known("events", Some(&count(session.events)));
        known("output", Some(&bytes(session.output_bytes)));
        if session.lines_left_out > 0 {
            let text = format!("{} lines flowed by too fast to be searched", count(session.lines_left_out));
            row("", &text, look.marker);
        }
    }
    let notes = case.bookmarks().iter().filter(|mark| mark.file == path).count();
    if notes > 0 {
        row("notes", &count(notes as u64), look.marker);
    }
    lines
}

/// A text in pieces that fit: cut behind blanks, and within words that are longer than a piece.
fn wrapped(text: &str, room: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut used = 0;
    for word in text.split_inclusive(' ') {
        if used > 0 && used + word.trim_end().width() > room {
            pieces.push(String::new());
            used = 0;
        }
        for character in word.chars() {
            let wide = character.width().unwrap_or(0);
            if used + wide > room {
                // A blank that does not fit is the end of the line.
                if character == ' ' {
                    continue;
                }
                pieces.push(String::new());
                used = 0;
            }
            used += wide;
            if let Some(piece) = pieces.last_mut() {
                piece.push(character);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_cut() {
        assert_eq!(wrapped("", 3), [""]);
        assert_eq!(wrapped("abcd", 3), ["abc", "d"]);
        assert_eq!(wrapped("a日本", 3), ["a日", "本"]);
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("one twofold", 6), ["one ", "twofol", "d"]);
    }
}
