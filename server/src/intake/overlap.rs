//! Bytes at an offset, beside those that are stored: what is to be done with them.
//!
//! Whoever uploads may send again what is there already, as far back as it likes; it must be the same. Nothing is ever
//! changed, and nothing is left out.

use std::ops::Range;

/// Bytes that begin at `offset`, of a recording of which `stored` bytes are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// So many are stored.
    pub stored: u64,
    /// Where those that come begin.
    pub offset: u64,
    /// How many come.
    pub length: u64,
}

/// What is to be done with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Append those from that one on: none are there yet if it is the first, and there is one at least.
    Append(usize),
    /// There is nothing new in them, and nothing to compare.
    AlreadyThere,
    /// Bytes before them are missing, from `stored` on; or there are more than can be counted.
    Gap,
    /// These bytes of the recording are stored, and they must be the same as the first of those that come. Then append
    /// those from `append` on, if there are any.
    Compare {
        /// Where they are stored.
        stored: Range<u64>,
        /// Which of those that come are new: the rest.
        append: usize,
    },
}

impl Overlap {
    /// What is to be done.
    #[must_use]
    pub fn step(self) -> Step {
        let Self { stored, offset, length } = self;
        let Some(end) = offset.checked_add(length) else { return Step::Gap };
        if offset > stored {
            return Step::Gap;
        }
        if length == 0 {
            return Step::AlreadyThere;
        }
        if offset == stored {
            return Step::Append(0);
        }
        let same = end.min(stored) - offset;
        let Ok(append) = usize::try_from(same) else { return Step::Gap };
        Step::Compare { stored: offset..offset + same, append }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_case_has_its_step() {
        let step = |stored, offset, length| Overlap { stored, offset, length }.step();
        assert_eq!(step(0, 0, 0), Step::AlreadyThere);
        assert_eq!(step(0, 0, 5), Step::Append(0));
        assert_eq!(step(5, 5, 5), Step::Append(0));
        assert_eq!(step(5, 6, 5), Step::Gap);
        assert_eq!(step(5, 6, 0), Step::Gap, "it believes that more is there");
        assert_eq!(step(5, 2, 0), Step::AlreadyThere);
        assert_eq!(step(5, 2, 3), Step::Compare { stored: 2..5, append: 3 });
        assert_eq!(step(5, 2, 2), Step::Compare { stored: 2..4, append: 2 });
        assert_eq!(step(5, 2, 9), Step::Compare { stored: 2..5, append: 3 });
        assert_eq!(step(5, u64::MAX, 2), Step::Gap);
        assert_eq!(step(u64::MAX, u64::MAX, 1), Step::Gap);
    }

    /// A server with one recording, that does what it is told.
    fn patch(stored: &mut Vec<u8>, offset: u64, body: &[u8]) -> Result<(), &'static str> {
        let overlap = Overlap { stored: stored.len() as u64, offset, length: body.len() as u64 };
        match overlap.step() {
            Step::Append(from) => stored.extend_from_slice(&body[from..]),
            Step::AlreadyThere => {}
            Step::Gap => return Err("gap"),
            Step::Compare { stored: range, append } => {
                let (begin, end) =
                    (usize::try_from(range.start).unwrap(), usize::try_from(range.end).unwrap());
                if stored[begin..end] != body[..append] {
                    return Err("differs");
                }
                stored.extend_from_slice(&body[append..]);
            }
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn whatever_is_sent_the_recording_is_a_beginning_of_the_true_one(
            pieces in proptest::collection::vec((0..40_u64, 0..20_usize), 0..30),
        ) {
            let truth: Vec<u8> = (0..60).collect();
            let mut stored = Vec::new();
            for (offset, length) in pieces {
                let begin = usize::try_from(offset).unwrap();
                let before = stored.len();
                let body = &truth[begin..(begin + length).min(truth.len())];
                let result = patch(&mut stored, offset, body);
                prop_assert_eq!(&stored[..], &truth[..stored.len()]);
                prop_assert_eq!(result, if begin > before { Err("gap") } else { Ok(()) });
                prop_assert_eq!(stored.len(), if begin > before { before } else { before.max(begin + body.len()) });
            }
        }

        #[test]
        fn other_bytes_are_noticed_where_they_are_stored(
            stored in proptest::collection::vec(any::<u8>(), 1..40), at in any::<prop::sample::Index>(),
            offset in any::<prop::sample::Index>(), more in proptest::collection::vec(any::<u8>(), 0..9),
        ) {
            let at = at.index(stored.len());
            let begin = offset.index(at + 1);
            let mut body = stored[begin..].to_vec();
            body[at - begin] ^= 1;
            body.extend(more);
            let mut kept = stored.clone();
            prop_assert_eq!(patch(&mut kept, begin as u64, &body), Err("differs"));
            prop_assert_eq!(kept, stored);
        }

        #[test]
        fn any_numbers_will_do(stored in any::<u64>(), offset in any::<u64>(), length in any::<u64>()) {
            match (Overlap { stored, offset, length }).step() {
                Step::Append(from) => prop_assert_eq!((offset, from), (stored, 0)),
                Step::AlreadyThere => prop_assert_eq!(length, 0),
                Step::Gap => prop_assert!(offset > stored || offset.checked_add(length).is_none()),
                Step::Compare { stored: range, append } => {
                    prop_assert!(range.start == offset && range.end <= stored && range.end - range.start == append as u64);
                    prop_assert!(append as u64 <= length && append > 0);
                }
            }
        }
    }
}
