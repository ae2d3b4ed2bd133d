//! The roll: the connections that go on. One call says for all of them that they are there, and hears which are to end.
//!
//! *Invariants*: who is on it is known to the server, and is on it for as long as its [`Entered`] lives. Nobody is spoken for
//! who is in no call: whoever has just come speaks for himself until the next one. What is to end is in no call any more.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

/// A server takes no more in one call. Who is beyond speaks for himself.
const MOST: usize = 10_000;

/// Who goes on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roll(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    all: Mutex<HashMap<Uuid, Standing>>,
    entered: Condvar,
}

/// How one of them stands.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    /// In no call.
    Alone,
    /// In one that is under way, or came to something and was the last.
    Called,
    /// Somebody closed it: why, until it is known here.
    Closed(Option<String>),
}

/// One that goes on, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Entered {
    id: Uuid,
    roll: Roll,
}

impl Roll {
    /// Takes in one that the server knows.
    pub(crate) fn enter(&self, id: Uuid) -> Entered {
        self.lock().insert(id, Standing::Alone);
        self.0.entered.notify_all();
        Entered { id, roll: self.clone() }
    }

    /// Those for whom the next call speaks. While there are none it waits, but no longer than that.
    pub(crate) fn call(&self, patience: Duration) -> Vec<Uuid> {
        let nobody = |all: &mut HashMap<_, _>| all.values().all(|one| matches!(one, Standing::Closed(_)));
        let waited = self.0.entered.wait_timeout_while(self.lock(), patience, nobody);
        let mut all = waited.unwrap_or_else(PoisonError::into_inner).0;
        let mut called = Vec::new();
        for (id, standing) in all.iter_mut().filter(|(_, one)| !matches!(one, Standing::Closed(_))) {
            *standing = if called.len() < MOST { Standing::Called } else { Standing::Alone };
            called.extend((*standing == Standing::Called).then_some(*id));
        }
        called
    }

    /// The call came to something: these are to end.
    pub(crate) fn heard(&self, closed: Vec<(Uuid, String)>) {
        let mut all = self.lock();
        for (id, reason) in closed {
            if let Some(standing) = all.get_mut(&id) {
                *standing = Standing::Closed(Some(reason));
            }
        }
    }

    /// The call came to nothing: each speaks for himself.
    pub(crate) fn unheard(&self) {
        for standing in self.lock().values_mut().filter(|one| **one == Standing::Called) {
            *standing = Standing::Alone;
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Standing>> {
        // Nothing under the lock panics.
        self.0.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entered {
    /// Whether somebody else says that it is there.
    pub(crate) fn is_spoken_for(&self) -> bool {
        self.roll.lock().get(&self.id).is_some_and(|standing| *standing != Standing::Alone)
    }

    /// Why it is to end, if somebody closed it; told once.
    pub(crate) fn closed(&self) -> Option<String> {
        match self.roll.lock().get_mut(&self.id)? {
            Standing::Closed(reason) => reason.take(),
            Standing::Alone | Standing::Called => None,
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        self.roll.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_call_speaks_for_all_that_go_on() {
        let (roll, ids) = (Roll::default(), [1, 2, 3].map(Uuid::from_u128));
        assert!(roll.call(Duration::ZERO).is_empty());
        let [one, two] = [ids[0], ids[1]].map(|id| roll.enter(id));
        assert!(!one.is_spoken_for(), "not before somebody has");
        let mut called = roll.call(Duration::from_secs(60));
        called.sort_unstable();
        assert_eq!(called, ids[..2]);
        let late = roll.enter(ids[2]);
        assert_eq!([&one, &two, &late].map(Entered::is_spoken_for), [true, true, false]);
        roll.unheard();
        assert_eq!([&one, &two, &late].map(Entered::is_spoken_for), [false; 3]);
        drop((one, two));
        assert_eq!(roll.call(Duration::ZERO), [ids[2]]);
    }

    #[test]
    fn what_is_to_end_hears_it_once_and_is_not_asked_for_again() {
        let (roll, ids) = (Roll::default(), [1, 2].map(Uuid::from_u128));
        let [one, two] = ids.map(|id| roll.enter(id));
        roll.call(Duration::ZERO);
        roll.heard(vec![(ids[0], "lunch".into()), (Uuid::from_u128(9), "who?".into())]);
        assert_eq!([one.closed(), one.closed(), two.closed()], [Some("lunch".into()), None, None]);
        assert!(one.is_spoken_for());
        assert_eq!(roll.call(Duration::ZERO), [ids[1]]);
        drop(two);
        assert!(roll.call(Duration::from_millis(1)).is_empty());
    }

    #[test]
    fn who_comes_while_nobody_is_there_is_called_at_once() {
        let roll = Roll::default();
        let entered = std::thread::scope(|scope| {
            let entered = scope.spawn(|| roll.enter(Uuid::from_u128(1)));
            assert_eq!(roll.call(Duration::from_secs(60)).len(), 1);
            entered.join().unwrap()
        });
        assert!(entered.is_spoken_for());
    }
}
