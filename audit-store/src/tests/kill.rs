//! What is left of a server that is killed: this program, started again as one that writes until somebody kills it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use casemate_audit_log::Time;
use futures_util::TryStreamExt as _;
use uuid::Uuid;

use super::recordings::files;
use super::{some, verified, with_both};
use crate::recordings::Sizes;
use crate::{Batch, Chunk, Cursor, Database, Form, Journal, NewRecording, Recordings};

/// Tells the program that it is the one that writes, and where.
const WRITE: &str = "CASEMATE_TEST_WRITE_UNTIL_KILLED";

const TASKS: u64 = 8;

/// Bytes of each chunk; each comes with one event.
const CHUNK: u64 = 1500;

/// So small that objects come all the time.
const SIZES: Sizes = Sizes { piece: 1000, many: 10_000, longest: 1 << 30 };

fn recording(task: u64) -> Uuid {
    Uuid::from_u128(u128::from(task) + 1)
}

fn content(task: u64, range: std::ops::Range<u64>) -> Vec<u8> {
    range.map(|at| (at * 31 + task * 7).to_le_bytes()[0]).collect()
}

/// Of the event of a chunk.
fn number(task: u64, offset: u64) -> i64 {
    i64::try_from(task * 1_000_000 + offset / CHUNK).unwrap()
}

async fn open(url: &str, folder: &Path) -> (Database, Recordings) {
    let database = Database::open(url).await.unwrap();
    let recordings = Recordings::in_folder(&database, folder).unwrap().with_sizes(SIZES);
    (database, recordings)
}

/// Says on standard output of each task how far it is, once that is durable.
async fn write(url: &str, folder: &Path) {
    let (database, recordings) = open(url, folder).await;
    let journal = Journal::open(&database, Uuid::from_u128(99), Time(0)).await.unwrap();
    let mut writing = Vec::new();
    for task in 0..TASKS {
        let (journal, recordings) = (journal.clone(), recordings.clone());
        writing.push(tokio::spawn(async move {
            let id = recording(task);
            let new = NewRecording {
                id,
                form: Form::Cast,
                subject_id: "alice".into(),
                created: Time(1),
                input_recorded: false,
            };
            let mut offset = recordings.create(&new).await.unwrap().size;
            loop {
                let bytes = Bytes::from(content(task, offset..offset + CHUNK));
                let events = some(number(task, offset)..number(task, offset) + 1);
                let chunks = vec![Chunk { recording: id, offset, bytes }];
                journal.write(Batch { events, chunks, ..Batch::default() }).await.unwrap();
                offset += CHUNK;
                println!("durable {task} {offset}");
            }
        }));
    }
    loop {
        assert!(recordings.tend().await.unwrap().failed.is_empty());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Not a test, but the program that is killed.
#[test]
fn writes_until_killed() {
    let Ok(place) = std::env::var(WRITE) else { return };
    let (url, folder) = place.split_once('\n').unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(write(url, Path::new(folder)));
}

/// Lets it write until so many writes are durable; gives how far each task is.
fn kill(url: &str, folder: &Path, after: usize) -> BTreeMap<u64, u64> {
    let mut program = Command::new(std::env::current_exe().unwrap());
    program.args(["--exact", "tests::kill::writes_until_killed", "--nocapture", "--test-threads=1"]);
    program.env(WRITE, format!("{url}\n{}", folder.display()));
    let mut child = program.stdout(Stdio::piped()).spawn().unwrap();
    let mut durable = BTreeMap::new();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut seen = 0;
    for line in lines {
        let line = line.unwrap();
        // What it had said when it was killed is read to the end, but for a line that is torn.
        let Some((_, said)) = line.split_once("durable ") else { continue };
        let Some((task, offset)) = said.split_once(' ') else { continue };
        let (Ok(task), Ok(offset)) = (task.parse::<u64>(), offset.parse::<u64>()) else { continue };
        if offset % CHUNK == 0 {
            let known = durable.entry(task).or_insert(0);
            *known = offset.max(*known);
            seen += 1;
        }
        if seen == after {
            child.kill().unwrap();
        }
    }
    assert!(!child.wait().unwrap().success(), "it was killed");
    assert!(seen >= after, "it has written");
    durable
}

#[test]
fn what_was_acknowledged_is_there_once_after_a_kill() {
    with_both(|runtime, url| {
        let folder = tempfile::tempdir().unwrap();
        let rounds = if std::env::var_os("CASEMATE_SLOW_TESTS").is_some() { 40 } else { 5 };
        let mut moved = 0;
        for round in 0..rounds {
            let durable = kill(url, folder.path(), 20 + round * 37 % 200);
            runtime.block_on(async {
                let (database, recordings) = open(url, folder.path()).await;
                let mut events = BTreeMap::new();
                let mut cursor = Cursor::new();
                loop {
                    let rows = database.after(&cursor, 1000).await.unwrap();
                    if rows.is_empty() {
                        break;
                    }
                    for row in rows {
                        cursor.insert(row.head.writer, row.head.seq);
                        *events.entry(row.content.unwrap()["id"].to_string()).or_insert(0) += 1;
                    }
                }
                assert_eq!(cursor.len(), 1, "there is one chain");
                let mut chunks = 0;
                for task in 0..TASKS {
                    let size = recordings.uploaded(recording(task)).await.unwrap();
                    assert!(size >= durable.get(&task).copied().unwrap_or(0), "nothing is lost");
                    assert_eq!(size % CHUNK, 0, "whole chunks");
                    let pieces: Vec<Bytes> =
                        recordings.read(recording(task), 0..size).await.unwrap().try_collect().await.unwrap();
                    assert!(pieces.concat() == content(task, 0..size), "task {task}");
                    for offset in (0..size).step_by(1500) {
                        let id = format!("\"command-{}\"", number(task, offset));
                        assert_eq!(events.get(&id), Some(&1), "{id}");
                        chunks += 1;
                    }
                }
                assert_eq!(events.len(), chunks, "bytes and events, or neither");
                assert_eq!(verified(&database).await.1, []);
                // Nobody writes: all that no row lists is garbage.
                recordings.sweep(Time(Time::now().0 + 1_000_000)).await.unwrap();
                let tended = recordings.tend().await.unwrap();
                assert!(tended.failed.is_empty(), "{tended:?}");
                moved += tended.moved;
            });
        }
        println!("{moved} recordings had something to be tended");
        runtime.block_on(async {
            let (_, recordings) = open(url, folder.path()).await;
            for task in 0..TASKS {
                recordings.complete(recording(task), Time(2)).await.unwrap();
            }
            let tended = recordings.tend().await.unwrap();
            assert_eq!((tended.sealed, tended.failed.len()), (8, 0), "{tended:?}");
            for task in 0..TASKS {
                let size = recordings.uploaded(recording(task)).await.unwrap();
                let pieces: Vec<Bytes> =
                    recordings.read(recording(task), 0..size).await.unwrap().try_collect().await.unwrap();
                assert!(pieces.concat() == content(task, 0..size), "task {task}");
            }
            let left = files(folder.path());
            assert_eq!(left.len() as u64, TASKS, "one object of each: {left:?}");
        });
    });
}
