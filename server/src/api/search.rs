//! Search in what was to be seen in recordings.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::time::{Duration, Instant};

use axum::Json;
use axum::http::Uri;
use axum::response::{IntoResponse as _, Response};
use casemate_audit_log::filter::Filter;
use casemate_audit_log::{Time, folded};
use casemate_audit_store::connections::{Connection, Listed};
use casemate_audit_store::{Block, Seek, StoreError};
use casemate_store::lines::Unpacker;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::asked;
use super::question::{FilterParameters, behind, count, pairs, place};
use crate::app::App;
use crate::error::{ApiError, ErrorBody};
use crate::output::command_at;
use crate::who::{Action, Caller, Gate};

/// Lines in an answer, where nobody says how many.
const LINES: usize = 100;

/// Lines in an answer at most.
const MOST: usize = 1000;

/// Text in an answer at most, in bytes: a line may be long.
const TEXT: usize = 1 << 20;

/// Characters of what is looked for.
const LONGEST: usize = 500;

/// Blocks that are looked at in one go.
const BLOCKS: usize = 200;

/// How long it is looked in one call: where there is more, the next page goes on.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line that was to be seen in a session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutputLine {
    /// Of which session: the id of its connection, and of its recording.
    pub(crate) connection_id: String,
    /// When it was first seen.
    pub(crate) timestamp: Time,
    /// When, from the beginning of the recording, in seconds.
    pub(crate) offset: f64,
    /// The line, as it stood on the screen.
    pub(crate) line: String,
    /// The command that ran when it was seen, or that was typed in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command_id: Option<String>,
    /// Its text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) command: Option<String>,
    /// Whose session it is.
    pub(crate) subject_id: String,
    /// Its name.
    pub(crate) subject_name: String,
    /// What the connection leads to.
    pub(crate) target_id: String,
    /// Its name.
    pub(crate) target_name: String,
    /// The account on the target.
    pub(crate) target_user: String,
}

/// Lines that were to be seen in sessions, and have a text in them, the latest first
///
/// Lines are looked for in blocks of some KiB of one session each, those with the latest lines first. Each page is in the
/// order of time; where sessions went on at the same time the next page may have lines that are later than the last of this
/// one. A page may be short, or have nothing in it, and still have a `Link` to where the search goes on. What is on the
/// screen of a session that goes on is found once it has left it.
#[utoipa::path(get, path = "/session-recordings/search", tag = "recordings",
    params(("text" = String, Query, description = "Stands in a line, whatever its capitals. Three letters or more are found soonest."),
        FilterParameters,
        ("count" = Option<u32>, Query, description = "So many lines: 100 where it is not said, 1000 at most."),
        ("before" = Option<String>, Query, description = "Where to go on: as in the `Link` of the page before.")),
    responses((status = 200, body = [OutputLine]), (status = "4XX", body = ErrorBody)))]
pub async fn search(gate: Gate, uri: Uri) -> Result<Response, ApiError> {
    let caller = gate.pass(Action::SearchRecordings, "all", asked(&uri)?).await?;
    let (lines, rest) = lines(&gate.app, &caller, pairs(&uri)?).await?;
    let mut response = Json(lines).into_response();
    if let Some(rest) = rest {
        super::next_page(&mut response, &uri, &rest.next)?;
    }
    Ok(response)
}

/// Where a search goes on, if there may be more.
#[derive(Debug, PartialEq)]
pub(crate) struct Rest<P = String> {
    /// There.
    pub(crate) next: P,
    /// Because it took too long to look through all, not because the page is full.
    pub(crate) is_late: bool,
}

/// What parameters ask for, as far as somebody may know, and where it goes on if there may be more.
///
/// # Errors
/// A parameter is unknown, or has no such value; or it took too long.
pub(crate) async fn lines(
    app: &App,
    caller: &Caller,
    parameters: Vec<(String, String)>,
) -> Result<(Vec<OutputLine>, Option<Rest>), ApiError> {
    let question = Question::of(parameters)?;
    let Some(filter) = caller.narrow(question.filter.clone()) else { return Ok((Vec::new(), None)) };
    let (hits, rest) = find(app, &Question { filter, ..question }).await?;
    let rest = rest.map(|Rest { next: (time, which), is_late }| Rest { next: behind(time, which), is_late });
    Ok((described(app, hits).await?, rest))
}

/// What is asked.
#[derive(Debug)]
struct Question {
    text: String,
    filter: Filter,
    limit: usize,
    before: Option<(Time, Which)>,
}

