//! A recording being written: its form, its file, and the files that follow when it is full.

use std::io;
use std::path::{Path, PathBuf};

use casemate_cast_format::segment::{Packer, PackerConfig, hex};
use casemate_cast_format::{Code, Event, Header, Micros, SessionFacts, Size, Version, own};
use ed25519_dalek::SigningKey;

use super::append::{self, AppendError};
use super::catch_up::CatchUp;
use super::file::{Existing, Target};
use crate::form::{Form, Format};
use crate::rights::Rights;
use crate::witness::{Told, Witness};

/// A buffer with more memory gives it back once it is written; what a burst is written from, piece by
/// piece, keeps it.
const KEPT_CAPACITY: usize = 512 << 10;

/// When a recording goes on in another file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rotation {
    /// At this many bytes.
    pub size: Option<u64>,
    /// After this long.
    pub duration: Option<Micros>,
}

/// All that is needed to begin a file of a recording.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) format: Format,
    pub(crate) header: Header,
    pub(crate) facts: SessionFacts,
    pub(crate) rotation: Rotation,
    pub(crate) signing_key: Option<SigningKey>,
    /// With what files are opened.
    pub(crate) rights: Option<Rights>,
}

/// A recording being written.
pub(crate) struct Sink {
    plan: Plan,
    target: Target,
    form: Form,
    /// What is not yet in the file.
    pending: Vec<u8>,
    /// Added to every time: where an appended session begins.
    offset: Micros,
    /// Taken from every time: where this part begins.
    part_start: Micros,
    /// All parts; the others are named after the first.
    files: Vec<PathBuf>,
    /// The seal that was written last.
    seal: [u8; 32],
    size: Size,
    /// Plays again what the screen for the keyframes has not seen.
    catch_up: Option<CatchUp>,
    /// Who reads along.
    told: Option<Told>,
}

/// How far the screen for the keyframes is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Screen {
    /// It shows what was recorded, or is not needed.
    Settled,
    /// There is more to play again.
    Behind,
    /// There is more to play again, once it is flushed.
    BehindFlush,
}

impl Sink {
    /// Begins a new recording in a file.
    pub(crate) fn create(plan: Plan, path: &Path, existing: Existing) -> io::Result<Self> {
        let target = new_target(&plan, path, existing)?;
        Self::begin(plan, target)
    }

    /// Begins a new recording in what is open already.
    pub(crate) fn begin(plan: Plan, target: Target) -> io::Result<Self> {
        let form = Form::new(plan.format, plan.header.size, packing(&plan, None))?;
        let mut sink = Self::new(plan, target, form);
        sink.write_header()?;
        Ok(sink)
    }

    /// Goes on with a recording that is there already, mended where it was torn.
    pub(crate) fn append(plan: Plan, path: &Path) -> Result<Self, AppendError> {
        let facts = plan.facts.to_value().to_string();
        let mut sink = Self::reopen(plan, path)?;
        let Some(now) = sink.form.now() else { return Ok(sink) };
        sink.offset = now;
        sink.event(&Event::own(Micros(0), own::SESSION, &facts))?;
        sink.event(&Event::new(Micros(0), Code::Resize, &sink.size.to_string()))?;
        sink.flush()?;
        Ok(sink)
    }

    /// Opens the end of a recording, and says in it what was cut off.
    fn reopen(plan: Plan, path: &Path) -> Result<Self, AppendError> {
        let file = Target::open(path)?;
        let Format::Cast { version, segments } = plan.format else {
            let length = file.metadata()?.len();
            let form = Form::new(plan.format, plan.header.size, PackerConfig::default())?;
            return Ok(Self::new(plan, Target::append(file, path, length)?, form));
        };
        let end = append::find_end(path, version, segments.then(|| packing(&plan, None)))?;
        let target = Target::append(file, path, end.length)?;
        let mut sink = Self::new(plan, target, Form::resume(end.encoder, end.packer));
        sink.pending = end.close;
        if let Some(gap) = end.gap {
            sink.event(&Event::own(Micros(0), own::GAP, &gap))?;
        }
        Ok(sink)
    }

