//! BastionZero's own logs, as its API and its web application export them: an array of JSON for each log.
//!
//! The names are ours, but for a few that it changed over the years; what it left out is filled with what it says where
//! there is nothing. Fields that nobody knows are passed over. An event that cannot be read is named, and does not stop
//! the others.
//!
//! *Not here*: who may do this.

use casemate_audit_log::model::{ConnectionType, Event, Log, NO_ID, NONE};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// What an export held.
#[derive(Debug, Default)]
pub struct Imported {
    /// The events, as they came.
    pub events: Vec<Event>,
    /// What was none: which, from 0, and why.
    pub defects: Vec<(usize, String)>,
}

/// What is no export.
#[derive(Debug, thiserror::Error)]
#[error("it is no array of events in JSON: {0}")]
pub struct NoExport(serde_json::Error);

/// Reads an export; without a log, each event says by its fields which one it belongs to. All are this organization's.
///
/// # Errors
/// It is none.
pub fn read_export(log: Option<Log>, json: &[u8], organization_id: &str) -> Result<Imported, NoExport> {
    let array: Vec<Value> = serde_json::from_slice(json).map_err(NoExport)?;
    let mut imported = Imported::default();
    for (number, value) in array.into_iter().enumerate() {
        match event(log, value, organization_id) {
            Ok(event) => imported.events.push(event),
            Err(why) => imported.defects.push((number, why)),
        }
    }
    Ok(imported)
}

fn event(log: Option<Log>, value: Value, organization_id: &str) -> Result<Event, String> {
    let Value::Object(mut object) = value else { return Err("it is no object".into()) };
    let log = log.or_else(|| log_of(&object)).ok_or("its fields are those of no log")?;
    object.retain(|_, value| !value.is_null());
    object.insert("organizationId".into(), organization_id.into());
    match log {
        Log::Command => {
            of_subject(&mut object);
            of_place(&mut object)?;
        }
        Log::Connection => {
            of_subject(&mut object);
            of_place(&mut object)?;
            fill(&mut object, &[("sessionId", NO_ID), ("sessionName", NONE), ("connectionNodeId", NONE)]);
        }
        Log::Subject => {
            of_subject(&mut object);
            fill(&mut object, &[("resource", ""), ("context", "")]);
            as_text(&mut object, "context");
        }
        Log::Kube => {
            rename(&mut object, "clusterName", "targetName");
            for list in ["targetGroups", "endpoints", "execCommands"] {
                object.entry(list).or_insert_with(|| Value::Array(Vec::new()));
            }
            fill(
                &mut object,
                &[("role", NONE), ("kubeEnglishCommand", "N/A"), ("userId", NO_ID), ("userEmail", NONE)],
            );
            fill(&mut object, &[("clusterId", NO_ID), ("targetName", NONE)]);
            object.entry("statusCode").or_insert(0.into());
        }
        Log::AgentStatusChange => {
            fill(&mut object, &[("targetId", NO_ID), ("reason", ""), ("agentPublicKey", NONE)]);
            // It had none.
            let id = id_of(&object);
            object.entry("id").or_insert_with(|| id.into());
        }
        Log::CommandEnd => {}
    }
    Event::from_json(log, &Value::Object(object).to_string()).map_err(|error| error.to_string())
}

/// By what only one of the logs has.
fn log_of(object: &Map<String, Value>) -> Option<Log> {
    let signs = [
        ("connectionEventType", Log::Connection),
        ("serviceAction", Log::Subject),
        ("kubeEnglishCommand", Log::Kube),
        ("endpoints", Log::Kube),
        ("statusChange", Log::AgentStatusChange),
        ("command", Log::Command),
    ];
    signs.into_iter().find(|(key, _)| object.contains_key(*key)).map(|(_, log)| log)
}

fn of_subject(object: &mut Map<String, Value>) {
    // Its older name.
    rename(object, "userName", "subjectName");
    fill(object, &[("subjectId", NO_ID), ("subjectType", "User"), ("subjectName", NONE)]);
}