/// Which line: those of a block that came before this one are still to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Which {
    block: i64,
    line: usize,
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.block, self.line)
    }
}

impl FromStr for Which {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (block, line) = text.split_once('-').ok_or(())?;
        Ok(Self { block: block.parse().map_err(drop)?, line: line.parse().map_err(drop)? })
    }
}

impl Question {
    fn of(parameters: Vec<(String, String)>) -> Result<Self, ApiError> {
        let mut question =
            Self { text: String::new(), filter: Filter::default(), limit: LINES, before: None };
        for (name, value) in parameters {
            if value.contains('\0') {
                return Err(ApiError::field(&name, "it has a character that nothing has"));
            }
            match name.as_str() {
                "text" if value.chars().count() > LONGEST => {
                    return Err(ApiError::field(&name, format!("it has more than {LONGEST} characters")));
                }
                "text" => question.text = value,
                "count" => question.limit = count(&name, &value, MOST)?,
                "before" => question.before = Some(place(&name, &value)?),
                _ if question.filter.take(&name, &value)? && !is_of_events(&question.filter) => {}
                _ => return Err(ApiError::field(&name, "there is no such parameter here")),
            }
        }
        if question.text.is_empty() {
            return Err(ApiError::field("text", "say what to look for"));
        }
        Ok(question)
    }
}

/// Whether something is asked that only events have.
fn is_of_events(filter: &Filter) -> bool {
    let Filter { actions, node_ids, evaluation, search, .. } = filter;
    !actions.is_empty() || !node_ids.is_empty() || evaluation.is_some() || search.is_some()
}

/// A line that was found.
#[derive(Clone, Debug, PartialEq)]
struct Hit {
    connection: Uuid,
    time: Time,
    offset: f64,
    line: String,
}

/// A page, and where it goes on if there may be more.
type Page = (Vec<Hit>, Option<Rest<(Time, Which)>>);

/// The lines that are asked for.
async fn find(app: &App, question: &Question) -> Result<Page, ApiError> {
    let begin = Instant::now();
    let mut looking = Looking::begin(question)?;
    loop {
        let left = PATIENCE.saturating_sub(begin.elapsed());
        if left.is_zero() {
            return Ok(looking.end(Ended::Late));
        }
        let seek = Seek {
            text: question.text.clone(),
            filter: question.filter.clone(),
            from: looking.before.map(|(last, which)| (last, which.block)),
            limit: BLOCKS,
            within: left,
        };
        let blocks = match app.database.output(seek).await {
            Ok(blocks) => blocks,
            // What was found until then is given.
            Err(StoreError::TooLong { .. }) if looking.before != question.before => {
                return Ok(looking.end(Ended::Late));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(ended) = tokio::task::block_in_place(|| looking.through(&blocks, BLOCKS))? {
            return Ok(looking.end(ended));
        }
    }
}

/// A page that is being filled, block by block.
struct Looking<'q> {
    question: &'q Question,
    lower: String,
    unpacker: Unpacker,
    hits: Vec<Hit>,
    /// Bytes of their lines.
    text: usize,
    /// Where the next page goes on.
    before: Option<(Time, Which)>,
}

/// Why a page has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// All was looked through.
    All,
    Full,
    Late,
}

impl<'q> Looking<'q> {
    fn begin(question: &'q Question) -> Result<Self, ApiError> {
        let unpacker = Unpacker::new().map_err(|_| no_memory())?;
        let (lower, before) = (folded(&question.text), question.before);
        Ok(Self { question, lower, unpacker, hits: Vec::new(), text: 0, before })
    }

    /// Looks through the next blocks, of which there may be so many, and says whether that was the end.
    fn through(&mut self, blocks: &[Block], most: usize) -> Result<Option<Ended>, ApiError> {
        let has_all = blocks.len() < most;
        for (place, block) in blocks.iter().enumerate() {
            let (last, id) = block.place;
            let before = self.before.filter(|(_, which)| which.block == id).map(|(_, which)| which.line);
            let lines = look(&mut self.unpacker, block, &self.lower, self.question, before);
            let mut lines = lines.ok_or_else(|| damaged(id))?.into_iter().peekable();
            while let Some((number, hit)) = lines.next() {
                self.text += hit.line.len();
                self.hits.push(hit);
                self.before = Some((last, Which { block: id, line: number }));
                if self.hits.len() >= self.question.limit || self.text >= TEXT {
                    let is_last = has_all && place + 1 == blocks.len() && lines.peek().is_none();
                    return Ok(Some(if is_last { Ended::All } else { Ended::Full }));
                }
            }
            self.before = Some((last, Which { block: id, line: 0 }));
        }
        Ok(has_all.then_some(Ended::All))
    }

