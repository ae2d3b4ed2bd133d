//! `casemate export`: part of a recording, faster, without what must not be seen.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::UnpackerConfig;
use casemate_cast_format::{Item, Micros, Version};
use casemate_player::Target as Place;
use casemate_player::export::{Cutter, Excerpt, Landmarks, Pace, Part, Redaction, Still, Stretch};
use casemate_recorder::Format;
use clap::ValueEnum;

use super::convert::refuse_same;
use super::info::people_time;
use crate::args::{OutputFormat, seconds};
use crate::failure::{About as _, Failure};
use crate::input::{Input, Strictness};
use crate::output::{Destination, Output};
use crate::printer::{Printer, one_line};

/// So often what is hidden is looked for again, before it is said that it cannot be hidden.
const MOST_ROUNDS: u32 = 20;

/// Export a part of a recording: cut, faster, without secrets
///
/// Writes a recording of its own, which begins with the screen as it was; the text of it; or a picture of one moment.
///
/// --redact and --redact-text put blocks in place of what they match, as wide as it was: in output and input, however it
/// was cut, coloured, edited or placed; in titles, links and what was put on the clipboard; in the header, in the facts
/// of processes, in markers. Nothing is written before another look at all of it finds nothing more. Not found is
/// what nobody could read as one text, like the beginning of a password that was typed twice, or what was typed in
/// another order than it reads, or what has characters without a width in it; of input, what a terminal sends as
/// codes of keys. --no-input leaves all input out.
///
/// Places are times (`90`, `1:30`, `1m30s`), parts (`50%`), `marker:LABEL`, `marker:N`, `event:N` or `end`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate export demo.cast -o part.cast --from 1:30 --to 2:00
  casemate export demo.cast -o build.cast.zst --select marker:build..marker:test
  casemate export demo.cast -o quick.cast --speed 2 -i 1
  casemate export demo.cast -o public.cast --redact '[a-z]+@example\\.com' --redact-text hunter2
  casemate export demo.cast -o secret.cast --redact-texts-from secrets.txt --no-input
  casemate export demo.cast -o demo.txt --from marker:build
  casemate export demo.cast -o screen.svg --at 50%")]
pub(crate) struct ExportArgs {
    /// The recording, a file
    file: PathBuf,

    /// What to write; its name says the format: .cast, .cast.zst, .txt, .svg, .raw; `-` for standard output
    #[arg(short, long)]
    output: PathBuf,

    /// Where it begins
    #[arg(long, value_name = "PLACE", conflicts_with = "select")]
    from: Option<Place>,

    /// Where it ends
    #[arg(long, value_name = "PLACE", conflicts_with = "select")]
    to: Option<Place>,

    /// Both, as FROM..TO
    #[arg(long, value_name = "FROM..TO")]
    select: Option<Stretch>,

    /// The moment of a picture [default: the end]
    #[arg(long, value_name = "PLACE", conflicts_with_all = ["from", "to", "select", "speed", "idle_time_limit"])]
    at: Option<Place>,

    /// How much faster
    #[arg(short, long, value_name = "FACTOR", value_parser = factor)]
    speed: Option<Micros>,

    /// Longest pause, in seconds
    #[arg(short, long, value_name = "SECS", value_parser = seconds)]
    idle_time_limit: Option<Micros>,

    /// Hide what matches this regular expression (can be repeated)
    #[arg(long, value_name = "PATTERN")]
    redact: Vec<String>,

    /// Hide this text (can be repeated)
    #[arg(long, value_name = "TEXT")]
    redact_text: Vec<String>,

    /// Hide the texts in this file, one a line (can be repeated)
    #[arg(long, value_name = "FILE")]
    redact_texts_from: Vec<PathBuf>,

    /// Leave out what was typed
    #[arg(long)]
    no_input: bool,

    /// Format of the output [default: by its name]
    #[arg(short = 'f', long, visible_alias = "format", value_enum, hide_default_value = true)]
    output_format: Option<ExportFormat>,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,

    /// Stop at the first thing that is wrong with the recording
    #[arg(long)]
    strict: bool,
}

/// What an excerpt is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExportFormat {
    /// asciicast v2: absolute times, read by everything
    #[value(name = "asciicast-v2", alias = "v2")]
    V2,
    /// asciicast v3: intervals, as asciinema 3 writes
    #[value(name = "asciicast-v3", alias = "v3")]
    V3,
    /// The bytes that the terminal received
    Raw,
    /// The text that the terminal showed
    Txt,
    /// A picture of one moment
    Svg,
}

/// What to write.
enum Target {
    Recording(Format),
    Picture,
}

/// More than none: `2`, `0.5`; in millionths.
fn factor(text: &str) -> Result<Micros, String> {
    seconds(text).map_err(|_| "give a factor, more than 0, like 2 or 0.5".into())
}

