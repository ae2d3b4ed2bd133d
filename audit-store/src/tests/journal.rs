//! What holds for those who write at once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use casemate_audit_log::Time;
use casemate_audit_log::model::Event;
use object_store::local::LocalFileSystem;
use tokio::time::sleep;
use uuid::Uuid;

use super::{in_both, some, verified};
use crate::{Appender, Batch, Chunk, Cursor, Database, Form, Journal, NewRecording, Recordings, StoreError};

fn recordings(database: &Database) -> Recordings {
    Recordings::new(database, Arc::new(LocalFileSystem::new()))
}

pub(super) async fn begin(recordings: &Recordings) -> Uuid {
    let new = NewRecording {
        id: Uuid::now_v7(),
        form: Form::Cast,
        subject_id: "alice".into(),
        created: Time(7),
        input_recorded: false,
    };
    recordings.create(&new).await.unwrap().id
}

fn chunk(recording: Uuid, offset: u64, bytes: &'static str) -> Chunk {
    Chunk { recording, offset, bytes: Bytes::from_static(bytes.as_bytes()) }
}

fn events(events: Vec<Event>) -> Batch {
    Batch { events, ..Batch::default() }
}

async fn ids(database: &Database) -> BTreeSet<String> {
    let rows = database.after(&Cursor::new(), 10_000).await.unwrap();
    let count = rows.len();
    let ids: BTreeSet<_> = rows.into_iter().map(|row| row.content.unwrap()["id"].to_string()).collect();
    assert_eq!(ids.len(), count, "each once");
    ids
}

#[test]
fn many_are_committed_together() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let recordings = recordings(&database);
        let mut writing = Vec::new();
        for task in 0..20_i64 {
            let (journal, recording) = (journal.clone(), begin(&recordings).await);
            writing.push(tokio::spawn(async move {
                for round in 0..10_i64 {
                    let first = task * 1000 + round * 3;
                    let offset = round.unsigned_abs() * 9;
                    let chunks =
                        vec![chunk(recording, offset, "one "), chunk(recording, offset + 4, "two, ")];
                    journal
                        .write(Batch { events: some(first..first + 3), chunks, ..Batch::default() })
                        .await
                        .unwrap();
                }
                recording
            }));
        }
        for writing in writing {
            assert_eq!(recordings.uploaded(writing.await.unwrap()).await.unwrap(), 90);
        }
        assert_eq!(ids(&database).await.len(), 600);
        let commits = *journal.committed().borrow();
        assert!((10..150).contains(&commits), "{commits} for 200 batches");
        assert_eq!(verified(&database).await.1, []);
    });
}

#[test]
fn whoever_cannot_be_served_is_refused_alone() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let recordings = recordings(&database);
        let (recording, complete) = (begin(&recordings).await, begin(&recordings).await);
        recordings.complete(complete, Time(9)).await.unwrap();
        let nobody = Uuid::now_v7();
        let batch = |number: i64, chunk: Chunk| Batch {
            events: some(number..number + 1),
            chunks: vec![chunk],
            ..Batch::default()
        };
        // None is polled before all are in the queue.
        let (first, gap, second, none, over, third, far) = tokio::join!(
            journal.write(batch(1, chunk(recording, 0, "abc"))),
            journal.write(batch(2, chunk(recording, 4, "e"))),
            journal.write(batch(3, chunk(recording, 3, "d"))),
            journal.write(batch(4, chunk(nobody, 0, "x"))),
            journal.write(batch(5, chunk(complete, 0, "x"))),
            journal.write(events(some(6..7))),
            journal.write(batch(7, chunk(recording, u64::MAX, "x"))),
        );
        for fine in [first, second, third] {
            fine.unwrap();
        }
        assert!(matches!(gap, Err(StoreError::Offset { expected: 3, offset: 4, .. })), "{gap:?}");
        assert!(matches!(far, Err(StoreError::Offset { expected: 4, offset: u64::MAX, .. })), "{far:?}");
        assert!(matches!(none, Err(StoreError::NoRecording { id }) if id == nobody), "{none:?}");
        assert!(matches!(over, Err(StoreError::Complete { id }) if id == complete), "{over:?}");
        assert_eq!(recordings.uploaded(recording).await.unwrap(), 4);
        let expected = [1, 3, 6].map(|number| format!("\"command-{number}\""));
        assert_eq!(ids(&database).await, BTreeSet::from(expected));
        assert_eq!(verified(&database).await.1, []);
    });
}

