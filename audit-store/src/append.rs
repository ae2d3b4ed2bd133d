//! The one way into the logs: events become rows of the writer's chain, many in one transaction.
//!
//! *Invariants*: what is acknowledged is on the disk. An event that is there already, by log and id, is not written again. A
//! transaction that failed leaves nothing, and where it is not known whether it did, the chain is read anew. Of two that
//! write the same chain at once one fails: a number of a chain is there once.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use casemate_audit_log::Time;
use casemate_audit_log::chain::{Hash, Head, canonical, canonical_hash};
use casemate_audit_log::facets::Facets;
use casemate_audit_log::model::{Event, Log};
use sea_query::{Expr, ExprTrait as _, Func, OnConflict, Order, Query, Value};
use uuid::Uuid;

use crate::database::{Database, Work};
use crate::error::StoreError;
use crate::names::{Events, FACETS, Terms, Writers};

/// Rows in one statement: so many times the columns are fewer than the values that either database takes.
const ROWS: usize = 500;

/// Names in one question.
const NAMES: usize = 1000;

/// Names that are remembered; then they are learnt anew.
const REMEMBERED: usize = 200_000;

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
    terms: HashMap<String, i64>,
    /// What holds once the transaction is committed: where the chain has got to, and the names that are new.
    next: Option<(Head, HashMap<String, i64>)>,
}

/// An event about to be written.
struct Ready<'e> {
    event: &'e Event,
    facets: Facets<'e>,
    content: String,
    content_hash: Hash,
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
        let (database, terms) = (database.clone(), HashMap::new());
        Ok(Self { database, number, head, is_sure: true, terms, next: None })
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
        let mut work = self.database.writing().await?;
        let written = self.write(&mut work, &events.iter().collect::<Vec<_>>()).await?;
        self.commit(work).await?;
        Ok(written)
    }

    /// Writes events in a transaction that [`Appender::commit`] has to end; gives those that were not there yet.
    pub(crate) async fn write(
        &mut self,
        work: &mut Work,
        events: &[&Event],
    ) -> Result<Vec<Written>, StoreError> {
        let ready: Vec<_> = events.iter().copied().map(Ready::new).collect::<Result<_, _>>()?;
        if !self.is_sure {
            self.head = head_of(work, self.number, self.head.writer).await?;
        }
        // From here on it is not known, until the transaction is committed.
        (self.is_sure, self.next) = (false, None);
        let ready = unknown(work, ready).await?;
        if ready.is_empty() {
            self.next = Some((self.head, HashMap::new()));
            return Ok(Vec::new());
        }
        let learnt = self.learn(work, &ready).await?;
        let last = if self.database.is_sqlite() { last_row(work).await? } else { 0 };
        let (mut head, mut written) = (self.head, Vec::with_capacity(ready.len()));
        for chunk in ready.chunks(ROWS) {
            let mut insert = Query::insert();
            insert.into_table(Events::Table).columns(columns());
            for ready in chunk {
                head = head.next(ready.content_hash);
                let term = |text: Option<Cow<'_, str>>| {
                    text.and_then(|text| learnt.get(&*text).or_else(|| self.terms.get(&*text)))
                        .copied()
                        .into()
                };
                insert.values_panic(ready.values(self.number, head, &term).into_iter().map(Expr::val));
                written.push(Written {
                    log: ready.event.log(),
                    time: ready.event.time(),
                    id: ready.event.id().to_owned(),
                    head,
                    content: ready.content.clone(),
                });
            }
            let done = work.run(&insert).await;
            done.map_err(|error| error.overtaken(self.head.writer))?;
        }
        const TEXTS: &str = "INSERT INTO events_text (rowid, \"text\") \
            SELECT \"row\", \"text\" FROM events WHERE \"row\" > ? AND \"text\" IS NOT NULL";
        work.run_sqlite(TEXTS, last).await?;
        self.next = Some((head, learnt));
        Ok(written)
    }

    /// Makes lasting what was written in a transaction.
    pub(crate) async fn commit(&mut self, work: Work) -> Result<(), StoreError> {
        work.commit().await?;
        if let Some((head, learnt)) = self.next.take() {
            (self.head, self.is_sure) = (head, true);
            if self.terms.len() > REMEMBERED {
                self.terms.clear();
            }
            self.terms.extend(learnt);
        }
        Ok(())
    }

    /// The numbers of all names that are not known yet.
    async fn learn(&self, work: &mut Work, ready: &[Ready<'_>]) -> Result<HashMap<String, i64>, StoreError> {
        let all = ready.iter().flat_map(|ready| ready.names()).flatten();
        let wanted: BTreeSet<Cow<'_, str>> = all.filter(|name| !self.terms.contains_key(&**name)).collect();
        let wanted: Vec<&str> = wanted.iter().map(|name| &**name).collect();
        let mut learnt = HashMap::new();
        for wanted in wanted.chunks(NAMES) {
            learnt.extend(numbers(work, wanted).await?);
            let new: Vec<_> = wanted.iter().filter(|name| !learnt.contains_key(**name)).collect();
            if new.is_empty() {
                continue;
            }
            let mut insert = Query::insert();
            insert.into_table(Terms::Table).columns([Terms::Text]);
            insert.on_conflict(OnConflict::column(Terms::Text).do_nothing().to_owned());
            for name in &new {
                insert.values_panic([Expr::val(**name)]);
            }
            work.run(&insert).await?;
            learnt.extend(numbers(work, wanted).await?);
        }
        Ok(learnt)
    }
}

