//! `casemate upload`: brings recordings to an audit server.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use casemate_client::Client;
use casemate_store::recording::Found;

use super::info::people_bytes;
use crate::failure::Failure;
use crate::printer::Printer;
use crate::sending::{Delivered, Named, send, spool, spooled};
use crate::server::ServerArgs;

/// Upload recordings to an audit server
///
/// Each file becomes a session there: who, where and when it was is taken from the recording, or given by flags. The
/// server derives the commands from it. What was interrupted goes on where it broke off, and what is there already is not
/// sent again, so the same command can be run as often as you like. Of folders, all recordings in them are uploaded.
///
/// With --spool it uploads what `casemate rec --server` has left behind for that server, and removes it from the spool.
///
/// The exit status is 0 if all of it is on the server's disk, and 1 if something is left.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate upload --server https://audit.example.com --key-file ~/.audit.key demo.cast.zst
  casemate upload --user alice@org.com --target web-1 --target-user root old.cast
  casemate upload /var/recordings                 all in it; the server is named in client.toml
  casemate upload --spool                         what could not be uploaded while it was recorded")]
pub(crate) struct UploadArgs {
    /// Recordings, or folders of recordings
    #[arg(required_unless_present = "spool", conflicts_with = "spool")]
    files: Vec<PathBuf>,

    /// What `casemate rec --server` has left behind
    #[arg(long)]
    spool: bool,

    #[command(flatten)]
    named: Named,

    #[command(flatten)]
    server: ServerArgs,
}

pub(crate) fn run(arguments: &UploadArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let client = arguments.server.client(printer)?;
    let mut tally = Tally::default();
    if arguments.spool {
        let files = spooled(&spool(&client)?)?;
        if files.is_empty() {
            printer.say(format!("nothing is left to upload to {}", client.server()));
        }
        for path in &files {
            if tally.one(&client, path, &arguments.named, printer) {
                std::fs::remove_file(path).ok();
            }
        }
        return Ok(tally.status());
    }
    let found = Found::by(&arguments.files);
    for failure in found.failures {
        printer.failure(&failure.into());
        tally.left += 1;
    }
    if found.sources.is_empty() && tally.left == 0 {
        return Err(Failure::new("there is no recording"));
    }
    for source in &found.sources {
        // Not every `.json` is a recording.
        if !source.is_guess {
            tally.one(&client, &source.path, &arguments.named, printer);
        }
    }
    tally.say(&client, printer);
    Ok(tally.status())
}

/// What came of all files.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    left: usize,
}

impl Tally {
    /// Sends a file; whether all of it is there.
    fn one(&mut self, client: &Client, path: &Path, named: &Named, printer: &Printer) -> bool {
        match send(client, path, &path.display().to_string(), named, printer) {
            Ok(delivered) => {
                printer.say(said(path, &delivered));
                self.done += 1;
                true
            }
            Err(failure) => {
                printer.failure(&failure);
                self.left += 1;
                false
            }
        }
    }

    fn say(&self, client: &Client, printer: &Printer) {
        if self.done + self.left > 1 {
            printer.say(format!("{} on {}, {} left", self.done, client.server(), self.left));
        }
    }

    fn status(&self) -> ExitCode {
        if self.left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn said(path: &Path, delivered: &Delivered) -> String {
    let Delivered { id, bytes, new_bytes } = delivered;
    let name = path.display();
    match new_bytes {
        0 => format!("{name}: is there already, as {id}"),
        _ if new_bytes < bytes => {
            format!("{name}: {} of {} uploaded, as {id}", people_bytes(*new_bytes), people_bytes(*bytes))
        }
        _ => format!("{name}: {} uploaded, as {id}", people_bytes(*bytes)),
    }
}
