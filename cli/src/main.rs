//! The `casemate` binary: arguments in, one line of error out.

mod args;
mod command_file;
mod commands;
mod failure;
mod host_helper;
mod input;
mod integrity;
mod keys;
mod new_file;
mod output;
mod place;
mod printer;
mod sending;
mod server;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Arguments, Command};
use crate::failure::Failure;
use crate::printer::Printer;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let printer = Printer::new(arguments.quiet);
    match run(arguments.command, &printer) {
        Ok(status) => status,
        Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
        Err(failure) => {
            printer.failure(&failure);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, printer: &Printer) -> Result<ExitCode, Failure> {
    match command {
        Command::Rec(arguments) => return commands::rec::run(&arguments, printer),
        Command::Play(arguments) => return commands::play::run(&arguments),
        Command::Convert(arguments) => commands::convert::run(&arguments, printer)?,
        Command::Cat(arguments) => commands::cat::run(&arguments, printer)?,
        Command::Commands(arguments) => return commands::command_events::run(&arguments, printer),
        Command::Export(arguments) => commands::export::run(&arguments, printer)?,
        Command::Search(arguments) => return commands::search::run(&arguments, printer),
        Command::Info(arguments) => return commands::info::run(&arguments, printer),
        Command::Upload(arguments) => return commands::upload::run(&arguments, printer),
        Command::Verify(arguments) => return Ok(commands::verify::run(&arguments, printer)),
        Command::Import(arguments) => return commands::import::run(&arguments, printer),
        Command::Log(arguments) => commands::log::run(&arguments, printer)?,
        Command::Keygen(arguments) => commands::keygen::run(&arguments, printer)?,
        Command::Screen(arguments) => commands::screen::run(&arguments, printer)?,
        Command::Repair(arguments) => commands::repair::run(&arguments, printer)?,
        Command::Review(arguments) => return commands::review::run(&arguments),
        Command::Report(arguments) => return commands::report::run(&arguments, printer),
        Command::Serve(arguments) => commands::serve::run(&arguments, printer)?,
        Command::Sessions(arguments) => commands::sessions::run(&arguments)?,
        Command::Agent(arguments) => return commands::agent::run(&arguments, printer),
        Command::Shell(arguments) => return commands::shell::run(&arguments),
        Command::Watch(arguments) => return commands::watch::run(&arguments, printer),
        Command::Completions(arguments) => commands::generate::completions(&arguments)?,
        Command::Man(arguments) => commands::generate::man(&arguments, printer)?,
    }
    Ok(ExitCode::SUCCESS)
}
