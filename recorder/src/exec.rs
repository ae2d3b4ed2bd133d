//! What the recording of a session that is one command says first: what was started.

use std::ffi::OsStr;

use casemate_cast_format::Exec;

use crate::program::Program;

/// What is started here.
pub(crate) fn exec(program: &Program, terminal: bool) -> Exec {
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let directory = program.directory.clone().or_else(|| std::env::current_dir().ok());
    Exec {
        exe: Some(text(program.path.as_os_str())),
        argv: program.argv.iter().map(|word| text(word)).collect(),
        argv_cut: false,
        cwd: directory.map(|directory| text(directory.as_os_str())),
        terminal,
        output_elsewhere: false,
    }
    .limited()
}
