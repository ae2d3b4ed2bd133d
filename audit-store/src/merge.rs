//! The parts of SQLite's indexes of texts, merged piece by piece.
//!
//! Each transaction adds a part to the index, and whoever searches looks through all parts; so they are merged, again and again,
//! into fewer and greater ones. SQLite would do that within whichever transaction comes when enough has been written, and that
//! one waited for as long as fifty others. Here it is asked for in small pieces, between transactions.
//!
//! PostgreSQL does so by itself.

use std::mem;

use crate::database::{Database, Work};
use crate::error::StoreError;

/// So many pages are written at once while there is nothing else to do. SQLite stops behind a trigram: one that nearly all have, or
/// of which most was deleted, takes more.
const PIECE: i64 = 16;

/// Of so many pages merging is not put off any longer, and no more are merged at once. While few texts come, they are of fewer
/// transactions than there may be parts of one size before SQLite merges them all.
const DUE: i64 = 64;

/// How often a page is written before it is in the greatest part.
const LEVELS: i64 = 8;

/// So many bytes of texts fill a page of the index, where many come together.
const PAGE: i64 = 4 << 10;

/// How many rows a connection has changed so far, those of which an index consists as well.
const CHANGES: &str = "SELECT total_changes()";

/// An index of texts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Index {
    Events,
    Output,
}

/// How much of an index is to be merged.
#[derive(Debug, Default)]
pub(crate) struct Debt {
    /// For what has come since.
    pages: i64,
    /// Whether there may be anything at all.
    any: bool,
}

impl Debt {
    /// Nobody knows what was left.
    pub(crate) fn unknown() -> Self {
        Self { pages: 0, any: true }
    }

    /// A transaction has put so many bytes of texts into the index.
    pub(crate) fn add(&mut self, bytes: i64) {
        self.add_pages(1 + bytes / PAGE);
    }

    /// A transaction has put so many pages into the index.
    pub(crate) fn add_pages(&mut self, pages: i64) {
        self.any = true;
        self.pages = self.pages.saturating_add(pages.saturating_mul(LEVELS));
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

    /// Merges all that is owed. Where that cannot be, nothing is lost: there are more parts to look through.
    pub(crate) async fn pay_all(mut self, database: &Database, index: Index) {
        while self.is_owed() {
            self.pay(database, index).await.ok();
        }
    }

    /// Merges some. Where that cannot be, nothing is: it is tried again with what comes next.
    pub(crate) async fn pay(&mut self, database: &Database, index: Index) -> Result<(), StoreError> {
        let owed = mem::take(self);
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
    let before = work.number_of_sqlite(CHANGES, &[]).await?;
    work.run_sqlite(merge, pages).await?;
    let after = work.number_of_sqlite(CHANGES, &[]).await?;
    // What is asked for counts as one.
    Ok(after.zip(before).is_some_and(|(after, before)| after - before > 1))
}
