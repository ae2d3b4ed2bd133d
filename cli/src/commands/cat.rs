//! `casemate cat`: joins recordings.

use std::path::PathBuf;

use casemate_cast_format::join::Joiner;
use casemate_cast_format::segment::UnpackerConfig;
use casemate_cast_format::{Item, Version};
use casemate_recorder::Format;

use super::convert::refuse_same;
use crate::args::{MakingArgs, OutputFormat};
use crate::failure::Failure;
use crate::input::{Input, Strictness};
use crate::output::Output;
use crate::printer::Printer;

/// Join recordings into one
///
/// Each goes on where the one before it ends. The result has the header and the version of the first;
/// where the size of the terminal differs, a resize stands between them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate cat part1.cast part2.cast > whole.cast
  casemate cat -o whole.cast.zst long.cast.zst long.2.cast.zst long.3.cast.zst
  casemate cat *.cast | casemate info -")]
pub(crate) struct CatArgs {
    /// The recordings, in order; `-` for standard input
    #[arg(required = true)]
    files: Vec<PathBuf>,

    /// What to write; its name says the format
    #[arg(short, long, default_value = "-")]
    output: PathBuf,

    #[command(flatten)]
    making: MakingArgs,
}

pub(crate) fn run(arguments: &CatArgs, printer: &Printer) -> Result<(), Failure> {
    let mut joiner = Joiner::default();
    let mut output = None;
    for path in &arguments.files {
        let input = Input::open(path)?;
        refuse_same(path, &arguments.output)?;
        let strictness = Strictness::from_flag(arguments.making.strict);
        input.read(UnpackerConfig::default(), strictness, printer, |item| {
            match item {
                Item::Header(header) => {
                    let between = joiner.begin(&header);
                    match &mut output {
                        None => {
                            let mut created = create(arguments, header.version)?;
                            created.header(&header)?;
                            output = Some(created);
                        }
                        Some(output) => between.iter().try_for_each(|event| output.event(event))?,
                    }
                }
                Item::Event(event) => {
                    let event = joiner.event(event);
                    if let Some(output) = &mut output {
                        output.event(&event)?;
                    }
                }
                Item::Comment(comment) => {
                    if let Some(output) = &mut output {
                        output.comment(comment)?;
                    }
                }
                Item::Defect(_) => {}
            }
            Ok(())
        })?;
    }
    output.map_or(Ok(()), Output::finish)
}

fn create(arguments: &CatArgs, first: Version) -> Result<Output, Failure> {
    let asked = arguments.making.output_format;
    let format = match OutputFormat::of(asked, &arguments.output) {
        Format::Cast { segments, .. } if asked.is_none() && first == Version::V3 => {
            Format::Cast { version: first, segments }
        }
        format @ (Format::Cast { .. } | Format::Raw | Format::Text) => format,
    };
    Output::create(&arguments.output, format, arguments.making.overwrite)
}
