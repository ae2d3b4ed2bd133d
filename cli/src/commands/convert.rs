//! `casemate convert`: any format in, any format out.

use std::path::{Path, PathBuf};

use casemate_cast_format::Item;
use casemate_cast_format::segment::UnpackerConfig;

use crate::args::{MakingArgs, OutputFormat};
use crate::failure::Failure;
use crate::input::{Input, Strictness};
use crate::output::Output;
use crate::printer::Printer;

/// Convert a recording to another format
///
/// Reads asciicast v1, v2 and v3, plain or in segments, and writes asciicast v2 where neither the output's
/// name nor a flag says otherwise. Events, comments and header keys that a format has no place for of its
/// own are kept in it all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate convert demo.cast demo.cast.zst       compress, index and chain it
  casemate convert -f v3 demo.cast.zst new.cast  for asciinema 3
  casemate convert demo.cast -f raw - | less -R  what the terminal received
  casemate convert demo.cast demo.txt            what the terminal showed")]
pub(crate) struct ConvertArgs {
    /// The recording; `-` for standard input
    input: PathBuf,

    /// What to write; its name says the format; `-` for standard output
    output: PathBuf,

    #[command(flatten)]
    making: MakingArgs,
}

pub(crate) fn run(arguments: &ConvertArgs, printer: &Printer) -> Result<(), Failure> {
    let input = Input::open(&arguments.input)?;
    refuse_same(&arguments.input, &arguments.output)?;
    let making = &arguments.making;
    let format = OutputFormat::of(making.output_format, &arguments.output);
    let mut output = Output::create(&arguments.output, format, making.overwrite)?;
    let strictness = Strictness::from_flag(making.strict);
    input.read(UnpackerConfig::default(), strictness, printer, |item| match item {
        Item::Header(header) => output.header(&header),
        Item::Event(event) => output.event(&event),
        Item::Comment(comment) => output.comment(comment),
        Item::Defect(_) => Ok(()),
    })?;
    output.finish()
}

/// A recording cannot take its own place while it is being read.
pub(crate) fn refuse_same(input: &Path, output: &Path) -> Result<(), Failure> {
    let place = |path: &Path| path.canonicalize().ok().filter(|path| path.is_file());
    match (place(input), place(output)) {
        (Some(input), Some(output)) if input == output => {
            Err(Failure::new(format!("`{}` is the input as well", output.display()))
                .hint("give the output another name"))
        }
        _ => Ok(()),
    }
}
