//! What is known of a recording, as a row.

use casemate_audit_log::Time;
use casemate_audit_log::chain::Hash;
use sea_query::{Query, SelectStatement};
use uuid::Uuid;

use super::{Form, Mark, Recording};
use crate::error::StoreError;
use crate::names::Recordings as Column;

pub(crate) type Row = (
    Vec<u8>,
    String,
    String,
    i64,
    i64,
    i64,
    Option<i64>,
    Option<Vec<u8>>,
    Option<i64>,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<String>,
);

/// Begins a question whose answer is made of [`Row`]s.
pub(crate) fn select() -> SelectStatement {
    Query::select()
        .columns([
            Column::Id,
            Column::Form,
            Column::SubjectId,
            Column::Created,
            Column::InputRecorded,
            Column::Size,
            Column::Completed,
            Column::Sha256,
            Column::Held,
            Column::HeldBy,
            Column::HoldReason,
            Column::Deleted,
            Column::DeletedBy,
            Column::DeleteReason,
        ])
        .from(Column::Table)
        .to_owned()
}

impl Form {
    /// As it is named everywhere: what the name of such a file ends with.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cast => "cast",
            Self::CastZst => "cast.zst",
        }
    }

    /// The form of that name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Cast, Self::CastZst].into_iter().find(|form| form.name() == name)
    }
}

impl Recording {
    pub(crate) fn from_row(row: Row) -> Result<Self, StoreError> {
        let (id, form, subject_id, created, input_recorded, size, completed, sha256) =
            (row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7);
        let (held, held_by, hold_reason) = (row.8, row.9, row.10);
        let (deleted, deleted_by, delete_reason) = (row.11, row.12, row.13);
        let damaged = |reason| StoreError::Damaged { row: created, reason };
        let id = Uuid::from_slice(&id).map_err(|error| damaged(error.to_string()))?;
        let none = |what: &str| damaged(format!("{what} of recording {id} is none"));
        let mark = |time: Option<i64>, by: Option<String>, reason: Option<String>| {
            time.map(|time| Mark {
                time: Time(time),
                by: by.unwrap_or_default(),
                reason: reason.unwrap_or_default(),
            })
        };
        let sha256 = sha256.map(|hash| hash.try_into().map(Hash)).transpose();
        Ok(Self {
            id,
            form: Form::of_name(&form).ok_or_else(|| none("the form"))?,
            subject_id,
            created: Time(created),
            input_recorded: input_recorded != 0,
            size: u64::try_from(size).map_err(|_| none("the size"))?,
            completed: completed.map(Time),
            sha256: sha256.map_err(|_| none("the hash"))?,
            hold: mark(held, held_by, hold_reason),
            deleted: mark(deleted, deleted_by, delete_reason),
        })
    }

    /// It, unless it has been deleted.
    pub(super) fn present(self) -> Result<Self, StoreError> {
        if self.deleted.is_some() { Err(StoreError::Deleted { id: self.id }) } else { Ok(self) }
    }
}
