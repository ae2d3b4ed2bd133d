//! The parts of SQLite's indexes of texts, merged a few pages at a time.
//!
//! Each transaction adds a part to the index, and whoever searches looks through all parts; so they are merged, again and again,
//! into fewer and greater ones. SQLite would do that within whichever transaction comes when enough has been written, and that
//! one waited for as long as fifty others. Here it is asked for in small pieces, between transactions.
//!
//! PostgreSQL does so by itself.

use std::mem;

use crate::database::{Database, Work};
use crate::error::StoreError;

/// So many pages are merged at once while there is nothing else to do.
const PIECE: i64 = 16;

/// Of so many pages merging is not put off any longer, and no more are merged at once. While few texts come, they are of fewer
/// transactions than there may be parts of one size before SQLite merges them all.
const DUE: i64 = 64;

/// How often a page is written before it is in the greatest part.
const LEVELS: i64 = 8;

/// So many letters of texts fill a page of the index.
const PAGE: i64 = 4 << 10;

/// How many rows a connection has changed so far, those of which an index consists as well.
const CHANGES: &str = "SELECT total_changes() + ?";

/// An index of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Index {
    Events,
    Output,
}

/// How much of an index is to be merged.
#[derive(Debug)]
pub(crate) struct Debt {
    /// For what has come since.
    pages: i64,
    /// Whether there may be anything at all.
    any: bool,
}

impl Default for Debt {
    /// Nobody knows what was left.
    fn default() -> Self {
        Self { pages: 0, any: true }
    }
}

impl Debt {
    /// A transaction has put texts with so many letters into the index.
    pub(crate) fn add(&mut self, letters: i64) {
        self.any = true;
        self.pages = self.pages.saturating_add((1 + letters / PAGE).saturating_mul(LEVELS));
    }

    /// Whether it should be less before more texts come.
    pub(crate) fn is_due(&self) -> bool {
        self.pages >= DUE
    }

    /// Whether something has come since.
    pub(crate) fn is_owed(&self) -> bool {
        self.pages > 0
    }

    /// Whether there may be something to merge.
    pub(crate) fn is_any(&self) -> bool {
        self.any
    }

    /// Merges some. Where that cannot be, nothing is: it is tried again with what comes next.
    pub(crate) async fn pay(&mut self, database: &Database, index: Index) -> Result<(), StoreError> {
        let owed = mem::replace(self, Self { pages: 0, any: false });
        if !database.is_sqlite() {
            return Ok(());
        }
        let pages = owed.pages.clamp(PIECE, DUE);
        let mut work = database.writing().await?;
        let merged = merge(&mut work, index, pages).await?;
        work.commit().await?;
        if merged {
            *self = Self { pages: (owed.pages - pages).max(0), any: true };
        }
        Ok(())
    }
}

/// Merges about so many pages. Says whether there was something to merge.
async fn merge(work: &mut Work, index: Index, pages: i64) -> Result<bool, StoreError> {
    let merge = match index {
        Index::Events => "INSERT INTO events_text (events_text, rank) VALUES ('merge', ?)",
        Index::Output => "INSERT INTO output_text (output_text, rank) VALUES ('merge', ?)",
    };
    let before = work.number_of_sqlite(CHANGES, 0).await?;
    work.run_sqlite(merge, pages).await?;
    let after = work.number_of_sqlite(CHANGES, 0).await?;
    // What is asked for counts as one.
    Ok(after.zip(before).is_some_and(|(after, before)| after - before > 1))
}
