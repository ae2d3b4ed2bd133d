//! Blocks of lines, as they are written and forgotten.

use casemate_audit_log::Time;
use sea_query::{Expr, ExprTrait as _, Func, OnConflict, Order, Query};
use uuid::Uuid;

use crate::append::{bytes, searched};
use crate::database::Work;
use crate::error::StoreError;
use crate::merge::{Debt, Index};
use crate::names::{OutputBlocks, OutputText, Recordings as Column};
use crate::record::val;
use crate::recordings::{Recording, Recordings, row, signed};

/// Lines of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBlock {
    /// Which one of the recording it is, from 0.
    pub number: u64,
    /// From when the times in it count.
    pub start: Time,
    /// When the first line was seen.
    pub first: Time,
    /// When the last one was.
    pub last: Time,
    /// The lines, as their reader packed them.
    pub packed: Vec<u8>,
    /// The text by which they are found.
    pub text: String,
}

impl Recordings {
    /// Recordings of which not all blocks are there, the latest first, before one of them.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn to_index(&self, before: Option<Uuid>, limit: u64) -> Result<Vec<Recording>, StoreError> {
        let mut select = row::select();
        select
            .and_where(Expr::col(Column::Indexed).eq(Expr::cust("0")))
            .and_where(Expr::col(Column::Deleted).is_null())
            .order_by(Column::Id, Order::Desc)
            .limit(limit);
        if let Some(before) = before {
            select.and_where(Expr::col(Column::Id).lt(bytes(before.as_bytes())));
        }
        let rows = self.database().reading().await?.rows::<row::Row>(&select).await?;
        rows.into_iter().map(Recording::from_row).collect()
    }

    /// How many blocks of a recording there are: the first ones.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn blocks(&self, id: Uuid) -> Result<u64, StoreError> {
        let count = Query::select()
            .expr(Func::count(Expr::cust("*")))
            .from(OutputBlocks::Table)
            .and_where(Expr::col(OutputBlocks::Connection).eq(val(id)))
            .to_owned();
        let count = self.database().reading().await?.rows::<(i64,)>(&count).await?;
        Ok(count.first().map_or(0, |(count,)| count.unsigned_abs()))
    }

    /// Adds the next blocks of a recording, and says whether there are no more. What is there already stays.
    ///
    /// # Errors
    /// It has been deleted, or the database refuses.
    pub async fn index(&self, id: Uuid, blocks: &[NewBlock], are_all: bool) -> Result<(), StoreError> {
        let mut work = self.database().writing().await?;
        // Whoever deletes it waits for us, or we see it.
        let update = Query::update()
            .table(Column::Table)
            .value(Column::Indexed, i64::from(are_all))
            .and_where(Expr::col(Column::Id).eq(bytes(id.as_bytes())))
            .and_where(Expr::col(Column::Deleted).is_null())
            .to_owned();
        if work.run(&update).await? == 0 {
            return Err(StoreError::Deleted { id });
        }
        let mut debt = Debt::default();
        for block in blocks {
            let insert = Query::insert()
                .into_table(OutputBlocks::Table)
                .columns([
                    OutputBlocks::Connection,
                    OutputBlocks::Number,
                    OutputBlocks::Start,
                    OutputBlocks::First,
                    OutputBlocks::Last,
                    OutputBlocks::Packed,
                ])
                .values_panic([
                    val(id),
                    Expr::val(signed(block.number)),
                    Expr::val(block.start.0),
                    Expr::val(block.first.0),
                    Expr::val(block.last.0),
                    Expr::val(bytes(&block.packed)),
                ])
                .on_conflict(
                    OnConflict::columns([OutputBlocks::Connection, OutputBlocks::Number])
                        .do_nothing()
                        .to_owned(),
                )
                .returning_col(OutputBlocks::Id)
                .to_owned();
            let added: Vec<(i64,)> = work.rows(&insert).await.map_err(StoreError::of_writing)?;
            let Some(&(row,)) = added.first() else { continue };
            let text = Query::insert()
                .into_table(OutputText::Table)
                .columns([OutputText::Rowid, OutputText::Text])
                .values_panic([Expr::val(row), Expr::val(searched(&block.text))])
                .to_owned();
            work.run(&text).await?;
            debt.add(i64::try_from(block.text.len()).unwrap_or(i64::MAX));
        }
        work.commit().await?;
        debt.pay_all(self.database(), Index::Output).await;
        Ok(())
    }

    /// Forgets the blocks of a recording, so that they are made again.
    ///
    /// # Errors
    /// It has been deleted, or the database refuses.
    pub async fn index_again(&self, id: Uuid) -> Result<(), StoreError> {
        let mut work = self.database().writing().await?;
        let update = Query::update()
            .table(Column::Table)
            .value(Column::Indexed, 0_i64)
            .and_where(Expr::col(Column::Id).eq(bytes(id.as_bytes())))
            .and_where(Expr::col(Column::Deleted).is_null())
            .to_owned();
        if work.run(&update).await? == 0 {
            return Err(StoreError::Deleted { id });
        }
        let debt = forget(&mut work, id).await?;
        work.commit().await?;
        debt.pay_all(self.database(), Index::Output).await;
        Ok(())
    }
}

/// Forgets the blocks of a recording; gives what is to be merged. Their trigrams go with it where a tenth of a part of
/// the index has been forgotten.
pub(crate) async fn forget(work: &mut Work, id: Uuid) -> Result<Debt, StoreError> {
    let of = Expr::col(OutputBlocks::Connection).eq(val(id));
    let rows =
        Query::select().column(OutputBlocks::Id).from(OutputBlocks::Table).and_where(of.clone()).to_owned();
    let texts = Query::delete()
        .from_table(OutputText::Table)
        .and_where(Expr::col(OutputText::Rowid).in_subquery(rows))
        .to_owned();
    let forgotten = work.run(&texts).await?;
    let mut debt = Debt::default();
    if forgotten > 0 {
        debt.add_pages(signed(forgotten));
    }
    let blocks = Query::delete().from_table(OutputBlocks::Table).and_where(of).to_owned();
    work.run(&blocks).await?;
    Ok(debt)
}
