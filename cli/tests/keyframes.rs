//! The keyframes of real recordings are the screens that playing them from the beginning gives.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use casemate_cast_format::segment::SegmentReader;
use casemate_cast_format::{Code, Decoder, Item, Size};
use casemate_terminal::{Screen as _, Vt100Screen};

/// What a shell prints and when: trickles, a program that draws as fast as it can, a rest, and more of it.
const SESSION: &str = r#"
stty cols 60 rows 12
draw() { awk -v n="$1" 'BEGIN { for (i = 0; i < n; i++) printf "\033[%d;%dH\033[3%dmx%d\033[K", i % 12 + 1, i % 50, i % 8, i }'; }
trickle() { for i in 1 2 3 4 5 6 7 8; do seq 1 30000; sleep 0.25; done; }
trickle
draw 200000
sleep 1
printf '\033[m\033[2J\033[H%s %s\r\n' behind it
for i in 1 2 3; do printf '\xff\033[1mno\033[m UTF-8 \xe2\x82\r\n'; draw 4000; sleep 0.15; done
stty cols 40 rows 20
trickle
printf '\033[?1049h\033[3;4r'
draw 3000
"#;

fn casemate(folder: &Path, arguments: &[&str]) {
    let run = Command::new(env!("CARGO_BIN_EXE_casemate"))
        .args(arguments)
        .current_dir(folder)
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(run.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&run.stderr));
}

fn blank(size: Size, term: Option<&str>) -> Vt100Screen {
    let cells = |count: u32| u16::try_from(count).unwrap();
    Vt100Screen::new(cells(size.cols), cells(size.rows), 0).for_term(term.unwrap_or_default())
}

fn picture(screen: &Vt100Screen) -> String {
    let rows = (0..screen.size().rows).filter_map(|row| screen.shown(row));
    let rows: Vec<String> = rows.map(|row| format!("{:?}", row.cells().collect::<Vec<_>>())).collect();
    let at = (screen.size(), screen.cursor(), screen.style(), screen.is_alternate(), screen.scrolls_whole());
    format!("{at:?}\n{}", rows.join("\n"))
}

/// Compares each keyframe with the screen that everything before it gives; returns the times at which there are some,
/// and those at which a flood had ended.
fn check(file: &Path) -> (Vec<u64>, Vec<u64>) {
    let mut reader = SegmentReader::open(File::open(file).unwrap()).unwrap();
    let mut decoder = Decoder::new();
    let mut screen = Vt100Screen::new(0, 0, 0);
    let (mut times, mut floods) = (Vec::new(), Vec::new());
    for index in 0..reader.segments() {
        decoder.feed(&reader.text(index).unwrap());
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => screen = blank(header.size, header.term_type.as_deref()),
                Item::Event(event) if event.code == Code::Output => {
                    let text = event.data.decode();
                    screen.feed(text.as_bytes());
                    floods.extend(text.contains("behind it").then_some(event.time.0));
                }
                Item::Event(event) => {
                    if let Some(size) = event.size() {
                        screen.resize(size.cols.try_into().unwrap(), size.rows.try_into().unwrap());
                    }
                }
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
        if let Some(keyframe) = reader.keyframe(index).unwrap() {
            let mut restored = Vt100Screen::new(0, 0, 0);
            restored.restore(&keyframe).unwrap();
            assert_eq!(picture(&restored), picture(&screen), "segment {index} of {}", file.display());
            times.push(reader.head(index).unwrap().unwrap().end.0);
        }
    }
    (times, floods)
}

#[test]
fn of_a_recorded_session_of_one_that_goes_on_and_of_a_conversion() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, file) = (folder.path(), folder.path().join("x.cast.zst"));
    let record = |more: &[&str]| {
        let arguments = ["rec", "-q", "--headless", "x.cast.zst", "-c", SESSION];
        casemate(folder, &[&arguments[..], more].concat());
        check(&file)
    };
    let (times, floods) = record(&["--window-size", "60x12"]);
    assert!(times.iter().any(|&time| time < floods[0]), "none before the flood: {times:?} {floods:?}");
    // On a busy machine a session can be over before its recorder has caught up with the flood.
    let mut has_caught_up = times.iter().any(|&time| time > floods[0]);
    let mut more = times;
    for sessions in 2..6 {
        let (again, floods) = record(&["--append"]);
        assert!(again.starts_with(&more) && floods.len() == sessions, "{more:?} {again:?}");
        more = again;
        has_caught_up |= more.iter().any(|&time| time > floods[sessions - 1]);
        if has_caught_up {
            break;
        }
    }
    assert!(has_caught_up, "none behind a flood: {more:?} {floods:?}");

    casemate(folder, &["convert", "x.cast.zst", "plain.cast"]);
    casemate(folder, &["convert", "plain.cast", "converted.cast.zst"]);
    let (converted, _) = check(&folder.join("converted.cast.zst"));
    assert!(converted.len() > more.len(), "{converted:?}");
}
