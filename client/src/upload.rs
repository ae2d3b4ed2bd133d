//! The upload of one file, from wherever the server has got to. The file may grow meanwhile.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use uuid::Uuid;

use crate::error::ClientError;
use crate::http::Client;
use crate::ingest::{Acknowledged, NewConnection};

/// No more is sent at once.
pub const PIECE: usize = 1 << 20;

/// On the slowest line no less, if there is so much.
const LEAST: usize = 16 << 10;

/// A piece that takes less time may be larger: servers and what stands before them wait for one or two minutes, and no line is
/// always the same.
const QUICK: Duration = Duration::from_secs(5);

/// Room for what is recorded while somebody types.
const KEPT: usize = 16 << 10;

/// So much of what is there already is sent again.
const OVERLAP: u64 = 64 << 10;

/// A session in which nothing happens says so often that it is there, and hears whether it is to end, while nobody else says it.
const HEARTBEAT: Duration = Duration::from_secs(3);

/// That a file does not grow is told after so long: so the server need not wait whether more is under way before it takes what
/// stands there for a prompt. After the first time most prompts are known, after the second all.
const SILENCES: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(550)];

/// What happened so long ago is in the file: recorders write within 100 ms.
const UNWRITTEN: Duration = Duration::from_millis(100);

/// A file on its way.
#[derive(Debug)]
pub struct Upload {
    client: Client,
    id: Uuid,
    path: PathBuf,
    file: File,
    /// What the server has, as far as is known.
    offset: u64,
    is_complete: bool,
    buffer: Vec<u8>,
    /// So much is sent at once, as far as is known of the line.
    piece: usize,
    /// How long the file was when it was looked at, and since when it has been so.
    seen: (u64, Instant),
    /// How often it was told that it does not grow.
    silences: usize,
    /// When the server last heard of it.
    spoken: Instant,
}

/// What came of sending a piece.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// How many bytes of the file are new on the server.
    pub bytes: u64,
    /// All of the file is there, and the server knows that it is all.
    pub is_complete: bool,
    /// Why the session is to end, if somebody closed it.
    pub close: Option<String>,
}

impl Upload {
    /// Of this file, as the recording with this id; nothing is sent yet.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn open(client: &Client, id: Uuid, path: &Path) -> Result<Self, ClientError> {
        let file = File::open(path).map_err(|source| cannot(path, source))?;
        Ok(Self::of(client, id, file, path))
    }

    /// Of a file that is open; the path is only what it is called.
    #[must_use]
    pub fn of(client: &Client, id: Uuid, file: File, path: &Path) -> Self {
        let (client, path) = (client.clone(), path.to_owned());
        let now = Instant::now();
        let (offset, is_complete, buffer, silences) = (0, false, Vec::new(), 0);
        let (piece, seen) = (PIECE, (0, now));
        Self { client, id, path, file, offset, is_complete, buffer, piece, seen, silences, spoken: now }
    }

    /// Makes the connection known, if it is not, and takes the upload up where it broke off. Gives what was there already. Of that the last
    /// is sent again, also where it is all: so another file with the same id does not go unseen.
    ///
    /// # Errors
    /// The server does not take it, or has another recording with this id.
    pub fn begin(&mut self, connection: &NewConnection) -> Result<Acknowledged, ClientError> {
        // What was told of it when it was recorded is more than what a file says.
        let there = match self.client.offset(self.id) {
            // Of what is refused this answer, which has no body, does not say why; the next one does.
            Err(ClientError::Refused { status: 403 | 404, .. }) => {
                let connected = self.client.connect(self.id, connection)?;
                Acknowledged { offset: connected.upload_offset, ..Acknowledged::default() }
            }
            there => there?,
        };
        let length = self.length()?;
        if there.offset > length || there.is_complete && there.offset != length {
            let reason =
                format!("it has {} bytes of it, and `{}` has {length}", there.offset, self.path.display());
            return Err(self.differs(reason));
        }
        self.offset = there.offset.saturating_sub(OVERLAP);
        Ok(there)
    }

    /// Sends the next piece of what is in the file; nothing, if there is none: then it says that we are still there.
    /// `is_all`: nothing more will come.
    ///
    /// # Errors
    /// The server does not take it. Where that is temporary, the same can be sent again.
    pub fn send(&mut self, is_all: bool) -> Result<Sent, ClientError> {
        if self.is_complete {
            return Ok(Sent { is_complete: true, ..Sent::default() });
        }
        let length = self.look()?;
        let count = usize::try_from(length.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(self.piece);
        self.buffer.resize(count, 0);
        self.file
            .read_exact_at(&mut self.buffer, self.offset)
            .map_err(|source| cannot(&self.path, source))?;
        let end = self.offset + count as u64;
        let silence = self.seen.1.elapsed();
        let told = silence.checked_sub(UNWRITTEN).filter(|_| count == 0 && !is_all);
        let begun = Instant::now();
        let came = self.client.append(self.id, self.offset, &self.buffer, is_all && end == length, told);
        self.piece = next_piece(self.piece, count, begun.elapsed(), came.as_ref().err());
        // Of many that go on each needs little, but for a moment.
        self.buffer.clear();
        self.buffer.shrink_to(KEPT);
        if came.is_ok() {
            self.spoken = Instant::now();
            self.silences = SILENCES.iter().filter(|at| told.is_some() && **at <= silence).count();
        }
        match came {
            Ok(there) if there.offset <= length => {
                let bytes = there.offset.saturating_sub(self.offset);
                self.offset = there.offset;
                self.is_complete = there.is_complete && self.offset == length;
                Ok(Sent { bytes, is_complete: self.is_complete, close: there.close })
            }
            // It has lost what it had, or somebody else has sent more.
            Err(ClientError::Refused { kind, offset: Some(there), .. })
                if kind == "OffsetMismatch" && there != self.offset && there <= length =>
            {
                self.offset = there;
                Ok(Sent::default())
            }
            Ok(there) => {
                Err(self.differs(format!("it has {} bytes of it, more than there are", there.offset)))
            }
            Err(ClientError::Refused { kind, message, .. }) if kind == "Differs" => {
                Err(self.differs(message))
            }
            Err(error) => Err(error),
        }
    }

    /// Somebody else says that it is there, and hears whether it is to end.
    pub fn spoken_for(&mut self) {
        self.spoken = Instant::now();
    }

    /// How long it has nothing to say, if the file does not grow.
    #[must_use]
    pub fn rest(&self) -> Duration {
        if self.left() > 0 {
            return Duration::ZERO;
        }
        let silence = SILENCES.get(self.silences).map(|silence| self.seen.1 + *silence);
        let heartbeat = self.spoken + HEARTBEAT;
        silence.map_or(heartbeat, |at| at.min(heartbeat)).saturating_duration_since(Instant::now())
    }

    /// How many bytes of the file the server does not have.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.length().map_or(0, |length| length.saturating_sub(self.offset))
    }

    /// Whether the server has all of it, and knows that.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Looks how long the file is.
    fn look(&mut self) -> Result<u64, ClientError> {
        let length = self.length()?;
        if length != self.seen.0 {
            self.seen = (length, Instant::now());
        }
        Ok(length)
    }

    fn length(&self) -> Result<u64, ClientError> {
        Ok(self.file.metadata().map_err(|source| cannot(&self.path, source))?.len())
    }

    fn differs(&self, reason: String) -> ClientError {
        ClientError::Differs { server: self.client.server().to_owned(), id: self.id.to_string(), reason }
    }
}

