//! Numbers, times and foreign text, as people read them.

use casemate_cast_format::Micros;
use casemate_terminal::{Stretch, stretches};
use chrono::{DateTime, Utc};
use maud::{Markup, Render, html};

/// Text of whoever was recorded: what would act on the page or hide in it is shown as what it is.
pub(crate) struct Foreign<'a>(pub(crate) &'a str);

impl Render for Foreign<'_> {
    fn render(&self) -> Markup {
        html! {
            bdi {
                @for stretch in stretches(self.0) {
                    @match stretch {
                        Stretch::Seen(text) => { (text) }
                        Stretch::Acting(character) => { span.acting { (character.escape_default()) } }
                    }
                }
            }
        }
    }
}

/// `1:02:03.5`, `0:07.2`: a place in a recording.
pub(crate) fn moment(time: Micros) -> String {
    let tenths = time.0 / 100_000;
    let (hours, minutes, seconds, tenth) =
        (tenths / 36_000, tenths / 600 % 60, tenths / 10 % 60, tenths % 10);
    match hours {
        0 => format!("{minutes}:{seconds:02}.{tenth}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}.{tenth}"),
    }
}

/// `1 h 02 min`, `3 min 04 s`, `5.6 s`, `0.03 s`: how long something took.
pub(crate) fn duration(time: Micros) -> String {
    let seconds = time.0 / 1_000_000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) if time.0 < 10_000 => "< 0.01 s".to_owned(),
        (0, 0, 0) => format!("0.{:02} s", time.0 / 10_000),
        (0, 0, seconds) => format!("{seconds}.{} s", time.0 / 100_000 % 10),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// `2026-11-26 13:15:37`, in UTC.
pub(crate) fn date_time(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `1 234 567 bytes`.
pub(crate) fn bytes(bytes: u64) -> String {
    format!("{} {}", grouped(bytes), if bytes == 1 { "byte" } else { "bytes" })
}

/// `1 234 567`, with narrow spaces.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() * 2);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 command`, `2 commands`.
pub(crate) fn count(number: u64, one: &str) -> String {
    format!("{} {one}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_as_people_write_them() {
        let moments = [0, 7_250_000, 3_723_500_000].map(|micros| moment(Micros(micros)));
        assert_eq!(moments, ["0:00.0", "0:07.2", "1:02:03.5"]);
        let durations =
            [9, 30_000, 5_600_000, 184_000_000, 3_725_000_000].map(|micros| duration(Micros(micros)));
        assert_eq!(durations, ["< 0.01 s", "0.03 s", "5.6 s", "3 min 04 s", "1 h 02 min"]);
        assert_eq!(
            [bytes(1), bytes(1234), bytes(123_456)],
            ["1 byte", "1\u{202f}234 bytes", "123\u{202f}456 bytes"]
        );
    }

    #[test]
    fn foreign_text_shows_what_it_holds() {
        let shown = Foreign("a<b>\u{202e}\x1b[31m\n\u{9b}é").render().into_string();
        assert_eq!(
            shown,
            "<bdi>a&lt;b&gt;<span class=\"acting\">\\u{202e}</span><span class=\"acting\">\\u{1b}</span>[31m\n<span \
             class=\"acting\">\\u{9b}</span>é</bdi>"
        );
    }
}
