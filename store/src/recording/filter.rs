//! Which command events are wanted.

use casemate_command_log::{CommandEvent, Kind};
use chrono::{DateTime, Utc};
use regex::Regex;

/// Which events are wanted; each list that is empty wants all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Who ran it.
    pub users: Vec<String>,
    /// Where.
    pub targets: Vec<String>,
    /// As whom.
    pub target_users: Vec<String>,
    /// From then on.
    pub since: Option<DateTime<Utc>>,
    /// Before then.
    pub until: Option<DateTime<Utc>>,
    /// What is found in the command.
    pub grep: Option<Regex>,
    /// Who got the line.
    pub kinds: Vec<Kind>,
}

/// What a filter says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It is.
    Yes,
    /// It is not.
    No,
    /// It may have been within the time that was asked for: its recording does not say when it was made.
    Untimed,
}

impl Filter {
    /// Says whether it is wanted.
    #[must_use]
    pub fn wants(&self, event: &CommandEvent) -> Wanted {
        let is_one = |wanted: &[String], value: &Option<String>| {
            wanted.is_empty() || value.as_ref().is_some_and(|value| wanted.contains(value))
        };
        let passes = is_one(&self.users, &event.user)
            && is_one(&self.targets, &event.target)
            && is_one(&self.target_users, &event.target_user)
            && (self.kinds.is_empty() || self.kinds.contains(&event.kind))
            && self
                .grep
                .as_ref()
                .is_none_or(|grep| event.command.as_ref().is_some_and(|text| grep.is_match(text)));
        if !passes {
            return Wanted::No;
        }
        if self.since.is_none() && self.until.is_none() {
            return Wanted::Yes;
        }
        let time = event.time.as_deref().and_then(|time| DateTime::parse_from_rfc3339(time).ok());
        let Some(time) = time else { return Wanted::Untimed };
        let is_within =
            self.since.is_none_or(|since| time >= since) && self.until.is_none_or(|until| time < until);
        if is_within { Wanted::Yes } else { Wanted::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use casemate_cast_format::Micros;
    use casemate_command_log::Source;
    use chrono::TimeZone as _;

    fn example() -> CommandEvent {
        CommandEvent {
            id: "7d1f0a2e-0000-8000-8000-000000000001".into(),
            session: None,
            state: None,
            time: Some("2026-11-22T07:03:28.123456Z".into()),
            offset: Micros(12_345_678),
            duration: None,
            user: Some("alice".into()),
            target: Some("web-1".into()),
            target_user: Some("root".into()),
            command: Some("systemctl restart nginx".into()),
            reason: None,
            cwd: None,
            exit_code: Some(0),
            kind: Kind::Shell,
            program: None,
            source: Source::Screen,
            confidence: 0.98,
            output_bytes: None,
            output: None,
            output_at: None,
            mismatch: Vec::new(),
            piped: None,
        }
    }

    #[test]
    fn all_that_was_asked_for_must_hold() {
        let event = example();
        let yes = |filter: &Filter| filter.wants(&event);
        let names = |name: &str| vec!["nobody".to_owned(), name.to_owned()];
        let all = Filter::default();
        assert_eq!(yes(&all), Wanted::Yes);
        assert_eq!(
            yes(&Filter { users: names("alice"), targets: names("web-1"), ..all.clone() }),
            Wanted::Yes
        );
        assert_eq!(
            yes(&Filter { users: names("alice"), targets: names("web-2"), ..all.clone() }),
            Wanted::No
        );
        assert_eq!(yes(&Filter { target_users: names("root"), ..all.clone() }), Wanted::Yes);
        assert_eq!(yes(&Filter { grep: Regex::new("^systemctl .*nginx$").ok(), ..all.clone() }), Wanted::Yes);
        assert_eq!(yes(&Filter { grep: Regex::new("apache").ok(), ..all.clone() }), Wanted::No);
        assert_eq!(yes(&Filter { kinds: vec![Kind::Hidden, Kind::Program], ..all.clone() }), Wanted::No);
        assert_eq!(yes(&Filter { kinds: vec![Kind::Hidden, Kind::Shell], ..all }), Wanted::Yes);
    }

    #[test]
    fn since_is_within_and_until_is_not() {
        let moment = |seconds| Some(Utc.timestamp_opt(seconds, 123_456_000).unwrap());
        let mut event = example();
        let then = 1_795_330_988;
        event.time = Some("2026-11-22T07:03:08.123456Z".into());
        let wants = |since, until| Filter { since, until, ..Filter::default() }.wants(&event);
        assert_eq!(wants(moment(then), None), Wanted::Yes);
        assert_eq!(wants(None, moment(then)), Wanted::No);
        assert_eq!(wants(moment(then - 1), moment(then + 1)), Wanted::Yes);
        assert_eq!(wants(moment(then + 1), None), Wanted::No);
        event.time = None;
        let filter = Filter { since: moment(then), ..Filter::default() };
        assert_eq!(filter.wants(&event), Wanted::Untimed);
    }
}
