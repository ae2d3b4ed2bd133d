//! What a caller is told when something cannot be done: the error form of BastionZero's API.
//!
//! What is wrong inside is told to whoever runs the server, not to the caller.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use casemate_audit_log::filter::BadParameter;
use casemate_audit_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

/// An answer that is none.
#[derive(Debug)]
pub struct ApiError {
    status: StatusCode,
    body: ErrorBody,
    headers: Vec<(&'static str, String)>,
}

/// How an error is written.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorBody {
    /// What is wrong, and what to do about it.
    pub error_msg: String,
    /// One word for programs.
    pub error_type: &'static str,
    /// What is wrong with which field.
    pub errors: BTreeMap<String, Vec<String>>,
}

impl ApiError {
    /// Any.
    pub fn new(status: StatusCode, error_type: &'static str, message: impl Into<String>) -> Self {
        let body = ErrorBody { error_msg: message.into(), error_type, errors: BTreeMap::new() };
        Self { status, body, headers: Vec::new() }
    }

    /// What was sent makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Invalid", message)
    }

    /// A field of what was sent makes no sense.
    pub fn field(name: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let mut error = Self::invalid(format!("`{name}`: {message}"));
        error.body.errors.insert(name.to_owned(), vec![message]);
        error
    }

    /// There is no such thing.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", format!("there is no such {what}"))
    }

    /// Nobody knows who calls.
    pub fn unauthenticated() -> Self {
        let message = "sign in, or send a key that is valid as `X-API-KEY`";
        Self::new(StatusCode::UNAUTHORIZED, "Unauthenticated", message)
    }

    /// Who calls may not.
    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// It cannot be done as things are.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    /// Says more in a header.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is said.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.body.error_msg
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self.body)).into_response();
        // Pages say it in another form.
        response.extensions_mut().insert(self.body);
        for (name, value) in self.headers {
            if let Ok(value) = value.parse() {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

impl From<BadParameter> for ApiError {
    fn from(bad: BadParameter) -> Self {
        Self::field(&bad.name, bad.message)
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        if let StoreError::TooLong { .. } = error {
            return Self::new(StatusCode::UNPROCESSABLE_ENTITY, "TooLong", error.to_string());
        }
        if let StoreError::Taken { .. } | StoreError::Differs { .. } | StoreError::Complete { .. } = error {
            return Self::conflict(error.to_string());
        }
        if let StoreError::NoRecording { .. } = error {
            return Self::not_found("recording");
        }
        if let StoreError::Deleted { .. } = error {
            return Self::new(StatusCode::GONE, "Deleted", error.to_string());
        }
        crate::say(format_args!("{error}"));
        let message = "the server cannot keep or find that at the moment; its own log says why";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "Unavailable", message)
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        crate::say(format_args!("an answer cannot be written: {error}"));
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "Internal", "the answer cannot be written")
    }
}
