//! Where files go that nobody gave a place.

use std::path::PathBuf;

use crate::failure::Failure;

/// The folder for `what` in the user's data: `~/.local/share/casemate/WHAT`.
pub(crate) fn data_folder(what: &str) -> Result<PathBuf, Failure> {
    folder("XDG_DATA_HOME", ".local/share", what)
}

/// The folder for `what` that is on its way: `~/.local/state/casemate/WHAT`.
pub(crate) fn state_folder(what: &str) -> Result<PathBuf, Failure> {
    folder("XDG_STATE_HOME", ".local/state", what)
}

fn folder(variable: &str, of_home: &str, what: &str) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute(variable).or_else(|| Some(absolute("HOME")?.join(of_home)));
    let folder = folder
        .ok_or_else(|| Failure::new(format!("no place for {what}: neither {variable} nor HOME is set")))?;
    Ok(folder.join("casemate").join(what))
}
