//! Markdown for tickets: a table; with output, a block for each command.
//!
//! *Invariant*: text of a recording stands in code alone, and does not get out of it.

use casemate_command_log::Kind;

use super::Format;
use super::text::{duration, one_line, one_line_with_tabs, unknown, who};
use casemate_store::recording::Record;

/// Markdown.
pub(crate) struct Markdown {
    with_output: bool,
    /// The recording that the last record was from.
    recording: Option<Option<String>>,
}

impl Markdown {
    pub(crate) fn new(with_output: bool) -> Self {
        Self { with_output, recording: None }
    }

    /// Begins another section where another recording begins.
    fn section(&mut self, record: &Record, out: &mut Vec<u8>) {
        let recording = record.recording.as_deref().map(str::to_owned);
        if self.recording.as_ref() == Some(&recording) {
            return;
        }
        if self.recording.is_some() && !self.with_output {
            out.push(b'\n');
        }
        if let Some(name) = &recording {
            write(out, &format!("### {}\n\n", code(name)));
        }
        if !self.with_output {
            write(out, "| Time | Who | Exit | Duration | Command |\n|---|---|--:|--:|---|\n");
        }
        self.recording = Some(recording);
    }
}

impl Format for Markdown {
    fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        self.section(record, out);
        let event = &record.event;
        let time = event.time.as_ref().map_or_else(|| format!("{} s", event.offset), |time| readable(time));
        let exit = event.exit_code.map_or(String::new(), |status| status.to_string());
        let took = event.duration.map_or(String::new(), duration);
        let note = match event.kind {
            Kind::Shell | Kind::Hidden => String::new(),
            Kind::Program => {
                format!("given to {}: ", event.program.as_deref().map_or("a program".into(), code))
            }
            Kind::Cancelled => "not run: ".into(),
        };
        if self.with_output {
            let who = Some(who(event)).filter(|who| !who.is_empty()).map(|who| code(&who));
            let exit = Some(exit).filter(|exit| !exit.is_empty()).map(|exit| format!("exit {exit}"));
            let took = Some(took).filter(|took| !took.is_empty());
            let parts: Vec<_> = [Some(code(&time)), who, exit, took].into_iter().flatten().collect();
            write(out, format!("{} {note}", parts.join(", ")).trim_end());
            write(out, "\n\n");
            block(out, record);
            return;
        }
        let command = match &event.command {
            Some(command) => {
                let lines: Vec<_> = command.split('\n').map(cell).collect();
                lines.join("<br>")
            }
            None => format!("*{}*", unknown(event)),
        };
        write(
            out,
            &format!("| {} | {} | {exit} | {took} | {}{command} |\n", cell(&time), cell(&who(event)), note),
        );
    }
}

/// A command with what it put out, in a fence that nothing in it closes.
fn block(out: &mut Vec<u8>, record: &Record) {
    let event = &record.event;
    let mut text = String::new();
    let mark = if event.kind == Kind::Shell { "$" } else { ">" };
    let command = event.command.as_deref().unwrap_or_else(|| unknown(event));
    for (index, line) in command.split('\n').enumerate() {
        let mark = if index == 0 { mark } else { " " };
        text.push_str(format!("{mark} {}", one_line_with_tabs(line)).trim_end());
        text.push('\n');
    }
    if let Some(output) = &record.output {
        output.text.lines().for_each(|line| text.push_str(&format!("{}\n", one_line_with_tabs(line))));
        if output.is_cut {
            text.push_str("… (cut)\n");
        }
    }
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    write(out, &format!("{fence}console\n{text}{fence}\n\n"));
}

