//! Events in the Open Cybersecurity Schema Framework, version 1.9.0, one event for one of ours.
//!
//! | log | class | activity |
//! |---|---|---|
//! | command | 1007 Process Activity | 1 Launch |
//! | command-end | 1007 Process Activity | 2 Terminate |
//! | kube, with commands in containers | 1007 Process Activity | 1 Launch |
//! | kube | 6003 API Activity | 1 Create, 2 Read, 3 Update, 4 Delete by the verbs; 99 where they differ |
//! | connection: SHELL, SSH, SSM | 4007 SSH Activity | 1 Open, 2 Close; 99 for what happens between |
//! | connection: WEB, RDP, DYNAMIC | 4014 Tunnel Activity | 1 Open, 2 Close, 99 |
//! | connection: DB, SQLSERVER | 6005 Datastore Activity | 3 Connect, 99 |
//! | connection: CLUSTER | 6003 API Activity | 99 |
//! | subject | 6003 API Activity | by the verb of the service action |
//! | subject: `sessionrecordings:…` | 3004 Entity Management | by the verb; 99 |
//! | agent-status-change | 6002 Application Lifecycle | 3 Start, 4 Stop, 5 Restart, 99 |
//!
//! Profiles: `host` (`actor` and `device` where the class has none), `security_control` (`action_id`: a call that was
//! allowed or denied) and `record_integrity`: with its place in the chain an event has one attestation, whose `chain_uid`
//! is the writer and whose fingerprint is the row's hash. That covers our row and all rows before it, not these bytes, and
//! says so: its serialization is `casemate audit row v1` ([`crate::chain`]). It has no `prev_event`: the row before is most
//! often of another log, or not in the export.
//!
//! `unmapped` has, in our names, each field that has no place of its own, or more to say than its place holds. What the
//! schema demands and nobody knows is `unknown`. Times are in milliseconds, as there; `metadata.original_time` has them all.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::fields::{Does, Fields, Made, is_mail_address};
use crate::chain::Head;
use crate::model::{
    AgentStatus, AgentStatusChangeEvent, CommandEnd, CommandEvent, ConnectionEvent, ConnectionEventType,
    ConnectionType, Event, KubernetesEvent, SubjectEvent, SubjectType,
};

/// The version of the schema that is written.
pub const VERSION: &str = "1.9.0";

/// Types of observables.
const IP_ADDRESS: u64 = 2;

/// An activity of a class that is in no list.
const OTHER: u64 = 99;

/// A class of events.
#[derive(Clone, Copy)]
struct Class {
    uid: u64,
    name: &'static str,
    /// Its activities that we know.
    activities: &'static [(u64, &'static str)],
}

const PROCESS: Class =
    Class { uid: 1007, name: "Process Activity", activities: &[(1, "Launch"), (2, "Terminate")] };
const ENTITY: Class = Class { uid: 3004, name: "Entity Management", activities: CRUD };
const SSH: Class = Class { uid: 4007, name: "SSH Activity", activities: OPEN_CLOSE };
const TUNNEL: Class = Class { uid: 4014, name: "Tunnel Activity", activities: OPEN_CLOSE };
const LIFECYCLE: Class = Class {
    uid: 6002,
    name: "Application Lifecycle",
    activities: &[(3, "Start"), (4, "Stop"), (5, "Restart")],
};
const API: Class = Class { uid: 6003, name: "API Activity", activities: CRUD };
const DATASTORE: Class = Class { uid: 6005, name: "Datastore Activity", activities: &[(3, "Connect")] };
const CRUD: &[(u64, &str)] = &[(1, "Create"), (2, "Read"), (3, "Update"), (4, "Delete")];
const OPEN_CLOSE: &[(u64, &str)] = &[(1, "Open"), (2, "Close")];

/// An event, and its place in the chain where it has one.
///
/// # Errors
/// A number in it is none.
pub fn event(event: &Event, head: Option<&Head>) -> serde_json::Result<Value> {
    let mut mapping = Mapping { from: Fields::of(event)?, to: Made::default(), profiles: Vec::new() };
    match event {
        Event::Command(command) => mapping.command(command),
        Event::CommandEnd(end) => mapping.command_end(end),
        Event::Kube(calls) => mapping.kube(calls),
        Event::Connection(connection) => mapping.connection(connection),
        Event::Subject(call) => mapping.subject(call),
        Event::AgentStatusChange(change) => mapping.agent(change),
    }
    mapping.metadata(event);
    mapping.chain(head);
    Ok(mapping.done())
}

struct Mapping {
    from: Fields,
    to: Made,
    profiles: Vec<&'static str>,
}

