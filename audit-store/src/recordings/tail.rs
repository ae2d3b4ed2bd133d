//! The latest bytes of recordings, as rows.
//!
//! *Invariant*: the rows of a recording follow each other without a gap, from where its objects end to its size. The size
//! in its row is changed only from what it was expected to be: of two that write at once, one fails.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use sea_query::{Expr, ExprTrait as _, IntoIden as _, LockType, Order, Query, TableRef, ValueTuple};
use uuid::Uuid;

use super::{no_bytes_for, signed};
use crate::append::bytes as blob;
use crate::database::Work;
use crate::error::StoreError;
use crate::journal::Chunk;
use crate::names::{RecordingTail, Recordings};

/// Rows in one statement.
const ROWS: usize = 64;

/// Recordings in one statement.
const RECORDINGS: usize = 500;

/// Rows that are read at once, at most.
const READ: u64 = 512;

/// Adds chunks to open recordings.
pub(crate) async fn write(work: &mut Work, chunks: &[&Chunk]) -> Result<(), StoreError> {
    let mut ranges: BTreeMap<_, Range<u64>> = BTreeMap::new();
    let chunks: Vec<_> = chunks.iter().copied().filter(|chunk| !chunk.bytes.is_empty()).collect();
    for Chunk { recording: id, offset, bytes } in chunks.iter().copied() {
        let range = ranges.entry(*id).or_insert(*offset..*offset);
        if range.end != *offset {
            return Err(StoreError::Offset { id: *id, expected: range.end, offset: *offset });
        }
        range.end = range.end.saturating_add(bytes.len() as u64);
    }
    let ranges: Vec<_> = ranges.into_iter().collect();
    for ranges in ranges.chunks(RECORDINGS) {
        grow(work, ranges).await?;
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

/// Says of recordings, each once and in the order of their ids, that they end at the ends of the ranges, if it is at their
/// beginnings that they ended.
async fn grow(work: &mut Work, ranges: &[(Uuid, Range<u64>)]) -> Result<(), StoreError> {
    let ids = ranges.iter().map(|(id, _)| blob(id.as_bytes()));
    let select = Query::select()
        .columns([Recordings::Id, Recordings::Size])
        .from(Recordings::Table)
        .and_where(Expr::col(Recordings::Id).is_in(ids))
        .and_where(Expr::col(Recordings::Completed).is_null())
        .and_where(Expr::col(Recordings::Deleted).is_null())
        // Who writes the same in another process waits for us, and, in this order, we not for them.
        .order_by(Recordings::Id, Order::Asc)
        .lock(LockType::Update)
        .to_owned();
    let open: BTreeMap<Vec<u8>, i64> = work.rows(&select).await?.into_iter().collect();
    for (id, range) in ranges {
        if open.get(&id.as_bytes()[..]) != Some(&signed(range.start)) {
            return Err(no_bytes_for(work, *id, range.start).await?);
        }
    }
    const GROWN: &str = "grown";
    let of = |(id, range): &(Uuid, Range<u64>)| {
        ValueTuple::Many(vec![blob(id.as_bytes()), signed(range.end).into()])
    };
    // This is how both databases call the columns of what is only values.
    let [id, size] = ["column1", "column2"].map(|column| Expr::col((GROWN, column)));
    let update = Query::update()
        .table(Recordings::Table)
        .value(Recordings::Size, size)
        .from(TableRef::ValuesList(ranges.iter().map(of).collect(), GROWN.into_iden()))
        .and_where(Expr::col((Recordings::Table, Recordings::Id)).eq(id))
        .to_owned();
    work.run(&update).await.map(drop)
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
