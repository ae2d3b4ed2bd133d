//! The parts of rotated recordings: whether each begins where the one before it ended.
//!
//! The first seal of a part names the last seal of the part before. Which part that is, its facts say: all parts of a
//! session have its id, and a number. Several files may be the same part: copies, or what was made of it.

use std::collections::BTreeMap;

use crate::integrity::Integrity;

/// A session that has more than one part.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Session<'a> {
    pub(super) id: &'a str,
    /// The parts that were given, in their order.
    pub(super) parts: Vec<&'a str>,
    /// They are more than one part.
    pub(super) has_links: bool,
    /// Each two that ought to follow each other, and do not.
    pub(super) broken: Vec<(&'a str, &'a str)>,
    /// The file that the first one continues, which was not given.
    pub(super) before: Option<&'a str>,
    /// The file in which the last one goes on, which was not given.
    pub(super) behind: Option<&'a str>,
}

impl Session<'_> {
    /// Whether all that was given follows each other.
    pub(super) fn is_whole(&self) -> bool {
        self.broken.is_empty()
    }
}

/// Finds the sessions in parts among recordings.
pub(super) fn links(read: &[Integrity]) -> Vec<Session<'_>> {
    let mut sessions: BTreeMap<&str, Vec<&Integrity>> = BTreeMap::new();
    for one in read.iter().filter(|one| one.segments() > 0) {
        if let Some(facts) = &one.facts {
            sessions.entry(&facts.session).or_default().push(one);
        }
    }
    let linked = sessions.into_iter().map(|(id, mut parts)| {
        parts.sort_by_key(|part| part.part());
        let numbers: Vec<&[&Integrity]> = parts.chunk_by(|one, other| one.part() == other.part()).collect();
        let broken = numbers.windows(2).flat_map(|two| {
            let unlinked = two[1].iter().filter(|part| !two[0].iter().any(|before| follows(part, before)));
            unlinked.map(|part| (two[0][0].name.as_str(), part.name.as_str()))
        });
        let first = parts.first().filter(|first| first.part() > 1);
        Session {
            id,
            broken: broken.collect(),
            before: first.and_then(|first| first.facts.as_ref()?.previous.as_deref()),
            behind: parts.last().and_then(|last| last.next.as_deref()),
            has_links: numbers.len() > 1,
            parts: parts.iter().map(|part| part.name.as_str()).collect(),
        }
    });
    linked.filter(|one| one.has_links || one.before.is_some() || one.behind.is_some()).collect()
}

fn follows(part: &Integrity, before: &Integrity) -> bool {
    let continues = part.verdict.as_ref().and_then(|verdict| verdict.continues);
    continues.is_some() && continues == before.last_seal()
}

#[cfg(test)]
mod tests {
    use casemate_cast_format::SessionFacts;
    use casemate_cast_format::segment::Verdict;

    use super::*;

    fn part(name: &str, number: u32, continues: u8, ends: u8) -> Integrity {
        let facts = serde_json::json!({
            "session": "s", "user": "u", "target": "t", "target_user": "r", "start_us": 5, "part": number,
            "previous": if number > 1 { Some("before") } else { None },
        });
        let hash = |byte: u8| (byte > 0).then_some([byte; 32]);
        let facts: SessionFacts = serde_json::from_value(facts).unwrap();
        let verdict =
            Verdict { segments: 1, continues: hash(continues), last_seal: hash(ends), ..Verdict::default() };
        Integrity {
            name: name.into(),
            bytes: 0,
            verdict: Some(verdict),
            facts: Some(facts),
            next: (number < 3).then(|| "next".into()),
            key: None,
        }
    }

    fn check(parts: &[Integrity], broken: &[(&str, &str)], ends: (Option<&str>, Option<&str>)) {
        let sessions = links(parts);
        assert_eq!(sessions.len(), 1);
        assert_eq!(sessions[0].broken, broken);
        assert_eq!((sessions[0].before, sessions[0].behind), ends);
    }

    #[test]
    fn parts_follow_each_other_in_whatever_order_they_are_given() {
        let one = || part("one", 1, 0, 1);
        let two = || part("two", 2, 1, 2);
        let three = || part("three", 3, 2, 3);
        check(&[three(), one(), two()], &[], (None, None));
        check(&[one(), one(), two()], &[], (None, Some("next")));
        check(&[two(), three()], &[], (Some("before"), None));
        check(&[one(), three()], &[("one", "three")], (None, None));
        check(&[one(), part("other", 2, 9, 2), three()], &[("one", "other")], (None, None));
        check(&[one(), part("unlinked", 2, 0, 2)], &[("one", "unlinked")], (None, Some("next")));
        check(&[one(), two(), part("again", 2, 1, 7)], &[], (None, Some("next")));
        check(&[one(), two(), part("converted", 2, 0, 7)], &[("one", "converted")], (None, Some("next")));
        check(&[part("copy", 1, 0, 9), one(), two()], &[], (None, Some("next")));
        check(&[two()], &[], (Some("before"), Some("next")));
        assert_eq!(links(&[part("alone", 3, 0, 1)])[0].before, Some("before"));
        let whole = || Integrity { next: None, ..one() };
        assert_eq!(links(&[whole(), whole()]), []);
    }
}
