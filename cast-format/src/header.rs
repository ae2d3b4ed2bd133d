//! The header: what a recording says of itself, one model for all versions.
//!
//! Keys that a version does not know are kept: `term` survives in v2, `duration` in v3, and
//! whatever others wrote survives in both, in its order.

use serde_json::{Map, Number, Value, json};

use crate::defect::DefectKind;
use crate::event::Size;
use crate::facts::SessionFacts;
use crate::time::Micros;

/// What stands for `TERM` where a session had no terminal; no terminal is called that.
pub const NO_TERMINAL: &str = "no terminal";

/// The versions of asciicast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// One JSON document, read only.
    V1,
    /// Lines, absolute times.
    V2,
    /// Lines, intervals.
    V3,
}

impl Version {
    /// As in the header.
    pub fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
            Self::V3 => 3,
        }
    }
}

/// What a recording says of itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// The version it was read from; an encoder writes its own.
    pub version: Version,
    /// The terminal's size at the start.
    pub size: Size,
    /// `term.type`; v2 has it as `env.TERM` only.
    pub term_type: Option<String>,
    /// `fg`, `bg` and `palette`, checked; other keys kept.
    pub theme: Option<Map<String, Value>>,
    /// Unix time of the start, in seconds.
    pub timestamp: Option<i64>,
    /// Length of the recording, where the file says it.
    pub duration: Option<Micros>,
    /// Longest pause that a player should make.
    pub idle_time_limit: Option<Micros>,
    /// What was recorded.
    pub command: Option<String>,
    /// What to call it.
    pub title: Option<String>,
    /// Environment of the recorded command; a variable may be null.
    pub env: Map<String, Value>,
    /// Tags (v3).
    pub tags: Option<Value>,
    /// Keys of `term` beside size, type and theme.
    pub term_extra: Map<String, Value>,
    /// Every other key, `casemate` among them.
    pub extra: Map<String, Value>,
}

/// The key that holds [`SessionFacts`].
pub const FACTS_KEY: &str = "casemate";

/// The fact that says what an excerpt is of, and how time passes in it.
pub const EXCERPT_KEY: &str = "excerpt";

/// Keys of v2 that mean nothing in v3: where others wrote one there, v2 has no place for it.
const V2_KEYS: [&str; 3] = ["width", "height", "theme"];

/// Keys of v3's `term` that mean nothing in that of v2: where others wrote one there, v3 has no place for it.
const V3_TERM_KEYS: [&str; 4] = ["cols", "rows", "type", "theme"];

/// What is assumed where a header does not say.
pub const DEFAULT_SIZE: Size = Size { cols: 80, rows: 24 };

impl Header {
    /// A header that says nothing but the size.
    pub fn new(size: Size) -> Self {
        Self {
            version: Version::V2,
            size,
            term_type: None,
            theme: None,
            timestamp: None,
            duration: None,
            idle_time_limit: None,
            command: None,
            title: None,
            env: Map::new(),
            tags: None,
            term_extra: Map::new(),
            extra: Map::new(),
        }
    }

    /// What `TERM` was in the recorded terminal; empty where nothing says it, and [`NO_TERMINAL`] where there was none.
    pub fn terminal(&self) -> &str {
        if self.facts().is_some_and(|facts| facts.has_no_terminal()) {
            return NO_TERMINAL;
        }
        self.term_type.as_deref().or_else(|| self.env.get("TERM")?.as_str()).unwrap_or_default()
    }

    /// When the recording began, in microseconds since 1970.
    pub fn start_us(&self) -> Option<i64> {
        let facts = self.facts().and_then(|facts| i64::try_from(facts.start_us).ok());
        facts.or_else(|| self.timestamp?.checked_mul(1_000_000))
    }

    /// The session facts, where casemate recorded them.
    pub fn facts(&self) -> Option<SessionFacts> {
        serde_json::from_value(self.extra.get(FACTS_KEY)?.clone()).ok()
    }

    /// What the recording is an excerpt of, if it is one: the fact [`EXCERPT_KEY`].
    pub fn excerpt(&self) -> Option<&Map<String, Value>> {
        self.extra.get(FACTS_KEY)?.get(EXCERPT_KEY)?.as_object()
    }

