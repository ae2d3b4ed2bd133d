//! What can be asked of the server, under `/api/v2`: paths, parameters and names as BastionZero's API had them, and more.
//!
//! Each handler first passes the [gate](crate::who::Gate). What is answered where something is wrong is
//! [`ApiError`]'s form, whatever it is.

pub mod body;
pub mod connections;
pub mod directory;
pub mod events;
pub mod export;
pub mod foreign;
pub mod heartbeat;
pub mod ingest;
pub mod organization;
pub mod player;
pub mod question;
pub mod recordings;
pub mod search;
pub mod sign_in;
pub mod tail;
pub mod values;

use std::io::Write as _;

use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use flate2::Compression;
use flate2::write::GzEncoder;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate as _, SizeAbove};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Document;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

use self::directory::{keys, places, subjects, targets};
use crate::app::App;
use crate::error::ApiError;
use crate::in_time::in_time;
use crate::who::gate::stand_at_the_gate;

/// What is sent as JSON is not longer.
const BODY_LIMIT: usize = 1 << 20;

/// Bytes of a recording that are sent at once.
const UPLOAD_LIMIT: usize = 4 << 20;

/// Events of another system that are sent at once.
const LIST_LIMIT: usize = 16 << 20;

/// Where all of it is.
pub const ROOT: &str = "/api/v2";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "casemate",
        description = "Audit logs of a bastion, and recordings of its sessions. Paths, parameters and names are those of \
            BastionZero's API where it had them. Every call is a user event.",
        license(name = "MIT OR Apache-2.0")
    ),
    modifiers(&Keys),
    tags(
        (name = "events", description = "The logs."),
        (name = "who", description = "Signing in."),
        (name = "organization", description = "What there is."),
        (name = "recordings", description = "Recordings of sessions."),
        (name = "connections", description = "Who is where, since when."),
        (name = "ingest", description = "What agents send."),
    )
)]
struct Description;

/// How callers say who they are.
struct Keys;

impl utoipa::Modify for Keys {
    fn modify(&self, document: &mut Document) {
        use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
        let components = document.components.get_or_insert_default();
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-API-KEY")));
        components.add_security_scheme("key", key);
        let cookie = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new(crate::who::gate::COOKIE)));
        components.add_security_scheme("cookie", cookie);
        let any: [&str; 0] = [];
        document.security =
            Some(vec![SecurityRequirement::new("key", any), SecurityRequirement::new("cookie", any)]);
    }
}

fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(events::commands))
        .routes(routes!(events::kube))
        .routes(routes!(events::connections))
        .routes(routes!(events::subjects))
        .routes(routes!(events::agents))
        .routes(routes!(events::all))
        .routes(routes!(values::values))
        .routes(routes!(values::all_values))
        .routes(routes!(tail::tail))
        .routes(routes!(export::export))
        .routes(routes!(export::export_all))
        .routes(routes!(export::proof))
        .routes(routes!(export::connections::export))
        .routes(routes!(export::progress, export::stop))
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(sign_in::me))
        .routes(routes!(sign_in::set_up))
        .routes(routes!(recordings::recordings))
        .routes(routes!(search::search))
        .routes(routes!(recordings::details))
        .routes(routes!(recordings::recording))
        .routes(routes!(recordings::live))
        .routes(routes!(player::index))
        .routes(routes!(player::part))
        .routes(routes!(recordings::delete))
        .routes(routes!(recordings::hold))
        .routes(routes!(recordings::release))
        .routes(routes!(connections::connections))
        .routes(routes!(connections::connection))
        .routes(routes!(connections::shell))
        .routes(routes!(connections::close))
        .routes(routes!(connections::close_of_subject))
        .routes(routes!(connections::close_of_user))
        .routes(routes!(foreign::kube).layer(DefaultBodyLimit::max(LIST_LIMIT)))
        .routes(routes!(foreign::import).layer(DefaultBodyLimit::max(LIST_LIMIT)))
        .routes(routes!(heartbeat::heartbeat))
        .routes(routes!(ingest::connect))
        .routes(routes!(ingest::happened))
        .routes(routes!(ingest::uploaded))
        .routes(routes!(ingest::upload).layer(DefaultBodyLimit::max(UPLOAD_LIMIT)))
        .routes(routes!(organization::organization))
        .routes(routes!(subjects::users))
        .routes(routes!(subjects::user))
        .routes(routes!(subjects::add_user))
        .routes(routes!(subjects::new_link))
        .routes(routes!(subjects::change_user))
        .routes(routes!(subjects::delete_user))
        .routes(routes!(subjects::subjects))
        .routes(routes!(subjects::subject))
        .routes(routes!(subjects::change))
        .routes(routes!(subjects::service_accounts))
        .routes(routes!(subjects::add_service_account))
        .routes(routes!(subjects::delete_service_account))
        .routes(routes!(keys::keys))
        .routes(routes!(keys::key))
        .routes(routes!(keys::add))
        .routes(routes!(keys::delete))
        .routes(routes!(targets::targets))
        .routes(routes!(targets::agents))
        .routes(routes!(targets::target))
        .routes(routes!(targets::change))
        .routes(routes!(targets::delete))
        .routes(routes!(targets::hosts))
        .routes(routes!(targets::host))
        .routes(routes!(targets::add_host))
        .routes(routes!(targets::delete_host))
        .routes(routes!(targets::clusters))
        .routes(routes!(targets::cluster))
        .routes(routes!(targets::add_cluster))
        .routes(routes!(targets::delete_cluster))
        .routes(routes!(places::environments))
        .routes(routes!(places::environment))
        .routes(routes!(places::add_environment))
        .routes(routes!(places::rename_environment))
        .routes(routes!(places::delete_environment))
        .routes(routes!(places::spaces))
        .routes(routes!(places::add_space))
        .routes(routes!(places::close_space))
}

