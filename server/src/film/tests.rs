//! Scenes, played one after the other, and what a player insists on.

use casemate_audit_log::Time;
use casemate_audit_store::Form;
use casemate_cast_format::segment::{Packer, PackerConfig};
use casemate_cast_format::{Decoder, Item, Micros, Size as Cells};
use casemate_terminal::{Cell, Color, Position, Screen as _, Style, Vt100Screen};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Facts, Maker, Scene, SceneReader, Until};

/// The film of a recording, read in pieces of that length.
fn film(form: Form, bytes: &[u8], scene: u64, piece: usize) -> Option<(Facts, Vec<Scene>)> {
    let mut maker = Maker::new(form, Time(1_000_000)).unwrap().with_scenes_of(scene);
    let mut scenes = Vec::new();
    for piece in bytes.chunks(piece) {
        maker.feed(piece).unwrap();
        scenes.extend(std::iter::from_fn(|| maker.next_scene()));
    }
    let facts = maker.finish().unwrap()?;
    scenes.extend(std::iter::from_fn(|| maker.next_scene()));
    Some((facts, scenes))
}

fn read(form: Form, bytes: &[u8], facts: &Facts, scenes: &[Scene], number: usize, piece: usize) -> Value {
    let until = match scenes.get(number + 1) {
        Some(next) => Until::Next(next.place, next.start),
        None => Until::End(Micros(facts.duration)),
    };
    let mut reader = SceneReader::new(form, &scenes[number], until).unwrap();
    let from = usize::try_from(scenes[number].place.anchor.offset).unwrap();
    for piece in bytes[from..].chunks(piece) {
        if !reader.feed(piece).unwrap() {
            break;
        }
    }
    serde_json::from_str(&reader.finish()).unwrap()
}

/// What asciinema-player 3.18 refuses.
fn check(index: &Value, segments: &[Value]) {
    let is_size = |size: &Value| size["cols"].as_u64() > Some(0) && size["rows"].as_u64() > Some(0);
    let time = |value: &Value| value.as_f64().filter(|time| time.is_finite() && *time >= 0.0).unwrap();
    assert_eq!(index["version"], 1);
    assert!(is_size(&index["term"]));
    let duration = time(&index["duration"]);
    let starts: Vec<f64> =
        index["segments"].as_array().unwrap().iter().map(|segment| time(&segment["start"])).collect();
    assert_eq!(starts.first(), Some(&0.0));
    assert!(starts.is_sorted_by(|one, next| one < next), "{starts:?}");
    assert!(starts[1..].iter().all(|start| *start < duration), "{starts:?} {duration}");
    let markers = index["markers"].as_array().unwrap();
    let markers: Vec<f64> = markers.iter().map(|marker| time(&marker[0])).collect();
    assert!(markers.is_sorted() && markers.last().is_none_or(|last| *last <= duration));
    assert_eq!(segments.len(), starts.len());
    for (number, segment) in segments.iter().enumerate() {
        assert!(is_size(&segment["snapshot"]) && segment["snapshot"]["init"].is_string());
        let events = segment["events"].as_array().unwrap();
        // The player compares milliseconds.
        let times: Vec<f64> = events.iter().map(|event| 1000.0 * time(&event[0])).collect();
        let (start, end) = (1000.0 * starts[number], 1000.0 * starts.get(number + 1).unwrap_or(&duration));
        let is_last = number + 1 == segments.len();
        assert!(times.is_sorted() && times.iter().all(|time| *time >= start), "{times:?}");
        assert!(times.iter().all(|time| *time < end || is_last && *time <= end), "{times:?} {end}");
        assert!(number == 0 || times[0] == start);
        assert!(!is_last || times.last() == Some(&end));
    }
}

/// A terminal as the player has one.
fn begin(segment: &Value) -> Vt100Screen {
    let size = |name: &str| u16::try_from(segment["snapshot"][name].as_u64().unwrap()).unwrap();
    let mut screen = Vt100Screen::new(size("cols"), size("rows"), 0);
    screen.feed(segment["snapshot"]["init"].as_str().unwrap().as_bytes());
    screen
}

fn play(screen: &mut Vt100Screen, segment: &Value) {
    for event in segment["events"].as_array().unwrap() {
        let data = event[2].as_str().unwrap();
        match event[1].as_str().unwrap() {
            "o" => screen.feed(data.as_bytes()),
            "r" => {
                let (cols, rows) = Cells::parse(data).unwrap().cells();
                screen.resize(cols, rows);
            }
            _ => {}
        }
    }
}

/// What somebody sees: the cells, the cursor, whether that is hidden, and which screen it is.
type Seen = (Vec<(String, u8, Style)>, Position, bool, bool);

