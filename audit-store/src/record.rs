//! Records: things of which each is one row, field by column, in the same way in both databases.
//!
//! Ids and names of a few values are texts and times are microseconds, so that any client can read them.

use std::fmt;

use casemate_audit_log::Time;
use casemate_audit_log::model::{
    AgentStatus, ConnectionState, ConnectionType, Role, SpaceState, SubjectType, TargetType,
};
use sea_query::{
    DeleteStatement, Expr, Iden, InsertStatement, Query, ReturningClause, SelectStatement, Value,
};
use sea_query::{SimpleExpr, UpdateStatement};
use sqlx::{ColumnIndex, Decode, FromRow, Type};
use uuid::Uuid;

use crate::append::{bytes, kept};
use crate::database::{Database, Work};
use crate::error::StoreError;

/// SHA-256 of a secret that is not kept itself.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// What a row holds.
pub(crate) trait Cells {
    fn text(&self, column: &str) -> sqlx::Result<Option<String>>;
    fn number(&self, column: &str) -> sqlx::Result<Option<i64>>;
    fn bytes(&self, column: &str) -> sqlx::Result<Option<Vec<u8>>>;
}

impl<R: sqlx::Row> Cells for R
where
    for<'r> Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    for<'r> Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    for<'c> &'c str: ColumnIndex<R>,
{
    fn text(&self, column: &str) -> sqlx::Result<Option<String>> {
        self.try_get(column)
    }

    fn number(&self, column: &str) -> sqlx::Result<Option<i64>> {
        self.try_get(column)
    }

    fn bytes(&self, column: &str) -> sqlx::Result<Option<Vec<u8>>> {
        self.try_get(column)
    }
}

/// What stands in one column.
pub(crate) trait Cell: Sized {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Option<Self>>;
    fn value(&self) -> Value;
    /// What stands for nothing.
    fn nothing() -> Value {
        Value::String(None)
    }
}

/// A cell that is always there, or one that may not be.
pub(crate) trait Field: Sized {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Self>;
    fn value(&self) -> Value;
}

impl<T: Cell> Field for T {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Self> {
        T::read(row, column)?.ok_or_else(|| wrong(column, "there is nothing"))
    }

    fn value(&self) -> Value {
        Cell::value(self)
    }
}

impl<T: Cell> Field for Option<T> {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Self> {
        T::read(row, column)
    }

    fn value(&self) -> Value {
        self.as_ref().map_or_else(T::nothing, Cell::value)
    }
}

pub(crate) fn wrong(column: &str, reason: impl fmt::Display) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: column.into(), source: reason.to_string().into() }
}

impl Cell for String {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Option<Self>> {
        row.text(column)
    }

    fn value(&self) -> Value {
        text(self).into()
    }
}

impl Cell for i64 {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Option<Self>> {
        row.number(column)
    }

    fn value(&self) -> Value {
        (*self).into()
    }

    fn nothing() -> Value {
        Value::BigInt(None)
    }
}

impl Cell for bool {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Option<Self>> {
        Ok(row.number(column)?.map(|number| number != 0))
    }

    fn value(&self) -> Value {
        i64::from(*self).into()
    }

    fn nothing() -> Value {
        Value::BigInt(None)
    }
}

impl Cell for Time {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Option<Self>> {
        Ok(row.number(column)?.map(Time))
    }

    fn value(&self) -> Value {
        self.0.into()
    }

    fn nothing() -> Value {
        Value::BigInt(None)
    }
}

impl Cell for Digest {
    fn read(row: &dyn Cells, column: &str) -> sqlx::Result<Option<Self>> {
        let bytes = row.bytes(column)?.map(<[u8; 32]>::try_from).transpose();
        Ok(bytes.map_err(|_| wrong(column, "it is not of 32 bytes"))?.map(Digest))
    }

    fn value(&self) -> Value {
        bytes(&self.0)
    }

    fn nothing() -> Value {
        Value::Bytes(None)
    }
}

/// Cells that are written as a text.
macro_rules! texts {
    ($($type:ty),* $(,)?) => {$(
        impl $crate::record::Cell for $type {
            fn read(row: &dyn $crate::record::Cells, column: &str) -> sqlx::Result<Option<Self>> {
                let text = row.text(column)?.map(|text| text.parse());
                text.transpose().map_err(|error| $crate::record::wrong(column, error))
            }

            fn value(&self) -> sea_query::Value {
                self.to_string().into()
            }
        }
    )*};
}
pub(crate) use texts;

texts! { Uuid, AgentStatus, ConnectionState, ConnectionType, Role, SpaceState, SubjectType, TargetType }

/// What is kept one a row.
pub(crate) trait Record: Send + Sized + Unpin {
    type Column: Iden + Copy + 'static;
    const TABLE: Self::Column;
    const COLUMNS: &'static [Self::Column];

    fn read(row: &dyn Cells) -> sqlx::Result<Self>;

