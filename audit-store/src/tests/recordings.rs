//! What holds for recordings, wherever their bytes lie.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use casemate_audit_log::Time;
use casemate_audit_log::chain::Hash;
use futures_util::TryStreamExt as _;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use sea_query::{Expr, Query};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{in_both, with_both};
use crate::names::Events;
use crate::recordings::Sizes;
use crate::{
    Batch, Chunk, Database, Form, Journal, KeptScene, Mark, NewBlock, NewRecording, Recording,
    RecordingFilter, Recordings, StoreError,
};

/// So small that a few bytes are enough for all that happens.
const SMALL: Sizes = Sizes { piece: 7, many: 10, longest: 50 };

fn new(subject: &str, created: i64) -> NewRecording {
    NewRecording {
        id: Uuid::now_v7(),
        form: Form::CastZst,
        subject_id: subject.into(),
        created: Time(created),
        input_recorded: true,
    }
}

pub(super) fn mark(reason: &str) -> Mark {
    Mark { time: Time(99), by: "root@org.com".into(), reason: reason.into() }
}

async fn read(recordings: &Recordings, id: Uuid, range: Range<u64>) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    let mut stream = recordings.read(id, range).await?;
    while let Some(piece) = stream.try_next().await? {
        assert!(!piece.is_empty());
        bytes.extend(piece);
    }
    Ok(bytes)
}

async fn write(journal: &Journal, recording: Uuid, offset: u64, bytes: &[u8]) -> Result<(), StoreError> {
    let chunk = Chunk { recording, offset, bytes: Bytes::copy_from_slice(bytes) };
    journal.write(Batch { chunks: vec![chunk], ..Batch::default() }).await.map(drop)
}

pub(super) fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files
}

async fn tend(recordings: &Recordings) -> (usize, usize) {
    let tended = recordings.tend().await.unwrap();
    assert!(tended.failed.is_empty(), "{tended:?}");
    (tended.moved, tended.sealed)
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<usize>),
    Tend,
    Complete,
    Read(f64, f64),
    /// Begins to read, and goes on at the end.
    Follow(f64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop::collection::vec(1..30_usize, 1..6).prop_map(Step::Write),
        3 => Just(Step::Tend),
        1 => Just(Step::Complete),
        3 => (0.0..1.2, 0.0..1.2).prop_map(|(from, to)| Step::Read(from, to)),
        2 => (0.0..1.0).prop_map(Step::Follow),
    ];
    prop::collection::vec(step, 1..25)
}

fn part(of: usize, part: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is small, and not below zero"
    )]
    let at = (of as f64 * part) as u64;
    at
}

fn slice(bytes: &[u8], range: Range<u64>) -> &[u8] {
    let [from, to] = [range.start, range.end].map(|at| usize::try_from(at).unwrap().min(bytes.len()));
    &bytes[from..to.max(from)]
}

async fn walk(recordings: &Recordings, journal: &Journal, steps: Vec<Step>) {
    let id = recordings.create(&new("alice", 1)).await.unwrap().id;
    let (mut all, mut is_complete, mut following) = (Vec::new(), false, Vec::new());
    for step in steps {
        match step {
            Step::Write(lengths) => {
                let mut chunks = Vec::new();
                let before = all.len();
                for length in lengths {
                    let bytes: Vec<u8> = (all.len()..all.len() + length)
                        .map(|at| u8::try_from(at * 7 % 251).unwrap())
                        .collect();
                    chunks.push(Chunk {
                        recording: id,
                        offset: all.len() as u64,
                        bytes: Bytes::from(bytes.clone()),
                    });
                    all.extend(bytes);
                }
                let done = journal.write(Batch { chunks, ..Batch::default() }).await;
                if is_complete {
                    assert!(matches!(done, Err(StoreError::Complete { .. })), "{done:?}");
                    all.truncate(before);
                } else {
                    done.unwrap();
                }
            }
            Step::Tend => drop(tend(recordings).await),
            Step::Complete => {
                is_complete = true;
                recordings.complete(id, Time(5)).await.unwrap();
            }
            Step::Read(from, to) => {
                let range = part(all.len(), from)..part(all.len(), to);
                assert_eq!(read(recordings, id, range.clone()).await.unwrap(), slice(&all, range));
            }
            Step::Follow(from) => {
                let range = part(all.len(), from)..all.len() as u64;
                let mut stream = recordings.read(id, range.clone()).await.unwrap();
                let first = stream.try_next().await.unwrap().unwrap_or_default();
                following.push((range, first, stream));
            }
        }
        assert_eq!(recordings.uploaded(id).await.unwrap(), all.len() as u64);
    }
    for (range, first, stream) in following {
        let rest: Vec<Bytes> = stream.try_collect().await.unwrap();
        assert_eq!([vec![first], rest].concat().concat(), slice(&all, range));
    }
    recordings.complete(id, Time(6)).await.unwrap();
    tend(recordings).await;
    let end = recordings.find(id).await.unwrap();
    assert_eq!(end.sha256, Some(Hash(Sha256::digest(&all).into())));
    assert_eq!(read(recordings, id, 0..u64::MAX).await.unwrap(), all);
    recordings.delete(id, &mark("it is over")).await.unwrap();
}

