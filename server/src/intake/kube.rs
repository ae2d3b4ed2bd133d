//! What a Kubernetes API server tells of its calls, a list at a time, as events of the log.
//!
//! What is likely to be one command of one person becomes one event, which is marked as the guess that it is. Nothing is kept
//! in memory for a list that may come, so that a list can be acknowledged once its events are on the disk: what goes on in the
//! next list is then an event of its own.
//!
//! *Not here*: what a call is, and what belongs together (`audit_log::kube`); which calls were there before.

use std::collections::HashSet;

use casemate_audit_log::Time;
use casemate_audit_log::kube::audit::{self, List, NoList};
use casemate_audit_log::kube::group::{Cluster, Complete, Grouping};

use super::told;

/// A list of calls of one cluster.
#[derive(Debug)]
pub struct KubeList {
    cluster: Cluster,
    list: List,
}

impl KubeList {
    /// Reads an `EventList` that came `now`. An event in it that cannot be read does not stop the others.
    ///
    /// # Errors
    /// It is none.
    pub fn read(cluster: Cluster, list: &[u8], now: Time) -> Result<Self, NoList> {
        Ok(Self { cluster, list: audit::read_list(list, now)? })
    }

    /// Reads lines of the API server's log, an `Event` each, as [`read`](Self::read) does a list.
    ///
    /// # Errors
    /// They are too many.
    pub fn read_log(cluster: Cluster, lines: &[u8], now: Time) -> Result<Self, NoList> {
        Ok(Self { cluster, list: audit::read_log(lines, now)? })
    }

    /// Its calls, each by its identity among those of all clusters.
    #[must_use]
    pub fn calls(&self) -> Vec<[u8; 32]> {
        self.list.calls.iter().map(|call| self.cluster.identity(call)).collect()
    }

    /// What was none: which, from 0, and why.
    #[must_use]
    pub fn defects(&self) -> Vec<String> {
        told(&self.list.defects)
    }

    /// Those of its calls that are not known, put together.
    #[must_use]
    pub fn grouped(&self, known: &HashSet<[u8; 32]>, now: Time) -> Vec<Complete> {
        let mut grouping = Grouping::of(self.cluster.clone());
        let new = self.list.calls.iter().filter(|call| !known.contains(&self.cluster.identity(call)));
        new.for_each(|call| grouping.take(call, now));
        grouping.finish();
        std::iter::from_fn(|| grouping.next_complete()).collect()
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

    fn list(events: &[serde_json::Value]) -> KubeList {
        let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": events}).to_string();
        let cluster = Cluster { organization_id: "o".into(), id: "c".into(), name: "prod".into() };
        KubeList::read(cluster, list.as_bytes(), NOW).unwrap()
    }

    /// Who, and how many calls.
    fn shown(list: &KubeList, known: &HashSet<[u8; 32]>) -> Vec<(String, usize)> {
        let all = list.grouped(known, NOW).into_iter().map(|Complete { event, calls }| {
            assert!(
                event.grouping_guessed && event.target_name == "prod" && calls.len() == event.endpoints.len()
            );
            (event.user_email, calls.len())
        });
        let mut all: Vec<_> = all.collect();
        all.sort();
        all
    }

    #[test]
    fn what_is_known_does_not_come_again_in_whichever_list() {
        let first =
            [call("1", "alice", 0), call("2", "bob", 10), json!({"kind": "Event"}), call("3", "alice", 20)];
        let known = HashSet::from_iter(list(&first).calls());
        assert_eq!(known.len(), 3);
        assert_eq!(list(&first).defects().len(), 1);
        assert!(list(&first).defects()[0].starts_with("event 2: "));
        assert_eq!(shown(&list(&first), &HashSet::new()), [("alice".into(), 2), ("bob".into(), 1)]);
        assert_eq!(shown(&list(&first), &known), []);
        // The file was cut meanwhile, and goes on.
        let rest = [first[3].clone(), call("4", "alice", 30), first[1].clone()];
        assert_eq!(shown(&list(&rest), &known), [("alice".into(), 1)]);
        // Who begins again gets the same.
        assert_eq!(list(&first).grouped(&HashSet::new(), NOW), list(&first).grouped(&HashSet::new(), NOW));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let read = |bytes: &[u8]| KubeList::read(Cluster::default(), bytes, NOW);
        assert!(read(br#"{"kind":"Pod"}"#).is_err() && read(b"").is_err());
        assert_eq!(KubeList::read_log(Cluster::default(), b"\n", NOW).unwrap().calls().len(), 0);
    }
}
