//! Which command events are wanted.

use casemate_command_log::{CommandEvent, Kind};
use chrono::DateTime;
use clap::ValueEnum;
use regex::Regex;

use super::moment::Moment;

/// A kind of events, as asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum KindArg {
    /// Commands given to a shell
    Shell,
    /// Lines given to a program: answers, queries, statements
    Program,
    /// Something was run that the terminal did not show
    Hidden,
    /// Lines thrown away before they were run
    Cancelled,
    /// All of them
    All,
}

/// Which events are wanted; each list that is empty wants all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Filter {
    pub(crate) users: Vec<String>,
    pub(crate) targets: Vec<String>,
    pub(crate) target_users: Vec<String>,
    pub(crate) since: Option<Moment>,
    pub(crate) until: Option<Moment>,
    pub(crate) grep: Option<Regex>,
    pub(crate) kinds: Vec<KindArg>,
}

/// What a filter says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    Yes,
    No,
    /// It may have been within the time that was asked for: its recording does not say when it was made.
    Untimed,
}

impl Filter {
    pub(crate) fn wants(&self, event: &CommandEvent) -> Wanted {
        let is_one = |wanted: &[String], value: &Option<String>| {
            wanted.is_empty() || value.as_ref().is_some_and(|value| wanted.contains(value))
        };
        let passes = is_one(&self.users, &event.user)
            && is_one(&self.targets, &event.target)
            && is_one(&self.target_users, &event.target_user)
            && self.wants_kind(event.kind)
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
            self.since.is_none_or(|since| time >= since.0) && self.until.is_none_or(|until| time < until.0);
        if is_within { Wanted::Yes } else { Wanted::No }
    }

    fn wants_kind(&self, kind: Kind) -> bool {
        self.kinds.is_empty()
            || self.kinds.iter().any(|wanted| match wanted {
                KindArg::Shell => kind == Kind::Shell,
                KindArg::Program => kind == Kind::Program,
                KindArg::Hidden => kind == Kind::Hidden,
                KindArg::Cancelled => kind == Kind::Cancelled,
                KindArg::All => true,
            })
    }
}

#[cfg(test)]
mod tests {
    use super::super::format::example;
    use super::*;
    use chrono::{TimeZone as _, Utc};

    #[test]
    fn all_that_was_asked_for_must_hold() {
        let event = example().event;
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
        assert_eq!(
            yes(&Filter { kinds: vec![KindArg::Hidden, KindArg::Program], ..all.clone() }),
            Wanted::No
        );
        assert_eq!(yes(&Filter { kinds: vec![KindArg::Hidden, KindArg::All], ..all }), Wanted::Yes);
    }

    #[test]
    fn since_is_within_and_until_is_not() {
        let moment = |seconds| Some(Moment(Utc.timestamp_opt(seconds, 123_456_000).unwrap()));
        let mut event = example().event;
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
