//! Whoever asks for something and is gone before he has it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::yield_now;

use super::in_both;

/// A moment shorter than what a timer knows.
async fn moment(micros: u64) {
    let begin = Instant::now();
    while begin.elapsed() < Duration::from_micros(micros) {
        yield_now().await;
    }
}

#[test]
fn whoever_is_gone_leaves_nothing_begun_behind() {
    in_both(async |database| {
        for round in 0..300 {
            tokio::select! {
                biased;
                work = database.reading() => drop(work.unwrap()),
                () = moment(round * 3) => {}
            }
            let mut work = database.writing().await.unwrap();
            let insert = Arc::from("INSERT INTO terms (text) VALUES ('gone')");
            work.run_text(insert, Vec::new()).await.unwrap();
        }
    });
}