    fn new(plan: Plan, target: Target, form: Form) -> Self {
        let files = target.path().map(Path::to_owned).into_iter().collect();
        Self {
            size: plan.header.size,
            catch_up: None,
            plan,
            target,
            form,
            pending: Vec::new(),
            offset: Micros(0),
            part_start: Micros(0),
            files,
            seal: [0; 32],
            told: None,
        }
    }

    /// With what files are opened.
    pub(crate) fn rights(&self) -> Option<Rights> {
        self.plan.rights
    }

    /// The size of the session's terminal.
    pub(crate) fn size(&self) -> Size {
        self.size
    }

    /// From now on somebody reads along. To be called before the session begins.
    pub(crate) fn tell(&mut self, witness: Box<dyn Witness>) {
        let mut told = Told::new(witness);
        let facts = &self.plan.facts;
        if self.offset == Micros(0) {
            told.begin(&self.plan.header, facts);
        } else {
            // Times go on from the session before; the wall clock that they count from is set back by as much.
            let start_us = facts.start_us.saturating_sub(self.offset.0);
            told.begin(&self.plan.header, &SessionFacts { start_us, ..facts.clone() });
        }
        self.told = Some(told);
    }

    /// Tells who reads along what was recorded before they did.
    pub(crate) fn tell_again(&mut self, event: &Event<'_>) {
        if let Some(told) = &mut self.told {
            told.event(event);
        }
    }

    /// Whether it goes into a file, rather than a pipe or device.
    pub(crate) fn is_file(&self) -> bool {
        self.target.is_regular()
    }

    /// Whether no thread may begin: there will be another process.
    pub(crate) fn be_alone(&mut self, is_alone: bool) {
        self.target.be_alone(is_alone);
    }

