//! What must hold for any output. The fuzz targets and the tests call the same functions.

use std::time::Duration;

use crate::render::{self, Theme};
use crate::{Cell, Color, Piece, Scanner, Screen, Sighting, Sightings, Size, Style, Vt100Screen};

/// Longest input that is cut up and compared; longer ones only waste the fuzzer's time.
const LONGEST: usize = 64 * 1024;

/// Cuts a stream, whole and in pieces: the bytes come out as they went in, the signals stand at the same places.
///
/// # Panics
/// Where that does not hold.
pub fn fuzz_scanner(data: &[u8]) {
    let (seed, bytes) = seed_and_bytes(data);
    let whole = scan([bytes]);
    let given: Vec<u8> = whole.iter().flat_map(|piece| piece.bytes().to_vec()).collect();
    assert_eq!(given, bytes, "the scanner changed the stream");
    assert_eq!(scan(pieces(seed, bytes)), whole, "how the stream is cut matters");
}

/// Feeds a screen, whole and in pieces, with a change of size and a keyframe in the midst, and with rests: the screens are the
/// same, and what cannot be on a screen is not there. The bytes as a keyframe do no harm either.
///
/// # Panics
/// Where that does not hold.
pub fn fuzz_screen(data: &[u8]) {
    let (seed, bytes) = seed_and_bytes(data);
    let (cols, rows) = (u16::from(seed >> 4) + 2, u16::from(seed & 0xf) + 2);
    let (first, second) = bytes.split_at(bytes.len() / 2);

    let mut whole = Vt100Screen::new(cols, rows, 5);
    whole.feed(first);
    whole.resize(rows, cols);
    whole.feed(second);
    check_screen(&whole);
    check_forms(&whole);

    let mut other = Vt100Screen::new(cols, rows, 5);
    pieces(seed, first).for_each(|piece| other.feed(piece));
    let mut restored = Vt100Screen::new(1, 1, 5);
    restored.restore(&other.keyframe()).expect("a keyframe of our own can be restored");
    restored.resize(rows, cols);
    pieces(seed, second).for_each(|piece| restored.feed(piece));
    assert!(whole.keyframe() == restored.keyframe(), "cutting or a keyframe changed the screen");

    let mut resting = Vt100Screen::new(cols, rows, 5);
    for (half, (cols, rows)) in [(first, (rows, cols)), (second, (rows, cols))] {
        for piece in pieces(seed, half) {
            resting.feed(piece);
            resting.rest();
        }
        resting.resize(cols, rows);
        resting.rest();
    }
    assert!(whole.keyframe() == resting.keyframe(), "a rest changed the screen");
    assert!(lines(&whole) == lines(&resting), "a rest changed what scrolled off");

    let before = restored.keyframe();
    if restored.restore(bytes).is_err() {
        assert!(restored.keyframe() == before, "a damaged keyframe changed the screen");
    }
    restored.feed(second);
    check_screen(&restored);
    check_harmless(&restored);
    restored.repaint();
}

/// Looks at output, whole and in pieces, by way of the stream and of the screen alone, with a change of size in the
/// midst: the same is seen.
///
/// # Panics
/// Where that does not hold.
pub fn fuzz_sightings(data: &[u8]) {
    let (seed, bytes) = seed_and_bytes(data);
    let (cols, rows) = (u16::from(seed >> 4) + 2, u16::from(seed & 0xf) + 2);
    let see = |mut sightings: Sightings, is_whole: bool| {
        let mut seen = Vec::new();
        let mut sink = |sighting: Sighting<'_>| seen.push((sighting.time, sighting.text.to_owned()));
        let halves = bytes.split_at(bytes.len() / 2);
        for (time, half) in [(Duration::from_secs(1), halves.0), (Duration::from_secs(2), halves.1)] {
            if is_whole {
                sightings.feed(time, half, &mut sink);
            } else {
                pieces(seed, half).for_each(|piece| sightings.feed(time, piece, &mut sink));
            }
            sightings.resize(time, rows, cols, &mut sink);
        }
        sightings.finish(&mut sink);
        seen
    };
    let whole = see(Sightings::new(cols, rows), true);
    assert!(see(Sightings::new(cols, rows), false) == whole, "how the output is cut matters");
    let mut emulated = Sightings::new(cols, rows);
    emulated.fast = false;
    assert!(see(emulated, true) == whole, "what goes past the emulator is seen otherwise");
}

fn seed_and_bytes(data: &[u8]) -> (u8, &[u8]) {
    let (seed, bytes) = data.split_first().map_or((0, data), |(&seed, bytes)| (seed, bytes));
    (seed, &bytes[..bytes.len().min(LONGEST)])
}