#[test]
fn whatever_happens_to_a_recording_its_bytes_stay_where_they_are() {
    with_both(|runtime, url| {
        let folder = tempfile::tempdir().unwrap();
        let (recordings, journal) = runtime.block_on(async {
            let database = Database::open(url).await.unwrap();
            let recordings = Recordings::in_folder(&database, folder.path()).unwrap().with_sizes(SMALL);
            (recordings, Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap())
        });
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(48) });
        let walked = runner.run(&steps(), |steps| {
            runtime.block_on(walk(&recordings, &journal, steps));
            assert_eq!(files(folder.path()).len(), 0, "nothing is left");
            Ok(())
        });
        walked.unwrap();
    });
}

#[test]
fn objects_replace_rows_while_somebody_reads_and_somebody_writes() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let sizes = Sizes { piece: 100, many: 1000, longest: 5000 };
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap().with_sizes(sizes);
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let id = recordings.create(&new("alice", 1)).await.unwrap().id;
        let byte = |at: u64| u8::try_from(at * 31 % 251).unwrap();
        let all: Vec<u8> = (0..30_000).map(byte).collect();
        let writing = {
            let (journal, all, recordings) = (journal.clone(), all.clone(), recordings.clone());
            tokio::spawn(async move {
                let mut at = 0;
                for bytes in all.chunks(171) {
                    write(&journal, id, at, bytes).await.unwrap();
                    at += bytes.len() as u64;
                }
                recordings.complete(id, Time(2)).await.unwrap();
            })
        };
        // Of two that tend one works in vain, now and then.
        let tending: Vec<_> = (0..2)
            .map(|_| {
                let recordings = recordings.clone();
                tokio::spawn(async move {
                    while recordings.find(id).await.unwrap().sha256.is_none() {
                        tend(&recordings).await;
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        let mut seen = Vec::new();
        while seen.len() < all.len() {
            let from = seen.len() as u64;
            seen.extend(read(&recordings, id, from..u64::MAX).await.unwrap());
            assert_eq!(read(&recordings, id, 0..u64::MAX).await.unwrap()[..seen.len()], seen);
        }
        assert!(seen == all);
        writing.await.unwrap();
        for tending in tending {
            tending.await.unwrap();
        }
        assert_eq!(recordings.find(id).await.unwrap().sha256, Some(Hash(Sha256::digest(&all).into())));
        assert_eq!(read(&recordings, id, 0..u64::MAX).await.unwrap(), all);
        assert_eq!(files(folder.path()).len(), 6, "30000 bytes in objects of 5000");
    });
}

#[test]
fn what_is_left_of_a_deleted_recording_says_who_did_it() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap().with_sizes(SMALL);
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let id = recordings.create(&new("alice", 1)).await.unwrap().id;
        write(&journal, id, 0, &[b'x'; 100]).await.unwrap();
        assert_eq!(tend(&recordings).await, (1, 0));
        write(&journal, id, 100, b"and a tail").await.unwrap();
        let delete = async || recordings.delete(id, &mark("asked by alice")).await;
        assert!(matches!(delete().await, Err(StoreError::Open { .. })));
        recordings.complete(id, Time(3)).await.unwrap();
        let held = recordings.hold(id, &mark("case\0 7")).await.unwrap();
        assert_eq!(held.hold.unwrap().reason, "case\u{fffd} 7");
        let refused = delete().await.unwrap_err();
        assert!(matches!(refused, StoreError::Held { .. }));
        assert_eq!(
            refused.to_string(),
            format!("recording {id} is on hold, says root@org.com: case\u{fffd} 7")
        );
        assert_eq!(recordings.release(id).await.unwrap().hold, None);
        let mut reading = recordings.read(id, 0..110).await.unwrap();
        reading.try_next().await.unwrap().unwrap();
        delete().await.unwrap();
        assert_eq!(files(folder.path()), [] as [&Path; 0]);
        let broken = reading.try_collect::<Vec<_>>().await;
        assert!(matches!(broken, Err(StoreError::Deleted { .. })), "{broken:?}");
        let left = recordings.find(id).await.unwrap();
        assert_eq!((left.size, left.deleted), (110, Some(mark("asked by alice"))));
        for refused in [
            delete().await.unwrap_err(),
            read(&recordings, id, 0..1).await.unwrap_err(),
            recordings.hold(id, &mark("too late")).await.unwrap_err(),
            recordings.complete(id, Time(4)).await.unwrap_err(),
            write(&journal, id, 110, b"x").await.unwrap_err(),
        ] {
            assert!(matches!(refused, StoreError::Deleted { .. }), "{refused:?}");
        }
        assert_eq!(tend(&recordings).await, (0, 0));
        assert_eq!(recordings.list(&RecordingFilter::default(), None, 9).await.unwrap(), []);
        let with_deleted = RecordingFilter { with_deleted: true, ..RecordingFilter::default() };
        assert_eq!(recordings.list(&with_deleted, None, 9).await.unwrap().len(), 1);
    });
}

