//! Stills that were made lately: whoever lists recordings sees those that others have just seen.
//!
//! *Invariants*: their bytes have a bound, and those that nobody asked for longest go first. A still is of a recording as it is:
//! once there is more of that, or all, another takes its place; one of what goes on is good for [`WHILE`] all the same. Of what was
//! forgotten nothing is kept that was begun before. Not here: whether somebody may see it, and whether the recording is still there.
//! That is asked before.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use casemate_audit_store::Recording;
use uuid::Uuid;

/// A page of a hundred has a mebibyte of them.
const BYTES: usize = 16 << 20;

/// So many are looked through for the oldest.
const MOST: usize = 4096;

/// What one takes beside its picture.
const BESIDE: usize = 256;

/// What grows all the time has no more than one in that time.
pub(super) const WHILE: Duration = Duration::from_secs(1);

/// A still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Still {
    /// It.
    pub picture: Bytes,
    /// Of so many bytes of the recording it is.
    pub size: u64,
}

/// Stills, by recording.
#[derive(Debug, Default)]
pub(super) struct Stills(Mutex<Kept>);

/// When a still was begun: so often something had been forgotten by then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun(u64);

#[derive(Debug, Default)]
struct Kept {
    known: HashMap<Uuid, Known>,
    bytes: usize,
    /// So often one was asked for.
    turn: u64,
    /// So often one was forgotten.
    forgotten: u64,
}

#[derive(Debug)]
struct Known {
    what: What,
    /// When it was asked for last.
    turn: u64,
}

/// What is known of a recording.
#[derive(Debug)]
enum What {
    Picture {
        of: State,
        since: Instant,
        picture: Bytes,
    },
    /// What goes on is far from that scene, and becomes no nearer.
    Far {
        scene: u64,
    },
}

/// How much there is of a recording, and whether that is all.
type State = (u64, bool);

fn state(recording: &Recording) -> State {
    (recording.size, recording.completed.is_some())
}

impl Stills {
    /// The still of a recording as it is, or was a moment ago.
    pub(super) fn find(&self, recording: &Recording) -> Option<Still> {
        self.kept().find(recording.id, state(recording), Instant::now())
    }

    /// Whether what goes on is known to be far from a scene of it.
    pub(super) fn is_far(&self, id: Uuid, scene: u64) -> bool {
        self.kept().is_far(id, scene)
    }

    /// To be asked before anything of a recording is read for a still.
    pub(super) fn begin(&self) -> Begun {
        Begun(self.kept().forgotten)
    }

    /// Forgets that of a recording, and those of any that are being made: they may be of this one.
    pub(super) fn forget(&self, id: Uuid) {
        let mut kept = self.kept();
        kept.forgotten += 1;
        kept.remove(id);
    }

    /// Keeps one for others.
    pub(super) fn keep(&self, begun: Begun, recording: &Recording, picture: Bytes) {
        let (of, since) = (state(recording), Instant::now());
        self.kept().keep(begun, recording.id, What::Picture { of, since, picture });
    }

    /// Keeps in mind that what goes on is far from a scene of it.
    pub(super) fn keep_far(&self, begun: Begun, id: Uuid, scene: u64) {
        self.kept().keep(begun, id, What::Far { scene });
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl What {
    fn bytes(&self) -> usize {
        BESIDE
            + match self {
                Self::Picture { picture, .. } => picture.len(),
                Self::Far { .. } => 0,
            }
    }
}

impl Kept {
    fn find(&mut self, id: Uuid, is: State, now: Instant) -> Option<Still> {
        self.turn += 1;
        let known = self.known.get_mut(&id)?;
        let What::Picture { of, since, picture } = &known.what else { return None };
        let is_fresh = !of.1 && !is.1 && now.saturating_duration_since(*since) < WHILE;
        if *of != is && !is_fresh {
            return None;
        }
        known.turn = self.turn;
        Some(Still { picture: picture.clone(), size: of.0 })
    }

    fn is_far(&mut self, id: Uuid, from: u64) -> bool {
        self.turn += 1;
        let Some(known) = self.known.get_mut(&id) else { return false };
        known.turn = self.turn;
        matches!(known.what, What::Far { scene } if scene == from)
    }

    fn keep(&mut self, begun: Begun, id: Uuid, what: What) {
        if begun.0 != self.forgotten {
            return;
        }
        self.remove(id);
        self.bytes += what.bytes();
        self.turn += 1;
        self.known.insert(id, Known { what, turn: self.turn });
        while self.bytes > BYTES || self.known.len() > MOST {
            let oldest = self.known.iter().min_by_key(|(_, known)| known.turn).map(|(id, _)| *id);
            let Some(oldest) = oldest else { break };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, id: Uuid) {
        if let Some(known) = self.known.remove(&id) {
            self.bytes -= known.what.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(of: State, picture: Bytes) -> What {
        What::Picture { of, since: Instant::now(), picture }
    }

    #[test]
    fn those_that_nobody_asks_for_make_room_for_others() {
        let mut kept = Kept::default();
        let (large, begun, now) = (|| Bytes::from(vec![b'x'; 1 << 20]), Begun(0), Instant::now());
        let id = |number: u128| Uuid::from_u128(number);
        for number in 0..100 {
            kept.keep(begun, id(number), picture((5, true), large()));
            assert!(kept.find(id(0), (5, true), now).is_some(), "{number}");
            assert!(kept.bytes <= BYTES && kept.known.len() < 16);
        }
        assert!(kept.find(id(50), (5, true), now).is_none() && kept.find(id(99), (5, true), now).is_some());
        kept.keep(begun, id(1), picture((5, true), Bytes::from(vec![b'x'; BYTES])));
        assert_eq!((kept.bytes, kept.known.len()), (0, 0));
        for number in 0..5_000 {
            kept.keep(begun, id(number), What::Far { scene: 1 });
        }
        assert!(kept.bytes <= BYTES && kept.known.len() == MOST);
    }

    #[test]
    fn what_has_grown_or_ended_has_another() {
        let (mut kept, id, begun, now) = (Kept::default(), Uuid::nil(), Begun(0), Instant::now());
        let later = now + 2 * WHILE;
        kept.keep(begun, id, picture((5, false), "now".into()));
        assert!(kept.find(id, (6, false), later).is_none() && kept.find(id, (5, true), now).is_none());
        assert_eq!(kept.find(id, (5, false), later).unwrap(), Still { picture: "now".into(), size: 5 });
        // It is good for a while, and says of what it is.
        assert_eq!(kept.find(id, (6, false), now).unwrap(), Still { picture: "now".into(), size: 5 });
        kept.keep(begun, id, picture((6, true), "whole".into()));
        assert!(kept.find(id, (5, false), now).is_none() && kept.find(id, (7, true), now).is_none());
        assert_eq!(kept.find(id, (6, true), later).unwrap().picture, "whole");
        assert_eq!((kept.bytes, kept.known.len()), (5 + BESIDE, 1));
    }

    #[test]
    fn what_is_far_from_a_scene_is_so_until_there_is_another() {
        let (mut kept, id, begun) = (Kept::default(), Uuid::nil(), Begun(0));
        assert!(!kept.is_far(id, 3));
        kept.keep(begun, id, picture((5, false), "now".into()));
        kept.keep(begun, id, What::Far { scene: 3 });
        assert!(kept.is_far(id, 3) && !kept.is_far(id, 4));
        assert!(kept.find(id, (5, false), Instant::now()).is_none());
        kept.keep(begun, id, picture((9, false), "now".into()));
        assert!(!kept.is_far(id, 3));
        assert_eq!(kept.bytes, 3 + BESIDE);
    }
}
