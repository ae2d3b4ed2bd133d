//! What must hold of any bytes: called by tests, and by the targets in `fuzz`.

use crate::kube::audit::{self, MAX_COMMAND, MAX_ENDPOINT, MAX_NAME};
use crate::kube::group::{Cluster, Complete, Grouping, MAX_CALLS};
use crate::model::Event;
use crate::time::Time;

/// An audit log of Kubernetes, whatever it is, as a list and as lines: each call is in one group, and nothing is longer
/// than it may be. The same again gives the same, and nothing new to who has it.
///
/// # Panics
/// Where one of that does not hold.
pub fn fuzz_kube_audit(bytes: &[u8]) {
    let now = Time(1_800_000_000_000_000);
    let of_list = audit::read_list(bytes, now).unwrap_or_default().calls;
    let lines = bytes.split(|byte| *byte == b'\n');
    let of_lines: Vec<_> = lines.filter_map(|line| audit::read_event(line, now).ok().flatten()).collect();
    for calls in [of_list, of_lines] {
        let grouped = |grouping: &mut Grouping| {
            for (millis, call) in (0..).step_by(700).zip(&calls) {
                grouping.take(call, Time(now.0 + millis * 1000));
            }
            grouping.finish();
            assert_eq!(grouping.deadline(), None);
            std::iter::from_fn(|| grouping.next_complete()).collect::<Vec<_>>()
        };
        let mut grouping = Grouping::of(Cluster::default());
        let events = grouped(&mut grouping);
        assert_eq!(grouped(&mut grouping), [], "they were there before");
        assert_eq!(grouped(&mut Grouping::of(Cluster::default())), events);
        let ids: std::collections::BTreeSet<_> = calls.iter().map(|call| call.identity).collect();
        assert_eq!(ids.len(), events.iter().map(|complete| complete.calls.len()).sum::<usize>());
        for Complete { event, calls } in events {
            assert_eq!(calls.len(), event.endpoints.len());
            assert!(event.endpoints.len() <= MAX_CALLS && event.exec_commands.len() <= event.endpoints.len());
            assert!(event.endpoints.is_sorted_by_key(|call| call.time_created));
            assert!(event.endpoints.iter().all(|call| call.event.len() <= MAX_ENDPOINT));
            assert!(event.exec_commands.iter().all(|call| call.event.len() <= MAX_COMMAND));
            assert!(event.role.len() <= MAX_NAME && event.user_email.len() <= MAX_NAME);
            let json = Event::Kube(Box::new(event)).to_json().expect("it has no such numbers");
            Event::from_json(crate::model::Log::Kube, &json.to_string()).expect("it is one");
        }
    }
}
