//! An event as far as its row does not depend on others: whoever brings it makes it, beside those who write.

use std::borrow::Cow;

use casemate_audit_log::chain::{Hash, Head, canonical_hash};
use casemate_audit_log::model::Event;
use sea_query::Value;

use crate::append::{bytes, kept, number, searched};
use crate::error::StoreError;
use crate::names::{Events, FACETS};

/// An event about to be written.
#[derive(Clone, Debug)]
pub(crate) struct Ready<'e> {
    pub(crate) event: Cow<'e, Event>,
    /// Canonical JSON.
    pub(crate) content: String,
    pub(crate) content_hash: Hash,
    /// What is searched.
    text: Option<String>,
    is_admin: Option<i64>,
    evaluation: Option<i64>,
}

impl<'e> Ready<'e> {
    pub(crate) fn new(event: Cow<'e, Event>) -> Result<Self, StoreError> {
        let content = event.canonical()?;
        let content_hash = canonical_hash(event.log(), &content);
        let content = String::from_utf8(content)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
        let facets = event.facets();
        let text = facets.text.as_ref().map(|text| searched(text));
        let (is_admin, evaluation) = (facets.is_admin.map(i64::from), facets.evaluation.map(i64::from));
        Ok(Self { event, content, content_hash, text, is_admin, evaluation })
    }

    /// In the order of the columns.
    pub(crate) fn values(
        &self,
        writer: i64,
        head: Head,
        numbers: &[Option<i64>; 15],
        values: &mut Vec<Value>,
    ) {
        let event = &*self.event;
        values.extend([
            number(event.log()).into(),
            writer.into(),
            i64::try_from(head.seq).unwrap_or(i64::MAX).into(),
            event.time().0.into(),
            kept(event.id()).into_owned().into(),
        ]);
        values.extend(numbers.iter().map(|number| Value::from(*number)));
        values.push(self.is_admin.into());
        values.push(self.evaluation.into());
        values.push(self.text.clone().into());
        values.push(self.content.as_str().into());
        values.push(bytes(&self.content_hash.0));
        values.push(bytes(&head.hash.0));
    }
}

/// How many there are of [`columns`].
pub(crate) const COLUMNS: usize = 9 + FACETS.len();

/// In the order of [`Ready::values`].
pub(crate) fn columns() -> impl Iterator<Item = Events> {
    let place = [Events::Log, Events::Writer, Events::Seq, Events::Time, Events::Id];
    let content = [Events::Text, Events::Content, Events::ContentHash, Events::Hash];
    place.into_iter().chain(FACETS).chain(content)
}
