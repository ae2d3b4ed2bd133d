//! What the index of texts of SQLite says of a search, and whether one begins with it.
//!
//! It says which events may have a text; each of them has to be looked at, in no order. An index with the time is in order, and
//! a page may be full soon; who is not among those that the index of texts names is passed over without a look.

use casemate_audit_log::model::Log;
use sea_query::{Expr, SimpleExpr};

use super::{By, Conditions, Page};
use crate::database::{Text, Work};
use crate::error::StoreError;
use crate::texts;

/// So many are no burden.
const ROWS: u64 = 100_000;

/// So few are looked at at once. Tests go every way with few events.
const FEW: u64 = if cfg!(test) { 10 } else { 500 };

/// Looking at so few of so many rows takes as long as it takes to find a page of them by the time: their number, squared, for
/// each row that there is.
const AS_LONG: u64 = 10;

/// Shorter texts are not in the index of texts.
pub(super) const SHORTEST: usize = 3;

/// Which events may have what is searched.
pub(super) struct Hits {
    count: u64,
    /// Their rows, a JSON array.
    pub(super) rows: String,
    /// Up to which row texts are in the index.
    head: i64,
}

const HITS: &str = "SELECT count(*), json_group_array(rowid) FROM (SELECT rowid FROM events_text WHERE events_text MATCH ? LIMIT ?)";

impl Conditions {
    /// What the index of texts says; nothing where it cannot help, or names too many.
    pub(super) async fn hits(&self, work: &mut Work) -> Result<Option<Hits>, StoreError> {
        let Some(trigrams) = self.search.as_deref().and_then(some_trigrams) else { return Ok(None) };
        let asked = vec![trigrams.into(), (ROWS + 1).into()];
        let found: Vec<(i64, String)> = work.rows_of(&Text { sqlite: HITS, postgres: "" }, asked).await?;
        let head = texts::head(work).await?;
        let mut hits =
            found.into_iter().map(|(count, rows)| Hits { count: count.unsigned_abs(), rows, head });
        Ok(hits.find(|hits| hits.count <= ROWS))
    }

    /// What is looked up for a page.
    pub(super) async fn ways(
        &self,
        work: &mut Work,
        log: Log,
        page: &Page,
        hits: Option<&Hits>,
    ) -> Result<Vec<By>, StoreError> {
        let Some(hits) = hits else { return Ok(self.look_up(work, log, page).await?.by) };
        let mut ways = vec![By::Text];
        if hits.count > FEW {
            let others = self.look_up(work, log, page).await?;
            if others.are_few || hits.count.saturating_mul(hits.count) > AS_LONG * hits.head.unsigned_abs() {
                ways = others.by;
            }
        }
        ways.push(By::Behind(hits.head));
        Ok(ways)
    }
}

/// Whether an event is one of some rows; `bare` if they are what is looked up.
pub(super) fn is_one_of(rows: &str, bare: bool) -> SimpleExpr {
    let row = if bare { "\"row\"" } else { "+\"row\"" };
    Expr::cust_with_values(format!("{row} IN (SELECT value FROM json_each(?))"), [rows])
}

/// What the index of texts is asked for a text: whatever has it has all of these.
pub(crate) fn trigrams(text: &str) -> Option<String> {
    asked(text, |_, _| true)
}

/// Fewer of them, of which each costs: those without which a character would not be asked for, and those across the end of a
/// word, which tell words in another order.
fn some_trigrams(text: &str) -> Option<String> {
    asked(text, |at, three| at % SHORTEST == 0 || !three[1].is_alphanumeric())
}

fn asked(text: &str, is_asked: impl Fn(usize, &[char]) -> bool) -> Option<String> {
    let characters: Vec<char> = text.chars().collect();
    let last = characters.len().checked_sub(SHORTEST)?;
    let mut trigrams: Vec<String> = (0..)
        .zip(characters.windows(SHORTEST))
        .filter(|(at, three)| *at == last || is_asked(*at, three))
        .map(|(_, three)| format!("\"{}\"", three.iter().collect::<String>().replace('"', "\"\"")))
        .collect();
    trigrams.sort_unstable();
    trigrams.dedup();
    Some(trigrams.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_is_asked_for_and_words_in_their_order() {
        assert_eq!(some_trigrams("ab"), None);
        assert_eq!(some_trigrams("abc").unwrap(), "\"abc\"");
        assert_eq!(some_trigrams("abcdefgh").unwrap(), "\"abc\" AND \"def\" AND \"fgh\"");
        assert_eq!(some_trigrams("rm -rf").unwrap(), "\" -r\" AND \"-rf\" AND \"m -\" AND \"rm \"");
        assert_eq!(trigrams("a\"bc").unwrap(), "\"\"\"bc\" AND \"a\"\"b\"");
    }
}
