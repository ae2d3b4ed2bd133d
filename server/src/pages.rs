//! The one page that is needed before anybody can sign in: where a one-time link leads.

use std::collections::HashMap;

use axum::Router;
use axum::extract::{Form, Query};
use axum::middleware;
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::get;
use maud::{DOCTYPE, Markup, html};
use serde::Deserialize;

use crate::api::sign_in::{SetUpRequest, use_link};
use crate::app::App;
use crate::secrets::SHORTEST_PASSWORD;
use crate::who::Gate;
use crate::who::gate::stand_at_the_gate;

/// Where one-time links lead.
pub const SET_UP: &str = "/set-up";

/// What stands in the form.
#[derive(Debug, Deserialize)]
struct Said {
    token: String,
    email: Option<String>,
    password: String,
}

/// The pages.
pub fn router(app: &App) -> Router<App> {
    Router::new()
        .route(SET_UP, get(form).post(send))
        .layer(middleware::from_fn_with_state(app.clone(), stand_at_the_gate))
}

async fn form(gate: Gate, Query(query): Query<HashMap<String, String>>) -> Response {
    let token = query.get("token").map(String::as_str).unwrap_or_default();
    gate.is_public();
    Html(page("Set up", &ask(token, None)).into_string()).into_response()
}

async fn send(gate: Gate, Form(said): Form<Said>) -> Response {
    let Said { token, email, password } = said;
    let email = email.filter(|email| !email.is_empty());
    let request = SetUpRequest { token: token.clone(), password, email, full_name: None };
    match use_link(&gate, request).await {
        Ok(subject) => {
            let done = html! {
                h1 { "That is done" }
                p { "You can sign in as " strong { (subject.name) } "." }
            };
            Html(page("Done", &done).into_string()).into_response()
        }
        Err(error) => {
            let again = page("Set up", &ask(&token, Some(error.message())));
            (error.status(), Html(again.into_string())).into_response()
        }
    }
}

fn ask(token: &str, wrong: Option<&str>) -> Markup {
    html! {
        h1 { "Welcome to casemate" }
        @if let Some(wrong) = wrong { p role="alert" { (wrong) } }
        form method="post" action=(SET_UP) {
            input type="hidden" name="token" value=(token);
            p { label { "Mail address (if you are the first administrator) " input name="email" type="email" autocomplete="username"; } }
            p {
                label { "New password "
                    input name="password" type="password" autocomplete="new-password" required minlength=(SHORTEST_PASSWORD);
                }
            }
            p { button { "Set the password" } }
        }
    }
}

fn page(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) " · casemate" }
            }
            body { main { (content) } }
        }
    }
}
