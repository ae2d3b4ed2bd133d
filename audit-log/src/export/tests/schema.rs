//! What the schemas say of what we write, and whether it is so.
//!
//! `ocsf-schema.tsv` is what version 1.9 of the schema (github.com/ocsf/ocsf-schema at a5cfc68e, Apache-2.0) says of the
//! classes and objects that we write, with the profiles `host`, `record_integrity` and `security_control`: each attribute
//! with its type, whether it is required, and its values; of each class and object, of which attributes at least one must
//! be there. It has what is required and what we write: another attribute has to be looked up there.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::LazyLock;

use serde_json::Value;

use super::{Form, exported};
use crate::export::fields::is_mail_address;
use crate::model::Log;

struct Attribute {
    kind: &'static str,
    is_required: bool,
    values: BTreeMap<&'static str, &'static str>,
}

#[derive(Default)]
struct Shape {
    caption: &'static str,
    at_least_one: Vec<&'static str>,
    attributes: BTreeMap<&'static str, Attribute>,
}

/// Shapes by `class 1007` and `object actor`.
static SHAPES: LazyLock<BTreeMap<&str, Shape>> = LazyLock::new(|| {
    let mut shapes: BTreeMap<&str, Shape> = BTreeMap::new();
    let mut current = "";
    for line in include_str!("ocsf-schema.tsv").lines() {
        let mut columns = line.split('\t');
        let name = columns.next().unwrap();
        let mut column = || columns.next().unwrap_or_default();
        if let Some(name) = name.strip_prefix("  ") {
            let (kind, is_required) = (column(), column() == "required");
            let values = column().split('|').filter_map(|value| value.split_once('=')).collect();
            let shape = shapes.get_mut(current).unwrap();
            shape.attributes.insert(name, Attribute { kind, is_required, values });
        } else {
            current = name;
            let (caption, at_least_one) = (column(), column().split('|').filter(|name| !name.is_empty()));
            let at_least_one = at_least_one.collect();
            shapes.insert(name, Shape { caption, at_least_one, attributes: BTreeMap::new() });
        }
    }
    shapes
});

/// What is wrong with an event.
pub(super) fn ocsf(event: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = format!("class {}", event["class_uid"]);
    let Some(class) = SHAPES.get(name.as_str()) else { return vec![format!("{name} is not known")] };
    check_object(&name, event, class, &mut wrong);
    let number = |name: &str| event[name].as_u64().unwrap_or_default();
    if event["class_name"] != class.caption {
        wrong.push(format!("class_name is {}", event["class_name"]));
    }
    if number("type_uid") != number("class_uid") * 100 + number("activity_id") {
        wrong.push(format!("type_uid is {}", number("type_uid")));
    }
    if number("category_uid") != number("class_uid") / 1000 {
        wrong.push(format!("category_uid is {}", number("category_uid")));
    }
    wrong
}

fn check_object(path: &str, object: &Value, shape: &Shape, wrong: &mut Vec<String>) {
    let Some(fields) = object.as_object() else { return wrong.push(format!("{path} is no object")) };
    for (name, attribute) in &shape.attributes {
        if attribute.is_required && !fields.contains_key(*name) {
            wrong.push(format!("{path}.{name} is not there"));
        }
    }
    if !shape.at_least_one.is_empty() && !shape.at_least_one.iter().any(|name| fields.contains_key(*name)) {
        wrong.push(format!("{path} has none of {:?}", shape.at_least_one));
    }
    for (name, value) in fields {
        let Some(attribute) = shape.attributes.get(name.as_str()) else {
            wrong.push(format!("{path}.{name} is not in the table"));
            continue;
        };
        let path = format!("{path}.{name}");
        match attribute.kind.strip_suffix("[]") {
            Some(kind) => match value.as_array() {
                Some(values) if !values.is_empty() => {
                    values.iter().for_each(|value| check_value(&path, value, kind, wrong));
                }
                _ => wrong.push(format!("{path} is no list")),
            },
            None => check_value(&path, value, attribute.kind, wrong),
        }
        if attribute.values.is_empty() {
            continue;
        }
        // What has a number has a name beside it: the one of the number, but for 99.
        let Some(caption) = attribute.values.get(value.to_string().as_str()) else {
            wrong.push(format!("{path} is {value}"));
            continue;
        };
        let sibling = name.strip_suffix("_id").unwrap_or_default();
        let sibling = if sibling == "activity" { "activity_name" } else { sibling };
        if let Some(said) = fields.get(sibling)
            && (*value != 99 && said != caption || *value == 99 && said == "")
        {
            wrong.push(format!("{path} is {value}, which is {caption}, and {sibling} is {said}"));
        }
    }
}

fn check_value(path: &str, value: &Value, kind: &str, wrong: &mut Vec<String>) {
    let is_so = match kind {
        "integer_t" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        "long_t" | "timestamp_t" => value.is_i64(),
        "boolean_t" => value.is_boolean(),
        "ip_t" => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        "email_t" => value.as_str().is_some_and(is_mail_address),
        "object" => value.is_object(),
        kind if kind.ends_with("_t") => value.is_string(),
        kind => match SHAPES.get(format!("object {kind}").as_str()) {
            Some(shape) => return check_object(path, value, shape, wrong),
            None => false,
        },
    };
    if !is_so {
        wrong.push(format!("{path} is {value}, which is no {kind}"));
    }
}

