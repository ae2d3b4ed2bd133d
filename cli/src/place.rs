//! Where files go that nobody gave a place.

use std::path::PathBuf;

use crate::failure::Failure;

/// The folder for `what` in the user's data: `~/.local/share/casemate/WHAT`.
pub(crate) fn data_folder(what: &str) -> Result<PathBuf, Failure> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = absolute("XDG_DATA_HOME").or_else(|| Some(absolute("HOME")?.join(".local/share")));
    let data = data
        .ok_or_else(|| Failure::new(format!("no place for {what}: neither XDG_DATA_HOME nor HOME is set")))?;
    Ok(data.join("casemate").join(what))
}
