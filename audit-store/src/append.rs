//! The one way into the logs: events become rows of the writer's chain, many in one transaction.
//!
//! *Invariants*: what is acknowledged is on the disk. An event that is there already, by log and id, is not written again. A
//! transaction that failed leaves nothing, and where it is not known whether it did, the chain is read anew. Of two that
//! write the same chain at once one fails: a number of a chain is there once.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use casemate_audit_log::chain::{Hash, Head};
use casemate_audit_log::model::{Event, Log};
use casemate_audit_log::{Time, folded};
use futures_util::future::join;
use sea_query::{Expr, ExprTrait as _, InsertStatement, OnConflict, Order, Query, Value};
use uuid::Uuid;

use crate::database::{Database, Text, Work};
use crate::error::StoreError;
use crate::merge::{Debt, Index};
use crate::names::{CONNECTION, Events, Writers};
use crate::ready::{COLUMNS, Ready, columns};
use crate::terms::{self, NAMELESS, Terms};
use crate::texts::{self, Indexed};

/// Rows of one statement, most first: few statements, each of which is prepared once.
const ROWS: [usize; 4] = [256, 32, 4, 1];

/// An event as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Its log.
    pub log: Log,
    /// When it happened.
    pub time: Time,
    /// Its id.
    pub id: String,
    /// Its place in the chain.
    pub head: Head,
    /// The event, canonical JSON.
    pub content: String,
}

/// Writes a chain.
#[derive(Debug)]
pub struct Appender {
    database: Database,
    /// Which writer we are, in the database.
    number: i64,
    head: Head,
    /// Whether the head is what stands in the database.
    is_sure: bool,
    terms: Terms,
    /// What holds once the transaction is committed: where the chain has got to, and the names that are new.
    next: Option<(Head, Terms)>,
    /// Texts may not all be in the index.
    texts_wait: bool,
    /// How much of that index is to be merged.
    debt: Debt,
    /// What adds so many rows.
    inserts: BTreeMap<usize, Arc<str>>,
}

