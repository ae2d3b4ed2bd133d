//! The index of texts, in SQLite: of few events the texts are in it with them, of many soon afterwards.
//!
//! *Invariant*: whatever is committed is found. The index has a head; rows behind it are looked through one by one by
//! whoever searches, and there are never more of them than that takes a moment for.
//!
//! PostgreSQL keeps such a list itself.

use sea_query::{Expr, Func, Query};

use crate::database::Work;
use crate::error::StoreError;
use crate::names::{Events, IndexedTexts};

/// So few rows are indexed with the transaction that they are in.
const SOON: i64 = 256;

/// So many rows wait at most.
const MOST: i64 = 200_000;

/// So many are indexed at once afterwards. Tests go many steps with few events.
const STEP: i64 = if cfg!(test) { 512 } else { 2048 };

const INDEX: &str = "INSERT INTO events_text (rowid, \"text\") SELECT \"row\", \"text\" FROM events \
    WHERE \"row\" > (SELECT \"row\" FROM indexed_texts) AND \"row\" <= ? AND \"text\" IS NOT NULL";

/// How long those are together.
const BYTES: &str = "SELECT sum(octet_length(\"text\")) FROM events \
    WHERE \"row\" > (SELECT \"row\" FROM indexed_texts) AND \"row\" <= ?";

/// What came of it.
pub(crate) struct Indexed {
    /// Of the texts that are in the index from now on; none where there were none.
    pub(crate) bytes: Option<i64>,
    /// Others wait.
    pub(crate) others: bool,
}

/// Up to which row texts are in the index.
pub(crate) async fn head(work: &mut Work) -> Result<i64, StoreError> {
    let select = Query::select().column(IndexedTexts::Row).from(IndexedTexts::Table).to_owned();
    let rows: Vec<(i64,)> = work.rows(&select).await?;
    Ok(rows.first().map_or(0, |row| row.0))
}

/// Rows were written: indexes those that are to be at once.
pub(crate) async fn follow(work: &mut Work) -> Result<Indexed, StoreError> {
    let wanted = |waiting| match waiting {
        ..=SOON => SOON,
        waiting if waiting > MOST => STEP.max(waiting - MOST),
        _ => 0,
    };
    index(work, wanted).await
}

/// Indexes some of those that wait.
pub(crate) async fn catch_up(work: &mut Work) -> Result<Indexed, StoreError> {
    index(work, |_| STEP).await
}

/// Indexes as many as are wanted of so many that wait.
async fn index(work: &mut Work, wanted: impl FnOnce(i64) -> i64) -> Result<Indexed, StoreError> {
    if matches!(work, Work::Postgres(_)) {
        return Ok(Indexed { bytes: None, others: false });
    }
    let (head, last) = (head(work).await?, last_row(work).await?);
    let until = head.saturating_add(wanted(last - head)).min(last);
    let mut bytes = None;
    if until > head {
        bytes = work.number_of_sqlite(BYTES, &[until]).await?;
        work.run_sqlite(INDEX, until).await?;
        let update = Query::update().table(IndexedTexts::Table).value(IndexedTexts::Row, until).to_owned();
        work.run(&update).await?;
    }
    Ok(Indexed { bytes, others: until < last })
}

/// The last row there is.
pub(crate) async fn last_row(work: &mut Work) -> Result<i64, StoreError> {
    let select = Query::select().expr(Func::max(Expr::col(Events::Row))).from(Events::Table).to_owned();
    let rows: Vec<(Option<i64>,)> = work.rows(&select).await?;
    Ok(rows.first().and_then(|row| row.0).unwrap_or(0))
}