impl Mapping {
    fn class(&mut self, class: Class, activity: u64, other: &str) {
        let known = class.activities.iter().find(|(uid, _)| *uid == activity);
        let (activity, name) = known.copied().unwrap_or((OTHER, other));
        self.to.put("class_uid", json!(class.uid));
        self.to.put("class_name", json!(class.name));
        self.to.put("category_uid", json!(class.uid / 1000));
        self.to.put("activity_id", json!(activity));
        self.to.put("activity_name", json!(if name.is_empty() { "unknown" } else { name }));
        self.to.put("type_uid", json!(class.uid * 100 + activity));
        self.to.put("severity_id", json!(1));
    }

    fn status(&mut self, is_success: bool) {
        self.to.put("status_id", json!(if is_success { 1 } else { 2 }));
    }

    fn metadata(&mut self, event: &Event) {
        let time = event.time();
        self.to.put("time", json!(time.0.div_euclid(1000)));
        self.to.put("metadata.version", json!(VERSION));
        self.to.put("metadata.product.name", json!("casemate"));
        self.to.put("metadata.product.vendor_name", json!("casemate"));
        self.to.put("metadata.product.version", json!(env!("CARGO_PKG_VERSION")));
        // The end of a command has the command's id, and there must be one of each.
        let suffix = if matches!(event, Event::CommandEnd(_)) { "/end" } else { "" };
        self.to.put("metadata.uid", json!(format!("{}{suffix}", event.id())));
        let id = self.from.take("id");
        self.to.put("metadata.original_event_uid", id);
        self.to.put("metadata.original_time", json!(time));
        for name in ["timestamp", "creationDate", "timeStamp"] {
            self.from.take(name);
        }
        self.to.put("metadata.log_name", json!(event.log().name()));
        let tenant = self.from.take("organizationId");
        self.to.put("metadata.tenant_uid", tenant);
    }

    /// The place in the chain.
    fn chain(&mut self, head: Option<&Head>) {
        let Some(head) = head else { return };
        self.profiles.push("record_integrity");
        self.to.put("metadata.sequence", json!(head.seq));
        let attestation = json!({
            "uid": format!("{}/{}", head.writer, head.seq),
            "chain_uid": head.writer,
            "fingerprint": {
                "algorithm_id": 3,
                "algorithm": "SHA-256",
                "encoding_id": 1,
                "encoding": "Hex",
                "serialization_id": 99,
                "serialization": "casemate audit row v1",
                "value": head.hash,
            },
        });
        self.to.put("attestation_list", json!([attestation]));
    }

    fn done(mut self) -> Value {
        if !self.profiles.is_empty() {
            self.to.put("metadata.profiles", json!(self.profiles));
        }
        self.to.put("unmapped", self.from.rest().map(Value::Object));
        self.to.done()
    }

    /// Who did it: a user at `path`.
    fn user(&mut self, path: &str, id: &str, name: &str, of_type: Option<(SubjectType, bool)>) {
        if self.from.text(name).is_some_and(is_mail_address) {
            let mail = self.from.look(name).cloned();
            self.to.put(&format!("{path}.email_addr"), mail);
        }
        let (id, name) = (self.from.take(id), self.from.take(name));
        if id.is_none() && name.is_none() {
            self.to.put(&format!("{path}.name"), json!("unknown"));
        }
        self.to.put(&format!("{path}.uid"), id);
        self.to.put(&format!("{path}.name"), name);
        let (type_id, caption) = match of_type {
            Some((SubjectType::User, false)) => (1, "User"),
            Some((SubjectType::User, true)) => (2, "Admin"),
            Some((SubjectType::ApiKey | SubjectType::ServiceAccount, _)) => (4, "Service"),
            None => (0, "Unknown"),
        };
        self.to.put(&format!("{path}.type_id"), json!(type_id));
        self.to.put(&format!("{path}.type"), json!(caption));
        if matches!(of_type, Some((SubjectType::User, _))) {
            self.from.take("subjectType");
            self.from.take("isAdmin");
        }
    }

    fn subject_of(&mut self, path: &str, event: &crate::model::Subject) {
        self.user(path, "subjectId", "subjectName", Some((event.subject_type, event.is_admin)));
    }

    fn session(&mut self, path: &str) {
        let connection = self.from.take("connectionId");
        if connection.is_some() {
            self.to.put(&format!("{path}.is_remote"), json!(true));
        }
        self.to.put(&format!("{path}.uid"), connection);
    }

    /// What it was done to: a device or an endpoint at `path`.
    fn target(&mut self, path: &str, id: &str, name: &str) {
        let (id, name) = (self.from.take(id), self.from.take(name));
        if id.is_none() && name.is_none() {
            self.to.put(&format!("{path}.name"), json!("unknown"));
        }
        self.to.put(&format!("{path}.uid"), id);
        self.to.put(&format!("{path}.name"), name.clone());
        if path == "device" {
            self.to.put("device.hostname", name);
            self.to.put("device.type_id", json!(0));
            self.to.put("device.type", json!("Unknown"));
        }
    }