    /// The files written so far, as far as they have names.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    fn write_header(&mut self) -> io::Result<()> {
        self.plan.header.set_facts(&self.plan.facts);
        self.form.header(&self.plan.header, &mut self.pending)?;
        self.flush()
    }

    /// Records what the session put out.
    pub(crate) fn output(&mut self, time: Micros, bytes: &[u8]) -> io::Result<()> {
        self.rotate_if_full(time)?;
        let time = self.place(time);
        if let Some(told) = &mut self.told {
            told.output(time, bytes);
        }
        self.form.output(time, bytes, &mut self.pending)
    }

    /// Records what is still held back of the output.
    pub(crate) fn end_of_output(&mut self, time: Micros) -> io::Result<()> {
        let time = self.place(time);
        if let Some(told) = &mut self.told {
            told.end_of_output(time);
        }
        self.form.end_of_output(time, &mut self.pending)
    }

    /// Records an event; formats that know no events leave it out.
    pub(crate) fn event(&mut self, event: &Event<'_>) -> io::Result<()> {
        // What ends a recording stays with it.
        if event.code != Code::Exit && !matches!(&event.code, Code::Other(code) if code == own::END) {
            self.rotate_if_full(event.time)?;
        }
        self.size = event.size().unwrap_or(self.size);
        let event = Event { time: self.place(event.time), ..event.clone() };
        if let Some(told) = &mut self.told {
            match event.code {
                Code::Output => told.output(event.time, event.data.decode().as_bytes()),
                Code::Input | Code::Marker | Code::Resize | Code::Exit | Code::Other(_) => told.event(&event),
            }
        }
        self.form.event(&event, &mut self.pending)
    }

    /// A time of the session as a time in the file.
    fn place(&self, time: Micros) -> Micros {
        Micros(time.0.saturating_sub(self.part_start.0)).plus(self.offset)
    }

    /// Brings everything recorded so far into the file, so that a reader can see it.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.form.flush(&mut self.pending)?;
        self.write_pending()?;
        if let Some(keyframes) = self.form.keyframes() {
            keyframes.settle();
        }
        Ok(())
    }

    /// Whether the screen for the keyframes has to be [brought up to date](Self::catch_up).
    pub(crate) fn is_behind(&mut self) -> bool {
        self.form.keyframes().is_some_and(|keyframes| keyframes.is_behind().is_some())
    }

    /// Plays again, for a slice of time, what the screen for the keyframes has not seen.
    pub(crate) fn catch_up(&mut self) -> Screen {
        let is_flushed =
            self.pending.is_empty() && self.form.packer().is_none_or(|packer| !packer.has_unflushed());
        let Some(keyframes) = self.form.keyframes() else { return Screen::Settled };
        let Some(place) = keyframes.is_behind() else { return Screen::Settled };
        let stepped = match &mut self.catch_up {
            Some(catch_up) => Ok(catch_up),
            none => self
                .target
                .reopen()
                .and_then(|file| CatchUp::begin(file, place, version(self.plan.format)))
                .map(|catch_up| none.insert(catch_up)),
        }
        .and_then(|catch_up| catch_up.step(self.target.length(), keyframes));
        match stepped {
            Ok(false) => return Screen::Behind,
            Ok(true) if !is_flushed => return Screen::BehindFlush,
            Ok(true) => keyframes.caught_up(),
            Err(_) => keyframes.give_up(),
        }
        self.catch_up = None;
        Screen::Settled
    }

    /// Seals the open segment.
    pub(crate) fn seal(&mut self) -> io::Result<()> {
        self.form.seal(&mut self.pending)?;
        self.write_pending()
    }

    /// Brings what is encoded into the file; what the compressor still holds stays there.
    pub(crate) fn write_pending(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self.target.write(&self.pending);
        self.pending.clear();
        self.pending.shrink_to(KEPT_CAPACITY);
        written?;
        let seal = self.form.packer().map_or([0; 32], Packer::last_seal_hash);
        if std::mem::replace(&mut self.seal, seal) != seal {
            self.target.sync_soon();
        }
        Ok(())
    }

    /// Since when the open segment is open, on the session's clock.
    pub(crate) fn segment_start(&self) -> Option<Micros> {
        let start = self.form.packer()?.segment_start()?;
        Some(Micros(start.0.saturating_sub(self.offset.0)).plus(self.part_start))
    }

    /// How many bytes are encoded and not yet in the file.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Tells whoever reads along that nothing more can be written.
    pub(crate) fn tell_failure(&mut self, failure: &str) {
        if let Some(told) = &mut self.told {
            told.failed(failure);
        }
    }

    /// Ends the recording; it is on the disk when this returns. `written` is told when all of it is in the file.
    pub(crate) fn finish(mut self, written: impl FnOnce()) -> io::Result<()> {
        self.form.finish(&mut self.pending)?;
        self.target.write(&self.pending)?;
        written();
        self.target.finish()
    }

    /// Takes back a file in which nothing was recorded.
    pub(crate) fn discard(self) {
        if let Some(path) = self.target.path().filter(|_| self.target.is_regular()) {
            std::fs::remove_file(path).ok();
        }
    }

    /// After a failure: gives up what was not written, and tries to end the file that is there with
    /// a word about what is missing.
    pub(crate) fn salvage(self, gap: &str, last: &[Event<'static>]) -> Result<(), AppendError> {
        let Some(path) = self.target.path().filter(|_| self.target.is_regular()).map(Path::to_owned) else {
            return Ok(());
        };
        let plan = self.plan.clone();
        drop(self);
        let mut sink = Self::reopen(Plan { rotation: Rotation::default(), ..plan }, &path)?;
        sink.event(&Event::own(Micros(0), own::GAP, gap))?;
        for event in last {
            sink.event(event)?;
        }
        Ok(sink.finish(|| ())?)
    }

    fn rotate_if_full(&mut self, time: Micros) -> io::Result<()> {
        let Rotation { size, duration } = self.plan.rotation;
        let age = Micros(time.0.saturating_sub(self.part_start.0));
        let is_full = size.is_some_and(|limit| self.target.length() + self.pending.len() as u64 >= limit)
            || duration.is_some_and(|limit| age >= limit);
        if is_full && self.target.is_regular() && self.form.now().is_some() {
            self.rotate(time)
        } else {
            Ok(())
        }
    }

    /// Ends this part and begins the next.
    fn rotate(&mut self, time: Micros) -> io::Result<()> {
        let rotation = std::mem::take(&mut self.plan.rotation);
        let mut part = self.plan.facts.part + 1;
        let mut next = part_path(&self.files[0], part);
        while next.exists() {
            part += 1;
            next = part_path(&self.files[0], part);
        }
        let name = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
        let link = serde_json::json!({ "next": name(&next) }).to_string();
        self.event(&Event::own(time, own::PART, &link))?;
        self.event(&Event::own(time, own::END, "rotated"))?;

        // The next part's form is begun twice: once to take its place, once with the link that only
        // the end of this one gives.
        let new_form = |plan: &Plan, link| Form::new(plan.format, plan.header.size, packing(plan, link));
        let mut form = std::mem::replace(&mut self.form, new_form(&self.plan, None)?);
        let half_character = form.take_half_character();
        let link = form.finish(&mut self.pending)?;
        self.target.write(&self.pending)?;
        self.pending.clear();
        let target = std::mem::replace(&mut self.target, new_target(&self.plan, &next, Existing::Refuse)?);
        let facts = &mut self.plan.facts;
        facts.part = part;
        facts.previous = target.path().and_then(name);
        facts.previous_seal = link.as_ref().map(|hash| hex(hash));
        facts.start_us += time.0.saturating_sub(self.part_start.0);
        self.plan.header.timestamp = i64::try_from(facts.start_us / 1_000_000).ok();
        self.plan.header.size = self.size;
        target.finish()?;

        self.form = new_form(&self.plan, link)?;
        self.catch_up = None;
        self.form.give_half_character(half_character);
        self.part_start = time;
        self.offset = Micros(0);
        self.files.push(next);
        self.plan.rotation = rotation;
        if let Some(told) = &mut self.told {
            told.begin(&self.plan.header, &self.plan.facts);
        }
        self.write_header()
    }
}

