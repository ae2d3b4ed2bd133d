//! Parts of lists of who and what there is: in the order of names, from behind one of them, those with a text in their names.
//!
//! No list is read as a whole to show a page of it. Where a text is looked for, it is read from one name to the next until the part
//! is full, for no longer than two seconds.

use std::collections::HashMap;

use casemate_audit_log::model::SubjectType;
use sea_query::{Expr, ExprTrait as _, Iden, Order, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

use super::Directory;
use super::keys::{Key, Keys};
use super::places::{Environment, Environments, Space, Spaces};
use super::subjects::{Subject, Subjects};
use super::targets::{Target, Targets};
use crate::append::searched;
use crate::error::StoreError;
use crate::limit::WITHIN;
use crate::record::{Record, name, select, val};

/// So many are read at once.
const AT_ONCE: usize = 1000;

/// A part of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Those with this in their names, whatever its capitals.
    pub text: String,
    /// Those behind this name, and of those that are called so, if that is said, behind this id.
    pub behind: Option<(String, Option<Uuid>)>,
    /// How many at most.
    pub limit: usize,
}

/// What has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Called {
    /// People and programs.
    Subjects,
    /// Targets.
    Targets,
    /// Environments.
    Environments,
}

/// What something is called: its name, its id, and what else the text may stand in.
struct Names<'r> {
    name: &'r str,
    id: Uuid,
    more: Option<&'r str>,
}

impl<'r> Names<'r> {
    fn of(name: &'r str, id: Uuid) -> Self {
        Self { name, id, more: None }
    }

    /// Whether a text, as it is searched, stands in it.
    fn has(&self, text: &str) -> bool {
        searched(self.name).contains(text) || self.more.is_some_and(|more| searched(more).contains(text))
    }
}

/// The first of those behind a place.
fn first(
    mut all: SelectStatement,
    (named, id): (SimpleExpr, SimpleExpr),
    behind: Option<&(String, Option<Uuid>)>,
    limit: usize,
) -> SelectStatement {
    match behind {
        None => {}
        Some((last, None)) => drop(all.and_where(named.clone().gt(name(last)))),
        Some((last, Some(last_id))) => {
            let place = Expr::tuple([named.clone(), id.clone()]);
            all.and_where(place.gt(Expr::tuple([name(last), val(*last_id)])));
        }
    }
    all.order_by_expr(named, Order::Asc).order_by_expr(id, Order::Asc).limit(limit as u64);
    all
}

impl Directory {
    /// Of all that are asked for, the part: read in the order of names until it is full, and looked through here, where a text
    /// costs what it is long, whatever it is.
    async fn some<R: Record + 'static>(
        &self,
        all: SelectStatement,
        (named, id): (R::Column, R::Column),
        part: &Part,
        names: fn(&R) -> Names<'_>,
    ) -> Result<Vec<R>, StoreError> {
        let (part, columns) = (part.clone(), (Expr::col(named), Expr::col(id)));
        let found = self.database.reading_within(WITHIN, move |work| {
            Box::pin(async move {
                let (text, mut behind, mut found) = (searched(&part.text), part.behind, Vec::new());
                // The next ones are twice as many: of what few have, much is to be read.
                let mut page = part.limit;
                while found.len() < part.limit {
                    let select = first(all.clone(), columns.clone(), behind.as_ref(), page);
                    let rows = work.all::<R>(&select).await?;
                    let Some(last) = rows.last().map(names) else { break };
                    behind = Some((last.name.to_owned(), Some(last.id)));
                    let is_last = rows.len() < page;
                    let left = part.limit - found.len();
                    found.extend(rows.into_iter().filter(|row| names(row).has(&text)).take(left));
                    if is_last {
                        break;
                    }
                    page = (page * 2).min(AT_ONCE);
                }
                Ok(found)
            })
        });
        found.await
    }

    /// Some of a kind who are not deleted. The text may stand in what they are called as well.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn some_subjects(&self, kind: SubjectType, part: &Part) -> Result<Vec<Subject>, StoreError> {
        let mut some = select::<Subject>();
        some.and_where(Expr::col(Subjects::Kind).eq(val(kind)));
        some.and_where(Expr::col(Subjects::Deleted).is_null());
        self.some(some, (Subjects::Name, Subjects::Id), part, |one: &Subject| Names {
            name: &one.name,
            id: one.id,
            more: one.full_name.as_deref(),
        })
        .await
    }

    /// Some keys.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn some_keys(&self, part: &Part) -> Result<Vec<Key>, StoreError> {
        let some = select::<Key>();
        self.some(some, (Keys::Name, Keys::Id), part, |one: &Key| Names::of(&one.name, one.id)).await
    }

    /// Some targets; or that one alone.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn some_targets(&self, only: Option<Uuid>, part: &Part) -> Result<Vec<Target>, StoreError> {
        let mut some = select::<Target>();
        some.and_where(Expr::col(Targets::Deleted).is_null());
        if let Some(only) = only {
            some.and_where(Expr::col(Targets::Id).eq(val(only)));
        }
        self.some(some, (Targets::Name, Targets::Id), part, |one: &Target| Names::of(&one.name, one.id)).await
    }

    /// Some environments.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn some_environments(&self, part: &Part) -> Result<Vec<Environment>, StoreError> {
        let mut some = select::<Environment>();
        some.and_where(Expr::col(Environments::Deleted).is_null());
        self.some(some, (Environments::Name, Environments::Id), part, |one: &Environment| {
            Names::of(&one.name, one.id)
        })
        .await
    }

    /// Some spaces, of one owner or of all.
    ///
    /// # Errors
    /// The database refuses, or it takes too long.
    pub async fn some_spaces(&self, owner: Option<Uuid>, part: &Part) -> Result<Vec<Space>, StoreError> {
        let mut some = select::<Space>();
        if let Some(owner) = owner {
            some.and_where(Expr::col(Spaces::Owner).eq(val(owner)));
        }
        self.some(some, (Spaces::Name, Spaces::Id), part, |one: &Space| Names::of(&one.name, one.id)).await
    }

    /// The names of those of some ids that are not deleted.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn names(&self, of: Called, ids: &[Uuid]) -> Result<HashMap<Uuid, String>, StoreError> {
        fn question<C: Iden + Copy + 'static>(table: C, columns: [C; 3], ids: &[Uuid]) -> SelectStatement {
            let [id, named, deleted] = columns;
            let mut names = Query::select();
            names.columns([id, named]).from(table).and_where(Expr::col(deleted).is_null());
            names.and_where(Expr::col(id).is_in(ids.iter().map(|id| val(*id)))).to_owned()
        }
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let question = match of {
            Called::Subjects => {
                question(Subjects::Table, [Subjects::Id, Subjects::Name, Subjects::Deleted], ids)
            }
            Called::Targets => question(Targets::Table, [Targets::Id, Targets::Name, Targets::Deleted], ids),
            Called::Environments => {
                let columns = [Environments::Id, Environments::Name, Environments::Deleted];
                question(Environments::Table, columns, ids)
            }
        };
        let rows = self.database.reading().await?.rows::<(String, String)>(&question).await?;
        Ok(rows.into_iter().filter_map(|(id, name)| Some((id.parse().ok()?, name))).collect())
    }

    /// The environment of that name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn environment_named(&self, named: &str) -> Result<Option<Environment>, StoreError> {
        let mut living = select::<Environment>();
        living.and_where(Expr::col(Environments::Name).eq(name(named)));
        living.and_where(Expr::col(Environments::Deleted).is_null());
        self.database.one(&living).await
    }
}