fn seen(screen: &Vt100Screen) -> Seen {
    let size = screen.size();
    let drawn = |cell: Cell<'_>| match (cell.text, cell.width) {
        ("" | " ", 1..) => {
            let Style { background, underline, inverse, strikethrough, foreground, .. } = cell.style;
            let has_foreground = inverse || underline || strikethrough;
            let foreground = if has_foreground { foreground } else { Color::Default };
            let style =
                Style { background, underline, inverse, strikethrough, foreground, ..Style::default() };
            (" ".to_owned(), cell.width, style)
        }
        (text, width) => (text.to_owned(), width, cell.style),
    };
    let lines = (0..size.rows).filter_map(|row| screen.shown(row));
    let cells = lines.flat_map(|line| (0..size.cols).map(move |col| drawn(line.drawn(col)))).collect();
    (cells, screen.cursor(), screen.is_cursor_hidden(), screen.is_alternate())
}

/// The screen behind all of it.
fn whole(text: &str) -> Vt100Screen {
    let mut decoder = Decoder::new();
    decoder.feed(text.as_bytes());
    decoder.finish();
    let mut screen = Vt100Screen::new(80, 24, 0);
    while let Some(item) = decoder.next_item() {
        match item {
            Item::Header(header) => {
                let (cols, rows) = header.size.cells();
                screen = Vt100Screen::new(cols, rows, 0).for_term(header.terminal());
            }
            Item::Event(event) if event.code == casemate_cast_format::Code::Output => {
                screen.feed(event.data.decode().as_bytes());
            }
            Item::Event(event) => {
                if let Some(size) = event.size() {
                    let (cols, rows) = size.cells();
                    screen.resize(cols, rows);
                }
            }
            Item::Comment(_) | Item::Defect(_) => {}
        }
    }
    screen
}

fn packed(text: &str) -> Vec<u8> {
    let mut packer = Packer::new(PackerConfig::default()).unwrap();
    let mut lines = text.split_inclusive('\n');
    packer.write_header(lines.next().unwrap().as_bytes()).unwrap();
    for (number, line) in (1_u64..).zip(lines) {
        packer.write_event(line.as_bytes(), Micros(number)).unwrap();
        match number % 7 {
            3 => packer.flush().unwrap(),
            5 => packer.seal(None).unwrap(),
            _ => {}
        }
    }
    packer.finish(None).unwrap();
    packer.take_output()
}

/// All that is to hold of a recording in a form.
fn holds(form: Form, bytes: &[u8], text: &str, scene: u64, pieces: (usize, usize)) -> usize {
    let (facts, scenes) = film(form, bytes, scene, pieces.0).unwrap();
    assert_eq!(film(form, bytes, scene, pieces.1).unwrap(), (facts.clone(), scenes.clone()));
    let starts: Vec<Micros> = scenes.iter().map(|scene| scene.start).collect();
    let segments: Vec<Value> =
        (0..scenes.len()).map(|number| read(form, bytes, &facts, &scenes, number, pieces.1)).collect();
    check(&facts.index(&starts, "player", ""), &segments);
    let mut screen = begin(&segments[0]);
    for (number, segment) in segments.iter().enumerate() {
        assert_eq!(seen(&begin(segment)), seen(&screen), "the screen of scene {number}");
        play(&mut screen, segment);
    }
    assert_eq!(seen(&screen), seen(&whole(text)), "all of it");
    scenes.len()
}

/// Lines of output, with a size now and then.
fn cast(version: u8, lines: &[(u64, Line)]) -> String {
    let header = match version {
        2 => json!({ "version": 2, "width": 20, "height": 5 }),
        _ => json!({ "version": 3, "term": { "cols": 20, "rows": 5 } }),
    };
    let mut text = format!("{header}\n");
    for (millis, line) in lines {
        let (code, data) = match line {
            Line::Output(data) => ("o", data.clone()),
            Line::Input(data) => ("i", data.clone()),
            Line::Resize(cols, rows) => ("r", format!("{cols}x{rows}")),
            Line::Marker(label) => ("m", label.clone()),
            Line::Process(facts) => ("process", facts.clone()),
        };
        let seconds = format!("{}.{:03}", millis / 1000, millis % 1000);
        text.push_str(&format!("[{seconds},{},{}]\n", json!(code), json!(data)));
    }
    text
}

#[derive(Clone, Debug)]
enum Line {
    Output(String),
    Input(String),
    Resize(u32, u32),
    Marker(String),
    Process(String),
}