    /// The page, the latest line first.
    fn end(mut self, ended: Ended) -> Page {
        self.hits.sort_by_key(|hit| Reverse(hit.time));
        let next = self.before.filter(|_| ended != Ended::All);
        (self.hits, next.map(|next| Rest { next, is_late: ended == Ended::Late }))
    }
}

/// The lines of a block that are asked for, the last one first, each with its number; of them those before one.
fn look(
    unpacker: &mut Unpacker,
    block: &Block,
    lower: &str,
    question: &Question,
    before: Option<usize>,
) -> Option<Vec<(usize, Hit)>> {
    let unpacked = unpacker.unpack(&block.packed)?;
    if !folded(unpacked.text).contains(lower) {
        return Some(Vec::new());
    }
    let mut lines: Vec<_> = unpacked.lines().collect();
    lines.sort_by_key(|(offset, _)| *offset);
    lines.truncate(before.unwrap_or(usize::MAX));
    let mut found = Vec::new();
    for (number, (offset, line)) in lines.into_iter().enumerate() {
        let time = Time(block.start.0.saturating_add_unsigned(offset.0));
        let is_then = question.filter.start.is_none_or(|start| start <= time)
            && question.filter.end.is_none_or(|end| time <= end);
        if is_then && folded(line).contains(lower) {
            let (connection, line) = (block.connection, line.to_owned());
            let offset = Duration::from_micros(offset.0).as_secs_f64();
            found.push((number, Hit { connection, time, offset, line }));
        }
    }
    found.reverse();
    Some(found)
}

/// Lines, with whose they are and which commands they belong to.
async fn described(app: &App, hits: Vec<Hit>) -> Result<Vec<OutputLine>, ApiError> {
    let mut by_connection: BTreeMap<Uuid, Vec<usize>> = BTreeMap::new();
    for (index, hit) in hits.iter().enumerate() {
        by_connection.entry(hit.connection).or_default().push(index);
    }
    let connections = connections(app, by_connection.keys().copied()).await?;
    let mut commands: HashMap<usize, (String, String)> = HashMap::new();
    for (connection, indices) in by_connection {
        let times: Vec<Time> = indices.iter().map(|index| hits[*index].time).collect();
        let around = match app.database.commands_at(connection, &times).await {
            Ok(around) => around,
            // The lines were asked for; their commands come with them where they can.
            Err(StoreError::TooLong { .. }) => break,
            Err(error) => return Err(error.into()),
        };
        for (index, around) in indices.into_iter().zip(around) {
            let hit = &hits[index];
            let command = command_at(&around, &hit.line, hit.time);
            commands.extend(command.map(|command| (index, (command.id.clone(), command.command.clone()))));
        }
    }
    let lines = hits.into_iter().enumerate().filter_map(|(index, hit)| {
        let connection = connections.get(&hit.connection)?;
        let (command_id, command) = commands.remove(&index).unzip();
        Some(OutputLine {
            connection_id: hit.connection.to_string(),
            timestamp: hit.time,
            offset: hit.offset,
            line: hit.line,
            command_id,
            command,
            subject_id: connection.subject_id.clone(),
            subject_name: connection.subject_name.clone(),
            target_id: connection.target_id.clone(),
            target_name: connection.target_name.clone(),
            target_user: connection.target_user.clone(),
        })
    });
    Ok(lines.collect())
}

