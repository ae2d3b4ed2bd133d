//! People and programs.

use axum::Json;
use axum::extract::Path;
use axum::http::StatusCode;
use casemate_audit_log::Time;
use casemate_audit_log::model::{Role, SubjectType};
use casemate_audit_store::Digest;
use casemate_audit_store::directory::{Link, NewSubject, Part, Purpose, Subject, SubjectChange};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{noted, words};
use crate::api::body::Body;
use crate::api::sign_in::mail_address;
use crate::app::{App, id};
use crate::error::{ApiError, ErrorBody};
use crate::pages::SET_UP;
use crate::secrets::{digest, draw};
use crate::who::{Action, Gate};

/// How long a link to set a password can be used.
const LINK: i64 = 7 * 24 * 3_600_000_000;

/// Somebody or something that does things here.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SubjectView {
    /// Its id.
    pub(crate) id: String,
    /// Whose it is.
    pub(crate) organization_id: String,
    /// What it is.
    #[serde(rename = "type")]
    pub(crate) kind: SubjectType,
    /// Its name; of a person the mail address.
    pub(crate) email: String,
    /// What it is called.
    pub(crate) full_name: String,
    /// What it may do.
    pub(crate) role: Role,
    /// It is an administrator.
    pub(crate) is_admin: bool,
    /// It may do anything at all.
    pub(crate) enabled: bool,
    /// Whether it can sign in with a password.
    pub(crate) has_password: bool,
    /// Since when there is it.
    pub(crate) time_created: Time,
    /// When it was here, to a minute.
    pub(crate) last_login: Option<Time>,
}

/// A person that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewUser {
    /// The mail address.
    pub(crate) email: String,
    /// What they are called.
    pub(crate) full_name: Option<String>,
    /// What they may do; as a rule `User`.
    pub(crate) role: Option<Role>,
}

/// A person, and how they get in.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Who.
    pub(crate) user: SubjectView,
    /// The one-time link with which they set their password; shown once.
    pub(crate) link: String,
}

/// What is to be different of a subject.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SubjectUpdate {
    /// What they are called.
    pub(crate) full_name: Option<String>,
    /// What they may do. `Admin` is understood as `Administrator`.
    #[schema(value_type = Option<Role>)]
    pub(crate) role: Option<String>,
    /// Whether they may do anything at all.
    pub(crate) enabled: Option<bool>,
}

/// A program with an identity of its own that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NewServiceAccount {
    /// Its name, a mail address.
    pub(crate) email: String,
    /// What it may do; as a rule `Auditor`.
    pub(crate) role: Option<Role>,
}

/// A program with an identity of its own, and its key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceAccountKey {
    /// It.
    pub(crate) service_account_summary: SubjectView,
    /// Its key; shown once.
    pub(crate) secret: String,
}

impl SubjectView {
    fn of(app: &App, subject: &Subject) -> Self {
        Self {
            id: subject.id.to_string(),
            organization_id: app.organization.id.to_string(),
            kind: subject.kind,
            email: subject.name.clone(),
            full_name: subject.full_name.clone().unwrap_or_default(),
            role: subject.role,
            is_admin: subject.role == Role::Administrator,
            enabled: subject.is_enabled,
            has_password: subject.password.is_some(),
            time_created: subject.created,
            last_login: subject.last_seen,
        }
    }
}

/// All people
#[utoipa::path(get, path = "/users", tag = "organization",
    responses((status = 200, body = [SubjectView]), (status = "4XX", body = ErrorBody)))]
pub async fn users(gate: Gate) -> Result<Json<Vec<SubjectView>>, ApiError> {
    list(&gate, &[SubjectType::User]).await
}

/// All programs with an identity of their own
#[utoipa::path(get, path = "/service-accounts", tag = "organization",
    responses((status = 200, body = [SubjectView]), (status = "4XX", body = ErrorBody)))]
pub async fn service_accounts(gate: Gate) -> Result<Json<Vec<SubjectView>>, ApiError> {
    list(&gate, &[SubjectType::ServiceAccount]).await
}

/// All people and programs
#[utoipa::path(get, path = "/subjects", tag = "organization",
    responses((status = 200, body = [SubjectView]), (status = "4XX", body = ErrorBody)))]
pub async fn subjects(gate: Gate) -> Result<Json<Vec<SubjectView>>, ApiError> {
    list(&gate, SubjectType::ALL).await
}

/// A role that is not only for the keys of targets.
fn of_person(role: Role) -> Result<Role, ApiError> {
    match role {
        Role::Agent => Err(ApiError::field("role", "only the key of a target is an agent's")),
        Role::Administrator | Role::Auditor | Role::User => Ok(role),
    }
}