#[test]
fn what_began_once_is_not_begun_as_something_else() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap();
        let first = new("alice", 1);
        let made = recordings.create(&first).await.unwrap();
        assert_eq!(recordings.create(&first).await.unwrap(), made);
        let other = NewRecording { form: Form::Cast, ..first };
        assert!(matches!(recordings.create(&other).await, Err(StoreError::Differs { .. })));
        let none = Uuid::now_v7();
        assert!(matches!(recordings.find(none).await, Err(StoreError::NoRecording { id }) if id == none));
        assert!(matches!(recordings.complete(none, Time(1)).await, Err(StoreError::NoRecording { .. })));
        assert!(matches!(recordings.read(none, 0..1).await.err(), Some(StoreError::NoRecording { .. })));
    });
}

#[test]
fn recordings_are_listed_the_latest_first() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap();
        let mut made = Vec::new();
        for number in 0..20 {
            // Several at the same time.
            let who = if number % 3 == 0 { "alice" } else { "bob" };
            let recording = recordings.create(&new(who, number / 4)).await.unwrap();
            made.push(if number % 5 == 0 {
                recordings.complete(recording.id, Time(50)).await.unwrap()
            } else {
                recording
            });
        }
        made.reverse();
        let pages = async |filter: &RecordingFilter| {
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                let page = recordings.list(filter, before, 3).await.unwrap();
                let Some(last) = page.last() else { return found };
                before = Some((last.created, last.id));
                found.extend(page);
            }
        };
        let all = RecordingFilter::default();
        let expect = |wanted: &dyn Fn(&Recording) -> bool| -> Vec<Recording> {
            made.iter().filter(|recording| wanted(recording)).cloned().collect()
        };
        assert_eq!(pages(&all).await, made);
        let of_alice = RecordingFilter { subject_ids: vec!["alice".into(), "nobody".into()], ..all.clone() };
        assert_eq!(pages(&of_alice).await, expect(&|recording| recording.subject_id == "alice"));
        let some = RecordingFilter { ids: vec![made[3].id, made[9].id, Uuid::now_v7()], ..all.clone() };
        assert_eq!(pages(&some).await, [made[3].clone(), made[9].clone()]);
        let complete =
            RecordingFilter { is_complete: Some(true), start: Some(Time(1)), end: Some(Time(3)), ..all };
        let expected =
            expect(&|recording| recording.completed.is_some() && (1..=3).contains(&recording.created.0));
        assert_eq!(pages(&complete).await, expected);
    });
}

