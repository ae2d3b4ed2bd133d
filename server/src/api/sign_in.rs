//! Signing in and out, and one-time links.

use std::net::IpAddr;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::Time;
use casemate_audit_log::model::{Role, SubjectType};
use casemate_audit_store::Digest;
use casemate_audit_store::directory::{SetUp, SignIn, Subject};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Semaphore;
use utoipa::ToSchema;

use super::body::Body;
use super::directory::words;
use crate::app::{App, snapshot};
use crate::error::{ApiError, ErrorBody};
use crate::secrets::{digest, draw, hash_password, is_password};
use crate::who::gate::COOKIE;
use crate::who::{Action, Gate};

/// So many times as often as from one address may be tried for one name, wherever from: else anybody would keep anybody out.
const FOR_A_NAME: u32 = 100;

/// A name and a password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Credentials {
    /// The mail address.
    pub email: String,
    /// The password.
    pub password: String,
}

/// What somebody says who follows a one-time link.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetUpRequest {
    /// What the link has behind `token=`.
    pub token: String,
    /// The new password: at least 12 characters.
    pub password: String,
    /// The mail address of the first administrator; others have one.
    pub email: Option<String>,
    /// What they are called.
    pub full_name: Option<String>,
}

/// Who one is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Me {
    /// Its id.
    id: String,
    /// Its name; of a person the mail address.
    name: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    full_name: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    kind: SubjectType,
    /// What it may do.
    role: Role,
    /// What to send as `X-CSRF-Token` with everything that changes something.
    #[serde(skip_serializing_if = "Option::is_none")]
    csrf_token: Option<String>,
}

/// Sign in
#[utoipa::path(post, path = "/sign-in", tag = "who", request_body = Credentials,
    responses((status = 200, body = Me), (status = "4XX", body = ErrorBody)))]
pub async fn sign_in(gate: Gate, Body(said): Body<Credentials>) -> Result<Response, ApiError> {
    let subject = enter(&gate, said).await?;
    begin(&gate.app, &subject).await
}

/// Who has that name and that password; either is written down.
///
/// # Errors
/// Nobody has, or there were too many attempts.
pub async fn enter(gate: &Gate, said: Credentials) -> Result<Subject, ApiError> {
    let app = &gate.app;
    let name = said.email.trim().to_lowercase();
    let context = json!({ "email": name.chars().take(256).collect::<String>() });
    if let Err(error) = app.attempt(&[(format!("name {name}"), FOR_A_NAME), (of_address(gate.address()), 1)])
    {
        gate.note_of(None, "subjects:signin", "self", false, context).await?;
        return Err(error);
    }
    let subject = app.directory.subject_named(SubjectType::User, &name).await?;
    let subject = subject.filter(Subject::is_active);
    let kept = subject.as_ref().and_then(|subject| subject.password.clone());
    let is_right = computed(move || is_password(&said.password, kept.as_deref())).await?;
    let who = subject.as_ref().map(|subject| snapshot(subject, subject.role, Some(gate.address())));
    gate.note_of(who, "subjects:signin", "self", is_right, context).await?;
    let Some(subject) = subject.filter(|_| is_right) else {
        let message = "there is nobody of that name with that password";
        return Err(ApiError::new(StatusCode::UNAUTHORIZED, "Unauthenticated", message));
    };
    app.forget_attempts(&format!("name {name}"));
    Ok(subject)
}

/// Sign out
#[utoipa::path(post, path = "/sign-out", tag = "who",
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn sign_out(gate: Gate) -> Result<Response, ApiError> {
    let mut response = StatusCode::NO_CONTENT.into_response();
    leave(&gate, &mut response).await?;
    Ok(response)
}

/// Ends a sign-in, and says so in an answer.
///
/// # Errors
/// Nobody is signed in, or the database refuses.
pub async fn leave(gate: &Gate, response: &mut Response) -> Result<(), ApiError> {
    let caller = gate.pass(Action::GetMyself, "self", json!({ "signOut": true })).await?;
    if let Some(cookie) = caller.sign_in {
        gate.app.directory.sign_out(cookie).await?;
    }
    set_cookie(&gate.app, response, "", 0)
}

/// Who you are
#[utoipa::path(get, path = "/me", tag = "who", responses((status = 200, body = Me), (status = "4XX", body = ErrorBody)))]
pub async fn me(gate: Gate) -> Result<Json<Me>, ApiError> {
    let caller = gate.pass(Action::GetMyself, "self", json!({})).await?;
    let subject = gate.app.directory.subject(caller.id).await?.ok_or_else(ApiError::unauthenticated)?;
    Ok(Json(Me { role: caller.role, ..Me::of(&subject, caller.csrf) }))
}

