//! Names by their numbers. Names stand in millions of rows, and each is there once.
//!
//! *Invariant*: what is remembered is in the database: what a transaction adds is remembered when it is committed.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use casemate_audit_log::facets::Facets;
use sea_query::Value;

use crate::append::kept;
use crate::database::{Text, Work};
use crate::error::StoreError;

/// So many are remembered; then they are learnt anew.
const REMEMBERED: usize = 200_000;

/// The number of no name.
pub(crate) const NAMELESS: i64 = 0;

/// Which names have which numbers, and which stood beside which id.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    numbers: HashMap<String, i64>,
    called: HashSet<(i64, i64)>,
}

/// The names of an event in the order of the columns, [`FACETS`](crate::names::FACETS).
pub(crate) fn names<'e>(facets: &Facets<'e>) -> [Option<Cow<'e, str>>; 15] {
    [
        facets.subject_id,
        facets.subject_type,
        facets.subject_name,
        facets.ip_address,
        facets.connection_id,
        facets.space_id,
        facets.space_name,
        facets.target_id,
        facets.target_name,
        facets.target_type,
        facets.target_user,
        facets.environment_id,
        facets.environment_name,
        facets.action,
        facets.node_id,
    ]
    .map(|name| name.map(kept))
}

/// Of the names of an event, those that are an id and its name.
const CALLED: [(usize, usize); 4] = [(0, 2), (5, 6), (7, 8), (11, 12)];

impl Terms {
    /// The numbers of the names of some events, of each in their order; what is new is written.
    pub(crate) async fn learn(
        &self,
        work: &mut Work,
        names: &[[Option<Cow<'_, str>>; 15]],
    ) -> Result<(Vec<[Option<i64>; 15]>, Self), StoreError> {
        let known = |name: &Cow<'_, str>| self.numbers.get(&**name).copied();
        let mut numbered: Vec<[Option<i64>; 15]> =
            names.iter().map(|names| names.each_ref().map(|name| name.as_ref().and_then(known))).collect();
        let each = || numbered.iter().zip(names).flat_map(|(numbers, names)| numbers.iter().zip(names));
        let wanted = each().filter_map(|(number, name)| name.as_deref().filter(|_| number.is_none()));
        let wanted: Vec<&str> = wanted.collect::<BTreeSet<_>>().into_iter().collect();
        let mut learnt = Self::default();
        if !wanted.is_empty() {
            learnt.numbers.extend(numbers(work, &wanted).await?);
            let new: Vec<_> = wanted.iter().filter(|name| !learnt.numbers.contains_key(**name)).collect();
            if !new.is_empty() {
                let added = work.rows_of(&ADD, vec![serde_json::to_string(&new)?.into()]).await;
                let added: Vec<(String, i64)> = added.map_err(StoreError::of_writing)?;
                // Another server may have been sooner.
                let are_all = added.len() == new.len();
                learnt.numbers.extend(added);
                if !are_all {
                    learnt.numbers.extend(numbers(work, &wanted).await?);
                }
            }
            for (number, name) in numbered.iter_mut().flatten().zip(names.iter().flatten()) {
                let learnt = |name: &Cow<'_, str>| learnt.numbers.get(&**name).copied();
                *number = number.or_else(|| name.as_ref().and_then(learnt));
            }
        }
        let called = numbered.iter().flat_map(|numbers| {
            CALLED.iter().filter_map(|&(id, name)| Some((numbers[id]?, numbers[name].unwrap_or(NAMELESS))))
        });
        learnt.called = called.filter(|called| !self.called.contains(called)).collect();
        if !learnt.called.is_empty() {
            // In an order, so that of two that write at once none waits for the other.
            let new: BTreeSet<_> = learnt.called.iter().collect();
            work.run_of(&CALL, vec![serde_json::to_string(&new)?.into()]).await?;
        }
        Ok((numbered, learnt))
    }

    /// Remembers what was learnt in a transaction that has been committed.
    pub(crate) fn remember(&mut self, learnt: Self) {
        if self.numbers.len() > REMEMBERED {
            self.numbers.clear();
        }
        if self.called.len() > REMEMBERED {
            self.called.clear();
        }
        self.numbers.extend(learnt.numbers);
        self.called.extend(learnt.called);
    }
}

const NUMBERS: Text = Text {
    sqlite: "SELECT terms.text, terms.id FROM json_each(?) AS asked CROSS JOIN terms ON terms.text = asked.value",
    postgres: "SELECT terms.text, terms.id FROM jsonb_array_elements_text($1::jsonb) AS asked (value) \
        JOIN terms ON terms.text = asked.value",
};

const ADD: Text = Text {
    sqlite: "INSERT INTO terms (text) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING RETURNING text, id",
    postgres: "INSERT INTO terms (text) SELECT jsonb_array_elements_text($1::jsonb) ON CONFLICT DO NOTHING RETURNING text, id",
};

const CALL: Text = Text {
    sqlite: "INSERT INTO called (id, name) SELECT value ->> 0, value ->> 1 FROM json_each(?) WHERE true \
        ON CONFLICT DO NOTHING",
    postgres: "INSERT INTO called (id, name) SELECT (value ->> 0)::bigint, (value ->> 1)::bigint \
        FROM jsonb_array_elements($1::jsonb) AS asked (value) ON CONFLICT DO NOTHING",
};

const NAMES: Text = Text {
    sqlite: "SELECT DISTINCT name FROM json_each(?) AS asked CROSS JOIN called ON called.id = asked.value",
    postgres: "SELECT DISTINCT name FROM jsonb_array_elements_text($1::jsonb) AS asked (value) \
        JOIN called ON called.id = asked.value::bigint",
};

/// The numbers of those names that have one.
pub(crate) async fn numbers(work: &mut Work, names: &[&str]) -> Result<Vec<(String, i64)>, StoreError> {
    work.rows_of(&NUMBERS, vec![serde_json::to_string(names)?.into()]).await
}

/// The names that stood beside any of some ids.
pub(crate) async fn names_of(work: &mut Work, ids: &[i64]) -> Result<Vec<i64>, StoreError> {
    let ids: Value = serde_json::to_string(ids)?.into();
    let names: Vec<(i64,)> = work.rows_of(&NAMES, vec![ids]).await?;
    Ok(names.into_iter().map(|(name,)| name).collect())
}
