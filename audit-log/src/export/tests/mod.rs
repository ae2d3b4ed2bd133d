//! Exports of examples, and of any text.

mod examples;
mod properties;
mod schema;

use expect_test::expect_file;
use serde_json::Value;

use super::{Export, Form};
use crate::chain::{Hash, Head};
use crate::model::{Event, Log};
use examples::examples;

/// An export of all examples of a log.
pub(super) fn exported(form: Form, log: Log) -> String {
    let mut export = Export::of(form, log);
    let mut head = Head::begin(uuid::Uuid::from_u128(7));
    let mut bytes = export.head();
    for event in examples().iter().filter(|event| event.log() == log) {
        head = head.next(Hash([3; 32]));
        bytes.extend(export.event(event, Some(&head)).unwrap());
    }
    bytes.extend(export.tail());
    String::from_utf8(bytes).unwrap()
}

/// The exports of all logs in a form, with the lines of JSON as people read them.
fn readable(form: Form) -> String {
    let mut text = String::new();
    for log in Log::ALL {
        text.push_str(&format!("# {log}\n\n"));
        for line in exported(form, *log).split_inclusive('\n') {
            if matches!(form, Form::Ocsf | Form::Ecs) {
                let json: Value = serde_json::from_str(line).unwrap();
                text.push_str(&format!("{json:#}\n"));
            } else {
                text.push_str(line);
            }
        }
        text.push('\n');
    }
    text.replace('\r', "␍").replace(env!("CARGO_PKG_VERSION"), "[version]")
}

#[test]
fn json() {
    expect_file!["snapshots/json.txt"].assert_eq(&readable(Form::Json));
}

#[test]
fn ndjson() {
    expect_file!["snapshots/ndjson.txt"].assert_eq(&readable(Form::Ndjson));
}

#[test]
fn csv() {
    expect_file!["snapshots/csv.txt"].assert_eq(&readable(Form::Csv));
}

#[test]
fn ocsf() {
    expect_file!["snapshots/ocsf.txt"].assert_eq(&readable(Form::Ocsf));
}

#[test]
fn ecs() {
    expect_file!["snapshots/ecs.txt"].assert_eq(&readable(Form::Ecs));
}

#[test]
fn several_logs_in_one() {
    let exported = |form| {
        let mut export = Export::of_several(form);
        let mut bytes = export.head();
        for event in examples() {
            bytes.extend(export.event(&event, None).unwrap());
        }
        bytes.extend(export.tail());
        String::from_utf8(bytes).unwrap()
    };
    let json: Vec<Value> = serde_json::from_str(&exported(Form::Json)).unwrap();
    let logs: Vec<_> = json.iter().map(|event| event["log"].as_str().unwrap().to_owned()).collect();
    assert_eq!(logs, examples().iter().map(|event| event.log().name()).collect::<Vec<_>>());
    expect_file!["snapshots/several.csv.txt"].assert_eq(&exported(Form::Csv).replace('\r', "␍"));
}

#[test]
fn an_export_without_events_is_one() {
    for log in Log::ALL {
        for form in Form::ALL {
            let export = Export::of(*form, *log);
            let bytes = [export.head(), export.tail()].concat();
            match form {
                Form::Json => assert_eq!(bytes, b"[]\n"),
                Form::Csv => assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 1),
                Form::Ndjson | Form::Ocsf | Form::Ecs => assert_eq!(bytes, b""),
            }
        }
    }
}

#[test]
fn events_of_another_log_are_refused_and_it_goes_on() {
    let mut export = Export::of(Form::Json, Log::Kube);
    let events = examples();
    let (kube, others): (Vec<_>, Vec<_>) = events.iter().partition(|event| event.log() == Log::Kube);
    let error = export.event(others[0], None).unwrap_err();
    assert_eq!(error.to_string(), "an event of the log `command` is in the export of `kube`");
    let text = [export.head(), export.event(kube[0], None).unwrap(), export.tail()].concat();
    assert_eq!(serde_json::from_slice::<Vec<Value>>(&text).unwrap(), [kube[0].to_json().unwrap()]);
}

#[test]
fn a_number_that_is_none_is_nothing() {
    let Some(Event::Command(mut command)) = examples().into_iter().next() else { panic!("a command") };
    command.result.duration = Some(f64::NAN);
    command.offset = Some(f64::INFINITY);
    for form in Form::ALL {
        let bytes = Export::of(*form, Log::Command).event(&Event::Command(command.clone()), None).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

#[test]
fn columns_are_the_fields_of_the_events() {
    for log in Log::ALL {
        let mut fields = std::collections::BTreeSet::new();
        for event in examples().iter().filter(|event| event.log() == *log) {
            fields.extend(event.to_json().unwrap().as_object().unwrap().keys().cloned());
        }
        let columns = super::table::columns(*log);
        assert_eq!(fields, columns.iter().map(|name| (*name).to_owned()).collect(), "{log}");
    }
}
