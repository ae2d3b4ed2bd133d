//! The web app: pages for people, made by `casemate-web` of what the inner functions of the API find.
//!
//! *Invariants*: each page passes the gate with the same action as the API's call for the same thing, and shows nothing that the
//! call would not give. What goes wrong becomes a page that says so; whoever is not signed in is sent to do that, and comes
//! back.
//!
//! - `sign_in`: in, out, and by a one-time link. `logs`: the five logs. `live`: their rows as they come. `session`: one session,
//!   played, also as it goes on. `recordings`: which there are. `still`: a picture of one. `search`: in all of them. `settings`: who and what
//!   there is.

mod live;
mod logs;
mod recordings;
mod search;
mod session;
mod settings;
mod sign_in;
mod still;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request};
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use casemate_web::layout::{POLICY, SIGN_OUT, Viewer};
use casemate_web::recordings::ROOT as RECORDINGS;
use casemate_web::settings::ROOT as SETTINGS;
use casemate_web::text::encoded;
use casemate_web::view::Page;
use casemate_web::{Markup, assets, message};

pub use casemate_web::layout::SIGN_IN;
pub use casemate_web::sign_in::SET_UP;

use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::who::gate::stand_at_the_gate;
use crate::who::{Caller, Gate};

/// The pages.
pub fn router(app: &App) -> Router<App> {
    let first = || async { Redirect::to(&Page::Commands.path()) };
    Router::new()
        .route("/admin/events/{page}", get(logs::log))
        .route("/admin/events/{page}/values", get(logs::values))
        .route("/admin/events/{page}/live", get(live::live))
        .route("/admin/events/{page}/{id}", get(logs::event))
        .route(casemate_web::search::ROOT, get(search::page))
        .route(RECORDINGS, get(recordings::page))
        .route(&format!("{RECORDINGS}/{{id}}/delete"), post(recordings::delete))
        .route(&format!("{RECORDINGS}/{{id}}/still.svg"), get(still::still))
        .route(SETTINGS, get(settings::first))
        .route(&format!("{SETTINGS}/{{section}}"), get(settings::page).post(settings::add))
        .route(&format!("{SETTINGS}/{{section}}/{{id}}/{{act}}"), post(settings::act))
        .route("/admin/sessions/{id}", get(session::page))
        .route("/admin/sessions/{id}/live", get(session::live))
        .route("/admin/sessions/{id}/film", get(session::film))
        .route("/admin/sessions/{id}/found", get(session::found))
        .route("/admin/{*path}", get(nothing))
        .route(SIGN_IN, get(sign_in::form).post(sign_in::send))
        .route(SIGN_OUT, post(sign_in::leave))
        .route(SET_UP, get(sign_in::link).post(sign_in::use_link))
        .layer(middleware::from_fn_with_state(app.clone(), stand_at_the_gate))
        .layer(middleware::from_fn(as_page))
        // These tell nobody anything.
        .route("/", get(first))
        .route("/admin", get(first))
        .route("/admin/events", get(first))
        .layer(middleware::map_response(careful))
        .route(&format!("{}{{name}}", assets::ROOT), get(asset))
}

async fn nothing(_gate: Gate) -> ApiError {
    ApiError::not_found("page")
}

/// A script or a style: under its name it is the same for ever.
async fn asset(Path(name): Path<String>) -> Response {
    let Some(asset) = assets::served(&name) else { return ApiError::not_found("file").into_response() };
    let headers = [
        (header::CONTENT_TYPE, asset.content_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    (headers, &*asset.content).into_response()
}

/// A page as it is sent.
fn html(page: Markup) -> Response {
    axum::response::Html(page.into_string()).into_response()
}

/// Who looks at a page.
fn viewer(caller: &Caller) -> Viewer {
    Viewer { name: caller.subject.subject_name.clone(), role: caller.role, csrf: caller.csrf.clone() }
}

/// What went wrong is said as a page; whoever is not signed in is sent to where he can.
async fn as_page(request: Request, next: Next) -> Response {
    let address =
        request.uri().path_and_query().map(|address| address.as_str().to_owned()).unwrap_or_default();
    let is_read = request.method() == Method::GET;
    let back = (!is_read).then(|| back(request.uri()));
    let is_part = request.headers().contains_key("hx-request");
    let (parts, body) = next.run(request).await.into_parts();
    let status = parts.status;
    let is_html =
        parts.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !(status.is_client_error() || status.is_server_error()) || is_html {
        return Response::from_parts(parts, body);
    }
    if status == StatusCode::UNAUTHORIZED {
        let next = if is_read { format!("?next={}", encoded(&address)) } else { String::new() };
        let there = format!("{SIGN_IN}{next}");
        // A part of a page would come to stand amid the page.
        return match HeaderValue::from_str(&there) {
            Ok(there) if is_part => (status, [("hx-redirect", there)]).into_response(),
            _ => Redirect::to(&there).into_response(),
        };
    }
    let said = parts.extensions.get::<ErrorBody>().map(|body| body.error_msg.clone());
    let said = said.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_lowercase());
    let mut response =
        (status, html(message::wrong(status.as_u16(), back.as_deref(), &said))).into_response();
    if let Some(wait) = parts.headers.get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, wait.clone());
    }
    response
}

/// The page on which something was to be done, by the address of doing it: `/admin/PAGE/…`, `/admin/settings/PAGE/…`; of settings
/// the same part.
fn back(uri: &Uri) -> String {
    let path = uri.path();
    let is_settings = path.starts_with(SETTINGS);
    let end = path.match_indices('/').nth(if is_settings { 3 } else { 2 });
    let page = end.map_or(path, |(end, _)| &path[..end]);
    match uri.query().filter(|_| is_settings) {
        Some(query) => format!("{page}?{query}"),
        None => page.to_owned(),
    }
}

/// What every page says to browsers.
async fn careful(mut response: Response<Body>) -> Response {
    for (name, value) in [
        ("content-security-policy", POLICY),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
