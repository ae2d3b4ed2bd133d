//! What came after a cursor, all of it; checkpoints; and the one thing that may be done to a row.
//!
//! *Not here*: pages of events for a filter ([`question`](crate::question)).

use std::collections::BTreeMap;

use casemate_audit_log::Time;
use casemate_audit_log::chain::{Checkpoint, Hash, Head, Writer};
use casemate_audit_log::model::{Event, Log};
use casemate_audit_log::verify::Row;
use ed25519_dalek::SigningKey;
use sea_query::{Expr, ExprTrait as _, Order, Query};
use uuid::Uuid;

use crate::append::{hash_of, head_of, kept, number};
use crate::database::{Database, Text, Work};
use crate::error::StoreError;
use crate::names::{CONNECTION, Checkpoints, Events, FACETS, OF_CONNECTION, Writers};
use crate::terms::numbers;

/// Up to where the rows of each writer have been seen.
pub type Cursor = BTreeMap<Writer, u64>;

impl Database {
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

    /// An event of a connection, as it was written; nothing where there is none, or its content was taken away.
    ///
    /// # Errors
    /// The database refuses, or what stands in it is no event.
    pub async fn event(
        &self,
        log: Log,
        connection: Option<&str>,
        id: &str,
    ) -> Result<Option<Event>, StoreError> {
        let mut work = self.reading().await?;
        let connection = match connection {
            Some(connection) => {
                let numbers = numbers(&mut work, &[&*kept(connection)]).await?;
                let Some((_, number)) = numbers.into_iter().next() else { return Ok(None) };
                number
            }
            None => 0,
        };
        let select = Query::select()
            .columns([Events::Row, Events::Content])
            .from(Events::Table)
            .and_where(Expr::col(Events::Log).eq(number(log)))
            .and_where(Expr::cust(OF_CONNECTION).eq(connection))
            .and_where(Expr::col(Events::Id).eq(&*kept(id)))
            .and_where(Expr::col(Events::Content).is_not_null())
            .to_owned();
        let rows: Vec<(i64, String)> = work.rows(&select).await?;
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
            .order_by(Checkpoints::Id, Order::Asc)
            .to_owned();
        let rows: Vec<(i64, String)> = self.reading().await?.rows(&select).await?;
        let parse = |(row, text): (i64, String)| {
            serde_json::from_str(&text)
                .map_err(|error| StoreError::Damaged { row, reason: error.to_string() })
        };
        rows.into_iter().map(parse).collect()
    }

    /// Commands of a connection whose end is not in the log, by their ids.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn unended(&self, connection: &str) -> Result<Vec<String>, StoreError> {
        const UNENDED: Text = Text {
            sqlite: "SELECT begun.id FROM events AS begun WHERE begun.log = 1 \
                AND coalesce(begun.connection_id, 0) = (SELECT id FROM terms WHERE \"text\" = ?) \
                AND NOT EXISTS (SELECT 1 FROM events AS ends WHERE ends.log = 2 \
                AND coalesce(ends.connection_id, 0) = coalesce(begun.connection_id, 0) AND ends.id = begun.id)",
            postgres: "SELECT begun.id FROM events AS begun WHERE begun.log = 1 \
                AND coalesce(begun.connection_id, 0) = (SELECT id FROM terms WHERE \"text\" = $1) \
                AND NOT EXISTS (SELECT 1 FROM events AS ends WHERE ends.log = 2 \
                AND coalesce(ends.connection_id, 0) = coalesce(begun.connection_id, 0) AND ends.id = begun.id)",
        };
        let mut work = self.reading().await?;
        let rows: Vec<(String,)> = work.rows_of(&UNENDED, vec![kept(connection).into_owned().into()]).await?;
        Ok(rows.into_iter().map(|(id,)| id).collect())
    }

    /// Takes the content of a row away, and all by which it could be found. Its hashes stay: the chain holds.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn erase(&self, log: Log, id: &str) -> Result<bool, StoreError> {
        // There is no index of ids alone: nobody who writes waits for this.
        let select = Query::select()
            .column(Events::Row)
            .from(Events::Table)
            .and_where(Expr::col(Events::Log).eq(number(log)))
            .and_where(Expr::col(Events::Id).eq(&*kept(id)))
            .to_owned();
        let rows: Vec<(i64,)> = self.reading().await?.rows(&select).await?;
        let mut is_erased = false;
        let mut work = self.writing().await?;
        for (row,) in rows {
            // The index of texts has to be told what it forgets, if it had it.
            const FORGET: &str = "INSERT INTO events_text (events_text, rowid, \"text\") \
                SELECT 'delete', \"row\", \"text\" FROM events WHERE \"row\" = ? AND \"text\" IS NOT NULL \
                AND \"row\" <= (SELECT \"row\" FROM indexed_texts)";
            work.run_sqlite(FORGET, row).await?;
            let mut update = Query::update();
            update.table(Events::Table).and_where(Expr::col(Events::Row).eq(row));
            update.and_where(Expr::col(Events::Content).is_not_null());
            for column in [Events::Text, Events::Content] {
                update.value(column, Option::<String>::None);
            }
            // By its connection it is known that it was there.
            for column in FACETS.into_iter().filter(|column| *column != FACETS[CONNECTION]) {
                update.value(column, Option::<i64>::None);
            }
            is_erased |= work.run(&update).await? > 0;
        }
        work.commit().await?;
        Ok(is_erased)
    }
}

/// Each writer's number, and where its chain has got to.
async fn heads(work: &mut Work) -> Result<Vec<(i64, Head)>, StoreError> {
    let select = Query::select()
        .columns([Writers::Id, Writers::Writer])
        .from(Writers::Table)
        .order_by(Writers::Id, Order::Asc)
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
        .order_by(Events::Seq, Order::Asc)
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