async fn list(gate: &Gate, kinds: &[SubjectType]) -> Result<Json<Vec<SubjectView>>, ApiError> {
    gate.pass(Action::ListSubjects, "all", json!({})).await?;
    let mut views = Vec::new();
    for kind in kinds {
        let subjects = gate.app.directory.subjects(*kind).await?;
        views.extend(subjects.iter().map(|subject| SubjectView::of(&gate.app, subject)));
    }
    Ok(Json(views))
}

/// Some of a kind, as a page of settings lists them.
///
/// # Errors
/// It is not for whoever calls, or the database refuses.
pub(crate) async fn some(gate: &Gate, kind: SubjectType, part: &Part) -> Result<Vec<SubjectView>, ApiError> {
    gate.pass(Action::ListSubjects, "all", noted(part)).await?;
    let subjects = gate.app.directory.some_subjects(kind, part).await?;
    Ok(subjects.iter().map(|subject| SubjectView::of(&gate.app, subject)).collect())
}

/// Somebody, by id; `me` is whoever calls
#[utoipa::path(get, path = "/subjects/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = SubjectView), (status = "4XX", body = ErrorBody)))]
pub async fn subject(gate: Gate, Path(text): Path<String>) -> Result<Json<SubjectView>, ApiError> {
    if text == "me" {
        let caller = gate.pass(Action::GetMyself, "self", json!({})).await?;
        let subject = gate.app.directory.subject(caller.id).await?.ok_or_else(ApiError::unauthenticated)?;
        return Ok(Json(SubjectView { role: caller.role, ..SubjectView::of(&gate.app, &subject) }));
    }
    gate.pass(Action::ListSubjects, &text, json!({})).await?;
    let directory = &gate.app.directory;
    let subject = if text.contains('@') {
        directory.subject_named(SubjectType::User, &text.to_lowercase()).await?
    } else {
        directory.subject(id("subject", &text)?).await?.filter(|subject| subject.deleted.is_none())
    };
    let subject = subject.ok_or_else(|| ApiError::not_found("subject"))?;
    Ok(Json(SubjectView::of(&gate.app, &subject)))
}

/// A person, by id or mail address; `me` is whoever calls
#[utoipa::path(get, path = "/users/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 200, body = SubjectView), (status = "4XX", body = ErrorBody)))]
pub async fn user(gate: Gate, Path(text): Path<String>) -> Result<Json<SubjectView>, ApiError> {
    subject(gate, Path(text)).await
}

/// Add a person
#[utoipa::path(post, path = "/users", tag = "organization", request_body = NewUser,
    responses((status = 201, body = Invitation), (status = "4XX", body = ErrorBody)))]
pub async fn add_user(
    gate: Gate,
    Body(said): Body<NewUser>,
) -> Result<(StatusCode, Json<Invitation>), ApiError> {
    let context = json!({ "email": said.email, "role": said.role });
    gate.pass(Action::CreateSubject, "users", context).await?;
    let new = NewSubject {
        kind: SubjectType::User,
        name: mail_address(&said.email)?,
        full_name: said.full_name.map(|full| words("fullName", &full)).transpose()?,
        role: of_person(said.role.unwrap_or(Role::User))?,
        password: None,
    };
    let now = Time::now();
    let subject = gate.app.directory.add_subject(new, now).await?;
    let link = invite(&gate.app, subject.id, now).await?;
    Ok((StatusCode::CREATED, Json(Invitation { user: SubjectView::of(&gate.app, &subject), link })))
}

/// A new one-time link for somebody, to set a password
#[utoipa::path(post, path = "/users/{id}/link", tag = "organization", params(("id" = String, Path)),
    responses((status = 201, body = Invitation), (status = "4XX", body = ErrorBody)))]
pub async fn new_link(
    gate: Gate,
    Path(text): Path<String>,
) -> Result<(StatusCode, Json<Invitation>), ApiError> {
    gate.pass(Action::ChangeSubject, &text, json!({ "link": true })).await?;
    let subject = gate.app.directory.subject(id("user", &text)?).await?;
    let subject = subject.filter(|subject| subject.is_active() && subject.kind == SubjectType::User);
    let subject = subject.ok_or_else(|| ApiError::not_found("user"))?;
    let link = invite(&gate.app, subject.id, Time::now()).await?;
    Ok((StatusCode::CREATED, Json(Invitation { user: SubjectView::of(&gate.app, &subject), link })))
}

