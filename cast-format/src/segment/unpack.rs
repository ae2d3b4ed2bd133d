//! The unpacker: the bytes of a recording in any pieces in, its text and all that is wrong with it out.
//!
//! It works on whole things only (a part of a frame, a seal, a seek table), so how the bytes are cut makes
//! no difference to what comes out. Where bytes are not what ought to be there it is *lost*: it then looks
//! for the next seal whose own hash is right, seek table or frame, names what it had to pass over, and goes
//! on from there.
//!
//! Invariants: at most [`SKIPPABLE_LIMIT`] of input is held; time is linear in the input, also for input
//! made to be lost in again and again (see `lost`). Not here: what is wrong with a seal
//! that can be read (`chain`).

mod lost;

use memchr::memchr_iter;
use sha2::{Digest, Sha256};

use super::chain::{Chain, FrameContent, FrameFacts, Sealed};
use super::codec::{Decompressor, WINDOW_LOG_LIMIT};
use super::frame::{FrameWalker, ZSTD_MAGIC};
use super::report::{Defect, DefectKind, OpenFrame, SegmentReport, Span, Unpacked, UnsealedFrame, Verdict};
use super::seal::{SEAL_MAGIC, Seal, SealError};
use super::seek_table::{self, SEEK_TABLE_MAGIC, u32_at};
use super::{Hash, SKIPPABLE_LIMIT};

/// So much of a frame is kept while it is read, to look for a seal in it if its blocks turn out to be
/// damaged: twice what a segment of ours can be.
const HELD: usize = 2 << 20;

/// So much text of an open frame is decompressed twice rather than kept a window for: twice what a segment of ours can be.
const REST_TEXT_LIMIT: u64 = 2 << 20;

/// Input is taken in pieces of this size, whatever size it is given in.
const PIECE: usize = 256 << 10;

/// What is to be expected of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UnpackerConfig {
    /// By whom every seal must be signed.
    pub public_key: Option<[u8; 32]>,
    /// What the first seal must name as the one before it; `None` takes anything.
    pub previous_seal: Option<Hash>,
    /// Frames that need more than two to the power of that, in bytes, to be read are damage: ours need a mebibyte. `None`
    /// is what `zstd -d` takes.
    pub window_log: Option<u32>,
}

/// Reads a recording.
pub struct Unpacker {
    config: UnpackerConfig,
    /// Without one, frames are walked through but not looked into.
    decompressor: Option<Decompressor>,
    buffer: Vec<u8>,
    /// Where in the file the buffer begins.
    buffer_offset: u64,
    /// Everything before this is read.
    at: usize,
    /// Invariant: everything before this will not be read again; `keep <= at`.
    keep: usize,
    state: State,
    /// A complete frame, until it is known whether a seal follows.
    waiting: Option<FrameFacts>,
    /// Where bytes begin that may have been a frame and stand before the next seal.
    behind_damage: Option<u64>,
    /// The last seal was final, and nothing has come since.
    wants_table: bool,
    /// Frames without a seal before the first seal: where and how many bytes.
    unsealed: Option<(u64, u64)>,
    /// Skippable frames of others before the first seal, likewise.
    foreign: Option<(u64, u64)>,
    /// The entries that the next seek table must have; `None` when they are not known any more.
    entries: Option<Sha256>,
    /// Bytes read more than once.
    spent: u64,
    chain: Chain,
    verdict: Verdict,
}

enum State {
    Boundary,
    Frame(Box<OpenState>),
    Lost { from: u64, frames_from: u64 },
}

struct OpenState {
    offset: u64,
    bytes: u64,
    walker: FrameWalker,
    hash: Sha256,
    text_bytes: u64,
    lines: u64,
}

/// Whether there is more to do with the bytes at hand.
#[derive(PartialEq, Eq)]
enum Step {
    Done,
    NeedsMore,
}

type Sink<'s> = dyn FnMut(Unpacked<'_>) + 's;

