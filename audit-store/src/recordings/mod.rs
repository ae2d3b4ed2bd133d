//! Recordings: their bytes, and what is known of them.
//!
//! A recording grows at its end, by way of the [journal](crate::Journal). Its latest bytes are rows ([`tail`]); once they
//! are many, or it is complete, they become objects that are never changed ([`object`], [`tend`]). [`read`] does not care.
//!
//! *Invariants*: a byte that was acknowledged is read at its offset from then on, wherever it lies. A recording that has
//! been deleted leaves a row that says by whom, when and why, and nothing else.
//!
//! *Not here*: what the bytes mean, who may read them, and when it is time to [tend](Recordings::tend).

mod end;
mod film;
mod find;
mod folder;
mod later;
mod object;
mod read;
pub(crate) mod row;
pub(crate) mod tail;
mod tend;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use casemate_audit_log::Time;
use casemate_audit_log::chain::Hash;
use object_store::ObjectStore;
use sea_query::{Expr, ExprTrait as _, OnConflict, Query};
use uuid::Uuid;

use crate::append::bytes;
use crate::connections::Connections;
use crate::database::{Database, Work};
use crate::error::StoreError;
use crate::names::Recordings as Column;

use later::Later;

pub use film::KeptScene;
pub use find::RecordingFilter;
pub use tend::Tended;

/// How a recording is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Form {
    /// Plain text.
    Cast,
    /// Segments, compressed and chained.
    CastZst,
}

/// A recording that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRecording {
    /// That of its session.
    pub id: Uuid,
    /// How it is written.
    pub form: Form,
    /// Whose it is.
    pub subject_id: String,
    /// When it began.
    pub created: Time,
    /// Whether what was typed is in it.
    pub input_recorded: bool,
}

/// What is known of a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// That of its session.
    pub id: Uuid,
    /// How it is written.
    pub form: Form,
    /// Whose it is.
    pub subject_id: String,
    /// When it began.
    pub created: Time,
    /// Whether what was typed is in it.
    pub input_recorded: bool,
    /// So many bytes are there.
    pub size: u64,
    /// Since when nothing is added.
    pub completed: Option<Time>,
    /// Of all its bytes; it comes a while after it is complete.
    pub sha256: Option<Hash>,
    /// Who wants it to stay.
    pub hold: Option<Mark>,
    /// Who has deleted it.
    pub deleted: Option<Mark>,
}

/// That somebody has done something with a recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// When.
    pub time: Time,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.by, self.time, self.reason)
    }
}

/// Where recordings are kept.
#[derive(Clone, Debug)]
pub struct Recordings {
    database: Database,
    store: Arc<dyn ObjectStore>,
    sizes: Sizes,
    /// That of the store, where it is one.
    folder: Option<PathBuf>,
    later: Later,
    /// Something was deleted, and stands in the log of writes of the database. All clones are the same.
    has_deleted: Arc<AtomicBool>,
}

/// How great things are, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// So much is read at once.
    pub(crate) piece: u64,
    /// So much is worth an object while more follows.
    pub(crate) many: u64,
    /// So long is an object at most: all of it has to be read to see that it is as it was.
    pub(crate) longest: u64,
}

const SIZES: Sizes = Sizes { piece: 1 << 20, many: 1 << 20, longest: 64 << 20 };

impl Recordings {
    /// Keeps what is known of recordings in a database, and their bytes in a store.
    #[must_use]
    pub fn new(database: &Database, store: Arc<dyn ObjectStore>) -> Self {
        let (later, has_deleted) = (Later::default(), Arc::default());
        Self { database: database.clone(), store, sizes: SIZES, folder: None, later, has_deleted }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    #[cfg(test)]
    pub(crate) fn with_sizes(self, sizes: Sizes) -> Self {
        Self { sizes, ..self }
    }

    /// Begins a recording, unless it has begun.
    ///
    /// # Errors
    /// It is there, and of something else; or the database refuses.
    pub async fn create(&self, new: &NewRecording) -> Result<Recording, StoreError> {
        let mut work = self.database.writing().await?;
        let insert = Query::insert()
            .into_table(Column::Table)
            .columns([Column::Id, Column::Form, Column::SubjectId, Column::Created, Column::InputRecorded])
            .values_panic([
                Expr::val(bytes(new.id.as_bytes())),
                Expr::val(new.form.name()),
                Expr::val(new.subject_id.as_str()),
                Expr::val(new.created.0),
                Expr::val(i64::from(new.input_recorded)),
            ])
            .on_conflict(OnConflict::column(Column::Id).do_nothing().to_owned())
            .to_owned();
        if work.run(&insert).await? > 0 {
            work.run(&Connections::recorded(new.id, true)).await?;
        }
        let is = find(&mut work, new.id).await?;
        work.commit().await?;
        let same = (is.form, &is.subject_id, is.created, is.input_recorded);
        if same == (new.form, &new.subject_id, new.created, new.input_recorded) {
            Ok(is)
        } else {
            Err(StoreError::Differs { id: new.id })
        }
    }

    /// What is known of a recording, also of one that has been deleted.
    ///
    /// # Errors
    /// There is none, or the database refuses.
    pub async fn find(&self, id: Uuid) -> Result<Recording, StoreError> {
        find(&mut self.database.reading().await?, id).await
    }

    /// How many bytes of a recording are there: where it goes on.
    ///
    /// # Errors
    /// There is none, or the database refuses.
    pub async fn uploaded(&self, id: Uuid) -> Result<u64, StoreError> {
        Ok(self.find(id).await?.size)
    }
}

async fn find(work: &mut Work, id: Uuid) -> Result<Recording, StoreError> {
    let select = row::select().and_where(Expr::col(Column::Id).eq(bytes(id.as_bytes()))).to_owned();
    let found = work.rows::<row::Row>(&select).await?.into_iter().next();
    Recording::from_row(found.ok_or(StoreError::NoRecording { id })?)
}

/// Why no bytes can be added to a recording at an offset.
async fn no_bytes_for(work: &mut Work, id: Uuid, offset: u64) -> Result<StoreError, StoreError> {
    let found = match find(work, id).await {
        Ok(found) => found,
        Err(error @ StoreError::NoRecording { .. }) => return Ok(error),
        Err(error) => return Err(error),
    };
    Ok(if found.deleted.is_some() {
        StoreError::Deleted { id }
    } else if found.completed.is_some() {
        StoreError::Complete { id }
    } else {
        StoreError::Offset { id, expected: found.size, offset }
    })
}

/// A number of bytes as databases have it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
