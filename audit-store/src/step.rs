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
    /// It is about so many rows, all of them or none.
    whole: Option<u64>,
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
        Self { first: first.into(), whole: None, then, events }
    }

    /// The same, of a first change that is about so many rows: if it is about some of them alone, nothing of the batch is kept.
    pub(crate) fn whole(self, rows: usize) -> Self {
        Self { whole: Some(rows as u64), ..self }
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
        let rows = step.first.make(work).await?;
        if rows == 0 {
            continue;
        }
        if step.whole.is_some_and(|whole| rows < whole) {
            return Err(StoreError::Partly);
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
