//! Pages of those who are not signed in: to sign in, and to follow a one-time link.

use maud::{Markup, html};

use crate::layout::{SIGN_IN, public};

/// Where one-time links lead.
pub const SET_UP: &str = "/set-up";

/// Where somebody goes who says nothing else.
pub const HOME: &str = "/";

/// To sign in, and go on to a path then.
#[must_use]
pub fn sign_in(next: &str, email: &str, wrong: Option<&str>) -> Markup {
    public(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            (said(wrong))
            form method="post" action=(SIGN_IN) {
                input type="hidden" name="next" value=(next);
                label for="email" { "Mail address" }
                input #email name="email" type="email" autocomplete="username" required value=(email) autofocus[email.is_empty()];
                label for="password" { "Password" }
                input #password name="password" type="password" autocomplete="current-password" required autofocus[!email.is_empty()];
                button.main { "Sign in" }
            }
        },
    )
}

/// To follow a one-time link.
#[must_use]
pub fn set_up(token: &str, shortest: usize, wrong: Option<&str>) -> Markup {
    public(
        "Set up",
        &html! {
            h1 { "Welcome to casemate" }
            (said(wrong))
            form method="post" action=(SET_UP) {
                input type="hidden" name="token" value=(token);
                label for="email" { "Mail address " span.hint { "(if you are the first administrator)" } }
                input #email name="email" type="email" autocomplete="username";
                label for="password" { "New password " span.hint { "(at least " (shortest) " characters)" } }
                input #password name="password" type="password" autocomplete="new-password" required minlength=(shortest);
                button.main { "Set the password" }
            }
        },
    )
}

fn said(wrong: Option<&str>) -> Markup {
    html! { @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } } }
}

/// Where somebody goes on who has signed in: to what he asked for, if that is ours.
#[must_use]
pub fn ours(next: &str) -> &str {
    // Browsers take `\` for `/`, and leave out tabs and line ends.
    let is_path = next.starts_with('/') && !next.starts_with("//") && !next.starts_with(SIGN_IN);
    let is_plain = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_path && is_plain { next } else { HOME }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_away() {
        for next in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "/\n//evil",
            "javascript:alert(1)",
            "admin",
            "/sign-in?next=/sign-in",
        ] {
            assert_eq!(ours(next), HOME, "{next:?}");
        }
        let path = "/admin/events/commands?subjectNames=a@b&last=1h";
        assert_eq!(ours(path), path);
    }

    #[test]
    fn what_was_sent_comes_back_as_text() {
        let page = sign_in("/\"><script>", "\"<b>", Some("<i>no</i>")).into_string();
        assert!(
            page.contains("&lt;i&gt;no&lt;/i&gt;") && page.contains("/&quot;&gt;&lt;script&gt;"),
            "{page}"
        );
    }
}