fn line() -> impl Strategy<Value = Line> {
    let size = prop_oneof![4 => 1_u32..30, 1 => any::<u32>()];
    prop_oneof![
        6 => "[ -~é日─]{0,30}(\r\n)?".prop_map(Line::Output),
        6 => "\x1b\\[([0-57-9]|3[0-7]|4[0-7]|38;5;[0-9]{1,2}|48;2;[0-9]{1,2};7;255)m[a-z ─日]{0,9}".prop_map(Line::Output),
        3 => "\x1b\\[[0-9]{0,2}(;[0-9]{1,2})?[ABCDHJKLMP@X]".prop_map(Line::Output),
        // Not 47: sequences cannot say what is on another screen that is not shown.
        2 => "\x1b\\[\\?(7|25|1049|2004)[hl]".prop_map(Line::Output),
        1 => "\x1b([78DEM]|\\([0B]|\\[[1-4];[3-5]r)".prop_map(Line::Output),
        1 => "\x1b(\\[|\\]0;tit|)".prop_map(Line::Output),
        1 => "[a-z\r]{1,3}".prop_map(Line::Input),
        1 => (size.clone(), size).prop_map(|(cols, rows)| Line::Resize(cols, rows % 40)),
        1 => "[a-z]{0,5}".prop_map(Line::Marker),
        1 => "[a-z{}\"]{0,9}".prop_map(Line::Process),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, ..ProptestConfig::default() })]

    #[test]
    fn scenes_one_after_the_other_are_the_whole(
        lines in vec((prop_oneof![3 => Just(0_u64), 3 => 0..5000_u64, 1 => any::<u64>()], line()), 0..60),
        version in 2_u8..=3,
        scene in 1_u64..2000,
        pieces in (1_usize..300, 1_usize..5000),
    ) {
        let text = cast(version, &lines);
        holds(Form::Cast, text.as_bytes(), &text, scene, pieces);
        holds(Form::CastZst, &packed(&text), &text, scene, pieces);
    }

    #[test]
    fn any_bytes_make_a_film_or_none(
        text in "[\\[\\]{}\"a-z0-9,.\n]{0,200}",
        bytes in vec(any::<u8>(), 0..200),
        scene in 1_u64..50,
    ) {
        for (form, bytes) in [
            (Form::Cast, format!("{{\"version\":2,\"width\":0,\"height\":4294967295}}\n{text}").into_bytes()),
            (Form::Cast, bytes.clone()),
            (Form::CastZst, bytes.clone()),
            (Form::CastZst, [packed("{\"version\":3}\n[0,\"o\",\"a\"]\n"), bytes].concat()),
        ] {
            let Some((facts, scenes)) = film(form, &bytes, scene, 50) else { continue };
            let starts: Vec<Micros> = scenes.iter().map(|scene| scene.start).collect();
            let segments: Vec<Value> =
                (0..scenes.len()).map(|number| read(form, &bytes, &facts, &scenes, number, 50)).collect();
            check(&facts.index(&starts, "player", ""), &segments);
        }
    }
}

#[test]
fn what_has_no_lines_is_cut_as_well() {
    let frames: Vec<Value> = (0..200).map(|number| json!([0.5, format!("line {number}\r\n")])).collect();
    let text = json!({ "version": 1, "width": 20, "height": 5, "stdout": frames }).to_string();
    let text = text.replace("],[", "],\n[");
    assert!(holds(Form::Cast, text.as_bytes(), &text, 100, (64, 1000)) > 10);
}

#[test]
fn what_stands_on_a_timeline_is_told() {
    let process = |uid: u32, name: &str, program: &str| {
        let facts =
            json!({ "why": "foreground", "pid": 7, "uid": uid, "user": name, "argv": [program, "-x"] });
        Line::Process(facts.to_string())
    };
    let lines = [
        (0, Line::Output("a".into())),
        (1500, process(1000, "deploy", "bash")),
        (2000, Line::Marker("here".into())),
        (2500, process(0, "root", "su")),
        (3000, Line::Resize(30, 10)),
        (3000, Line::Resize(30, 10)),
        (60_000, Line::Output("b".into())),
    ];
    let (facts, _) = film(Form::Cast, cast(2, &lines).as_bytes(), 100_000, 100).unwrap();
    assert_eq!(facts.markers, [(2_000_000, "here".to_owned())]);
    assert_eq!(facts.resizes, [(3_000_000, 30, 10)]);
    let notes: Vec<_> = facts.notes.iter().map(|note| (note.at / 1000, &*note.kind, &*note.text)).collect();
    assert_eq!(notes, [(1500, "process", "bash -x"), (2500, "user", "root"), (2500, "process", "su -x")]);
    assert_eq!((facts.duration, facts.size, facts.events), (60_000_000, (20, 5), 7));
    assert!(facts.activity.counts.len() <= 512 && facts.activity.counts.iter().sum::<u64>() > 0);
    assert_eq!(facts.moment(Time(1_000_000 + 2_000_000)), 2_000_000);
    assert_eq!((facts.moment(Time(0)), facts.moment(Time(i64::MAX))), (0, 60_000_000));
}
