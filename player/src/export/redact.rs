//! What must not be seen, out of every part of a recording.
//!
//! Output and input are streams, in which anything may be cut anywhere: a [`Round`] finds what is to be hidden in them.
//! All else is a text by itself, or JSON whose strings are, and is searched when it comes.
//!
//! *Invariant*: what goes out of a [`Redactor`], when the last round found nothing new, has no match in it: not in the
//! text of any event, nor in that of all output or input, nor on any screen. Numbers and names in JSON stay, and so do
//! sizes and exit statuses: readers need them.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casemate_cast_format::{Code, Event, Header, Text, own};
use casemate_terminal::redact::{OutputFinder, Patterns as _, Spans, TypedFinder, mask};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::Part;

/// So often what is hidden may hide other matches. What is blotted out is no longer searched, so it ends at once for all
/// but patterns that ask for it.
const MOST_PASSES: usize = 10;

/// What is to be hidden.
#[derive(Debug, Default)]
struct Patterns(Vec<Pattern>);

#[derive(Debug)]
struct Pattern {
    regex: Regex,
    /// As it was given.
    shown: String,
    has_matched: AtomicBool,
}

/// A pattern that is none.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{0}` is no regular expression: {1}")]
pub struct PatternError(String, regex::Error);

impl casemate_terminal::redact::Patterns for Patterns {
    fn find(&self, text: &str, sink: &mut dyn FnMut(Range<usize>)) {
        for pattern in &self.0 {
            for found in pattern.regex.find_iter(text).filter(|found| !found.is_empty()) {
                pattern.has_matched.store(true, Ordering::Relaxed);
                sink(found.range());
            }
        }
    }
}

impl Patterns {
    /// Whether a text matches.
    fn is_in(&self, text: &str) -> bool {
        let mut is_found = false;
        self.find(text, &mut |_| is_found = true);
        is_found
    }

    /// Hides what matches in a text. `None` if nothing does.
    fn mask(&self, text: &str) -> Option<String> {
        let mut masked: Option<String> = None;
        for _ in 0..MOST_PASSES {
            let text = masked.as_deref().unwrap_or(text);
            let mut spans = Spans::default();
            self.find(text, &mut |range| {
                spans.insert(offset(range.start)..offset(range.end));
            });
            match mask(text, 0, &spans) {
                Some(next) => masked = Some(next),
                None => break,
            }
        }
        masked
    }

    /// Hides what matches in the strings of a value; returns whether anything does. Of a list of strings the whole is
    /// searched as well, with blanks between, for a command line is one.
    fn mask_value(&self, value: &mut Value) -> bool {
        match value {
            Value::String(text) => match self.mask(text) {
                Some(masked) => {
                    *text = masked;
                    true
                }
                None => false,
            },
            Value::Array(values) => {
                let is_masked = self.mask_list(values);
                values.iter_mut().fold(is_masked, |is_masked, value| self.mask_value(value) | is_masked)
            }
            Value::Object(values) => self.mask_object(values),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        }
    }

    fn mask_object(&self, values: &mut Map<String, Value>) -> bool {
        let mut is_masked =
            values.iter_mut().fold(false, |is_masked, (_, value)| self.mask_value(value) | is_masked);
        if values.keys().any(|key| self.is_in(key)) {
            is_masked = true;
            let named = std::mem::take(values).into_iter();
            values.extend(named.map(|(key, value)| (self.mask(&key).unwrap_or(key), value)));
        }
        is_masked
    }

    fn mask_list(&self, values: &mut [Value]) -> bool {
        let Some(texts) = values.iter().map(Value::as_str).collect::<Option<Vec<_>>>() else { return false };
        let whole = texts.join(" ");
        let mut spans = Spans::default();
        self.find(&whole, &mut |range| {
            spans.insert(offset(range.start)..offset(range.end));
        });
        let mut at = 0;
        let mut is_masked = false;
        for value in values {
            let Value::String(text) = value else { continue };
            let length = offset(text.len());
            if let Some(masked) = mask(text, at, &spans) {
                *text = masked;
                is_masked = true;
            }
            at += length + 1;
        }
        is_masked
    }
}

/// What is to be hidden, and where in output and input it was found so far.
#[derive(Debug, Default)]
pub struct Redaction {
    patterns: Patterns,
    output: Spans,
    input: Spans,
}

impl Redaction {
    /// Takes regular expressions, and texts as they are.
    ///
    /// # Errors
    /// Where one is no regular expression.
    pub fn new(expressions: &[String], texts: &[String]) -> Result<Self, PatternError> {
        let expressions = expressions.iter().map(|expression| (expression, Cow::Borrowed(&**expression)));
        let texts = texts.iter().map(|text| (text, Cow::Owned(regex::escape(text))));
        let patterns = expressions.chain(texts).map(|(shown, expression)| {
            // A line ends where people see it end.
            let regex = RegexBuilder::new(&expression).multi_line(true).crlf(true).build();
            let regex = regex.map_err(|error| PatternError(shown.clone(), error))?;
            Ok(Pattern { regex, shown: shown.clone(), has_matched: AtomicBool::new(false) })
        });
        Ok(Self { patterns: Patterns(patterns.collect::<Result<_, _>>()?), ..Self::default() })
    }

    /// Whether there is nothing to hide.
    pub fn is_empty(&self) -> bool {
        self.patterns.0.is_empty()
    }