/// All paths, and what is said of them. Operations are named by their paths: `get_events_command`.
fn all() -> (Router<App>, Document) {
    let described = OpenApiRouter::with_openapi(Description::openapi()).nest(ROOT, routes());
    let (routes, mut document) = described.split_for_parts();
    for (path, item) in &mut document.paths.paths {
        let words = path.trim_start_matches(ROOT).replace(['{', '}'], "");
        let name = |method: &str| format!("{method}{}", words.replace(['/', '-'], "_"));
        for (method, operation) in [
            ("get", &mut item.get),
            ("put", &mut item.put),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
            ("head", &mut item.head),
        ] {
            if let Some(operation) = operation {
                operation.operation_id = Some(name(method));
            }
        }
    }
    (routes, document)
}

/// The OpenAPI document.
#[must_use]
pub fn document() -> Document {
    all().1
}

/// All of it.
pub fn router(app: App) -> Router {
    let (routes, document) = all();
    let document = Made::new(&document);
    // What is streamed event by event must not wait for a block to be full.
    let compressed = SizeAbove::new(1024).and(NotForContentType::const_new("text/event-stream"));
    routes
        .fallback(|| async { ApiError::not_found("path") })
        .method_not_allowed_fallback(|| async {
            ApiError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "MethodNotAllowed",
                "this path knows no such method",
            )
        })
        .layer(middleware::map_response(in_form))
        .layer(middleware::from_fn_with_state(app.clone(), stand_at_the_gate))
        .merge(crate::pages::router(&app))
        .layer(CompressionLayer::new().compress_when(compressed))
        // For everybody, however often: it costs nothing to give it.
        .route(
            &format!("{ROOT}/openapi.json"),
            get(move |headers: HeaderMap| async move { document.answer(&headers) }),
        )
        .layer(middleware::map_response(careful))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(middleware::from_fn_with_state(app.clone(), in_time))
        .with_state(app)
}

/// The OpenAPI document as it is sent, made once.
#[derive(Clone)]
struct Made {
    plain: Bytes,
    compressed: Bytes,
}

impl Made {
    fn new(document: &Document) -> Self {
        let plain = serde_json::to_vec(document).unwrap_or_default();
        let mut compressed = GzEncoder::new(Vec::new(), Compression::best());
        // Into memory nothing fails to be written; were it so, it would be sent as it is.
        let compressed = compressed.write_all(&plain).and_then(|()| compressed.finish()).unwrap_or_default();
        Self { plain: plain.into(), compressed: compressed.into() }
    }