impl<'e> Ready<'e> {
    fn new(event: &'e Event) -> Result<Self, StoreError> {
        let content = canonical(&event.to_json()?)?;
        let content_hash = canonical_hash(event.log(), &content);
        let content = String::from_utf8_lossy(&content).into_owned();
        Ok(Self { event, facets: event.facets(), content, content_hash })
    }

    fn names(&self) -> [Option<Cow<'_, str>>; 15] {
        let facets = &self.facets;
        [
            facets.subject_id,
            facets.subject_type,
            facets.subject_name,
            facets.ip_address,
            facets.connection_id,
            facets.space_id,
            facets.space_name,
            facets.target_id,
            facets.target_name,
            facets.target_type,
            facets.target_user,
            facets.environment_id,
            facets.environment_name,
            facets.action,
            facets.node_id,
        ]
        .map(|name| name.map(kept))
    }

    /// In the order of the columns.
    fn values(&self, writer: i64, head: Head, term: &impl Fn(Option<Cow<'_, str>>) -> Value) -> Vec<Value> {
        let event = self.event;
        let mut values: Vec<Value> = vec![
            number(event.log()).into(),
            writer.into(),
            i64::try_from(head.seq).unwrap_or(i64::MAX).into(),
            event.time().0.into(),
            kept(event.id()).into_owned().into(),
        ];
        values.extend(self.names().into_iter().map(term));
        values.push(self.facets.is_admin.map(i64::from).into());
        values.push(self.facets.evaluation.map(i64::from).into());
        values.push(self.facets.text.as_ref().map(|text| searched(text)).into());
        values.push(self.content.as_str().into());
        values.push(bytes(&self.content_hash.0));
        values.push(bytes(&head.hash.0));
        values
    }
}

/// In the order of [`Ready::values`].
fn columns() -> impl Iterator<Item = Events> {
    let place = [Events::Log, Events::Writer, Events::Seq, Events::Time, Events::Id];
    let content = [Events::Text, Events::Content, Events::ContentHash, Events::Hash];
    place.into_iter().chain(FACETS).chain(content)
}

/// A text as it is searched.
pub(crate) fn searched(text: &str) -> String {
    kept(&text.to_lowercase()).into_owned()
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

/// Those that are not in the database, each once.
async fn unknown<'e>(work: &mut Work, ready: Vec<Ready<'e>>) -> Result<Vec<Ready<'e>>, StoreError> {
    let mut known: HashSet<(Log, String)> = HashSet::new();
    for &log in Log::ALL {
        let of_log = ready.iter().filter(|ready| ready.event.log() == log);
        let ids: Vec<_> = of_log.map(|ready| kept(ready.event.id())).collect();
        for ids in ids.chunks(NAMES) {
            let select = Query::select()
                .column(Events::Id)
                .from(Events::Table)
                .and_where(Expr::col(Events::Log).eq(number(log)))
                .and_where(Expr::col(Events::Id).is_in(ids.iter().map(|id| &**id)))
                .to_owned();
            let found: Vec<(String,)> = work.rows(&select).await?;
            known.extend(found.into_iter().map(|(id,)| (log, id)));
        }
    }
    Ok(ready
        .into_iter()
        .filter(|ready| known.insert((ready.event.log(), kept(ready.event.id()).into_owned())))
        .collect())
}

/// The numbers of those names that have one.
pub(crate) async fn numbers(work: &mut Work, names: &[&str]) -> Result<Vec<(String, i64)>, StoreError> {
    let select = Query::select()
        .columns([Terms::Text, Terms::Id])
        .from(Terms::Table)
        .and_where(Expr::col(Terms::Text).is_in(names.iter().copied()))
        .to_owned();
    work.rows(&select).await
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

async fn last_row(work: &mut Work) -> Result<i64, StoreError> {
    let select = Query::select().expr(Func::max(Expr::col(Events::Row))).from(Events::Table).to_owned();
    let rows: Vec<(Option<i64>,)> = work.rows(&select).await?;
    Ok(rows.first().and_then(|row| row.0).unwrap_or(0))
}
