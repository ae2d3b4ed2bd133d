//! One row of a log by itself: all that is known of it, at an address of its own.

use maud::{Markup, html};

use crate::logs::Entry;
use crate::text::encoded;
use crate::view::{Page, View};

/// The address of an event: its id is one of its log, or of its connection where it is of one.
#[must_use]
pub fn address(page: Page, id: &str, connection: Option<&str>) -> String {
    let of = connection.filter(|_| page != Page::Connections);
    let of = of.map(|of| format!("?of={}", encoded(of))).unwrap_or_default();
    format!("{}/{}{of}", page.path(), encoded(id))
}

/// The content of the page.
#[must_use]
pub fn page(page: Page, entry: &Entry) -> Markup {
    let view = View::of(page);
    html! {
        article #event {
            h1 #event-title { (match page {
                Page::Commands => "Command",
                Page::KubernetesCommands => "Kubernetes command",
                Page::Connections => "Connection",
                Page::ConnectionEvents => "Connection event",
                Page::UserEvents => "User event",
            }) }
            dl.facts {
                @for (label, value) in entry.fields(&view) {
                    div { dt { (label) } dd { (value) } }
                }
            }
            @if let Some(connection) = entry.connection() {
                p.more {
                    a href=(crate::session::address(connection, moment(entry))) hx-boost="false" { "The session" } " "
                    @for (other, title) in [
                        (Page::Commands, "Commands of this connection"),
                        (Page::Connections, "The connection"),
                        (Page::ConnectionEvents, "What happened to it"),
                    ] {
                        @if other != page {
                            a href=(View::of(other).only("connectionIds", connection).address()) { (title) } " "
                        }
                    }
                }
            }
        }
    }
}

/// When in its session it was.
fn moment(entry: &Entry) -> Option<f64> {
    if let Entry::Command(event) = entry { event.offset } else { None }
}
