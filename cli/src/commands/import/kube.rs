//! The audit log of a Kubernetes API server: an `audit.k8s.io/v1` `Event` a line. What they are is the server's to say.

use casemate_client::Client;
use serde::Deserialize;

use crate::failure::Failure;
use crate::printer::Printer;

/// Sent at once: the server puts calls together within what it is sent, and so it is much.
const BYTES: usize = 8 << 20;

/// No more lines are sent at once.
const LINES: usize = 10_000;

/// The server takes no longer line.
const LONGEST: usize = 16 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Beginning {
    kind: String,
    api_version: String,
}

/// Whether that is a line of such a log.
pub(super) fn is_line(line: &str) -> bool {
    serde_json::from_str::<Beginning>(line)
        .is_ok_and(|line| line.kind == "Event" && line.api_version.starts_with("audit.k8s.io/"))
}

/// Brings them to a server; gives how many events came of what was not there before.
pub(super) fn bring_in(
    client: &Client,
    cluster: Option<&str>,
    text: &str,
    name: &str,
    printer: &Printer,
) -> Result<usize, Failure> {
    let mut progress = printer.progress(name, Some(text.len() as u64));
    let (mut taken, mut lines) = (0, 0);
    for part in parts(text) {
        if part.len() > LONGEST {
            let message = format!(
                "{name}:{}: the line has {} MiB, and no more than {} are taken: it is left out",
                lines + 1,
                part.len().div_ceil(1 << 20),
                LONGEST >> 20,
            );
            progress.hidden(|| printer.warn(message));
            lines += 1;
            progress.advance(part.len());
            continue;
        }
        let answer = client.bring_in_kube(cluster, part).map_err(|error| {
            let failure = Failure::from(error).of(format!("`{name}`"));
            if cluster.is_none() {
                failure.hint("say which cluster it is of: --target NAME")
            } else {
                failure
            }
        })?;
        taken += answer.events;
        for defect in answer.defects {
            progress.hidden(|| printer.warn(format!("{name}, from line {}: {defect}", lines + 1)));
        }
        lines += part.lines().count();
        progress.advance(part.len());
    }
    Ok(taken)
}

/// The lines in parts that are short enough; a line that is too long is a part of its own.
fn parts(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let (mut end, mut lines) = (0, 0);
        for line in text.split_inclusive('\n') {
            if lines > 0 && (end + line.len() > BYTES || lines == LINES) {
                break;
            }
            end += line.len();
            lines += 1;
        }
        let (part, rest) = text.split_at(end);
        text = rest;
        (!part.is_empty()).then_some(part)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_are_sent_once_and_in_their_order() {
        for (count, length, expected) in
            [(0, 10, 0), (1, 10, 1), (25_000, 10, 3), (20, 1 << 20, 3), (2, 9 << 20, 2)]
        {
            let text = format!("{}\n", "x".repeat(length - 1)).repeat(count);
            let parts: Vec<&str> = parts(&text).collect();
            assert_eq!(parts.len(), expected, "{count} lines of {length}");
            assert_eq!(parts.concat(), text);
        }
    }

    #[test]
    fn a_log_is_known_by_its_lines() {
        assert!(is_line(r#"{"kind":"Event","apiVersion":"audit.k8s.io/v1","level":"Metadata"}"#));
        for line in [
            "",
            "{}",
            r#"{"kind":"Event","apiVersion":"v1"}"#,
            r#"{"kind":"EventList","apiVersion":"audit.k8s.io/v1"}"#,
        ] {
            assert!(!is_line(line), "{line}");
        }
    }
}
