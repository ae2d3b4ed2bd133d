//! Connections: who is where, since when, and how it ended.
//!
//! *Invariants*: a connection is opened once and ends once, also where several servers try: each change is one transaction
//! with its condition, and says whether it was made. Who and where are a snapshot. One that lives has a lease; whoever
//! carries it renews that, and hears whether it is to be closed.
//!
//! That one begins or ends is a [`Step`], in one transaction with the events that say so.
//!
//! *Not here*: what these events say.

mod list;
mod recorded;
mod row;

use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::model::{ConnectionState, Event};
use sea_query::{
    BinOper, Cond, Expr, ExprTrait as _, Iden as _, OnConflict, Query, SimpleExpr, UpdateStatement,
};
use uuid::Uuid;

pub(crate) use self::list::asked;
pub use self::list::{Behind, Listed};
pub use self::recorded::{By, Group};
use self::row::ConnectionMarks as Marks;
pub(crate) use self::row::Connections as Columns;
pub use self::row::{CloseRequest, Connection, NewConnection};
use crate::append::searched;
use crate::database::Database;
use crate::error::StoreError;
use crate::journal::{Batch, Journal};
use crate::record::{changed, insert, name, select, update, val};
use crate::step::Step;

/// What became of opening a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is there now.
    New(Connection),
    /// It was there already.
    Same(Connection),
    /// Another one of that id was there already.
    Different(Connection),
}

