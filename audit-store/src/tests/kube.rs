//! Calls of Kubernetes are known by the events that they are in.

use std::collections::HashSet;

use bytes::Bytes;
use casemate_audit_log::Time;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::{in_both, some, verified};
use crate::{Batch, Chunk, Journal, Step, StoreError};

#[test]
fn calls_are_known_when_their_event_is_in_the_log_and_not_before() {
    in_both(async |database| {
        let journal = Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap();
        let [one, two, three] = [1, 2, 3].map(|number| [number; 32]);
        // More than are asked for at once.
        let many: Vec<_> =
            (0..1200_u32).map(|number| [&number.to_be_bytes()[..]; 8].concat().try_into().unwrap()).collect();
        let step = |calls: &[[u8; 32]], event: i64| Step::of_calls(calls, some(event..event + 1).remove(0));
        let write = async |steps| journal.write(Batch { steps, ..Batch::default() }).await;
        assert_eq!(database.known_calls(&[one]).await.unwrap(), HashSet::new());
        assert_eq!(database.known_calls(&[]).await.unwrap(), HashSet::new());
        assert_eq!(write(vec![step(&[one, two], 1), step(&many, 2)]).await.unwrap(), 2);
        // As told again; and with one that is new.
        assert_eq!(write(vec![step(&[two, one], 3)]).await.unwrap(), 0);
        let partly = write(vec![step(&[[8; 32]], 4), step(&[two, three], 4)]).await;
        assert!(matches!(partly, Err(StoreError::Partly)), "{partly:?}");
        assert_eq!(write(vec![step(&[three], 4)]).await.unwrap(), 1);
        // What cannot be kept is not known.
        let nowhere = Chunk { recording: Uuid::now_v7(), offset: 0, bytes: Bytes::from_static(b"x") };
        let failing = Batch { chunks: vec![nowhere], steps: vec![step(&[[9; 32]], 5)], ..Batch::default() };
        journal.write(failing).await.unwrap_err();
        let asked = [&many[..], &[one, two, three, [8; 32], [9; 32]]].concat();
        let known = database.known_calls(&asked).await.unwrap();
        assert_eq!(known, asked[..asked.len() - 2].iter().copied().collect());
        journal.close().await;
        let rows = database.after(&crate::Cursor::new(), 100).await.unwrap();
        assert_eq!(rows.len(), 3);
    });
}

#[test]
fn what_comes_to_two_servers_at_once_is_known_once() {
    in_both(async |database| {
        let mut servers = JoinSet::new();
        for server in 0..2_i64 {
            let (database, journal) =
                (database.clone(), Journal::open(&database, Uuid::now_v7(), Time(0)).await.unwrap());
            servers.spawn(async move {
                let mut taken = 0;
                for list in 0..20_u8 {
                    // Half of each list is in the next one as well.
                    let calls: Vec<_> = (list..list + 2)
                        .flat_map(|half| (0..50).map(move |call| call_of(half, call)))
                        .collect();
                    for again in 0.. {
                        let known = database.known_calls(&calls).await.unwrap();
                        let new: Vec<_> =
                            calls.iter().copied().filter(|call| !known.contains(call)).collect();
                        if new.is_empty() {
                            break;
                        }
                        let event = server * 10_000 + i64::from(list) * 100 + again;
                        let steps = vec![Step::of_calls(&new, some(event..event + 1).remove(0))];
                        match journal.write(Batch { steps, ..Batch::default() }).await {
                            Err(StoreError::Partly) => {}
                            written => taken += written.unwrap() * new.len(),
                        }
                    }
                }
                journal.close().await;
                taken
            });
        }
        assert_eq!(servers.join_all().await.iter().sum::<usize>(), 21 * 50);
        assert_eq!(verified(&database).await.1, []);
    });
}

fn call_of(half: u8, call: u8) -> [u8; 32] {
    let mut digest = [half; 32];
    digest[0] = call;
    digest
}
