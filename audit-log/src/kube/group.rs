//! Calls that are likely to be one command: of the same user, in the same role, from the same address, with the same agent,
//! within a short time. `kubectl apply` asks for the API's description, reads each object, and writes it; that is one event
//! here, marked `groupingGuessed`.
//!
//! [`Grouping`] is fed calls and the time. A group is complete when for a while no call of it has come. The audit webhook
//! sends in batches, so calls are put together by when they were made, and a group is complete by when they came.
//!
//! *Invariants*: every call is in exactly one group, however often it is told of. The same calls in the same order make the
//! same groups, with the same ids: the id of a group is made from which calls it has and the time of the first. So a group of
//! which more is known by now is another one, and nothing of it is lost. Memory is bounded.

use std::collections::{HashMap, HashSet, VecDeque};

use sha2::{Digest as _, Sha256};

use super::audit::KubeCall;
use crate::model::KubernetesEvent;
use crate::time::Time;

/// Calls further apart than this are of two commands. A person needs longer for the next command; `kubectl` waits less
/// than a second between calls, unless the API server throttles it.
pub const GAP: i64 = 2_000_000;
/// No command goes on for longer, or it would be seen too late: a script that never rests is cut here.
pub const LONGEST: i64 = 30_000_000;
/// A group is complete when nothing of it has come for so long.
pub const REST: i64 = 3_000_000;
/// No group has more calls.
pub const MAX_CALLS: usize = 500;
/// No more groups are open at once: the one that is at rest for longest is complete then.
pub const MAX_OPEN: usize = 4096;
/// So many calls are remembered.
pub const REMEMBERED: usize = 65_536;
/// An `exec` is tried with one protocol, and at once with another: `get`, which fails, then `create`.
const RETRY: i64 = 2_000_000;

const GROUP: &[u8] = b"casemate kubernetes group v1\0";

/// The cluster whose calls are grouped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// Whose events these are.
    pub organization_id: String,
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Whose calls can be one command.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Caller {
    user: String,
    role: String,
    address: Option<String>,
    user_agent: Option<String>,
}

/// A group that may not be complete.
#[derive(Debug)]
struct Group {
    event: KubernetesEvent,
    first: Time,
    last: Time,
    /// When the last of its calls came to us.
    came: Time,
    /// Which calls, as they came.
    calls: Vec<[u8; 32]>,
    /// The commands of `exec` that were asked for with `get`: when, and which.
    tried: Vec<(Time, String)>,
}

/// Calls on their way to groups.
#[derive(Debug, Default)]
pub struct Grouping {
    cluster: Cluster,
    open: HashMap<Caller, Group>,
    /// By when the last call came, so that what is at rest stands first; entries of which the group has moved on are stale.
    resting: VecDeque<(Time, Caller)>,
    seen: HashSet<[u8; 32]>,
    seen_in_order: VecDeque<[u8; 32]>,
    complete: VecDeque<Complete>,
}

/// A group that is complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complete {
    /// What it is in the log.
    pub event: KubernetesEvent,
    /// Its calls, each by its [identity in the cluster](Cluster::identity).
    pub calls: Vec<[u8; 32]>,
}

impl Cluster {
    /// Which call it is, among those of all clusters.
    #[must_use]
    pub fn identity(&self, call: &KubeCall) -> [u8; 32] {
        Sha256::new_with_prefix(&self.id).chain_update([0]).chain_update(call.identity).finalize().into()
    }
}

impl Grouping {
    /// Of one cluster.
    #[must_use]
    pub fn of(cluster: Cluster) -> Self {
        Self { cluster, ..Self::default() }
    }

    /// Takes a call that came `now`.
    pub fn take(&mut self, call: &KubeCall, now: Time) {
        self.advance(now);
        let identity = self.cluster.identity(call);
        if !self.remember(identity) {
            return;
        }
        let caller = Caller {
            user: call.user.clone(),
            role: call.role.clone(),
            address: call.address.clone(),
            user_agent: call.user_agent.clone(),
        };
        let came = self.open.get(&caller).map(|group| group.came);
        if self.open.get(&caller).is_some_and(|group| !group.has_room_for(call))
            && let Some(group) = self.open.remove(&caller)
        {
            self.complete.push_back(group.complete());
        }
        let cluster = &self.cluster;
        self.open.entry(caller.clone()).or_insert_with(|| Group::of(cluster, call)).take(call, identity, now);
        if came != Some(now) {
            self.resting.push_back((now, caller));
        }
        self.shed();
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Time) {
        while self.resting.front().is_some_and(|(came, _)| came.0.saturating_add(REST) <= now.0) {
            self.complete_first();
        }
    }

