//! SQLite's indexes of texts, and the parts they consist of.

use std::time::{Duration, Instant};

use casemate_audit_log::Time;
use uuid::Uuid;

use super::journal::begin;
use super::output::block;
use super::recordings::mark;
use super::{in_both, some};
use crate::{Batch, Database, Journal, Recordings};

/// So many transactions leave more than sixty parts where SQLite merges them as it must.
const WRITES: i64 = 255;

/// What SQLite itself says of the index of events: that all texts are in it, and nothing else.
pub(super) async fn check(database: &Database) {
    if database.is_sqlite() {
        let mut work = database.writing().await.unwrap();
        let check = "INSERT INTO events_text (events_text, rank) VALUES ('integrity-check', ?)";
        work.run_sqlite(check, 1).await.unwrap();
    }
}

/// What SQLite says of an index, such as of how many parts it consists; of PostgreSQL nothing is asked.
async fn asked(database: &Database, of: &'static str) -> i64 {
    database.reading().await.unwrap().number_of_sqlite(of, &[]).await.unwrap().unwrap_or(0)
}

const OF_EVENTS: &str = "SELECT count(DISTINCT segid) FROM events_text_idx";
const BYTES_OF_OUTPUT: &str = "SELECT sum(length(block)) FROM output_text_data";
const OF_OUTPUT: &str = "SELECT count(DISTINCT segid) FROM output_text_idx";

#[test]
fn the_index_of_events_has_few_parts_while_they_come_and_fewer_afterwards() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let mut most = 0;
        for number in 0..WRITES {
            let events = some(number..number + 1);
            journal.write(Batch { events, ..Batch::default() }).await.unwrap();
            most = most.max(asked(&database, OF_EVENTS).await);
        }
        assert!(most <= 20, "{most}");
        let began = Instant::now();
        // Three of each size at most, and there are no more than three sizes.
        while asked(&database, OF_EVENTS).await > 9 {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", asked(&database, OF_EVENTS).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        journal.close().await;
        check(&database).await;
    });
}

#[test]
fn the_index_of_output_has_few_parts() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap();
        let id = begin(&recordings).await;
        for number in 0..WRITES.unsigned_abs() {
            recordings
                .index(id, &[block(number, 20, &format!("line {number} of the output"))], false)
                .await
                .unwrap();
        }
        let parts = asked(&database, OF_OUTPUT).await;
        assert!(parts <= 12, "{parts}");
    });
}

#[test]
fn what_was_deleted_leaves_the_index_of_output() {
    in_both(async |database| {
        let folder = tempfile::tempdir().unwrap();
        let recordings = Recordings::in_folder(&database, folder.path()).unwrap();
        let mut ids = Vec::new();
        for number in 0..30_u64 {
            let id = begin(&recordings).await;
            let of_his_own = (0..500).map(|line| format!("{:x} ", number * 7919 + line * 104_729));
            let of_his_own = of_his_own.collect::<String>();
            recordings.index(id, &[block(0, 20, &of_his_own)], true).await.unwrap();
            recordings.complete(id, Time(2)).await.unwrap();
            ids.push(id);
        }
        let before = asked(&database, BYTES_OF_OUTPUT).await;
        for id in &ids[..25] {
            recordings.delete(*id, &mark("old")).await.unwrap();
        }
        let began = Instant::now();
        while asked(&database, BYTES_OF_OUTPUT).await > before / 2 {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", asked(&database, BYTES_OF_OUTPUT).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}
