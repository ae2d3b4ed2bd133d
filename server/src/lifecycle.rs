//! How connections begin, go on and end: each step is written down once, with who or what is behind it.

use casemate_audit_log::Time;
use uuid::Uuid;

use crate::app::App;
use crate::error::ApiError;

/// Closes all connections to a target.
///
/// # Errors
/// The database refuses.
#[expect(clippy::unused_async, reason = "connections are not kept yet")]
pub async fn close_all_of_target(
    _app: &App,
    _target: Uuid,
    _reason: &str,
    _now: Time,
) -> Result<(), ApiError> {
    Ok(())
}
