//! The sessions of a host: those that run, by the registry, and those that ran, by their recordings.
//!
//! Of a recording only the beginning and the end are read, and of its command log how many lines it has, so that many
//! are listed at once. *Not here*: who may ask ([`crate::watching`]), and proof that a recording is what it was.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use casemate_cast_format::segment::{SegmentReader, TextReader, seek_table};
use casemate_cast_format::{Code, Decoder, Exec, Header, Item, Micros, own};
use casemate_command_log::command_line;
use casemate_recorder::part_path;
use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::registry::{Registered, Registry, is_session_id};

/// A header is shorter, and the event that says what was run.
const HEAD: u64 = 16 << 10;

/// Command logs are looked through in pieces of this size.
const CHUNK: usize = 128 << 10;

/// Whether a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It does.
    Running,
    /// It has ended, and so has its recording.
    Finished,
    /// Its recording has no end: the recorder was killed, or the host stopped.
    Unfinished,
}

/// A session of this host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    /// Its id.
    pub session: String,
    /// Whether it runs.
    pub state: State,
    /// The person, if the recording says who.
    pub user: Option<String>,
    /// The account that logged in.
    pub account: String,
    /// The host, as recordings call it.
    pub target: Option<String>,
    /// The account on it.
    pub target_user: Option<String>,
    /// Since when, in RFC 3339, UTC.
    pub start: String,
    /// In seconds: so far, to its end, or to where its recording breaks off.
    pub duration: f64,
    /// When something was recorded last, in RFC 3339, UTC.
    pub last_activity: String,
    /// How many commands there were so far; null where there is no command log.
    pub commands: Option<u64>,
    /// What was run, if it was started to run one command.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The recorder, while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The recording; the first part, if it has several.
    pub recording: PathBuf,
    /// How many files that is.
    pub parts: usize,
}

/// Which sessions are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Those that began not before that, in microseconds since 1970.
    pub since_us: Option<u64>,
    /// Those that run.
    pub only_running: bool,
}

/// A recording in a folder: what its name says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    start_us: u64,
    session: String,
    account: String,
    /// In their order.
    parts: Vec<PathBuf>,
}

/// Gives the sessions whose recordings are in these folders, and those that run, in the order in which they began.
///
/// # Errors
///
/// The registry or a folder cannot be read, or whoever takes them takes no more.
pub fn list(
    registry: &Registry,
    folders: &[PathBuf],
    access: Access,
    wish: Wish,
    now_us: u64,
    take: &mut dyn FnMut(Session) -> io::Result<()>,
) -> io::Result<()> {
    let is_wanted = |start_us: u64| wish.since_us.is_none_or(|since| start_us >= since);
    let running = access.with(|| registry.running()).map_err(io::Error::other)?;
    let running = running.into_iter().filter(|session| is_wanted(session.start_us));
    if wish.only_running {
        return running.map(|session| living(&session, access, now_us)).try_for_each(take);
    }
    let mut running: HashMap<_, _> = running.map(|session| (session.session.clone(), session)).collect();
    for (day, folders) in days(folders, access, wish)? {
        let mut named: Vec<_> =
            folders.iter().flat_map(|folder| access.with(|| recordings(folder, day))).collect();
        named.sort();
        for named in named {
            let session = match running.remove(&named.session) {
                Some(session) => living(&session, access, now_us),
                None => past(&named, access),
            };
            if is_wanted(microseconds(&session.start).unwrap_or(named.start_us)) {
                take(session)?;
            }
        }
    }
    // Their recordings are elsewhere.
    let mut others: Vec<_> = running.into_values().collect();
    others.sort_by_key(|session| session.start_us);
    others.iter().map(|session| living(session, access, now_us)).try_for_each(take)
}

type Days = std::collections::BTreeMap<NaiveDate, Vec<PathBuf>>;

