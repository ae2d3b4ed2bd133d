//! Signing in and out, and where one-time links lead.

use std::collections::HashMap;

use axum::extract::{Form, Query};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use casemate_web::layout::SIGN_IN;
use casemate_web::sign_in::{HOME, ours, set_up, sign_in};
use serde::Deserialize;

use super::html;
use crate::api::sign_in::{Credentials, SetUpRequest, enter, let_in};
use crate::app::App;
use crate::error::ApiError;
use crate::secrets::SHORTEST_PASSWORD;
use crate::who::Gate;

/// What stands in the form to sign in.
#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    email: String,
    password: String,
    #[serde(default)]
    next: String,
}

/// What stands in the form of a link.
#[derive(Debug, Deserialize)]
pub(super) struct Link {
    token: String,
    email: Option<String>,
    password: String,
}

/// What a form proves itself by.
#[derive(Debug, Deserialize)]
pub(super) struct Proof {
    #[serde(default)]
    csrf: String,
}

/// To sign in.
pub(super) async fn form(gate: Gate, Query(query): Query<HashMap<String, String>>) -> Response {
    gate.is_public();
    html(sign_in(ours(query.get("next").map(String::as_str).unwrap_or_default()), "", None))
}

/// Signs in.
pub(super) async fn send(
    gate: Gate,
    headers: HeaderMap,
    Form(said): Form<SignIn>,
) -> Result<Response, ApiError> {
    let SignIn { email, password, next } = said;
    if !is_from_us(&gate.app, &headers) {
        return Err(ApiError::forbidden("sign in on the page of this server"));
    }
    let entered = enter(&gate, Credentials { email: email.clone(), password }).await;
    match entered {
        Ok(subject) => {
            let mut response = Redirect::to(ours(&next)).into_response();
            let_in(&gate.app, &subject, &mut response).await?;
            Ok(response)
        }
        Err(error) => {
            let again = sign_in(ours(&next), &email, Some(error.message()));
            Ok((error.status(), html(again)).into_response())
        }
    }
}

/// Signs out.
pub(super) async fn leave(gate: Gate, Form(proof): Form<Proof>) -> Result<Response, ApiError> {
    gate.prove(&proof.csrf);
    let mut response = Redirect::to(SIGN_IN).into_response();
    crate::api::sign_in::leave(&gate, &mut response).await?;
    Ok(response)
}

/// Where a one-time link leads.
pub(super) async fn link(gate: Gate, Query(query): Query<HashMap<String, String>>) -> Response {
    gate.is_public();
    html(set_up(query.get("token").map(String::as_str).unwrap_or_default(), SHORTEST_PASSWORD, None))
}

/// Uses a one-time link, and signs in.
pub(super) async fn use_link(
    gate: Gate,
    headers: HeaderMap,
    Form(said): Form<Link>,
) -> Result<Response, ApiError> {
    let Link { token, email, password } = said;
    if !is_from_us(&gate.app, &headers) {
        return Err(ApiError::forbidden("use the link on the page of this server"));
    }
    let email = email.filter(|email| !email.is_empty());
    let request = SetUpRequest { token: token.clone(), password, email, full_name: None };
    match crate::api::sign_in::use_link(&gate, request).await {
        Ok(subject) => {
            let mut response = Redirect::to(HOME).into_response();
            let_in(&gate.app, &subject, &mut response).await?;
            Ok(response)
        }
        Err(error) => {
            let again = set_up(&token, SHORTEST_PASSWORD, Some(error.message()));
            Ok((error.status(), html(again)).into_response())
        }
    }
}

/// Whether a form was one of our own pages, as far as a browser says: another site could sign somebody in as somebody else, who
/// then sees what is done. What is no browser says nothing.
fn is_from_us(app: &App, headers: &HeaderMap) -> bool {
    let said = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    // Browsers say this only where the way is safe.
    let site = said("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    // Behind a proxy the host may be another one than that which others know.
    let host = |origin: &str| origin.split_once("://").map(|(_, host)| host.to_owned());
    site && said("origin").is_none_or(|origin| {
        let from = host(origin);
        from.is_some() && (from.as_deref() == said("host") || from == host(&app.address))
    })
}
