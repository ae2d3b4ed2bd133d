//! Sessions as a table. Pure.
//!
//! Columns are as wide as what stands in them. Where that is too much for the terminal, names are cut first, then the
//! columns give way that say least. Ids are cut to what tells them apart.

use casemate_host::sessions::{Session, State};
use casemate_terminal::escaped;
use chrono::{DateTime, FixedOffset, Utc};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Between columns.
const GAP: usize = 2;

/// An id is not cut shorter: its first eight digits are what people read out.
const SHORTEST_ID: usize = 8;

/// How a table looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// How wide the terminal is, if it is one.
    pub(super) width: Option<usize>,
    pub(super) has_colour: bool,
    pub(super) now: DateTime<Utc>,
    /// What the clock on the wall says.
    pub(super) zone: fn(DateTime<Utc>) -> DateTime<FixedOffset>,
}

/// A column, while the table is made.
struct Column {
    title: &'static str,
    cells: Vec<String>,
    is_number: bool,
    /// It may be cut to this width.
    least: Option<usize>,
    /// Those with the highest number go first, if there is no room; 0 stays.
    goes: u8,
}

/// The table, with its title, for as many sessions as there are.
pub(super) fn table(sessions: &[Session], look: &Look) -> String {
    if sessions.is_empty() {
        return "no sessions\n".into();
    }
    let mut columns = columns(sessions, look);
    let mut widths: Vec<_> = columns.iter().map(Column::width).collect();
    if let Some(room) = look.width {
        fit(&mut columns, &mut widths, room);
    }
    let rows = std::iter::once(None).chain((0..sessions.len()).map(Some));
    rows.map(|row| {
        let mut line = String::new();
        for (column, width) in columns.iter().zip(&widths) {
            let text = cut(row.map_or(column.title, |row| &column.cells[row]), *width);
            let space = " ".repeat(width.saturating_sub(text.width()));
            let gap = if line.is_empty() { "" } else { "  " };
            line += &match column.is_number {
                true => format!("{gap}{space}{text}"),
                false => format!("{gap}{text}{space}"),
            };
        }
        let state = row.map(|row| sessions[row].state);
        paint(line.trim_end(), state, look) + "\n"
    })
    .collect()
}

fn columns(sessions: &[Session], look: &Look) -> Vec<Column> {
    let column = |title, cell: &dyn Fn(&Session) -> String| {
        let cells = sessions.iter().map(|session| escaped(&cell(session)).into_owned()).collect();
        Column { title, cells, is_number: false, least: None, goes: 0 }
    };
    let ids = id_width(sessions);
    let time = |time: &str| {
        DateTime::parse_from_rfc3339(time).map_or_else(|_| time.to_owned(), |time| short(time.to_utc(), look))
    };
    let unknown = || "-".to_owned();
    let mut columns = vec![
        column("ID", &|session| session.session.chars().take(ids).collect()),
        Column { goes: 1, ..column("STATE", &|session| state(session.state).to_owned()) },
        Column {
            least: Some(12),
            ..column("USER", &|session| session.user.clone().unwrap_or_else(|| session.account.clone()))
        },
        Column {
            least: Some(8),
            ..column("AS", &|session| session.target_user.clone().unwrap_or_else(|| session.account.clone()))
        },
        column("SINCE", &|session| time(&session.start)),
        Column { is_number: true, goes: 3, ..column("FOR", &|session| duration(session.duration)) },
        Column {
            is_number: true,
            goes: 2,
            ..column("CMDS", &|session| {
                session.commands.map_or_else(unknown, |commands| commands.to_string())
            })
        },
        Column { goes: 4, ..column("LAST", &|session| time(&session.last_activity)) },
    ];
    if sessions.iter().any(|session| session.command.is_some()) {
        let command = column("COMMAND", &|session| session.command.clone().unwrap_or_default());
        columns.push(Column { least: Some(12), goes: 5, ..command });
    }
    columns
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|cell| cell.width()).chain([self.title.width()]).max().unwrap_or(0)
    }
}

