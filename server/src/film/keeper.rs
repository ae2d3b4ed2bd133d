//! Has films made in the background: of what is complete, and of what goes on and has become long, the latest first.
//!
//! A long recording is nearly all read when it is complete. A server that was restarted begins anew.

use std::time::Duration;

use casemate_audit_store::{Recording, StoreError};

use crate::app::App;

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(2);

/// Recordings that are looked at in one go, beside those that failed.
const AT_ONCE: u64 = 64;

/// From so many bytes on one is long: shorter ones are made when they are complete, or when somebody wants to see them.
pub(super) const LONG: u64 = 4 << 20;

/// Makes films, as long as it is let.
pub async fn keep(app: &App) {
    loop {
        tokio::time::sleep(EVERY).await;
        match due(app).await {
            Ok(due) => app.films.begin(app, &due),
            Err(error) => crate::say(format_args!("films cannot be made: {error}")),
        }
    }
}

async fn due(app: &App) -> Result<Vec<Recording>, StoreError> {
    // Those that failed are in the way of no others.
    let limit = AT_ONCE + app.films.failed();
    let mut due = app.recordings.to_film(limit).await?;
    due.extend(app.recordings.growing(LONG, limit).await?);
    due.sort_by_key(|recording| std::cmp::Reverse(recording.id));
    Ok(due)
}
