//! zstd contexts with our parameters, and nothing of what they mean.

use std::io;

use zstd::stream::raw::{CParameter, DParameter, Decoder, Encoder, InBuffer, Operation, OutBuffer};

use zstd::zstd_safe::Strategy;

use super::frame::BLOCK_LIMIT;

/// 1 MiB, the longest text of a segment: a larger window finds nothing more and costs the player memory.
pub(super) const WINDOW_LOG: u32 = 20;

/// Level 3 would look for matches of five bytes and more. Four suit both kinds of recording: an echoed key
/// is a block of its own, in which the times share four bytes, and a flood of numbers, with a window that
/// begins anew each MiB, ends at 0.96 instead of 1.14 times the size of `zstd -3`. Level 5 makes an hour of
/// shell work 8 % larger; level 13 makes it 3 % smaller at a fifth of the speed.
const MIN_MATCH: u32 = 4;

/// What `zstd -dc` accepts without being asked.
pub(super) const WINDOW_LOG_LIMIT: u32 = 27;

/// A compression context that is used for one frame after the other.
pub(super) struct Compressor {
    encoder: Encoder<'static>,
    level: i32,
    /// The encoder is one for [`Effort::Most`], which has other and smaller tables.
    is_patient: bool,
}

/// How hard a frame is worth trying.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Effort {
    /// The level that was asked for.
    #[default]
    Asked,
    /// A flood that hardly shrinks, like a log full of numbers: level 1 makes it 4 % larger than
    /// `zstd -3` and a third faster. A flood that shrinks well would become 17 % larger.
    Least,
    /// A trickle, like an echoed key: each flush is a block of a few bytes, for which the most careful search
    /// costs 30 µs. It makes three minutes of typing 9 % smaller; a flood would be held up at 3 MB/s.
    Most,
}

/// The table of level 1 is 64 KiB, and in a burst nothing that is so large stays in a core's cache. Half
/// of it, and matches from six bytes rather than seven, compress a coloured log a tenth faster and 1 %
/// smaller, source code a fifth faster and 2 % larger; half again would make the code 7 % larger.
const LEAST_HASH_LOG: u32 = 13;

/// See [`LEAST_HASH_LOG`].
const LEAST_MIN_MATCH: u32 = 6;

/// What finds the shortest form of little text: zstd's own level 18, with tables that suit 64 KiB.
const PATIENT: [CParameter; 6] = [
    CParameter::Strategy(Strategy::ZSTD_btultra),
    CParameter::HashLog(14),
    CParameter::ChainLog(15),
    CParameter::SearchLog(6),
    CParameter::MinMatch(3),
    CParameter::TargetLength(256),
];

impl Compressor {
    pub(super) fn new(level: i32) -> io::Result<Self> {
        Ok(Self { encoder: encoder(level)?, level, is_patient: false })
    }

    /// Begins a new frame.
    pub(super) fn begin(&mut self, effort: Effort) -> io::Result<()> {
        let is_patient = effort == Effort::Most;
        if is_patient == self.is_patient {
            self.encoder.reinit()?;
        } else {
            self.encoder = encoder(self.level)?;
            self.is_patient = is_patient;
        }
        // Zero is zstd's own choice for the level.
        let (level, hash_log, min_match) = match effort {
            Effort::Asked => (self.level, 0, MIN_MATCH),
            // Levels below 1 have their own.
            Effort::Least if self.level < 1 => (self.level, 0, 0),
            Effort::Least => (1, LEAST_HASH_LOG, LEAST_MIN_MATCH),
            Effort::Most => return PATIENT.into_iter().try_for_each(|one| self.encoder.set_parameter(one)),
        };
        self.encoder.set_parameter(CParameter::CompressionLevel(level))?;
        self.encoder.set_parameter(CParameter::HashLog(hash_log))?;
        self.encoder.set_parameter(CParameter::MinMatch(min_match))
    }