    /// When [`advance`](Self::advance) has something to do, if nothing comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.resting.front().map(|(came, _)| Time(came.0.saturating_add(REST)))
    }

    /// Completes all groups: nothing more comes.
    pub fn finish(&mut self) {
        while !self.resting.is_empty() {
            self.complete_first();
        }
    }

    /// The next group that is complete.
    pub fn next_complete(&mut self) -> Option<Complete> {
        self.complete.pop_front()
    }

    #[cfg(test)]
    pub(super) fn resting(&self) -> usize {
        self.resting.len()
    }

    /// Whether it has not been there.
    fn remember(&mut self, identity: [u8; 32]) -> bool {
        if !self.seen.insert(identity) {
            return false;
        }
        self.seen_in_order.push_back(identity);
        if self.seen_in_order.len() > REMEMBERED
            && let Some(oldest) = self.seen_in_order.pop_front()
        {
            self.seen.remove(&oldest);
        }
        true
    }

    /// Looks at what is at rest for longest, and completes it if it is.
    fn complete_first(&mut self) {
        let Some((came, caller)) = self.resting.pop_front() else { return };
        if self.open.get(&caller).is_some_and(|group| group.came == came)
            && let Some(group) = self.open.remove(&caller)
        {
            self.complete.push_back(group.complete());
        }
    }

    /// Keeps memory bounded, whoever calls however often.
    fn shed(&mut self) {
        while self.open.len() > MAX_OPEN {
            self.complete_first();
        }
        if self.resting.len() > 2 * MAX_OPEN {
            let open = &self.open;
            self.resting.retain(|(came, caller)| open.get(caller).is_some_and(|group| group.came == *came));
        }
    }
}

impl Group {
    fn of(cluster: &Cluster, first: &KubeCall) -> Self {
        let event = KubernetesEvent {
            id: String::new(),
            organization_id: cluster.organization_id.clone(),
            creation_date: first.time,
            role: first.role.clone(),
            target_groups: first.groups.clone(),
            endpoints: Vec::new(),
            exec_commands: Vec::new(),
            kube_english_command: "N/A".into(),
            status_code: 0,
            user_id: first.user_id.clone(),
            user_email: first.user.clone(),
            cluster_id: cluster.id.clone(),
            target_name: cluster.name.clone(),
            connection_id: None,
            ip_address: first.address.clone(),
            user_agent: first.user_agent.clone(),
            verbs: Vec::new(),
            namespaces: Vec::new(),
            resources: Vec::new(),
            grouping_guessed: true,
        };
        let (first, calls, tried) = (first.time, Vec::new(), Vec::new());
        Self { event, first, last: first, came: first, calls, tried }
    }

    /// The event, with a UUID of version 7, of the time of the first call; what is random in others is made of all calls.
    fn complete(mut self) -> Complete {
        let mut digest = Sha256::new_with_prefix(GROUP);
        self.calls.iter().for_each(|call| digest.update(call));
        let digest: [u8; 32] = digest.finalize().into();
        let mut bits = [0; 10];
        bits.copy_from_slice(&digest[..10]);
        let millis = u64::try_from(self.first.0.div_euclid(1000)).unwrap_or_default();
        self.event.id = uuid::Builder::from_unix_timestamp_millis(millis, &bits).into_uuid().to_string();
        Complete { event: self.event, calls: self.calls }
    }

    fn has_room_for(&self, call: &KubeCall) -> bool {
        let (first, last) = (self.first.min(call.time), self.last.max(call.time));
        self.event.endpoints.len() < MAX_CALLS
            && call.time.0 >= self.first.0.saturating_sub(GAP)
            && call.time.0 <= self.last.0.saturating_add(GAP)
            && last.0.saturating_sub(first.0) <= LONGEST
    }

    fn take(&mut self, call: &KubeCall, identity: [u8; 32], now: Time) {
        self.calls.push(identity);
        let event = &mut self.event;
        // Calls may come a little out of their order; of those at the same moment the later one counts.
        if event.endpoints.is_empty() || call.time >= self.last {
            event.status_code = call.status;
        }
        let at = event.endpoints.partition_point(|earlier| earlier.time_created <= call.time);
        event.endpoints.insert(at, call.endpoint_call());
        if let Some(command) = call.command_call() {
            let is_retry = call.verb == "create"
                && self.tried.iter().any(|(time, endpoint)| {
                    *endpoint == call.endpoint && time.0.abs_diff(call.time.0) <= RETRY.unsigned_abs()
                });
            if call.verb == "get" {
                self.tried.push((call.time, call.endpoint.clone()));
            }
            if !is_retry {
                let at = event.exec_commands.partition_point(|earlier| earlier.time_created <= call.time);
                event.exec_commands.insert(at, command);
            }
        }
        add(&mut event.verbs, Some(&call.verb));
        add(&mut event.namespaces, call.namespace.as_ref());
        add(&mut event.resources, call.resource.as_ref());
        self.first = self.first.min(call.time);
        self.last = self.last.max(call.time);
        event.creation_date = self.first;
        self.came = now;
    }
}

fn add(names: &mut Vec<String>, name: Option<&String>) {
    if let Some(name) = name.filter(|name| !name.is_empty() && !names.contains(name)) {
        names.push(name.clone());
    }
}