async fn connections(
    app: &App,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Connection>, ApiError> {
    let ids: BTreeSet<String> = ids.map(|id| id.to_string()).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let limit = ids.len();
    let filter = Filter { connection_ids: ids, ..Filter::default() };
    let found = app.connections.list(&Listed { filter, limit, ..Listed::default() }).await?;
    Ok(found.into_iter().map(|connection| (connection.id, connection)).collect())
}

fn no_memory() -> ApiError {
    ApiError::new(axum::http::StatusCode::SERVICE_UNAVAILABLE, "Unavailable", "the server has no memory left")
}

fn damaged(block: i64) -> ApiError {
    crate::say(format_args!("block {block} of what recordings showed cannot be unpacked"));
    ApiError::new(
        axum::http::StatusCode::SERVICE_UNAVAILABLE,
        "Unavailable",
        "what is kept for the search is damaged",
    )
}

#[cfg(test)]
mod tests {
    use casemate_store::lines::LinePacker;
    use proptest::prelude::*;

    use super::*;

    fn parse(query: &str) -> Result<Question, String> {
        let uri = format!("/x?{query}").parse().unwrap();
        Question::of(pairs(&uri).unwrap()).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn a_question_is_what_it_says() {
        let question = parse("text=no%20such&userNames=alice&count=7&before=12.34-5").unwrap();
        assert_eq!((question.text.as_str(), question.limit), ("no such", 7));
        assert_eq!(question.before, Some((Time(12), Which { block: 34, line: 5 })));
        assert_eq!(question.before.map(|(time, which)| behind(time, which)).as_deref(), Some("12.34-5"));
        assert!(question.filter.subject_names.contains("alice"));
    }

    #[test]
    fn what_is_no_question_is_refused() {
        for (query, wrong) in [
            ("", "`text`: say what to look for"),
            ("text=", "`text`: say what to look for"),
            ("text=a%00b", "`text`: it has a character that nothing has"),
            (&format!("text={}", "x".repeat(501)), "`text`: it has more than 500"),
            ("text=a&search=b", "`search`: there is no such parameter here"),
            ("text=a&commandKinds=shell", "`commandKinds`: there is no such parameter here"),
            ("text=a&evaluation=true", "`evaluation`: there is no such parameter here"),
            ("text=a&before=1.2", "`before`: it is not what `Link` gave"),
            ("text=a&count=1001", "`count`: it has to be a number from 1 to 1000"),
        ] {
            let message = parse(query).err().unwrap_or_default();
            assert!(message.contains(wrong), "{query}: {message}");
        }
    }

    /// A block: of which session, when it begins, and its lines, each with how long after that it was seen.
    type Made = (u128, i64, Vec<(u64, String)>);

    /// As the database gives them.
    fn blocks() -> impl Strategy<Value = Vec<Block>> {
        let line = (0..40_u64, "[ab]{0,3}");
        let block = (0..3_u128, 0..60_i64, prop::collection::vec(line, 1..12));
        prop::collection::vec(block, 0..8).prop_map(|blocks| {
            let pack = |(id, (connection, start, lines)): (i64, Made)| {
                let mut packer = LinePacker::default();
                for (seen, text) in &lines {
                    assert!(packer.line(Duration::from_micros(*seen), text).is_none(), "they are few");
                }
                let (packed, last) = (packer.take().unwrap(), Time(start));
                let last = Time(last.0.saturating_add_unsigned(packed.last.0));
                Block {
                    place: (last, id),
                    connection: Uuid::from_u128(connection),
                    start: Time(start),
                    packed: packed.packed,
                }
            };
            let mut blocks: Vec<_> = (1..).zip(blocks).map(pack).collect();
            blocks.sort_by_key(|block| Reverse(block.place));
            blocks
        })
    }

    proptest! {
        #[test]
        fn pages_lose_and_repeat_no_line_and_each_is_in_order(blocks in blocks(), limit in 1..9_usize, at_once in 2..5_usize) {
            let ask = |limit, before| Question { text: "A".into(), filter: Filter::default(), limit, before };
            let at = |hit: &Hit| (hit.time, hit.connection, hit.line.clone());
            let (question, mut expected) = (ask(usize::MAX, None), Vec::new());
            let mut unpacker = Unpacker::new().unwrap();
            for block in &blocks {
                let lines = look(&mut unpacker, block, "a", &question, None).unwrap();
                expected.extend(lines.iter().map(|(_, hit)| at(hit)));
            }
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                let question = ask(limit, before);
                let mut looking = Looking::begin(&question).unwrap();
                let ended = loop {
                    let from = looking.before.map(|(last, which)| (last, which.block));
                    let next = blocks.iter().filter(|block| from.is_none_or(|from| block.place <= from));
                    let next: Vec<_> = next.take(at_once).cloned().collect();
                    if let Some(ended) = looking.through(&next, at_once).unwrap() {
                        break ended;
                    }
                };
                let (page, rest) = looking.end(ended);
                prop_assert!(page.len() <= limit);
                prop_assert!(rest.as_ref().is_none_or(|rest| !rest.is_late && page.len() == limit));
                prop_assert!(page.is_sorted_by_key(|hit| Reverse(hit.time)), "{page:?}");
                found.extend(page.iter().map(at));
                let Some(rest) = rest else { break };
                before = Some(rest.next);
            }
            found.sort();
            expected.sort();
            prop_assert_eq!(found, expected);
        }
    }
}
