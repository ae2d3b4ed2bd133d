//! A search in PostgreSQL: the first events in the order of time are looked at, because a page may be full of those; and only
//! where it is not, the index of texts is asked, along with that of what else has to be so.
//!
//! Its index names places in no order, and all of them before the first is known. Of a word that is everywhere these are
//! millions, of which nobody wants more than a page.

use casemate_audit_log::model::Log;

use super::hits::SHORTEST;
use super::look_up::LookUp;
use super::{By, Conditions, Order, Page, Position, places_of};
use crate::database::Work;
use crate::error::StoreError;

/// A text that more have is found sooner by the time than by an index of texts.
const COMMON: usize = if cfg!(test) { 20 } else { 100_000 };

/// So many events are looked at before the index of texts is asked. Tests go every way with few events.
const FIRST: u64 = if cfg!(test) { 10 } else { 20_000 };

impl Conditions {
    /// The places of a page among those of a log.
    pub(super) async fn search(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
    ) -> Result<Vec<Position>, StoreError> {
        let LookUp { by, are_few } = self.look_up(work, log, page).await?;
        let until = if are_few { None } else { self.until(work, log, page, &by).await? };
        let first = self.places(work, log, page, &by, until).await?;
        if until.is_none() || first.len() >= page.limit {
            return Ok(first);
        }
        let has_trigrams = self.search.as_ref().is_some_and(|text| text.chars().count() >= SHORTEST);
        match by.first() {
            Some(By::Column(column, _)) if has_trigrams => {
                places_of(work, &self.select(log, page, By::Both(*column), None)).await
            }
            Some(By::Time) if has_trigrams => {
                let mut select = self.select(log, page, By::Text, None);
                let found = places_of(work, select.clear_order_by().limit(COMMON as u64 + 1)).await?;
                if found.len() <= COMMON { Ok(found) } else { self.places(work, log, page, &by, None).await }
            }
            _ => self.places(work, log, page, &by, None).await,
        }
    }

    /// The last of the first of each; nothing where there are no more of any.
    async fn until(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
        by: &[By],
    ) -> Result<Option<Position>, StoreError> {
        let mut until = Vec::new();
        for &by in by {
            until.extend(self.nth(work, log, page, by, FIRST).await?);
        }
        let until = until.into_iter();
        Ok(if page.order == Order::Newest { until.max() } else { until.min() })
    }
}
