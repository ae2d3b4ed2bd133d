//! Any range of a recording, from wherever its bytes lie.
//!
//! Piece by piece, each looked up when it is its turn. The bytes at an offset never change, so it makes no difference that
//! rows become objects in the meantime, and objects greater ones: who finds an object gone looks again where its bytes are.
//!
//! *Invariants*: the memory is that of one piece, and of one row. An object that is read from its beginning to its end is
//! what it was when it was written, or the stream ends with an error.

use std::collections::VecDeque;
use std::ops::Range;

use bytes::Bytes;
use casemate_audit_log::chain::Hash;
use futures_util::stream::{self, BoxStream, StreamExt as _};
use object_store::ObjectStoreExt as _;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::object::{self, Object};
use super::{Recordings, tail};
use crate::error::StoreError;

struct Reader {
    recordings: Recordings,
    id: Uuid,
    at: u64,
    end: u64,
    source: Source,
    /// An object that was not there: if it is still listed, it is lost.
    gone: Option<String>,
}

enum Source {
    Unknown,
    Object(Object, Option<Sha256>),
    Rows(VecDeque<(u64, Bytes)>),
}

impl Recordings {
    /// The bytes of a recording in a range, as far as they are there.
    ///
    /// # Errors
    /// There is no such recording, it has been deleted, or the database refuses; the same in the stream, and where an object
    /// cannot be read.
    pub async fn read(
        &self,
        id: Uuid,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let size = self.find(id).await?.present()?.size;
        let (at, end) = (range.start, range.end.min(size));
        let (recordings, gone) = (self.clone(), None);
        let reader = Reader { recordings, id, at, end, source: Source::Unknown, gone };
        let next = |mut reader: Reader| async move { Ok(reader.next().await?.map(|bytes| (bytes, reader))) };
        Ok(stream::try_unfold(reader, next).boxed())
    }
}

impl Reader {
    async fn next(&mut self) -> Result<Option<Bytes>, StoreError> {
        while self.at < self.end {
            let piece = match &mut self.source {
                Source::Unknown => {
                    self.source = self.look_up().await?;
                    continue;
                }
                Source::Rows(rows) => rows.pop_front(),
                Source::Object(..) => self.piece().await?,
            };
            // Of a row, what is before the range or behind it.
            let Some((offset, bytes)) = piece else {
                self.source = Source::Unknown;
                continue;
            };
            let len = bytes.len() as u64;
            let (first, last) = (self.at.max(offset), self.end.min(offset + len));
            if first > self.at {
                return Err(self.lost());
            }
            if first < last {
                let within = |at: u64| usize::try_from(at - offset).unwrap_or(usize::MAX).min(bytes.len());
                self.at = last;
                return Ok(Some(bytes.slice(within(first)..within(last))));
            }
        }
        Ok(None)
    }

    /// Where the bytes are.
    async fn look_up(&self) -> Result<Source, StoreError> {
        let mut work = self.recordings.database.reading().await?;
        if let Some(object) = object::at(&mut work, self.id, self.at).await? {
            if self.gone.as_ref() == Some(&object.key) {
                return Err(self.lost());
            }
            let is_whole = object.offset == self.at && object.end() <= self.end;
            return Ok(Source::Object(object, is_whole.then(Sha256::new)));
        }
        let rows =
            tail::read(&mut work, self.id, self.at, self.end.min(self.at + self.recordings.sizes.piece))
                .await?;
        if rows.front().is_some_and(|(offset, _)| *offset <= self.at) {
            return Ok(Source::Rows(rows));
        }
        super::find(&mut work, self.id).await?.present()?;
        Err(self.lost())
    }

    /// The next bytes of the object; nothing where it has ended, or is gone.
    async fn piece(&mut self) -> Result<Option<(u64, Bytes)>, StoreError> {
        let Source::Object(object, hash) = &mut self.source else { return Ok(None) };
        let end = object.end().min(self.end).min(self.at + self.recordings.sizes.piece);
        if self.at >= end {
            return Ok(None);
        }
        let range = self.at - object.offset..end - object.offset;
        let bytes = match self.recordings.store.get_range(&object.key.as_str().into(), range).await {
            Ok(bytes) if bytes.len() as u64 == end - self.at => bytes,
            Ok(_) => return Err(StoreError::Lost { id: self.id, at: self.at }),
            Err(object_store::Error::NotFound { .. }) => {
                self.gone = Some(object.key.clone());
                return Ok(None);
            }
            Err(source) => return Err(StoreError::Object { what: "an object cannot be read", source }),
        };
        if let Some(hash) = hash {
            hash.update(&bytes);
            if end == object.end() && Hash(hash.finalize_reset().into()) != object.sha256 {
                return Err(StoreError::Changed { id: self.id, key: object.key.clone() });
            }
        }
        Ok(Some((self.at, bytes)))
    }

    fn lost(&self) -> StoreError {
        StoreError::Lost { id: self.id, at: self.at }
    }
}