    /// From where: an endpoint, which some classes demand.
    fn source(&mut self) {
        match self.from.take_address("ipAddress") {
            Some(address) => self.to.put("src_endpoint.ip", address),
            None => self.to.put("src_endpoint.name", json!("unknown")),
        }
    }

    /// From where, in a class that has no place for it.
    fn observed_source(&mut self) {
        let Some(address) = self.from.text("ipAddress").filter(|text| text.parse::<IpAddr>().is_ok()) else {
            return;
        };
        let observable = json!({"name": "unmapped.ipAddress", "type_id": IP_ADDRESS, "type": "IP Address", "value": address});
        self.to.put("observables", json!([observable]));
    }

    fn environment(&mut self) {
        if let Some(Value::String(name)) = self.from.take("environmentName") {
            self.to.put("metadata.labels", json!([format!("environment:{name}")]));
        }
    }

    fn result(&mut self) {
        let exit_code = self.from.take("exitCode");
        self.to.put("exit_code", exit_code);
        // Milliseconds; the rest of it stays in `unmapped`.
        let duration = self.from.look("duration").and_then(Value::as_f64);
        let duration = duration.filter(|seconds| (0.0..=1e9).contains(seconds));
        #[expect(clippy::cast_possible_truncation, reason = "it is no more than 10^12")]
        self.to.put("duration", duration.map(|seconds| json!((seconds * 1000.0).round() as i64)));
    }

    fn command(&mut self, event: &CommandEvent) {
        self.class(PROCESS, 1, "");
        // The line was given and ran, whatever came of it; but for one that was taken back.
        let is_cancelled = event.kind.as_deref() == Some("cancelled");
        self.status(!is_cancelled);
        let (launch, caption) = if event.argv.is_empty() { (OTHER, "Line") } else { (3, "Exec") };
        self.to.put("launch_type_id", json!(launch));
        self.to.put("launch_type", json!(caption));
        self.subject_of("actor.user", &event.subject);
        self.session("actor.session");
        self.target("device", "targetId", "targetName");
        self.to.put("process.uid", json!(event.id));
        let command = self.from.take("command");
        self.to.put("process.cmd_line", command);
        let directory = self.from.take("cwd");
        self.to.put("process.working_directory", directory);
        let user = self.from.take("targetUser");
        self.to.put("process.user.name", user);
        self.result();
        self.environment();
        self.observed_source();
    }

    fn command_end(&mut self, event: &CommandEnd) {
        self.class(PROCESS, 2, "");
        self.status(true);
        self.to.put("process.uid", json!(event.id));
        self.session("actor.session");
        self.to.put("actor.session.uid", json!(event.connection_id));
        self.target("device", "targetId", "targetName");
        self.result();
    }

    fn kube(&mut self, event: &KubernetesEvent) {
        if event.exec_commands.is_empty() {
            let does = Does::of_all(&event.verbs).map_or(OTHER, activity);
            self.class(API, does, &event.verbs.join(", "));
            self.source();
            self.target("dst_endpoint", "clusterId", "targetName");
            let said = match event.kube_english_command.as_str() {
                "" | "N/A" => event
                    .verbs
                    .iter()
                    .chain(&event.resources)
                    .map(String::as_str)
                    .collect::<Vec<_>>()
                    .join(" "),
                said => said.to_owned(),
            };
            self.to.put("api.operation", json!(if said.is_empty() { "unknown" } else { said.as_str() }));
            self.to.put("api.service.name", json!("kubernetes"));
            self.to.put("api.response.code", json!(event.status_code));
            self.from.take("statusCode");
            if let Some(first) = event.endpoints.first() {
                self.to.put("api.request.uid", json!(first.id));
                self.to.put("http_request.uid", json!(first.id));
                self.to.put("http_request.url.url_string", json!(first.event));
            }
            let agent = self.from.take("userAgent");
            self.to.put("http_request.user_agent", agent);
        } else {
            self.class(PROCESS, 1, "");
            self.to.put("launch_type_id", json!(3));
            self.to.put("launch_type", json!("Exec"));
            self.to.put("process.uid", json!(event.id));
            let lines: Vec<_> = event.exec_commands.iter().map(|call| call.event.as_str()).collect();
            self.to.put("process.cmd_line", json!(lines.join("\n")));
            self.target("device", "clusterId", "targetName");
            self.observed_source();
        }
        self.user("actor.user", "userId", "userEmail", None);
        self.session("actor.session");
        self.status((100..400).contains(&event.status_code));
        self.to.put("status_code", json!(event.status_code.to_string()));
    }