#[test]
fn an_object_that_was_changed_is_seen_and_keeps_no_other_from_being_tended() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap().with_sizes(SMALL);
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let mut ids = Vec::new();
        for text in ["changed there", "removed there", "cut off there", "as it was there"] {
            let id = recordings.create(&new("alice", 1)).await.unwrap().id;
            write(&journal, id, 0, text.as_bytes()).await.unwrap();
            ids.push(id);
        }
        assert_eq!(tend(&recordings).await, (4, 0));
        for file in files(folder.path()) {
            match &*std::fs::read_to_string(&file).unwrap() {
                "changed there" => std::fs::write(&file, "changed here!").unwrap(),
                "removed there" => std::fs::remove_file(&file).unwrap(),
                "cut off there" => std::fs::write(&file, "cut off").unwrap(),
                _ => {}
            }
        }
        assert!(matches!(read(&recordings, ids[0], 0..100).await, Err(StoreError::Changed { .. })));
        assert!(matches!(read(&recordings, ids[1], 0..100).await, Err(StoreError::Lost { at: 0, .. })));
        let cut = read(&recordings, ids[2], 0..100).await;
        assert!(matches!(cut, Err(StoreError::Lost { .. } | StoreError::Object { .. })), "{cut:?}");
        for id in &ids {
            recordings.complete(*id, Time(3)).await.unwrap();
        }
        let tended = recordings.tend().await.unwrap();
        assert_eq!((tended.moved, tended.sealed, tended.failed.len()), (0, 1, 3), "{tended:?}");
        let again = recordings.tend().await.unwrap();
        assert_eq!(again.failed.len(), 0, "that is not tried again at once: {again:?}");
        assert!(recordings.find(ids[0]).await.unwrap().sha256.is_none());
        assert!(recordings.find(ids[3]).await.unwrap().sha256.is_some());
    });
}

#[test]
fn objects_of_nobody_are_swept_and_no_others() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap().with_sizes(SMALL);
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let id = recordings.create(&new("alice", 1)).await.unwrap().id;
        write(&journal, id, 0, &[b'x'; 60]).await.unwrap();
        assert_eq!(tend(&recordings).await, (1, 0));
        let listed = files(folder.path());
        let (of_dead, of_nobody) = (listed[0].with_file_name("0-dead"), folder.path().join("other"));
        for orphan in [&of_dead, &of_nobody, &listed[0].with_file_name("0-half#1")] {
            std::fs::write(orphan, "left").unwrap();
        }
        assert_eq!(recordings.sweep(Time(1)).await.unwrap(), 0, "they are too new");
        assert_eq!(recordings.sweep(Time(Time::now().0 + 1_000_000)).await.unwrap(), 3);
        assert_eq!(files(folder.path()), listed);
        assert_eq!(read(&recordings, id, 0..100).await.unwrap(), [b'x'; 60]);
    });
}

#[test]
fn nobody_else_can_look_into_the_folder() {
    use std::os::unix::fs::PermissionsExt as _;
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("data").join("recordings");
        drop(Recordings::in_folder(&database, &place).unwrap());
        drop(Recordings::in_folder(&database, &place).unwrap());
        assert_eq!(std::fs::metadata(&place).unwrap().permissions().mode() & 0o777, 0o700);
        std::fs::write(folder.path().join("file"), "").unwrap();
        let refused = Recordings::in_folder(&database, &folder.path().join("file/in")).unwrap_err();
        assert!(refused.to_string().starts_with("recordings cannot be kept in "), "{refused}");
    });
}

#[test]
fn what_is_deleted_is_written_over() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        const SECRET: &[u8] = b"the password is hunter2";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.db");
        let database = Database::open(&format!("sqlite:{}", path.display())).await.unwrap();
        let store = Arc::new(object_store::memory::InMemory::new());
        let recordings = Recordings::new(&database, store);
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let id = recordings.create(&new("alice", 5)).await.unwrap().id;
        // Less than a page, and more.
        let (few, many) = (SECRET, SECRET.repeat(10_000));
        write(&journal, id, 0, few).await.unwrap();
        write(&journal, id, few.len() as u64, &many).await.unwrap();
        let block = |number: u64, packed: &[u8]| NewBlock {
            number,
            start: Time(5),
            first: Time(5),
            last: Time(6),
            packed: packed.to_vec(),
            text: "seen".into(),
        };
        recordings.index(id, &[block(0, few), block(1, &many)], true).await.unwrap();
        let stands = || {
            let files = [path.clone(), folder.path().join("audit.db-wal")];
            let bytes = files.map(|file| std::fs::read(file).unwrap()).concat();
            bytes.windows(SECRET.len()).filter(|window| *window == SECRET).count()
        };
        assert!(stands() > 10_000);
        recordings.complete(id, Time(7)).await.unwrap();
        tend(&recordings).await;
        recordings.delete(id, &mark("asked for")).await.unwrap();
        assert_eq!(stands(), 0);
    });
}