/// What a recorder keeps with a group of its own, that group reads.
fn new_target(plan: &Plan, path: &Path, existing: Existing) -> io::Result<Target> {
    let target = Target::create(path, existing)?;
    if plan.rights.is_some() {
        target.let_group_read()?;
    }
    Ok(target)
}

fn packing(plan: &Plan, previous_seal: Option<[u8; 32]>) -> PackerConfig {
    PackerConfig {
        live: true,
        signing_key: plan.signing_key.clone(),
        previous_seal,
        ..PackerConfig::default()
    }
}

fn version(format: Format) -> Version {
    if let Format::Cast { version, .. } = format { version } else { Version::V2 }
}

/// The file of a part, named after the first: `NAME.cast.zst` → `NAME.2.cast.zst`.
pub fn part_path(first: &Path, part: u32) -> PathBuf {
    let name = first.file_name().unwrap_or_default().to_string_lossy();
    let stem_end = [".cast.zst", ".cast"].iter().find_map(|end| name.strip_suffix(end)).map(str::len);
    let stem_end = stem_end.or_else(|| name.rfind('.').filter(|&dot| dot > 0)).unwrap_or(name.len());
    first.with_file_name(format!("{}.{part}{}", &name[..stem_end], &name[stem_end..]))
}

#[cfg(test)]
mod tests {
    use super::part_path;
    use std::path::Path;

    #[test]
    fn parts_are_named_after_the_first() {
        for (first, second) in [
            ("a/x.cast.zst", "a/x.2.cast.zst"),
            ("x.cast", "x.2.cast"),
            ("x.y.zst", "x.y.2.zst"),
            ("x", "x.2"),
            (".hidden", ".hidden.2"),
        ] {
            assert_eq!(part_path(Path::new(first), 2), Path::new(second));
        }
    }
}
