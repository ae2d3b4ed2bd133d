//! Moments: microseconds since 1970 in UTC, written as RFC 3339 with all six digits.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::text::written_as_text;

/// A moment in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// A text that is no time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no time such as 2026-11-27T09:30:00Z")]
pub struct NoTime(String);

impl Time {
    /// Now, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(Utc::now().timestamp_micros())
    }

    /// The first moment that can be written: the year 0.
    const FIRST: i64 = -62_167_219_200_000_000;

    /// The last one: the end of the year 9999.
    const LAST: i64 = 253_402_300_799_999_999;

    /// What lies outside of the years that can be written, and read again, is as near to it as can be.
    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0.clamp(Self::FIRST, Self::LAST)).unwrap_or_default()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::Micros, true))
    }
}

impl FromStr for Time {
    type Err = NoTime;

    /// Any offset is understood, and digits behind the sixth are dropped. A blank stands for the `+` that became one in a
    /// query.
    fn from_str(text: &str) -> Result<Self, NoTime> {
        let time = DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_rfc3339(&text.replace(' ', "+")))
            .map_err(|_| NoTime(text.chars().take(64).collect()))?;
        let time = time.timestamp_micros();
        // In UTC it may be another year.
        if (Self::FIRST..=Self::LAST).contains(&time) {
            Ok(Self(time))
        } else {
            Err(NoTime(text.chars().take(64).collect()))
        }
    }
}

written_as_text!(Time);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_written_can_be_read() {
        for micros in [i64::MIN, Time::FIRST - 1, Time::FIRST, -1, 0, Time::LAST, Time::LAST + 1, i64::MAX] {
            let written = Time(micros).to_string();
            let read: Time = written.parse().unwrap();
            assert_eq!(read.0, micros.clamp(Time::FIRST, Time::LAST), "{written}");
        }
        for text in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }

    #[test]
    fn times_come_back() {
        for (text, micros) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2024-05-28T18:12:09.000000Z", 1_716_919_929_000_000),
            ("2026-11-22T07:03:28.123456Z", 1_795_331_008_123_456),
            ("1969-12-31T23:59:59.999999Z", -1),
        ] {
            assert_eq!(text.parse(), Ok(Time(micros)));
            assert_eq!(Time(micros).to_string(), text);
        }
        assert_eq!("2024-05-28T20:12:09+02:00".parse(), Ok(Time(1_716_919_929_000_000)));
        assert_eq!("2024-05-28T20:12:09 02:00".parse(), Ok(Time(1_716_919_929_000_000)));
        for text in ["", "now", "2024-05-28", "2024-13-01T00:00:00Z"] {
            assert_eq!(text.parse::<Time>(), Err(NoTime(text.into())));
        }
    }
}
