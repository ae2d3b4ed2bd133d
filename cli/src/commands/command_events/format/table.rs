//! Columns for people: when, who, how it ended, how long it took, what it was.
//!
//! Times are those of the zone that the table says; a recording that does not know when it was made has offsets. A
//! column of which nothing is known is left out.

use casemate_command_log::{CommandEvent, Kind};
use chrono::{DateTime, FixedOffset, Local, Utc};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::Format;
use super::text::{duration, one_line, one_line_with_tabs, unknown, who};
use casemate_store::recording::Record;

/// So many rows are looked at before the columns get their widths.
const ROWS: usize = 500;

/// A column of names is not made wider than this for the sake of a few.
const WIDEST: usize = 40;

/// How a table looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) colour: bool,
    /// Commands are cut to this width.
    pub(crate) width: Option<usize>,
    /// Names of recordings stand above their commands.
    pub(crate) headings: bool,
    /// What the clock on the wall says.
    pub(crate) zone: fn(DateTime<Utc>) -> DateTime<FixedOffset>,
}

impl Look {
    /// The zone of whoever looks.
    pub(crate) fn local(time: DateTime<Utc>) -> DateTime<FixedOffset> {
        time.with_timezone(&Local).fixed_offset()
    }
}

/// Columns.
pub(crate) struct Table {
    look: Look,
    rows: Vec<Row>,
    columns: Option<Columns>,
    /// The recording that the last row was from.
    recording: Option<String>,
}

/// Their widths; 0 for one that is left out.
#[derive(Clone, Copy, Debug)]
struct Columns {
    time: usize,
    who: usize,
    exit: usize,
    took: usize,
    zone: Option<FixedOffset>,
}

struct Row {
    recording: Option<String>,
    time: Result<DateTime<FixedOffset>, String>,
    who: String,
    exit: Option<i32>,
    took: String,
    /// What stands before the command, the command, and what stands behind it.
    command: (String, String, String),
    output: Vec<String>,
}

impl Table {
    pub(crate) fn new(look: Look) -> Self {
        Self { look, rows: Vec::new(), columns: None, recording: None }
    }

    fn row(&self, record: &Record) -> Row {
        let event = &record.event;
        let time = event.time.as_deref().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let mut output: Vec<_> =
            record.output.iter().flat_map(|output| output.text.lines().map(one_line_with_tabs)).collect();
        if record.output.as_ref().is_some_and(|output| output.is_cut) {
            output.push("… (cut)".into());
        }
        Row {
            recording: record.recording.as_deref().map(one_line),
            time: time
                .map(|time| (self.look.zone)(time.to_utc()))
                .ok_or_else(|| format!("+{} s", event.offset)),
            who: who(event),
            exit: event.exit_code,
            took: event.duration.map_or(String::new(), duration),
            command: command(event),
            output,
        }
    }

    fn print(&mut self, out: &mut Vec<u8>) {
        if self.rows.is_empty() {
            return;
        }
        let columns = self.columns.unwrap_or_else(|| {
            let columns = Columns::of(&self.rows);
            let title = columns.title();
            self.columns = Some(columns);
            line(out, &self.paint("1", &self.cut(&title)));
            columns
        });
        for row in std::mem::take(&mut self.rows) {
            if self.look.headings && row.recording != self.recording {
                let name = row.recording.clone().unwrap_or_else(|| "standard input".into());
                line(out, &self.paint("36", &self.cut(&name)));
                self.recording = row.recording.clone();
            }
            self.print_row(columns, &row, out);
        }
    }

    fn print_row(&self, columns: Columns, row: &Row, out: &mut Vec<u8>) {
        let mut plain = columns.before_exit(row);
        let mut text = plain.clone();
        if columns.exit > 0 {
            let exit = row.exit.map_or("-".into(), |status| status.to_string());
            let cell = format!("{exit:>width$}  ", width = columns.exit);
            plain.push_str(&cell);
            let bad = row.exit.is_some_and(|status| status != 0);
            text.push_str(&if bad { self.paint("31", &cell) } else { cell });
        }
        if columns.took > 0 {
            let cell = format!("{:>width$}  ", row.took, width = columns.took);
            plain.push_str(&cell);
            text.push_str(&cell);
        }
        let (before, command, behind) = &row.command;
        let left = self.look.width.map(|width| width.saturating_sub(plain.width()).max(1));
        let mut left = left.unwrap_or(usize::MAX);
        for (colour, part) in [("2", before), ("", command), ("2", behind)] {
            let shown = cut(part, left);
            left -= shown.width();
            text.push_str(&if colour.is_empty() { shown } else { self.paint(colour, &shown) });
        }
        line(out, text.trim_end());
        for output in &row.output {
            line(out, &self.paint("2", &format!("    {output}")));
        }
    }

    fn cut(&self, text: &str) -> String {
        cut(text, self.look.width.unwrap_or(usize::MAX))
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.look.colour && !text.is_empty() {
            format!("\x1b[{colour}m{text}\x1b[0m")
        } else {
            text.into()
        }
    }
}

impl Format for Table {
    fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        self.rows.push(self.row(record));
        if self.columns.is_some() || self.rows.len() >= ROWS {
            self.print(out);
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        self.print(out);
    }
}

impl Columns {
    fn of(rows: &[Row]) -> Self {
        let zone = rows.iter().find_map(|row| row.time.as_ref().ok()).map(|time| *time.offset());
        let mut columns = Self { time: 0, who: 0, exit: 0, took: 0, zone };
        columns.time = rows
            .iter()
            .map(|row| columns.time(row).width())
            .chain([columns.time_title().width()])
            .max()
            .unwrap_or(0);
        let who = rows.iter().map(|row| row.who.width()).max().unwrap_or(0);
        columns.who = if who == 0 { 0 } else { who.clamp("WHO".len(), WIDEST) };
        if rows.iter().any(|row| row.exit.is_some()) {
            columns.exit = "EXIT".len();
        }
        let took = rows.iter().map(|row| row.took.width()).max().unwrap_or(0);
        columns.took = if took == 0 { 0 } else { took.max("TOOK".len()) };
        columns
    }

