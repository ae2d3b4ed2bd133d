//! What a page says where nothing stands on it: why, and what to do next.

use maud::{Markup, html};

use crate::settings::Section;
use crate::view::{Page, View};

/// Nothing was sent yet to a server at this address.
#[must_use]
pub fn nothing_yet(page: Page, server: &str) -> Markup {
    let targets = html! { a href=(Section::Targets.path()) { "target" } };
    match page {
        Page::Commands | Page::Connections | Page::ConnectionEvents => html! {
            "Nothing is recorded yet. With the key of a " (targets) ": "
            code { "casemate rec --server " (server) " --key-file agent.key" }
        },
        Page::KubernetesCommands => html! {
            "No cluster has sent anything yet. With the key of a " (targets) " that is one, let its audit webhook send to "
            code { (server) "/api/v2/ingest/kube" } ", or send its log: "
            code { "casemate import --server " (server) " --key-file agent.key audit.log" }
        },
        Page::UserEvents => {
            html! { "Nobody has called this server yet, but for what you have looked at yourself." }
        }
    }
}

/// Nothing is as a filter says, which can be left out at an address.
#[must_use]
pub fn nothing_as(all: &str) -> Markup {
    html! { "Nothing is as the filter says. Ask for less, or " a href=(all) { "clear the filter" } "." }
}

/// What the page of a log says.
#[must_use]
pub fn of_log(view: &View, server: &str) -> Markup {
    if view.behind.is_some() {
        html! { "There is nothing more." }
    } else if view.is_of_all() {
        nothing_yet(view.page, server)
    } else {
        nothing_as(&view.all().address())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_said_what_to_do_next() {
        let said = |query: &[(&str, &str)], page| {
            let view = View::parse(page, query.iter().copied()).unwrap();
            of_log(&view, "https://a.example/<b>").into_string()
        };
        let yet = said(&[], Page::Commands);
        assert!(
            yet.contains("casemate rec --server https://a.example/&lt;b&gt; --key-file agent.key"),
            "{yet}"
        );
        assert!(yet.contains("href=\"/admin/settings/targets\""), "{yet}");
        assert!(said(&[], Page::KubernetesCommands).contains("&lt;b&gt;/api/v2/ingest/kube"));
        let filtered = said(&[("last", "1h"), ("sort", "asc")], Page::Connections);
        assert!(
            filtered.contains("<a href=\"/admin/events/connections?sort=asc\">clear the filter</a>"),
            "{filtered}"
        );
        assert_eq!(said(&[("before", "1.2")], Page::Connections), "There is nothing more.");
    }
}
