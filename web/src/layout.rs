//! What all pages have in common: head, navigation, who is signed in.

use casemate_audit_log::model::Role;
use casemate_terminal::is_acting;
use maud::{DOCTYPE, Markup, html};

use crate::text::Foreign;
use crate::view::Page;
use crate::{assets, recordings, search, settings};

/// What pages may do, for browsers: nothing but run and show what the server itself serves. The player needs WebAssembly.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
    font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// How htmx is to be: it runs nothing that it is sent, keeps no page of what was seen, and shows errors as they are.
const HTMX: &str = r#"{"allowEval":false,"allowScriptTags":false,"includeIndicatorStyles":false,"defaultSettleDelay":0,"historyCacheSize":0,"refreshOnHistoryMiss":true,"selfRequestsOnly":true,"scrollIntoViewOnBoost":false,"responseHandling":[{"code":"204","swap":false},{"code":"...","swap":true}]}"#;

/// Where somebody signs in.
pub const SIGN_IN: &str = "/sign-in";

/// Where somebody signs out.
pub const SIGN_OUT: &str = "/sign-out";

/// Who looks at a page.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// The mail address, or what a key is called.
    pub name: String,
    /// What may be seen and done.
    pub role: Role,
    /// What forms send along, where it is a sign-in.
    pub csrf: Option<String>,
}

/// An entry of the navigation.
struct Place {
    path: String,
    title: &'static str,
    for_roles: &'static [Role],
}

/// Who reads logs: a user his own.
const READERS: &[Role] = &[Role::Administrator, Role::Auditor, Role::User];

fn places() -> Vec<Place> {
    let logs = Page::ALL.map(|page| Place { path: page.path(), title: page.title(), for_roles: READERS });
    let more = [
        (recordings::ROOT, recordings::TITLE),
        (search::ROOT, search::TITLE),
        (settings::ROOT, settings::TITLE),
    ];
    let more = more.map(|(path, title)| Place { path: path.to_owned(), title, for_roles: READERS });
    logs.into_iter().chain(more).collect()
}

/// A page for somebody who is signed in.
#[must_use]
pub fn page(title: &str, path: &str, viewer: &Viewer, content: &Markup) -> Markup {
    let navigation = html! {
        header.top {
            a.skip href="#page" { "Skip to the content" }
            a.brand href="/" { (brand()) }
            nav aria-label="Main" {
                ul {
                    @for place in places().iter().filter(|place| place.for_roles.contains(&viewer.role)) {
                        li { a href=(place.path) aria-current=[(place.path == path).then_some("page")] { (place.title) } }
                    }
                }
            }
            div.who {
                button #zone type="button" hidden title="In which zone times are shown" {}
                button #help type="button" hidden title="Keys (?)" aria-label="Keys" { "?" }
                span.name title=(viewer.role.name()) { (Foreign(&viewer.name)) }
                @if let Some(csrf) = &viewer.csrf {
                    form method="post" action=(SIGN_OUT) {
                        input type="hidden" name="csrf" value=(csrf);
                        button { "Sign out" }
                    }
                }
            }
        }
    };
    let content = html! {
        main #page tabindex="-1" hx-boost="true" hx-target="#page" hx-select="#page" hx-swap="outerHTML show:none" { (content) }
        // What is downloaded goes on while other pages come.
        ul #exports aria-label="Exports" aria-live="polite" data-csrf=[viewer.csrf.as_deref()] {}
        dialog #detail aria-labelledby="event-title" {
            form method="dialog" { button.close aria-label="Close" { "×" } }
            div #detail-content {}
        }
        (keys())
    };
    whole(title, &navigation, &content)
}

/// A page for anybody.
#[must_use]
pub fn public(title: &str, content: &Markup) -> Markup {
    whole(title, &html! {}, &html! { main.narrow #page { p.brand { (brand()) } (content) } })
}

fn brand() -> Markup {
    html! { img src=(assets::address("icon.svg")) alt=""; "casemate" }
}

fn whole(title: &str, navigation: &Markup, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                // It has no elements: what would turn it has no place there.
                title { (title.replace(is_acting, "\u{fffd}")) " · casemate" }
                link rel="icon" href=(assets::address("icon.svg")) type="image/svg+xml";
                link rel="stylesheet" href=(assets::address("app.css"));
                script src=(assets::address("htmx.js")) defer {}
                script type="module" src=(assets::address("app.js")) {}
            }
            body { (navigation) (content) }
        }
    }
}

/// Which keys do what.
fn keys() -> Markup {
    html! {
        dialog #keys aria-labelledby="keys-title" {
            form method="dialog" { button.close aria-label="Close" { "×" } }
            h2 #keys-title { "Keys" }
            dl.facts {
                @for (key, what) in [
                    ("/", "to the filter"),
                    ("j, k", "to the next row or command, to the one before"),
                    ("Enter", "all of the row"),
                    ("p", "pause, and go on"),
                    ("Space", "play a session, and stop"),
                    ("z", "times in UTC, and in the zone of this browser"),
                    ("?", "these keys"),
                    ("Esc", "close, or leave the filter"),
                ] {
                    div { dt { kbd { (key) } } dd { (what) } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(role: Role) -> Viewer {
        Viewer { name: "a<b>@org.com".to_owned(), role, csrf: Some("csrf1".to_owned()) }
    }

    #[test]
    fn the_page_that_one_is_on_is_marked() {
        let page =
            page("Commands", "/admin/events/commands", &viewer(Role::Auditor), &html! {}).into_string();
        assert!(
            page.contains("<a href=\"/admin/events/commands\" aria-current=\"page\">Commands</a>"),
            "{page}"
        );
        assert_eq!(page.matches("aria-current").count(), 1);
        assert!(page.contains("a&lt;b&gt;@org.com") && page.contains("value=\"csrf1\""), "{page}");
    }

    #[test]
    fn an_agent_is_led_nowhere() {
        let page = page("", "/", &viewer(Role::Agent), &html! {}).into_string();
        assert!(!page.contains("/admin/events/"), "{page}");
    }

    #[test]
    fn no_page_has_what_the_policy_forbids() {
        let page = page("Commands", "/", &viewer(Role::User), &html! {}).into_string();
        for forbidden in [" style=", "<style", " onclick", "javascript:", "https://"] {
            assert!(!page.contains(forbidden), "{forbidden}");
        }
        for (_, rest) in page.match_indices("<script").map(|(at, _)| page.split_at(at)) {
            let element = rest.split("</script>").next().unwrap_or_default();
            assert!(element.ends_with('>') && element.contains("src=\"/assets/"), "{element}");
        }
    }
}
