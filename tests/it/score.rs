//! `casemate commands` over the recordings in `fixtures/commands`, against the truth beside them.
//!
//! Each is read twice: as it was recorded, and with its output alone, as most recordings in the world are.
//! Below a bar the test fails and lists every difference. `CASEMATE_SHOW=1` lists them above the bars, too.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

use casemate_tests::score::{Line, Score, compare, read_lines};
use casemate_tests::{Cast, World, tools};
use serde_json::Value;

/// What must be reached; shares of one.
struct Bars {
    f1: f64,
    precision: f64,
    users: f64,
    switched: f64,
    times: f64,
}

/// A recording that also has what was typed.
const WITH_INPUT: Bars = Bars { f1: 0.99, precision: 0.99, users: 0.99, switched: 0.90, times: 0.98 };

/// A recording of the output alone.
const OUTPUT_ONLY: Bars = Bars { f1: 0.98, precision: 0.985, users: 0.99, switched: 0.90, times: 0.98 };

/// What was typed where the terminal did not echo, in any session of the corpus.
const SECRETS: [&str; 9] = [
    "Kelp-and-amber7",
    "Driftwood!quay4",
    "Halyard_under9",
    "Breakwater-2tons",
    "not-the-password-1",
    "not-the-password-2",
    "not-the-password-3",
    "Spindrift-code5",
    "Wrong-spindrift6",
];

/// Events of a recording that holds what a terminal showed and nothing else.
const SHOWN: [&str; 6] = ["o", "r", "m", "x", "bytes", "end"];

pub(crate) fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/commands");
    let entries = fs::read_dir(folder).expect("fixtures/commands is there");
    let mut recordings: Vec<_> = entries
        .map(|entry| entry.expect("read fixtures/commands").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "zst"))
        .collect();
    recordings.sort();
    recordings
}

/// `NAME.truth.jsonl` beside `NAME.cast.zst`.
fn truth_of(recording: &Path) -> PathBuf {
    recording.with_extension("").with_extension("truth.jsonl")
}

fn name_of(recording: &Path) -> String {
    let name = recording.file_name().expect("a recording has a name").to_string_lossy();
    name.trim_end_matches(".cast.zst").to_owned()
}

/// Whether the program under test can list commands at all.
pub(crate) fn can_list(world: &World) -> bool {
    world.casemate(&["commands", "--help"]).run().code == 0
}

/// What `casemate commands` says of a recording.
#[track_caller]
pub(crate) fn commands(world: &World, recording: &Path) -> (Vec<Line>, String) {
    let path = recording.to_string_lossy();
    let run = world.casemate(&["commands", "--format", "jsonl", &path]).run().success();
    let text = run.text();
    let lines = read_lines(&text, Line::of_event).unwrap_or_else(|err| panic!("{path}: {err}"));
    (lines, text)
}

/// The recording as asciicast without what was typed and without what the recorder saw elsewhere.
fn output_only(world: &World, recording: &Path) -> PathBuf {
    let cast = Cast::read(recording);
    let mut text = format!("{}\n", cast.header);
    let mut before = 0;
    for event in cast.events.iter().filter(|event| SHOWN.contains(&event.code.as_str())) {
        let time = event.time - before;
        let (code, data) = (Value::from(event.code.as_str()), Value::from(event.data.as_str()));
        writeln!(text, "[{}.{:06}, {code}, {data}]", time / 1_000_000, time % 1_000_000)
            .expect("writing to a string");
        // Version 3 counts from the event before, version 2 from the beginning.
        before = if cast.header["version"] == 3 { event.time } else { 0 };
    }
    world.write(&format!("{}.cast", name_of(recording)), text)
}

#[track_caller]
fn check(what: &str, bars: &Bars, prepare: impl Fn(&World, &Path) -> PathBuf) {
    let world = World::new();
    if !can_list(&world) {
        tools::left_out("`casemate commands` is not there yet");
        return;
    }
    let (mut total, mut differences) = (Score::default(), String::new());
    let started = Instant::now();
    for recording in fixtures() {
        let truth = fs::read_to_string(truth_of(&recording)).expect("every recording has its truth");
        let truth = read_lines(&truth, Line::of_truth).expect("the truth is JSON");
        let (found, text) = commands(&world, &prepare(&world, &recording));
        let (mut score, difference) = compare(&name_of(&recording), &truth, &found);
        score.leaks = SECRETS.iter().filter(|secret| text.contains(**secret)).count();
        total.add(&score);
        differences.push_str(&difference);
    }
    let report = format!("{what}, {:.1} s\n{}", started.elapsed().as_secs_f64(), total.summary());
    if std::env::var_os("CASEMATE_SHOW").is_some() {
        // Not through the print macros: a test that passes shows nothing of those.
        writeln!(std::io::stderr(), "{report}\n{differences}").expect("standard error takes it");
    }
    let reached = [
        ("F1", total.f1(), bars.f1),
        ("precision", total.precision.of_one(), bars.precision),
        ("users", total.users.of_one(), bars.users),
        ("users after a switch", total.switched.of_one(), bars.switched),
        ("times", total.times.of_one(), bars.times),
    ];
    let below: Vec<_> = reached
        .iter()
        .filter(|(_, value, bar)| value < bar)
        .map(|(name, value, bar)| format!("{name} is {value:.4}, below {bar}"))
        .collect();
    assert!(below.is_empty(), "{}\n{report}\n{differences}", below.join("\n"));
    assert_eq!(total.leaks, 0, "secrets leaked\n{report}\n{differences}");
}

#[test]
fn with_what_was_typed() {
    check("with input", &WITH_INPUT, |_, recording| recording.to_owned());
}

#[test]
fn from_the_output_alone() {
    check("output only", &OUTPUT_ONLY, output_only);
}

#[test]
fn every_recording_has_its_truth_and_no_secret() {
    let recordings = fixtures();
    assert!(recordings.len() >= 100, "only {} recordings", recordings.len());
    let mut size = 0;
    for recording in &recordings {
        let name = name_of(recording);
        let cast = Cast::read(recording);
        let text = fs::read_to_string(truth_of(recording)).unwrap_or_else(|err| panic!("{name}: {err}"));
        let truth = read_lines(&text, Line::of_truth).unwrap_or_else(|err| panic!("{name}: {err}"));
        assert!(!truth.is_empty(), "{name}: nothing was run");
        let last = cast.events.last().map_or(0, |event| event.time);
        let mut before = 0.0;
        for line in &truth {
            assert!(line.time >= before, "{name}: {:?} goes back in time", line.command);
            before = line.time;
            assert!(before * 1e6 <= last as f64 + 1e5, "{name}: {:?} is behind the end", line.command);
            assert!(line.target.is_some() && line.target_user.is_some(), "{name}: {:?}", line.command);
        }
        for secret in SECRETS {
            assert!(!cast.text.contains(secret) && !text.contains(secret), "{name} holds {secret}");
        }
        for path in [recording, &truth_of(recording)] {
            size += fs::metadata(path).expect("the file is there").len();
        }
    }
    // Fixtures are for ever in everybody's clone.
    assert!(size <= 1_500_000, "{size} bytes");
}
