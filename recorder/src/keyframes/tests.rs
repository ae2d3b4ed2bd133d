//! Each keyframe is the screen that the recording before it leaves.

use std::io::Cursor;

use casemate_cast_format::segment::{PackerConfig, SegmentReader};
use casemate_cast_format::{Code, Decoder, Event, Header, Item, Micros, Size, Version};
use casemate_terminal::{Screen as _, Vt100Screen};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::form::{Form, Format};
use crate::keyframes::{Flood, OUTPUT_BETWEEN};

/// Everything that can be seen of a screen, also when more is printed.
fn picture(screen: &mut Vt100Screen) -> Vec<String> {
    let mut all = Vec::new();
    for probe in ["", "\x1b[b日\tx\r\n\x1b[?1049l\x1b8y\x1b[?1049hz\n"] {
        screen.feed(probe.as_bytes());
        let casemate_terminal::Size { cols, rows } = screen.size();
        all.push(format!(
            "{cols}x{rows} {:?} {:?} {}",
            screen.cursor(),
            screen.style(),
            screen.is_alternate()
        ));
        let rows = (0..rows).filter_map(|row| screen.shown(row));
        all.extend(rows.map(|row| format!("{:?}", row.cells().collect::<Vec<_>>())));
    }
    all
}

/// Compares every keyframe with the screen that playing from the beginning gives; returns how many there are.
#[track_caller]
pub(crate) fn check(file: &[u8]) -> usize {
    let mut reader = SegmentReader::open(Cursor::new(file)).unwrap();
    let mut decoder = Decoder::new();
    let mut screen = Vt100Screen::new(0, 0, 0);
    let mut count = 0;
    for index in 0..reader.segments() {
        decoder.feed(&reader.text(index).unwrap());
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => {
                    let (cols, rows) = header.size.cells();
                    screen = Vt100Screen::new(cols, rows, 0).for_term(header.terminal());
                }
                Item::Event(event) if event.code == Code::Output => {
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
        let Some(keyframe) = reader.keyframe(index).unwrap() else { continue };
        count += 1;
        let mut restored = Vt100Screen::new(0, 0, 0);
        restored.restore(&keyframe).unwrap();
        let mut played = Vt100Screen::new(0, 0, 0);
        played.restore(&screen.keyframe()).unwrap();
        assert_eq!(picture(&mut restored), picture(&mut played), "segment {index}");
    }
    count
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    Output(Vec<u8>),
    Resize(u32, u32),
    Flush,
    Seal,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let text = |text: String| Step::Output(text.into_bytes());
    prop_oneof![
        4 => ("[a-z日µé \t]{0,50}", 1..900_usize).prop_map(move |(line, count)| text(format!("{line}\r\n").repeat(count))),
        2 => ("[a-z]{0,9}", 0..9_u8, 1..2000_usize)
            .prop_map(move |(word, colour, count)| text(format!("\x1b[3{colour}m{word}\x1b[0m:\x1b[4m x\r\n").repeat(count))),
        2 => ("[a-z]{1,9}", 1..9_u8, 1..3000_usize)
            .prop_map(move |(word, row, count)| text(format!("\x1b[{row};3H{word}\x1b[K\x1b7").repeat(count))),
        2 => "\x1b\\[[1-4];[1-5]r|\x1b\\[[HJKABCD]|\x1b\\[\\?(1049|6|47)[hl]|\x1bk|\n|\r|\x08|\u{85}|\x1b8|\x1b[(]0".prop_map(text),
        1 => vec(any::<u8>(), 0..20).prop_map(Step::Output),
        1 => (1..30_u32, 1..8_u32).prop_map(|(cols, rows)| Step::Resize(cols, rows)),
        2 => Just(Step::Flush),
        2 => Just(Step::Seal),
    ]
}

fn record(version: Version, live: bool, term: Option<&str>, steps: &[Step]) -> Vec<u8> {
    let size = Size { cols: 20, rows: 5 };
    let packing = PackerConfig { live, ..PackerConfig::default() };
    let mut form = Form::new(Format::Cast { version, segments: true }, size, packing).unwrap();
    let mut file = Vec::new();
    let header = Header { term_type: term.map(str::to_owned), ..Header::new(size) };
    form.header(&header, &mut file).unwrap();
    for (number, step) in steps.iter().enumerate() {
        let time = Micros(number as u64 * 10_000);
        match step {
            Step::Output(bytes) => form.output(time, bytes, &mut file).unwrap(),
            Step::Resize(cols, rows) => {
                form.event(&Event::new(time, Code::Resize, &format!("{cols}x{rows}")), &mut file).unwrap();
            }
            Step::Flush => {
                form.flush(&mut file).unwrap();
                form.keyframes().unwrap().settle();
            }
            Step::Seal => form.seal(&mut file).unwrap(),
        }
    }
    form.finish(&mut file).unwrap();
    file
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn a_keyframe_is_what_playing_from_the_beginning_gives(
        v3: bool, live: bool, tmux: bool, steps in vec(step(), 1..30),
    ) {
        let version = if v3 { Version::V3 } else { Version::V2 };
        check(&record(version, live, tmux.then_some("tmux-256color"), &steps));
    }
}

#[test]
fn there_is_one_for_each_64_kib_and_no_more() {
    let lines = || Step::Output(b"some text\r\n".repeat(1000));
    // A tenth of a second between two.
    let pause = || std::iter::repeat_n(Step::Flush, 8);
    let trickle: Vec<Step> = (0..60).flat_map(|_| [lines(), Step::Seal].into_iter().chain(pause())).collect();
    let count = check(&record(Version::V2, true, None, &trickle));
    assert_eq!(count as u64, 60 * 11_000 / OUTPUT_BETWEEN);
}

#[test]
fn a_flood_is_not_looked_at_unless_nobody_waits() {
    let flood: Vec<Step> = (0..100).map(|_| Step::Output(b"some text\r\n".repeat(6000))).collect();
    // The first 64 KiB might have been all there is.
    assert_eq!(check(&record(Version::V2, true, None, &flood)), 1);
    let converted = record(Version::V2, false, None, &flood);
    assert_eq!(check(&converted), SegmentReader::open(Cursor::new(converted)).unwrap().segments());
}

#[test]
fn as_much_in_a_longer_time_is_no_flood() {
    let mut flood = Flood::default();
    assert!(!(0..1000).any(|tenth| flood.rises(Micros(tenth * 100_000), 100_000)));
    assert!((1000..1100).any(|tenth| flood.rises(Micros(tenth * 100_000), 150_000)));
    assert!(flood.rises(Micros(u64::MAX), u64::MAX));
}