    /// Begins to look through a recording.
    pub fn round(&self) -> Round<'_> {
        Round { redaction: self, output: None, input: TypedFinder::new(&self.patterns, self.input.clone()) }
    }

    /// Learns what a round found; returns whether that was anything. Then there is more to look for.
    pub fn learn(&mut self, (output, input): (Spans, Spans)) -> bool {
        output.iter().for_each(|span| {
            self.output.insert(span);
        });
        input.iter().for_each(|span| {
            self.input.insert(span);
        });
        !output.is_empty() || !input.is_empty()
    }

    /// Begins to hide what was found.
    pub fn redactor(&self) -> Redactor<'_> {
        Redactor { redaction: self, output: 0, input: 0, is_masked: false, is_empty: false, changed: 0 }
    }

    /// Those patterns that nothing has matched.
    pub fn unmatched(&self) -> impl Iterator<Item = &str> {
        let unmatched = self.patterns.0.iter().filter(|pattern| !pattern.has_matched.load(Ordering::Relaxed));
        unmatched.map(|pattern| pattern.shown.as_str())
    }
}

/// Looks through a recording once.
pub struct Round<'a> {
    redaction: &'a Redaction,
    output: Option<OutputFinder<&'a Patterns>>,
    input: TypedFinder<&'a Patterns>,
}

impl Round<'_> {
    /// Takes the header.
    pub fn header(&mut self, header: &Header) {
        let Redaction { patterns, output, .. } = self.redaction;
        let (cols, rows) = header.size.cells();
        self.output = Some(OutputFinder::new(patterns, output.clone(), cols, rows));
    }

    /// Takes the next event.
    pub fn event(&mut self, event: &Event<'_>) {
        let Some(output) = &mut self.output else { return };
        match &event.code {
            Code::Output => output.feed(&event.data.decode()),
            Code::Input => self.input.feed(&event.data.decode()),
            Code::Resize => {
                if let Some(size) = event.size() {
                    let (cols, rows) = size.cells();
                    output.resize(cols, rows);
                }
            }
            Code::Marker | Code::Exit | Code::Other(_) => {}
        }
    }

    /// Returns what was found, for [`Redaction::learn`].
    #[must_use]
    pub fn finish(self) -> (Spans, Spans) {
        (self.output.map(OutputFinder::finish).unwrap_or_default(), self.input.finish())
    }
}

/// Hides what was found.
pub struct Redactor<'a> {
    redaction: &'a Redaction,
    /// Bytes of output and of input so far.
    output: u64,
    input: u64,
    /// Whether something was hidden in the last output.
    is_masked: bool,
    /// And that it had no text.
    is_empty: bool,
    changed: u64,
}

impl Redactor<'_> {
    /// How many events, comments and headers were changed.
    pub fn changed(&self) -> u64 {
        self.changed
    }

    /// Hides what is to be hidden in the next part; `None` if nothing of it remains.
    pub fn take<'a>(&mut self, part: Part<'a>) -> Option<Part<'a>> {
        if self.redaction.is_empty() {
            return Some(part);
        }
        match part {
            Part::Header(mut header) => {
                self.changed += u64::from(self.header(&mut header));
                Some(Part::Header(header))
            }
            Part::Comment(comment) => Some(Part::Comment(match self.redaction.patterns.mask(&comment) {
                Some(masked) => {
                    self.changed += 1;
                    Cow::Owned(masked)
                }
                None => comment,
            })),
            Part::Event(event) => self.event(event).map(Part::Event),
        }
    }

    fn header(&self, header: &mut Header) -> bool {
        let patterns = &self.redaction.patterns;
        let texts = [&mut header.command, &mut header.title, &mut header.term_type].into_iter().flatten();
        let mut is_masked = false;
        for text in texts {
            if let Some(masked) = patterns.mask(text) {
                *text = masked;
                is_masked = true;
            }
        }
        for values in [&mut header.env, &mut header.term_extra, &mut header.extra] {
            is_masked |= patterns.mask_object(values);
        }
        is_masked | header.tags.as_mut().is_some_and(|tags| patterns.mask_value(tags))
    }

    fn event<'a>(&mut self, event: Event<'a>) -> Option<Event<'a>> {
        let Redaction { patterns, output, input } = self.redaction;
        let was_masked = std::mem::take(&mut self.is_masked);
        let was_empty = std::mem::replace(&mut self.is_empty, event.data.decode().is_empty());
        let masked = match &event.code {
            Code::Resize if event.size().is_some() => None,
            Code::Output => {
                let text = event.data.decode();
                let masked = mask(&text, self.output, output);
                self.output += offset(text.len());
                masked
            }
            Code::Input => {
                let text = event.data.decode();
                let masked = mask(&text, self.input, input);
                self.input += offset(text.len());
                masked
            }
            Code::Other(code) if code == own::BYTES => {
                // They say what the event before them was. Where that had no text, they have more than can be looked
                // through: a part of what is to be hidden may stand in the next.
                let exact = STANDARD.decode(&*event.data.decode()).unwrap_or_default();
                if was_masked || was_empty || patterns.is_in(&String::from_utf8_lossy(&exact)) {
                    self.changed += 1;
                    return None;
                }
                None
            }
            Code::Marker | Code::Resize | Code::Exit | Code::Other(_) => {
                let text = event.data.decode();
                match serde_json::from_str(&text) {
                    Ok(mut value @ (Value::Object(_) | Value::Array(_))) => {
                        patterns.mask_value(&mut value).then(|| value.to_string())
                    }
                    Ok(_) | Err(_) => patterns.mask(&text),
                }
            }
        };
        self.is_masked = masked.is_some();
        let code = match &event.code {
            Code::Other(code) => patterns.mask(code).map(|masked| Code::Other(masked.into())),
            Code::Output | Code::Input | Code::Marker | Code::Resize | Code::Exit => None,
        };
        self.changed += u64::from(masked.is_some() || code.is_some());
        let data = masked.map_or_else(|| event.data.clone(), |masked| Text::new(&masked));
        Some(Event { code: code.unwrap_or_else(|| event.code.clone()), data, ..event })
    }
}

fn offset(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