/// The folders of the days that matter.
fn days(folders: &[PathBuf], access: Access, wish: Wish) -> io::Result<Days> {
    let since = wish.since_us.and_then(moment).map(|since| since.date_naive());
    let mut days = Days::new();
    for folder in folders {
        let names = match access.with(|| entries(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            names => names.map_err(|error| {
                io::Error::new(error.kind(), format!("cannot read `{}`: {error}", folder.display()))
            })?,
        };
        for name in names {
            let day = NaiveDate::parse_from_str(&name, "%Y-%m-%d").ok().filter(|_| name.len() == 10);
            if let Some(day) = day.filter(|day| since.is_none_or(|since| *day >= since)) {
                days.entry(day).or_default().push(folder.join(name));
            }
        }
    }
    Ok(days)
}

/// The names in a folder; what is no text is none of ours.
fn entries(folder: &Path) -> io::Result<Vec<String>> {
    let entries = std::fs::read_dir(folder)?;
    Ok(entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect())
}

/// The recordings of a day, by account.
fn recordings(folder: &Path, day: NaiveDate) -> Vec<Named> {
    let mut found: HashMap<(String, String), Named> = HashMap::new();
    for account in entries(folder).unwrap_or_default() {
        let folder = folder.join(&account);
        for name in entries(&folder).unwrap_or_default() {
            let Some((time, session, _)) = parse(&name) else { continue };
            let start_us = u64::try_from(day.and_time(time).and_utc().timestamp_micros()).unwrap_or(0);
            let named = found.entry((account.clone(), session.to_owned())).or_insert_with(|| Named {
                start_us,
                session: session.to_owned(),
                account: account.clone(),
                parts: Vec::new(),
            });
            named.parts.push(folder.join(&name));
        }
    }
    let mut named: Vec<_> = found.into_values().collect();
    named.iter_mut().for_each(|named| named.parts.sort_by_key(|path| number(path)));
    named
}

fn number(path: &Path) -> u32 {
    path.file_name().and_then(|name| Some(parse(name.to_str()?)?.2)).unwrap_or(u32::MAX)
}

/// `HHMMSS-ID.cast.zst`, `HHMMSS-ID.2.cast.zst`: when it began, the id, the number of the part.
pub(crate) fn parse(name: &str) -> Option<(NaiveTime, &str, u32)> {
    let (time, rest) = name.strip_suffix(".cast.zst")?.split_once('-')?;
    let time = NaiveTime::parse_from_str(time, "%H%M%S").ok().filter(|_| time.len() == 6)?;
    let (session, part) = match rest.split_once('.') {
        Some((session, part)) => (session, part.parse().ok().filter(|part| *part > 1)?),
        None => (rest, 1),
    };
    is_session_id(session).then_some((time, session, part))
}

/// A session that runs.
fn living(session: &Registered, access: Access, now_us: u64) -> Session {
    let mut parts = vec![session.recording.clone()];
    parts.extend(
        (2..).map(|part| part_path(&session.recording, part)).take_while(|path| access.open(path).is_ok()),
    );
    let head = access.open(&session.recording).map(head).unwrap_or_default();
    let commands = access.open(&commands_of(&session.recording));
    let last = parts.last().and_then(|path| access.open(path).ok());
    let touched = [last.as_ref(), commands.as_ref().ok()].into_iter().flatten().filter_map(changed).max();
    Session {
        session: session.session.clone(),
        state: State::Running,
        user: Some(session.user.clone()),
        account: session.account.clone(),
        target: Some(session.target.clone()),
        target_user: Some(session.target_user.clone()),
        start: rfc3339(session.start_us),
        duration: seconds(now_us.saturating_sub(session.start_us)),
        last_activity: rfc3339(touched.unwrap_or(session.start_us).max(session.start_us)),
        commands: commands.ok().and_then(count),
        command: head.command,
        pid: Some(session.pid),
        recording: session.recording.clone(),
        parts: parts.len(),
    }
}

/// A session that ran.
fn past(named: &Named, access: Access) -> Session {
    let (first, last) = (&named.parts[0], &named.parts[named.parts.len() - 1]);
    let beginning = access.open(first).map(head).unwrap_or_default();
    let facts = beginning.header.as_ref().and_then(Header::facts);
    let start_us = facts.as_ref().map_or(named.start_us, |facts| facts.start_us);
    // Of several parts each counts from its own beginning.
    let last_start_us = match named.parts.len() {
        1 => start_us,
        _ => access
            .open(last)
            .map(head)
            .ok()
            .and_then(|head| Some(head.header?.facts()?.start_us))
            .unwrap_or(start_us),
    };
    let file = access.open(last);
    let written = file.as_ref().ok().and_then(changed);
    let end = file.ok().and_then(end);
    let end_us = match end {
        Some(end) => last_start_us.saturating_add(end.0),
        None => written.unwrap_or(start_us),
    };
    let known = |name: fn(casemate_cast_format::SessionFacts) -> String| facts.clone().map(name);
    Session {
        session: named.session.clone(),
        state: if end.is_some() { State::Finished } else { State::Unfinished },
        user: known(|facts| facts.user),
        account: named.account.clone(),
        target: known(|facts| facts.target),
        target_user: known(|facts| facts.target_user),
        start: rfc3339(start_us),
        duration: seconds(end_us.saturating_sub(start_us)),
        last_activity: rfc3339(end_us.max(start_us)),
        commands: access.open(&commands_of(first)).ok().and_then(count),
        command: beginning.command,
        pid: None,
        recording: first.clone(),
        parts: named.parts.len(),
    }
}

/// The command log of a recording.
fn commands_of(recording: &Path) -> PathBuf {
    let name = recording.file_name().unwrap_or_default().to_string_lossy();
    let stem = name.strip_suffix(".cast.zst").unwrap_or(&name);
    recording.with_file_name(format!("{stem}.commands.jsonl"))
}

/// What the beginning of a recording says.
#[derive(Debug, Default)]
struct Head {
    header: Option<Header>,
    command: Option<String>,
}

fn head(file: File) -> Head {
    let mut head = Head::default();
    let mut bytes = Vec::new();
    if file.take(HEAD).read_to_end(&mut bytes).is_err() {
        return head;
    }
    let Ok(mut reader) = TextReader::new() else { return head };
    reader.feed(&bytes);
    let mut decoder = Decoder::new();
    while let Ok(Some(text)) = reader.next_text() {
        decoder.feed(text);
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Header(header) => head.header = Some(*header),
                Item::Event(event) => {
                    // The first one says what is run, if that is one command.
                    if event.code == Code::Other(own::EXEC.into()) {
                        head.command = Exec::parse(&event.data.decode()).map(|exec| command_line(&exec.argv));
                    }
                    return head;
                }
                Item::Comment(_) | Item::Defect(_) => {}
            }
        }
    }
    head
}

