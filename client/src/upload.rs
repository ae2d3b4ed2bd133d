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

/// Sent at once: small enough for a slow line, large enough for a fast one.
pub const PIECE: usize = 1 << 20;

/// Room for what is recorded while somebody types.
const KEPT: usize = 16 << 10;

/// So much of what is there already is sent again.
const OVERLAP: u64 = 64 << 10;

/// A session in which nothing happens says so often that it is there, and hears whether it is to end.
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
        Self { client, id, path, file, offset, is_complete, buffer, seen: (0, now), silences, spoken: now }
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
        let count = usize::try_from(length.saturating_sub(self.offset)).unwrap_or(usize::MAX).min(PIECE);
        self.buffer.resize(count, 0);
        self.file
            .read_exact_at(&mut self.buffer, self.offset)
            .map_err(|source| cannot(&self.path, source))?;
        let end = self.offset + count as u64;
        let silence = self.seen.1.elapsed();
        let told = silence.checked_sub(UNWRITTEN).filter(|_| count == 0 && !is_all);
        let came = self.client.append(self.id, self.offset, &self.buffer, is_all && end == length, told);
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

fn cannot(path: &Path, source: io::Error) -> ClientError {
    ClientError::File { path: path.display().to_string(), source }
}
