//! Times of day, as they are shown and as they are typed.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// `2026-11-22 14:03`.
pub(crate) fn short(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M").to_string()
}

/// `2026-11-22 14:03:28`.
pub(crate) fn long(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-22T14:03:28Z`.
pub(crate) fn exact(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// Reads a time in UTC: a day, with or without the time of day, or as RFC 3339 has it.
pub(crate) fn parse(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    let form = |form: &str| NaiveDateTime::parse_from_str(text, form).ok();
    let time = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M"]
        .into_iter()
        .find_map(form)
        .or_else(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?.and_hms_opt(0, 0, 0))?;
    Some(time.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_as_it_is_shown() {
        let time = DateTime::from_timestamp(1_795_330_988, 0).unwrap();
        assert_eq!((short(time).as_str(), long(time).as_str()), ("2026-11-22 07:03", "2026-11-22 07:03:08"));
        assert_eq!(parse(&long(time)), Some(time));
        assert_eq!(parse(&exact(time)), Some(time));
        assert_eq!(parse("2026-11-22").map(short).as_deref(), Some("2026-11-22 00:00"));
        assert_eq!(parse("2026-11-22T09:03:08+02:00"), Some(time));
        assert_eq!((parse("yesterday"), parse("")), (None, None));
    }
}