#[test]
fn a_chain_goes_on_where_its_writer_left_it() {
    in_both(async |database| {
        let writer = Uuid::now_v7();
        for round in 0..3 {
            let journal = Journal::open(&database, writer, Time(round)).await.unwrap();
            journal.write(events(some(round * 5..round * 5 + 5))).await.unwrap();
            journal.write(events(some(0..1))).await.unwrap();
            journal.close().await;
        }
        let heads = database.heads().await.unwrap();
        assert_eq!(heads.iter().map(|head| (head.writer, head.seq)).collect::<Vec<_>>(), [(writer, 15)]);
        assert_eq!(verified(&database).await.1, []);
    });
}

#[test]
fn of_two_that_are_the_same_writer_one_fails_and_goes_on() {
    in_both(async |database| {
        let writer = Uuid::now_v7();
        let mut one = Appender::resume(&database, writer, Time(0)).await.unwrap();
        let mut other = Appender::resume(&database, writer, Time(0)).await.unwrap();
        one.append(&some(0..3)).await.unwrap();
        let refused = other.append(&some(3..5)).await.unwrap_err();
        assert!(matches!(refused, StoreError::Overtaken { writer: named } if named == writer), "{refused:?}");
        assert_eq!(other.append(&some(3..5)).await.unwrap().len(), 2);
        assert_eq!(other.head().seq, 5);

        // Those who only want to get it written do not even notice.
        let mut writing = Vec::new();
        for journal in 0..2_i64 {
            let journal = (Journal::open(&database, writer, Time(0)).await.unwrap(), journal);
            writing.push(tokio::spawn(async move {
                for round in 0..10_i64 {
                    // The last ones come from both.
                    let first = if round == 9 { 900 } else { 100 * (1 + journal.1) + round * 3 };
                    let mut attempts = 0;
                    while let Err(error) = journal.0.write(events(some(first..first + 3))).await {
                        assert!(matches!(error, StoreError::Overtaken { .. }), "{error:?}");
                        attempts += 1;
                        assert!(attempts < 20, "{error}");
                    }
                }
            }));
        }
        for writing in writing {
            writing.await.unwrap();
        }
        assert_eq!(ids(&database).await.len(), 5 + 2 * 27 + 3);
        assert_eq!(verified(&database).await.1, []);
    });
}

#[test]
fn what_waits_is_kept_when_the_journal_is_closed_and_what_comes_later_is_refused() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let waiting: Vec<_> = (0..50).map(|number| journal.write(events(some(number..number + 1)))).collect();
        let (outcomes, ()) = tokio::join!(futures_util::future::join_all(waiting), journal.close());
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(ids(&database).await.len(), 50);
        let refused = journal.write(events(some(90..91))).await;
        assert!(matches!(refused, Err(StoreError::Ended { .. })), "{refused:?}");
        journal.close().await;
        assert_eq!(ids(&database).await.len(), 50);
    });
}

#[test]
fn what_was_begun_is_kept_though_nobody_waits_for_it() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        for number in 0..20 {
            let write = journal.write(events(some(number..number + 1)));
            tokio::select! {
                biased;
                done = write => drop(done.unwrap()),
                () = std::future::ready(()) => {}
            }
        }
        journal.close().await;
        assert_eq!(ids(&database).await.len(), 20);
        assert_eq!(verified(&database).await.1, []);
    });
}

#[test]
fn what_stands_in_the_log_of_writes_is_put_in_its_place_beside_who_writes() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let (began, mut most) = (Instant::now(), 0);
        for number in 0.. {
            let events = some(10 * number..10 * (number + 1));
            journal.write(Batch { events, ..Batch::default() }).await.unwrap();
            let Some((all, in_place)) = database.log().await else { break };
            // Far fewer than SQLite would wait for by itself.
            assert!(all < 10_000, "{all}");
            // When all of it is in its place, the next one who writes begins it anew.
            if in_place > 0 || all < most {
                break;
            }
            most = all;
            assert!(began.elapsed() < Duration::from_secs(20), "{in_place} of {all}");
            sleep(Duration::from_millis(20)).await;
        }
        journal.close().await;
    });
}