/// Which connections.
#[derive(Clone, Copy, Debug)]
pub enum Which<'w> {
    /// That one.
    One(Uuid),
    /// All of a subject.
    OfSubject(&'w str),
    /// All to a target.
    ToTarget(&'w str),
}

/// Connections.
#[derive(Clone, Debug)]
pub struct Connections {
    database: Database,
    lease: Duration,
}

impl Connections {
    /// A connection lives for at least so long after it was heard of, unless it is said otherwise.
    pub const LEASE: Duration = Duration::from_secs(60);

    /// Those in a database.
    #[must_use]
    pub fn new(database: &Database) -> Self {
        Self { database: database.clone(), lease: Self::LEASE }
    }

    /// The same, with leases of another length.
    #[must_use]
    pub fn with_lease(self, lease: Duration) -> Self {
        Self { lease, ..self }
    }

    /// The length of a lease in microseconds.
    fn lease(&self) -> i64 {
        i64::try_from(self.lease.as_micros()).unwrap_or(i64::MAX)
    }

    /// The end of a lease that is renewed now: longer than it has to be, so that it is not written each time.
    fn renewed(&self, now: Time) -> Time {
        Time(now.0.saturating_add(self.lease()).saturating_add(self.lease() / 2))
    }

    /// Opens a connection, once, with the events that say so of it as it is then.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn open(
        &self,
        journal: &Journal,
        new: NewConnection,
        now: Time,
        events: impl FnOnce(&Connection) -> Vec<Event>,
    ) -> Result<Opened, StoreError> {
        let new = Connection::new(new, now, self.renewed(now));
        let known = |there: Connection| {
            if there.is_same(&new) { Opened::Same(there) } else { Opened::Different(there) }
        };
        if let Some(there) = self.get(new.id).await? {
            return Ok(known(there));
        }
        let insert = insert(&new).on_conflict(OnConflict::new().do_nothing().to_owned()).to_owned();
        let step = Step::new(insert, Vec::new(), events(&new));
        if journal.write(Batch { steps: vec![step], ..Batch::default() }).await? > 0 {
            return Ok(Opened::New(new));
        }
        match self.get(new.id).await? {
            Some(there) => Ok(known(there)),
            None => Err(StoreError::Ended { reason: "a connection is gone".into() }),
        }
    }

    /// A connection.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn get(&self, id: Uuid) -> Result<Option<Connection>, StoreError> {
        self.database.one(&one(id)).await
    }

    /// One that is pending is open now; gives it as it is then, if it was us who did it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn establish(&self, id: Uuid, now: Time) -> Result<Option<Connection>, StoreError> {
        let mut open = living_one(id);
        open.value(Columns::State, val(ConnectionState::Open)).value(Columns::Lease, val(self.renewed(now)));
        open.and_where(Expr::col(Columns::State).eq(val(ConnectionState::Pending)));
        Ok(self.database.change(&open).await?.into_iter().next())
    }

    /// Says that a connection was heard of, and gives it: how it stands, and whether somebody wants it closed. Mostly nothing
    /// has to be written for that.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn touch(&self, id: Uuid, now: Time) -> Result<Option<Connection>, StoreError> {
        match self.get(id).await? {
            Some(there) => self.renew(there, now).await.map(Some),
            None => Ok(None),
        }
    }

    /// The same, of one that was just looked up.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn renew(&self, there: Connection, now: Time) -> Result<Connection, StoreError> {
        if !self.is_due(&there, now) {
            return Ok(there);
        }
        let mut renew = living_one(there.id);
        renew.value(Columns::Lease, val(self.renewed(now)));
        renew.and_where(Expr::col(Columns::Lease).lt(val(self.renewed(now))));
        match self.database.change(&renew).await?.into_iter().next() {
            Some(renewed) => Ok(renewed),
            None => Ok(self.get(there.id).await?.unwrap_or(there)),
        }
    }

    /// The same, of many that were just looked up, in one statement.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn renew_all(&self, there: &[Connection], now: Time) -> Result<(), StoreError> {
        let due: Vec<_> =
            there.iter().filter(|there| self.is_due(there, now)).map(|there| val(there.id)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let mut renew = update::<Connection>();
        renew.value(Columns::Lease, val(self.renewed(now))).and_where(Expr::col(Columns::Id).is_in(due));
        renew.and_where(Expr::col(Columns::Ended).is_null());
        renew.and_where(Expr::col(Columns::Lease).lt(val(self.renewed(now))));
        self.database.run(&renew).await.map(drop)
    }

    /// Whether a lease has to be written.
    fn is_due(&self, there: &Connection, now: Time) -> bool {
        there.is_living() && there.lease.0.saturating_sub(now.0) < self.lease()
    }

    /// Those of some, all to one target.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn of_target(&self, ids: &[Uuid], target: &str) -> Result<Vec<Connection>, StoreError> {
        self.database.all(&these(ids, target, self.database.is_sqlite())).await
    }

    /// Those of them that somebody wants closed.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn asked_of(&self, ids: &[Uuid], target: &str) -> Result<Vec<Connection>, StoreError> {
        let mut select = these(ids, target, self.database.is_sqlite());
        select.and_where(Expr::col(Columns::CloseAsked).is_not_null());
        self.database.all(&select).await
    }

    /// A client is attached. What is counted is marked, by the id of its event: with the same mark it is counted once.
    #[must_use]
    pub fn attaching(id: Uuid, mark: &str) -> Step {
        count(id, mark, Expr::col(Columns::Clients).add(1))
    }

    /// A client is attached no more; marked as in [`Connections::attaching`].
    #[must_use]
    pub fn detaching(id: Uuid, mark: &str) -> Step {
        let fewer = Expr::col(Columns::Clients).sub(1);
        count(id, mark, Expr::case(Expr::col(Columns::Clients).gt(0), fewer).finally(0).into())
    }

    /// Says that connections are to be closed; whoever carries them hears it at the next [`Connections::touch`]. Gives those
    /// that nobody wanted closed before.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn ask_to_close(
        &self,
        which: Which<'_>,
        by: &str,
        reason: &str,
        now: Time,
    ) -> Result<Vec<Connection>, StoreError> {
        let mut ask = update::<Connection>();
        ask.and_where(match which {
            Which::One(id) => Expr::col(Columns::Id).eq(val(id)),
            Which::OfSubject(id) => beside(Columns::SubjectId, self.database.is_sqlite()).eq(name(id)),
            Which::ToTarget(id) => beside(Columns::TargetId, self.database.is_sqlite()).eq(name(id)),
        });
        // Whoever carries one that has lapsed hears it when he comes back.
        ask.cond_where(
            Cond::any()
                .add(Expr::col(Columns::Ended).is_null())
                .add(Expr::col(Columns::HasLapsed).eq(Expr::cust("1"))),
        );
        ask.returning(changed::<Connection>());
        ask.value(Columns::CloseBy, name(by)).value(Columns::CloseReason, name(reason));
        ask.value(Columns::CloseAsked, val(now)).and_where(Expr::col(Columns::CloseAsked).is_null());
        self.database.change(&ask).await
    }

    /// Those that were to be closed since before then, and are not.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn asked(&self, before: Time, limit: u64) -> Result<Vec<Connection>, StoreError> {
        let mut select = select::<Connection>();
        select.and_where(Expr::col(Columns::Ended).is_null());
        select.and_where(Expr::col(Columns::CloseAsked).lt(val(before)));
        self.database.all(select.limit(limit)).await
    }

    /// Ends a connection, as closed or in error, with the events that say so; one that is over stays as it is.
    #[must_use]
    pub fn ending(
        id: Uuid,
        state: ConnectionState,
        reason: Option<&str>,
        now: Time,
        events: Vec<Event>,
    ) -> Step {
        end(id, ending(state, reason, now), events)
    }

    /// Closes one that was not heard of for too long, and still was not.
    #[must_use]
    pub fn lapsing(id: Uuid, reason: &str, now: Time, events: Vec<Event>) -> Step {
        let mut lapse = ending(ConnectionState::Closed, Some(reason), now);
        lapse.value(Columns::HasLapsed, val(true)).and_where(Expr::col(Columns::Lease).lt(val(now)));
        end(id, lapse, events)
    }

    /// Opens one again that has lapsed, and that nobody has wanted closed: whoever carries it was heard.
    #[must_use]
    pub fn reviving(&self, id: Uuid, now: Time, events: Vec<Event>) -> Step {
        let mut revive = update::<Connection>();
        revive.value(Columns::State, val(ConnectionState::Open)).value(Columns::Ended, val(None::<Time>));
        revive.value(Columns::Reason, val(None::<String>)).value(Columns::HasLapsed, val(false));
        revive.value(Columns::Lease, val(self.renewed(now))).and_where(Expr::col(Columns::Id).eq(val(id)));
        revive.and_where(Expr::col(Columns::HasLapsed).eq(val(true)));
        revive.and_where(Expr::col(Columns::CloseAsked).is_null());
        Step::new(revive, Vec::new(), events)
    }

    /// Gives all that live as long as if they had been heard of now: whoever was away could not hear them.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn spare(&self, now: Time) -> Result<(), StoreError> {
        let mut spare = update::<Connection>();
        spare.value(Columns::Lease, val(self.renewed(now))).and_where(Expr::col(Columns::Ended).is_null());
        spare.and_where(Expr::col(Columns::Lease).lt(val(self.renewed(now))));
        self.database.run(&spare).await.map(drop)
    }

    /// Those that were not heard of for too long.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn lapsed(&self, now: Time, limit: u64) -> Result<Vec<Connection>, StoreError> {
        let mut lapsed = select::<Connection>();
        lapsed.and_where(Expr::col(Columns::Ended).is_null());
        lapsed.and_where(Expr::col(Columns::Lease).lt(val(now)));
        self.database.all(lapsed.limit(limit)).await
    }
}

