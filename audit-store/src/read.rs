//! What is asked of the logs: pages in the order of time or against it, what came after a cursor, all of it.

use std::collections::BTreeMap;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::chain::{Checkpoint, Hash, Head, Writer};
use casemate_audit_log::filter::{AnyOf, Filter};
use casemate_audit_log::model::{Event, Log};
use casemate_audit_log::verify::Row;
use ed25519_dalek::SigningKey;
use sea_query::{Cond, Expr, ExprTrait as _, Query, SelectStatement, SimpleExpr};
use uuid::Uuid;

use crate::append::{hash_of, head_of, kept, number, numbers, searched};
use crate::database::{Database, Work};
use crate::error::StoreError;
use crate::names::{Checkpoints, Events, FACETS, Writers};

/// A text that so many events have is found sooner by looking at the latest than by the index of texts.
const COMMON: usize = 20_000;

/// Shorter texts are not in the index of texts.
const SHORTEST: usize = 3;

/// In which order events are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The latest first.
    #[default]
    Newest,
    /// As they happened.
    Oldest,
}

/// What is asked for: a page of some logs.
#[derive(Clone, Debug)]
pub struct Page {
    /// Which logs, as if they were one.
    pub logs: Vec<Log>,
    /// What has to be true of an event.
    pub filter: Filter,
    /// In which order.
    pub order: Order,
    /// Where the page before this one ended, in the same order.
    pub behind: Option<Position>,
    /// How many events at most.
    pub limit: usize,
    /// How long it may take; then it is [too long](StoreError::TooLong).
    pub within: Duration,
}

impl Default for Page {
    /// The first of all commands, in two seconds.
    fn default() -> Self {
        Self {
            logs: vec![Log::Command],
            filter: Filter::default(),
            order: Order::Newest,
            behind: None,
            limit: 1000,
            within: Duration::from_secs(2),
        }
    }
}

/// Where a page ends, and the next begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When its last event happened.
    pub time: Time,
    /// Which of those of that moment it is.
    pub row: i64,
}

/// An event that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// Where it stands.
    pub position: Position,
    /// The event; a command with how it ended, if it has.
    pub event: Event,
}

/// Up to where the rows of each writer have been seen.
pub type Cursor = BTreeMap<Writer, u64>;

/// How a column is named so that no index of it is used, where that is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Columns,
    Texts,
}

impl Database {
    /// A page of events. Whoever does not wait for it any more has it stopped.
    ///
    /// # Errors
    /// It takes too long, the database refuses, or what stands in it is no event.
    pub async fn page(&self, page: Page) -> Result<Vec<Found>, StoreError> {
        let is_sqlite = self.is_sqlite();
        self.reading_within(page.within, move |work| {
            Box::pin(async move { page.read(work, is_sqlite).await })
        })
        .await
    }

    /// The rows after a cursor, each writer's in their order, and no more than so many of each.
    ///
    /// # Errors
    /// The database refuses, or what stands in it is damaged.
    pub async fn after(&self, cursor: &Cursor, limit: usize) -> Result<Vec<Row>, StoreError> {
        let mut work = self.reading().await?;
        let mut rows = Vec::new();
        for (number, head) in heads(&mut work).await? {
            let seen = cursor.get(&head.writer).copied().unwrap_or(0);
            if head.seq > seen {
                rows.extend(chain(&mut work, number, head.writer, seen, limit).await?);
            }
        }
        Ok(rows)
    }