/// When the last event of a finished recording happened; `None` if it has no end.
pub(crate) fn end(file: File) -> Option<Micros> {
    use std::os::unix::fs::FileExt as _;
    let mut footer = [0; seek_table::FOOTER_BYTES];
    let at = file.metadata().ok()?.len().checked_sub(footer.len() as u64)?;
    file.read_exact_at(&mut footer, at).ok()?;
    // Without a table, finding the last seal is a walk through all of the file.
    seek_table::length_from_footer(&footer).ok()?;
    let mut reader = SegmentReader::open(file).ok()?;
    let last = reader.segments().checked_sub(1)?;
    reader.head(last).ok()?.filter(|head| head.is_final).map(|head| head.end)
}

/// How many commands a command log has. While a session runs each has two lines.
fn count(mut file: File) -> Option<u64> {
    // Within a JSON string each quote has a backslash before it, so that this stands nowhere else.
    const FINISHED: &[u8] = br#""state":"finished""#;
    let finished = memchr::memmem::Finder::new(FINISHED);
    let (mut lines, mut ends) = (0_u64, 0_u64);
    let mut chunk = vec![0; CHUNK + FINISHED.len()];
    // What may be the beginning of a word that goes on in the next piece.
    let mut kept = 0;
    loop {
        let read = file.read(&mut chunk[kept..kept + CHUNK]).ok()?;
        if read == 0 {
            return Some(lines.saturating_sub(ends));
        }
        let filled = kept + read;
        lines += memchr::memchr_iter(b'\n', &chunk[kept..filled]).count() as u64;
        ends += finished.find_iter(&chunk[..filled]).count() as u64;
        kept = filled.min(FINISHED.len() - 1);
        chunk.copy_within(filled - kept..filled, 0);
    }
}

/// When a file was changed last, in microseconds since 1970.
fn changed(file: &File) -> Option<u64> {
    let since = file.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since.as_micros()).ok()
}

fn moment(microseconds: u64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp_micros(i64::try_from(microseconds).ok()?)
}

fn rfc3339(microseconds: u64) -> String {
    moment(microseconds).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn microseconds(rfc3339: &str) -> Option<u64> {
    let time = DateTime::parse_from_rfc3339(rfc3339).ok()?;
    u64::try_from(time.timestamp_micros()).ok()
}

fn seconds(microseconds: u64) -> f64 {
    TimeDelta::microseconds(i64::try_from(microseconds).unwrap_or(i64::MAX)).as_seconds_f64()
}

#[cfg(test)]
pub(crate) mod tests;
