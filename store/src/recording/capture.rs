//! What commands put out, as text: kept while a recording is read, as much as is shown.
//!
//! A command log counts the bytes of a command's output from where its line was committed. Where that is becomes known
//! a little later, so the last of the stream is always kept; of what follows, the beginning of each command's output.
//!
//! *Invariant*: memory is bounded, but for the size of one event, however much is put out and however many commands wait
//! for their end.

use std::collections::VecDeque;

use casemate_cast_format::{Event, Size};
use casemate_command_log::{CommandEvent, Source};
use casemate_terminal::{Piece, Scanner, Transcript};

/// Of each command's output this much is shown.
pub const OUTPUT_LIMIT: usize = 64 << 10;

/// What is kept of the stream before anybody asks for it.
const RECENT: usize = 256 << 10;

/// All that is kept for commands that have not ended.
const KEPT: usize = 16 << 20;

/// A line editor says that a line is committed so many bytes before the line ends, at most.
const LINE_END: usize = 4;

/// Output of a command, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutputText {
    /// As it stood there, line by line.
    pub text: String,
    /// There was more.
    pub is_cut: bool,
}

/// The command that a session is, and the beginning of its output.
struct Whole {
    id: String,
    from: u64,
    output: Vec<u8>,
}

/// Keeps output.
pub(crate) struct Capture {
    scanner: Scanner,
    size: (u16, u16),
    /// How much of the stream there was so far.
    end: u64,
    recent: VecDeque<u8>,
    /// Where the last event begins.
    event_begin: u64,
    /// Pieces of the stream with their places, in order.
    kept: VecDeque<(u64, Vec<u8>)>,
    kept_bytes: usize,
    /// The command that the session is, beside which all others run.
    whole: Option<Whole>,
    /// Commands that run, and where their output begins.
    running: VecDeque<(String, u64)>,
    /// Where the output of the last one to begin begins.
    last: Option<u64>,
}

impl Capture {
    pub(crate) fn new(size: Size) -> Self {
        Self {
            scanner: Scanner::new(),
            size: size.cells(),
            end: 0,
            recent: VecDeque::new(),
            event_begin: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            whole: None,
            running: VecDeque::new(),
            last: None,
        }
    }

    pub(crate) fn resize(&mut self, size: Size) {
        self.size = size.cells();
    }

    /// Takes what was put out.
    pub(crate) fn output(&mut self, event: &Event<'_>) {
        self.event_begin = self.end;
        let mut scanner = std::mem::take(&mut self.scanner);
        scanner.scan(event.data.decode().as_bytes(), &mut |piece| {
            if let Piece::Bytes(bytes) = piece {
                self.take(bytes);
            }
        });
        self.scanner = scanner;
    }

    /// Lets go of what nobody will ask for, once what is known of an event has been taken. The event itself is kept
    /// whole: that a line was committed before it may be said only with the next.
    pub(crate) fn trim(&mut self) {
        let event = usize::try_from(self.end - self.event_begin).unwrap_or(usize::MAX);
        let surplus = self.recent.len().saturating_sub(RECENT.max(event));
        self.recent.drain(..surplus);
    }

    fn take(&mut self, bytes: &[u8]) {
        if let Some(whole) = &mut self.whole {
            let wanted = OUTPUT_LIMIT.saturating_sub(whole.output.len()).min(bytes.len());
            whole.output.extend_from_slice(&bytes[..wanted]);
        }
        if let Some(from) = self.last {
            let wanted = (from + OUTPUT_LIMIT as u64).saturating_sub(self.end);
            let wanted = usize::try_from(wanted).unwrap_or(usize::MAX).min(bytes.len());
            if wanted > 0 && !self.running.is_empty() {
                self.keep(self.end, &bytes[..wanted]);
            }
        }
        self.end += bytes.len() as u64;
        self.recent.extend(bytes);
    }

    fn keep(&mut self, at: u64, bytes: &[u8]) {
        if self.kept_bytes + bytes.len() > KEPT {
            return;
        }
        self.kept_bytes += bytes.len();
        match self.kept.back_mut() {
            Some((begin, piece)) if *begin + piece.len() as u64 == at && piece.len() < OUTPUT_LIMIT => {
                piece.extend_from_slice(bytes);
            }
            _ => self.kept.push_back((at, bytes.to_vec())),
        }
    }

