//! What is known of a recording as a whole: all that a timeline needs, and what the player is told first.
//!
//! *Invariants*: it is bounded, whatever the recording. The index that is made of it is one that the player takes.

use casemate_audit_log::Time;
use casemate_cast_format::segment::{Condition, Verdict, hex};
use casemate_cast_format::{Code, Event, Header, Micros, ProcessFacts, own};
use casemate_terminal::Size;
use casemate_terminal::render::Theme;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::pace::seconds;
use super::{Activity, LAYOUT};

/// More of a kind is counted, and not listed: nobody tells them apart on a timeline.
const LISTED: usize = 1000;

/// A text is cut to so many characters.
const LONGEST: usize = 200;

/// What is known of a recording. Times are in microseconds, as they are played.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// As what made it.
    pub layout: i64,
    /// How long it is.
    pub duration: u64,
    /// Columns and rows at the beginning.
    pub size: (u16, u16),
    /// The colours of its terminal, where it says them.
    pub theme: Option<Map<String, Value>>,
    /// From when times count: at that time of the recording, since 1970.
    pub clocks: Vec<(u64, i64)>,
    /// Set while recording, with what they are called.
    pub markers: Vec<(u64, String)>,
    /// Columns and rows from then on.
    pub resizes: Vec<(u64, u16, u16)>,
    /// What else happened.
    pub notes: Vec<Note>,
    /// How much output there was when.
    pub activity: Activity,
    /// All there are.
    pub events: u64,
    /// Of markers, resizes and notes so many are not listed.
    pub left_out: u64,
    /// What its seals say, where it has any.
    pub seals: Option<Seals>,
    /// Why nothing behind that can be played.
    pub damage: Option<String>,
    /// Whose processes they were, of the last that was seen.
    #[serde(skip)]
    pub(super) user: Option<String>,
    /// So many of the notes are of processes.
    #[serde(skip)]
    pub(super) processes: usize,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// When.
    pub at: u64,
    /// `process`, `user`, `gap`, `pause`, `resume`, `session`, `hidden`, `exit`, `end`.
    pub kind: String,
    /// What is said of it.
    pub text: String,
}

/// What the seals of a recording say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seals {
    /// `intact`, `damaged`, `unfinished`, `unsealed`.
    pub condition: String,
    /// How many there are.
    pub count: u64,
    /// The public key of whoever signed each of them.
    pub signed_by: Option<String>,
    /// The hash of the last.
    pub last: Option<String>,
    /// What is wrong, the first of it.
    pub defects: Vec<String>,
}

impl Facts {
    pub(super) fn begin(&mut self, header: &Header, size: Size) {
        (self.layout, self.size) = (LAYOUT, (size.cols, size.rows));
        self.theme = header.theme.as_ref().and_then(theme);
    }

    pub(super) fn event(&mut self, at: Micros, event: &Event<'_>) {
        self.events += 1;
        self.duration = at.0;
        match &event.code {
            Code::Output => self.activity.add(at, event.data.as_json().len() as u64),
            Code::Input | Code::Resize => {}
            Code::Marker => {
                let label = cut(&event.data.decode());
                keep(&mut self.markers, &mut self.left_out, (at.0, label));
            }
            Code::Exit => self.note(at, "exit", &event.data.decode()),
            Code::Other(code) => match &**code {
                own::PROCESS => self.process(at, &event.data.decode()),
                own::GAP => self.note(at, "gap", &event.data.decode()),
                own::HIDDEN => self.note(at, "hidden", ""),
                own::END => self.note(at, "end", &event.data.decode()),
                own::SESSION => self.note(at, "session", ""),
                own::PAUSE if event.data.decode() == "end" => self.note(at, "resume", ""),
                own::PAUSE => self.note(at, "pause", ""),
                _ => {}
            },
        }
    }

    pub(super) fn resized(&mut self, at: Micros, size: Size) {
        keep(&mut self.resizes, &mut self.left_out, (at.0, size.cols, size.rows));
    }