pub(crate) fn run(arguments: &ExportArgs, printer: &Printer) -> Result<(), Failure> {
    if !arguments.file.is_file() && (arguments.file.exists() || arguments.file == Path::new("-")) {
        return Err(Failure::new("only a file can be exported: it is read more than once")
            .hint("write it to a file first"));
    }
    refuse_same(&arguments.file, &arguments.output)?;
    let stretch = arguments.stretch();
    let whole = Whole::survey(arguments, &stretch, printer)?;
    let redaction = whole.find_secrets(arguments)?;
    let find = |selector| whole.landmarks.find(selector).map_err(|error| whole.not_there(&error));
    let (from, to) = (find(&stretch.from)?, find(&stretch.to)?);
    if let Place::Time(time) = stretch.from
        && time > whole.landmarks.end
    {
        return Err(Failure::new(format!(
            "{}: it ends at {} s, before that",
            whole.name, whole.landmarks.end
        )));
    }
    if from > to {
        return Err(Failure::new(format!("the part would end at {to} s, before it begins at {from} s")));
    }
    let changed = match target(arguments, whole.version)? {
        Target::Picture => whole.draw(arguments, &redaction, to)?,
        Target::Recording(format) => {
            let speed = arguments.speed.map_or(Pace::default().speed, |factor| factor.0);
            let excerpt = Excerpt {
                from,
                to,
                of: whole.landmarks.end,
                pace: Pace { speed, idle_limit: arguments.idle_time_limit },
                redacted: !redaction.is_empty(),
                duration: None,
            };
            whole.write(arguments, &redaction, excerpt, format)?
        }
    };
    if !redaction.is_empty() {
        let plural = if changed == 1 { "" } else { "s" };
        printer.say(format!("{}: something was hidden in {changed} place{plural}", whole.name));
        for pattern in redaction.unmatched() {
            printer.warn(format!("{}: nothing matches `{pattern}`", whole.name));
        }
    }
    Ok(())
}

impl ExportArgs {
    fn stretch(&self) -> Stretch {
        let mut stretch = self.select.clone().unwrap_or_default();
        if let Some(from) = &self.from {
            stretch.from = from.clone();
        }
        if let Some(to) = self.to.as_ref().or(self.at.as_ref()) {
            stretch.to = to.clone();
        }
        stretch
    }
}

fn target(arguments: &ExportArgs, version: Version) -> Result<Target, Failure> {
    let is_svg = arguments.output.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("svg"));
    let format = match arguments.output_format {
        Some(ExportFormat::Svg) => None,
        None if is_svg => None,
        None => Some(match OutputFormat::of(None, &arguments.output) {
            // As it was, where nobody asks for another one.
            Format::Cast { segments, .. } if version == Version::V3 => Format::Cast { version, segments },
            format @ (Format::Cast { .. } | Format::Raw | Format::Text) => format,
        }),
        Some(ExportFormat::V2) => Some(OutputFormat::of(Some(OutputFormat::V2), &arguments.output)),
        Some(ExportFormat::V3) => Some(OutputFormat::of(Some(OutputFormat::V3), &arguments.output)),
        Some(ExportFormat::Raw) => Some(Format::Raw),
        Some(ExportFormat::Txt) => Some(Format::Text),
    };
    match format {
        None => Ok(Target::Picture),
        Some(_) if arguments.at.is_some() => {
            Err(Failure::new("--at is for pictures").hint("give -o NAME.svg, or --from and --to"))
        }
        Some(format) => Ok(Target::Recording(format)),
    }
}

/// The recording, after it was read once.
struct Whole {
    path: PathBuf,
    name: String,
    version: Version,
    has_duration: bool,
    landmarks: Landmarks,
}

impl Whole {
    fn survey(arguments: &ExportArgs, stretch: &Stretch, printer: &Printer) -> Result<Self, Failure> {
        let input = Input::open(&arguments.file)?;
        let mut whole = Self {
            path: arguments.file.clone(),
            name: input.name.clone(),
            version: Version::V2,
            has_duration: false,
            landmarks: Landmarks::new([&stretch.from, &stretch.to]),
        };
        let strictness = Strictness::from_flag(arguments.strict);
        input.read(UnpackerConfig::default(), strictness, printer, |item| {
            match item {
                Item::Header(header) => {
                    whole.version = header.version;
                    whole.has_duration = header.duration.is_some();
                }
                Item::Event(event) => whole.landmarks.note(&event),
                Item::Comment(_) | Item::Defect(_) => {}
            }
            Ok(())
        })?;
        Ok(whole)
    }

    fn not_there(&self, error: &impl std::fmt::Display) -> Failure {
        let failure = Failure::new(format!("{}: {error}", self.name));
        let markers: Vec<_> =
            self.landmarks.markers.iter().take(9).map(|(_, label)| one_line(label)).collect();
        if markers.is_empty() {
            return failure
                .hint(format!("it has no markers, and is {} long", people_time(self.landmarks.end)));
        }
        failure.hint(format!("its markers are {}", markers.join(", ")))
    }

