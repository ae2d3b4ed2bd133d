//! Events in the Elastic Common Schema, version 9.4.0, one document for one of ours.
//!
//! | log | `event.category` | `event.type` |
//! |---|---|---|
//! | command, command-end | process | start, end |
//! | kube, with commands in containers | process | start |
//! | kube | api | access, creation, change, deletion by the verbs; info where they differ |
//! | connection | session | start (Created), end (Closed), else info |
//! | subject | api | by the verb of the service action, with allowed or denied |
//! | agent-status-change | host | start (Online), end (Terminated), else info |
//!
//! `event.sequence` and `event.hash` are the place in the chain; `labels.chainWriter` says in whose.
//!
//! `labels` has, in our names, each field that has no place of its own, or more to say than its place holds. All there is
//! text, as the schema has it: numbers are written out, and of a list of objects each is JSON.

use serde_json::{Map, Value, json};

use super::fields::{Does, Fields, Made, is_mail_address};
use crate::chain::Head;
use crate::model::{
    AgentStatus, AgentStatusChangeEvent, CommandEvent, ConnectionEvent, ConnectionEventType, Event,
    KubernetesEvent, SubjectEvent,
};

/// The version of the schema that is written.
pub const VERSION: &str = "9.4.0";

/// An event, and its place in the chain where it has one.
///
/// # Errors
/// A number in it is none.
pub fn event(event: &Event, head: Option<&Head>) -> serde_json::Result<Value> {
    let mut mapping = Mapping { from: Fields::of(event)?, to: Made::default() };
    mapping.base(event, head);
    match event {
        Event::Command(command) => mapping.command(command),
        Event::CommandEnd(_) => mapping.command_end(),
        Event::Kube(calls) => mapping.kube(calls),
        Event::Connection(connection) => mapping.connection(connection),
        Event::Subject(call) => mapping.subject(call),
        Event::AgentStatusChange(change) => mapping.agent(change),
    }
    let labels = mapping.from.rest().map(|rest| rest.into_iter().map(|(name, value)| (name, label(value))));
    let mut labels: Map<String, Value> = labels.into_iter().flatten().collect();
    if let Some(head) = head {
        labels.insert("chainWriter".into(), json!(head.writer));
    }
    if !labels.is_empty() {
        mapping.to.put("labels", Value::Object(labels));
    }
    Ok(mapping.to.done())
}

