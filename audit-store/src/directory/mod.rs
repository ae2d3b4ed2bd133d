//! Who and what there is: the organisation, subjects with their keys and sign-ins, targets, environments, spaces.
//!
//! *Invariants*: what is deleted keeps its row, and whatever gets its name later is another one, with another id. Of secrets
//! only hashes are kept. What may be done once is done once, also where several servers try: each change is one transaction
//! with its condition, and says whether it was made.
//!
//! *Not here*: who may do what (the server), and what has happened (the logs: events are snapshots, and look nothing up
//! here).

mod keys;
mod part;
mod places;
mod sign_ins;
mod subjects;
mod targets;

use casemate_audit_log::Time;
use sea_query::OnConflict;
use uuid::Uuid;

pub use self::keys::Key;
pub use self::part::{Called, Part};
pub use self::places::{Environment, Space};
pub use self::sign_ins::{Link, Purpose, SetUp, SignIn};
pub use self::subjects::{NewSubject, Subject, SubjectChange};
pub use self::targets::Target;
use crate::database::Database;
use crate::error::StoreError;
use crate::record::{insert, name, record, select, text, update};

/// Of whom it is noted that they were there, that is noted once in so many microseconds.
const SEEN: i64 = 60_000_000;

record! {
    /// Whose all of it is. There is one.
    Organization of Organizations {
        /// Always 1.
        number: i64 = Number,
        /// Its id.
        id: Uuid = Id,
        /// Its name.
        name: String = Name,
        /// When it was made.
        created: Time = Created,
    }
}

/// Who and what there is.
#[derive(Clone, Debug)]
pub struct Directory {
    database: Database,
    organization: Uuid,
}

impl Directory {
    /// Opens the directory. Where there is no organisation yet it is made, with this name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn open(database: &Database, name: &str, now: Time) -> Result<Self, StoreError> {
        let found = database.one::<Organization>(&select::<Organization>()).await?;
        let organization = match found {
            Some(found) => found,
            None => {
                let made = Organization { number: 1, id: Uuid::now_v7(), name: text(name), created: now };
                let mut work = database.writing().await?;
                work.run(insert(&made).on_conflict(OnConflict::new().do_nothing().to_owned())).await?;
                let there = work.one(&select::<Organization>()).await?;
                work.commit().await?;
                there.unwrap_or(made)
            }
        };
        Ok(Self { database: database.clone(), organization: organization.id })
    }

    /// Whose all of it is.
    #[must_use]
    pub fn organization_id(&self) -> Uuid {
        self.organization
    }

    /// Whose all of it is.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn organization(&self) -> Result<Organization, StoreError> {
        let found = self.database.one(&select::<Organization>()).await?;
        found.ok_or_else(|| StoreError::Ended { reason: "the organisation is gone".into() })
    }

    /// Gives it another name.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn rename_organization(&self, new_name: &str) -> Result<(), StoreError> {
        self.database.run(update::<Organization>().value(Organizations::Name, name(new_name))).await.map(drop)
    }
}

/// Whether it is to be noted again that somebody was there.
fn is_to_be_noted(before: Option<Time>, now: Time) -> bool {
    before.is_none_or(|before| now.0.saturating_sub(before.0) >= SEEN)
}