    /// Reads it once more. What is wrong with it has been said.
    fn read(&self, mut take: impl FnMut(Part<'_>) -> Result<(), Failure>) -> Result<(), Failure> {
        let quiet = Printer::new(true);
        let input = Input::open(&self.path)?;
        input.read(UnpackerConfig::default(), Strictness::Collect, &quiet, |item| match item {
            Item::Header(header) => take(Part::Header(header)),
            Item::Event(event) => take(Part::Event(event)),
            Item::Comment(comment) => take(Part::Comment(Cow::Borrowed(comment))),
            Item::Defect(_) => Ok(()),
        })?;
        Ok(())
    }

    /// Looks for what is to be hidden until nothing more is found.
    fn find_secrets(&self, arguments: &ExportArgs) -> Result<Redaction, Failure> {
        if arguments.redact_text.iter().any(String::is_empty) {
            return Err(Failure::new("--redact-text is empty").hint("an unset variable?"));
        }
        let mut texts = arguments.redact_text.clone();
        for path in &arguments.redact_texts_from {
            let name = one_line(&path.display().to_string());
            let content = std::fs::read_to_string(path).about(format!("cannot read `{name}`"))?;
            let known = texts.len();
            // Editors of some systems put a mark there.
            let content = content.trim_start_matches('\u{feff}');
            texts.extend(content.lines().filter(|line| !line.is_empty()).map(Into::into));
            if texts.len() == known {
                return Err(Failure::new(format!("there is no text to hide in `{name}`"))
                    .hint("give one text a line, or leave the flag out"));
            }
        }
        let mut redaction = Redaction::new(&arguments.redact, &texts)?;
        if redaction.is_empty() {
            return Ok(redaction);
        }
        for _ in 0..MOST_ROUNDS {
            let mut round = redaction.round();
            self.read(|part| {
                match &part {
                    Part::Header(header) => round.header(header),
                    Part::Event(event) => round.event(event),
                    Part::Comment(_) => {}
                }
                Ok(())
            })?;
            let found = round.finish();
            if !redaction.learn(found) {
                return Ok(redaction);
            }
        }
        Err(Failure::new(format!("{}: what is hidden gives rise to more and more that matches", self.name))
            .hint("give patterns that do not match blocks, █"))
    }

    /// Reads it without what is to be hidden; returns in how many places that was.
    fn read_redacted(
        &self,
        arguments: &ExportArgs,
        redaction: &Redaction,
        mut take: impl FnMut(Part<'_>) -> Result<(), Failure>,
    ) -> Result<u64, Failure> {
        let mut redactor = redaction.redactor();
        self.read(|part| {
            let is_input =
                matches!(&part, Part::Event(event) if event.code == casemate_cast_format::Code::Input);
            match redactor.take(part).filter(|_| !(arguments.no_input && is_input)) {
                Some(part) => take(part),
                None => Ok(()),
            }
        })?;
        Ok(redactor.changed())
    }

    fn draw(&self, arguments: &ExportArgs, redaction: &Redaction, at: Micros) -> Result<u64, Failure> {
        let mut still = Still::new(at);
        let changed = self.read_redacted(arguments, redaction, |part| {
            still.take(&part);
            Ok(())
        })?;
        let title = format!("the screen at {at} s");
        let mut destination = Destination::create(&arguments.output, arguments.overwrite)?;
        destination.write(still.svg(&title).as_bytes())?;
        destination.finish()?;
        Ok(changed)
    }

    fn write(
        &self,
        arguments: &ExportArgs,
        redaction: &Redaction,
        mut excerpt: Excerpt,
        format: Format,
    ) -> Result<u64, Failure> {
        let cut = |excerpt: &Excerpt, sink: &mut dyn FnMut(Part<'_>) -> Result<(), Failure>| {
            let mut cutter = Cutter::new(excerpt.clone());
            let mut sink = |part: Part<'_>| sink(part);
            let changed = self.read_redacted(arguments, redaction, |part| cutter.take(part, &mut sink))?;
            cutter.finish(&mut sink)?;
            Ok::<_, Failure>(changed)
        };
        if self.has_duration {
            let mut end = Micros(0);
            cut(&excerpt, &mut |part| {
                if let Part::Event(event) = part {
                    end = event.time;
                }
                Ok(())
            })?;
            excerpt.duration = Some(end);
        }
        let mut output = Output::create(&arguments.output, format, arguments.overwrite)?;
        let changed = cut(&excerpt, &mut |part| match part {
            Part::Header(header) => output.header(&header),
            Part::Event(event) => output.event(&event),
            Part::Comment(comment) => output.comment(&comment),
        })?;
        output.finish()?;
        Ok(changed)
    }
}
