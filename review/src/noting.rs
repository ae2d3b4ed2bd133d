//! Notes: from a moment to the case file, and what is said of it.

use casemate_cast_format::Micros;
use chrono::Utc;
use uuid::Uuid;

use crate::app::App;
use crate::case::{Bookmark, Case};
use crate::librarian::with_cause;
use crate::library::{Library, Moment, Who};

/// What is said if a recording was indexed anew, or is gone, while something was noted of it.
const LOST: &str = "not noted: the recording has changed meanwhile, choose it again";

/// Keeps a note on a moment.
pub(crate) fn keep(
    case: &mut Case,
    library: &Library,
    moment: &Moment,
    note: &str,
    by: &str,
) -> Result<(), String> {
    let Some(volume) = library.volume(moment.recording) else { return Err(LOST.to_owned()) };
    let session = moment.session.and_then(|session| library.session(session));
    let kept = case.add(Bookmark {
        id: Uuid::now_v7().to_string(),
        file: volume.recording.path.display().to_string(),
        session: session.and_then(|session| session.session.clone()),
        offset: moment.offset,
        time: session.and_then(|session| Library::time(session, moment.offset)),
        user: moment.who.user.clone(),
        target: moment.who.target.clone(),
        target_user: moment.who.target_user.clone(),
        line: moment.line.clone(),
        note: note.to_owned(),
        by: by.to_owned(),
        made: Utc::now(),
        rest: serde_json::Map::new(),
    });
    kept.map_err(|error| with_cause(&error))
}

fn said(result: Result<(), String>, done: &str, case: &Case) -> String {
    let name = case.path().file_name().unwrap_or_default().to_string_lossy();
    result.map_or_else(|why| why, |()| format!("{done} in {name}"))
}

impl App {
    /// Shows what is noted now, and says what became of it.
    pub(super) fn noted(&mut self, result: Result<(), String>, done: &str) {
        self.notes.fill(&self.case, &self.library, &self.look);
        self.fill_sessions();
        self.say(said(result, done, &self.case));
    }

    /// Keeps what was noted while a recording was played.
    pub(crate) fn keep_note(&mut self, recording: i64, at: Micros, note: &str) -> String {
        let session = self.library.session_at(recording, at);
        let who = session.map(Who::of).unwrap_or_default();
        let session = session.map(|session| session.id);
        let moment = Moment { recording, session, offset: at, who, line: None };
        let kept = keep(&mut self.case, &self.library, &moment, note, &self.by);
        said(kept, "noted", &self.case)
    }
}
