//! `casemate review`: forensic review of a folder of recordings.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_recorder::login_name;
use casemate_review::{Case, Options, ReviewError, review};
use casemate_store::recording::one_line;
use casemate_store::{is_among, name_of};

use super::play::status_of;
use crate::failure::Failure;
use crate::keys;
use crate::place::data_folder;
use crate::printer::colours_welcome;

/// Review a folder of recordings: find the session, find the command, stand at that second
///
/// A full-screen application, without a server or a network. Press `?` for all keys:
///
///   1  sessions: who, where, as whom, how long, and whether they are intact; damaged files
///      are listed with what is wrong with them
///   2  commands of all sessions on one timeline, or of one session
///   3  search in the commands, and in everything that was ever on the screens
///   4  notes: what you have marked
///
/// Enter plays the session, or stands at that moment; `q` comes back. `/` filters as you type, `a` notes
/// the chosen row, or, in the player, the moment.
///
/// Recordings are opened to be read and never changed, and nothing is written beside them. An index of
/// them is kept in the cache, as `casemate search` does; it is brought up to date while you already look.
/// Your notes are kept in a case file of your own, which is JSON.
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
#[command(after_help = "\
Examples:
  casemate review audit/
  casemate review /var/recordings --case 2026-117.json
  casemate review evidence/ --key recorder.key.pub     who else signed a recording is said
  jq -r '.bookmarks[] | [.time, .user, .line, .note] | @tsv' 2026-117.json")]
pub(crate) struct ReviewArgs {
    /// Folders of recordings, or recordings
    #[arg(required = true, value_name = "FOLDER")]
    folders: Vec<PathBuf>,

    /// Keep notes in this file [default: one for each set of folders, in ~/.local/share/casemate/cases]
    #[arg(long, value_name = "FILE")]
    case: Option<PathBuf>,

    /// Recordings ought to be signed with this Ed25519 key: a file in PEM (as `casemate keygen` makes), or 64 hex digits
    #[arg(long, alias = "public-key", value_name = "KEY")]
    key: Option<PathBuf>,

    /// Keep the index in this file [default: one for each set of folders, in ~/.cache/casemate]
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
}

pub(crate) fn run(arguments: &ReviewArgs) -> Result<ExitCode, Failure> {
    for folder in &arguments.folders {
        let name = one_line(&folder.display().to_string());
        match std::fs::metadata(folder) {
            Err(error) => return Err(Failure::new(format!("cannot read `{name}`: {error}"))),
            Ok(about) if !about.is_dir() && !about.is_file() => {
                return Err(Failure::new(format!("`{name}` is neither a folder nor a file")));
            }
            Ok(_) => {}
        }
    }
    let place = match &arguments.case {
        Some(place) => place.clone(),
        None => usual_case(&arguments.folders)?,
    };
    if is_among(&place, &arguments.folders) {
        let place = one_line(&place.display().to_string());
        return Err(Failure::new(format!("the case file `{place}` would be among the recordings"))
            .hint("put it elsewhere: nothing is ever written beside evidence"));
    }
    let case = Case::open(&place, &arguments.folders)?;
    let options = Options {
        index: arguments.index.clone(),
        key: arguments.key.as_deref().map(keys::public_key).transpose()?,
        by: login_name(),
        has_colour: colours_welcome(),
    };
    match review(&arguments.folders, case, &options) {
        Ok(ending) => Ok(status_of(ending)),
        Err(ReviewError::Store(error)) => Err(error.into()),
        Err(error @ ReviewError::NoTerminal) => Err(Failure::from(error)
            .hint("without one there are casemate commands, casemate search, casemate report")),
        Err(error) => Err(error.into()),
    }
}

/// One case for each set of folders: after the name of one of them, and all of them.
fn usual_case(folders: &[PathBuf]) -> Result<PathBuf, Failure> {
    let first = folders.iter().filter_map(|path| path.canonicalize().ok()).min();
    let name = first.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
    let set = name_of(folders);
    let folder = data_folder("cases").map_err(|failure| failure.hint("say where with --case"))?;
    Ok(folder.join(format!("{name}-{}.json", &set[..8])))
}