    /// In the order of the columns.
    fn values(&self) -> Vec<Value>;
}

/// A record and its table: `Record of Table { field: Type = Column, … }`.
macro_rules! record {
    ($(#[$meta:meta])* $name:ident of $table:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty = $column:ident),* $(,)?
    }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, sea_query::Iden)]
        pub(crate) enum $table { Table, $($column),* }

        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type),* }

        impl $crate::record::Record for $name {
            type Column = $table;
            const TABLE: $table = $table::Table;
            const COLUMNS: &'static [$table] = &[$($table::$column),*];

            fn read(row: &dyn $crate::record::Cells) -> sqlx::Result<Self> {
                use sea_query::Iden as _;
                Ok(Self { $($field: $crate::record::Field::read(row, $table::$column.unquoted())?),* })
            }

            fn values(&self) -> Vec<sea_query::Value> {
                vec![$($crate::record::Field::value(&self.$field)),*]
            }
        }
    };
}
pub(crate) use record;

/// Makes a record of a row of either database.
struct Read<R>(R);

impl<'r, R: Record, W: sqlx::Row + Cells> FromRow<'r, W> for Read<R> {
    fn from_row(row: &'r W) -> sqlx::Result<Self> {
        R::read(row).map(Self)
    }
}

/// What a field is compared with, or becomes.
pub(crate) fn val(field: impl Field) -> SimpleExpr {
    Expr::val(field.value())
}

/// A name, as it stands in its column.
pub(crate) fn name(text: &str) -> SimpleExpr {
    Expr::val(&*kept(text))
}

/// A text as it comes back from its column.
pub(crate) fn text(text: &str) -> String {
    kept(text).into_owned()
}

pub(crate) fn select<R: Record>() -> SelectStatement {
    let mut select = Query::select();
    for column in R::COLUMNS.iter().copied() {
        // Of what an index says of all its rows SQLite makes a constant, which has no name of its own.
        select.expr_as(Expr::col(column), column);
    }
    select.from(R::TABLE).to_owned()
}

pub(crate) fn insert<R: Record>(record: &R) -> InsertStatement {
    Query::insert()
        .into_table(R::TABLE)
        .columns(R::COLUMNS.iter().copied())
        .values_panic(record.values().into_iter().map(Expr::val))
        .to_owned()
}

pub(crate) fn update<R: Record>() -> UpdateStatement {
    Query::update().table(R::TABLE).to_owned()
}

pub(crate) fn delete<R: Record>() -> DeleteStatement {
    Query::delete().from_table(R::TABLE).to_owned()
}

/// The rows that a statement was about, as they are then.
pub(crate) fn changed<R: Record>() -> ReturningClause {
    Query::returning().columns(R::COLUMNS.iter().copied())
}

impl Work {
    /// The records that are asked for.
    pub(crate) async fn all<R: Record>(&mut self, select: &SelectStatement) -> Result<Vec<R>, StoreError> {
        Ok(self.rows::<Read<R>>(select).await?.into_iter().map(|read| read.0).collect())
    }

    /// The first of them.
    pub(crate) async fn one<R: Record>(&mut self, select: &SelectStatement) -> Result<Option<R>, StoreError> {
        Ok(self.all(select).await?.into_iter().next())
    }

    /// Changes rows by one statement, and gives them as they are then.
    pub(crate) async fn change<R: Record>(
        &mut self,
        statement: &impl sea_query_sqlx::SqlxBinder,
    ) -> Result<Vec<R>, StoreError> {
        let changed = self.rows::<Read<R>>(statement).await.map_err(StoreError::of_writing)?;
        Ok(changed.into_iter().map(|read| read.0).collect())
    }

    /// The same, of a row at most.
    pub(crate) async fn change_one<R: Record>(
        &mut self,
        statement: &impl sea_query_sqlx::SqlxBinder,
    ) -> Result<Option<R>, StoreError> {
        Ok(self.change(statement).await?.into_iter().next())
    }
}

impl Database {
    pub(crate) async fn all<R: Record>(&self, select: &SelectStatement) -> Result<Vec<R>, StoreError> {
        self.reading().await?.all(select).await
    }

    pub(crate) async fn one<R: Record>(&self, select: &SelectStatement) -> Result<Option<R>, StoreError> {
        self.reading().await?.one(select).await
    }

    /// The same, in a transaction of its own.
    pub(crate) async fn change<R: Record>(
        &self,
        statement: &impl sea_query_sqlx::SqlxBinder,
    ) -> Result<Vec<R>, StoreError> {
        let mut work = self.writing().await?;
        let changed = work.change(statement).await?;
        work.commit().await?;
        Ok(changed)
    }

    /// Does one thing; gives how many rows it was about.
    pub(crate) async fn run(&self, statement: &impl sea_query_sqlx::SqlxBinder) -> Result<u64, StoreError> {
        let mut work = self.writing().await?;
        let done = work.run(statement).await?;
        work.commit().await?;
        Ok(done)
    }
}