/// Cuts bytes into pieces whose lengths depend on the seed.
fn pieces(seed: u8, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = bytes;
    let mut state = u32::from(seed);
    std::iter::from_fn(move || {
        // A linear congruential generator is random enough to cut.
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let length = usize::try_from(state >> 16 & 7).unwrap_or(0) + 1;
        let (piece, after) = rest.split_at(length.min(rest.len()));
        rest = after;
        (!piece.is_empty()).then_some(piece)
    })
}

/// A piece that owns what it holds, with bytes that follow each other joined.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Owned {
    Bytes(Vec<u8>),
    Signal(crate::Signal),
}

impl Owned {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Signal(_) => &[],
        }
    }
}

/// Returns what a scanner makes of those pieces of a stream.
pub(crate) fn scan<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<Owned> {
    let mut scanner = Scanner::new();
    let mut owned: Vec<Owned> = Vec::new();
    for piece in pieces {
        scanner.scan(piece, &mut |piece| match (piece, owned.last_mut()) {
            (Piece::Bytes(bytes), Some(Owned::Bytes(before))) => before.extend_from_slice(bytes),
            (Piece::Bytes(bytes), _) => owned.push(Owned::Bytes(bytes.to_vec())),
            (Piece::Signal(signal), _) => owned.push(Owned::Signal(signal)),
        });
    }
    owned
}

/// Brings a screen into other forms, and back from those from which there is a way.
fn check_forms(screen: &Vt100Screen) {
    let Size { cols, rows } = screen.size();
    let mut other = Vt100Screen::new(cols, rows, 0);
    other.feed(&screen.repaint());
    assert!(cells(&other) == cells(screen), "painted anew it shows something else");
    assert!(
        other.is_alternate() == screen.is_alternate() && other.style() == screen.style(),
        "modes got lost"
    );
    if !screen.has_cursor_beyond_margins() {
        assert!(other.cursor() == screen.cursor(), "the cursor is not where it was");
    }

    let ansi = render::ansi(screen);
    let mut other = Vt100Screen::new(cols, rows, 0);
    other.feed(ansi.trim_end_matches('\n').replace('\n', "\r\n").as_bytes());
    assert!(cells(&other) == cells(screen), "ANSI shows something else");
    check_harmless(screen);
}

/// What a screen shows, cell by cell. A blank cell is one, whether it was printed or not, and has no attributes but
/// those that are seen.
fn cells(screen: &Vt100Screen) -> Vec<(String, u8, Style)> {
    let Size { cols, rows } = screen.size();
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
    let lines = (0..rows).filter_map(|row| screen.shown(row));
    lines.flat_map(|line| (0..cols).map(move |col| drawn(line.drawn(col)))).collect()
}

/// All lines that are there, above the screen too.
fn lines(screen: &Vt100Screen) -> Vec<(bool, Vec<Cell<'_>>)> {
    let numbers = 0..screen.scrolled() + u64::from(screen.size().rows);
    let lines = numbers.filter_map(|number| screen.line(number));
    lines.map(|line| (line.is_wrapped(), line.cells().collect())).collect()
}

/// Whatever is on a screen, no form has anything in it that a reader would obey.
fn check_harmless(screen: &Vt100Screen) {
    let is_control = |character: char| character.is_control() && character != '\n';
    assert!(!render::txt(screen).contains(is_control), "text has control characters");
    assert!(!render::json(screen).contains(is_control), "JSON has control characters");
    assert!(!render::svg(screen, &Theme::DARK, "").contains(is_control), "SVG has control characters");
    let is_control = |character: char| is_control(character) && character != '\x1b';
    assert!(!render::ansi(screen).contains(is_control), "ANSI has control characters");
}

/// Looks at everything that a screen shows.
fn check_screen(screen: &Vt100Screen) {
    let (size, cursor) = (screen.size(), screen.cursor());
    assert!(cursor.row < size.rows && cursor.col <= size.cols, "the cursor is off the screen");
    let mut text = String::new();
    for row in 0..size.rows {
        let line = screen.shown(row).expect("all rows are there");
        assert!(line.len() <= size.cols, "a row is too long");
        let width: u16 = line.cells().map(|cell| u16::from(cell.width)).sum();
        assert!(width == line.len(), "a wide character lost a half");
        line.text(0, size.cols, &mut text);
    }
    assert!(screen.shown(size.rows).is_none(), "there are too many rows");
    let first = screen.scrolled();
    for number in first.saturating_sub(8)..first {
        if let Some(line) = screen.line(number) {
            line.text(0, u16::MAX, &mut text);
        }
    }
    assert!(screen.line(first + u64::from(size.rows)).is_none(), "there are too many lines");
}
