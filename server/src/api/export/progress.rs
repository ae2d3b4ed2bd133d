//! How far exports have come. Whoever begins one under an id of his own choice can ask, and stop it: a browser that downloads a
//! file by itself cannot tell its page how far it is.
//!
//! *Invariants*: only whoever has begun an export is told of it. What is known is what was made: a part of it may be on its way.
//! It is known at the server that makes it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use casemate_audit_log::Time;
use serde::Serialize;
use tokio::sync::Notify;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;

/// What has ended is known for so long.
const KNOWN: Duration = Duration::from_secs(600);

/// How an export stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExportState {
    /// It is made.
    Running,
    /// All of it was made.
    Complete,
    /// Somebody has stopped it.
    Stopped,
    /// It ended by itself: nobody takes it any more, or something failed.
    Broken,
}

/// How far an export has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportView {
    /// How it stands.
    state: ExportState,
    /// So many events are in it.
    events: u64,
    /// So many bytes, before they are compressed for the way.
    bytes: u64,
    /// Of when the last of them is.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Time>,
}

/// All exports that somebody may ask for.
#[derive(Debug, Default)]
pub struct Exports(Mutex<HashMap<Uuid, Arc<Shared>>>);

#[derive(Debug)]
struct Shared {
    who: Uuid,
    view: Mutex<(ExportView, Option<Instant>)>,
    stop: Notify,
}

impl Exports {
    /// Begins one for somebody; under an id, if he asks for it.
    ///
    /// # Errors
    /// There is one of that id.
    pub(super) fn begin(&self, id: Option<Uuid>, who: Uuid) -> Result<Running, ApiError> {
        let view = ExportView { state: ExportState::Running, events: 0, bytes: 0, timestamp: None };
        let shared = Arc::new(Shared { who, view: Mutex::new((view, None)), stop: Notify::new() });
        if let Some(id) = id {
            let mut known = lock(&self.0);
            known.retain(|_, there| lock(&there.view).1.is_none_or(|ended| ended.elapsed() < KNOWN));
            match known.entry(id) {
                Entry::Vacant(place) => drop(place.insert(Arc::clone(&shared))),
                Entry::Occupied(_) => return Err(ApiError::conflict("there is an export of that id")),
            }
        }
        Ok(Running(shared))
    }

    /// How far somebody's export is.
    pub(super) fn of(&self, id: Uuid, who: Uuid) -> Option<ExportView> {
        self.find(id, who).map(|shared| lock(&shared.view).0.clone())
    }

    /// Stops somebody's export; says whether there is one.
    pub(super) fn stop(&self, id: Uuid, who: Uuid) -> bool {
        let Some(shared) = self.find(id, who) else { return false };
        shared.end(ExportState::Stopped);
        shared.stop.notify_one();
        true
    }

    fn find(&self, id: Uuid, who: Uuid) -> Option<Arc<Shared>> {
        lock(&self.0).get(&id).filter(|shared| shared.who == who).cloned()
    }
}

impl Shared {
    /// It ends once.
    fn end(&self, state: ExportState) {
        let mut view = lock(&self.view);
        if view.1.is_none() {
            (view.0.state, view.1) = (state, Some(Instant::now()));
        }
    }
}

/// One that is made; where it is dropped before its end, it is broken.
pub(super) struct Running(Arc<Shared>);

impl Running {
    /// So much more was made.
    pub(super) fn add(&self, events: usize, bytes: usize, last: Option<Time>) {
        let view = &mut lock(&self.0.view).0;
        view.events += events as u64;
        view.bytes += bytes as u64;
        view.timestamp = last.or(view.timestamp);
    }

    /// All was made.
    pub(super) fn complete(&self) {
        self.0.end(ExportState::Complete);
    }

    /// Comes when somebody stops it.
    pub(super) async fn stopped(&self) {
        self.0.stop.notified().await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.end(ExportState::Broken);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_export_is_known_to_whoever_has_begun_it_and_ends_once() {
        let exports = Exports::default();
        let (id, alice, bob) = (Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(3));
        let state = |who| exports.of(id, who).map(|view| view.state);
        let running = exports.begin(Some(id), alice).unwrap();
        running.add(3, 50, Some(Time(7)));
        running.add(0, 1, None);
        let view = exports.of(id, alice).unwrap();
        assert_eq!((view.events, view.bytes, view.timestamp), (3, 51, Some(Time(7))));
        assert_eq!((state(alice), state(bob)), (Some(ExportState::Running), None));
        assert!(exports.begin(Some(id), bob).is_err() && !exports.stop(id, bob));
        assert!(exports.stop(id, alice));
        running.complete();
        drop(running);
        assert_eq!(state(alice), Some(ExportState::Stopped));
        let other = Uuid::from_u128(4);
        drop(exports.begin(Some(other), alice).unwrap());
        assert_eq!(exports.of(other, alice).unwrap().state, ExportState::Broken);
        drop(exports.begin(None, alice).unwrap());
        assert_eq!(lock(&exports.0).len(), 2);
    }
}
