//! While which command a line was seen.

use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::model::CommandEvent;
use casemate_audit_store::Around;

/// A line may be noted as seen so much later than it came: as long as a moment lasts that it is noted in, and a little.
const LATE: Duration = Duration::from_millis(20);

/// The command that a line belongs to: that which ran when it was seen, or that which was just being typed in it.
#[must_use]
pub fn command_at<'a>(around: &'a Around, line: &str, time: Time) -> Option<&'a CommandEvent> {
    let passed = |command: &CommandEvent| {
        let ended = command.result.duration.and_then(|duration| Duration::try_from_secs_f64(duration).ok());
        let since = Duration::from_micros(u64::try_from(time.0 - command.timestamp.0).unwrap_or(0));
        // What has not ended goes on, unless something came after it.
        ended
            .map(|ended| since.checked_sub(ended))
            .unwrap_or_else(|| around.after.is_some().then_some(Duration::ZERO))
    };
    let before = around.before.as_ref().map(|command| (command, passed(command)));
    if let Some((command, None | Some(Duration::ZERO))) = before
        && !matches!(before, Some((_, Some(_))) if is_typed(around, line))
    {
        return Some(command);
    }
    if is_typed(around, line) {
        return around.after.as_ref();
    }
    before.filter(|(_, passed)| passed.is_none_or(|passed| passed <= LATE)).map(|(command, _)| command)
}

fn is_typed(around: &Around, line: &str) -> bool {
    let typed = around.after.as_ref().and_then(|after| after.command.lines().next());
    typed.is_some_and(|typed| !typed.is_empty() && line.contains(typed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(text: &str, second: i64, duration: Option<f64>) -> CommandEvent {
        let json = serde_json::json!({
            "id": text, "connectionId": "c", "organizationId": "o", "timestamp": "1970-01-01T00:00:00Z",
            "subjectId": "s", "subjectType": "User", "subjectName": "alice", "isAdmin": false,
            "targetId": "t", "targetName": "web-1", "targetType": "SHELL", "targetUser": "root",
            "environmentId": "e", "environmentName": "prod", "command": text,
        });
        let mut command: CommandEvent = serde_json::from_value(json).unwrap();
        (command.timestamp, command.result.duration) = (Time(second * 1_000_000), duration);
        command
    }

    #[test]
    fn a_line_is_of_what_ran_or_of_what_was_typed() {
        let around = |before: Option<CommandEvent>, after: Option<CommandEvent>| Around { before, after };
        let make = || Some(command("make", 10, Some(5.0)));
        let ls = || Some(command("ls -l", 20, None));
        for (around, line, time, expected) in [
            (around(make(), ls()), "cc main.c", 12_000_000, Some("make")),
            (around(make(), ls()), "make: done", 15_000_000, Some("make")),
            (around(make(), ls()), "make: done", 15_015_000, Some("make")),
            (around(make(), ls()), "$ ls -l", 15_000_000, Some("ls -l")),
            (around(make(), ls()), "$ ls -l", 16_000_000, Some("ls -l")),
            (around(make(), ls()), "run: ls -l", 14_000_000, Some("make")),
            (around(make(), ls()), "you have mail", 18_000_000, None),
            (around(ls(), None), "total 0", 500_000_000, Some("ls -l")),
            (around(ls(), make()), "$ make", 22_000_000, Some("make")),
            (around(ls(), make()), "total 0", 22_000_000, Some("ls -l")),
            (around(None, make()), "welcome", 1_000_000, None),
            (around(None, make()), "$ make", 1_000_000, Some("make")),
            (around(None, None), "x", 0, None),
        ] {
            let found = command_at(&around, line, Time(time)).map(|command| command.command.as_str());
            assert_eq!(found, expected, "{line}, {time}");
        }
    }
}