impl Appender {
    /// Begins a chain.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn begin(database: &Database, now: Time) -> Result<Self, StoreError> {
        Self::resume(database, Uuid::now_v7(), now).await
    }

    /// Goes on with the chain of a writer, or begins it.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn resume(database: &Database, writer: Uuid, now: Time) -> Result<Self, StoreError> {
        let mut work = database.writing().await?;
        let insert = Query::insert()
            .into_table(Writers::Table)
            .columns([Writers::Writer, Writers::Began])
            .values_panic([Expr::val(bytes(writer.as_bytes())), Expr::val(now.0)])
            .on_conflict(OnConflict::column(Writers::Writer).do_nothing().to_owned())
            .to_owned();
        work.run(&insert).await?;
        let number = writer_number(&mut work, writer).await?;
        let head = head_of(&mut work, number, writer).await?;
        work.commit().await?;
        let (database, terms, inserts) = (database.clone(), Terms::default(), BTreeMap::new());
        let debt = Debt::unknown();
        Ok(Self { database, number, head, is_sure: true, terms, next: None, texts_wait: true, debt, inserts })
    }

    /// Where the chain has got to.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// Writes events, and gives those that were not there yet. All of them are written, or none.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn append(&mut self, events: &[Event]) -> Result<Vec<Written>, StoreError> {
        let ready = events.iter().map(|event| Ready::new(Cow::Borrowed(event)));
        let ready: Vec<_> = ready.collect::<Result<_, _>>()?;
        let mut work = self.database.writing().await?;
        let written = self.write(&mut work, &ready.iter().collect::<Vec<_>>()).await?;
        self.commit(work).await?;
        let written = written.into_iter().map(|(ready, head)| Written {
            log: ready.event.log(),
            time: ready.event.time(),
            id: ready.event.id().to_owned(),
            head,
            content: ready.content.clone(),
        });
        Ok(written.collect())
    }

    /// Writes events in a transaction that [`Appender::commit`] has to end; gives those that were not there yet, and their
    /// places in the chain.
    pub(crate) async fn write<'r>(
        &mut self,
        work: &mut Work,
        events: &[&'r Ready<'r>],
    ) -> Result<Vec<(&'r Ready<'r>, Head)>, StoreError> {
        if !self.is_sure {
            self.head = head_of(work, self.number, self.head.writer).await?;
        }
        // From here on it is not known, until the transaction is committed.
        (self.is_sure, self.next) = (false, None);
        let facets: Vec<_> = events.iter().map(|ready| ready.event.facets()).collect();
        let names: Vec<_> = facets.iter().map(terms::names).collect();
        let (numbers, learnt) = self.terms.learn(work, &names).await?;
        let ready = unknown(work, events.iter().copied().zip(numbers).collect()).await?;
        let (mut head, mut written) = (self.head, Vec::with_capacity(ready.len()));
        let mut rest = &ready[..];
        let mut next = || {
            let rows = ROWS.into_iter().find(|rows| *rows <= rest.len())?;
            let mut values = Vec::with_capacity(rows * COLUMNS);
            for (ready, numbers) in rest.split_off(..rows)? {
                head = head.next(ready.content_hash);
                ready.values(self.number, head, numbers, &mut values);
                written.push((*ready, head));
            }
            Some((rows, values))
        };
        let mut rows_of_values = next();
        while let Some((rows, values)) = rows_of_values {
            let insert = Arc::clone(self.inserts.entry(rows).or_insert_with(|| insert_text(work, rows)));
            // The next are made ready while the database takes these.
            let (done, following) = join(work.run_text(insert, values), async { next() }).await;
            done.map_err(|error| error.overtaken(self.head.writer))?;
            rows_of_values = following;
        }
        if !ready.is_empty() {
            let indexed = texts::follow(work).await?;
            self.indexed(&indexed);
        }
        self.next = Some((head, learnt));
        Ok(written)
    }

    /// Whether there may be texts that are not in the index yet. What searches them finds them all the same.
    #[must_use]
    pub fn texts_wait(&self) -> bool {
        self.texts_wait
    }

    /// Puts some of the texts that wait into the index, or merges what is due of it before that.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn index_texts(&mut self) -> Result<(), StoreError> {
        if self.debt.is_due() {
            return self.merge_texts().await;
        }
        // Whatever comes of it: it is tried again with what is written next.
        self.texts_wait = false;
        let mut work = self.database.writing().await?;
        let indexed = texts::catch_up(&mut work).await?;
        work.commit().await?;
        self.indexed(&indexed);
        Ok(())
    }

    /// How much of the index of texts is to be merged.
    pub(crate) fn debt(&self) -> &Debt {
        &self.debt
    }

    /// Merges some of the index of texts.
    pub(crate) async fn merge_texts(&mut self) -> Result<(), StoreError> {
        self.debt.pay(&self.database, Index::Events).await
    }

    fn indexed(&mut self, indexed: &Indexed) {
        self.texts_wait = indexed.others;
        if let Some(bytes) = indexed.bytes {
            self.debt.add(bytes);
        }
    }

    /// Makes lasting what was written in a transaction.
    pub(crate) async fn commit(&mut self, work: Work) -> Result<(), StoreError> {
        work.commit().await?;
        if let Some((head, learnt)) = self.next.take() {
            (self.head, self.is_sure) = (head, true);
            self.terms.remember(learnt);
        }
        Ok(())
    }
}

/// What adds so many rows, whatever they are.
fn insert(rows: usize) -> InsertStatement {
    let mut insert = Query::insert();
    insert.into_table(Events::Table).columns(columns());
    for _ in 0..rows {
        insert.values_panic(columns().map(|_| Expr::val(0)));
    }
    insert
}

/// Where SQLite fails in the midst of it, it does not have to take back what the statement did: the transaction is given up
/// in any case. So it need not copy each page before it changes it.
fn insert_text(work: &Work, rows: usize) -> Arc<str> {
    let text = work.text(&insert(rows));
    match work {
        Work::Sqlite(_) => Arc::from(text.replacen("INSERT", "INSERT OR FAIL", 1)),
        Work::Postgres(_) => text,
    }
}