/// Makes the columns fit.
fn fit(columns: &mut Vec<Column>, widths: &mut Vec<usize>, room: usize) {
    loop {
        let all = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let mut over = all.saturating_sub(room);
        // The widest name is cut first, to where the next one is.
        while over > 0 {
            let can = |at: &usize| columns[*at].least.is_some_and(|least| widths[*at] > least);
            let Some(widest) = (0..widths.len()).rev().filter(can).max_by_key(|at| widths[*at]) else {
                break;
            };
            widths[widest] -= 1;
            over -= 1;
        }
        let Some(goes) = (0..columns.len()).max_by_key(|at| columns[*at].goes) else { return };
        if over == 0 || columns[goes].goes == 0 {
            return;
        }
        columns.remove(goes);
        *widths = columns.iter().map(Column::width).collect();
    }
}

/// Not wider than that; `…` says so.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut left = width.saturating_sub(1);
    for character in text.chars() {
        let Some(rest) = left.checked_sub(character.width().unwrap_or(0)) else { break };
        left = rest;
        kept.push(character);
    }
    kept + "…"
}

fn paint(line: &str, state: Option<State>, look: &Look) -> String {
    let colour = match state {
        None => "1",
        Some(State::Running) => "32",
        Some(State::Unfinished) => "33",
        Some(State::Finished) => "",
    };
    if look.has_colour && !colour.is_empty() {
        format!("\x1b[{colour}m{line}\x1b[0m")
    } else {
        line.to_owned()
    }
}

/// How much of the ids tells them apart: as much as any two of them have in common, and one more.
fn id_width(sessions: &[Session]) -> usize {
    let mut ids: Vec<_> = sessions.iter().map(|session| session.session.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    let common =
        |pair: &[&str]| pair[0].bytes().zip(pair[1].bytes()).take_while(|(one, other)| one == other).count();
    let longest = ids.windows(2).map(common).max().map_or(0, |common| common + 1);
    // A hyphen tells nothing.
    let longest = if matches!(longest, 9 | 14 | 19 | 24) { longest + 1 } else { longest };
    longest.max(SHORTEST_ID)
}

fn state(state: State) -> &'static str {
    match state {
        State::Running => "running",
        State::Finished => "finished",
        State::Unfinished => "unfinished",
    }
}

/// `14:03` today, `11-21 14:03` this year, `2025-11-21 14:03` before.
fn short(time: DateTime<Utc>, look: &Look) -> String {
    let (time, now) = ((look.zone)(time), (look.zone)(look.now));
    let form = match () {
        () if time.date_naive() == now.date_naive() => "%H:%M",
        () if chrono::Datelike::year(&time) == chrono::Datelike::year(&now) => "%m-%d %H:%M",
        () => "%Y-%m-%d %H:%M",
    };
    time.format(form).to_string()
}

