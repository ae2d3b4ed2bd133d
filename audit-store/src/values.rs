//! Names that stand in a log, for whoever begins to type one.
//!
//! An index is jumped through from one name to the next: what it costs depends on how many names there are, and not on how
//! many events. So this is there for what has an index alone.

use std::collections::BTreeSet;

use casemate_audit_log::model::Log;
use sea_query::{Expr, Iden as _, Query};

use crate::append::number;
use crate::database::Database;
use crate::error::StoreError;
use crate::names::{Events, Terms};

/// So many names are looked at.
const NAMES: usize = 20_000;

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Facet {
    /// Who it was.
    SubjectName,
    /// Where it was.
    TargetName,
    /// As which account.
    TargetUser,
}

impl Facet {
    fn column(self) -> Events {
        match self {
            Self::SubjectName => Events::SubjectName,
            Self::TargetName => Events::TargetName,
            Self::TargetUser => Events::TargetUser,
        }
    }
}

impl Database {
    /// Names in some logs that have a text in them, whatever its capitals: first those that begin with it, by name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn values(
        &self,
        logs: &[Log],
        facet: Facet,
        part: &str,
        limit: usize,
    ) -> Result<Vec<String>, StoreError> {
        let part = part.to_lowercase();
        let mut work = self.reading().await?;
        let mut found = BTreeSet::new();
        for &log in logs {
            let names: Vec<(String,)> = work.rows(&names(log, facet)).await?;
            found.extend(names.into_iter().filter_map(|(name,)| {
                let lower = name.to_lowercase();
                lower.contains(&part).then(|| (!lower.starts_with(&part), lower, name))
            }));
        }
        Ok(found.into_iter().take(limit).map(|(_, _, name)| name).collect())
    }
}

/// All names in one column of one log. Nothing in it comes from outside.
fn names(log: Log, facet: Facet) -> sea_query::SelectStatement {
    let (column, log) = (facet.column(), number(log));
    let column = column.unquoted();
    let within = format!(
        "\"id\" IN (WITH RECURSIVE seen (id) AS (\
            SELECT min(\"{column}\") FROM events WHERE log = {log} AND \"{column}\" IS NOT NULL \
            UNION ALL \
            SELECT (SELECT min(\"{column}\") FROM events WHERE log = {log} AND \"{column}\" > seen.id) \
            FROM seen WHERE seen.id IS NOT NULL\
        ) SELECT id FROM seen WHERE id IS NOT NULL LIMIT {NAMES})"
    );
    Query::select().column(Terms::Text).from(Terms::Table).and_where(Expr::cust(within)).to_owned()
}