    /// Where all chains have got to.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let mut work = self.reading().await?;
        Ok(heads(&mut work).await?.into_iter().map(|(_, head)| head).collect())
    }

    /// Signs where all chains have got to, and keeps that.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn sign(&self, now: Time, key: &SigningKey) -> Result<Checkpoint, StoreError> {
        let mut work = self.writing().await?;
        let heads = heads(&mut work).await?.into_iter().map(|(_, head)| head).filter(|head| head.seq > 0);
        let checkpoint = Checkpoint::sign(now, heads.collect(), key);
        let insert = Query::insert()
            .into_table(Checkpoints::Table)
            .columns([Checkpoints::Time, Checkpoints::Checkpoint])
            .values_panic([Expr::val(now.0), Expr::val(serde_json::to_string(&checkpoint)?)])
            .to_owned();
        work.run(&insert).await?;
        work.commit().await?;
        Ok(checkpoint)
    }

    /// An event, as it was written; nothing where there is none, or its content was taken away.
    ///
    /// # Errors
    /// The database refuses, or what stands in it is no event.
    pub async fn event(&self, log: Log, id: &str) -> Result<Option<Event>, StoreError> {
        let select = Query::select()
            .columns([Events::Row, Events::Content])
            .from(Events::Table)
            .and_where(Expr::col(Events::Log).eq(number(log)))
            .and_where(Expr::col(Events::Id).eq(&*kept(id)))
            .and_where(Expr::col(Events::Content).is_not_null())
            .to_owned();
        let rows: Vec<(i64, String)> = self.reading().await?.rows(&select).await?;
        let parse = |(row, content): &(i64, String)| {
            Event::from_json(log, content)
                .map_err(|error| StoreError::Damaged { row: *row, reason: error.to_string() })
        };
        rows.first().map(parse).transpose()
    }

    /// All checkpoints, in their order.
    ///
    /// # Errors
    /// The database refuses, or what stands in it is none.
    pub async fn checkpoints(&self) -> Result<Vec<Checkpoint>, StoreError> {
        let select = Query::select()
            .columns([Checkpoints::Id, Checkpoints::Checkpoint])
            .from(Checkpoints::Table)
            .order_by(Checkpoints::Id, sea_query::Order::Asc)
            .to_owned();
        let rows: Vec<(i64, String)> = self.reading().await?.rows(&select).await?;
        let parse = |(row, text): (i64, String)| {
            serde_json::from_str(&text)
                .map_err(|error| StoreError::Damaged { row, reason: error.to_string() })
        };
        rows.into_iter().map(parse).collect()
    }

    /// Takes the content of a row away, and all by which it could be found. Its hashes stay: the chain holds.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn erase(&self, log: Log, id: &str) -> Result<bool, StoreError> {
        let mut work = self.writing().await?;
        if self.is_sqlite() {
            // The index of texts has to be told what it forgets.
            let select = Query::select()
                .columns([Events::Row])
                .from(Events::Table)
                .and_where(Expr::col(Events::Log).eq(number(log)))
                .and_where(Expr::col(Events::Id).eq(&*kept(id)))
                .to_owned();
            let rows: Vec<(i64,)> = work.rows(&select).await?;
            const FORGET: &str = "INSERT INTO events_text (events_text, rowid, \"text\") \
                SELECT 'delete', \"row\", \"text\" FROM events WHERE \"row\" = ? AND \"text\" IS NOT NULL";
            if let Some((row,)) = rows.first() {
                work.run_sqlite(FORGET, *row).await?;
            }
        }
        let mut update = Query::update();
        update.table(Events::Table).and_where(Expr::col(Events::Log).eq(number(log)));
        update
            .and_where(Expr::col(Events::Id).eq(&*kept(id)))
            .and_where(Expr::col(Events::Content).is_not_null());
        for column in [Events::Text, Events::Content] {
            update.value(column, Option::<String>::None);
        }
        for column in FACETS {
            update.value(column, Option::<i64>::None);
        }
        let is_erased = work.run(&update).await? > 0;
        work.commit().await?;
        Ok(is_erased)
    }
}

impl Page {
    async fn read(&self, work: &mut Work, is_sqlite: bool) -> Result<Vec<Found>, StoreError> {
        let Some(conditions) = Conditions::of(work, &self.filter).await? else { return Ok(Vec::new()) };
        let by = if is_sqlite { conditions.texts(work).await? } else { By::Columns };
        let mut found = Vec::new();
        for &log in &self.logs {
            let select = conditions.select(log, self, by, is_sqlite);
            for (row, time, content) in work.rows::<(i64, i64, String)>(&select).await? {
                let event = Event::from_json(log, &content);
                let event = event.map_err(|error| StoreError::Damaged { row, reason: error.to_string() })?;
                found.push(Found { position: Position { time: Time(time), row }, event });
            }
        }
        found.sort_by_key(|found| found.position);
        if self.order == Order::Newest {
            found.reverse();
        }
        found.truncate(self.limit);
        ends(work, &mut found).await?;
        Ok(found)
    }
}

/// What a filter asks for, with the numbers of names.
struct Conditions {
    columns: Vec<(Events, Vec<i64>)>,
    start: Option<Time>,
    end: Option<Time>,
    search: Option<String>,
}

