//! The forms of command events: for programs, for people, for tickets, for a shell.
//!
//! Pure: records in, bytes out. What stands in a recording is anybody's, so no form lets it out of its place: not out
//! of its line, cell, comment or code span, and never to the terminal as a control.

mod csv;
mod jsonl;
mod markdown;
mod script;
mod shell;
mod table;
mod text;

use clap::ValueEnum;

use super::filter::KindArg;
use casemate_store::recording::Record;

pub(crate) use table::{Look, Table};

/// A form, as asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// Columns, for people
    #[default]
    Table,
    /// One JSON object a line, for programs
    Jsonl,
    /// RFC 4180, with a header, for spreadsheets
    Csv,
    /// A script for bash, with who, where and when in comments
    Sh,
    /// A table for tickets; with --with-output a block for each command
    Markdown,
}

impl FormatArg {
    /// The kinds of events that are given where nobody asked for some.
    pub(crate) fn usual_kinds(self) -> Vec<KindArg> {
        match self {
            // A line that was thrown away was not run: it would only be in the way.
            Self::Table | Self::Markdown => vec![KindArg::Shell, KindArg::Program, KindArg::Hidden],
            Self::Jsonl | Self::Csv | Self::Sh => vec![KindArg::All],
        }
    }
}

/// Turns records into bytes.
pub(crate) trait Format {
    /// Appends a record.
    fn record(&mut self, record: &Record, out: &mut Vec<u8>);

    /// Appends what is held back.
    fn flush(&mut self, _out: &mut Vec<u8>) {}

    /// Appends what is still to come at the end.
    fn finish(&mut self, out: &mut Vec<u8>) {
        self.flush(out);
    }
}

/// The form of that name; `look` is for the table.
pub(crate) fn format(format: FormatArg, with_output: bool, look: Look) -> Box<dyn Format> {
    match format {
        FormatArg::Table => Box::new(Table::new(look)),
        FormatArg::Jsonl => Box::new(jsonl::JsonLines),
        FormatArg::Csv => Box::new(csv::Csv::new(with_output)),
        FormatArg::Sh => Box::new(script::Script::default()),
        FormatArg::Markdown => Box::new(markdown::Markdown::new(with_output)),
    }
}

/// A record for tests.
#[cfg(test)]
pub(crate) fn example() -> Record {
    use casemate_cast_format::Micros;
    use casemate_command_log::{CommandEvent, Kind, Source};

    Record {
        event: CommandEvent {
            id: "0b6e2c31-0000-8000-8000-000000000000".into(),
            session: Some("01a2".into()),
            state: None,
            time: Some("2026-11-22T07:03:28.123456Z".into()),
            offset: Micros(12_345_678),
            duration: Some(Micros(250_000)),
            user: Some("alice".into()),
            target: Some("web-1".into()),
            target_user: Some("root".into()),
            command: Some("systemctl restart nginx".into()),
            reason: None,
            cwd: Some("/srv".into()),
            exit_code: Some(0),
            kind: Kind::Shell,
            program: None,
            source: Source::Screen,
            confidence: 0.98,
            output_bytes: Some(0),
            output: Some((Micros(12_345_678), Micros(12_595_678))),
            output_at: None,
            mismatch: Vec::new(),
            piped: None,
        },
        recording: Some("s.cast".into()),
        output: None,
    }
}

/// Records with all that makes forms difficult.
#[cfg(test)]
pub(crate) fn examples() -> Vec<Record> {
    use casemate_cast_format::Micros;
    use casemate_command_log::{Kind, Reason, Source};
    use casemate_store::recording::OutputText;

    let with = |change: &dyn Fn(&mut Record)| {
        let mut record = example();
        change(&mut record);
        record
    };
    vec![
        example(),
        with(&|record| {
            record.event.command = Some("cat <<EOF |\n\"a\"\n\nEOF\ngrep -c '`|'".into());
            record.event.exit_code = Some(1);
            record.event.duration = Some(Micros(3_723_400_000));
            record.output = Some(OutputText { text: "1\n```\n\u{1b}[2J|x|\n".into(), is_cut: true });
        }),
        with(&|record| {
            record.event.kind = Kind::Program;
            record.event.program = Some("psql".into());
            record.event.command = Some("=cmd|' /C calc'!A0\nrm -rf /".into());
            (record.event.exit_code, record.event.cwd, record.event.duration) = (None, None, None);
        }),
        with(&|record| {
            record.event.kind = Kind::Hidden;
            record.event.command = None;
            record.event.reason = Some(Reason::NotEchoed);
            record.event.source = Source::None;
            record.event.user = Some("eve\n$(reboot)\u{1b}]0;x\u{7}".into());
        }),
        with(&|record| {
            record.event.kind = Kind::Cancelled;
            record.event.command = Some("rm -rf \u{202e}/".into());
            (record.event.exit_code, record.event.duration) = (None, None);
            (record.event.time, record.event.user, record.event.target) = (None, None, None);
            record.recording = Some("other\n.cast".into());
        }),
    ]
}
