//! The latest bytes of recordings, as rows.
//!
//! *Invariant*: the rows of a recording follow each other without a gap, from where its objects end to its size. The size
//! in its row is changed only from what it was expected to be: of two that write at once, one fails.

use std::collections::BTreeMap;
use std::ops::Range;

use sea_query::{Expr, ExprTrait as _, Query};
use uuid::Uuid;

use super::{no_bytes_for, signed};
use crate::append::bytes;
use crate::database::Work;
use crate::error::StoreError;
use crate::journal::Chunk;
use crate::names::{RecordingTail, Recordings};

/// Rows in one statement.
const ROWS: usize = 64;

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
            .and_where(Expr::col(Recordings::Id).eq(bytes(id.as_bytes())))
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
                Expr::val(bytes(chunk.recording.as_bytes())),
                Expr::val(signed(chunk.offset)),
                Expr::val(bytes(&chunk.bytes)),
            ]);
        }
        work.run(&insert).await?;
    }
    Ok(())
}
