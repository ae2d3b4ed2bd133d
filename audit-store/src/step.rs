//! Steps: a change that is made once, and what is written down of it, in the same transaction.
//!
//! Whoever makes a change and then says so leaves a hole when it ends in between. A step is neither before the other: where
//! the change was made already, or may not be made any more, it comes to nothing, and nothing is said.

use casemate_audit_log::model::Event;
use sea_query::{DeleteStatement, InsertStatement, UpdateStatement};

use crate::database::Work;
use crate::error::StoreError;

/// A change, and the events that say so. What makes them is beside what they change, as
/// [`Connections::ending`](crate::Connections::ending).
#[derive(Clone, Debug)]
pub struct Step {
    first: Change,
    then: Vec<Change>,
    events: Vec<Event>,
}

#[derive(Clone, Debug)]
pub(crate) enum Change {
    Insert(InsertStatement),
    Update(UpdateStatement),
    Delete(DeleteStatement),
}

impl Step {
    /// If the first is about a row, it is made, with what follows, and said.
    pub(crate) fn new(first: impl Into<Change>, then: Vec<Change>, events: Vec<Event>) -> Self {
        Self { first: first.into(), then, events }
    }

    /// What is written down if it is made.
    pub(crate) fn events(&self) -> &[Event] {
        &self.events
    }
}

/// Makes what can be made; gives how many, and adds what is to be written down.
pub(crate) async fn take<'s>(
    work: &mut Work,
    steps: &'s [Step],
    events: &mut Vec<&'s Event>,
) -> Result<usize, StoreError> {
    let mut made = 0;
    for step in steps {
        if step.first.make(work).await? == 0 {
            continue;
        }
        for change in &step.then {
            change.make(work).await?;
        }
        events.extend(&step.events);
        made += 1;
    }
    Ok(made)
}

impl Change {
    async fn make(&self, work: &mut Work) -> Result<u64, StoreError> {
        match self {
            Self::Insert(insert) => work.run(insert).await,
            Self::Update(update) => work.run(update).await,
            Self::Delete(delete) => work.run(delete).await,
        }
    }
}

impl From<InsertStatement> for Change {
    fn from(insert: InsertStatement) -> Self {
        Self::Insert(insert)
    }
}

impl From<UpdateStatement> for Change {
    fn from(update: UpdateStatement) -> Self {
        Self::Update(update)
    }
}

impl From<DeleteStatement> for Change {
    fn from(delete: DeleteStatement) -> Self {
        Self::Delete(delete)
    }
}