    fn connection(&mut self, event: &ConnectionEvent) {
        let kind = event.place.target_type;
        let happened = event.connection_event_type;
        let open_or_close = match happened {
            ConnectionEventType::Created => 1,
            ConnectionEventType::Closed => 2,
            ConnectionEventType::ClientConnect
            | ConnectionEventType::ClientDisconnect
            | ConnectionEventType::ShellConnect
            | ConnectionEventType::ShellDisconnect => OTHER,
        };
        match kind {
            ConnectionType::Shell | ConnectionType::Ssh | ConnectionType::Ssm => {
                self.class(SSH, open_or_close, happened.name());
            }
            ConnectionType::Web | ConnectionType::Rdp | ConnectionType::Dynamic => {
                self.class(TUNNEL, open_or_close, happened.name());
                self.to.put("tunnel_type_id", json!(OTHER));
                self.to.put("tunnel_type", json!(kind.name()));
            }
            ConnectionType::Db | ConnectionType::SqlServer => {
                let connect = if happened == ConnectionEventType::Created { 3 } else { OTHER };
                self.class(DATASTORE, connect, happened.name());
                let name = self.from.look("targetName").cloned();
                self.to.put("database.name", name.unwrap_or(json!("unknown")));
                self.to.put("database.type_id", json!(0));
            }
            ConnectionType::Cluster => {
                self.class(API, OTHER, happened.name());
                self.to.put("api.operation", json!(happened.name()));
                self.to.put("api.service.name", json!("kubernetes"));
            }
        }
        // The classes of the network have an actor by this profile alone.
        if matches!(kind, ConnectionType::Db | ConnectionType::SqlServer | ConnectionType::Cluster) {
            self.session("actor.session");
        } else {
            self.profiles.push("host");
            let connection = self.from.look("connectionId").cloned();
            self.to.put("connection_info.uid", connection);
            self.to.put("connection_info.direction_id", json!(1));
            self.session("actor.session");
        }
        self.status(true);
        self.subject_of("actor.user", &event.subject);
        self.source();
        self.target("dst_endpoint", "targetId", "targetName");
        let happened = self.from.take("connectionEventType");
        self.to.put("metadata.event_code", happened);
        let reason = self.from.take("reason");
        self.to.put("status_detail", reason);
        self.environment();
    }

    fn subject(&mut self, event: &SubjectEvent) {
        let does = Does::of_action(&event.service_action).map_or(OTHER, activity);
        let is_recording = event.service_action.to_ascii_lowercase().starts_with("sessionrecordings:");
        let resource = self.from.take("resource");
        if is_recording {
            self.class(ENTITY, does, &event.service_action);
            self.to.put("entity.type_id", json!(OTHER));
            self.to.put("entity.type", json!("Session Recording"));
            self.to.put("entity.uid", resource.unwrap_or(json!("unknown")));
        } else {
            self.class(API, does, &event.service_action);
            self.to.put("api.operation", json!(event.service_action));
            self.to.put("api.service.name", json!("casemate"));
            self.to.put("api.request.uid", json!(event.id));
            self.to.put("resources", resource.map(|uid| json!([{"uid": uid}])));
        }
        let action = self.from.take("serviceAction");
        self.to.put("metadata.event_code", action);
        self.subject_of("actor.user", &event.subject);
        self.source();
        self.profiles.push("security_control");
        let (action, caption) = if event.evaluation { (1, "Allowed") } else { (2, "Denied") };
        self.to.put("action_id", json!(action));
        self.to.put("action", json!(caption));
        self.status(event.evaluation);
        self.from.take("evaluation");
    }

    fn agent(&mut self, event: &AgentStatusChangeEvent) {
        let activity = match event.status_change {
            AgentStatus::Online => 3,
            AgentStatus::Terminated => 4,
            AgentStatus::Restarting => 5,
            AgentStatus::NotActivated | AgentStatus::Offline | AgentStatus::Error => OTHER,
        };
        self.class(LIFECYCLE, activity, event.status_change.name());
        self.status(event.status_change != AgentStatus::Error);
        self.to.put("app.name", json!("casemate agent"));
        self.to.put("app.vendor_name", json!("casemate"));
        self.profiles.push("host");
        self.target("device", "targetId", "targetName");
        let status = self.from.take("statusChange");
        self.to.put("metadata.event_code", status);
        let reason = self.from.take("reason");
        self.to.put("status_detail", reason);
    }
}

fn activity(does: Does) -> u64 {
    match does {
        Does::Create => 1,
        Does::Read => 2,
        Does::Update => 3,
        Does::Delete => 4,
    }
}