/// Follow a one-time link: become the first administrator, or set a password
#[utoipa::path(post, path = "/set-up", tag = "who", request_body = SetUpRequest,
    responses((status = 200, body = Me), (status = "4XX", body = ErrorBody)))]
pub async fn set_up(gate: Gate, Body(said): Body<SetUpRequest>) -> Result<Response, ApiError> {
    let subject = use_link(&gate, said).await?;
    begin(&gate.app, &subject).await
}

/// Uses a link; either is written down.
///
/// # Errors
/// It cannot be used, or what is said with it is wrong: then it can be used again.
pub async fn use_link(gate: &Gate, said: SetUpRequest) -> Result<Subject, ApiError> {
    let app = &gate.app;
    let action = "subjects:setup";
    if let Err(error) = app.attempt(&[(of_address(gate.address()), 1)]) {
        gate.note_of(None, action, "self", false, json!({})).await?;
        return Err(error);
    }
    let (link, now) = (Digest(digest(&said.token)), Time::now());
    let gone = || ApiError::forbidden("this link was used already, or its time is over: ask for a new one");
    let Some(found) = app.directory.link(link, now).await? else {
        gate.note_of(None, action, "self", false, json!({})).await?;
        return Err(gone());
    };
    let name = match (found.subject, said.email) {
        (Some(_), _) => None,
        (None, Some(email)) => Some(mail_address(&email)?),
        (None, None) => return Err(ApiError::field("email", "the first administrator needs a mail address")),
    };
    let password = computed(move || hash_password(&said.password)).await?;
    let password = password.map_err(|error| ApiError::field("password", error))?;
    let full_name = said.full_name.map(|full| words("fullName", &full)).transpose()?;
    let said = SetUp { password, name, full_name };
    let Some(subject) = app.directory.set_up(link, said, now).await? else {
        gate.note_of(None, action, "self", false, json!({})).await?;
        return Err(gone());
    };
    let who = snapshot(&subject, subject.role, Some(gate.address()));
    gate.note_of(Some(who), action, "self", true, json!({ "purpose": found.purpose.name() })).await?;
    Ok(subject)
}

/// Who tries from there: of IPv6 whole networks, for of addresses everybody has as many as he wants.
fn of_address(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("address {address}"),
        IpAddr::V6(address) => format!("network {:x}", address.to_bits() >> 64),
    }
}

/// A mail address, as subjects are named by.
///
/// # Errors
/// It is none.
pub fn mail_address(text: &str) -> Result<String, ApiError> {
    let text = text.trim().to_lowercase();
    let is_address = text.len() <= 254
        && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == ',')
        && text.split_once('@').is_some_and(|(name, domain)| !name.is_empty() && !domain.is_empty());
    if is_address { Ok(text) } else { Err(ApiError::field("email", "it is no mail address")) }
}

/// Signs somebody in.
///
/// # Errors
/// The database refuses.
pub async fn begin(app: &App, subject: &Subject) -> Result<Response, ApiError> {
    let mut response = StatusCode::OK.into_response();
    let csrf = let_in(app, subject, &mut response).await?;
    Ok((response.headers().clone(), Json(Me::of(subject, Some(csrf)))).into_response())
}

/// Signs somebody in: an answer gets the cookie, the caller the token.
///
/// # Errors
/// The database refuses.
pub async fn let_in(app: &App, subject: &Subject, response: &mut Response) -> Result<String, ApiError> {
    let (secret, csrf, now) = (draw("cmck"), draw("csrf"), Time::now());
    let hours = i64::from(app.config.sign_in.hours);
    app.directory
        .sign_in(&SignIn {
            cookie: Digest(digest(&secret)),
            subject: subject.id,
            csrf: csrf.clone(),
            created: now,
            expires: Time(now.0 + hours * 3_600_000_000),
        })
        .await?;
    set_cookie(app, response, &secret, hours * 3600)?;
    Ok(csrf)
}

fn set_cookie(app: &App, response: &mut Response, secret: &str, seconds: i64) -> Result<(), ApiError> {
    let secure = if app.address.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE}={secret}; HttpOnly; SameSite=Lax; Path=/; Max-Age={seconds}{secure}");
    let cookie = HeaderValue::from_str(&cookie).map_err(|_| ApiError::invalid("no cookie can be made"))?;
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(())
}

/// So many at once: hashing takes memory as well.
static HASHING: Semaphore = Semaphore::const_new(2);

/// What takes time on purpose is done where it keeps nobody else waiting.
async fn computed<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let _turn = HASHING.acquire().await;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::invalid("the server is ending"))
}

impl Me {
    fn of(subject: &Subject, csrf_token: Option<String>) -> Self {
        Self {
            id: subject.id.to_string(),
            name: subject.name.clone(),
            full_name: subject.full_name.clone(),
            kind: subject.kind,
            role: subject.role,
            csrf_token,
        }
    }
}