impl Conditions {
    /// Nothing where nothing can be found: nobody has such a name.
    async fn of(work: &mut Work, filter: &Filter) -> Result<Option<Self>, StoreError> {
        let asked: [(Events, &AnyOf); 15] = [
            (Events::SubjectId, &filter.subject_ids),
            (Events::SubjectType, &filter.subject_types),
            (Events::SubjectName, &filter.subject_names),
            (Events::IpAddress, &filter.ip_addresses),
            (Events::ConnectionId, &filter.connection_ids),
            (Events::SpaceId, &filter.space_ids),
            (Events::SpaceName, &filter.space_names),
            (Events::TargetId, &filter.target_ids),
            (Events::TargetName, &filter.target_names),
            (Events::TargetType, &filter.target_types),
            (Events::TargetUser, &filter.target_users),
            (Events::EnvironmentId, &filter.environment_ids),
            (Events::EnvironmentName, &filter.environment_names),
            (Events::Action, &filter.actions),
            (Events::NodeId, &filter.node_ids),
        ];
        let mut columns = Vec::new();
        for (column, names) in asked.into_iter().filter(|(_, names)| !names.is_empty()) {
            let names: Vec<_> = names.iter().map(|name| kept(name)).collect();
            let names: Vec<&str> = names.iter().map(|name| &**name).collect();
            let numbers: Vec<i64> =
                numbers(work, &names).await?.into_iter().map(|(_, number)| number).collect();
            if numbers.is_empty() {
                return Ok(None);
            }
            columns.push((column, numbers));
        }
        for (column, flag) in [(Events::IsAdmin, filter.is_admin), (Events::Evaluation, filter.evaluation)] {
            columns.extend(flag.map(|flag| (column, vec![i64::from(flag)])));
        }
        let search = filter.search.as_deref().map(searched);
        Ok(Some(Self { columns, start: filter.start, end: filter.end, search }))
    }

    /// Whether what is searched is rare enough to begin with it.
    async fn texts(&self, work: &mut Work) -> Result<By, StoreError> {
        let Some(asked) = self.search.as_deref().and_then(trigrams) else { return Ok(By::Columns) };
        let hits = Query::select()
            .expr(Expr::cust("rowid"))
            .from("events_text")
            .and_where(Expr::cust_with_values("events_text MATCH ?", [asked]))
            .limit(COMMON as u64 + 1)
            .to_owned();
        let hits: Vec<(i64,)> = work.rows(&hits).await?;
        Ok(if hits.len() > COMMON { By::Columns } else { By::Texts })
    }

    fn select(&self, log: Log, page: &Page, by: By, is_sqlite: bool) -> SelectStatement {
        let named = |column: Events| -> SimpleExpr {
            match by {
                By::Columns => Expr::col(column),
                By::Texts => Expr::cust(format!("+\"{}\"", sea_query::Iden::unquoted(&column))),
            }
        };
        let mut select = Query::select();
        select.columns([Events::Row, Events::Time, Events::Content]).from(Events::Table);
        select.and_where(named(Events::Log).eq(number(log)));
        for (column, numbers) in &self.columns {
            select.and_where(match numbers[..] {
                [number] => named(*column).eq(number),
                _ => named(*column).is_in(numbers.iter().copied()),
            });
        }
        if let Some(start) = self.start {
            select.and_where(named(Events::Time).gte(start.0));
        }
        if let Some(end) = self.end {
            select.and_where(named(Events::Time).lte(end.0));
        }
        if let Some(Position { time, row }) = page.behind {
            let (from, passed) = match page.order {
                Order::Newest => (named(Events::Time).lte(time.0), named(Events::Row).gte(row)),
                Order::Oldest => (named(Events::Time).gte(time.0), named(Events::Row).lte(row)),
            };
            select.and_where(from);
            select.cond_where(Cond::all().not().add(named(Events::Time).eq(time.0).and(passed)));
        }
        if let Some(search) = &self.search {
            let has = if is_sqlite { "instr(\"text\", ?) > 0" } else { "position($1 in \"text\") > 0" };
            if is_sqlite {
                select.and_where(Expr::cust_with_values(has, [search.as_str()]));
            } else {
                let pattern =
                    format!("%{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
                select.and_where(Expr::col(Events::Text).like(pattern));
            }
            if let (By::Texts, Some(asked)) = (by, trigrams(search)) {
                let within = "\"row\" IN (SELECT rowid FROM events_text WHERE events_text MATCH ?)";
                select.and_where(Expr::cust_with_values(within, [asked]));
            }
        }
        select.and_where(Expr::col(Events::Content).is_not_null());
        let order = match page.order {
            Order::Newest => sea_query::Order::Desc,
            Order::Oldest => sea_query::Order::Asc,
        };
        select.order_by(Events::Time, order.clone()).order_by(Events::Row, order);
        select.limit(page.limit as u64);
        select
    }
}

/// What the index of texts is asked for a text: whatever has it has all of these.
fn trigrams(text: &str) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut trigrams: Vec<String> = characters
        .windows(SHORTEST)
        .map(|three| format!("\"{}\"", three.iter().collect::<String>().replace('"', "\"\"")))
        .collect();
    trigrams.sort_unstable();
    trigrams.dedup();
    (!trigrams.is_empty()).then(|| trigrams.join(" AND "))
}

