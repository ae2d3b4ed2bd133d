//! A recording as others read it: its text, in the version that they ask for, as far as it is there or as it grows.
//!
//! *Invariant*: memory does not grow with the recording.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use casemate_audit_log::Time;
use casemate_audit_store::{Form, StoreError};
use casemate_cast_format::segment::TextReader;
use casemate_cast_format::{Decoder, Encoder, Item, Version};
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use tokio::sync::watch;
use uuid::Uuid;

use crate::app::App;
use crate::who::still::AGAIN;
use crate::who::{Action, Caller};

/// Bytes of a recording that are read at once.
const PIECE: u64 = 256 << 10;

/// Text that is given at once.
const TEXT: usize = 256 << 10;

/// Other servers may take it in, and do not tell us.
const LOOK: Duration = Duration::from_millis(200);

/// A recording while it is given out.
struct Playback {
    app: App,
    id: Uuid,
    at: u64,
    text: Option<TextReader>,
    version: Option<Converter>,
    follows: Option<Follower>,
    is_over: bool,
}

/// Somebody who follows a recording to its end.
struct Follower {
    committed: watch::Receiver<u64>,
    caller: Caller,
    /// When it was asked whether he still may, and whether there may be more.
    looked: Instant,
    /// Its connection had been over for the length of a lease then.
    is_over: bool,
}

/// Makes another version of asciicast of a text.
struct Converter {
    decoder: Decoder,
    encoder: Encoder,
}

/// Why the text of a recording breaks off.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// It cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever follows it may no more.
    #[error("it is not for you any more")]
    NoMore,
    /// What is kept is damaged.
    #[error("what is kept of it is damaged: {0}")]
    Damaged(#[from] std::io::Error),
}

/// The text of a recording: asciicast, in the version that is asked for, or as it was recorded. Who follows gets it to its
/// end, however long that takes.
///
/// # Errors
/// There is no memory for it.
pub fn text(
    app: &App,
    id: Uuid,
    form: Form,
    version: Option<Version>,
    follower: Option<Caller>,
) -> std::io::Result<BoxStream<'static, Result<Bytes, PlaybackError>>> {
    let text = match form {
        Form::Cast => None,
        Form::CastZst => Some(TextReader::new()?),
    };
    let version =
        version.map(|version| Converter { decoder: Decoder::new(), encoder: Encoder::new(version) });
    let follows = follower.map(|caller| Follower {
        committed: app.journal.committed(),
        caller,
        looked: Instant::now(),
        is_over: false,
    });
    let playback = Playback { app: app.clone(), id, at: 0, text, version, follows, is_over: false };
    let next =
        |mut playback: Playback| async move { Ok(playback.next().await?.map(|bytes| (bytes, playback))) };
    Ok(try_unfold(playback, next).boxed())
}

impl Playback {
    async fn next(&mut self) -> Result<Option<Bytes>, PlaybackError> {
        while !self.is_over {
            let mut text = self.decoded()?;
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
            if let Some(follows) = &mut self.follows {
                follows.committed.mark_unchanged();
                if follows.looked.elapsed() > AGAIN {
                    follows.looked = Instant::now();
                    if !self.app.is_still(&follows.caller, Action::WatchRecording).await? {
                        return Err(PlaybackError::NoMore);
                    }
                    let connection = self.app.connections.get(self.id).await?;
                    let patience = 1_000_000 * i64::from(self.app.config.connections.lease);
                    follows.is_over = connection
                        .and_then(|there| there.ended)
                        .is_some_and(|ended| Time::now().0.saturating_sub(ended.0) > patience);
                }
            }
            let recording = self.app.recordings.find(self.id).await?;
            if recording.deleted.is_some() {
                return Err(StoreError::Deleted { id: self.id }.into());
            }
            let end = recording.size.min(self.at + PIECE);
            if self.at == end {
                let goes_on = |follows: &&mut Follower| recording.completed.is_none() && !follows.is_over;
                let Some(follows) = self.follows.as_mut().filter(goes_on) else {
                    self.is_over = true;
                    let rest = self.version.as_mut().map(Converter::finish).unwrap_or_default();
                    return Ok((!rest.is_empty()).then(|| rest.into()));
                };
                // Either way it is looked again.
                tokio::time::timeout(LOOK, follows.committed.changed()).await.ok();
                continue;
            }
            let mut pieces = self.app.recordings.read(self.id, self.at..end).await?;
            let mut bytes = Vec::new();
            while let Some(piece) = pieces.next().await {
                bytes.extend_from_slice(&piece?);
            }
            self.at += bytes.len() as u64;
            match &mut self.text {
                Some(reader) => reader.feed(&bytes),
                None => self.give(&bytes, &mut text),
            }
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
        Ok(None)
    }

    /// The text that there is of what was read already, and no more of it at once than that.
    fn decoded(&mut self) -> std::io::Result<Vec<u8>> {
        let mut out = Vec::new();
        while out.len() < TEXT {
            let Some(reader) = &mut self.text else { break };
            let Some(text) = reader.next_text()? else { break };
            match &mut self.version {
                Some(version) => version.feed(text, &mut out),
                None => out.extend_from_slice(text),
            }
        }
        Ok(out)
    }

    fn give(&mut self, text: &[u8], out: &mut Vec<u8>) {
        match &mut self.version {
            Some(version) => version.feed(text, out),
            None => out.extend_from_slice(text),
        }
    }
}

impl Converter {
    fn feed(&mut self, text: &[u8], out: &mut Vec<u8>) {
        self.decoder.feed(text);
        self.drain(out);
    }

    fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        self.decoder.finish();
        self.drain(&mut out);
        out
    }

    fn drain(&mut self, out: &mut Vec<u8>) {
        while let Some(item) = self.decoder.next_item() {
            match item {
                Item::Header(header) => self.encoder.header(&header, out),
                Item::Event(event) => self.encoder.event(&event, out),
                Item::Comment(comment) => self.encoder.comment(comment, out),
                Item::Defect(_) => {}
            }
        }
    }
}
