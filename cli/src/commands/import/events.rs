//! Events that BastionZero's API gave out: a JSON array of them. What they are is the server's to say.

use casemate_client::Client;
use serde_json::value::RawValue;

use crate::failure::{About as _, Failure};
use crate::printer::Printer;

/// Sent at once.
const BYTES: usize = 256 << 10;

/// Whether a text that begins so is such an array.
pub(super) fn is_export(begun: &str) -> bool {
    let rest = begun.trim_start().strip_prefix('[').map(str::trim_start);
    let times = ["\"timestamp\"", "\"timeStamp\"", "\"creationDate\""];
    rest.is_some_and(|rest| rest.starts_with('{') && times.iter().any(|time| rest.contains(time)))
}

/// Brings them to a server; gives how many there were.
pub(super) fn bring_in(client: &Client, text: &str, name: &str, printer: &Printer) -> Result<usize, Failure> {
    let events: Vec<&RawValue> = serde_json::from_str(text).about(format!("`{name}` is no JSON array"))?;
    let mut progress = printer.progress(name, Some(text.len() as u64));
    let mut taken = 0;
    for part in parts(&events) {
        let answer = client.bring_in(&part).map_err(|error| Failure::from(error).of(format!("`{name}`")))?;
        taken += answer.events;
        for defect in answer.defects {
            progress.hidden(|| printer.warn(format!("{name}: {defect}")));
        }
        progress.advance(part.len());
    }
    Ok(taken)
}

/// The events in arrays that are short enough, as they stand there.
fn parts(events: &[&RawValue]) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    for event in events {
        if !part.is_empty() && part.len() + event.get().len() > BYTES {
            parts.push(format!("[{}]", std::mem::take(&mut part)));
        }
        if !part.is_empty() {
            part.push(',');
        }
        part.push_str(event.get());
    }
    if !part.is_empty() {
        parts.push(format!("[{part}]"));
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_them_are_sent_once_and_in_their_order() {
        let text = |count: usize| {
            let events = (0..count)
                .map(|number| format!("{{\"id\": \"{number}\", \"command\": \"{}\"}}", "x".repeat(1000)));
            format!("[{}]", events.collect::<Vec<_>>().join(", "))
        };
        for (count, expected) in [(0, 0), (1, 1), (1000, 4)] {
            let text = text(count);
            let events: Vec<&RawValue> = serde_json::from_str(&text).unwrap();
            let parts = parts(&events);
            assert_eq!(parts.len(), expected);
            assert!(parts.iter().all(|part| part.len() <= BYTES + 2));
            let all =
                parts.iter().flat_map(|part| serde_json::from_str::<Vec<serde_json::Value>>(part).unwrap());
            assert_eq!(
                all.map(|event| event["id"].as_str().unwrap().parse::<usize>().unwrap()).collect::<Vec<_>>(),
                (0..count).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn an_export_is_known_by_its_beginning() {
        assert!(is_export("\n[\n  {\"id\": \"1\", \"timestamp\": \"2024-05-28T18:12:09Z\"}]"));
        for text in ["", "[]", "[1.0, \"o\", \"x\"]", "{\"timestamp\": 5}", "[{\"id\": 1}]"] {
            assert!(!is_export(text), "{text}");
        }
    }
}
