//! How much goes through the journal: run small with the other tests, and in earnest with
//! `CASEMATE_LOAD=200x100 cargo test --release -p casemate-audit-store load -- --nocapture` (tasks, and writes of each).

use std::time::{Duration, Instant};

use bytes::Bytes;
use casemate_audit_log::Time;
use uuid::Uuid;

use super::{some, verified, with_both};
use crate::{Batch, Chunk, Database, Form, Journal, NewRecording, Recordings};

/// Of each write, beside one event.
const CHUNK: usize = 4096;

/// What it comes to.
struct Load {
    elapsed: Duration,
    /// Of each write, in their order.
    waited: Vec<Duration>,
    commits: u64,
}

async fn load(database: &Database, recordings: &Recordings, tasks: u64, writes: u64) -> Load {
    let journal = Journal::open(database, Uuid::now_v7(), Time(0)).await.unwrap();
    let mut ids = Vec::new();
    for task in 0..tasks {
        let id = Uuid::from_u128(u128::from(task) + 1);
        let (form, created) = (Form::CastZst, Time(1));
        let new = NewRecording { id, form, subject_id: "alice".into(), created, input_recorded: false };
        ids.push(recordings.create(&new).await.unwrap().id);
    }
    let start = Instant::now();
    let writing = ids.into_iter().zip(0_i64..).map(|(recording, task)| {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut waited = Vec::new();
            for (write, offset) in (0_i64..).zip((0..).step_by(CHUNK)).take(usize::try_from(writes).unwrap())
            {
                let number = task * 100_000 + write;
                let bytes = Bytes::from(vec![number.to_le_bytes()[0]; CHUNK]);
                let chunks = vec![Chunk { recording, offset, bytes }];
                let begun = Instant::now();
                journal
                    .write(Batch { events: some(number..number + 1), chunks, ..Batch::default() })
                    .await
                    .unwrap();
                waited.push(begun.elapsed());
            }
            waited
        })
    });
    let writing: Vec<_> = writing.collect();
    let mut waited = Vec::new();
    for writing in writing {
        waited.extend(writing.await.unwrap());
    }
    let elapsed = start.elapsed();
    waited.sort_unstable();
    Load { elapsed, waited, commits: *journal.committed().borrow() }
}

#[test]
fn much_goes_through_the_journal() {
    let asked = std::env::var("CASEMATE_LOAD").unwrap_or_else(|_| "20x3".into());
    let (tasks, writes) = asked.split_once('x').unwrap();
    let (tasks, writes): (u64, u64) = (tasks.parse().unwrap(), writes.parse().unwrap());
    with_both(|runtime, url| {
        let folder = tempfile::tempdir().unwrap();
        runtime.block_on(async {
            let database = Database::open(url).await.unwrap();
            let recordings = Recordings::in_folder(&database, folder.path()).unwrap();
            let Load { elapsed, waited, commits } = load(&database, &recordings, tasks, writes).await;
            let count = tasks * writes;
            let at = |percent: usize| waited[(waited.len() - 1) * percent / 100];
            let seconds = elapsed.as_secs_f64();
            println!(
                "{}: {count} events and {CHUNK} bytes each in {seconds:.2} s and {commits} commits: {:.0} events/s, {:.1} \
                 MB/s; a write waits {:.1?} (median), {:.1?} (99 %), {:.1?} at most",
                url.split(':').next().unwrap(),
                count as f64 / seconds,
                (count * CHUNK as u64) as f64 / seconds / 1e6,
                at(50),
                at(99),
                at(100),
            );
            assert!(commits < count, "{commits} commits");
            let (verified, defects) = verified(&database).await;
            assert_eq!((verified.rows, defects), (count, Vec::new()));
            let start = Instant::now();
            for task in 0..tasks {
                let recording =
                    recordings.complete(Uuid::from_u128(u128::from(task) + 1), Time(2)).await.unwrap();
                assert_eq!(recording.size, writes * CHUNK as u64);
            }
            let tended = recordings.tend().await.unwrap();
            assert_eq!(tended.sealed as u64, tasks);
            println!("sealed in {:.2?}", start.elapsed());
        });
    });
}
