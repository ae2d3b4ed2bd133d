//! Moments as people give them: a date, a time, or how long ago.

use chrono::{DateTime, Local, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};

use crate::args;

/// A moment given on the command line; how long ago is known only then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moment(pub(crate) DateTime<Utc>);

/// `2026-11-22T07:03:28Z`, `2026-11-22`, `2026-11-22 07:03`, `today`, `yesterday`, `2h`, `3d`.
pub(crate) fn moment(text: &str) -> Result<Moment, String> {
    parse(text, Local::now())
}

fn parse<Z: TimeZone>(text: &str, now: DateTime<Z>) -> Result<Moment, String> {
    let wrong =
        || "give a time, like 2026-11-22, 2026-11-22T07:03:28Z, or how long ago, like 2h or 3d".to_owned();
    let zone = now.timezone();
    // A time that the clock shows twice is the first of both; one that it leaves out is none.
    let local = |naive: NaiveDateTime| {
        zone.from_local_datetime(&naive).earliest().map(|time| time.with_timezone(&Utc)).ok_or_else(wrong)
    };
    let text = text.trim();
    let today = now.date_naive();
    let date = match text {
        "now" => return Ok(Moment(now.with_timezone(&Utc))),
        "today" => Some(today),
        "yesterday" => today.pred_opt(),
        _ => NaiveDate::parse_from_str(text, "%Y-%m-%d").ok(),
    };
    if let Some(date) = date {
        return local(date.and_time(NaiveTime::MIN)).map(Moment);
    }
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(Moment(time.with_timezone(&Utc)));
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"] {
        if let Ok(naive) = NaiveDateTime::parse_from_str(text, format) {
            return local(naive).map(Moment);
        }
    }
    let ago = args::duration(text.strip_suffix("ago").unwrap_or(text).trim()).map_err(|_| wrong())?;
    let ago = i64::try_from(ago.0).map_err(|_| wrong())?;
    let then = now.with_timezone(&Utc).checked_sub_signed(chrono::TimeDelta::microseconds(ago));
    then.map(Moment).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::FixedOffset;

    #[test]
    fn people_say_times_in_many_ways() {
        let zone = FixedOffset::east_opt(3600).unwrap();
        let now = DateTime::parse_from_rfc3339("2026-11-22T10:00:00+01:00").unwrap().with_timezone(&zone);
        for (text, expected) in [
            ("2026-11-21", "2026-11-20T23:00:00+00:00"),
            ("yesterday", "2026-11-20T23:00:00+00:00"),
            ("today", "2026-11-21T23:00:00+00:00"),
            ("now", "2026-11-22T09:00:00+00:00"),
            ("2026-11-22 07:03", "2026-11-22T06:03:00+00:00"),
            ("2026-11-22T07:03:28.5", "2026-11-22T06:03:28.500+00:00"),
            ("2026-11-22T07:03:28Z", "2026-11-22T07:03:28+00:00"),
            ("2026-11-22T07:03:28.123456-05:00", "2026-11-22T12:03:28.123456+00:00"),
            ("2h", "2026-11-22T07:00:00+00:00"),
            ("1d12h ago", "2026-11-20T21:00:00+00:00"),
        ] {
            assert_eq!(
                parse(text, now).map(|moment| moment.0.to_rfc3339()).as_deref(),
                Ok(expected),
                "{text}"
            );
        }
        for text in ["", "soon", "2026-13-01", "2026-11-22 25:00", "5", "-2h", "999999999999d", "+1h"] {
            assert!(parse(text, now).is_err(), "{text}");
        }
    }
}
