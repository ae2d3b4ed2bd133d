//! Parts of lists of who and what there is: in the order of names, from behind one of them, those with a text in their names.
//!
//! The text is a pattern of the database: with each letter in either case, whatever its alphabet. So no list is read as a whole to
//! show a page of it.

use std::collections::HashMap;

use casemate_audit_log::model::SubjectType;
use sea_query::{BinOper, Cond, Expr, ExprTrait as _, Iden, Order, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

use super::Directory;
use super::keys::{Key, Keys};
use super::places::{Environment, Environments, Space, Spaces};
use super::subjects::{Subject, Subjects};
use super::targets::{Target, Targets};
use crate::error::StoreError;
use crate::record::{name, select, val};

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

impl Part {
    /// Says it of a question, by the columns of names and ids, and others in which the text is looked for.
    fn of<C: Iden + Copy + 'static>(
        &self,
        select: &mut SelectStatement,
        (named, id): (C, C),
        more: &[C],
        is_sqlite: bool,
    ) {
        if !self.text.is_empty() {
            let has = |column: &C| has(Expr::col(*column), &self.text, is_sqlite);
            let any = more.iter().fold(Cond::any().add(has(&named)), |any, column| any.add(has(column)));
            select.cond_where(any);
        }
        match &self.behind {
            None => {}
            Some((last, None)) => drop(select.and_where(Expr::col(named).gt(name(last)))),
            Some((last, Some(last_id))) => {
                let same = Expr::col(named).eq(name(last)).and(Expr::col(id).lte(val(*last_id)));
                select.and_where(Expr::col(named).gte(name(last))).cond_where(Cond::all().not().add(same));
            }
        }
        select.order_by(named, Order::Asc).order_by(id, Order::Asc).limit(self.limit as u64);
    }
}

/// That a text stands in something, whatever its capitals.
fn has(column: SimpleExpr, text: &str, is_sqlite: bool) -> SimpleExpr {
    let (operator, pattern) = match is_sqlite {
        true => ("GLOB", format!("*{}*", pattern(text, "*?[", |mark| format!("[{mark}]")))),
        false => ("~", pattern(text, r"\.[]{}()*+?^$|", |mark| format!("\\{mark}"))),
    };
    column.binary(BinOper::Custom(operator), name(&pattern))
}

/// A text as a pattern with each letter in either case; what means more there is quoted.
fn pattern(text: &str, marks: &str, quoted: impl Fn(char) -> String) -> String {
    let mut pattern = String::new();
    for letter in text.chars() {
        // One that becomes several is only itself.
        let one = |mut cases: Vec<char>| cases.pop().filter(|_| cases.is_empty()).unwrap_or(letter);
        let (small, large) = (one(letter.to_lowercase().collect()), one(letter.to_uppercase().collect()));
        if small != large {
            pattern.extend(['[', small, large, ']']);
        } else if marks.contains(letter) {
            pattern.push_str(&quoted(letter));
        } else {
            pattern.push(letter);
        }
    }
    pattern
}

impl Directory {
    /// Some of a kind who are not deleted. The text may stand in what they are called as well.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn some_subjects(&self, kind: SubjectType, part: &Part) -> Result<Vec<Subject>, StoreError> {
        let mut some = select::<Subject>();
        some.and_where(Expr::col(Subjects::Kind).eq(val(kind)));
        some.and_where(Expr::col(Subjects::Deleted).is_null());
        let columns = (Subjects::Name, Subjects::Id);
        part.of(&mut some, columns, &[Subjects::FullName], self.database.is_sqlite());
        self.database.all(&some).await
    }

    /// Some keys.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn some_keys(&self, part: &Part) -> Result<Vec<Key>, StoreError> {
        let mut some = select::<Key>();
        part.of(&mut some, (Keys::Name, Keys::Id), &[], self.database.is_sqlite());
        self.database.all(&some).await
    }

    /// Some targets; or that one alone.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn some_targets(&self, only: Option<Uuid>, part: &Part) -> Result<Vec<Target>, StoreError> {
        let mut some = select::<Target>();
        some.and_where(Expr::col(Targets::Deleted).is_null());
        if let Some(only) = only {
            some.and_where(Expr::col(Targets::Id).eq(val(only)));
        }
        part.of(&mut some, (Targets::Name, Targets::Id), &[], self.database.is_sqlite());
        self.database.all(&some).await
    }

    /// Some environments.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn some_environments(&self, part: &Part) -> Result<Vec<Environment>, StoreError> {
        let mut some = select::<Environment>();
        some.and_where(Expr::col(Environments::Deleted).is_null());
        part.of(&mut some, (Environments::Name, Environments::Id), &[], self.database.is_sqlite());
        self.database.all(&some).await
    }

    /// Some spaces, of one owner or of all.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn some_spaces(&self, owner: Option<Uuid>, part: &Part) -> Result<Vec<Space>, StoreError> {
        let mut some = select::<Space>();
        if let Some(owner) = owner {
            some.and_where(Expr::col(Spaces::Owner).eq(val(owner)));
        }
        part.of(&mut some, (Spaces::Name, Spaces::Id), &[], self.database.is_sqlite());
        self.database.all(&some).await
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_of_letters_in_either_case_and_of_nothing_that_means_more() {
        assert_eq!(pattern("a-Z*", "*", |mark| format!("[{mark}]")), "[aA]-[zZ][*]");
        assert_eq!(pattern("ünit 7.", ".", |mark| format!("\\{mark}")), "[üÜ][nN][iI][tT] 7\\.");
        assert_eq!(pattern("ß犬", "", |_| String::new()), "ß犬");
    }
}
