//! The latest bytes of recordings, as rows.
//!
//! *Invariant*: the rows of a recording follow each other without a gap, from where its objects end to its size. The size
//! in its row is changed only from what it was expected to be: of two that write at once, one fails.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use sea_query::{Expr, ExprTrait as _, Order, Query};
use uuid::Uuid;

use super::{no_bytes_for, signed};
use crate::append::bytes as blob;
use crate::database::Work;
use crate::error::StoreError;
use crate::journal::Chunk;
use crate::names::{RecordingTail, Recordings};

/// Rows in one statement.
const ROWS: usize = 64;

/// Rows that are read at once, at most.
const READ: u64 = 512;

/// Adds chunks to open recordings.
pub(crate) async fn write(work: &mut Work, chunks: &[&Chunk]) -> Result<(), StoreError> {
    let mut ranges: BTreeMap<Uuid, Range<u64>> = BTreeMap::new();
    let chunks: Vec<&Chunk> = chunks.iter().copied().filter(|chunk| !chunk.bytes.is_empty()).collect();
    for Chunk { recording: id, offset, bytes } in chunks.iter().copied() {
        let range = ranges.entry(*id).or_insert(*offset..*offset);
        if range.end != *offset {
            return Err(StoreError::Offset { id: *id, expected: range.end, offset: *offset });
        }
        range.end += bytes.len() as u64;
    }
    // In the order of their ids: who writes the same in another process waits for us, and we not for them.
    for (id, range) in &ranges {
        let update = Query::update()
            .table(Recordings::Table)
            .value(Recordings::Size, signed(range.end))
            .and_where(Expr::col(Recordings::Id).eq(blob(id.as_bytes())))
            .and_where(Expr::col(Recordings::Size).eq(signed(range.start)))
            .and_where(Expr::col(Recordings::Completed).is_null())
            .and_where(Expr::col(Recordings::Deleted).is_null())
            .to_owned();
        if work.run(&update).await? == 0 {
            return Err(no_bytes_for(work, *id, range.start).await?);
        }
    }
    for rows in chunks.chunks(ROWS) {
        let mut insert = Query::insert();
        insert.into_table(RecordingTail::Table);
        insert.columns([RecordingTail::Recording, RecordingTail::Offset, RecordingTail::Bytes]);
        for chunk in rows {
            insert.values_panic([
                Expr::val(blob(chunk.recording.as_bytes())),
                Expr::val(signed(chunk.offset)),
                Expr::val(blob(&chunk.bytes)),
            ]);
        }
        work.run(&insert).await?;
    }
    Ok(())
}

/// The rows with the bytes of a range: the first begins at it or before.
pub(super) async fn read(
    work: &mut Work,
    id: Uuid,
    at: u64,
    end: u64,
) -> Result<VecDeque<(u64, Bytes)>, StoreError> {
    let of_recording = |columns: &[RecordingTail]| {
        Query::select()
            .columns(columns.iter().copied())
            .from(RecordingTail::Table)
            .and_where(Expr::col(RecordingTail::Recording).eq(blob(id.as_bytes())))
            .to_owned()
    };
    let first = of_recording(&[RecordingTail::Offset])
        .and_where(Expr::col(RecordingTail::Offset).lte(signed(at)))
        .order_by(RecordingTail::Offset, Order::Desc)
        .limit(1)
        .to_owned();
    let Some((first,)) = work.rows::<(i64,)>(&first).await?.into_iter().next() else {
        return Ok(VecDeque::new());
    };
    let select = of_recording(&[RecordingTail::Offset, RecordingTail::Bytes])
        .and_where(Expr::col(RecordingTail::Offset).gte(first))
        .and_where(Expr::col(RecordingTail::Offset).lt(signed(end)))
        .order_by(RecordingTail::Offset, Order::Asc)
        .limit(READ)
        .to_owned();
    let rows = work.rows::<(i64, Vec<u8>)>(&select).await?;
    let rows = rows.into_iter().map(|(offset, bytes)| (offset.unsigned_abs(), Bytes::from(bytes)));
    Ok(rows.filter(|(offset, bytes)| offset + bytes.len() as u64 > at).collect())
}

/// Takes away the rows before an offset.
pub(super) async fn cut(work: &mut Work, id: Uuid, before: u64) -> Result<(), StoreError> {
    let delete = Query::delete()
        .from_table(RecordingTail::Table)
        .and_where(Expr::col(RecordingTail::Recording).eq(blob(id.as_bytes())))
        .and_where(Expr::col(RecordingTail::Offset).lt(signed(before)))
        .to_owned();
    work.run(&delete).await.map(drop)
}
