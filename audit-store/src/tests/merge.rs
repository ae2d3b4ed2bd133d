//! SQLite's indexes of texts, and the parts they consist of.

use std::time::{Duration, Instant};

use casemate_audit_log::Time;
use uuid::Uuid;

use super::{in_both, some};
use crate::{Batch, Database, Form, Journal, NewBlock, NewRecording, Recordings};

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

/// Of how many parts an index consists.
async fn parts(database: &Database, of: &'static str) -> i64 {
    database.reading().await.unwrap().number_of_sqlite(of, &[]).await.unwrap().unwrap_or(0)
}

const OF_EVENTS: &str = "SELECT count(DISTINCT segid) FROM events_text_idx";
const OF_OUTPUT: &str = "SELECT count(DISTINCT segid) FROM output_text_idx";

#[test]
fn the_index_of_events_has_few_parts_while_they_come_and_fewer_afterwards() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let mut most = 0;
        for number in 0..WRITES {
            let events = some(number..number + 1);
            journal.write(Batch { events, ..Batch::default() }).await.unwrap();
            most = most.max(parts(&database, OF_EVENTS).await);
        }
        assert!(most <= 20, "{most}");
        let began = Instant::now();
        // Three of each size at most, and there are no more than three sizes.
        while parts(&database, OF_EVENTS).await > 9 {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", parts(&database, OF_EVENTS).await);
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
        let (id, form, created) = (Uuid::now_v7(), Form::Cast, Time(1));
        let new = NewRecording { id, form, subject_id: "alice".into(), created, input_recorded: false };
        recordings.create(&new).await.unwrap();
        for number in 0..WRITES.unsigned_abs() {
            let (start, first, last) = (Time(0), Time(1), Time(2));
            let text = format!("line {number} of the output");
            let block = NewBlock { number, start, first, last, packed: vec![1], text };
            recordings.index(id, &[block], false).await.unwrap();
        }
        let parts = parts(&database, OF_OUTPUT).await;
        assert!(parts <= 12, "{parts}");
    });
}