    fn time_title(&self) -> String {
        self.zone.map_or("OFFSET".into(), |zone| {
            if zone.local_minus_utc() == 0 { "TIME (UTC)".into() } else { format!("TIME (UTC{zone})") }
        })
    }

    fn time(&self, row: &Row) -> String {
        match &row.time {
            Ok(time) if Some(*time.offset()) == self.zone => time.format("%Y-%m-%d %H:%M:%S").to_string(),
            // Summer and winter.
            Ok(time) => time.format("%Y-%m-%d %H:%M:%S %:z").to_string(),
            Err(offset) => offset.clone(),
        }
    }

    fn title(&self) -> String {
        let mut title = format!("{:width$}  ", self.time_title(), width = self.time);
        for (name, width, right) in
            [("WHO", self.who, false), ("EXIT", self.exit, true), ("TOOK", self.took, true)]
        {
            match (width, right) {
                (0, _) => {}
                (_, false) => title.push_str(&format!("{name:width$}  ")),
                (_, true) => title.push_str(&format!("{name:>width$}  ")),
            }
        }
        title + "COMMAND"
    }

    fn before_exit(&self, row: &Row) -> String {
        let mut text = String::new();
        for (cell, width) in [(&self.time(row), self.time), (&row.who, self.who)] {
            if width > 0 {
                text.push_str(cell);
                text.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.width()) + 2));
            }
        }
        text
    }
}

fn command(event: &CommandEvent) -> (String, String, String) {
    let before = match (event.kind, &event.program) {
        (Kind::Program, Some(program)) => format!("{}> ", one_line(program)),
        (Kind::Program, None) => "> ".into(),
        (Kind::Shell | Kind::Hidden | Kind::Cancelled, _) => String::new(),
    };
    let Some(command) = &event.command else {
        return (format!("{before}{}", unknown(event)), String::new(), String::new());
    };
    let behind = match event.kind {
        Kind::Cancelled => " (not run)",
        Kind::Shell | Kind::Program | Kind::Hidden if !event.mismatch.is_empty() => {
            " (the shell says otherwise)"
        }
        Kind::Shell | Kind::Program | Kind::Hidden => "",
    };
    (before, one_line(command), behind.into())
}

/// As much of a text as fits.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut left = width.saturating_sub(1);
    let mut shown = String::new();
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        shown.push(character);
    }
    if width > 0 { shown + "…" } else { shown }
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::{example, examples};
    use super::*;
    use expect_test::expect;

    fn look() -> Look {
        let zone = |time: DateTime<Utc>| time.with_timezone(&FixedOffset::east_opt(3600).unwrap());
        Look { colour: false, width: None, headings: false, zone }
    }

    fn table(look: Look, records: &[Record]) -> String {
        let (mut table, mut out) = (Table::new(look), Vec::new());
        records.iter().for_each(|record| table.record(record, &mut out));
        table.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn columns_for_people() {
        expect![[r#"
            TIME (UTC+01:00)     WHO                                       EXIT               TOOK  COMMAND
            s.cast
            2026-11-22 08:03:28  alice@web-1 as root                          0             0.25 s  systemctl restart nginx
            2026-11-22 08:03:28  alice@web-1 as root                          1  1 h 02 min 03.4 s  cat <<EOF |\n"a"\n\nEOF\ngrep -c '`|'
                1
                ```
                \u{1b}[2J|x|
                … (cut)
            2026-11-22 08:03:28  alice@web-1 as root                          -                     psql> =cmd|' /C calc'!A0\nrm -rf /
            2026-11-22 08:03:28  eve\n$(reboot)\u{1b}]0;x\u{7}@web-1 as root     0             0.25 s  (run without being shown)
            other\n.cast
            +12.345678 s         as root                                      -                     rm -rf \u{202e}/ (not run)
        "#]].assert_eq(&table(Look { headings: true, ..look() }, &examples()));
    }

    #[test]
    fn a_narrow_terminal_gets_narrow_lines() {
        for width in [1, 20, 60, 79] {
            let text = table(Look { width: Some(width), ..look() }, &examples()[..1]);
            let last = text.lines().last().unwrap();
            assert!(last.width() <= width.max(62), "{width}: {last}");
        }
        assert_eq!(cut("wörter宽宽", 8), "wörter…");
        assert_eq!((cut("abc", 3), cut("abc", 2), cut("abc", 0)), ("abc".into(), "a…".into(), String::new()));
    }

    #[test]
    fn what_is_not_known_has_no_column() {
        let mut record = example();
        (record.event.time, record.event.exit_code, record.event.duration) = (None, None, None);
        (record.event.user, record.event.target, record.event.target_user) = (None, None, None);
        assert_eq!(
            table(look(), &[record]),
            "OFFSET        COMMAND\n+12.345678 s  systemctl restart nginx\n"
        );
    }

    #[test]
    fn colours_hold_no_controls_of_others() {
        let text = table(Look { colour: true, headings: true, ..look() }, &examples());
        let rest = text.replace("\x1b[0m", "");
        let rest = ["1", "2", "31", "36"]
            .iter()
            .fold(rest, |rest, colour| rest.replace(&format!("\x1b[{colour}m"), ""));
        assert!(!rest.contains('\x1b') && rest.contains("\\u{1b}"), "{rest}");
    }
}
