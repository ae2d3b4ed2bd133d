//! A script for bash: each shell command as it was, with who, where and when in comments.
//!
//! What was not given to a shell is a comment. A command that would take in what follows it, or that bash could not
//! read, is kept apart by `eval`; one that holds control characters or invisible ones, or would end the script, is
//! shown and not run.
//!
//! *Invariant*: a comment never holds anything but its own line.

use casemate_command_log::{CommandEvent, Kind};

use super::Format;
use super::shell::{quoted, stands_alone};
use super::text::{acts, duration, one_line, one_line_with_tabs, unknown, who};
use casemate_store::recording::Record;

/// What stands at the top.
const HEAD: &str = "\
#!/usr/bin/env bash
# Commands that were read from recordings of terminal sessions. Look at each before you run it: a session has
# directories, variables, users and machines that a script does not have.
";

/// A script.
#[derive(Debug, Default)]
pub(crate) struct Script {
    has_head: bool,
    recording: Option<String>,
}

impl Script {
    fn head(&mut self, out: &mut Vec<u8>) {
        if !std::mem::replace(&mut self.has_head, true) {
            out.extend_from_slice(HEAD.as_bytes());
        }
    }
}

impl Format for Script {
    fn record(&mut self, record: &Record, out: &mut Vec<u8>) {
        self.head(out);
        let event = &record.event;
        if record.recording.as_deref() != self.recording.as_deref() {
            self.recording = record.recording.as_deref().map(str::to_owned);
            line(out, "");
            comment(out, self.recording.as_deref().unwrap_or("standard input"));
        }
        line(out, "");
        comment(out, &circumstances(event));
        match (&event.command, event.kind) {
            (Some(command), Kind::Shell) => run(out, command),
            (Some(text), Kind::Program) => {
                let program = event.program.as_deref().unwrap_or("a program");
                comment(out, &format!("given to {}:", one_line(program)));
                text.split('\n').for_each(|text| comment(out, &format!("  {text}")));
            }
            (Some(text), Kind::Hidden | Kind::Cancelled) => {
                comment(
                    out,
                    if event.kind == Kind::Cancelled { "not run:" } else { "run without being shown:" },
                );
                text.split('\n').for_each(|text| comment(out, &format!("  {text}")));
            }
            (None, _) => comment(out, unknown(event)),
        }
        if let Some(output) = &record.output {
            output.text.lines().for_each(|text| comment(out, &format!("> {text}")));
            if output.is_cut {
                comment(out, "> … (cut)");
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.head(out);
    }
}

fn run(out: &mut Vec<u8>, command: &str) {
    if acts(command) {
        comment(out, "it holds control characters or invisible ones, so it is not run here:");
        command.split('\n').for_each(|text| comment(out, &format!("  {text}")));
    } else if ends_shell(command) {
        comment(out, &format!("it ended a shell, and would end this script: {command}"));
    } else if stands_alone(command) {
        line(out, command);
    } else {
        line(out, &format!("eval {}", quoted(command)));
    }
}

/// Whether a command is nothing but the end of the shell that it was given to.
fn ends_shell(command: &str) -> bool {
    let mut words = command.split_whitespace();
    let first = words.next();
    matches!(first, Some("exit" | "logout"))
        && words.all(|word| word.bytes().all(|byte| byte.is_ascii_digit()))
}

/// When, who, where, and how it ended.
fn circumstances(event: &CommandEvent) -> String {
    let mut parts = vec![event.time.clone().unwrap_or_else(|| format!("at {} s", event.offset))];
    let who = who(event);
    if !who.is_empty() {
        parts.push(who);
    }
    if let Some(cwd) = &event.cwd {
        parts.push(format!("in {cwd}"));
    }
    if let Some(exit_code) = event.exit_code {
        parts.push(format!("exit {exit_code}"));
    }
    if let Some(time) = event.duration {
        parts.push(duration(time));
    }
    parts.join(", ")
}

fn comment(out: &mut Vec<u8>, text: &str) {
    line(out, format!("# {}", one_line_with_tabs(text)).trim_end());
}

fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::super::{example, examples};
    use super::*;
    use casemate_store::recording::OutputText;
    use expect_test::expect;
    use proptest::prelude::*;

    fn script(records: &[Record]) -> String {
        let (mut script, mut out) = (Script::default(), Vec::new());
        records.iter().for_each(|record| script.record(record, &mut out));
        script.finish(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn commands_run_and_all_else_is_comment() {
        expect![[r##"
            #!/usr/bin/env bash
            # Commands that were read from recordings of terminal sessions. Look at each before you run it: a session has
            # directories, variables, users and machines that a script does not have.

            # s.cast

            # 2026-11-22T07:03:28.123456Z, alice@web-1 as root, in /srv, exit 0, 0.25 s
            systemctl restart nginx

            # 2026-11-22T07:03:28.123456Z, alice@web-1 as root, in /srv, exit 1, 1 h 02 min 03.4 s
            cat <<EOF |
            "a"

            EOF
            grep -c '`|'
            # > 1
            # > ```
            # > \u{1b}[2J|x|
            # > … (cut)

            # 2026-11-22T07:03:28.123456Z, alice@web-1 as root
            # given to psql:
            #   =cmd|' /C calc'!A0
            #   rm -rf /

            # 2026-11-22T07:03:28.123456Z, eve\n$(reboot)\u{1b}]0;x\u{7}@web-1 as root, in /srv, exit 0, 0.25 s
            # (run without being shown)

            # other\n.cast

            # at 12.345678 s, as root, in /srv
            # not run:
            #   rm -rf \u{202e}/
        "##]].assert_eq(&script(&examples()));
    }

    #[test]
    fn the_end_of_a_shell_is_not_the_end_of_the_script() {
        let mut record = example();
        record.event.command = Some("exit 3".into());
        assert!(
            script(&[record.clone()]).ends_with("\n# it ended a shell, and would end this script: exit 3\n")
        );
        record.event.command = Some("exit | cat".into());
        assert!(script(&[record]).ends_with("\nexit | cat\n"));
    }

    #[test]
    fn an_open_quote_is_kept_apart() {
        let mut record = example();
        record.event.command = Some("echo 'a".into());
        assert!(script(&[record.clone()]).ends_with("\neval 'echo '\\''a'\n"));
        record.event.command = Some("echo \u{1b}]0;x".into());
        assert!(script(&[record]).ends_with("#   echo \\u{1b}]0;x\n"));
    }

    proptest! {
        /// With nothing to be run, each line is a comment or blank, whatever the texts are.
        #[test]
        fn nothing_gets_out_of_a_comment(texts in proptest::collection::vec("[\n\r\u{b}\u{c}\u{1b}\u{85}\u{2028}a#$`'\\\\ ]{0,8}", 7)) {
            let mut record = example();
            let text = |index: usize| Some(texts[index].clone());
            record.event.kind = Kind::Program;
            (record.event.user, record.event.target, record.event.target_user) = (text(0), text(1), text(2));
            (record.event.command, record.event.program, record.event.cwd) = (text(3), text(4), text(5));
            record.event.time = text(6);
            record.recording = text(0).map(Into::into);
            record.output = text(1).map(|text| OutputText { text, is_cut: true });
            let script = script(&[record]);
            for line in script.lines() {
                prop_assert!(line.is_empty() || line.starts_with('#'), "{:?}", line);
                prop_assert!(!acts(line));
            }
        }
    }
}