#[test]
fn what_is_deleted_while_somebody_reads_is_written_over_when_nobody_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let database =
            Database::open(&format!("sqlite:{}", folder.path().join("audit.db").display())).await.unwrap();
        let recordings = Recordings::new(&database, Arc::new(object_store::memory::InMemory::new()));
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let id = recordings.create(&new("alice", 5)).await.unwrap().id;
        write(&journal, id, 0, b"the password is hunter2").await.unwrap();
        recordings.complete(id, Time(7)).await.unwrap();
        let log = || std::fs::metadata(folder.path().join("audit.db-wal")).unwrap().len();
        let mut reader = database.reading().await.unwrap();
        let all = Query::select().expr(Expr::cust("count(*)")).from(Events::Table).to_owned();
        reader.rows::<(i64,)>(&all).await.unwrap();
        let begun = Instant::now();
        recordings.delete(id, &mark("asked for")).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
        recordings.forget_deleted().await.unwrap();
        assert!(log() > 0, "somebody still reads what was");
        reader.commit().await.unwrap();
        recordings.forget_deleted().await.unwrap();
        assert_eq!(log(), 0);
        // Where nothing was deleted, nobody is waited for.
        recordings.create(&new("bob", 6)).await.unwrap();
        recordings.forget_deleted().await.unwrap();
        assert!(log() > 0);
    });
}

#[test]
fn films_are_made_once_and_go_with_their_recordings() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap();
        let due = async || -> Vec<Uuid> {
            recordings.to_film(9).await.unwrap().into_iter().map(|recording| recording.id).collect()
        };
        let id = recordings.create(&new("alice", 1)).await.unwrap().id;
        let growing = async |least: u64| recordings.growing(least, 9).await.unwrap().len();
        assert!(due().await.is_empty());
        assert_eq!((growing(0).await, growing(1).await), (1, 0));
        recordings.complete(id, Time(2)).await.unwrap();
        assert_eq!((due().await, growing(0).await), (vec![id], 0));
        let scene = |number: u64| KeptScene {
            number,
            start: number * 10,
            place: format!("place {number}"),
            screen: vec![7; 3],
        };
        // Somebody made some of it before, and otherwise.
        let other = |number: u64| KeptScene { start: number * 7, ..scene(number) };
        recordings.add_scenes(id, &[scene(0), other(1)]).await.unwrap();
        recordings.add_scenes(id, &[other(2), other(3)]).await.unwrap();
        recordings.add_scenes(id, &[scene(1), scene(2)]).await.unwrap();
        assert_eq!(recordings.scene_starts(id).await.unwrap(), [0, 10, 20, 21]);
        assert_eq!((due().await, recordings.film(id).await.unwrap()), (vec![id], None));
        recordings.add_film(id, 3, "facts").await.unwrap();
        assert_eq!((due().await, recordings.film(id).await.unwrap()), (Vec::new(), Some("facts".into())));
        assert_eq!(recordings.scene_starts(id).await.unwrap(), [0, 10, 20]);
        assert_eq!(recordings.scenes(id, 1, 2).await.unwrap(), [scene(1), scene(2)]);
        recordings.delete(id, &mark("why")).await.unwrap();
        assert_eq!(
            (recordings.film(id).await.unwrap(), recordings.scene_starts(id).await.unwrap()),
            (None, vec![])
        );
        assert!(matches!(recordings.add_film(id, 1, "facts").await, Err(StoreError::Deleted { .. })));
        assert!(matches!(recordings.add_scenes(id, &[scene(0)]).await, Err(StoreError::Deleted { .. })));
    });
}