/// Fields of the Elastic Common Schema that we write, as version 9.4 has them (`generated/csv/fields.csv` of
/// github.com/elastic/ecs).
const ECS: &[(&str, &str)] = &[
    ("@timestamp", "date"),
    ("ecs.version", "keyword"),
    ("event.id", "keyword"),
    ("event.kind", "keyword"),
    ("event.module", "keyword"),
    ("event.dataset", "keyword"),
    ("event.sequence", "long"),
    ("event.hash", "keyword"),
    ("event.category", "keyword[]"),
    ("event.type", "keyword[]"),
    ("event.action", "keyword"),
    ("event.outcome", "keyword"),
    ("event.reason", "keyword"),
    ("event.duration", "long"),
    ("observer.vendor", "keyword"),
    ("observer.product", "keyword"),
    ("observer.version", "keyword"),
    ("organization.id", "keyword"),
    ("source.ip", "ip"),
    ("source.address", "keyword"),
    ("related.ip", "ip[]"),
    ("related.user", "keyword[]"),
    ("related.hosts", "keyword[]"),
    ("user.id", "keyword"),
    ("user.email", "keyword"),
    ("user.name", "keyword"),
    ("user.effective.name", "keyword"),
    ("host.id", "keyword"),
    ("host.name", "keyword"),
    ("process.entity_id", "keyword"),
    ("process.start", "date"),
    ("process.end", "date"),
    ("process.entry_leader.entity_id", "keyword"),
    ("process.command_line", "wildcard"),
    ("process.args", "keyword[]"),
    ("process.args_count", "long"),
    ("process.working_directory", "keyword"),
    ("process.user.name", "keyword"),
    ("process.exit_code", "long"),
    ("orchestrator.type", "keyword"),
    ("orchestrator.cluster.id", "keyword"),
    ("orchestrator.cluster.name", "keyword"),
    ("orchestrator.namespace", "keyword"),
    ("orchestrator.resource.type", "keyword"),
    ("user_agent.original", "keyword"),
    ("http.response.status_code", "long"),
    ("url.original", "wildcard"),
];

/// Which types an event of a category can have.
const ECS_TYPES: &[(&str, &[&str])] = &[
    (
        "api",
        &[
            "access", "admin", "allowed", "change", "creation", "deletion", "denied", "end", "info", "start",
            "user",
        ],
    ),
    ("host", &["access", "change", "end", "info", "start"]),
    ("process", &["access", "change", "end", "info", "start"]),
    ("session", &["start", "end", "info"]),
];

/// What is wrong with a document.
pub(super) fn ecs(event: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    check_fields("", event, &mut wrong);
    let category = event["event"]["category"][0].as_str().unwrap_or_default();
    let types = ECS_TYPES.iter().find(|(known, _)| *known == category).map_or(&[][..], |(_, types)| types);
    for kind in event["event"]["type"].as_array().unwrap() {
        if !types.contains(&kind.as_str().unwrap()) {
            wrong.push(format!("an event of {category} is no {kind}"));
        }
    }
    wrong
}

fn check_fields(path: &str, json: &Value, wrong: &mut Vec<String>) {
    if path == "labels" {
        for (name, value) in json.as_object().unwrap() {
            let is_text =
                value.is_string() || value.as_array().is_some_and(|all| all.iter().all(Value::is_string));
            if !is_text || name.contains('.') {
                wrong.push(format!("labels.{name} is {value}"));
            }
        }
        return;
    }
    if let Some((_, kind)) = ECS.iter().find(|(name, _)| *name == path) {
        let of_kind = |value: &Value, kind: &str| match kind {
            "long" => value.is_i64(),
            "ip" => value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok()),
            "date" => value.as_str().is_some_and(|text| text.parse::<crate::Time>().is_ok()),
            _ => value.is_string(),
        };
        let is_so = match kind.strip_suffix("[]") {
            Some(kind) => value_list(json).is_some_and(|all| all.iter().all(|value| of_kind(value, kind))),
            None => of_kind(json, kind),
        };
        if !is_so {
            wrong.push(format!("{path} is {json}, which is no {kind}"));
        }
        return;
    }
    let Some(fields) = json.as_object() else { return wrong.push(format!("{path} is not in the table")) };
    for (name, value) in fields {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        check_fields(&path, value, wrong);
    }
}

fn value_list(json: &Value) -> Option<&Vec<Value>> {
    json.as_array().filter(|values| !values.is_empty())
}

#[test]
fn the_examples_are_as_the_schemas_say() {
    for log in Log::ALL {
        for line in exported(Form::Ocsf, *log).lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!(ocsf(&event), Vec::<String>::new(), "{event:#}");
        }
        for line in exported(Form::Ecs, *log).lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            assert_eq!(ecs(&event), Vec::<String>::new(), "{event:#}");
        }
    }
}

#[test]
fn what_the_schema_does_not_say_is_found() {
    let line = exported(Form::Ocsf, Log::Subject).lines().next().unwrap().to_owned();
    let good: Value = serde_json::from_str(&line).unwrap();
    let found = |change: fn(&mut Value)| {
        let mut event = good.clone();
        change(&mut event);
        !ocsf(&event).is_empty()
    };
    assert!(!found(|_| ()));
    assert!(found(|event| event["colour"] = "red".into()));
    assert!(found(|event| event["type_uid"] = 600_301.into()));
    assert!(found(|event| event["action_id"] = 7.into()));
    assert!(found(|event| event["action"] = "Allowed".into()));
    assert!(found(|event| event["src_endpoint"]["ip"] = "somewhere".into()));
    assert!(found(|event| drop(event.as_object_mut().unwrap().remove("api"))));
    assert!(found(|event| event["actor"] = Value::Object(serde_json::Map::new())));
    assert!(found(|event| event["time"] = "now".into()));
}
