//! Whatever text is in an event: what is exported is what the form says, and all of the event is in it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::examples::examples;
use super::schema;
use crate::export::{Export, Form, table};
use crate::model::{Event, Log};

/// Fields that cannot have any text.
const FIXED: &[&str] = &[
    "timestamp",
    "timeStamp",
    "timeCreated",
    "creationDate",
    "subjectType",
    "targetType",
    "connectionEventType",
    "statusChange",
];

/// Any text, and often one that means something to somebody who reads it.
fn text() -> impl Strategy<Value = String> {
    let hostile = [
        "",
        "sessionrecordings:x",
        "n/a",
        "N/A",
        "unknown",
        "=1+1",
        "+1",
        "-1",
        "@x",
        "\tx",
        "\rx",
        "\nx",
        "'",
        "''=1",
        "＝1",
        "\"",
        "\",\"",
        "\r\n",
        "a\r\nb,c;d",
        "a@b.c",
        "203.0.113.7",
        "::1",
        "\u{0}",
        "\u{feff}",
        "\u{2028}",
        "null",
        "{}",
        "é\u{1F600}",
        ",",
        "00000000-0000-0000-0000-000000000000",
    ];
    prop_oneof![prop::sample::select(hostile.to_vec()).prop_map(str::to_owned), ".{0,20}", "(?s).{0,8}"]
}

fn fill(json: &mut Value, texts: &mut impl Iterator<Item = String>) {
    match json {
        Value::String(text) => *text = texts.next().unwrap_or_default(),
        Value::Array(values) => values.iter_mut().for_each(|value| fill(value, texts)),
        Value::Object(fields) => {
            fields
                .iter_mut()
                .filter(|(name, _)| !FIXED.contains(&name.as_str()))
                .for_each(|(_, value)| fill(value, texts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Any event.
fn any_event() -> impl Strategy<Value = Event> {
    (prop::sample::select(examples()), prop::collection::vec(text(), 40)).prop_map(|(event, texts)| {
        let mut json = event.to_json().unwrap();
        fill(&mut json, &mut texts.into_iter());
        Event::from_json(event.log(), &json.to_string()).unwrap()
    })
}

/// All texts and numbers in some JSON, also in JSON that is text there.
fn leaves(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::String(text) => {
            if let Ok(within @ (Value::Object(_) | Value::Array(_))) = serde_json::from_str(text) {
                leaves(&within, found);
            }
            found.insert(text.clone());
        }
        Value::Array(values) => values.iter().for_each(|value| leaves(value, found)),
        Value::Object(fields) => fields.values().for_each(|value| leaves(value, found)),
        Value::Number(number) => drop(found.insert(number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

fn exported(form: Form, event: &Event) -> Vec<u8> {
    let mut export = Export::of(form, event.log());
    [export.head(), export.event(event, None).unwrap(), export.tail()].concat()
}

/// What of an event is not in what was made of it.
fn lost(event: &Event, made: &Value) -> Vec<String> {
    let (mut said, mut there) = (BTreeSet::new(), BTreeSet::new());
    leaves(&event.to_json().unwrap(), &mut said);
    leaves(made, &mut there);
    // An administrator is a user.
    there.insert("User".into());
    let environment = |text: &String| there.contains(&format!("environment:{text}"));
    said.into_iter().filter(|text| !text.is_empty() && !there.contains(text) && !environment(text)).collect()
}

proptest! {
    #[test]
    fn json_is_json(event in any_event(), another in any_event()) {
        let mut export = Export::of(Form::Json, event.log());
        let mut bytes = export.head();
        let events: Vec<_> = [&event, &another, &event].into_iter().filter(|each| each.log() == event.log()).collect();
        for event in &events {
            bytes.extend(export.event(event, None).unwrap());
        }
        bytes.extend(export.tail());
        let read: Vec<Value> = serde_json::from_slice(&bytes).unwrap();
        prop_assert_eq!(read, events.iter().map(|event| event.to_json().unwrap()).collect::<Vec<_>>());
        let line = exported(Form::Ndjson, &event);
        prop_assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);
        prop_assert_eq!(serde_json::from_slice::<Value>(&line).unwrap(), event.to_json().unwrap());
    }

    #[test]
    fn a_table_has_the_same_cells_and_no_formula(event in any_event()) {
        let bytes = exported(Form::Csv, &event);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(&bytes[..]);
        let rows: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
        let columns = table::columns(event.log());
        prop_assert_eq!(rows[0].iter().collect::<Vec<_>>(), columns);
        prop_assert_eq!((rows.len(), rows[1].len()), (2, columns.len()));
        let json = event.to_json().unwrap();
        for (cell, name) in rows[1].iter().zip(columns) {
            match &json[*name] {
                Value::String(text) => {
                    prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']));
                    prop_assert_eq!(cell.strip_prefix('\'').unwrap_or(cell), text);
                }
                Value::Null => prop_assert_eq!(cell, ""),
                other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                    prop_assert_eq!(&serde_json::from_str::<Value>(cell).unwrap(), other);
                }
            }
        }
    }

    #[test]
    fn what_several_logs_have_in_one_table_is_no_formula(event in any_event()) {
        let mut export = Export::of_several(Form::Csv);
        let bytes = [export.head(), export.event(&event, None).unwrap()].concat();
        let mut reader = csv::Reader::from_reader(&bytes[..]);
        let row = reader.records().next().unwrap().unwrap();
        let facets = event.facets();
        prop_assert_eq!(row[2].strip_prefix('\'').unwrap_or(&row[2]), facets.subject_name.unwrap_or_default());
        prop_assert!(row.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])));
    }

    #[test]
    fn ocsf_is_as_the_schema_says_and_has_all(event in any_event()) {
        let made = exported(Form::Ocsf, &event);
        let made: Value = serde_json::from_slice(&made).unwrap();
        prop_assert_eq!(schema::ocsf(&made), Vec::<String>::new());
        prop_assert_eq!(lost(&event, &made), Vec::<String>::new());
    }

    #[test]
    fn ecs_is_as_the_schema_says_and_has_all(event in any_event()) {
        let made = exported(Form::Ecs, &event);
        let made: Value = serde_json::from_slice(&made).unwrap();
        prop_assert_eq!(schema::ecs(&made), Vec::<String>::new());
        prop_assert_eq!(lost(&event, &made), Vec::<String>::new());
    }
}

#[test]
fn the_examples_are_of_all_logs() {
    let logs: BTreeSet<_> = examples().iter().map(Event::log).collect();
    assert_eq!(logs, Log::ALL.iter().copied().collect());
}