fn of_place(object: &mut Map<String, Value>) -> Result<(), String> {
    fill(object, &[("targetId", NO_ID), ("targetName", NONE), ("targetUser", NONE)]);
    fill(object, &[("environmentId", NO_ID), ("environmentName", NONE), ("targetType", "SHELL")]);
    let said = object.get("targetType").and_then(Value::as_str).unwrap_or_default();
    let known = match &*said.to_ascii_uppercase() {
        "KUBERNETES" => ConnectionType::Cluster,
        "BZERO" => ConnectionType::Shell,
        "DYNAMICACCESSCONFIG" => ConnectionType::Dynamic,
        other => other.parse().map_err(|error| format!("its `targetType`: {error}"))?,
    };
    object.insert("targetType".into(), known.name().into());
    Ok(())
}

fn rename(object: &mut Map<String, Value>, old: &str, new: &str) {
    if !object.contains_key(new)
        && let Some(value) = object.remove(old)
    {
        object.insert(new.into(), value);
    }
}

fn fill(object: &mut Map<String, Value>, missing: &[(&str, &str)]) {
    for (key, value) in missing {
        object.entry(*key).or_insert_with(|| (*value).into());
    }
}

fn as_text(object: &mut Map<String, Value>, key: &str) {
    if let Some(value) = object.get_mut(key)
        && !value.is_string()
    {
        *value = value.to_string().into();
    }
}