/// A text as it is searched.
pub(crate) fn searched(text: &str) -> String {
    kept(&folded(text)).into_owned()
}

/// A text as it is kept beside the event: PostgreSQL takes no NUL.
pub(crate) fn kept(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// The number that stands for a log.
pub(crate) fn number(log: Log) -> i64 {
    match log {
        Log::Command => 1,
        Log::CommandEnd => 2,
        Log::Kube => 3,
        Log::Connection => 4,
        Log::Subject => 5,
        Log::AgentStatusChange => 6,
    }
}

pub(crate) fn bytes(bytes: &[u8]) -> Value {
    Value::from(bytes.to_vec())
}

/// An event, with the numbers of its names.
type Numbered<'r> = (&'r Ready<'r>, [Option<i64>; 15]);

/// Which of some events there are, by log, connection and id.
const KNOWN: Text = Text {
    sqlite: "SELECT asked.key FROM json_each(?) AS asked CROSS JOIN events ON events.log = asked.value ->> 0 \
        AND coalesce(events.connection_id, 0) = asked.value ->> 1 AND events.id = asked.value ->> 2",
    postgres: "SELECT asked.number - 1 FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS asked (value, number) \
        JOIN events ON events.log = (asked.value ->> 0)::bigint \
        AND coalesce(events.connection_id, 0) = (asked.value ->> 1)::bigint AND events.id = asked.value ->> 2",
};

/// Those that are not in the database, each once.
async fn unknown<'r>(work: &mut Work, ready: Vec<Numbered<'r>>) -> Result<Vec<Numbered<'r>>, StoreError> {
    let key = |(ready, numbers): &Numbered<'r>| {
        let connection = numbers[CONNECTION].unwrap_or(NAMELESS);
        (number(ready.event.log()), connection, kept(ready.event.id()))
    };
    let keys: Vec<_> = ready.iter().map(key).collect();
    let known: Vec<(i64,)> = work.rows_of(&KNOWN, vec![serde_json::to_string(&keys)?.into()]).await?;
    let known: HashSet<i64> = known.into_iter().map(|(index,)| index).collect();
    let mut seen = HashSet::new();
    let is_new: Vec<bool> =
        keys.iter().zip(0..).map(|(key, index)| !known.contains(&index) && seen.insert(key)).collect();
    Ok(ready.into_iter().zip(is_new).filter_map(|(ready, is_new)| is_new.then_some(ready)).collect())
}

async fn writer_number(work: &mut Work, writer: Uuid) -> Result<i64, StoreError> {
    let select = Query::select()
        .column(Writers::Id)
        .from(Writers::Table)
        .and_where(Expr::col(Writers::Writer).eq(bytes(writer.as_bytes())))
        .to_owned();
    let rows: Vec<(i64,)> = work.rows(&select).await?;
    rows.first()
        .map(|row| row.0)
        .ok_or_else(|| StoreError::Ended { reason: "the writer is not in the database".into() })
}

/// Where a chain has got to.
pub(crate) async fn head_of(work: &mut Work, number: i64, writer: Uuid) -> Result<Head, StoreError> {
    let select = Query::select()
        .columns([Events::Row, Events::Seq, Events::Hash])
        .from(Events::Table)
        .and_where(Expr::col(Events::Writer).eq(number))
        .order_by(Events::Seq, Order::Desc)
        .limit(1)
        .to_owned();
    let rows: Vec<(i64, i64, Vec<u8>)> = work.rows(&select).await?;
    match rows.into_iter().next() {
        None => Ok(Head::begin(writer)),
        Some((row, seq, hash)) => Ok(Head { writer, seq: seq.unsigned_abs(), hash: hash_of(row, &hash)? }),
    }
}

pub(crate) fn hash_of(row: i64, hash: &[u8]) -> Result<Hash, StoreError> {
    let hash = hash.try_into().map_err(|_| StoreError::Damaged { row, reason: "its hash is none".into() })?;
    Ok(Hash(hash))
}