    /// The same in words: `from 2.5 s to 12.0 s of 60.0 s, 2.0 times as fast, redacted`.
    pub fn excerpt_text(&self) -> Option<String> {
        let excerpt = self.excerpt()?;
        let value = |key: &str| excerpt.get(key).filter(|value| value.is_number()).map(ToString::to_string);
        let mut parts = Vec::new();
        if let (Some(from), Some(to), Some(of)) = (value("from"), value("to"), value("of")) {
            parts.push(format!("from {from} s to {to} s of {of} s"));
        }
        parts.extend(value("speed").map(|speed| format!("{speed} times as fast")));
        parts.extend(value("idle_time_limit").map(|limit| format!("no pause longer than {limit} s")));
        if excerpt.get("redacted").is_some_and(|redacted| redacted == true) {
            parts.push("redacted".into());
        }
        Some(parts.join(", "))
    }

    /// Puts the session facts into the header.
    pub fn set_facts(&mut self, facts: &SessionFacts) {
        self.extra.insert(FACTS_KEY.into(), facts.to_value());
    }

    /// Reads a header object. What is wrong with single keys goes to `defects`; `None` where the
    /// object is no asciicast header at all.
    pub(crate) fn from_json(mut object: Map<String, Value>, defects: &mut Vec<DefectKind>) -> Option<Self> {
        let version = match object.shift_remove("version")?.as_f64()? {
            1.0 => Version::V1,
            2.0 => Version::V2,
            3.0 => Version::V3,
            _ => return None,
        };
        let mut keys = Keys { object, defects };
        let mut header = Self { version, ..Self::new(DEFAULT_SIZE) };
        match version {
            Version::V1 | Version::V2 => {
                let cols = keys.dimension("width");
                let rows = keys.dimension("height");
                header.size = keys.size(cols, rows);
                header.theme = keys.theme();
                header.term_extra = keys.take("term", |value| value.as_object().cloned()).unwrap_or_default();
            }
            Version::V3 => {
                let term = keys.take("term", |value| value.as_object().cloned()).unwrap_or_default();
                let mut term = Keys { object: term, defects: keys.defects };
                let cols = term.dimension("cols");
                let rows = term.dimension("rows");
                header.size = term.size(cols, rows);
                header.term_type = term.string("type");
                header.theme = term.theme();
                header.term_extra = term.object;
            }
        }
        header.timestamp = keys.take("timestamp", timestamp);
        header.duration = keys.seconds("duration");
        header.idle_time_limit = keys.seconds("idle_time_limit");
        header.command = keys.string("command");
        header.title = keys.string("title");
        header.env = keys.take("env", |value| value.as_object().cloned()).unwrap_or_default();
        header.tags = keys.object.shift_remove("tags");
        if version != Version::V3 {
            header.term_type = header.env.get("TERM").and_then(Value::as_str).map(Into::into);
        }
        header.extra = keys.object;
        Some(header)
    }

    /// The header object of a v2 or v3 file; asked for v1, it gives v2.
    pub(crate) fn to_json(&self, version: Version) -> Map<String, Value> {
        let mut object = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                object.insert(key.into(), value);
            }
        };
        let theme = self.theme.clone().map(Value::Object);
        let mut env = self.env.clone();
        if version == Version::V3 {
            put("version", Some(json!(3)));
            let mut term = Map::from_iter([
                ("cols".into(), json!(self.size.cols)),
                ("rows".into(), json!(self.size.rows)),
            ]);
            if let Some(term_type) = &self.term_type {
                term.insert("type".into(), json!(term_type));
            }
            let others = self.term_extra.iter().filter(|(key, _)| !V3_TERM_KEYS.contains(&key.as_str()));
            term.extend(others.map(|(key, value)| (key.clone(), value.clone())));
            if let Some(theme) = theme {
                term.insert("theme".into(), theme);
            }
            put("term", Some(Value::Object(term)));
            // v3 knows no unset variables.
            env.retain(|_, value| !value.is_null());
        } else {
            put("version", Some(json!(2)));
            put("width", Some(json!(self.size.cols)));
            put("height", Some(json!(self.size.rows)));
        }
        put("timestamp", self.timestamp.map(Into::into));
        put("duration", self.duration.map(decimal));
        put("idle_time_limit", self.idle_time_limit.map(decimal));
        put("command", self.command.clone().map(Into::into));
        put("title", self.title.clone().map(Into::into));
        if version != Version::V3
            && let Some(term_type) = &self.term_type
            && !env.contains_key("TERM")
        {
            env.insert("TERM".into(), json!(term_type));
        }
        put("env", (!env.is_empty()).then_some(Value::Object(env)));
        put("tags", self.tags.clone());
        if version != Version::V3 {
            put("theme", self.theme.clone().map(Value::Object));
            put("term", (!self.term_extra.is_empty()).then(|| Value::Object(self.term_extra.clone())));
        }
        let is_taken = |key: &str| version != Version::V3 && V2_KEYS.contains(&key);
        for (key, value) in self.extra.iter().filter(|(key, _)| !is_taken(key)) {
            put(key, Some(value.clone()));
        }
        object
    }
}

