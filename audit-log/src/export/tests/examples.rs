//! Events of each log: one with all that can be there, then others that go other ways.

use serde_json::{Value, json};

use crate::model::{ConnectionType, Event, Log};

/// The examples, in the order of the logs.
pub(super) fn examples() -> Vec<Event> {
    let mut all = vec![
        event(
            Log::Command,
            &place(subject(json!({
                "id": "0193-command", "connectionId": "0193-connection", "organizationId": "0193-org",
                "timestamp": "2026-11-22T07:03:28.123456Z", "command": "psql -c 'select \"x\",\n1' | tee -a \"out\"",
                "spaceId": "0193-space", "spaceName": "mine", "recordingId": "0193-connection", "offset": 12.345678,
                "cwd": "/srv", "kind": "shell", "program": "psql", "source": "screen", "confidence": 0.98,
                "reason": "why not", "innerTarget": "db-1", "innerTargetUser": "postgres",
                "argv": ["psql", "-c", "select \"x\",\n1"], "exitCode": -1, "duration": 0.2504996,
                "outputBytes": 1234, "bytesIn": 1, "bytesOut": 2, "bytesErr": 3,
            }))),
        ),
        event(
            Log::Command,
            &place(json!({
                "id": "0193-formula", "connectionId": "0193-connection", "organizationId": "0193-org",
                "timestamp": "1969-12-31T23:59:59.999999Z", "subjectId": "0193-key", "subjectType": "ApiKey",
                "subjectName": "'deploy", "isAdmin": true, "command": "=HYPERLINK(\"http://x\")", "kind": "cancelled",
            })),
        ),
        event(
            Log::CommandEnd,
            &json!({
                "id": "0193-command", "connectionId": "0193-connection", "timestamp": "2026-11-22T07:03:28.373955Z",
                "exitCode": 0, "duration": 0.2504996, "outputBytes": 1234, "bytesIn": 1, "bytesOut": 2, "bytesErr": 3,
            }),
        ),
        event(
            Log::Kube,
            &json!({
                "id": "0193-kube", "organizationId": "0193-org", "creationDate": "2026-11-22T07:03:28Z", "role": "deployer",
                "targetGroups": ["system:masters", "system:authenticated"],
                "endpoints": [{"id": "a-1", "timeCreated": "2026-11-22T07:03:28Z",
                    "event": "/api/v1/namespaces/shop/pods?limit=500"}],
                "execCommands": [], "kubeEnglishCommand": "N/A", "statusCode": 200, "userId": "0193-alice",
                "userEmail": "alice@example.com", "clusterId": "0193-eks", "targetName": "eks-prod",
                "connectionId": "0193-connection", "ipAddress": "203.0.113.7", "userAgent": "kubectl/v1.32.3",
                "verbs": ["get", "list"], "namespaces": ["shop"], "resources": ["pods"], "groupingGuessed": true,
            }),
        ),
        event(
            Log::Kube,
            &json!({
                "id": "0193-exec", "organizationId": "0193-org", "creationDate": "2026-11-22T07:03:28Z", "role": "alice",
                "targetGroups": [],
                "endpoints": [{"id": "a-2", "timeCreated": "2026-11-22T07:03:28Z",
                    "event": "/api/v1/namespaces/shop/pods/web/exec?command=id"}],
                "execCommands": [{"id": "a-2", "timeCreated": "2026-11-22T07:03:28Z", "event": "id"}],
                "kubeEnglishCommand": "kubectl exec web -- id", "statusCode": 403, "userId": "alice", "userEmail": "alice",
                "clusterId": "0193-eks", "targetName": "eks-prod", "verbs": ["create"], "resources": ["pods/exec"],
                "ipAddress": "not an address",
            }),
        ),
    ];
    for (number, kind) in ConnectionType::ALL.iter().enumerate() {
        let happened = ["Created", "Closed", "ClientConnect"][number % 3];
        let mut connection = place(subject(json!({
            "id": format!("0193-happened-{number}"), "connectionId": "0193-connection", "organizationId": "0193-org",
            "timestamp": "2026-11-22T07:03:28.123456Z", "sessionId": "0193-space", "sessionName": "n/a",
            "connectionEventType": happened, "reason": "admin@org.com deleted target", "connectionNodeId": "node-1",
        })));
        connection["targetType"] = json!(kind);
        all.push(event(Log::Connection, &connection));
    }
    for (action, evaluation) in
        [("connectionservice:connect", false), ("sessionrecordings:delete", true), ("policy:list", true)]
    {
        all.push(event(
            Log::Subject,
            &subject(json!({
                "id": "0193-call", "organizationId": "0193-org", "timestamp": "2026-11-22T07:03:28.123456Z",
                "serviceAction": action, "resource": "0193-resource", "evaluation": evaluation,
                "context": "{\"targetId\":\"0193-target\"}",
            })),
        ));
    }
    for status in ["Online", "Error"] {
        all.push(event(
            Log::AgentStatusChange,
            &json!({
                "id": "0193-agent", "targetId": "0193-target", "statusChange": status,
                "timeStamp": "2026-11-22T07:03:28.123456Z", "reason": "it began", "agentPublicKey": "ed25519:AAAA",
            }),
        ));
    }
    all
}

fn event(log: Log, json: &Value) -> Event {
    Event::from_json(log, &json.to_string()).unwrap()
}

fn with(mut event: Value, more: Value) -> Value {
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event
}

fn subject(event: Value) -> Value {
    let subject = json!({
        "subjectId": "0193-alice", "subjectType": "User", "subjectName": "alice@example.com", "isAdmin": false,
        "ipAddress": "203.0.113.7",
    });
    with(event, subject)
}

fn place(event: Value) -> Value {
    let place = json!({
        "targetId": "0193-target", "targetType": "SHELL", "targetName": "web-1", "targetUser": "root",
        "environmentId": "00000000-0000-0000-0000-000000000000", "environmentName": "prod",
    });
    with(event, place)
}
