//! Stills that were made lately: whoever lists recordings sees those that others have just seen.
//!
//! *Invariants*: their bytes have a bound, and those that nobody asked for longest go first. A still is of a recording as it is:
//! once there is more of that, or all, another takes its place. Not here: whether somebody may see it, and whether the recording is
//! still there. That is asked before.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use axum::body::Bytes;
use casemate_audit_store::Recording;
use uuid::Uuid;

/// A page of a hundred has a mebibyte of them.
const BYTES: usize = 16 << 20;

/// What one takes beside its picture.
const BESIDE: usize = 256;

/// Stills, by recording.
#[derive(Debug, Default)]
pub(super) struct Stills(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    stills: HashMap<Uuid, Still>,
    bytes: usize,
    /// So often one was asked for.
    turn: u64,
}

#[derive(Debug)]
struct Still {
    of: State,
    picture: Bytes,
    /// When it was asked for last.
    turn: u64,
}

/// How much there is of a recording, and whether that is all.
type State = (u64, bool);

fn state(recording: &Recording) -> State {
    (recording.size, recording.completed.is_some())
}

impl Stills {
    /// The still of a recording as it is.
    pub(super) fn find(&self, recording: &Recording) -> Option<Bytes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).find(recording.id, state(recording))
    }

    /// Forgets that of a recording.
    pub(super) fn forget(&self, id: Uuid) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).forget(id);
    }

    /// Keeps one for others.
    pub(super) fn keep(&self, recording: &Recording, picture: Bytes) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keep(recording.id, state(recording), picture);
    }
}

impl Kept {
    fn find(&mut self, id: Uuid, of: State) -> Option<Bytes> {
        self.turn += 1;
        let still = self.stills.get_mut(&id).filter(|still| still.of == of)?;
        still.turn = self.turn;
        Some(still.picture.clone())
    }

    fn keep(&mut self, id: Uuid, of: State, picture: Bytes) {
        self.forget(id);
        self.bytes += picture.len() + BESIDE;
        self.turn += 1;
        self.stills.insert(id, Still { of, picture, turn: self.turn });
        while self.bytes > BYTES {
            let oldest = self.stills.iter().min_by_key(|(_, still)| still.turn).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.forget(oldest);
        }
    }

    fn forget(&mut self, id: Uuid) {
        if let Some(still) = self.stills.remove(&id) {
            self.bytes -= still.picture.len() + BESIDE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_nobody_asks_for_make_room_for_others() {
        let mut kept = Kept::default();
        let picture = || Bytes::from(vec![b'x'; 1 << 20]);
        let id = |number: u128| Uuid::from_u128(number);
        for number in 0..100 {
            kept.keep(id(number), (5, true), picture());
            assert!(kept.find(id(0), (5, true)).is_some(), "{number}");
            assert!(kept.bytes <= BYTES && kept.stills.len() < 16);
        }
        assert!(kept.find(id(50), (5, true)).is_none() && kept.find(id(99), (5, true)).is_some());
        kept.keep(id(1), (5, true), Bytes::from(vec![b'x'; BYTES]));
        assert_eq!((kept.bytes, kept.stills.len()), (0, 0));
    }

    #[test]
    fn what_has_grown_or_ended_has_another() {
        let mut kept = Kept::default();
        kept.keep(Uuid::nil(), (5, false), "now".into());
        assert!(kept.find(Uuid::nil(), (6, false)).is_none() && kept.find(Uuid::nil(), (5, true)).is_none());
        assert_eq!(kept.find(Uuid::nil(), (5, false)).unwrap(), "now");
        kept.keep(Uuid::nil(), (6, true), "whole".into());
        assert!(kept.find(Uuid::nil(), (5, false)).is_none());
        assert_eq!(kept.find(Uuid::nil(), (6, true)).unwrap(), "whole");
        assert_eq!((kept.bytes, kept.stills.len()), (5 + BESIDE, 1));
    }
}