fn decimal(time: Micros) -> Value {
    let text = time.to_string();
    let number: Number = serde_json::from_str(&text).expect("Micros writes a JSON number");
    Value::Number(number)
}

fn timestamp(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| {
        let seconds = value.as_f64()?.floor();
        // Beyond this range an f64 holds no single seconds, and no clock shows them.
        #[expect(clippy::cast_possible_truncation, reason = "the range was checked")]
        (seconds.abs() < 9.0e15).then_some(seconds as i64)
    })
}

/// Takes known keys out of an object and notes those that make no sense.
struct Keys<'d> {
    object: Map<String, Value>,
    defects: &'d mut Vec<DefectKind>,
}

impl Keys<'_> {
    fn take<T>(&mut self, key: &'static str, read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
        let value = self.object.shift_remove(key).filter(|value| !value.is_null())?;
        let read = read(&value);
        if read.is_none() {
            self.defects.push(DefectKind::HeaderKey(key));
        }
        read
    }

    fn string(&mut self, key: &'static str) -> Option<String> {
        self.take(key, |value| value.as_str().map(Into::into))
    }

    fn seconds(&mut self, key: &'static str) -> Option<Micros> {
        self.take(key, |value| Micros::from_seconds(&value.as_number()?.to_string()))
    }

    fn dimension(&mut self, key: &'static str) -> Option<u32> {
        self.take(key, |value| {
            let number = value.as_f64().filter(|number| number.fract() == 0.0)?;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the range was checked"
            )]
            (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as u32)
        })
    }

    fn size(&mut self, cols: Option<u32>, rows: Option<u32>) -> Size {
        if let (Some(cols), Some(rows)) = (cols, rows) {
            return Size { cols, rows };
        }
        self.defects.push(DefectKind::HeaderSize);
        Size { cols: cols.unwrap_or(DEFAULT_SIZE.cols), rows: rows.unwrap_or(DEFAULT_SIZE.rows) }
    }

    fn theme(&mut self) -> Option<Map<String, Value>> {
        self.take("theme", |value| value.as_object().filter(|theme| is_theme(theme)).cloned())
    }
}

fn is_theme(theme: &Map<String, Value>) -> bool {
    let text = |key| theme.get(key).and_then(Value::as_str);
    let is_colour = |text: &str| {
        text.strip_prefix('#')
            .is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
    };
    let palette = || text("palette").map(|palette| palette.split(':').collect::<Vec<_>>());
    text("fg").is_some_and(is_colour)
        && text("bg").is_some_and(is_colour)
        && palette().is_some_and(|colours| {
            matches!(colours.len(), 8 | 16) && colours.iter().all(|colour| is_colour(colour))
        })
}

#[cfg(test)]
mod tests {
    use super::{Header, Version};
    use expect_test::{Expect, expect};