    /// A line was committed; what follows it is output.
    pub(crate) fn started(&mut self, event: &CommandEvent) {
        let oldest = self.end - self.recent.len() as u64;
        let from = event.output_at.unwrap_or(self.end).clamp(oldest, self.end);
        if event.source == Source::Exec {
            let output = self.recent_from(from);
            self.whole = Some(Whole { id: event.id.clone(), from, output });
            return;
        }
        self.running.push_back((event.id.clone(), from));
        self.last = Some(from);

        let kept_until = self.kept.back().map_or(0, |(at, piece)| at + piece.len() as u64);
        let begin = from.max(kept_until);
        let bytes = self.recent_from(begin);
        if !bytes.is_empty() {
            self.keep(begin, &bytes);
        }
    }

    /// The beginning of what was put out from there on.
    fn recent_from(&self, from: u64) -> Vec<u8> {
        let oldest = self.end - self.recent.len() as u64;
        let skipped = usize::try_from(from.saturating_sub(oldest)).unwrap_or(usize::MAX);
        self.recent.iter().skip(skipped).take(OUTPUT_LIMIT).copied().collect()
    }

    /// A command is given: what it put out, if that is known.
    pub(crate) fn finished(&mut self, event: &CommandEvent) -> Option<OutputText> {
        if event.source == Source::Exec {
            if self.whole.is_none() {
                self.started(event);
            }
            let whole = self.whole.take_if(|whole| whole.id == event.id)?;
            let bytes = event.output_bytes?;
            let is_cut = self.is_cut(&whole.output, whole.from, bytes);
            return Some(OutputText { text: self.as_text(&whole.output), is_cut });
        }
        let mut place = self.running.iter().position(|(id, _)| *id == event.id);
        if place.is_none() && event.output_bytes.is_some() {
            // It ended as soon as it began.
            self.started(event);
            place = Some(self.running.len() - 1);
        }
        let place = place?;
        // Those before it were taken back: they are given in their order.
        let (_, from) = self.running.drain(..=place).next_back()?;
        let text = event.output_bytes.map(|bytes| self.text(from, bytes));
        self.forget();
        text
    }

    fn text(&self, from: u64, bytes: u64) -> OutputText {
        let shown = bytes.min(OUTPUT_LIMIT as u64);
        let mut output = Vec::new();
        for (begin, piece) in &self.kept {
            let piece_end = begin + piece.len() as u64;
            let at = from + output.len() as u64;
            if *begin <= at && at < piece_end && at < from + shown {
                let skip = usize::try_from(at - begin).unwrap_or(piece.len());
                let most = usize::try_from(from + shown - at).unwrap_or(piece.len());
                output.extend(piece.iter().skip(skip).take(most));
            }
        }
        let is_cut = self.is_cut(&output, from, bytes);
        // The end of the line itself is none of it, where a line editor says before it that the line is committed.
        let returns = output.iter().take(LINE_END).take_while(|&&byte| byte == b'\r').count();
        if returns > 0 && output.get(returns) == Some(&b'\n') {
            output.drain(..=returns);
        }
        OutputText { text: self.as_text(&output), is_cut }
    }

    /// Whether there was more than this, of so many bytes from there on.
    fn is_cut(&self, output: &[u8], from: u64, bytes: u64) -> bool {
        (output.len() as u64) < bytes.min(self.end - from)
    }

    fn as_text(&self, output: &[u8]) -> String {
        let mut transcript = Transcript::new(self.size.0, self.size.1);
        let mut text = Vec::new();
        transcript.feed(output, &mut text);
        transcript.finish(&mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Lets go of what lies before all that run.
    fn forget(&mut self) {
        let needed = self.running.front().map_or(self.end, |&(_, from)| from);
        while let Some((begin, piece)) = self.kept.front()
            && begin + piece.len() as u64 <= needed
        {
            self.kept_bytes -= piece.len();
            self.kept.pop_front();
        }
    }
}
