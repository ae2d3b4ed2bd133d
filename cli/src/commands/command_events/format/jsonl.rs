//! JSON Lines: the contract, of which the other forms are views. `docs/command-events.md` says what stands in it.

use serde_json::Value;

use super::Format;
use casemate_store::recording::Record;

/// One JSON object a line.
pub(crate) struct JsonLines;

impl Format for JsonLines {
    fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        line(record, out);
    }
}

/// Appends a record as a line: the event's own fields first.
pub(super) fn line(record: &Record, out: &mut Vec<u8>) {
    let start = out.len();
    if serde_json::to_writer(&mut *out, &record.event).is_err() {
        // Strings and finite numbers: it cannot be. A line that is not whole would be worse than none.
        out.truncate(start);
        return;
    }
    let mut more = |name: &str, value: Value| {
        out.pop();
        out.extend_from_slice(format!(",\"{name}\":{value}}}").as_bytes());
    };
    if let Some(recording) = &record.recording {
        more("recording", (**recording).into());
    }
    if let Some(output) = &record.output {
        more("output_text", output.text.as_str().into());
        more("output_cut", output.is_cut.into());
    }
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::examples;
    use super::*;
    use expect_test::expect;

    #[test]
    fn one_object_a_line() {
        let mut out = Vec::new();
        for record in examples() {
            JsonLines.record(&record, &mut out);
        }
        let text = String::from_utf8(out).unwrap();
        for line in text.lines() {
            assert!(serde_json::from_str::<Value>(line).unwrap().is_object());
        }
        expect![[r#"
            {"id":"0b6e2c31-0000-8000-8000-000000000000","session":"01a2","time":"2026-11-22T07:03:28.123456Z","offset":12.345678,"duration":0.25,"user":"alice","target":"web-1","target_user":"root","command":"systemctl restart nginx","cwd":"/srv","exit_code":0,"kind":"shell","program":null,"source":"screen","confidence":0.98,"output_bytes":0,"output":[12.345678,12.595678],"recording":"s.cast"}
            {"id":"0b6e2c31-0000-8000-8000-000000000000","session":"01a2","time":"2026-11-22T07:03:28.123456Z","offset":12.345678,"duration":3723.4,"user":"alice","target":"web-1","target_user":"root","command":"cat <<EOF |\n\"a\"\n\nEOF\ngrep -c '`|'","cwd":"/srv","exit_code":1,"kind":"shell","program":null,"source":"screen","confidence":0.98,"output_bytes":0,"output":[12.345678,12.595678],"recording":"s.cast","output_text":"1\n```\n\u001b[2J|x|\n","output_cut":true}
            {"id":"0b6e2c31-0000-8000-8000-000000000000","session":"01a2","time":"2026-11-22T07:03:28.123456Z","offset":12.345678,"duration":null,"user":"alice","target":"web-1","target_user":"root","command":"=cmd|' /C calc'!A0\nrm -rf /","cwd":null,"exit_code":null,"kind":"program","program":"psql","source":"screen","confidence":0.98,"output_bytes":0,"output":[12.345678,12.595678],"recording":"s.cast"}
            {"id":"0b6e2c31-0000-8000-8000-000000000000","session":"01a2","time":"2026-11-22T07:03:28.123456Z","offset":12.345678,"duration":0.25,"user":"eve\n$(reboot)\u001b]0;x\u0007","target":"web-1","target_user":"root","command":null,"reason":"not_echoed","cwd":"/srv","exit_code":0,"kind":"hidden","program":null,"source":"none","confidence":0.98,"output_bytes":0,"output":[12.345678,12.595678],"recording":"s.cast"}
            {"id":"0b6e2c31-0000-8000-8000-000000000000","session":"01a2","time":null,"offset":12.345678,"duration":null,"user":null,"target":null,"target_user":"root","command":"rm -rf <RLO>/","cwd":"/srv","exit_code":null,"kind":"cancelled","program":null,"source":"screen","confidence":0.98,"output_bytes":0,"output":[12.345678,12.595678],"recording":"other\n.cast"}
        "#]].assert_eq(&text.replace('\u{202e}', "<RLO>"));
    }
}