/// `7 s`, `12 min`, `3 h 05`, `2 d 11 h`.
fn duration(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "no session is longer or shorter"
    )]
    let seconds = seconds.max(0.0) as u64;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86400 => format!("{} h {:02}", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    fn session(number: u64, state: State, user: &str, start: &str, seconds: f64) -> Session {
        let begun = DateTime::parse_from_rfc3339(start).unwrap();
        let last = begun + chrono::TimeDelta::milliseconds(1000);
        Session {
            session: format!("0196a1{number:02x}-c3d4-7e5f-8a9b-000000000000"),
            state,
            user: Some(user.into()),
            account: "bob".into(),
            target: Some("web-1".into()),
            target_user: Some("bob".into()),
            start: start.into(),
            duration: seconds,
            last_activity: last.to_rfc3339(),
            commands: Some(number * 7),
            command: None,
            pid: None,
            recording: "/r".into(),
            parts: 1,
        }
    }

    fn sessions() -> Vec<Session> {
        let mut sessions = vec![
            session(1, State::Unfinished, "alice@corp.example", "2025-12-31T23:00:00Z", 200_000.0),
            session(2, State::Finished, "bob", "2026-11-21T07:00:00Z", 3725.0),
            session(
                3,
                State::Finished,
                "a-rather-long-name@a-rather-long-domain.example",
                "2026-11-22T06:01:00Z",
                59.9,
            ),
            session(4, State::Running, "m\u{1b}[31mallory\n", "2026-11-22T07:00:00Z", 61.0),
        ];
        // Within a minute of another one.
        sessions[1].session = "0196a103-c3f4-7e5f-8a9b-000000000000".into();
        sessions[0].commands = None;
        sessions[2].command = Some("rsync --server -logDtpre.iLsfxC . /srv/www".into());
        sessions
    }

    fn look(width: Option<usize>) -> Look {
        let now = DateTime::parse_from_rfc3339("2026-11-22T07:03:28Z").unwrap().to_utc();
        Look { width, has_colour: false, now, zone: |time| time.fixed_offset() }
    }

    #[track_caller]
    fn check(width: Option<usize>, expected: &Expect) {
        let table = table(&sessions(), &look(width));
        if let Some(width) = width {
            assert!(table.lines().all(|line| line.width() <= width), "{table}");
        }
        expected.assert_eq(&table);
    }

    #[test]
    fn columns_give_way_to_names() {
        check(
            Some(80),
            &expect![[r#"
            ID            STATE       USER             AS   SINCE                  FOR  CMDS
            0196a101-c3d  unfinished  alice@corp.exa…  bob  2025-12-31 23:00  2 d 07 h     -
            0196a103-c3f  finished    bob              bob  11-21 07:00         1 h 02    14
            0196a103-c3d  finished    a-rather-long-…  bob  06:01                 59 s    21
            0196a104-c3d  running     m\u{1b}[31mall…  bob  07:00                1 min    28
        "#]],
        );
        check(
            Some(120),
            &expect![[r#"
            ID            STATE       USER               AS   SINCE                  FOR  CMDS  LAST              COMMAND
            0196a101-c3d  unfinished  alice@corp.examp…  bob  2025-12-31 23:00  2 d 07 h     -  2025-12-31 23:00
            0196a103-c3f  finished    bob                bob  11-21 07:00         1 h 02    14  11-21 07:00
            0196a103-c3d  finished    a-rather-long-na…  bob  06:01                 59 s    21  06:01             rsync --server -l…
            0196a104-c3d  running     m\u{1b}[31mallor…  bob  07:00                1 min    28  07:00
        "#]],
        );
        check(
            Some(60),
            &expect![[r#"
            ID            USER                     AS   SINCE
            0196a101-c3d  alice@corp.example       bob  2025-12-31 23:00
            0196a103-c3f  bob                      bob  11-21 07:00
            0196a103-c3d  a-rather-long-name@a-r…  bob  06:01
            0196a104-c3d  m\u{1b}[31mallory\n      bob  07:00
        "#]],
        );
        check(
            None,
            &expect![[r#"
            ID            STATE       USER                                             AS   SINCE                  FOR  CMDS  LAST              COMMAND
            0196a101-c3d  unfinished  alice@corp.example                               bob  2025-12-31 23:00  2 d 07 h     -  2025-12-31 23:00
            0196a103-c3f  finished    bob                                              bob  11-21 07:00         1 h 02    14  11-21 07:00
            0196a103-c3d  finished    a-rather-long-name@a-rather-long-domain.example  bob  06:01                 59 s    21  06:01             rsync --server -logDtpre.iLsfxC . /srv/www
            0196a104-c3d  running     m\u{1b}[31mallory\n                              bob  07:00                1 min    28  07:00
        "#]],
        );
    }

    #[test]
    fn ids_are_cut_to_what_tells_them_apart() {
        let ids = |ids: &[&str]| {
            let sessions: Vec<_> =
                ids.iter().map(|id| Session { session: (*id).into(), ..sessions()[0].clone() }).collect();
            id_width(&sessions)
        };
        assert_eq!(ids(&["0196a1b2-c3d4-7e5f-8a9b-000000000001"]), 8);
        assert_eq!(
            ids(&["0196a1b2-c3d4-7e5f-8a9b-000000000001", "0196a1b2-d3d4-7e5f-8a9b-000000000001"]),
            10
        );
        assert_eq!(
            ids(&["0196a1b2-c3d4-7e5f-8a9b-000000000001", "0196a1b2-c3d4-7e5f-8a9b-000000000002"]),
            36
        );
    }

    #[test]
    fn nobody_is_said_to_be_nobody() {
        assert_eq!(table(&[], &look(Some(80))), "no sessions\n");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(width in 56_usize..200, user in ".{0,60}", command in ".{0,200}") {
            let mut sessions = sessions();
            sessions[1].user = Some(user.clone());
            sessions[2].target_user = Some(user);
            sessions[3].command = Some(command);
            let table = table(&sessions, &look(Some(width)));
            prop_assert_eq!(table.lines().count(), 5);
            for line in table.lines() {
                prop_assert!(line.width() <= width, "{} {:?}", line.width(), line);
                prop_assert!(!line.chars().any(casemate_terminal::is_acting));
            }
        }
    }
}
