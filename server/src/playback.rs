//! A recording as others read it: its text, in the version that they ask for, as far as it is there or as it grows.
//!
//! *Invariant*: memory does not grow with the recording.

use axum::body::Bytes;
use casemate_audit_store::{Form, StoreError};
use casemate_cast_format::segment::TextReader;
use casemate_cast_format::{Decoder, Encoder, Item, Version};
use futures_util::stream::{BoxStream, StreamExt as _, try_unfold};
use tokio::sync::watch;
use uuid::Uuid;

use crate::app::App;

/// Bytes of a recording that are read at once.
const PIECE: u64 = 256 << 10;

/// Other servers may take it in, and do not tell us.
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// A recording while it is given out.
struct Playback {
    app: App,
    id: Uuid,
    at: u64,
    text: Option<TextReader>,
    version: Option<Converter>,
    follows: Option<watch::Receiver<u64>>,
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
    follows: bool,
) -> std::io::Result<BoxStream<'static, Result<Bytes, PlaybackError>>> {
    let text = match form {
        Form::Cast => None,
        Form::CastZst => Some(TextReader::new()?),
    };
    let version =
        version.map(|version| Converter { decoder: Decoder::new(), encoder: Encoder::new(version) });
    let follows = follows.then(|| app.journal.committed());
    let playback = Playback { app: app.clone(), id, at: 0, text, version, follows, is_over: false };
    let next =
        |mut playback: Playback| async move { Ok(playback.next().await?.map(|bytes| (bytes, playback))) };
    Ok(try_unfold(playback, next).boxed())
}

impl Playback {
    async fn next(&mut self) -> Result<Option<Bytes>, PlaybackError> {
        while !self.is_over {
            if let Some(follows) = &mut self.follows {
                follows.mark_unchanged();
            }
            let recording = self.app.recordings.find(self.id).await?;
            if recording.deleted.is_some() {
                return Err(StoreError::Deleted { id: self.id }.into());
            }
            let end = recording.size.min(self.at + PIECE);
            if self.at == end {
                let Some(follows) = self.follows.as_mut().filter(|_| recording.completed.is_none()) else {
                    self.is_over = true;
                    let rest = self.version.as_mut().map(Converter::finish).unwrap_or_default();
                    return Ok((!rest.is_empty()).then(|| rest.into()));
                };
                // Either way it is looked again.
                tokio::time::timeout(LOOK, follows.changed()).await.ok();
                continue;
            }
            let mut pieces = self.app.recordings.read(self.id, self.at..end).await?;
            let mut text = Vec::new();
            while let Some(piece) = pieces.next().await {
                let piece = piece?;
                self.at += piece.len() as u64;
                self.take(&piece, &mut text)?;
            }
            if !text.is_empty() {
                return Ok(Some(text.into()));
            }
        }
        Ok(None)
    }

    fn take(&mut self, piece: &[u8], out: &mut Vec<u8>) -> std::io::Result<()> {
        let version = &mut self.version;
        let mut give = |text: &[u8]| match version {
            Some(version) => version.feed(text, out),
            None => out.extend_from_slice(text),
        };
        let Some(reader) = &mut self.text else {
            give(piece);
            return Ok(());
        };
        reader.feed(piece);
        while let Some(text) = reader.next_text()? {
            give(text);
        }
        Ok(())
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
