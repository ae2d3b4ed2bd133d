//! Objects: immutable, named by what is in them and by chance, so that no two who write have the same name.
//!
//! *Invariant*: an object is whole and on the disk before a row lists it, and no row lists it any more before it is removed.
//! So an object that no row lists is nobody's.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use casemate_audit_log::chain::Hash;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use object_store::buffered::BufWriter;
use object_store::path::Path;
use sea_query::{Expr, ExprTrait as _, Order, Query, SimpleExpr};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncWriteExt as _;
use uuid::Uuid;

use super::{Recordings, signed};
use crate::append::{bytes as blob, hash_of};
use crate::database::Work;
use crate::error::StoreError;
use crate::names::RecordingObjects as Column;

/// So much of an object is kept in memory until it is sent, and no more than twice so much at a time.
const BUFFER: usize = 8 << 20;

/// Some bytes of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Object {
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) key: String,
    pub(super) sha256: Hash,
}

impl Object {
    pub(super) fn end(&self) -> u64 {
        self.offset + self.length
    }
}

fn of_recording(id: Uuid) -> SimpleExpr {
    Expr::col(Column::Recording).eq(blob(id.as_bytes()))
}

/// The object with the byte at an offset.
pub(super) async fn at(work: &mut Work, id: Uuid, offset: u64) -> Result<Option<Object>, StoreError> {
    let select = Query::select()
        .columns([Column::Offset, Column::Length, Column::Key, Column::Sha256])
        .from(Column::Table)
        .and_where(of_recording(id))
        .and_where(Expr::col(Column::Offset).lte(signed(offset)))
        .order_by(Column::Offset, Order::Desc)
        .limit(1)
        .to_owned();
    let found = work.rows::<(i64, i64, String, Vec<u8>)>(&select).await?.into_iter().next();
    let Some((begin, length, key, sha256)) = found else { return Ok(None) };
    let (begin, length) = (begin.unsigned_abs(), length.unsigned_abs());
    let object = Object { offset: begin, length, key, sha256: hash_of(signed(begin), &sha256)? };
    Ok(Some(object).filter(|object| offset < object.end()))
}

/// Lists an object.
pub(super) async fn list(work: &mut Work, id: Uuid, object: &Object) -> Result<(), StoreError> {
    let insert = Query::insert()
        .into_table(Column::Table)
        .columns([Column::Recording, Column::Offset, Column::Length, Column::Key, Column::Sha256])
        .values_panic([
            Expr::val(blob(id.as_bytes())),
            Expr::val(signed(object.offset)),
            Expr::val(signed(object.length)),
            Expr::val(object.key.as_str()),
            Expr::val(blob(&object.sha256.0)),
        ])
        .to_owned();
    work.run(&insert).await.map(drop)
}

/// Lists none of a recording any more; gives the names of those that were.
pub(super) async fn unlist(work: &mut Work, id: Uuid) -> Result<Vec<String>, StoreError> {
    let select =
        Query::select().column(Column::Key).from(Column::Table).and_where(of_recording(id)).to_owned();
    let keys = work.rows::<(String,)>(&select).await?;
    let delete = Query::delete().from_table(Column::Table).and_where(of_recording(id)).to_owned();
    work.run(&delete).await?;
    Ok(keys.into_iter().map(|(key,)| key).collect())
}

/// Which of these objects are listed.
pub(super) async fn listed(work: &mut Work, keys: &[String]) -> Result<Vec<String>, StoreError> {
    let select = Query::select()
        .column(Column::Key)
        .from(Column::Table)
        .and_where(Expr::col(Column::Key).is_in(keys.iter().map(String::as_str)))
        .to_owned();
    Ok(work.rows::<(String,)>(&select).await?.into_iter().map(|(key,)| key).collect())
}

/// An object that is being written.
struct Writing {
    writer: BufWriter,
    object: Object,
    longest: u64,
    hash: Sha256,
}

impl Writing {
    fn begin(recordings: &Recordings, id: Uuid, offset: u64) -> Self {
        // Of ids that are made one after the other the last digits differ: so the folders are about equally full.
        let (name, chance) = (id.to_string(), Uuid::new_v4().simple());
        let key = format!("{}/{name}/{offset:020}-{chance}", &name[name.len() - 2..]);
        let store = Arc::clone(&recordings.store);
        let writer =
            BufWriter::with_capacity(store, Path::from(key.as_str()), BUFFER).with_max_concurrency(1);
        Self {
            writer,
            longest: recordings.sizes.longest,
            object: Object { offset, length: 0, key, sha256: Hash::default() },
            hash: Sha256::new(),
        }
    }

    /// How much more may be in it.
    fn room(&self) -> usize {
        usize::try_from(self.longest - self.object.length).unwrap_or(usize::MAX)
    }

    async fn put(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.hash.update(&bytes);
        self.object.length += bytes.len() as u64;
        self.writer.put(bytes).await.map_err(refused)
    }

    async fn finish(mut self) -> Result<Object, StoreError> {
        let unwrap = |error: io::Error| {
            let other =
                |source| object_store::Error::Generic { store: "recordings", source: Box::new(source) };
            error.downcast().unwrap_or_else(other)
        };
        self.writer.shutdown().await.map_err(|error| refused(unwrap(error)))?;
        self.object.sha256 = Hash(self.hash.finalize().into());
        Ok(self.object)
    }
}

fn refused(source: object_store::Error) -> StoreError {
    StoreError::Object { what: "an object cannot be written", source }
}

impl Recordings {
    /// Writes the bytes of a range as objects that are listed nowhere yet, and as few as there may be; gives the hash of all.
    pub(super) async fn put(&self, id: Uuid, range: Range<u64>) -> Result<(Vec<Object>, Hash), StoreError> {
        let mut objects = Vec::new();
        match self.put_all(id, range, &mut objects).await {
            Ok(hash) => Ok((objects, hash)),
            Err(error) => {
                self.remove(objects.iter().map(|object| &*object.key)).await;
                Err(error)
            }
        }
    }

    async fn put_all(
        &self,
        id: Uuid,
        range: Range<u64>,
        objects: &mut Vec<Object>,
    ) -> Result<Hash, StoreError> {
        let mut hash = Sha256::new();
        let mut at = range.start;
        let mut writing: Option<Writing> = None;
        let mut pieces = self.read(id, range.clone()).await?;
        while let Some(mut piece) = pieces.try_next().await? {
            hash.update(&piece);
            while !piece.is_empty() {
                let mut object = writing.take().unwrap_or_else(|| Writing::begin(self, id, at));
                let part = piece.split_to(piece.len().min(object.room()));
                at += part.len() as u64;
                object.put(part).await?;
                if object.room() == 0 {
                    objects.push(object.finish().await?);
                } else {
                    writing = Some(object);
                }
            }
        }
        if let Some(object) = writing {
            objects.push(object.finish().await?);
        }
        if at == range.end { Ok(Hash(hash.finalize().into())) } else { Err(StoreError::Lost { id, at }) }
    }

    /// Removes objects that no row lists. Those that cannot be removed now are swept later.
    pub(super) async fn remove(&self, keys: impl IntoIterator<Item = &str> + Send) {
        let keys: Vec<_> = keys.into_iter().map(|key| Ok(Path::from(key))).collect();
        let mut removed = self.store.delete_stream(stream::iter(keys).boxed());
        while removed.next().await.is_some() {}
    }
}