    pub(super) fn seals(&mut self, verdict: &Verdict) {
        let condition = match verdict.condition(None) {
            Condition::Intact | Condition::OtherKey => "intact",
            Condition::Damaged => "damaged",
            Condition::Unfinished => "unfinished",
            Condition::Unsealed => "unsealed",
        };
        self.seals = Some(Seals {
            condition: condition.into(),
            count: verdict.segments,
            signed_by: verdict.signed_by.map(|key| hex(&key)),
            last: verdict.last_seal.map(|hash| hex(&hash)),
            defects: verdict.defects.iter().take(5).map(|defect| cut(&defect.kind.to_string())).collect(),
        });
    }

    fn process(&mut self, at: Micros, text: &str) {
        let Some(facts) = ProcessFacts::parse(text) else { return };
        let user = facts.user.clone().or(facts.uid.map(|uid| uid.to_string()));
        if user.is_some() && user != self.user {
            if self.user.is_some() {
                self.note(at, "user", user.as_deref().unwrap_or_default());
            }
            self.user = user;
        }
        let name = facts.argv.map(|argv| argv.join(" ")).or(facts.exe);
        self.note(at, "process", &name.unwrap_or_else(|| facts.pid.to_string()));
    }

    fn note(&mut self, at: Micros, kind: &str, text: &str) {
        let note = Note { at: at.0, kind: kind.into(), text: cut(text) };
        // Processes are many, and push out nothing else.
        if kind == "process" {
            self.processes += 1;
        }
        let is_listed = match kind {
            "process" => self.processes <= LISTED,
            _ => self.notes.len() - self.processes.min(LISTED) < LISTED,
        };
        if is_listed {
            self.notes.push(note);
        } else {
            self.left_out += 1;
        }
    }

    /// When in the recording that was, in microseconds.
    #[must_use]
    pub fn moment(&self, time: Time) -> u64 {
        let begun = |&&(at, base): &&(u64, i64)| base.saturating_add_unsigned(at) <= time.0;
        let clock = self.clocks.iter().rev().find(begun).or(self.clocks.first());
        let base = clock.map_or(time.0, |clock| clock.1);
        u64::try_from(time.0.saturating_sub(base)).unwrap_or(0).min(self.duration)
    }

    /// What the player asks for first; the scenes are found by their numbers, behind `address`, with `query`.
    pub fn index(&self, starts: &[Micros], address: &str, query: &str) -> Value {
        let mut term = json!({ "cols": self.size.0, "rows": self.size.1 });
        if let Some(theme) = &self.theme {
            term["theme"] = theme.clone().into();
        }
        let scenes = starts.iter().enumerate().map(|(number, &start)| {
            json!({ "start": seconds(start), "url": format!("{address}/{number}{query}") })
        });
        let markers = self.markers.iter().map(|(at, label)| json!([seconds(Micros(*at)), label]));
        json!({
            "version": 1,
            "duration": seconds(Micros(self.duration)),
            "term": term,
            "segments": scenes.collect::<Vec<_>>(),
            "markers": markers.collect::<Vec<_>>(),
        })
    }
}

fn keep<T>(list: &mut Vec<T>, left_out: &mut u64, item: T) {
    if list.len() < LISTED {
        list.push(item);
    } else {
        *left_out += 1;
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}

/// Colours, if they are such as the player takes.
fn theme(said: &Map<String, Value>) -> Option<Map<String, Value>> {
    let text = |name: &str| said.get(name)?.as_str();
    let theme = Theme::from_hex(text("fg")?, text("bg")?, text("palette")?)?;
    let palette: Vec<String> = theme.palette.iter().map(ToString::to_string).collect();
    let colours = [
        ("fg", theme.foreground.to_string()),
        ("bg", theme.background.to_string()),
        ("palette", palette.join(":")),
    ];
    Some(colours.into_iter().map(|(name, colour)| (name.to_owned(), colour.into())).collect())
}
