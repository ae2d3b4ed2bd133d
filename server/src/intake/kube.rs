//! What a Kubernetes API server tells of its calls, a list at a time, as events of the log.
//!
//! What is likely to be one command of one person becomes one event, which is marked as the guess that it is. It is complete
//! when nothing of it has come for a while; until then its calls are in memory only. Whoever may not lose a call that it
//! has said it has, calls [`KubeIntake::finish`] before it says so: what goes on in the next list is then an event of its
//! own.
//!
//! *Not here*: what a call is, and what belongs together (`audit_log::kube`).

use casemate_audit_log::Time;
use casemate_audit_log::kube::audit::{self, List, NoList};
use casemate_audit_log::kube::group::{Cluster, Grouping};
use casemate_audit_log::model::Event;

/// The calls of one cluster.
#[derive(Debug)]
pub struct KubeIntake {
    grouping: Grouping,
}

/// What a list held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubeTaken {
    /// So many calls; those that were there before among them.
    pub calls: usize,
    /// So many events of stages that say nothing more.
    pub passed_over: usize,
    /// What was none: which, from 0, and why.
    pub defects: Vec<String>,
}

/// More defects of a list than this tell nothing new.
const DEFECTS: usize = 20;

impl KubeIntake {
    /// Of one cluster.
    #[must_use]
    pub fn of(cluster: Cluster) -> Self {
        Self { grouping: Grouping::of(cluster) }
    }

    /// Takes an `EventList` that came `now`. An event in it that cannot be read does not stop the others.
    ///
    /// # Errors
    /// It is none, and nothing of it was taken.
    pub fn take(&mut self, list: &[u8], now: Time) -> Result<KubeTaken, NoList> {
        Ok(self.take_all(&audit::read_list(list, now)?, now))
    }

    /// Takes lines of the API server's log, an `Event` each, as [`take`](Self::take) does a list.
    ///
    /// # Errors
    /// They are too many, and nothing of them was taken.
    pub fn take_log(&mut self, lines: &[u8], now: Time) -> Result<KubeTaken, NoList> {
        Ok(self.take_all(&audit::read_log(lines, now)?, now))
    }

    fn take_all(&mut self, list: &List, now: Time) -> KubeTaken {
        for call in &list.calls {
            self.grouping.take(call, now);
        }
        let defects = list.defects.iter().take(DEFECTS);
        KubeTaken {
            calls: list.calls.len(),
            passed_over: list.passed_over,
            defects: defects.map(|(number, defect)| format!("event {number}: {defect}")).collect(),
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Time) {
        self.grouping.advance(now);
    }

    /// When that has something to do, if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.grouping.deadline()
    }

    /// Completes all events.
    pub fn finish(&mut self) {
        self.grouping.finish();
    }

    /// The next event that is complete.
    pub fn next_event(&mut self) -> Option<Event> {
        self.grouping.next_event().map(|event| Event::Kube(Box::new(event)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: Time = Time(1_795_331_008_000_000);

    fn call(id: &str, user: &str, after_ms: i64) -> serde_json::Value {
        let time = Time(NOW.0 + after_ms * 1000).to_string();
        json!({
            "kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": id, "stage": "ResponseComplete",
            "requestURI": "/api/v1/namespaces/shop/pods", "verb": "list", "user": {"username": user},
            "responseStatus": {"code": 200}, "requestReceivedTimestamp": time, "userAgent": "kubectl",
        })
    }

    fn list(events: &[serde_json::Value]) -> Vec<u8> {
        json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events})
            .to_string()
            .into_bytes()
    }

    #[test]
    fn events_come_when_they_are_complete_and_once() {
        let cluster = Cluster { organization_id: "o".into(), id: "c".into(), name: "prod".into() };
        let mut intake = KubeIntake::of(cluster.clone());
        let first = list(&[
            call("1", "alice", 0),
            call("2", "bob", 10),
            json!({"kind": "Event"}),
            call("3", "alice", 20),
        ]);
        let taken = intake.take(&first, NOW).unwrap();
        assert_eq!((taken.calls, taken.passed_over, taken.defects.len()), (3, 0, 1));
        assert!(taken.defects[0].starts_with("event 2: "), "{:?}", taken.defects);
        assert!(intake.next_event().is_none(), "more of it may come");
        // The API server sends a list again where it heard no answer.
        intake.take(&first, NOW).unwrap();
        intake.advance(intake.deadline().unwrap());
        let events: Vec<_> = std::iter::from_fn(|| intake.next_event()).collect();
        let shown = |event: &Event| {
            let Event::Kube(event) = event else { panic!("it is one of Kubernetes") };
            let (user, calls) = (event.user_email.clone(), event.endpoints.len());
            (user, calls, event.grouping_guessed, event.target_name.clone())
        };
        let mut all: Vec<_> = events.iter().map(shown).collect();
        all.sort();
        assert_eq!(all, [("alice".into(), 2, true, "prod".into()), ("bob".into(), 1, true, "prod".into())]);
        // Who begins again gets the same ids.
        let mut again = KubeIntake::of(cluster);
        again.take(&first, NOW).unwrap();
        again.finish();
        assert_eq!(again.deadline(), None);
        let ids = |events: &[Event]| {
            let mut ids: Vec<_> = events.iter().map(|event| event.id().to_owned()).collect();
            ids.sort();
            ids
        };
        assert_eq!(ids(&std::iter::from_fn(|| again.next_event()).collect::<Vec<_>>()), ids(&events));
    }

    #[test]
    fn what_is_no_list_leaves_all_as_it_was() {
        let mut intake = KubeIntake::of(Cluster::default());
        assert!(intake.take(br#"{"kind":"Pod"}"#, NOW).is_err() && intake.take(b"", NOW).is_err());
        assert_eq!((intake.deadline(), intake.next_event()), (None, None));
    }
}
