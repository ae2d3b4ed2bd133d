//! Somebody who takes something that lasts: he is asked for again and again.

use std::time::{Duration, Instant};

use super::{Action, Caller};
use crate::app::App;
use crate::error::ApiError;

/// How often he is asked for.
pub const AGAIN: Duration = Duration::from_secs(5);

/// Somebody who was let through to something that lasts.
#[derive(Debug)]
pub struct Still {
    app: App,
    caller: Caller,
    action: Action,
    /// When he was let through, or asked for.
    looked: Instant,
}

impl Still {
    /// He was let through just now.
    #[must_use]
    pub fn of(app: &App, caller: Caller, action: Action) -> Self {
        Self { app: app.clone(), caller, action, looked: Instant::now() }
    }

    /// Sees to it that he still may, before the next piece of it.
    ///
    /// # Errors
    /// He may no more, or the database refuses.
    pub async fn may(&mut self) -> Result<(), ApiError> {
        if self.holds().await? { Ok(()) } else { Err(ApiError::forbidden("it is not for you any more")) }
    }

    /// Whether he still may, as far as that was asked lately.
    ///
    /// # Errors
    /// The database refuses.
    pub async fn holds(&mut self) -> Result<bool, ApiError> {
        if self.looked.elapsed() <= AGAIN {
            return Ok(true);
        }
        self.looked = Instant::now();
        Ok(self.app.is_still(&self.caller, self.action).await?)
    }
}
