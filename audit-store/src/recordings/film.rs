//! Films of recordings, as they are written and read: what a browser plays.
//!
//! *Invariants*: scene `n` of a recording is always the same, whoever makes it. A film is whole when its facts are there, with all
//! its scenes; until then it has those that were made so far, and some that somebody else has made or left. A recording that is
//! deleted takes its film along, and gets none any more. It can be made again.
//!
//! *Not here*: how films are made, and what their facts say.

use std::ops::RangeInclusive;

use sea_query::{Expr, ExprTrait as _, OnConflict, Order, Query, SimpleExpr};
use uuid::Uuid;

use super::{Recording, Recordings, row, signed};
use crate::append::bytes;
use crate::database::Work;
use crate::error::StoreError;
use crate::names::{FilmScenes, Films, Recordings as Column};

/// A part of a film, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptScene {
    /// Which one it is, from 0.
    pub number: u64,
    /// When it begins, in microseconds.
    pub start: u64,
    /// Where in the recording it is, as whoever made it says.
    pub place: String,
    /// The screen that it begins with.
    pub screen: Vec<u8>,
}

impl Recordings {
    /// Recordings that are complete and have no film, the latest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn to_film(&self, limit: u64) -> Result<Vec<Recording>, StoreError> {
        let select = row::select()
            .and_where(Expr::col(Column::Filmed).eq(Expr::cust("0")))
            .and_where(Expr::col(Column::Completed).is_not_null())
            .and_where(Expr::col(Column::Deleted).is_null())
            .order_by(Column::Id, Order::Desc)
            .limit(limit)
            .to_owned();
        let rows = self.database.reading().await?.rows::<row::Row>(&select).await?;
        rows.into_iter().map(Recording::from_row).collect()
    }

    /// Recordings that are not complete and have at least so many bytes, the latest first.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn growing(&self, least: u64, limit: u64) -> Result<Vec<Recording>, StoreError> {
        // What goes on is not all indexed: that has an index.
        let select = row::select()
            .and_where(Expr::col(Column::Indexed).eq(Expr::cust("0")))
            .and_where(Expr::col(Column::Deleted).is_null())
            .and_where(Expr::col(Column::Completed).is_null())
            .and_where(Expr::col(Column::Size).gte(signed(least)))
            .order_by(Column::Id, Order::Desc)
            .limit(limit)
            .to_owned();
        let rows = self.database.reading().await?.rows::<row::Row>(&select).await?;
        rows.into_iter().map(Recording::from_row).collect()
    }

    /// Adds scenes of a film that follow each other. They take the place of those that somebody left there.
    ///
    /// # Errors
    /// The recording has been deleted, or the database refuses.
    pub async fn add_scenes(&self, id: Uuid, scenes: &[KeptScene]) -> Result<(), StoreError> {
        let (Some(first), Some(last)) = (scenes.first(), scenes.last()) else { return Ok(()) };
        let mut work = self.changing(id, 0).await?;
        forget_scenes(&mut work, id, first.number..=last.number).await?;
        for scene in scenes {
            let insert = Query::insert()
                .into_table(FilmScenes::Table)
                .columns([
                    FilmScenes::Recording,
                    FilmScenes::Number,
                    FilmScenes::Start,
                    FilmScenes::Place,
                    FilmScenes::Screen,
                ])
                .values_panic([
                    Expr::val(bytes(id.as_bytes())),
                    Expr::val(signed(scene.number)),
                    Expr::val(signed(scene.start)),
                    Expr::val(scene.place.as_str()),
                    Expr::val(bytes(&scene.screen)),
                ])
                .to_owned();
            work.run(&insert).await?;
        }
        work.commit().await
    }

    /// Says that all scenes are there, so many, and what is known of the whole.
    ///
    /// # Errors
    /// The recording has been deleted, or the database refuses.
    pub async fn add_film(&self, id: Uuid, scenes: u64, facts: &str) -> Result<(), StoreError> {
        let mut work = self.changing(id, 1).await?;
        forget_scenes(&mut work, id, scenes..=u64::MAX).await?;
        let insert = Query::insert()
            .into_table(Films::Table)
            .columns([Films::Recording, Films::Facts])
            .values_panic([Expr::val(bytes(id.as_bytes())), Expr::val(facts)])
            .on_conflict(OnConflict::column(Films::Recording).update_column(Films::Facts).to_owned())
            .to_owned();
        work.run(&insert).await?;
        work.commit().await
    }

    /// What is known of a recording by its film; nothing where that has not been made.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn film(&self, id: Uuid) -> Result<Option<String>, StoreError> {
        let select = Query::select()
            .column(Films::Facts)
            .from(Films::Table)
            .and_where(Expr::col(Films::Recording).eq(bytes(id.as_bytes())))
            .to_owned();
        let rows = self.database.reading().await?.rows::<(String,)>(&select).await?;
        Ok(rows.into_iter().next().map(|(facts,)| facts))
    }

    /// When the scenes of a film begin, in microseconds, in their order: all that are there.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn scene_starts(&self, id: Uuid) -> Result<Vec<u64>, StoreError> {
        let select = Query::select()
            .column(FilmScenes::Start)
            .from(FilmScenes::Table)
            .and_where(of_recording(id))
            .order_by(FilmScenes::Number, Order::Asc)
            .to_owned();
        let rows = self.database.reading().await?.rows::<(i64,)>(&select).await?;
        Ok(rows.into_iter().map(|(start,)| start.unsigned_abs()).collect())
    }

    /// Some scenes of a film, from one on.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn scenes(&self, id: Uuid, from: u64, limit: u64) -> Result<Vec<KeptScene>, StoreError> {
        let select = Query::select()
            .columns([FilmScenes::Number, FilmScenes::Start, FilmScenes::Place, FilmScenes::Screen])
            .from(FilmScenes::Table)
            .and_where(of_recording(id))
            .and_where(Expr::col(FilmScenes::Number).gte(signed(from)))
            .order_by(FilmScenes::Number, Order::Asc)
            .limit(limit)
            .to_owned();
        let rows = self.database.reading().await?.rows::<(i64, i64, String, Vec<u8>)>(&select).await?;
        Ok(rows
            .into_iter()
            .map(|(number, start, place, screen)| KeptScene {
                number: number.unsigned_abs(),
                start: start.unsigned_abs(),
                place,
                screen,
            })
            .collect())
    }

    /// Begins to change the film of a recording. Whoever deletes it waits for us, or we see it.
    async fn changing(&self, id: Uuid, filmed: i64) -> Result<Work, StoreError> {
        let mut work = self.database.writing().await?;
        let update = Query::update()
            .table(Column::Table)
            .value(Column::Filmed, filmed)
            .and_where(Expr::col(Column::Id).eq(bytes(id.as_bytes())))
            .and_where(Expr::col(Column::Deleted).is_null())
            .to_owned();
        if work.run(&update).await? == 0 {
            return Err(StoreError::Deleted { id });
        }
        Ok(work)
    }
}

fn of_recording(id: Uuid) -> SimpleExpr {
    Expr::col(FilmScenes::Recording).eq(bytes(id.as_bytes()))
}

/// Forgets the film of a recording.
pub(super) async fn forget(work: &mut Work, id: Uuid) -> Result<(), StoreError> {
    let film = Query::delete()
        .from_table(Films::Table)
        .and_where(Expr::col(Films::Recording).eq(bytes(id.as_bytes())))
        .to_owned();
    work.run(&film).await?;
    forget_scenes(work, id, 0..=u64::MAX).await
}

async fn forget_scenes(work: &mut Work, id: Uuid, numbers: RangeInclusive<u64>) -> Result<(), StoreError> {
    let delete = Query::delete()
        .from_table(FilmScenes::Table)
        .and_where(of_recording(id))
        .and_where(Expr::col(FilmScenes::Number).between(signed(*numbers.start()), signed(*numbers.end())))
        .to_owned();
    work.run(&delete).await.map(drop)
}
