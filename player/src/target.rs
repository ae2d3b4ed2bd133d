//! Where to go in a recording, as people say it.

use std::str::FromStr;

use casemate_cast_format::Micros;

/// A place in a recording.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A time since the start: behind all that happened until then.
    Time(Micros),
    /// Behind that many events.
    Event(u64),
    /// A marker by its number, from 0.
    Marker(usize),
    /// A marker by its label, or the beginning of it.
    Label(String),
    /// The first marker behind the position, or the last one before it.
    NextMarker,
    /// See [`Self::NextMarker`].
    PreviousMarker,
    /// A command by its number, from 0, of those the player was told of.
    Command(usize),
    /// The first command behind the position, or the last one before it.
    NextCommand,
    /// See [`Self::NextCommand`].
    PreviousCommand,
    /// So much of the recording, from 0 to 100.
    Percent(f64),
    /// Behind everything.
    End,
}

/// Why a target cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SeekError {
    /// There are not so many markers.
    #[error("there is no marker {}", .0 + 1)]
    NoMarker(usize),
    /// No marker has that label.
    #[error("no marker is called `{0}`")]
    NoLabel(String),
    /// There are not so many commands.
    #[error("there is no command {}", .0 + 1)]
    NoCommand(usize),
    /// Nothing of the kind lies in that direction.
    #[error("there is no {0}")]
    NoneThere(&'static str),
}

/// `1:30`, `90`, `1m30s`, `50%`, `end`, `marker:LABEL`, `marker:N`, `command:N`, `event:N`; numbers of markers and
/// commands are from 1.
impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{text}` is no place in a recording; try 1:30, 90, 1m30s, 50%, end, marker:LABEL, command:N or event:N"
            )
        };
        let number = |digits: &str| digits.parse::<usize>().ok()?.checked_sub(1);
        let text = text.trim();
        if text == "end" {
            return Ok(Self::End);
        }
        if let Some(label) = text.strip_prefix("marker:") {
            return Ok(number(label).map_or_else(|| Self::Label(label.to_owned()), Self::Marker));
        }
        if let Some(command) = text.strip_prefix("command:") {
            return number(command).map(Self::Command).ok_or_else(wrong);
        }
        if let Some(event) = text.strip_prefix("event:") {
            return event.parse().map(Self::Event).map_err(|_| wrong());
        }
        if let Some(percent) = text.strip_suffix('%') {
            let percent =
                percent.trim_end().parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
            return percent.map(Self::Percent).ok_or_else(wrong);
        }
        time(text).map(Self::Time).ok_or_else(wrong)
    }
}

/// `90`, `90.5`, `1:30`, `1:02:03.5`, `1h2m3.5s`.
fn time(text: &str) -> Option<Micros> {
    if text.contains(':') {
        let parts: Vec<&str> = text.split(':').collect();
        let (seconds, whole) = parts.split_last()?;
        let is_two_digits = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        let whole_seconds = seconds.split('.').next()?;
        if whole.len() > 2
            || !is_two_digits(whole_seconds)
            || !whole.iter().skip(1).all(|part| is_two_digits(part))
        {
            return None;
        }
        let mut total = 0_u64;
        for part in whole {
            let part = part.parse::<u32>().ok()?;
            total = total.checked_mul(60)?.checked_add(part.into())?;
        }
        return Some(Micros(total.checked_mul(60_000_000)?).plus(Micros::from_seconds(seconds)?));
    }
    if !text.ends_with(|last: char| last.is_ascii_alphabetic()) {
        return Micros::from_seconds(text);
    }
    let (mut total, mut rest, mut last) = (Micros(0), text, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.find(|character: char| character.is_ascii_alphabetic())?;
        let amount = Micros::from_seconds(&rest[..digits])?;
        let end = rest[digits..].find(|character: char| !character.is_ascii_alphabetic());
        let end = end.map_or(rest.len(), |end| digits + end);
        // In thousandths of a second.
        let unit = match &rest[digits..end] {
            "d" => 86_400_000,
            "h" => 3_600_000,
            "m" => 60_000,
            "s" => 1_000,
            "ms" => 1,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        total = total.plus(Micros(u64::try_from(u128::from(amount.0) * u128::from(unit) / 1000).ok()?));
        (rest, last) = (&rest[end..], unit);
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_say_places_in_many_ways() {
        for (text, micros) in [
            ("0", 0),
            ("90", 90_000_000),
            ("90.5", 90_500_000),
            ("1:30", 90_000_000),
            ("01:02:03.25", 3_723_250_000),
            ("90s", 90_000_000),
            ("1m30s", 90_000_000),
            ("1.5h", 5_400_000_000),
            ("250ms", 250_000),
            ("1d", 86_400_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Target::Time(Micros(micros))), "{text}");
        }
        for (text, target) in [
            ("end", Target::End),
            (" 50% ", Target::Percent(50.0)),
            ("marker:2", Target::Marker(1)),
            ("marker:build", Target::Label("build".into())),
            ("marker:", Target::Label(String::new())),
            ("command:1", Target::Command(0)),
            ("event:100", Target::Event(100)),
        ] {
            assert_eq!(text.parse(), Ok(target), "{text}");
        }
        for text in [
            "",
            "-1",
            "x",
            "1:3",
            "1:2:3:4",
            ":30",
            "1:30s",
            "101%",
            "-1%",
            "nan%",
            "command:0",
            "event:-1",
            "30s1m",
            "1m2m",
            "5x",
            "999999999999999d",
            "1e999",
        ] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