/// An id made of all that is said.
fn id_of(object: &Map<String, Value>) -> String {
    let mut hash = Sha256::new();
    for (key, value) in object {
        hash.update(format!("{key}={value}\n"));
    }
    super::events::id_from(hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    #[track_caller]
    fn check(json: &str, expected: &Expect) {
        let imported = read_export(None, json.as_bytes(), "ours").unwrap();
        let mut shown = String::new();
        for event in &imported.events {
            shown += &format!("{}: {}\n", event.log(), event.to_json().unwrap());
        }
        for (number, why) in &imported.defects {
            shown += &format!("{number}: {why}\n");
        }
        expected.assert_eq(&shown);
    }

    #[test]
    fn each_log_is_known_by_its_fields() {
        check(
            r#"[
            {"id":"6c","connectionId":"d5","targetId":"t","targetType":"SHELL","targetName":"foo","subjectId":"s","subjectType":"User",
             "subjectName":"alice@org.com","organizationId":"o","timestamp":"2024-05-28T18:12:09Z","targetUser":"admin",
             "environmentId":"e","environmentName":"prod","command":"echo 'hello world'","new":{"a":[1]}},
            {"id":"k","organizationId":"o","creationDate":"2024-05-28T18:12:09Z","role":"foo","targetGroups":["system:masters"],
             "endpoints":[{"id":"1","timeCreated":"2024-05-28T18:12:09Z","event":"/api/v1/namespaces"}],"execCommands":null,
             "kubeEnglishCommand":"zli kube get ns","statusCode":200,"userId":"u","clusterId":"c","clusterName":"eks-prod","userEmail":"alice@org.com"},
            {"id":"c","connectionId":"d5","sessionId":"n","sessionName":"cli-space","targetType":"Db","targetName":"foo","userName":"bob",
             "timestamp":"2024-05-28T18:12:09Z","connectionEventType":"Closed","reason":"admin@org.com deleted target","connectionNodeId":"x"},
            {"id":"s","subjectName":"alice@org.com","isAdmin":false,"serviceAction":"connectionservice:connect","resource":"r","evaluation":true,
             "ipAddress":"203.0.113.7","context":{"targetId":"t"},"timestamp":"2024-05-28T18:12:09Z"},
            {"statusChange":"Offline","timeStamp":"2024-05-28T18:12:09Z","reason":"gone","agentPublicKey":"k"}
            ]"#,
            &expect![[r#"
                command: {"id":"6c","connectionId":"d5","organizationId":"ours","timestamp":"2024-05-28T18:12:09.000000Z","subjectId":"s","subjectType":"User","subjectName":"alice@org.com","isAdmin":false,"targetId":"t","targetType":"SHELL","targetName":"foo","targetUser":"admin","environmentId":"e","environmentName":"prod","command":"echo 'hello world'"}
                kube: {"id":"k","organizationId":"ours","creationDate":"2024-05-28T18:12:09.000000Z","role":"foo","targetGroups":["system:masters"],"endpoints":[{"id":"1","timeCreated":"2024-05-28T18:12:09.000000Z","event":"/api/v1/namespaces"}],"execCommands":[],"kubeEnglishCommand":"zli kube get ns","statusCode":200,"userId":"u","userEmail":"alice@org.com","clusterId":"c","targetName":"eks-prod"}
                connection: {"id":"c","connectionId":"d5","organizationId":"ours","timestamp":"2024-05-28T18:12:09.000000Z","subjectId":"00000000-0000-0000-0000-000000000000","subjectType":"User","subjectName":"bob","isAdmin":false,"targetId":"00000000-0000-0000-0000-000000000000","targetType":"DB","targetName":"foo","targetUser":"n/a","environmentId":"00000000-0000-0000-0000-000000000000","environmentName":"n/a","sessionId":"n","sessionName":"cli-space","connectionEventType":"Closed","reason":"admin@org.com deleted target","connectionNodeId":"x"}
                subject: {"id":"s","organizationId":"ours","timestamp":"2024-05-28T18:12:09.000000Z","subjectId":"00000000-0000-0000-0000-000000000000","subjectType":"User","subjectName":"alice@org.com","isAdmin":false,"ipAddress":"203.0.113.7","serviceAction":"connectionservice:connect","resource":"r","evaluation":true,"context":"{\"targetId\":\"t\"}"}
                agent-status-change: {"id":"053b070d-def9-884c-b93b-df95f14fe0be","targetId":"00000000-0000-0000-0000-000000000000","statusChange":"Offline","timeStamp":"2024-05-28T18:12:09.000000Z","reason":"gone","agentPublicKey":"k"}
            "#]],
        );
    }

    #[test]
    fn what_is_none_is_named_and_does_not_stop_the_others() {
        check(
            r#"[1, {}, {"command":"x"}, {"command":"x","targetType":"MOON"},
            {"id":"1","connectionId":"c","command":"id","timestamp":"2024-05-28T18:12:09Z"}]"#,
            &expect![[r#"
                command: {"id":"1","connectionId":"c","organizationId":"ours","timestamp":"2024-05-28T18:12:09.000000Z","subjectId":"00000000-0000-0000-0000-000000000000","subjectType":"User","subjectName":"n/a","isAdmin":false,"targetId":"00000000-0000-0000-0000-000000000000","targetType":"SHELL","targetName":"n/a","targetUser":"n/a","environmentId":"00000000-0000-0000-0000-000000000000","environmentName":"n/a","command":"id"}
                0: it is no object
                1: its fields are those of no log
                2: it is no event of the log `command`: missing field `id` at line 1 column 319
                3: its `targetType`: `MOON` is none of SHELL, CLUSTER, DB, WEB, SSH, RDP, SQLSERVER, DYNAMIC, SSM
            "#]],
        );
        for json in ["", "{}", "[", "null"] {
            assert!(read_export(None, json.as_bytes(), "o").is_err(), "{json}");
        }
    }

    proptest! {
        #[test]
        fn what_we_export_comes_back(command in ".{0,40}", at in 0..4_000_000_000_000_000_i64, id in "[a-f0-9]{1,9}") {
            let json = serde_json::json!([{
                "id": id, "connectionId": "c", "command": command,
                "timestamp": casemate_audit_log::Time(at).to_string(),
            }]);
            let first = read_export(Some(Log::Command), json.to_string().as_bytes(), "o").unwrap();
            prop_assert_eq!(first.defects, vec![]);
            let again = Value::Array(first.events.iter().map(|event| event.to_json().unwrap()).collect());
            prop_assert_eq!(read_export(None, again.to_string().as_bytes(), "o").unwrap().events, first.events);
        }

        #[test]
        fn any_bytes_will_do(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_export(None, &bytes, "o").ok();
        }
    }
}
