//! `casemate repair`: salvages what is readable, and says what was lost.

use std::io::{self, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::{self, Packer, PackerConfig, TailState, UnpackerConfig, Verdict};
use casemate_cast_format::{Decoder, Defect, DefectKind, Encoder, Event, Item, Micros, Version, own};
use casemate_files::open_untouched;
use casemate_recorder::Format;
use ed25519_dalek::SigningKey;
use serde_json::json;

use super::convert::refuse_same;
use crate::failure::{About as _, Failure};
use crate::input::{Findings, Input, Strictness};
use crate::keys::signing_key;
use crate::new_file::NewFile;
use crate::output::Output;
use crate::printer::Printer;

/// Salvage what is readable of a damaged recording, and say what was lost
///
/// Writes a new file and never touches the old one. Where only the end is torn, as after a crash, every
/// sealed segment stays as it is, byte for byte, and so stays proven. Otherwise the readable events are
/// written anew. What was lost is told, and stands in the new recording as `gap` events.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate repair crashed.cast.zst               writes crashed.repaired.cast.zst
  casemate repair torn.cast -o whole.cast")]
pub(crate) struct RepairArgs {
    /// The recording
    file: PathBuf,

    /// What to write [default: NAME.repaired.cast or NAME.repaired.cast.zst]
    #[arg(short, long)]
    output: Option<PathBuf>,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,

    /// Sign what is added or written anew with this Ed25519 key; a signed recording is intact only with it
    #[arg(long, value_name = "FILE")]
    sign_key: Option<PathBuf>,
}

pub(crate) fn run(arguments: &RepairArgs, printer: &Printer) -> Result<(), Failure> {
    if !arguments.file.is_file() && (arguments.file.exists() || arguments.file == Path::new("-")) {
        return Err(Failure::new("only a file can be repaired: it is read more than once")
            .hint("write it to a file first"));
    }
    let survey = survey(&arguments.file, printer)?;
    let verdict = survey.findings.verdict.as_ref();
    if arguments.sign_key.is_some() && verdict.is_none() {
        return Err(Failure::new(format!("{}: only recordings in segments can be signed", survey.name))
            .hint("leave --sign-key out"));
    }
    let signing_key = arguments.sign_key.as_deref().map(signing_key).transpose()?;
    if survey.findings.defects.is_empty() && !survey.findings.is_unfinished() {
        printer.say(format!("{}: nothing to repair", survey.name));
        return Ok(());
    }
    let output = arguments.output.clone().unwrap_or_else(|| repaired_name(&arguments.file));
    refuse_same(&arguments.file, &output)?;
    for defect in &survey.findings.defects {
        printer.warn(defect);
    }
    let is_torn = verdict.is_some_and(is_torn_only) && survey.text_defects == 0;
    let mended =
        if is_torn { mend_tail(arguments, &output, survey.version, signing_key.clone())? } else { None };
    let lost = match mended {
        Some(lost) => lost,
        None => rewrite(arguments, &output, &survey, signing_key)?,
    };
    printer.say(format!("{}: {lost}", survey.name));
    printer.say(format!("repaired into {}", output.display()));
    Ok(())
}

struct Survey {
    name: String,
    version: Version,
    findings: Findings,
    /// Defects of the text, but for a cut-off end.
    text_defects: u64,
}

fn survey(path: &Path, printer: &Printer) -> Result<Survey, Failure> {
    let input = Input::open(path)?;
    let name = input.name.clone();
    let (mut version, mut text_defects) = (Version::V2, 0);
    let findings = input.read(UnpackerConfig::default(), Strictness::Collect, printer, |item| {
        match item {
            Item::Header(header) => version = header.version,
            Item::Defect(Defect { kind: DefectKind::CutOff(_), .. }) => {}
            Item::Defect(_) => text_defects += 1,
            Item::Event(_) | Item::Comment(_) => {}
        }
        Ok(())
    })?;
    Ok(Survey { name, version, findings, text_defects })
}

/// Whether nothing is wrong but that the file ends too early.
fn is_torn_only(verdict: &Verdict) -> bool {
    verdict.more_defects == 0
        && verdict.defects.iter().all(|defect| {
            matches!(defect.kind, segment::DefectKind::Torn { .. } | segment::DefectKind::SeekTableMissing)
        })
}

/// Copies what is whole as it is, closes the open segment, and ends the recording. `None` where nothing is whole, but
/// something can be read.
fn mend_tail(
    arguments: &RepairArgs,
    output: &Path,
    version: Version,
    signing_key: Option<SigningKey>,
) -> Result<Option<String>, Failure> {
    let input = &arguments.file;
    let cannot_read = format!("cannot read `{}`", input.display());
    let cannot_write = format!("cannot write `{}`", output.display());
    let mut file = NewFile::create(output, arguments.overwrite)?;
    let plan =
        segment::find_tail(BufReader::new(open_untouched(input).about(&cannot_read)?)).about(&cannot_read)?;
    if plan.state == TailState::Nothing {
        // Of its first frame no block ends where a line does.
        if plan.lost_text.contains(&b'\n') {
            return Ok(None);
        }
        return Err(Failure::new(format!("{}: nothing in it can be read", input.display())));
    }
    let mut whole = open_untouched(input).about(&cannot_read)?.take(plan.truncate_to);
    io::copy(&mut whole, &mut file).about(&cannot_write)?;
    file.write_all(&plan.append).about(&cannot_write)?;

    let end = plan.tail.end();
    let mut packer = Packer::resume(PackerConfig { signing_key, ..PackerConfig::default() }, plan.tail)?;
    let (mut now, mut events) = (end, 0_u64);
    if plan.cut_bytes > 0 {
        // What the end of the frame was torn off from can hold whole lines: they go into a segment of their own.
        let mut rest = plan.lost_text.as_slice();
        let mut decoder = Decoder::resume_behind(version, end.0.saturating_mul(1000));
        while let Some(at) = rest.iter().position(|&byte| byte == b'\n') {
            let (line, behind) = rest.split_at(at + 1);
            decoder.feed(line);
            let Some(Item::Event(event)) = decoder.next_item() else { break };
            packer.write_event(line, event.time)?;
            (now, events, rest) = (event.time, events + 1, behind);
        }
        let gap = json!({
            "what": "cut off at the end",
            "bytes": plan.cut_bytes,
            "text": String::from_utf8_lossy(rest),
        });
        let mut line = Vec::new();
        let gap = Event::own(now, own::GAP, &gap.to_string());
        Encoder::resume(version, now).event(&gap, &mut line);
        packer.write_event(&line, now)?;
    }
    packer.finish(None)?;
    file.write_all(packer.output()).about(&cannot_write)?;
    file.as_file().sync_all().about(&cannot_write)?;
    file.put()?;
    let behind = match events {
        0 => String::new(),
        1 => ", and one event behind it".to_owned(),
        events => format!(", and {events} events behind it"),
    };
    let cut = plan.cut_bytes;
    Ok(Some(format!(
        "kept everything up to {end} s as it was{behind}; the last {cut} bytes cannot be read to their end"
    )))
}

/// Writes all readable events anew, with a gap wherever something was left out.
fn rewrite(
    arguments: &RepairArgs,
    target: &Path,
    survey: &Survey,
    signing_key: Option<SigningKey>,
) -> Result<String, Failure> {
    let version = if survey.version == Version::V3 { Version::V3 } else { Version::V2 };
    let segments = survey.findings.verdict.is_some();
    let format = Format::Cast { version, segments };
    let mut output = Output::create(target, format, arguments.overwrite)?.signed(signing_key);
    let (mut now, mut events, mut gaps) = (Micros(0), 0_u64, 0_u64);
    let quiet = Printer::new(true);
    let findings = Input::open(&arguments.file)?.read(
        UnpackerConfig::default(),
        Strictness::Collect,
        &quiet,
        |item| match item {
            Item::Header(header) => output.header(&header),
            Item::Event(event) => {
                now = event.time;
                events += 1;
                output.event(&event)
            }
            Item::Comment(comment) => output.comment(comment),
            Item::Defect(defect) => {
                gaps += 1;
                let gap = json!({ "what": defect.kind.to_string(), "line": defect.line });
                output.event(&Event::own(now, own::GAP, &gap.to_string()))
            }
        },
    )?;
    if let Some(verdict) = &findings.verdict {
        let wrong: Vec<_> = verdict.defects.iter().map(ToString::to_string).collect();
        if !wrong.is_empty() {
            let gap = json!({ "what": "segments were damaged", "segments": wrong });
            output.event(&Event::own(now, own::GAP, &gap.to_string()))?;
        }
    }
    output.finish()?;
    Ok(format!("kept {events} events, {gaps} defects in the text, {} in all", findings.defect_count))
}

fn repaired_name(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let stem = [".cast.zst", ".cast"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    path.with_file_name(format!("{stem}.repaired{}", &name[stem.len()..]))
}