    #[test]
    fn the_terminal_is_named_wherever_that_stands() {
        let terminal = |json: &str| {
            let header = Header::from_json(serde_json::from_str(json).unwrap(), &mut Vec::new()).unwrap();
            header.terminal().to_owned()
        };
        let v3 = |term: &str, env: &str| {
            terminal(&format!(r#"{{"version":3,"term":{{"cols":80,"rows":24{term}}},"env":{env}}}"#))
        };
        assert_eq!(terminal(r#"{"version":2,"width":80,"height":24,"env":{"TERM":"screen"}}"#), "screen");
        assert_eq!(v3(r#","type":"tmux""#, r#"{"TERM":"screen"}"#), "tmux");
        assert_eq!(v3("", r#"{"TERM":"screen"}"#), "screen");
        assert_eq!(v3("", r#"{"TERM":null}"#), "");
    }

    #[track_caller]
    fn check(json: &str, version: Version, expected: &Expect) {
        let mut defects = Vec::new();
        let header = Header::from_json(serde_json::from_str(json).unwrap(), &mut defects);
        let mut shown = header
            .map_or("no header".into(), |header| serde_json::to_string(&header.to_json(version)).unwrap());
        for defect in defects {
            shown += &format!("\n{defect}");
        }
        expected.assert_eq(&shown);
    }

    const FULL_V3: &str = r##"{"version":3,"term":{"cols":100,"rows":50,"type":"xterm","version":"VTE","theme":{"fg":"#000000","bg":"#ffffff","palette":"#000000:#000000:#000000:#000000:#000000:#000000:#000000:#000000"}},"timestamp":1509091818,"idle_time_limit":2.5,"command":"sh","title":"t","env":{"SHELL":"/bin/sh"},"tags":["a"],"zebra":{"b":1,"a":[]}}"##;

    #[test]
    fn everything_survives_v3_to_v2_and_back() {
        let mut defects = Vec::new();
        let header = Header::from_json(serde_json::from_str(FULL_V3).unwrap(), &mut defects).unwrap();
        let v2 = header.to_json(Version::V2);
        expect![[r##"{"version":2,"width":100,"height":50,"timestamp":1509091818,"idle_time_limit":2.5,"command":"sh","title":"t","env":{"SHELL":"/bin/sh","TERM":"xterm"},"tags":["a"],"theme":{"fg":"#000000","bg":"#ffffff","palette":"#000000:#000000:#000000:#000000:#000000:#000000:#000000:#000000"},"term":{"version":"VTE"},"zebra":{"b":1,"a":[]}}"##]]
        .assert_eq(&serde_json::to_string(&v2).unwrap());
        let back = Header::from_json(v2, &mut defects).unwrap();
        assert_eq!(defects, []);
        expect![[r##"{"version":3,"term":{"cols":100,"rows":50,"type":"xterm","version":"VTE","theme":{"fg":"#000000","bg":"#ffffff","palette":"#000000:#000000:#000000:#000000:#000000:#000000:#000000:#000000"}},"timestamp":1509091818,"idle_time_limit":2.5,"command":"sh","title":"t","env":{"SHELL":"/bin/sh","TERM":"xterm"},"tags":["a"],"zebra":{"b":1,"a":[]}}"##]]
        .assert_eq(&serde_json::to_string(&back.to_json(Version::V3)).unwrap());
    }

    #[test]
    fn accepts_what_is_only_unusual() {
        check(
            r#"{"version":3.0,"term":{"cols":100000,"rows":0},"timestamp":1.9,"env":{"A":null,"B":"b"}}"#,
            Version::V3,
            &expect![[r#"{"version":3,"term":{"cols":100000,"rows":0},"timestamp":1,"env":{"B":"b"}}"#]],
        );
        check(
            r#"{"version":2,"width":80.0,"height":24,"env":{"A":null},"title":null,"duration":1e-05}"#,
            Version::V2,
            &expect![[r#"{"version":2,"width":80,"height":24,"duration":0.00001,"env":{"A":null}}"#]],
        );
    }

    #[test]
    fn names_keys_that_make_no_sense() {
        check(
            r##"{"version":2,"width":-1,"title":5,"idle_time_limit":-1,"theme":{"fg":"red","bg":"#000000","palette":""}}"##,
            Version::V2,
            &expect![[r#"
                {"version":2,"width":80,"height":24}
                the header's `width` makes no sense, left out
                the header does not say the terminal's size, 80x24 assumed where it is missing
                the header's `theme` makes no sense, left out
                the header's `idle_time_limit` makes no sense, left out
                the header's `title` makes no sense, left out"#]],
        );
        check(r#"{"version":4}"#, Version::V2, &expect!["no header"]);
        check(r#"{"width":80}"#, Version::V2, &expect!["no header"]);
    }
}