/// A span of code.
fn code(text: &str) -> String {
    let text = one_line(text);
    if text.is_empty() {
        return text;
    }
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A span of code in a cell of a table, where a bar ends the cell.
fn cell(text: &str) -> String {
    if !text.contains('|') {
        return code(text);
    }
    if !text.contains("\\|") && !text.ends_with('\\') {
        return code(text).replace('|', "\\|");
    }
    // There is no way to write a backslash before a bar in such a span.
    let mut entities = String::from("<code>");
    for character in one_line(text).chars() {
        if character.is_ascii_punctuation() {
            entities.push_str(&format!("&#{};", u32::from(character)));
        } else {
            entities.push(character);
        }
    }
    entities + "</code>"
}

fn longest_run(text: &str) -> usize {
    text.split(|character| character != '`').map(str::len).max().unwrap_or(0)
}

/// `2026-11-22 07:03:28 UTC`: nobody reads microseconds in a ticket.
fn readable(time: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(time) {
        Ok(time) => time.to_utc().format("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => time.to_owned(),
    }
}

fn write(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    fn markdown(records: &[Record], with_output: bool) -> String {
        let (mut markdown, mut out) = (Markdown::new(with_output), Vec::new());
        records.iter().for_each(|record| markdown.record(record, &mut out));
        markdown.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_table_for_a_ticket() {
        expect![[r####"
            ### `s.cast`

            | Time | Who | Exit | Duration | Command |
            |---|---|--:|--:|---|
            | `2026-11-22 07:03:28 UTC` | `alice@web-1 as root` | 0 | 0.25 s | `systemctl restart nginx` |
            | `2026-11-22 07:03:28 UTC` | `alice@web-1 as root` | 1 | 1 h 02 min 03.4 s | `cat <<EOF \|`<br>`"a"`<br><br>`EOF`<br>``grep -c '`\|'`` |
            | `2026-11-22 07:03:28 UTC` | `alice@web-1 as root` |  |  | given to `psql`: `=cmd\|' /C calc'!A0`<br>`rm -rf /` |
            | `2026-11-22 07:03:28 UTC` | `eve\n$(reboot)\u{1b}]0;x\u{7}@web-1 as root` | 0 | 0.25 s | *(run without being shown)* |

            ### `other\n.cast`

            | Time | Who | Exit | Duration | Command |
            |---|---|--:|--:|---|
            | `12.345678 s` | `as root` |  |  | not run: `rm -rf \u{202e}/` |
        "####]].assert_eq(&markdown(&examples(), false));
    }

    #[test]
    fn blocks_with_output() {
        expect![[r####"
            ### `s.cast`

            `2026-11-22 07:03:28 UTC`, `alice@web-1 as root`, exit 0, 0.25 s

            ```console
            $ systemctl restart nginx
            ```

            `2026-11-22 07:03:28 UTC`, `alice@web-1 as root`, exit 1, 1 h 02 min 03.4 s

            ````console
            $ cat <<EOF |
              "a"

              EOF
              grep -c '`|'
            1
            ```
            \u{1b}[2J|x|
            … (cut)
            ````

            `2026-11-22 07:03:28 UTC`, `alice@web-1 as root` given to `psql`:

            ```console
            > =cmd|' /C calc'!A0
              rm -rf /
            ```

            `2026-11-22 07:03:28 UTC`, `eve\n$(reboot)\u{1b}]0;x\u{7}@web-1 as root`, exit 0, 0.25 s

            ```console
            > (run without being shown)
            ```

            ### `other\n.cast`

            `12.345678 s`, `as root` not run:

            ```console
            > rm -rf \u{202e}/
            ```

        "####]]
        .assert_eq(&markdown(&examples(), true));
    }

    proptest! {
        #[test]
        fn a_cell_is_one_cell(text in "[`|\\\\ a<*\n\u{1b}]{0,12}") {
            let cell = cell(&text);
            // Bars that no backslash stands before end a cell; two backslashes before one would be read either way.
            prop_assert!(!cell.replace("\\|", "").contains('|'), "{:?}", cell);
            prop_assert!(!cell.contains("\\\\|") && !cell.contains('\n') && !cell.ends_with('\\'));
        }

        #[test]
        fn a_span_is_closed_by_its_own_fence_alone(text in "[` a]{1,12}") {
            let span = code(&text);
            let fence = span.len() - span.trim_start_matches('`').len();
            let inner = &span[fence..span.len() - fence];
            prop_assert!(inner.split(|c| c != '`').all(|run| run.len() != fence));
            prop_assert!(!inner.starts_with('`') && !inner.ends_with('`'));
        }
    }
}
