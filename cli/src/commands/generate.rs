//! `casemate completions` and `casemate man`: made from the same definitions as the help.

use std::io::Write as _;
use std::path::PathBuf;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::{About as _, Failure};
use crate::printer::Printer;

/// Write completions for a shell to standard output
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate completions bash > ~/.local/share/bash-completion/completions/casemate
  casemate completions zsh > ~/.zfunc/_casemate
  casemate completions fish > ~/.config/fish/completions/casemate.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(crate) fn completions(arguments: &CompletionsArgs) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "casemate", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}

/// Write the manual pages
///
/// Into a folder, one page for each command; without one, the main page to standard output.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate man ~/.local/share/man/man1
  casemate man | man -l -")]
pub(crate) struct ManArgs {
    /// The folder
    folder: Option<PathBuf>,
}

pub(crate) fn man(arguments: &ManArgs, printer: &Printer) -> Result<(), Failure> {
    let mut command = Arguments::command();
    command.build();
    let Some(folder) = &arguments.folder else {
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page)?;
        return Ok(std::io::stdout().write_all(&page)?);
    };
    let cannot = format!("cannot write to `{}`", folder.display());
    std::fs::create_dir_all(folder).about(&cannot)?;
    clap_mangen::generate_to(command, folder).about(&cannot)?;
    printer.say(format!("manual pages written to `{}`", folder.display()));
    Ok(())
}
