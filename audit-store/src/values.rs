//! Names that stand in a log, for whoever begins to type one.
//!
//! An index is jumped through from one name to the next: what it costs depends on how many names there are, and not on how
//! many events. So this is there for what has an index alone. Whoever sees only what is his own is offered what stands in his
//! latest events.

use std::collections::BTreeSet;
use std::time::Duration;

use casemate_audit_log::folded;
use casemate_audit_log::model::Log;
use sea_query::{Expr, ExprTrait as _, Iden as _, Order, Query, SelectStatement};

use crate::append::{kept, number};
use crate::database::{Database, Work};
use crate::error::StoreError;
use crate::names::{Events, Terms};
use crate::terms;

/// So many names are looked at.
const NAMES: usize = 20_000;

/// So many events of one subject are.
const LATEST: u64 = 20_000;

/// What has names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Facet {
    /// Who it was.
    SubjectName,
    /// Where it was.
    TargetName,
    /// As which account.
    TargetUser,
    /// From where.
    IpAddress,
    /// Where the target belongs.
    EnvironmentName,
    /// In which space.
    SpaceName,
    /// Of events of connections the type, of calls the service action, of commands the kind.
    Action,
}

/// Which names are asked for.
#[derive(Clone, Debug)]
pub struct Names {
    /// Those in these logs.
    pub logs: Vec<Log>,
    /// Of these.
    pub facet: Facet,
    /// With this in them, whatever its capitals.
    pub part: String,
    /// In events of this subject alone, by its id.
    pub of: Option<String>,
    /// So many.
    pub limit: usize,
    /// How long it may take.
    pub within: Duration,
}

impl Facet {
    fn column(self) -> Events {
        match self {
            Self::SubjectName => Events::SubjectName,
            Self::TargetName => Events::TargetName,
            Self::TargetUser => Events::TargetUser,
            Self::IpAddress => Events::IpAddress,
            Self::EnvironmentName => Events::EnvironmentName,
            Self::SpaceName => Events::SpaceName,
            Self::Action => Events::Action,
        }
    }
}

impl Database {
    /// Names that have a text in them: first those that begin with it, by name.
    ///
    /// # Errors
    /// It takes too long, or the database refuses.
    pub async fn values(&self, names: Names) -> Result<Vec<String>, StoreError> {
        self.reading_within(names.within, move |work| Box::pin(async move { values(work, &names).await }))
            .await
    }
}

async fn values(work: &mut Work, asked: &Names) -> Result<Vec<String>, StoreError> {
    let part = folded(&asked.part);
    let mut found = BTreeSet::new();
    for &log in &asked.logs {
        let select = match &asked.of {
            None => all(log, asked.facet),
            Some(subject) => match own(work, log, asked.facet, subject).await? {
                Some(select) => select,
                None => continue,
            },
        };
        let names: Vec<(String,)> = work.rows(&select).await?;
        found.extend(names.into_iter().filter_map(|(name,)| {
            let lower = folded(&name);
            lower.contains(&part).then(|| (!lower.starts_with(&part), lower, name))
        }));
    }
    Ok(found.into_iter().take(asked.limit).map(|(_, _, name)| name).collect())
}

/// The names in one column of the latest events of somebody; nothing where nobody is called so.
async fn own(
    work: &mut Work,
    log: Log,
    facet: Facet,
    subject: &str,
) -> Result<Option<SelectStatement>, StoreError> {
    let Some((_, subject)) = terms::numbers(work, &[&*kept(subject)]).await?.into_iter().next() else {
        return Ok(None);
    };
    let names = terms::names_of(work, &[subject]).await?;
    // The index of names has them in the order of time.
    let latest = Query::select()
        .expr_as(Expr::col(facet.column()), "id")
        .from(Events::Table)
        .and_where(Expr::col(Events::Log).eq(number(log)))
        .and_where(Expr::col(Events::SubjectName).is_in(names))
        .and_where(Expr::cust("+\"subject_id\"").eq(subject))
        .order_by(Events::Time, Order::Desc)
        .limit(LATEST)
        .to_owned();
    let ids = Query::select().column("id").from_subquery(latest, "latest").to_owned();
    Ok(Some(
        Query::select()
            .column(Terms::Text)
            .from(Terms::Table)
            .and_where(Expr::col("id").in_subquery(ids))
            .to_owned(),
    ))
}

/// All names in one column of one log. Nothing in it comes from outside.
fn all(log: Log, facet: Facet) -> SelectStatement {
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