impl Unpacker {
    /// Begins at the beginning of a file.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub fn new(config: UnpackerConfig) -> std::io::Result<Self> {
        let window_log = config.window_log.unwrap_or(WINDOW_LOG_LIMIT).min(WINDOW_LOG_LIMIT);
        Ok(Self { decompressor: Some(Decompressor::new(window_log)?), ..Self::walking(config) })
    }

    /// Passes over the frames without looking into them: no text, and no frame's hash is checked.
    pub(super) fn walking(config: UnpackerConfig) -> Self {
        Self {
            config,
            decompressor: None,
            buffer: Vec::new(),
            buffer_offset: 0,
            at: 0,
            keep: 0,
            state: State::Boundary,
            waiting: None,
            behind_damage: None,
            wants_table: false,
            unsealed: None,
            foreign: None,
            entries: Some(Sha256::new()),
            spent: 0,
            chain: Chain::default(),
            verdict: Verdict::default(),
        }
    }

    /// Reads the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl FnMut(Unpacked<'_>)) {
        for piece in bytes.chunks(PIECE) {
            self.buffer.extend_from_slice(piece);
            self.run(false, sink);
        }
    }

    /// Gives back the memory that is only needed while bytes come, which is about all: what zstd held of an open frame is
    /// made anew from the frame's beginning when it goes on. For whoever has many recordings that wait for more; a frame
    /// that is much longer than a segment is left as it is.
    pub fn rest(&mut self) {
        let Some(decompressor) = &mut self.decompressor else { return };
        if let State::Frame(open) = &self.state
            && (open.offset != self.buffer_offset + self.keep as u64 || open.text_bytes > REST_TEXT_LIMIT)
        {
            return;
        }
        decompressor.rest();
        self.drop_read();
        self.buffer.shrink_to_fit();
    }

    /// Where bytes begin that are not what ought to be there, as long as nothing was found behind them to go on from: a
    /// defect that is only named once that, or the end, is there.
    pub fn lost_at(&self) -> Option<u64> {
        if let State::Lost { from, .. } = self.state { Some(from) } else { None }
    }

    /// Says that the file ends here, and what is to be said of it as a whole.
    pub fn finish(mut self, sink: &mut impl FnMut(Unpacked<'_>)) -> Verdict {
        self.end(sink);
        let chain = &self.chain;
        let finished = chain.last_is_final;
        Verdict {
            finished,
            intact: finished && self.verdict.defects.is_empty(),
            segments: chain.count,
            signed_by: chain.signed_by(),
            continues: chain.continues,
            last_seal: chain.newest_hash(),
            ..self.verdict
        }
    }

    fn run(&mut self, ending: bool, sink: &mut Sink<'_>) {
        loop {
            let step = match self.state {
                State::Boundary => self.boundary(ending, sink),
                State::Frame(_) => self.frame_part(sink),
                State::Lost { .. } => self.search(ending, sink),
            };
            if step == Step::NeedsMore {
                break;
            }
        }
        if self.keep == self.buffer.len() || self.keep >= PIECE {
            self.drop_read();
        }
    }

    /// Forgets what will not be read again.
    fn drop_read(&mut self) {
        self.buffer.drain(..self.keep);
        self.buffer_offset += self.keep as u64;
        self.at -= self.keep;
        self.keep = 0;
    }

    /// Where in the file we are.
    fn position(&self) -> u64 {
        self.buffer_offset + self.at as u64
    }

    fn boundary(&mut self, ending: bool, sink: &mut Sink<'_>) -> Step {
        // A complete frame is held until it is known that something right follows it.
        if self.waiting.is_none() {
            self.keep = self.at;
        }
        let rest = &self.buffer[self.at..];
        if rest.len() < 4 {
            return Step::NeedsMore;
        }
        let magic = u32_at(rest, 0);
        if magic == ZSTD_MAGIC {
            self.begin_frame(sink);
            return Step::Done;
        }
        if !is_skippable(magic) {
            self.lose(self.position());
            return Step::Done;
        }
        if rest.len() < 8 {
            return Step::NeedsMore;
        }
        let length = u64::from(u32_at(rest, 4));
        if length > SKIPPABLE_LIMIT {
            // A length that no seal or table can have is a damaged one, and a frame of others that we cannot
            // hold would hide what follows it if its length were wrong.
            self.lose(self.position());
            return Step::Done;
        }
        let whole = 8 + usize::try_from(length).expect("at most SKIPPABLE_LIMIT");
        let Some(payload) = rest.get(8..whole) else { return Step::NeedsMore };
        let error = match magic {
            SEAL_MAGIC => match Seal::parse(payload) {
                Ok(seal) => {
                    self.seal(seal, whole, sink);
                    return Step::Done;
                }
                Err(error) => error,
            },
            SEEK_TABLE_MAGIC if seek_table::parse(payload).is_ok() => {
                self.table(true, whole, sink);
                return Step::Done;
            }
            _ => SealError::NotASeal,
        };
        let after = &rest[whole..];
        if after.len() < 4 && !ending {
            return Step::NeedsMore;
        }
        // The damage may be in the length itself: it is believed if it leads to something known.
        if after.len() >= 4 && !is_skippable(u32_at(after, 0)) && u32_at(after, 0) != ZSTD_MAGIC {
            self.lose(self.position());
        } else if magic == SEEK_TABLE_MAGIC && self.wants_table {
            self.table(false, whole, sink);
        } else if error == SealError::NotASeal {
            self.foreign(whole, sink);
        } else {
            self.damaged_seal(error, whole, sink);
        }
        Step::Done
    }

    fn begin_frame(&mut self, sink: &mut Sink<'_>) {
        self.no_seal(true, sink);
        self.no_table(sink);
        self.behind_damage = None;
        self.chain.last_is_final = false;
        if let Some(decompressor) = &mut self.decompressor {
            decompressor.begin().expect("zstd has memory");
        }
        self.state = State::Frame(Box::new(OpenState {
            offset: self.position(),
            bytes: 0,
            walker: FrameWalker::default(),
            hash: Sha256::new(),
            text_bytes: 0,
            lines: 0,
        }));
    }

    fn frame_part(&mut self, sink: &mut Sink<'_>) -> Step {
        let State::Frame(open) = &mut self.state else { return Step::NeedsMore };
        let offset = open.offset;
        let part = match open.walker.step(&self.buffer[self.at..]) {
            Ok(Some(part)) => &self.buffer[self.at..self.at + part.bytes()],
            Ok(None) => return Step::NeedsMore,
            Err(_) => {
                self.lose(offset);
                return Step::Done;
            }
        };
        if let Some(decompressor) = &mut self.decompressor {
            if decompressor.is_resting() {
                // The frame is held from its beginning on.
                wake(decompressor, &self.buffer[self.keep..self.at]);
            }
            let Ok(text) = decompressor.part(part) else {
                self.lose(offset);
                return Step::Done;
            };
            open.hash.update(part);
            open.text_bytes += text.len() as u64;
            open.lines += memchr_iter(b'\n', text).count() as u64;
            self.verdict.text_bytes += text.len() as u64;
            if !text.is_empty() {
                sink(Unpacked::Text(text));
            }
        }
        self.at += part.len();
        open.bytes += part.len() as u64;
        if self.at - self.keep > HELD {
            self.keep = self.at;
        }
        if open.walker.is_complete() {
            let content = self.decompressor.is_some().then(|| FrameContent {
                hash: open.hash.clone().finalize().into(),
                text_bytes: open.text_bytes,
                lines: open.lines,
            });
            let facts = FrameFacts { offset, bytes: open.bytes, content };
            self.entry(facts.bytes, facts.text_bytes());
            self.waiting = Some(facts);
            self.state = State::Boundary;
        }
        Step::Done
    }

    fn seal(&mut self, seal: Seal, whole: usize, sink: &mut Sink<'_>) {
        let seal_offset = self.position();
        self.no_table(sink);
        if let Some((offset, bytes)) = self.unsealed.take() {
            self.defect(DefectKind::Unsealed { offset, bytes }, sink);
        }
        if let Some((offset, bytes)) = self.foreign.take() {
            self.defect(DefectKind::Foreign { offset, bytes }, sink);
        }
        let waiting = self.waiting.take();
        let sealed = match &waiting {
            Some(facts) => Sealed::Frame(facts),
            None if self.behind_damage.is_some() => Sealed::Damage,
            None => Sealed::Nothing,
        };
        let (start, end) = (seal.head.start, seal.head.end);
        self.verdict.close_spans(if matches!(sealed, Sealed::Damage) { end } else { start });
        let kinds = self.chain.add(&seal, &sealed, &self.config);
        let mut defects = Vec::new();
        for kind in kinds {
            let is_hole = matches!(kind, DefectKind::Missing { .. });
            let (from, to) = if is_hole { (self.verdict.sealed_until, start) } else { (start, end) };
            let span = Span { from, to: Some(to) };
            let defect = Defect { offset: seal_offset, span: Some(span), kind };
            sink(Unpacked::Defect(&defect));
            self.verdict.add(defect.clone());
            defects.push(defect);
        }
        self.verdict.sealed_until = self.verdict.sealed_until.max(end);
        self.verdict.keyframes += u64::from(seal.keyframe.is_some());
        // Behind damage the frame is where the seal says, if it can be.
        let damaged = self
            .behind_damage
            .take()
            .and_then(|from| seal_offset.checked_sub(seal.head.frame_bytes).filter(|offset| *offset >= from));
        let frame_offset = waiting.as_ref().map(|facts| facts.offset).or(damaged).unwrap_or(seal_offset);
        self.wants_table = seal.head.is_final;
        self.verdict.sealed_text_bytes =
            self.verdict.sealed_text_bytes.saturating_add(match (&waiting, &self.decompressor) {
                (Some(facts), Some(_)) => facts.text_bytes(),
                (_, None) => seal.head.text_bytes,
                (None, Some(_)) => 0,
            });
        sink(Unpacked::Segment(&SegmentReport {
            frame_offset,
            seal_offset,
            seal_bytes: whole as u64,
            seal,
            defects,
        }));
        self.entry(whole as u64, 0);
        self.at += whole;
    }

    fn damaged_seal(&mut self, error: SealError, whole: usize, sink: &mut Sink<'_>) {
        self.no_table(sink);
        self.defect(DefectKind::SealDamaged { sequence: self.chain.expected(), error }, sink);
        self.no_seal(false, sink);
        self.chain.excuse_one();
        self.behind_damage = None;
        self.entry(whole as u64, 0);
        self.at += whole;
    }

    fn table(&mut self, is_readable: bool, whole: usize, sink: &mut Sink<'_>) {
        self.no_seal(true, sink);
        let table = &self.buffer[self.at..self.at + whole];
        let ours = self.chain.count > 0 && self.decompressor.is_some();
        let matches = self.entries.as_ref().filter(|_| ours).map(|entries| {
            // Only a table without checksums, like ours, can have the bytes of our entries.
            let listed = table.len().checked_sub(8 + seek_table::FOOTER_BYTES);
            listed.is_some_and(|listed| {
                table[8 + listed + 4] == 0
                    && Sha256::digest(&table[8..8 + listed]) == entries.clone().finalize()
            })
        });
        let matches = if is_readable { matches } else { Some(false) };
        // One that does not follow a final seal was put there, be it right or not.
        let matches = matches.map(|matches| matches && self.wants_table);
        if matches == Some(false) {
            self.defect(DefectKind::SeekTableWrong, sink);
        }
        self.wants_table = false;
        sink(Unpacked::SeekTable { offset: self.position(), matches });
        self.entry(whole as u64, 0);
        self.at += whole;
    }

    fn foreign(&mut self, whole: usize, sink: &mut Sink<'_>) {
        self.no_seal(true, sink);
        self.no_table(sink);
        let (offset, bytes) = (self.position(), whole as u64);
        sink(Unpacked::Foreign { offset, bytes });
        if self.chain.count > 0 {
            self.defect(DefectKind::Foreign { offset, bytes }, sink);
        } else {
            self.foreign.get_or_insert((offset, 0)).1 += bytes;
        }
        self.entry(bytes, 0);
        self.at += whole;
    }

    /// A complete frame has no seal behind it.
    fn no_seal(&mut self, is_defect: bool, sink: &mut Sink<'_>) {
        let Some(facts) = self.waiting.take() else { return };
        let (offset, bytes) = (facts.offset, facts.bytes);
        sink(Unpacked::Unsealed(UnsealedFrame { offset, bytes, text_bytes: facts.text_bytes() }));
        if is_defect && self.chain.count > 0 {
            self.defect(DefectKind::Unsealed { offset, bytes }, sink);
        } else if is_defect {
            self.unsealed.get_or_insert((offset, 0)).1 += bytes;
        }
    }

    /// Something else than a seek table comes.
    fn no_table(&mut self, sink: &mut Sink<'_>) {
        if std::mem::take(&mut self.wants_table) {
            self.defect(DefectKind::SeekTableMissing, sink);
        }
    }

    fn end(&mut self, sink: &mut Sink<'_>) {
        loop {
            self.run(true, sink);
            let end = self.buffer_offset + self.buffer.len() as u64;
            let here = self.position();
            let mut open = None;
            let (from, cut) = match &self.state {
                State::Boundary => (here, here),
                State::Frame(frame) => {
                    open = Some(OpenFrame {
                        offset: frame.offset,
                        bytes: frame.bytes,
                        text_bytes: frame.text_bytes,
                        complete: false,
                    });
                    (frame.offset, here)
                }
                State::Lost { from, .. } => {
                    let (sequence, offset, bytes) = (self.chain.expected(), *from, end - *from);
                    self.defect(DefectKind::Damaged { sequence, offset, bytes }, sink);
                    return self.end_frame(None, sink);
                }
            };
            if cut == end {
                return self.end_frame(open, sink);
            }
            // What looks cut at the end may be a damaged length, with something to be found behind it.
            self.lose(from);
            if self.search(true, sink) == Step::NeedsMore {
                self.wants_table = false;
                self.end_frame(open, sink);
                let sequence = self.chain.expected();
                return self.defect(DefectKind::Torn { sequence, offset: cut, bytes: end - cut }, sink);
            }
        }
    }

    fn end_frame(&mut self, open: Option<OpenFrame>, sink: &mut Sink<'_>) {
        let complete = self.waiting.take().map(|facts| OpenFrame {
            offset: facts.offset,
            bytes: facts.bytes,
            text_bytes: facts.text_bytes(),
            complete: true,
        });
        self.verdict.open = open.or(complete);
        if let Some(open) = self.verdict.open {
            sink(Unpacked::Open(open));
        }
        self.no_table(sink);
    }

    fn defect(&mut self, kind: DefectKind, sink: &mut Sink<'_>) {
        let is_of_text = !matches!(kind, DefectKind::SeekTableMissing | DefectKind::SeekTableWrong);
        let span = is_of_text.then_some(Span { from: self.verdict.sealed_until, to: None });
        let defect = Defect { offset: self.position(), span, kind };
        sink(Unpacked::Defect(&defect));
        self.verdict.add(defect);
    }

    /// Notes a frame for the seek table.
    fn entry(&mut self, compressed: u64, decompressed: u64) {
        if let Some(entries) = &mut self.entries {
            for size in [compressed, decompressed] {
                entries.update(u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
            }
        }
    }
}

/// Brings zstd to where it was in a frame of which this was read.
fn wake(decompressor: &mut Decompressor, frame: &[u8]) {
    decompressor.begin().expect("zstd has memory");
    let (mut walker, mut rest) = (FrameWalker::default(), frame);
    while let Ok(Some(part)) = walker.step(rest) {
        let (part, behind) = rest.split_at(part.bytes());
        // It could be read before.
        decompressor.part(part).ok();
        rest = behind;
    }
}

fn is_skippable(magic: u32) -> bool {
    magic & 0xFFFF_FFF0 == 0x184D_2A50
}
