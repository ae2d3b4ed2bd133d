//! Moments: in UTC as they are kept; a script shows those of the page in the zone of the browser, until somebody wants UTC.

use casemate_audit_log::Time;
use maud::{Markup, html};

/// A moment: the ISO form in UTC is in the element and its title, whatever it shows.
#[must_use]
pub fn moment(time: Time) -> Markup {
    let iso = time.to_string();
    html! { time datetime=(iso) title=(iso) { (short(time)) } }
}

/// `2026-11-27 09:30:05.123`, in UTC: thousandths tell apart what a person did.
fn short(time: Time) -> String {
    let iso = time.to_string();
    let (date, rest) = iso.split_once('T').unwrap_or((&iso, ""));
    format!("{date} {}", rest.get(..12).unwrap_or(rest))
}

/// Of which zone the moments of a page are.
#[must_use]
pub fn zone() -> Markup {
    html! { span data-zone { "UTC" } }
}

/// `0.03 s`, `5.6 s`, `3 min 04 s`, `1 h 02 min`: how long something took.
#[must_use]
pub fn duration(seconds: f64) -> String {
    if !(seconds.is_finite() && seconds >= 0.0) {
        return String::new();
    }
    // As whole hundredths, so that no digit becomes one more on the way.
    let hundredths = (seconds * 100.0).round();
    if hundredths < 1.0 {
        return "< 0.01 s".to_owned();
    }
    if hundredths < 1000.0 {
        return format!("{:.2} s", hundredths / 100.0);
    }
    let whole = seconds.round();
    let (hours, minutes) = ((whole / 3600.0).floor(), (whole / 60.0).floor() % 60.0);
    match (hours > 0.0, minutes > 0.0) {
        (false, false) => format!("{seconds:.1} s"),
        (false, true) => format!("{minutes} min {:02} s", whole % 60.0),
        (true, _) => format!("{hours} h {minutes:02} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_both_forms() {
        let time = "2026-11-22T07:03:28.123456Z".parse().unwrap();
        let expected = "<time datetime=\"2026-11-22T07:03:28.123456Z\" title=\"2026-11-22T07:03:28.123456Z\">\
            2026-11-22 07:03:28.123</time>";
        assert_eq!(moment(time).into_string(), expected);
    }

    #[test]
    fn durations_are_as_people_write_them() {
        let durations = [0.0, 0.004, 0.034, 5.6, 9.999, 59.4, 60.2, 184.0, 3725.0, 90_000.0].map(duration);
        let expected = [
            "< 0.01 s",
            "< 0.01 s",
            "0.03 s",
            "5.60 s",
            "10.0 s",
            "59.4 s",
            "1 min 00 s",
            "3 min 04 s",
            "1 h 02 min",
            "25 h 00 min",
        ];
        assert_eq!(durations, expected);
        assert_eq!([f64::NAN, -1.0, f64::INFINITY].map(duration), ["", "", ""]);
    }
}