async fn invite(app: &App, subject: Uuid, now: Time) -> Result<String, ApiError> {
    let secret = draw("cmln");
    app.directory
        .add_link(&Link {
            link: Digest(digest(&secret)),
            purpose: Purpose::Password,
            subject: Some(subject),
            created: now,
            expires: Time(now.0 + LINK),
        })
        .await?;
    Ok(format!("{}{SET_UP}?token={secret}", app.address))
}

/// Change what somebody is
#[utoipa::path(patch, path = "/subjects/{id}", tag = "organization", params(("id" = String, Path)),
    request_body = SubjectUpdate,
    responses((status = 200, body = SubjectView), (status = "4XX", body = ErrorBody)))]
pub async fn change(
    gate: Gate,
    Path(text): Path<String>,
    Body(said): Body<SubjectUpdate>,
) -> Result<Json<SubjectView>, ApiError> {
    let context = json!({ "role": said.role, "enabled": said.enabled, "fullName": said.full_name });
    let caller = gate.pass(Action::ChangeSubject, &text, context).await?;
    let id = id("subject", &text)?;
    let role = said.role.map(|role| match role.as_str() {
        "Admin" => Ok(Role::Administrator),
        role => role.parse().map_err(|error| ApiError::field("role", format!("{error}"))),
    });
    let change = SubjectChange {
        full_name: said.full_name.map(|full| words("fullName", &full)).transpose()?,
        role: role.transpose()?.map(of_person).transpose()?,
        password: None,
        is_enabled: said.enabled,
    };
    let loses =
        change.role.is_some_and(|role| role != Role::Administrator) || change.is_enabled == Some(false);
    if caller.id == id && loses {
        return Err(ApiError::conflict("nobody takes his own rights away: another administrator has to"));
    }
    let subject = gate.app.directory.change_subject(id, change).await?;
    let subject = subject.ok_or_else(|| ApiError::not_found("subject"))?;
    Ok(Json(SubjectView::of(&gate.app, &subject)))
}

/// Change what a person is
#[utoipa::path(patch, path = "/users/{id}", tag = "organization", params(("id" = String, Path)),
    request_body = SubjectUpdate,
    responses((status = 200, body = SubjectView), (status = "4XX", body = ErrorBody)))]
pub async fn change_user(
    gate: Gate,
    path: Path<String>,
    said: Body<SubjectUpdate>,
) -> Result<Json<SubjectView>, ApiError> {
    change(gate, path, said).await
}

/// Remove a person; what the logs say of them stays
#[utoipa::path(delete, path = "/users/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete_user(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    delete(&gate, &text).await
}

/// Remove a program with an identity of its own; what the logs say of it stays
#[utoipa::path(delete, path = "/service-accounts/{id}", tag = "organization", params(("id" = String, Path)),
    responses((status = 204), (status = "4XX", body = ErrorBody)))]
pub async fn delete_service_account(gate: Gate, Path(text): Path<String>) -> Result<StatusCode, ApiError> {
    delete(&gate, &text).await
}

async fn delete(gate: &Gate, text: &str) -> Result<StatusCode, ApiError> {
    let caller = gate.pass(Action::DeleteSubject, text, json!({})).await?;
    let id = id("subject", text)?;
    if caller.id == id {
        return Err(ApiError::conflict("nobody removes himself: another administrator has to"));
    }
    let subject = gate.app.directory.delete_subject(id, Time::now()).await?;
    subject.ok_or_else(|| ApiError::not_found("subject"))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Add a program with an identity of its own
#[utoipa::path(post, path = "/service-accounts", tag = "organization", request_body = NewServiceAccount,
    responses((status = 201, body = ServiceAccountKey), (status = "4XX", body = ErrorBody)))]
pub async fn add_service_account(
    gate: Gate,
    Body(said): Body<NewServiceAccount>,
) -> Result<(StatusCode, Json<ServiceAccountKey>), ApiError> {
    let context = json!({ "email": said.email, "role": said.role });
    gate.pass(Action::CreateSubject, "service-accounts", context).await?;
    let new = NewSubject {
        kind: SubjectType::ServiceAccount,
        name: mail_address(&said.email)?,
        full_name: None,
        role: of_person(said.role.unwrap_or(Role::Auditor))?,
        password: None,
    };
    let (now, secret) = (Time::now(), draw("cmak"));
    let subject = gate.app.directory.add_subject(new, now).await?;
    gate.app.directory.add_key(&subject, &subject.name, Digest(digest(&secret)), now).await?;
    let service_account_summary = SubjectView::of(&gate.app, &subject);
    Ok((StatusCode::CREATED, Json(ServiceAccountKey { service_account_summary, secret })))
}