/// A value as it stands in `labels`: text.
#[must_use]
pub fn label(value: Value) -> Value {
    match value {
        Value::String(_) => value,
        Value::Array(values) => Value::Array(values.into_iter().map(label).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => value.to_string().into(),
    }
}

struct Mapping {
    from: Fields,
    to: Made,
}

impl Mapping {
    fn base(&mut self, event: &Event, head: Option<&Head>) {
        self.to.put("@timestamp", json!(event.time()));
        for name in ["timestamp", "creationDate", "timeStamp"] {
            self.from.take(name);
        }
        self.to.put("ecs.version", json!(VERSION));
        let id = self.from.take("id");
        self.to.put("event.id", id);
        self.to.put("event.kind", json!("event"));
        self.to.put("event.module", json!("casemate"));
        self.to.put("event.dataset", json!(format!("casemate.{}", event.log())));
        self.to.put("event.sequence", head.map(|head| json!(head.seq)));
        self.to.put("event.hash", head.map(|head| json!(head.hash)));
        self.to.put("observer.vendor", json!("casemate"));
        self.to.put("observer.product", json!("casemate"));
        self.to.put("observer.version", json!(env!("CARGO_PKG_VERSION")));
        let organization = self.from.take("organizationId");
        self.to.put("organization.id", organization);
        let address = self.from.look("ipAddress").cloned();
        if self.from.take_address("ipAddress").is_some() {
            self.to.put("source.ip", address.clone());
            self.to.put("related.ip", address.clone().map(|address| json!([address])));
        }
        self.from.take("ipAddress");
        self.to.put("source.address", address);
    }

    fn kind(&mut self, category: &str, types: &[&str], action: &str) {
        self.to.put("event.category", json!([category]));
        self.to.put("event.type", json!(types));
        self.to.put("event.action", json!(action));
    }

    fn outcome(&mut self, is_success: Option<bool>) {
        let outcome =
            is_success.map_or("unknown", |is_success| if is_success { "success" } else { "failure" });
        self.to.put("event.outcome", json!(outcome));
    }

    fn user(&mut self, id: &str, name: &str) {
        let (id, name) = (self.from.take(id), self.from.take(name));
        let is_mail = name.as_ref().and_then(Value::as_str).is_some_and(is_mail_address);
        self.to.put("user.id", id);
        self.to.put("user.email", name.clone().filter(|_| is_mail));
        self.to.put("related.user", name.clone().map(|name| json!([name])));
        self.to.put("user.name", name);
    }

    fn target(&mut self) {
        let (id, name) = (self.from.take("targetId"), self.from.take("targetName"));
        self.to.put("host.id", id);
        self.to.put("related.hosts", name.clone().map(|name| json!([name])));
        self.to.put("host.name", name);
    }

    fn result(&mut self) {
        let exit_code = self.from.take("exitCode");
        let status = exit_code.as_ref().and_then(Value::as_i64);
        self.outcome(status.map(|status| status == 0));
        self.to.put("process.exit_code", exit_code);
        // Nanoseconds; the number as it was stays in `labels`.
        let duration = self.from.look("duration").and_then(Value::as_f64);
        let duration = duration.filter(|seconds| (0.0..=1e9).contains(seconds));
        #[expect(clippy::cast_possible_truncation, reason = "it is no more than 10^18")]
        self.to.put("event.duration", duration.map(|seconds| json!((seconds * 1e9).round() as i64)));
    }

    fn command(&mut self, event: &CommandEvent) {
        self.kind("process", &["start"], "command");
        self.user("subjectId", "subjectName");
        self.target();
        self.to.put("process.entity_id", json!(event.id));
        self.to.put("process.start", json!(event.timestamp));
        let connection = self.from.look("connectionId").cloned();
        self.to.put("process.entry_leader.entity_id", connection);
        let command = self.from.take("command");
        self.to.put("process.command_line", command);
        let argv = self.from.take("argv");
        self.to.put("process.args_count", argv.as_ref().map(|_| json!(event.argv.len())));
        self.to.put("process.args", argv);
        let directory = self.from.take("cwd");
        self.to.put("process.working_directory", directory);
        let account = self.from.take("targetUser");
        self.to.put("process.user.name", account.clone());
        self.to.put("user.effective.name", account);
        let reason = self.from.take("reason");
        self.to.put("event.reason", reason);
        self.result();
    }

    fn command_end(&mut self) {
        self.kind("process", &["end"], "command-end");
        let id = self.to.look("event.id").cloned();
        self.to.put("process.entity_id", id);
        let end = self.to.look("@timestamp").cloned();
        self.to.put("process.end", end);
        let connection = self.from.look("connectionId").cloned();
        self.to.put("process.entry_leader.entity_id", connection);
        self.result();
    }

    fn kube(&mut self, event: &KubernetesEvent) {
        let does = Does::of_all(&event.verbs).map_or("info", kind_of);
        if event.exec_commands.is_empty() {
            self.kind("api", &[does], &event.verbs.join(","));
        } else {
            self.kind("process", &["start"], "exec");
            let lines: Vec<_> = event.exec_commands.iter().map(|call| call.event.as_str()).collect();
            self.to.put("process.command_line", json!(lines.join("\n")));
            self.to.put("process.entity_id", json!(event.id));
        }
        self.outcome(Some((100..400).contains(&event.status_code)));
        self.user("userId", "userEmail");
        let role = self.from.take("role");
        self.to.put("user.effective.name", role);
        self.to.put("orchestrator.type", json!("kubernetes"));
        let (id, name) = (self.from.take("clusterId"), self.from.take("targetName"));
        self.to.put("orchestrator.cluster.id", id);
        self.to.put("orchestrator.cluster.name", name);
        if let [namespace] = &event.namespaces[..] {
            self.to.put("orchestrator.namespace", json!(namespace));
        }
        if let [resource] = &event.resources[..] {
            self.to.put("orchestrator.resource.type", json!(resource));
        }
        let agent = self.from.take("userAgent");
        self.to.put("user_agent.original", agent);
        let status = self.from.take("statusCode");
        self.to.put("http.response.status_code", status);
        if let Some(first) = event.endpoints.first() {
            self.to.put("url.original", json!(first.event));
        }
    }

    fn connection(&mut self, event: &ConnectionEvent) {
        let happened = event.connection_event_type;
        let kind = match happened {
            ConnectionEventType::Created => "start",
            ConnectionEventType::Closed => "end",
            ConnectionEventType::ClientConnect
            | ConnectionEventType::ClientDisconnect
            | ConnectionEventType::ShellConnect
            | ConnectionEventType::ShellDisconnect => "info",
        };
        self.kind("session", &[kind], happened.name());
        self.from.take("connectionEventType");
        self.outcome(None);
        self.user("subjectId", "subjectName");
        self.target();
        let account = self.from.take("targetUser");
        self.to.put("user.effective.name", account);
        let reason = self.from.take("reason");
        self.to.put("event.reason", reason);
    }

    fn subject(&mut self, event: &SubjectEvent) {
        let does = Does::of_action(&event.service_action).map_or("info", kind_of);
        self.kind("api", &[does, if event.evaluation { "allowed" } else { "denied" }], &event.service_action);
        self.from.take("serviceAction");
        self.outcome(Some(event.evaluation));
        self.from.take("evaluation");
        self.user("subjectId", "subjectName");
    }

    fn agent(&mut self, event: &AgentStatusChangeEvent) {
        let kind = match event.status_change {
            AgentStatus::Online => "start",
            AgentStatus::Terminated => "end",
            AgentStatus::NotActivated
            | AgentStatus::Offline
            | AgentStatus::Error
            | AgentStatus::Restarting => "info",
        };
        self.kind("host", &[kind], event.status_change.name());
        self.from.take("statusChange");
        self.outcome((event.status_change == AgentStatus::Error).then_some(false));
        self.target();
        let reason = self.from.take("reason");
        self.to.put("event.reason", reason);
    }
}

fn kind_of(does: Does) -> &'static str {
    match does {
        Does::Create => "creation",
        Does::Read => "access",
        Does::Update => "change",
        Does::Delete => "deletion",
    }
}
