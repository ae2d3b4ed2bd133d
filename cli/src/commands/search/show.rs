//! Hits, shown: for people, or as JSON.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use casemate_cast_format::Micros;
use casemate_store::recording::one_line;
use casemate_store::{Pattern, Where};
use serde_json::json;

use super::FormatArg;
use crate::failure::{About as _, Failure};

/// Written in pieces of this size.
const CHUNK: usize = 64 << 10;

/// More of a line than this, before and behind what was found, is cut off in tables: a line can have 64 KiB.
const CONTEXT: usize = 200;

/// How hits look.
pub(super) struct Show<'a> {
    pub(super) format: FormatArg,
    /// Files stand above their hits; else before each.
    pub(super) headings: bool,
    pub(super) colour: bool,
    pub(super) pattern: &'a Pattern,
}

/// Writes hits.
pub(super) struct Shown<'a> {
    show: Show<'a>,
    file: Option<PathBuf>,
    hits: u64,
    pending: Vec<u8>,
}

impl<'a> Shown<'a> {
    pub(super) fn new(show: Show<'a>) -> Self {
        Self { show, file: None, hits: 0, pending: Vec::new() }
    }

    pub(super) fn hits(&self) -> u64 {
        self.hits
    }

    pub(super) fn hit(
        &mut self,
        path: &Path,
        session: Option<&str>,
        place: Where,
        offset: Micros,
        text: &str,
    ) {
        self.hits += 1;
        match self.show.format {
            FormatArg::Jsonl => self.json(path, session, place, offset, text),
            FormatArg::Table => self.row(path, place, offset, text),
        }
    }

    fn json(&mut self, path: &Path, session: Option<&str>, place: Where, offset: Micros, text: &str) {
        let hit = json!({
            "file": path.to_string_lossy(),
            "session": session,
            "offset": serde_json::from_str::<serde_json::Value>(&offset.to_string()).unwrap_or_default(),
            "where": match place {
                Where::Command => "command",
                Where::Output => "output",
            },
            "line": text,
        });
        self.pending.extend_from_slice(hit.to_string().as_bytes());
        self.pending.push(b'\n');
    }

    fn row(&mut self, path: &Path, place: Where, offset: Micros, text: &str) {
        let name = if path == Path::new("-") {
            "standard input".to_owned()
        } else {
            one_line(&path.display().to_string())
        };
        let sign = match place {
            Where::Command => "$",
            Where::Output => " ",
        };
        let mut row = String::new();
        if self.show.headings {
            if self.file.as_deref() != Some(path) {
                let gap = if self.file.is_some() { "\n" } else { "" };
                row.push_str(&format!("{gap}{}\n", self.paint("36", &name)));
                self.file = Some(path.to_owned());
            }
            row.push_str(&format!("{}  {sign} ", self.paint("32", &format!("{:>11}", clock(offset)))));
        } else {
            row.push_str(&format!("{name}:{}:{sign} ", clock(offset)));
        }
        self.text(text, &mut row);
        self.pending.extend_from_slice(row.trim_end().as_bytes());
        self.pending.push(b'\n');
    }

    /// What was found, and what stands around it.
    fn text(&self, text: &str, row: &mut String) {
        let mut finds = self.show.pattern.regex().find_iter(text).filter(|find| !find.is_empty()).peekable();
        let first = finds.peek().map_or(0..0, regex::Match::range);
        let from = near(text, first.start.saturating_sub(CONTEXT));
        let until = near(text, first.end.min(first.start + 2 * CONTEXT) + CONTEXT);
        let mut at = from;
        row.push_str(if from > 0 { "…" } else { "" });
        for find in finds.take_while(|find| find.start() < until) {
            row.push_str(&one_line(&text[at..find.start()]));
            let end = near(text, find.end().min(until.max(find.start())));
            row.push_str(&self.paint("1;31", &one_line(&text[find.start()..end])));
            at = end;
        }
        if at < until {
            row.push_str(&one_line(&text[at..until]));
        }
        row.push_str(if at.max(until) < text.len() { "…" } else { "" });
    }

    fn paint(&self, colour: &str, text: &str) -> String {
        if self.show.colour { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }

    pub(super) fn flush_if_long(&mut self) -> Result<(), Failure> {
        if self.pending.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<(), Failure> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut stdout = std::io::stdout().lock();
        let written = stdout.write_all(&self.pending).and_then(|()| stdout.flush());
        self.pending.clear();
        written.about("cannot write to standard output")
    }
}

/// The end of a character, at that place or a little before it.
fn near(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// `1:02:03.456`, as `--start-at` takes it; up to the next millisecond, so that what was found is there then.
fn clock(time: Micros) -> String {
    let millis = time.0.div_ceil(1000);
    let (hours, minutes) = (millis / 3_600_000, millis / 60_000 % 60);
    let (seconds, millis) = (millis / 1000 % 60, millis % 1000);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{millis:03}")
    } else {
        format!("{minutes}:{seconds:02}.{millis:03}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_store::Meaning;

    fn row(pattern: &str, text: &str, colour: bool) -> String {
        let pattern = Pattern::new(pattern, Meaning::default()).unwrap();
        let show = Show { format: FormatArg::Table, headings: false, colour, pattern: &pattern };
        let mut shown = Shown::new(show);
        shown.hit(Path::new("a\x1b.cast"), None, Where::Command, Micros(62_345_001), text);
        String::from_utf8(shown.pending).unwrap()
    }

    #[test]
    fn nothing_in_a_row_is_obeyed_by_a_terminal() {
        assert_eq!(
            row("ls", "ls \x1b[2J\n\u{9b}x", false),
            "a\\u{1b}.cast:1:02.346:$ ls \\u{1b}[2J\\n\\u{9b}x\n"
        );
    }

    #[test]
    fn what_was_found_is_bright() {
        assert!(row("[ab]+", "xaby a", true).ends_with("$ x\x1b[1;31mab\x1b[0my \x1b[1;31ma\x1b[0m\n"));
        assert!(row("$", "text", true).ends_with("$ text\n"), "nothing was found anywhere");
    }

    #[test]
    fn long_lines_are_cut_around_what_was_found() {
        let long = "é".repeat(40_000) + "here" + &"x".repeat(40_000);
        let row = row("here", &long, false);
        assert!(
            row.contains("…é") && row.contains("éherex") && row.ends_with("x…\n") && row.len() < 500,
            "{row}"
        );
        assert!(self::row("x+", &"x".repeat(70_000), false).len() < 700);
    }

    #[test]
    fn times_are_such_that_it_is_there() {
        assert_eq!(clock(Micros(0)), "0:00.000");
        assert_eq!(clock(Micros(3_723_000_001)), "1:02:03.001");
    }
}
