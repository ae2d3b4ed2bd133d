//! What takes too long is stopped, and so is what nobody waits for: otherwise the connections would all be taken, and
//! nobody would get an answer.

use std::time::{Duration, Instant};

use sea_query::{Expr, Query};

use super::*;
use crate::database::{READERS, Text, Work};

/// More than there are connections.
const MANY: usize = 20;

/// Takes some milliseconds: long enough to be stopped.
const QUICK: Text = Text {
    sqlite: "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 100000) SELECT count(*) FROM numbers",
    postgres: "",
};

/// Takes minutes, if it is let.
async fn count(work: &mut Work) -> Result<Vec<(i64,)>, StoreError> {
    let slow = "(WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000000) \
        SELECT count(*) FROM numbers)";
    work.rows(&Query::select().expr(Expr::cust(slow)).to_owned()).await
}

async fn answers(database: &Database) {
    let began = Instant::now();
    assert_eq!(found(database, filter(&[("userNames", "bob@org.com")])).await.len(), 1);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn what_takes_too_long_is_stopped() {
    in_both(async |database| {
        Appender::begin(&database, Time(0)).await.unwrap().append(&some(0..3)).await.unwrap();
        for limit in [1, 50, 200].map(Duration::from_millis) {
            let began = Instant::now();
            let slow = database.reading_within(limit, |work| Box::pin(count(work))).await;
            assert!(matches!(slow, Err(StoreError::TooLong { limit: said }) if said == limit), "{slow:?}");
            assert!(
                (limit..limit + Duration::from_secs(2)).contains(&began.elapsed()),
                "{:?}",
                began.elapsed()
            );
        }
        let short = Duration::from_millis(50);
        let slow = (0..MANY).map(|_| database.reading_within(short, |work| Box::pin(count(work))));
        for slow in futures_util::future::join_all(slow).await {
            assert!(matches!(slow, Err(StoreError::TooLong { .. })), "{slow:?}");
        }
        answers(&database).await;
    });
}

#[test]
fn what_nobody_waits_for_is_stopped() {
    in_both(async |database| {
        Appender::begin(&database, Time(0)).await.unwrap().append(&some(0..3)).await.unwrap();
        for _ in 0..MANY {
            let slow = database.reading_within(Duration::from_secs(100), |work| Box::pin(count(work)));
            assert!(tokio::time::timeout(Duration::from_millis(20), slow).await.is_err(), "it is slow");
        }
        answers(&database).await;
    });
}

#[test]
fn whoever_asks_next_need_not_wait_for_those_who_read_along() {
    in_both(async |database| {
        if !database.is_sqlite() {
            return;
        }
        let mut readers = Vec::new();
        for _ in 0..READERS {
            readers.push(database.reading().await.unwrap());
        }
        let began = Instant::now();
        for (busy, along) in [(8, 0), (7, 0), (6, 0), (5, 1), (4, 2), (3, 3), (2, 3), (0, 3)] {
            readers.truncate(busy);
            // Who is let go of comes back a moment later.
            let mut times = 0;
            while times < 10 {
                let others = database.idle_readers().await.len();
                assert!(others <= along, "{others} beside {busy}");
                times += usize::from(others == along);
                assert!(began.elapsed() < Duration::from_secs(60), "{along} beside {busy}");
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
    });
}

#[test]
fn nobody_reads_along_with_one_who_is_gone() {
    in_both(async |database| {
        Appender::begin(&database, Time(0)).await.unwrap().append(&some(0..3)).await.unwrap();
        if !database.is_sqlite() {
            return;
        }
        for _ in 0..MANY {
            for other in database.idle_readers().await {
                let slow = database.reading_along(other, |work| Box::pin(count(work)));
                assert!(tokio::time::timeout(Duration::from_millis(20), slow).await.is_err(), "it is slow");
            }
        }
        answers(&database).await;
        // They are idle again, and nothing stops what they are asked next.
        let began = Instant::now();
        let others = loop {
            let others = database.idle_readers().await;
            if others.len() == 3 || began.elapsed() > Duration::from_secs(20) {
                break others;
            }
        };
        assert_eq!(others.len(), 3);
        for mut other in others {
            assert_eq!(other.rows_of::<(i64,)>(&QUICK, Vec::new()).await.unwrap(), [(100_000,)]);
        }
    });
}
