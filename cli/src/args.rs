//! The command line as a whole, and the values that several commands take.

use std::path::Path;

use casemate_cast_format::{Micros, Version};
use casemate_recorder::{Format, WindowSize};
use clap::{Parser, Subcommand, ValueEnum};

use crate::commands::{
    agent, cat, command_events, convert, export, generate, import, info, keygen, log, play, rec, repair,
    report, review, screen, search, serve, sessions, shell, upload, verify, watch,
};

/// Record terminal sessions exactly, and prove it.
///
/// Recordings are asciicast: everything here reads what asciinema writes, and the other way round.
/// A name that ends in `.zst` is compressed in segments that are chained by their hashes, so that a
/// crash loses next to nothing and a change does not go unseen.
#[derive(Debug, Parser)]
#[command(name = "casemate", version, infer_subcommands = true, disable_help_subcommand = true)]
#[command(after_help = "\
Examples:
  casemate rec                              record a shell into ~/.local/share/casemate
  casemate rec demo.cast                    record into a file of your choice
  casemate play demo.cast                   watch it, and go anywhere in it
  casemate commands demo.cast               who ran what in it
  casemate search nginx demo.cast           where it was typed, or to be seen
  casemate review audit/                    a folder of recordings, as evidence
  casemate info demo.cast                   say what is in it
  casemate verify audit.cast.zst            whether it is as it was recorded
  casemate convert demo.cast demo.txt       what was on the screen, as text
  casemate export demo.cast -o part.cast --from 1:30 --to 2:00")]
pub(crate) struct Arguments {
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    #[command(visible_alias = "record")]
    Rec(Box<rec::RecArgs>),
    Play(play::PlayArgs),
    Convert(convert::ConvertArgs),
    Cat(cat::CatArgs),
    Commands(Box<command_events::CommandsArgs>),
    Export(Box<export::ExportArgs>),
    Search(search::SearchArgs),
    Review(review::ReviewArgs),
    Import(import::ImportArgs),
    Info(info::InfoArgs),
    Upload(upload::UploadArgs),
    Verify(verify::VerifyArgs),
    Keygen(keygen::KeygenArgs),
    Log(Box<log::LogArgs>),
    Screen(screen::ScreenArgs),
    Repair(repair::RepairArgs),
    Report(report::ReportArgs),
    Serve(serve::ServeArgs),
    Sessions(sessions::SessionsArgs),
    Shell(shell::ShellArgs),
    Agent(agent::AgentArgs),
    Watch(watch::WatchArgs),
    Completions(generate::CompletionsArgs),
    Man(generate::ManArgs),
}

/// What a recording is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// asciicast v2: absolute times, read by everything
    #[value(name = "asciicast-v2", alias = "v2")]
    V2,
    /// asciicast v3: intervals, as asciinema 3 writes
    #[value(name = "asciicast-v3", alias = "v3")]
    V3,
    /// The exact bytes that the terminal received
    Raw,
    /// The text that the terminal showed
    Txt,
}

impl OutputFormat {
    /// The format of a file: as asked for, else by its name, else asciicast v2.
    pub(crate) fn of(asked: Option<Self>, path: &Path) -> Format {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        let segments = extension.eq_ignore_ascii_case("zst");
        let by_name = match extension.to_ascii_lowercase().as_str() {
            "txt" => Self::Txt,
            "raw" => Self::Raw,
            _ => Self::V2,
        };
        match asked.unwrap_or(by_name) {
            Self::V2 => Format::Cast { version: Version::V2, segments },
            Self::V3 => Format::Cast { version: Version::V3, segments },
            Self::Raw => Format::Raw,
            Self::Txt => Format::Text,
        }
    }
}

/// How a recording is made of others, whatever the command.
#[derive(Debug, clap::Args)]
pub(crate) struct MakingArgs {
    /// Format of the output [default: by its name]
    #[arg(short = 'f', long, value_enum, hide_default_value = true)]
    pub(crate) output_format: Option<OutputFormat>,

    /// Replace the output if it exists
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Stop at the first thing that is wrong with a recording
    #[arg(long)]
    pub(crate) strict: bool,
}

/// Seconds, more than none: `2`, `0.5`.
pub(crate) fn seconds(text: &str) -> Result<Micros, String> {
    match Micros::from_seconds(text) {
        Some(time) if time.0 > 0 => Ok(time),
        _ => Err("give seconds, more than 0, like 2 or 0.5".into()),
    }
}

/// A length of time with units: `90s`, `10m`, `1h30m`.
pub(crate) fn duration(text: &str) -> Result<Micros, String> {
    let wrong = || "give a length of time, like 90s, 10m, 2h or 1h30m".to_owned();
    let mut total = 0_u64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|letter: char| !letter.is_ascii_digit()).ok_or_else(wrong)?;
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = rest[digits..].chars().next().ok_or_else(wrong)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let micros = count.checked_mul(seconds * 1_000_000).ok_or_else(wrong)?;
        total = total.checked_add(micros).ok_or_else(wrong)?;
        rest = &rest[digits + unit.len_utf8()..];
    }
    if total == 0 { Err(wrong()) } else { Ok(Micros(total)) }
}

/// A number of bytes: `500000`, `100M`, `1.5G`; the units are powers of 1024.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || "give a size, like 500K, 100M or 1.5G".to_owned();
    let number = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let shift = match text[number.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err(wrong()),
    };
    // Millionths are exact enough for a limit.
    let millionths = Micros::from_seconds(number).ok_or_else(wrong)?.0;
    let bytes = (u128::from(millionths) << shift) / 1_000_000;
    u64::try_from(bytes).ok().filter(|&bytes| bytes > 0).ok_or_else(wrong)
}

/// `COLSxROWS`, `COLSx` or `xROWS`.
pub(crate) fn window_size(text: &str) -> Result<WindowSize, String> {
    let wrong = || "give a size, like 80x24, 80x or x24".to_owned();
    let (cols, rows) = text.split_once('x').ok_or_else(wrong)?;
    let side = |digits: &str| {
        if digits.is_empty() {
            return Ok(None);
        }
        let cells: u16 = digits.parse().map_err(|_| wrong())?;
        if cells == 0 { Err(wrong()) } else { Ok(Some(cells.into())) }
    };
    let size = WindowSize { cols: side(cols)?, rows: side(rows)? };
    if size.cols.is_none() && size.rows.is_none() { Err(wrong()) } else { Ok(size) }
}

#[cfg(test)]
mod tests {
    use super::{Arguments, duration, seconds, size, window_size};
    use casemate_cast_format::Micros;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn values_are_checked_where_they_are_given() {
        assert_eq!(seconds("2.5"), Ok(Micros(2_500_000)));
        for text in ["0", "-1", "nan", "inf", "", "2s"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(duration("1h30m"), Ok(Micros(5_400_000_000)));
        for text in ["", "5", "0s", "1w", "h", "99999999999999999999s", "1é"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!((size("100M"), size("1.5k"), size("7")), (Ok(100 << 20), Ok(1536), Ok(7)));
        for text in ["", "0", "-1", "1X", "M", "9999999999999T"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert!(window_size("80x24").is_ok() && window_size("80x").is_ok() && window_size("x24").is_ok());
        for text in ["", "x", "80", "0x24", "-1x2", "99999x1", "80x24x1"] {
            assert!(window_size(text).is_err(), "{text}");
        }
    }
}
