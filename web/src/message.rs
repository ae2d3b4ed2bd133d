//! Pages that say why there is no other.

use maud::{Markup, html};

use crate::layout::public;
use crate::text::Foreign;

/// What went wrong, and where to go from there: back, where something was to be done.
#[must_use]
pub fn wrong(status: u16, back: Option<&str>, said: &str) -> Markup {
    let title = match status {
        403 => "That is not for you",
        404 if back.is_none() => "There is no such page",
        429 => "Too many attempts",
        400..=499 if back.is_some() => "That was not done",
        400..=499 => "That cannot be shown",
        _ => "The server cannot do that now",
    };
    public(
        title,
        &html! {
            h1 { (title) }
            p.wrong role="alert" { (Foreign(said)) }
            p {
                @match back {
                    Some(back) => a href=(back) { "Back" },
                    None => a href="/" { "To the logs" },
                }
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_is_wrong() {
        let page = wrong(404, None, "there is no such <page>").into_string();
        assert!(
            page.contains("<h1>There is no such page</h1>") && page.contains("such &lt;page&gt;"),
            "{page}"
        );
    }
}