    fn answer(&self, headers: &HeaderMap) -> Response {
        let wanted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let mut wanted = wanted.flat_map(|value| value.split(',')).map(str::trim);
        let json = [(header::CONTENT_TYPE, "application/json"), (header::VARY, "accept-encoding")];
        if !self.compressed.is_empty() && wanted.any(|coding| coding.eq_ignore_ascii_case("gzip")) {
            return (json, [(header::CONTENT_ENCODING, "gzip")], self.compressed.clone()).into_response();
        }
        (json, self.plain.clone()).into_response()
    }
}

/// What the framework refuses by itself is said in our form as well.
async fn in_form(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    if !status.is_client_error() || kind.is_some_and(|kind| !kind.starts_with("text/plain")) {
        return response;
    }
    let error_type = if status == StatusCode::PAYLOAD_TOO_LARGE { "TooLarge" } else { "Invalid" };
    let bytes = axum::body::to_bytes(response.into_body(), 4096).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&bytes);
    let said = if said.is_empty() { status.canonical_reason().unwrap_or_default() } else { &*said };
    ApiError::new(status, error_type, said).into_response()
}

/// Says in an answer where it goes on; the address is the one that handlers see, under [`ROOT`].
fn next_page(response: &mut Response, uri: &Uri, behind: &str) -> Result<(), ApiError> {
    let kept = uri.query().unwrap_or_default().split('&');
    let kept = kept.filter(|pair| !pair.is_empty() && !pair.starts_with("before="));
    let before = format!("before={behind}");
    let query: Vec<&str> = kept.chain([before.as_str()]).collect();
    let link = format!("<{ROOT}{}?{}>; rel=\"next\"", uri.path(), query.join("&"));
    let link = link.parse().map_err(|_| ApiError::invalid("the query is no part of an address"))?;
    response.headers_mut().insert(header::LINK, link);
    Ok(())
}

/// What every answer says to browsers.
async fn careful(mut response: Response) -> Response {
    const HEADERS: [(&str, &str); 4] = [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("x-frame-options", "DENY"),
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    for (name, value) in HEADERS {
        let name = axum::http::HeaderName::from_static(name);
        response.headers_mut().entry(name).or_insert(axum::http::HeaderValue::from_static(value));
    }
    // Answers are of one moment, and for one person.
    let name = header::CACHE_CONTROL;
    response.headers_mut().entry(name).or_insert(axum::http::HeaderValue::from_static("no-store"));
    response.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_of_it_is_kept_in_a_file() {
        let mut text = serde_json::to_string_pretty(&document()).unwrap();
        text.push('\n');
        expect_test::expect_file!["../../../docs/openapi.json"].assert_eq(&text);
    }

    #[test]
    fn the_document_is_sent_as_it_is_wanted() {
        use std::io::Read as _;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let made = Made::new(&document());
        let sent = |accepted: Option<&'static str>| {
            let accepted = accepted.map(|coding| (header::ACCEPT_ENCODING, coding.parse().unwrap()));
            let response = made.answer(&accepted.into_iter().collect());
            let coding = response.headers().get(header::CONTENT_ENCODING).cloned();
            let bytes = runtime.block_on(axum::body::to_bytes(response.into_body(), usize::MAX)).unwrap();
            (coding, bytes)
        };
        let plain = serde_json::to_vec(&document()).unwrap();
        for accepted in [None, Some("br, gzip;q=0"), Some("*")] {
            assert_eq!(sent(accepted), (None, plain.clone().into()), "{accepted:?}");
        }
        let (coding, bytes) = sent(Some("deflate, gzip"));
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!((coding.unwrap(), unpacked), ("gzip".parse().unwrap(), plain));
        assert!(bytes.len() < 40_000, "{}", bytes.len());
    }

    #[test]
    fn each_operation_has_a_name_of_its_own() {
        let document = serde_json::to_value(document()).unwrap();
        let paths = document["paths"].as_object().unwrap();
        let operations = paths.values().flat_map(|path| path.as_object().unwrap().values());
        let mut names: Vec<&str> =
            operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
        let number = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), number);
        assert!(number > 60, "{number}");
    }
}
