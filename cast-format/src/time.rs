//! Time as integers: microseconds in events, nanoseconds while summing intervals.
//!
//! A recording says seconds in decimal. They are read and written digit by digit, never through a
//! float, so that a time survives any number of conversions unchanged.

use std::fmt;

/// Microseconds since the start of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Micros(pub u64);

impl Micros {
    /// The whole milliseconds in a duration, for people.
    pub fn as_millis(self) -> u64 {
        self.0 / 1_000
    }

    /// Reads decimal seconds (`12`, `0.5`, `1e-05`), rounded to the nearest microsecond.
    /// `None` where the text is no JSON number, is negative, or is beyond 584 years.
    pub fn from_seconds(text: &str) -> Option<Self> {
        Nanos::from_seconds(text).map(Nanos::round)
    }

    /// The time `other` later; the end of time where that is beyond it.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

/// Decimal seconds, shortest form with at least one decimal: `0.0`, `1.5`, `12.345678`.
impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut digits = [0; DECIMAL_CAPACITY];
        f.write_str(self.write_decimal(&mut digits))
    }
}

/// Twenty digits of a `u64` and the point.
pub(crate) const DECIMAL_CAPACITY: usize = 21;

impl Micros {
    /// Writes the decimal form into `buffer`, from its end; this is what every event line begins
    /// with, so it does without the formatting machinery.
    pub(crate) fn write_decimal(self, buffer: &mut [u8; DECIMAL_CAPACITY]) -> &str {
        let mut position = buffer.len();
        let mut end = position;
        let (mut seconds, mut fraction) = (self.0 / 1_000_000, self.0 % 1_000_000);
        for place in 0..6 {
            position -= 1;
            buffer[position] = digit(fraction % 10);
            // Trailing zeros go, but for the first decimal.
            if buffer[position] == b'0' && end == position + 1 && place < 5 {
                end = position;
            }
            fraction /= 10;
        }
        position -= 1;
        buffer[position] = b'.';
        loop {
            position -= 1;
            buffer[position] = digit(seconds % 10);
            seconds /= 10;
            if seconds == 0 {
                break;
            }
        }
        std::str::from_utf8(&buffer[position..end]).expect("digits and a point are ASCII")
    }
}

fn digit(value: u64) -> u8 {
    b'0' + u8::try_from(value).expect("a remainder of ten")
}

/// Nanoseconds: what intervals are summed in, so that their rounding to microseconds is carried
/// on and never adds up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos(pub(crate) u64);

impl From<Micros> for Nanos {
    fn from(micros: Micros) -> Self {
        Self(micros.0.saturating_mul(1_000))
    }
}

impl Nanos {
    pub(crate) fn round(self) -> Micros {
        Micros(self.0.saturating_add(500) / 1_000)
    }

    pub(crate) fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Reads a JSON number as seconds; digits beyond the ninth decimal are rounded.
    pub(crate) fn from_seconds(text: &str) -> Option<Self> {
        Self::from_plain_seconds(text.as_bytes()).or_else(|| Self::from_any_seconds(text))
    }

    /// Reads `12.345678`: what nearly all recordings hold, one for each event. `None` for all that is longer or
    /// written otherwise, good or bad.
    fn from_plain_seconds(text: &[u8]) -> Option<Self> {
        /// So many digits fit a `u64`, whatever they are.
        const MOST: usize = 18;
        let (mut number, mut point) = (0_u64, None);
        if text.len() > MOST {
            return None;
        }
        for (at, &byte) in text.iter().enumerate() {
            match byte {
                b'0'..=b'9' => number = number * 10 + u64::from(byte - b'0'),
                b'.' if point.is_none() && at > 0 => point = Some(at),
                _ => return None,
            }
        }
        let decimals = text.len() - (point? + 1);
        let missing = u32::try_from(9_usize.checked_sub(decimals).filter(|&missing| missing < 9)?).ok()?;
        number.checked_mul(10_u64.pow(missing)).map(Self)
    }

    fn from_any_seconds(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa_text, exponent) = match digits.find(['e', 'E']) {
            Some(at) => (&digits[..at], digits[at + 1..].parse::<i32>().ok()?),
            None => (digits, 0),
        };
        let (whole, fraction) = mantissa_text.split_once('.').unwrap_or((mantissa_text, "0"));
        if whole.is_empty() || fraction.is_empty() {
            return None;
        }
        let mut mantissa: u128 = 0;
        let mut scale = exponent.checked_add(9)?;
        for (place, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
            if !byte.is_ascii_digit() {
                return None;
            }
            let in_fraction = place >= whole.len();
            // Past thirty digits a fraction no longer counts, and a whole number is out of range.
            if mantissa >= 10_u128.pow(30) {
                if in_fraction {
                    continue;
                }
                return None;
            }
            mantissa = mantissa * 10 + u128::from(byte - b'0');
            scale = scale.checked_sub(i32::from(in_fraction))?;
        }
        let nanos = if mantissa == 0 {
            0
        } else if scale >= 0 {
            10_u128.checked_pow(scale.unsigned_abs())?.checked_mul(mantissa)?
        } else {
            match 10_u128.checked_pow(scale.unsigned_abs()) {
                Some(divisor) => (mantissa + divisor / 2) / divisor,
                None => 0,
            }
        };
        let nanos = u64::try_from(nanos).ok()?;
        (!negative || nanos == 0).then_some(Self(nanos))
    }
}

#[cfg(test)]
mod tests {
    use super::{Micros, Nanos};
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, expected: Option<u64>) {
        assert_eq!(Nanos::from_seconds(text).map(|nanos| nanos.0), expected, "{text}");
    }

    #[test]
    fn reads_decimal_seconds_exactly() {
        check("0", Some(0));
        check("-0.0", Some(0));
        check("1", Some(1_000_000_000));
        check("0.248", Some(248_000_000));
        check("1.5e-05", Some(15_000));
        check("1E3", Some(1_000_000_000_000));
        check("0.30000000000000004", Some(300_000_000));
        check("0.29999999999999998", Some(300_000_000));
        check("18446744073.709551615", Some(u64::MAX));
        check("1e-400", Some(0));
        check("0e99999", Some(0));
        check("10000000000000000000000000000e-27", Some(10_000_000_000));
        check("12.345678", Some(12_345_678_000));
        check("0.123456789", Some(123_456_789));
        check("0.1234567895", Some(123_456_790));
        check("9999999999.9999999", Some(9_999_999_999_999_999_900));
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "-",
            "-1",
            "1.",
            ".5",
            "1e",
            "0x1",
            "1e999999999999",
            "1e400",
            "nan",
            "+1",
            "1_0",
            "1.2.3",
            "1. 2",
        ] {
            check(text, None);
        }
        check("18446744073.709551616", None);
    }

    #[test]
    fn writes_the_shortest_form() {
        let forms: Vec<_> = [0, 1, 10, 500_000, 1_000_000, 12_345_678, u64::MAX]
            .map(|micros| Micros(micros).to_string())
            .into();
        assert_eq!(forms, ["0.0", "0.000001", "0.00001", "0.5", "1.0", "12.345678", "18446744073709.551615"]);
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(micros in 0..u64::MAX / 1_000) {
            prop_assert_eq!(Micros::from_seconds(&Micros(micros).to_string()), Some(Micros(micros)));
        }

        #[test]
        fn the_short_way_gives_what_the_long_one_does(text in "-?[0-9]{0,19}(\\.[0-9]{0,11})?(e[0-9])?") {
            prop_assert_eq!(Nanos::from_seconds(&text), Nanos::from_any_seconds(&text), "{}", text);
        }
    }
}
