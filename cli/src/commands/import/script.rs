//! What script(1) of util-linux has written: a typescript, and its timing, in either form. Pure.
//!
//! The first line of a typescript is script's own, and so is the last; the timing counts neither.

use casemate_audit_log::Time;
use casemate_cast_format::{Micros, Size};
use chrono::DateTime;
use sha2::{Digest as _, Sha256};

use super::session::{Session, What};
use crate::sending::Named;

/// How a typescript begins.
pub(super) const BEGINNING: &str = "Script started on ";

/// Makes a session of both. `written` is when the file was, if it does not say so.
pub(super) fn session(typescript: &[u8], timing: &str, written: Time) -> Result<Session, String> {
    let end = typescript.iter().position(|byte| *byte == b'\n').ok_or("the typescript has no first line")?;
    let head = String::from_utf8_lossy(&typescript[..end]).into_owned();
    if !head.starts_with(BEGINNING) {
        return Err("it is no typescript: it does not begin with `Script started on`".into());
    }
    let mut session = Session {
        tool: "script",
        digest: Sha256::new()
            .chain_update("script\0")
            .chain_update(typescript)
            .chain_update(timing)
            .finalize()
            .into(),
        start: time(&head[BEGINNING.len()..]).unwrap_or(written),
        size: Size {
            cols: said(&head, "COLUMNS").and_then(|cols| cols.parse().ok()).unwrap_or(80),
            rows: said(&head, "LINES").and_then(|rows| rows.parse().ok()).unwrap_or(24),
        },
        term: said(&head, "TERM"),
        command: said(&head, "COMMAND"),
        named: Named::default(),
        events: Vec::new(),
    };
    let mut data = &typescript[end + 1..];
    // Nanoseconds, so that rounding does not add up.
    let mut now: u64 = 0;
    for (at, line) in timing.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let wrong = || format!("line {} of the timing is none", at + 1);
        let (kind, rest) = match line.split_at_checked(2) {
            Some((kind, rest)) if kind.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
                (kind.trim(), rest)
            }
            _ => ("O", line),
        };
        let (delay, what) = rest.trim_start().split_once(' ').ok_or_else(wrong)?;
        let delay = Micros::from_seconds(delay).ok_or_else(wrong)?.0;
        now = now.checked_add(delay).ok_or_else(wrong)?;
        let mut take = || {
            let count: usize = what.trim().parse().map_err(|_| wrong())?;
            let (taken, rest) = data
                .split_at_checked(count)
                .ok_or_else(|| format!("line {} of the timing has more than the typescript", at + 1))?;
            data = rest;
            Ok::<_, String>(taken.to_vec())
        };
        let what = match kind {
            "O" => What::Output(take()?),
            "I" => What::Input(take()?),
            "S" => match (said(what, "COLS"), said(what, "ROWS")) {
                (Some(cols), Some(rows)) => What::Resize(Size {
                    cols: cols.parse().map_err(|_| wrong())?,
                    rows: rows.parse().map_err(|_| wrong())?,
                }),
                _ => continue,
            },
            "H" => match what.split_once(' ') {
                Some(("COLUMNS", cols)) => {
                    session.size.cols = cols.trim().parse().map_err(|_| wrong())?;
                    continue;
                }
                Some(("LINES", rows)) => {
                    session.size.rows = rows.trim().parse().map_err(|_| wrong())?;
                    continue;
                }
                Some(("EXIT_CODE", status)) => What::Exit(status.trim().to_owned()),
                _ => continue,
            },
            _ => return Err(wrong()),
        };
        session.events.push((Micros(now), what));
    }
    if session.events.is_empty() {
        return Err("there is nothing in the timing".into());
    }
    Ok(session)
}

/// The time at the beginning of a text: `2026-11-27 04:20:13+00:00`.
fn time(text: &str) -> Option<Time> {
    let time = text.get(..25)?.replacen(' ', "T", 1);
    Some(Time(DateTime::parse_from_rfc3339(&time).ok()?.timestamp_micros()))
}

/// What a text says of something: `NAME="VALUE"`, or `NAME=VALUE`.
fn said(text: &str, name: &str) -> Option<String> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(&format!("{name}="))?;
        let is_whole = at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric();
        let value = &text[at + name.len() + 1..];
        if is_whole {
            let value = match value.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next()?,
                None => value.split([' ', ']', '\n']).next()?,
            };
            return Some(value.to_owned()).filter(|value| !value.is_empty());
        }
        from = at + name.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "Script started on 2026-11-27 04:20:12+00:00 [TERM=\"xterm\" TTY=\"/dev/pts/0\" COLUMNS=\"100\" LINES=\"30\"]\n";

    #[test]
    fn both_forms_of_timing() {
        let typescript = format!(
            "{HEAD}hi\r\ncaf\u{e9}\nScript done on 2026-11-27 04:20:13+00:00 [COMMAND_EXIT_CODE=\"0\"]\n"
        );
        let session_ = session(typescript.as_bytes(), "0.011637 4\n0.204575 6\n", Time(0)).unwrap();
        assert_eq!(session_.start.to_string(), "2026-11-27T04:20:12.000000Z");
        assert_eq!((session_.size, session_.term.as_deref()), (Size { cols: 100, rows: 30 }, Some("xterm")));
        let output = [
            (Micros(11_637), What::Output(b"hi\r\n".to_vec())),
            (Micros(216_212), What::Output("caf\u{e9}\n".into())),
        ];
        assert_eq!(session_.events, output);

        let timing = "H 0.000000 START_TIME 2026-11-27 04:20:13+00:00\nH 0.000000 COLUMNS 90\nO 0.011637 4\nS 0.000000 SIGWINCH ROWS=40 COLS=120\nO 0.204575 6\nH 0.000000 EXIT_CODE 3\n";
        let session_ = session(typescript.as_bytes(), timing, Time(0)).unwrap();
        assert_eq!(session_.size.cols, 90);
        assert_eq!(session_.events[1].1, What::Resize(Size { cols: 120, rows: 40 }));
        assert_eq!(session_.events[3].1, What::Exit("3".into()));
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let typescript = format!("{HEAD}hi\n");
        for (timing, error) in [
            ("0.1 99\n", "line 1 of the timing has more than the typescript"),
            ("0.1 1\nx 1\n", "line 2 of the timing is none"),
            ("", "there is nothing in the timing"),
        ] {
            assert_eq!(session(typescript.as_bytes(), timing, Time(0)).unwrap_err(), error);
        }
        assert!(session(b"hi\n", "0.1 1\n", Time(0)).is_err());
    }

    proptest! {
        #[test]
        fn anything_may_be_there(typescript in "[a-zA-Z0-9=\" \\n\u{e9}]{0,60}", timing in "[OISH0-9. \\n=A-Z\u{e9}]{0,60}") {
            session(format!("{HEAD}{typescript}").as_bytes(), &timing, Time(0)).ok();
            said(&typescript, "A");
        }
    }
}