    pub(super) fn write(&mut self, text: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        let mut input = InBuffer::around(text);
        while input.pos < text.len() {
            output.reserve(chunk(text.len() - input.pos));
            let at = output.len();
            self.encoder.run(&mut input, &mut OutBuffer::around_pos(output, at))?;
        }
        Ok(())
    }

    /// Ends the block, so that everything written so far can be decoded.
    pub(super) fn flush(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        let mut left = 0;
        loop {
            output.reserve(chunk(left));
            let at = output.len();
            left = self.encoder.flush(&mut OutBuffer::around_pos(output, at))?;
            if left == 0 {
                return Ok(());
            }
        }
    }

    /// Ends the frame.
    pub(super) fn end(&mut self, output: &mut Vec<u8>) -> io::Result<()> {
        let mut left = 0;
        loop {
            output.reserve(chunk(left));
            let at = output.len();
            left = self.encoder.finish(&mut OutBuffer::around_pos(output, at), true)?;
            if left == 0 {
                return Ok(());
            }
        }
    }
}

fn encoder(level: i32) -> io::Result<Encoder<'static>> {
    let mut encoder = Encoder::new(level)?;
    encoder.set_parameter(CParameter::WindowLog(WINDOW_LOG))?;
    encoder.set_parameter(CParameter::MinMatch(MIN_MATCH))?;
    encoder.set_parameter(CParameter::ContentSizeFlag(false))?;
    encoder.set_parameter(CParameter::ChecksumFlag(false))?;
    Ok(encoder)
}

/// Room for output: little for a keystroke, that the buffer of an idle recorder stays small.
fn chunk(expected: usize) -> usize {
    expected.clamp(512, BLOCK_LIMIT)
}

/// A decompression context that is fed whole parts of frames.
pub(super) struct Decompressor {
    /// None while it rests.
    decoder: Option<Decoder<'static>>,
    window_log: u32,
    text: Vec<u8>,
}

impl Decompressor {
    /// Frames with larger windows are not read.
    pub(super) fn new(window_log: u32) -> io::Result<Self> {
        let decoder = Some(decoder(window_log)?);
        Ok(Self { decoder, window_log, text: Vec::with_capacity(BLOCK_LIMIT) })
    }

    /// Gives its memory back, of which a window is the most. It then has to begin anew, be it a frame that it was in.
    pub(super) fn rest(&mut self) {
        (self.decoder, self.text) = (None, Vec::new());
    }

    pub(super) fn is_resting(&self) -> bool {
        self.decoder.is_none()
    }

    /// Forgets the frame it was in.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        match &mut self.decoder {
            Some(decoder) => decoder.reinit(),
            None => decoder(self.window_log).map(|decoder| self.decoder = Some(decoder)),
        }
    }

    /// The text of one whole part (see [`super::frame::Part`]): never more than [`BLOCK_LIMIT`].
    pub(super) fn part(&mut self, part: &[u8]) -> io::Result<&[u8]> {
        let Some(decoder) = &mut self.decoder else { return Err(io::Error::other("it rests")) };
        self.text.clear();
        let mut input = InBuffer::around(part);
        loop {
            let (read, written) = (input.pos, self.text.len());
            if written > BLOCK_LIMIT {
                return Err(io::Error::other("block is longer than any may be"));
            }
            self.text.reserve(BLOCK_LIMIT + 1 - written);
            let left = decoder.run(&mut input, &mut OutBuffer::around_pos(&mut self.text, written))?;
            let done = input.pos == part.len();
            // At 0 the frame is over: one more turn would ask for the next one.
            if done && (left == 0 || self.text.len() == written) {
                return Ok(&self.text);
            }
            if input.pos == read && self.text.len() == written {
                return Err(io::Error::other("block without progress"));
            }
        }
    }
}

fn decoder(window_log: u32) -> io::Result<Decoder<'static>> {
    let mut decoder = Decoder::new()?;
    decoder.set_parameter(DParameter::WindowLogMax(window_log))?;
    Ok(decoder)
}
