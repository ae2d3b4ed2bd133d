//! Comma-separated values, RFC 4180, with a header.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, a tab or a carriage return as a formula. So a text
//! that begins with one of these, or with `'`, gets a `'` in front of it. Nothing is lost: whoever reads the file with
//! a program takes one `'` away where a cell begins with it. Numbers stay as they are.

use serde_json::Value;

use super::{Format, jsonl};
use casemate_store::recording::Record;

/// The columns, by the names that their values have in JSON.
const COLUMNS: [&str; 27] = [
    "time",
    "offset",
    "duration",
    "user",
    "target",
    "target_user",
    "command",
    "cwd",
    "exit_code",
    "kind",
    "program",
    "reason",
    "source",
    "confidence",
    "mismatch",
    "output_bytes",
    "output_begin",
    "output_end",
    "session",
    "id",
    "state",
    "recording",
    "argv",
    "argv_cut",
    "bytes_in",
    "bytes_out",
    "bytes_err",
];

/// And those of the output, where it was asked for.
const OUTPUT_COLUMNS: [&str; 2] = ["output_text", "output_cut"];

/// Comma-separated values.
pub(crate) struct Csv {
    with_output: bool,
    has_header: bool,
}

impl Csv {
    pub(crate) fn new(with_output: bool) -> Self {
        Self { with_output, has_header: false }
    }

    fn columns(&self) -> impl Iterator<Item = &'static str> + use<> {
        let output = if self.with_output { &OUTPUT_COLUMNS[..] } else { &[] };
        COLUMNS.iter().chain(output).copied()
    }

    fn header(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_header, true) {
            row(self.columns().map(str::to_owned), out);
        }
    }
}

impl Format for Csv {
    fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        self.header(out);
        let mut line = Vec::new();
        jsonl::line(record, &mut line);
        let object: Value = serde_json::from_slice(&line).unwrap_or_default();
        let value = |column: &str| match column {
            "output_begin" => object["output"][0].clone(),
            "output_end" => object["output"][1].clone(),
            name => object.get(name).cloned().unwrap_or_default(),
        };
        row(self.columns().map(|column| cell(&value(column))), out);
    }

    /// A file without events has its header all the same.
    fn finish(&mut self, out: &mut Vec<u8>) {
        self.header(out);
    }
}

/// What stands in a cell.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\'']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn row(cells: impl Iterator<Item = String>, out: &mut Vec<u8>) {
    for (index, cell) in cells.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        if cell.contains(['"', ',', '\r', '\n']) {
            out.push(b'"');
            out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            out.push(b'"');
        } else {
            out.extend_from_slice(cell.as_bytes());
        }
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::super::{example, examples};
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn rows_with_a_header() {
        let mut out = Vec::new();
        let mut csv = Csv::new(true);
        for record in examples() {
            csv.record(&record, &mut out);
        }
        csv.finish(&mut out);
        let text = String::from_utf8(out).unwrap();
        let seen = [("\r", "␍"), ("\u{202e}", "<RLO>"), ("\u{1b}", "<ESC>"), ("\u{7}", "<BEL>")];
        let text = seen.iter().fold(text, |text, &(control, name)| text.replace(control, name));
        expect![[r#"
            time,offset,duration,user,target,target_user,command,cwd,exit_code,kind,program,reason,source,confidence,mismatch,output_bytes,output_begin,output_end,session,id,state,recording,argv,argv_cut,bytes_in,bytes_out,bytes_err,output_text,output_cut␍
            2026-11-22T07:03:28.123456Z,12.345678,0.25,alice,web-1,root,systemctl restart nginx,/srv,0,shell,,,screen,0.98,,0,12.345678,12.595678,01a2,0b6e2c31-0000-8000-8000-000000000000,,s.cast,,,,,,,␍
            2026-11-22T07:03:28.123456Z,12.345678,3723.4,alice,web-1,root,"cat <<EOF |
            ""a""

            EOF
            grep -c '`|'",/srv,1,shell,,,screen,0.98,,0,12.345678,12.595678,01a2,0b6e2c31-0000-8000-8000-000000000000,,s.cast,,,,,,"1
            ```
            <ESC>[2J|x|
            ",true␍
            2026-11-22T07:03:28.123456Z,12.345678,,alice,web-1,root,"'=cmd|' /C calc'!A0
            rm -rf /",,,program,psql,,screen,0.98,,0,12.345678,12.595678,01a2,0b6e2c31-0000-8000-8000-000000000000,,s.cast,,,,,,,␍
            2026-11-22T07:03:28.123456Z,12.345678,0.25,"eve
            $(reboot)<ESC>]0;x<BEL>",web-1,root,,/srv,0,hidden,,not_echoed,none,0.98,,0,12.345678,12.595678,01a2,0b6e2c31-0000-8000-8000-000000000000,,s.cast,,,,,,,␍
            ,12.345678,,,,root,rm -rf <RLO>/,/srv,,cancelled,,,screen,0.98,,0,12.345678,12.595678,01a2,0b6e2c31-0000-8000-8000-000000000000,,"other
            .cast",,,,,,,␍
        "#]].assert_eq(&text);
    }

    #[test]
    fn nothing_is_a_header() {
        let mut out = Vec::new();
        Csv::new(false).finish(&mut out);
        assert!(out.starts_with(b"time,offset,") && out.ends_with(b",bytes_err\r\n"));
    }

    /// The cells of one row, by the letter of RFC 4180.
    fn read_row(text: &str) -> Vec<String> {
        let mut cells = vec![String::new()];
        let (mut quoted, mut characters) = (false, text.chars().peekable());
        while let Some(character) = characters.next() {
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    cells.last_mut().unwrap().push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => cells.push(String::new()),
                other => cells.last_mut().unwrap().push(other),
            }
        }
        cells
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_none_is_a_formula(text in "[-=+@'\"\t\r\n, a|\u{1b}é]{0,12}") {
            let mut record = example();
            record.event.command = Some(text.clone());
            let mut csv = Csv::new(false);
            let mut out = Vec::new();
            csv.header(&mut Vec::new());
            csv.record(&record, &mut out);
            let row = String::from_utf8(out).unwrap();
            let cells = read_row(row.strip_suffix("\r\n").unwrap());
            prop_assert_eq!(cells.len(), COLUMNS.len());
            let cell = &cells[6];
            prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']));
            prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), text);
        }
    }
}