/// How much is to be sent at once after so much took so long: what did not arrive in time is halved, what was quick doubled.
fn next_piece(piece: usize, sent: usize, took: Duration, error: Option<&ClientError>) -> usize {
    match error {
        // Whether it was too slow, or somebody in between hung up for that, is not always to be seen.
        Some(ClientError::Refused { status: 408, .. } | ClientError::Unreachable { .. }) => {
            if sent > LEAST {
                (sent / 2).max(LEAST)
            } else {
                piece
            }
        }
        None if sent == piece && took < QUICK => (piece * 2).min(PIECE),
        _ => piece,
    }
}

fn cannot(path: &Path, source: io::Error) -> ClientError {
    ClientError::File { path: path.display().to_string(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_slow_line_pieces_become_smaller_until_they_arrive_and_larger_again_when_it_is_quick() {
        let (server, kind, message) = (String::new(), String::new(), String::new());
        let late = ClientError::Refused { server, status: 408, kind, message, offset: None };
        // What such a line takes in the two minutes that a server waits.
        let arrives = |piece| piece <= 40 << 10;
        let (mut piece, mut tries) = (PIECE, 0);
        while !arrives(piece) {
            piece = next_piece(piece, piece, Duration::from_mins(2), Some(&late));
            tries += 1;
        }
        assert_eq!((piece, tries), (32 << 10, 5));
        assert_eq!(next_piece(piece, piece, Duration::from_secs(90), None), piece, "it is not tempted");
        for _ in 0..9 {
            piece = next_piece(piece, piece, Duration::from_mins(2), Some(&late));
        }
        assert_eq!(piece, LEAST);
        assert_eq!(next_piece(piece, 100, Duration::ZERO, None), piece, "little says nothing of the line");
        for _ in 0..9 {
            piece = next_piece(piece, piece, Duration::from_secs(1), None);
        }
        assert_eq!(piece, PIECE);
        assert_eq!(next_piece(PIECE, 0, Duration::ZERO, Some(&late)), PIECE);
        let (server, kind, message) = (String::new(), "Forbidden".to_owned(), String::new());
        let refused = ClientError::Refused { server, status: 403, kind, message, offset: None };
        assert_eq!(next_piece(PIECE, PIECE, Duration::ZERO, Some(&refused)), PIECE);
    }
}