fn one(id: Uuid) -> sea_query::SelectStatement {
    select::<Connection>().and_where(Expr::col(Columns::Id).eq(val(id))).to_owned()
}

fn these(ids: &[Uuid], target: &str, is_sqlite: bool) -> sea_query::SelectStatement {
    let mut select = select::<Connection>();
    select.and_where(Expr::col(Columns::Id).is_in(ids.iter().map(|id| val(*id))));
    select.and_where(beside(Columns::TargetId, is_sqlite).eq(name(target))).to_owned()
}

/// Changes connections that are not over, and gives them as they are then.
fn living(condition: SimpleExpr) -> UpdateStatement {
    let mut update = update::<Connection>();
    update.and_where(condition).and_where(Expr::col(Columns::Ended).is_null());
    update.returning(changed::<Connection>()).to_owned()
}

fn living_one(id: Uuid) -> UpdateStatement {
    living(Expr::col(Columns::Id).eq(val(id)))
}

/// A column by whose index SQLite is not to begin: by another one few rows are left. PostgreSQL counts for itself.
fn beside(column: Columns, is_sqlite: bool) -> SimpleExpr {
    if is_sqlite { Expr::cust(format!("+\"{}\"", column.unquoted())) } else { Expr::col(column) }
}

/// Ends those that are not over.
fn ending(state: ConnectionState, reason: Option<&str>, now: Time) -> UpdateStatement {
    let mut end = update::<Connection>();
    end.value(Columns::State, val(state)).value(Columns::Clients, val(0)).value(Columns::Ended, val(now));
    end.value(Columns::Reason, val(reason.map(str::to_owned)));
    if let Some(reason) = reason {
        let more = Expr::val(searched(&format!("\n{reason}")));
        end.value(Columns::Text, Expr::col(Columns::Text).binary(BinOper::Custom("||"), more));
    }
    end.and_where(Expr::col(Columns::Ended).is_null()).to_owned()
}

fn end(id: Uuid, mut ending: UpdateStatement, events: Vec<Event>) -> Step {
    let mut marks = Query::delete();
    marks.from_table(Marks::Table).and_where(Expr::col(Marks::Connection).eq(val(id)));
    Step::new(ending.and_where(Expr::col(Columns::Id).eq(val(id))).to_owned(), vec![marks.into()], events)
}

/// Counts, if it is marked for the first time.
fn count(id: Uuid, mark: &str, clients: SimpleExpr) -> Step {
    let living = Query::select()
        .exprs([val(id), name(mark)])
        .from(Columns::Table)
        .and_where(Expr::col(Columns::Id).eq(val(id)))
        .and_where(Expr::col(Columns::Ended).is_null())
        .to_owned();
    let mut marked = Query::insert();
    marked.into_table(Marks::Table).columns([Marks::Connection, Marks::Mark]);
    marked.on_conflict(OnConflict::new().do_nothing().to_owned());
    // There are as many columns as expressions.
    marked.select_from(living).ok();
    let mut counted = update::<Connection>();
    counted.value(Columns::Clients, clients).and_where(Expr::col(Columns::Id).eq(val(id)));
    Step::new(marked, vec![counted.into()], Vec::new())
}
