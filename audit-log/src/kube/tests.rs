//! What an API server sends, as a person would say it.

use expect_test::{Expect, expect};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::audit::{self, KubeCall};
use super::group::{Cluster, GAP, Grouping, LONGEST, MAX_CALLS, MAX_OPEN, REST};
use crate::model::KubernetesEvent;
use crate::time::Time;

/// When it is, but for what a test says.
const NOW: Time = Time(1_795_331_008_000_000);

/// An event as the API server writes it at level `Metadata`.
fn audit_event(audit_id: &str, at: i64, verb: &str, uri: &str, more: Value) -> Value {
    let time = Time(NOW.0 + at * 1000).to_string();
    let mut event = json!({
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "Metadata", "auditID": audit_id,
        "stage": "ResponseComplete", "requestURI": uri, "verb": verb,
        "user": {"username": "alice@example.com", "uid": "alice-uid", "groups": ["devs", "system:authenticated"],
            "extra": {"authentication.kubernetes.io/credential-id": ["X509SHA256=1"]}},
        "sourceIPs": ["203.0.113.7", "10.0.0.1"], "userAgent": "kubectl/v1.32.3 (linux/amd64) kubernetes/32cc146",
        "responseStatus": {"metadata": {}, "code": 200},
        "requestReceivedTimestamp": time, "stageTimestamp": time,
        "annotations": {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""},
    });
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn pods(subresource: Option<&str>) -> Value {
    json!({"objectRef": {"resource": "pods", "namespace": "shop", "name": "web", "apiVersion": "v1",
        "subresource": subresource}})
}

fn exec(audit_id: &str, at: i64, verb: &str, status: u16, stage: &str) -> Value {
    let uri = "/api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=echo+%22it%27s%22+%7C+wc&container=web&stdin=true";
    let mut event = audit_event(audit_id, at, verb, uri, pods(Some("exec")));
    event["stage"] = json!(stage);
    event["responseStatus"]["code"] = json!(status);
    event
}

fn list(events: &[Value]) -> Vec<u8> {
    let list = json!({"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "metadata": {}, "items": events});
    list.to_string().into_bytes()
}

fn grouped(events: &[Value]) -> Vec<KubernetesEvent> {
    let list = audit::read_list(&list(events), NOW).unwrap();
    assert_eq!(list.defects, []);
    let mut grouping = Grouping::of(cluster());
    for call in &list.calls {
        grouping.take(call, NOW);
    }
    grouping.finish();
    std::iter::from_fn(|| next(&mut grouping)).collect()
}

fn next(grouping: &mut Grouping) -> Option<KubernetesEvent> {
    grouping.next_complete().map(|complete| complete.event)
}

fn cluster() -> Cluster {
    Cluster { organization_id: "org".into(), id: "0193-eks".into(), name: "eks-prod".into() }
}

fn call(audit_id: &str, at: i64) -> KubeCall {
    let event = audit_event(audit_id, at, "get", "/api/v1/namespaces", json!({}));
    audit::read_event(event.to_string().as_bytes(), NOW).unwrap().unwrap()
}

#[track_caller]
fn check(events: &[Value], expected: Expect) {
    let mut text = String::new();
    for event in grouped(events) {
        let of = |calls: &[crate::model::Call]| {
            calls.iter().map(|call| format!("{} {}", call.id, call.event)).collect::<Vec<_>>().join("\n    ")
        };
        text.push_str(&format!(
            "{} as {} {:?} from {}: {} {} in {}: {}\n    {}\n",
            event.user_email,
            event.role,
            event.target_groups,
            event.ip_address.as_deref().unwrap_or("nowhere"),
            event.verbs.join(","),
            event.resources.join(","),
            event.namespaces.join(","),
            event.status_code,
            of(&event.endpoints),
        ));
        if !event.exec_commands.is_empty() {
            text.push_str(&format!("  ran\n    {}\n", of(&event.exec_commands)));
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn one_command_of_kubectl_is_one_event() {
    let events = [
        audit_event("a", 0, "get", "/api?timeout=32s", json!({})),
        audit_event("b", 40, "get", "/apis?timeout=32s", json!({})),
        audit_event("c", 90, "list", "/api/v1/namespaces/shop/pods?limit=500", pods(None)),
        // The next command, some seconds later; and a script of somebody else meanwhile.
        audit_event(
            "d",
            100,
            "get",
            "/healthz",
            json!({"user": {"username": "bob"}, "responseStatus": {"code": 403}}),
        ),
        audit_event("e", 6000, "delete", "/api/v1/namespaces/shop/pods/web", pods(None)),
    ];
    check(
        &events,
        expect![[r#"
            alice@example.com as alice@example.com ["devs", "system:authenticated"] from 203.0.113.7: get,list pods in shop: 200
                a /api?timeout=32s
                b /apis?timeout=32s
                c /api/v1/namespaces/shop/pods?limit=500
            alice@example.com as alice@example.com ["devs", "system:authenticated"] from 203.0.113.7: delete pods in shop: 200
                e /api/v1/namespaces/shop/pods/web
            bob as bob [] from 203.0.113.7: get  in : 403
                d /healthz
        "#]],
    );
    let [first, ..] = &grouped(&events)[..] else { panic!("groups") };
    assert_eq!((first.kube_english_command.as_str(), first.grouping_guessed), ("N/A", true));
    assert_eq!(first.creation_date, NOW);
    assert_eq!((first.user_id.as_str(), first.cluster_id.as_str()), ("alice-uid", "0193-eks"));
}

#[test]
fn a_command_in_a_container_is_seen_when_it_begins_and_once() {
    check(
        &[
            exec("tried", 0, "get", 403, "ResponseComplete"),
            exec("a", 150, "create", 0, "RequestReceived"),
            exec("a", 150, "create", 101, "ResponseStarted"),
            exec("a", 150, "create", 101, "ResponseComplete"),
        ],
        expect![[r#"
            alice@example.com as alice@example.com ["devs", "system:authenticated"] from 203.0.113.7: get,create pods/exec in shop: 101
                tried /api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=echo+%22it%27s%22+%7C+wc&container=web&stdin=true
                a /api/v1/namespaces/shop/pods/web/exec?command=sh&command=-c&command=echo+%22it%27s%22+%7C+wc&container=web&stdin=true
              ran
                tried sh -c 'echo "it'\''s" | wc'
        "#]],
    );
    // The same command twice is two commands.
    let twice =
        [exec("a", 0, "create", 101, "ResponseStarted"), exec("b", 900, "create", 101, "ResponseStarted")];
    assert_eq!(grouped(&twice)[0].exec_commands.len(), 2);
}

#[test]
fn who_is_impersonated_is_the_role() {
    let impersonated = json!({
        "impersonatedUser": {"username": "deployer", "groups": ["system:masters", null]}, "stage": "Panic",
        "responseStatus": null, "sourceIPs": null, "userAgent": null, "objectRef": null,
    });
    check(
        &[audit_event("a", 0, "get", "/version", impersonated)],
        expect![[r#"
            alice@example.com as deployer ["system:masters"] from nowhere: get  in : 0
                a /version
        "#]],
    );
}

#[test]
fn what_says_nothing_more_is_passed_over_and_what_is_none_is_named() {
    let started = json!({"stage": "ResponseStarted"});
    let bytes = list(&[
        audit_event("a", 0, "get", "/version", started.clone()),
        audit_event("b", 0, "watch", "/api/v1/pods?watch=true", started),
        audit_event("", 0, "get", "/version", json!({})),
        json!({"kind": "Event", "apiVersion": "audit.k8s.io/v1", "auditID": "c", "stage": "ResponseComplete",
            "verb": ["get"]}),
        json!({"kind": "Pod", "auditID": "d", "stage": "ResponseComplete"}),
        json!({"auditID": "e", "stage": "Someday"}),
        json!("f"),
        // As little as there can be: it came now.
        json!({"auditID": "g", "stage": "ResponseComplete", "responseStatus": {"code": 70000}}),
    ]);
    let list = audit::read_list(&bytes, NOW).unwrap();
    assert_eq!((list.passed_over, list.calls.len()), (1, 2));
    assert_eq!((list.calls[1].audit_id.as_str(), list.calls[1].time, list.calls[1].status), ("g", NOW, 0));
    let named: Vec<_> = list.defects.iter().map(|(number, defect)| format!("{number}: {defect}")).collect();
    expect![[r#"
        2: it is no `Event` of `audit.k8s.io`: it has no `auditID`
        3: it is no `Event` of `audit.k8s.io`: invalid type: sequence, expected a string at line 1 column 95
        4: it is no `Event` of `audit.k8s.io`: its kind is `Pod`
        5: it is no `Event` of `audit.k8s.io`: its stage is `Someday`
        6: it is no `Event` of `audit.k8s.io`: invalid type: string "f", expected an object at line 1 column 3"#]]
    .assert_eq(&named.join("\n"));
}

#[test]
fn what_is_no_list_is_refused() {
    let refused = |bytes: &[u8]| audit::read_list(bytes, NOW).unwrap_err().to_string();
    expect!["it is no `EventList` of `audit.k8s.io`: its kind is `Event`"]
        .assert_eq(&refused(audit_event("a", 0, "get", "/", json!({})).to_string().as_bytes()));
    expect!["it is no `EventList` of `audit.k8s.io`: its version is `audit.k8s.io/v1beta1`, `audit.k8s.io/v1` is understood"]
        .assert_eq(&refused(br#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1beta1"}"#));
    expect!["a list of audit events has at most 33554432 bytes, this has 33554433"]
        .assert_eq(&refused(&vec![b' '; audit::MAX_LIST_BYTES + 1]));
    expect!["a list of audit events has at most 10000 events, this has 10001"]
        .assert_eq(&refused(&list(&vec![json!({}); audit::MAX_LIST_EVENTS + 1])));
    assert!(audit::read_list(br#"{"kind":"EventList","items":null}"#, NOW).unwrap().calls.is_empty());
}

#[test]
fn what_is_too_long_is_cut_and_stays() {
    let uri = format!("/api/v1/namespaces/shop/pods/web/exec?command={}&command=hidden", "é".repeat(50_000));
    let mut event = audit_event("a", 0, "create", &uri, pods(Some("exec")));
    event["user"]["username"] = json!("x".repeat(5000));
    event["user"]["groups"] = json!(vec!["group"; 1000]);
    let call = audit::read_event(event.to_string().as_bytes(), NOW).unwrap().unwrap();
    assert_eq!(call.user.len(), audit::MAX_NAME);
    assert_eq!(call.groups.len(), audit::MAX_GROUPS);
    assert!(call.endpoint.len() <= audit::MAX_ENDPOINT && call.endpoint.ends_with('…'));
    let command = call.command.unwrap();
    assert!(command.len() <= audit::MAX_COMMAND && command.starts_with("éé") && command.ends_with('…'));
}

#[test]
fn what_is_passed_over_may_be_as_deep_as_it_likes() {
    let event = audit_event("a", 0, "create", "/api/v1/pods", pods(None)).to_string();
    let deep = format!("{{\"requestObject\":{}{},{}", "[".repeat(100_000), "]".repeat(100_000), &event[1..]);
    assert_eq!(audit::read_event(deep.as_bytes(), NOW).unwrap().unwrap().audit_id, "a");
    let bytes = format!("{{\"items\":[{deep}]}}");
    assert_eq!(audit::read_list(bytes.as_bytes(), NOW).unwrap().calls.len(), 1);
}

#[test]
fn queries_say_what_was_run() {
    for (query, command) in [
        ("command=ls&command=-l&container=web", Some("ls -l")),
        ("stdin=true&command=%2Fbin%2Fbash&tty=true", Some("/bin/bash")),
        ("command=", Some("''")),
        ("command=%", Some("%")),
        ("command=%f0%9f%98%80%zz", Some("\u{1F600}%zz")),
        ("command=%ff", Some("\u{FFFD}")),
        ("command=a%0Ab", Some("'a\nb'")),
        ("command=mysql&command=--password=secret", Some("mysql --password=secret")),
        ("container=web", None),
        ("", None),
    ] {
        let uri = format!("/api/v1/namespaces/shop/pods/web/exec?{query}");
        let event = audit_event("a", 0, "create", &uri, pods(Some("exec"))).to_string();
        let call = audit::read_event(event.as_bytes(), NOW).unwrap().unwrap();
        assert_eq!(call.command.as_deref(), command, "{query}");
    }
}

#[test]
fn whoever_chooses_the_audit_id_of_another_call_hides_nothing_behind_it() {
    let harmless = audit_event("a", 0, "get", "/version", json!({}));
    let others = [
        audit_event("a", 0, "delete", "/version", json!({})),
        audit_event("a", 0, "get", "/api/v1/secrets", json!({})),
        audit_event("a", 0, "get", "/version", json!({"user": {"username": "mallory"}})),
        audit_event("a", 0, "get", "/version", json!({"impersonatedUser": {"username": "mallory"}})),
        audit_event("a", 0, "get", "/version", json!({"impersonatedUser": {"groups": ["system:masters"]}})),
        audit_event("a", 0, "get", "/version", json!({"sourceIPs": ["203.0.113.7", "10.0.0.2"]})),
        audit_event("a", 0, "get", "/version", json!({"userAgent": "curl"})),
        audit_event("a", 1, "get", "/version", json!({})),
        audit_event("a", 0, "get", &format!("/version?{}", "x".repeat(2 * audit::MAX_ENDPOINT)), json!({})),
        audit_event("a", 0, "get", &format!("/version?{}y", "x".repeat(2 * audit::MAX_ENDPOINT)), json!({})),
    ];
    let mut all = vec![harmless];
    all.extend(others);
    let calls = |events: &[Value]| grouped(events).iter().map(|event| event.endpoints.len()).sum::<usize>();
    assert_eq!(calls(&all), all.len());
    assert_eq!(calls(&[&all[..], &all[..]].concat()), all.len(), "what is told of again is the same");
    let identities = audit::read_list(&list(&all), NOW).unwrap().calls;
    let mut identities: Vec<_> = identities.iter().map(|call| cluster().identity(call)).collect();
    let of_others = Cluster { id: "another".into(), ..cluster() };
    identities.extend(
        audit::read_list(&list(&all), NOW).unwrap().calls.iter().map(|call| of_others.identity(call)),
    );
    identities.sort_unstable();
    identities.dedup();
    assert_eq!(identities.len(), 2 * all.len());
}

#[test]
fn groups_are_complete_when_nothing_comes() {
    let mut grouping = Grouping::of(cluster());
    let later = |millis: i64| Time(NOW.0 + millis * 1000);
    assert_eq!(grouping.deadline(), None);
    grouping.take(&call("a", 0), NOW);
    grouping.take(&call("b", 500), later(2500));
    assert_eq!(grouping.deadline(), Some(Time(NOW.0 + REST)), "a look that finds the group still moving");
    grouping.advance(later(5499));
    assert_eq!(next(&mut grouping), None);
    assert_eq!(grouping.deadline(), Some(later(5500)));
    grouping.advance(later(5500));
    let event = next(&mut grouping).unwrap();
    assert_eq!(event.endpoints.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!((next(&mut grouping), grouping.deadline()), (None, None));
    // What was there does not come again; what is new is by itself.
    grouping.take(&call("b", 500), later(6000));
    grouping.take(&call("c", 600), later(6000));
    grouping.finish();
    assert_eq!(next(&mut grouping).unwrap().endpoints[0].id, "c");
    assert_eq!(next(&mut grouping), None);
}

#[test]
fn calls_that_came_out_of_order_stand_in_order() {
    let mut grouping = Grouping::of(cluster());
    for (audit_id, at) in [("b", 500), ("a", 0), ("c", 900)] {
        let mut call = call(audit_id, at);
        call.status = u16::try_from(at).unwrap();
        grouping.take(&call, NOW);
    }
    grouping.finish();
    let event = next(&mut grouping).unwrap();
    assert_eq!(event.endpoints.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!((event.creation_date, event.status_code), (NOW, 900));
}

#[test]
fn what_never_rests_is_cut() {
    let sizes = |calls: usize, apart: i64| {
        let mut grouping = Grouping::of(cluster());
        for (number, at) in (0..calls).zip((0..).step_by(usize::try_from(apart).unwrap())) {
            grouping.take(&call(&number.to_string(), at), Time(NOW.0 + at * 1000));
        }
        grouping.finish();
        std::iter::from_fn(|| next(&mut grouping)).map(|event| event.endpoints.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(2 * MAX_CALLS + 1, 1), [MAX_CALLS, MAX_CALLS, 1]);
    assert_eq!(sizes(40, GAP / 1000), [1 + usize::try_from(LONGEST / GAP).unwrap(), 16, 8]);
    assert_eq!(sizes(3, GAP / 1000 + 1), [1, 1, 1]);
}

#[test]
fn many_callers_do_not_fill_the_memory() {
    let mut grouping = Grouping::of(cluster());
    for number in 0..3 * MAX_OPEN {
        let mut call = call(&number.to_string(), 0);
        call.user = number.to_string();
        grouping.take(&call, NOW);
        assert!(grouping.resting() <= 2 * MAX_OPEN + 1);
    }
    let early = std::iter::from_fn(|| next(&mut grouping)).count();
    assert_eq!(early, 2 * MAX_OPEN);
    grouping.finish();
    assert_eq!(std::iter::from_fn(|| next(&mut grouping)).count(), MAX_OPEN);
}

#[test]
fn the_same_events_have_the_same_ids() {
    let events = [
        audit_event("a", 0, "get", "/version", json!({})),
        audit_event("b", 9000, "get", "/version", json!({})),
    ];
    let ids = |events: &[Value]| grouped(events).into_iter().map(|event| event.id).collect::<Vec<_>>();
    expect![[r#"["01a20211-2600-7db5-9eec-8521d212ff3a"]"#]].assert_eq(&format!("{:?}", ids(&events[..1])));
    assert_eq!(ids(&events), ids(&events));
    assert_eq!(ids(&events)[1..], ids(&events[1..]));
    let uuid: uuid::Uuid = ids(&events)[0].parse().unwrap();
    assert_eq!(uuid.get_version_num(), 7);
    let mut other = Grouping::of(Cluster { id: "another".into(), ..cluster() });
    other.take(&call("a", 0), NOW);
    other.finish();
    assert_ne!(next(&mut other).unwrap().id, ids(&events)[0]);
}

proptest! {
    #[test]
    fn anything_may_be_an_audit_log(
        events in prop::collection::vec(
            ("[a-e]{1}", -5000..50_000_i64, prop::sample::select(vec!["get", "create", "watch", "x"]), ".{0,30}", 0..4),
            0..20,
        ),
        cut in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let events: Vec<_> = events
            .into_iter()
            .map(|(audit_id, at, verb, text, how)| {
                let mut event = audit_event(&audit_id, at, verb, &format!("/x?command={text}"), pods(Some("exec")));
                match how {
                    0 => event["stage"] = json!("ResponseStarted"),
                    1 => event["user"]["username"] = json!(text),
                    2 => event["requestReceivedTimestamp"] = json!(text),
                    _ => event["objectRef"]["subresource"] = Value::Null,
                }
                event
            })
            .collect();
        let mut bytes = list(&events);
        crate::fuzz::fuzz_kube_audit(&bytes);
        let lines: Vec<_> = events.iter().map(ToString::to_string).collect();
        crate::fuzz::fuzz_kube_audit(lines.join("\n").as_bytes());
        let at = cut.index(bytes.len());
        bytes[at] = byte;
        crate::fuzz::fuzz_kube_audit(&bytes);
        crate::fuzz::fuzz_kube_audit(&bytes[..at]);
    }

    #[test]
    fn any_bytes_may_be_one(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        crate::fuzz::fuzz_kube_audit(&bytes);
    }
}

#[test]
fn a_group_of_which_more_is_known_is_another_event() {
    let id = |calls: &[&str]| {
        let mut grouping = Grouping::of(Cluster::default());
        calls.iter().for_each(|audit_id| grouping.take(&call(audit_id, 0), NOW));
        grouping.finish();
        next(&mut grouping).unwrap().id
    };
    assert_eq!(id(&["a", "b"]), id(&["a", "b"]));
    assert_ne!(id(&["a", "b"]), id(&["a", "b", "c"]));
}
