//! Whether the screens that a recording keeps are those that its output gives: players that jump show them.
//!
//! A seal proves that nobody changed the screen that was kept. It does not prove that the recorder kept the right one.

use std::fs::File;
use std::path::Path;

use casemate_cast_format::segment::SegmentReader;
use casemate_cast_format::{Code, Decoder, Item, Micros};
use casemate_files::open_untouched;
use casemate_terminal::{Backlog, Screen as _, Vt100Screen};

use crate::failure::{About as _, Failure};
use crate::printer::Printer;

/// Wrong ones that are listed.
const LISTED: usize = 50;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Screens {
    /// How many are kept.
    pub(super) kept: u64,
    /// Those that are not what was printed: the segment, and when it ends. The first of them.
    pub(super) wrong: Vec<(usize, Micros)>,
    /// How many these are.
    pub(super) wrong_count: u64,
    /// Those with which nothing could be compared, because something before them cannot be read.
    pub(super) unknown: u64,
}

impl Screens {
    /// Plays a recording in segments from its beginning, and compares.
    pub(super) fn check(path: &Path, printer: &Printer) -> Result<Self, Failure> {
        let about = || format!("cannot read `{}`", path.display());
        let file = open_untouched(path).about(about())?;
        let mut reader = SegmentReader::open(file).about(about())?;
        let mut screens = Self::default();
        let mut replay = Some(Replay::new());
        let mut progress = printer.progress(&path.display().to_string(), Some(reader.segments() as u64));
        for segment in 0..reader.segments() {
            progress.advance(1);
            match (reader.text(segment), &mut replay) {
                (Ok(text), Some(replay)) => replay.feed(&text),
                // What follows is not known any more.
                (Err(_), _) => replay = None,
                (Ok(_), None) => {}
            }
            screens.compare(segment, &mut reader, replay.as_mut());
        }
        Ok(screens)
    }

    fn compare(&mut self, segment: usize, reader: &mut SegmentReader<File>, replay: Option<&mut Replay>) {
        let keyframe = match reader.keyframe(segment) {
            Ok(Some(keyframe)) => Some(keyframe),
            Ok(None) => return,
            Err(_) => None,
        };
        self.kept += 1;
        let Some(replay) = replay else {
            self.unknown += 1;
            return;
        };
        let mut kept = Vt100Screen::new(0, 0, 0);
        let is_right = keyframe.is_some_and(|keyframe| kept.restore(&keyframe).is_ok())
            && kept.size() == replay.screen().size()
            && kept.repaint() == replay.screen().repaint();
        if !is_right {
            let end = reader.head(segment).ok().flatten().map_or(Micros(0), |head| head.end);
            self.wrong_count += 1;
            if self.wrong.len() < LISTED {
                self.wrong.push((segment, end));
            }
        }
    }
}

/// A recording being played.
struct Replay {
    decoder: Decoder,
    screen: Vt100Screen,
    backlog: Backlog,
}

impl Replay {
    fn new() -> Self {
        Self { decoder: Decoder::new(), screen: Vt100Screen::new(0, 0, 0), backlog: Backlog::new(0) }
    }

    fn screen(&mut self) -> &Vt100Screen {
        self.backlog.flush(&mut self.screen);
        &self.screen
    }

    fn feed(&mut self, text: &[u8]) {
        self.decoder.feed(text);
        while let Some(item) = self.decoder.next_item() {
            match item {
                Item::Header(header) => {
                    let (cols, rows) = header.size.cells();
                    self.screen = Vt100Screen::new(cols, rows, 0).for_term(header.terminal());
                }
                Item::Event(event) if event.code == Code::Output => {
                    self.backlog.push(event.data.decode().as_bytes(), &mut self.screen);
                }
                Item::Event(event) => {
                    if let Some(size) = event.size() {
                        self.backlog.flush(&mut self.screen);
                        let (cols, rows) = size.cells();
                        self.screen.resize(cols, rows);
                    }
                }
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use casemate_cast_format::segment::{Packer, PackerConfig};

    use super::*;

    /// A recording of two segments that both keep a screen, the second one of what `shown` prints.
    fn recording(shown: &str) -> Vec<u8> {
        let mut packer = Packer::new(PackerConfig::default()).unwrap();
        packer.write_header(b"{\"version\":2,\"width\":20,\"height\":3}\n").unwrap();
        let mut screen = Vt100Screen::new(20, 3, 0);
        let mut keep = |printed: &str| {
            screen.feed(printed.as_bytes());
            screen.keyframe()
        };
        packer.write_event(b"[1.0, \"o\", \"one\"]\n", Micros(1_000_000)).unwrap();
        packer.seal(Some(&keep("one"))).unwrap();
        packer.write_event(b"[2.0, \"o\", \"two\"]\n", Micros(2_000_000)).unwrap();
        packer.finish(Some(&keep(shown))).unwrap();
        packer.take_output()
    }

    fn check(bytes: &[u8]) -> (u64, Vec<(usize, Micros)>, u64) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.cast.zst");
        std::fs::write(&path, bytes).unwrap();
        let screens = Screens::check(&path, &Printer::new(true)).unwrap();
        assert_eq!(screens.wrong_count, screens.wrong.len() as u64);
        (screens.kept, screens.wrong, screens.unknown)
    }

    #[test]
    fn a_screen_that_was_not_printed_is_found() {
        assert_eq!(check(&recording("two")), (2, Vec::new(), 0));
        let wrong = vec![(1, Micros(2_000_000))];
        for shown in ["tw", "two!", "\x1b[31mtwo", "two\x1b[?1049h", "two\x1b7"] {
            assert_eq!(check(&recording(shown)), (2, wrong.clone(), 0), "{}", shown.escape_debug());
        }
    }

    #[test]
    fn behind_what_cannot_be_read_nothing_is_said() {
        let mut bytes = recording("two");
        bytes[30] ^= 1;
        assert_eq!(check(&bytes), (2, Vec::new(), 2));
    }
}