/// Says of commands how they ended.
async fn ends(work: &mut Work, found: &mut [Found]) -> Result<(), StoreError> {
    let ids: Vec<_> = found
        .iter()
        .filter(|found| found.event.log() == Log::Command)
        .map(|found| kept(found.event.id()))
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let select = Query::select()
        .columns([Events::Row, Events::Content])
        .from(Events::Table)
        .and_where(Expr::col(Events::Log).eq(number(Log::CommandEnd)))
        .and_where(Expr::col(Events::Id).is_in(ids.iter().map(|id| &**id)))
        .and_where(Expr::col(Events::Content).is_not_null())
        .to_owned();
    let mut results = BTreeMap::new();
    for (row, content) in work.rows::<(i64, String)>(&select).await? {
        match Event::from_json(Log::CommandEnd, &content) {
            Ok(Event::CommandEnd(end)) => drop(results.insert(end.id, end.result)),
            Ok(_) => {}
            Err(error) => return Err(StoreError::Damaged { row, reason: error.to_string() }),
        }
    }
    for found in found {
        if let Event::Command(command) = &mut found.event
            && let Some(result) = results.remove(&command.id)
        {
            command.result = result;
        }
    }
    Ok(())
}

/// Each writer's number, and where its chain has got to.
async fn heads(work: &mut Work) -> Result<Vec<(i64, Head)>, StoreError> {
    let select = Query::select()
        .columns([Writers::Id, Writers::Writer])
        .from(Writers::Table)
        .order_by(Writers::Id, sea_query::Order::Asc)
        .to_owned();
    let mut heads = Vec::new();
    for (number, writer) in work.rows::<(i64, Vec<u8>)>(&select).await? {
        let writer = Uuid::from_slice(&writer)
            .map_err(|error| StoreError::Damaged { row: number, reason: error.to_string() })?;
        heads.push((number, head_of(work, number, writer).await?));
    }
    Ok(heads)
}

/// Rows of a chain behind one of them.
async fn chain(
    work: &mut Work,
    writer: i64,
    id: Writer,
    after: u64,
    limit: usize,
) -> Result<Vec<Row>, StoreError> {
    let select = Query::select()
        .columns([Events::Row, Events::Log, Events::Seq, Events::Content, Events::ContentHash, Events::Hash])
        .from(Events::Table)
        .and_where(Expr::col(Events::Writer).eq(writer))
        .and_where(Expr::col(Events::Seq).gt(i64::try_from(after).unwrap_or(i64::MAX)))
        .order_by(Events::Seq, sea_query::Order::Asc)
        .limit(limit as u64)
        .to_owned();
    let mut rows = Vec::new();
    for (row, log, seq, content, content_hash, hash) in
        work.rows::<(i64, i64, i64, Option<String>, Vec<u8>, Vec<u8>)>(&select).await?
    {
        let damaged = |reason: String| StoreError::Damaged { row, reason };
        let log = Log::ALL.iter().copied().find(|known| number(*known) == log);
        let content = content.map(|content| serde_json::from_str(&content)).transpose();
        let content: Option<serde_json::Value> = content.map_err(|error| damaged(error.to_string()))?;
        let erased: Option<Hash> = content.is_none().then(|| hash_of(row, &content_hash)).transpose()?;
        rows.push(Row {
            log: log.ok_or_else(|| damaged("its log is none".into()))?,
            head: Head { writer: id, seq: seq.unsigned_abs(), hash: hash_of(row, &hash)? },
            content,
            content_hash: erased,
        });
    }
    Ok(rows)
}
