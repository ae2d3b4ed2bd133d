//! What was to be seen in recordings: how it is found.

use std::sync::Arc;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{CommandEvent, Event};
use object_store::memory::InMemory;
use uuid::Uuid;

use super::connections::new as connection;
use super::{command, end, filter, in_both};
use crate::{
    Appender, Block, Connections, Database, Form, Journal, Mark, NewBlock, NewRecording, Recordings, Seek,
    StoreError,
};

pub(super) fn block(number: u64, last: i64, text: &str) -> NewBlock {
    let packed = format!("packed {text}").into_bytes();
    NewBlock { number, start: Time(5), first: Time(last - 10), last: Time(last), packed, text: text.into() }
}

/// Two sessions, and what was to be seen in them.
async fn some(database: &Database) -> Recordings {
    let recordings = Recordings::new(database, Arc::new(InMemory::new()));
    let (journal, connections) =
        (Journal::open(database, Uuid::now_v7(), Time(0)).await.unwrap(), Connections::new(database));
    for (number, who, target) in [(1, "alice@org.com", "web-1"), (2, "bob@org.com", "web-2")] {
        let there = connection(number, who, target, "root");
        recordings
            .create(&NewRecording {
                id: there.id,
                form: Form::Cast,
                subject_id: there.subject.subject_id.clone(),
                created: there.started,
                input_recorded: false,
            })
            .await
            .unwrap();
        connections.open(&journal, there, Time(0), |_| Vec::new()).await.unwrap();
    }
    let (alice, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let first = [block(0, 100, "Permission DENIED\nby nobody"), block(1, 300, "all is 100% well")];
    recordings.index(alice, &first, false).await.unwrap();
    recordings.index(bob, &[block(0, 200, "permission denied\nÄRGER ΣΊΣΥΦΟΣ")], true).await.unwrap();
    recordings
}

async fn seek(database: &Database, text: &str, filter: Filter, from: Option<(Time, i64)>) -> Vec<Block> {
    let within = Duration::from_secs(5);
    database.output(Seek { text: text.into(), filter, from, limit: 10, within }).await.unwrap()
}

async fn found(database: &Database, text: &str, parameters: &[(&str, &str)]) -> Vec<i64> {
    let found = seek(database, text, filter(parameters), None).await;
    found.into_iter().map(|block| block.place.0.0).collect()
}

#[test]
fn blocks_are_found_by_what_is_in_them_and_whose_they_are() {
    in_both(async |database| {
        let recordings = some(&database).await;
        for (text, parameters, expected) in [
            ("permission denied", &[][..], &[200, 100][..]),
            ("ärger", &[], &[200]),
            ("ΣΊΣ", &[], &[200]),
            ("100% w", &[], &[300]),
            ("100_ w", &[], &[]),
            ("no such text", &[], &[]),
            // Too short for the index: all that may have it.
            ("is", &[], &[300, 200, 100]),
            ("denied", &[("userNames", "alice@org.com")], &[100]),
            ("is", &[("userNames", "alice@org.com")], &[300, 100]),
            ("denied", &[("targetNames", "web-2"), ("targetUsers", "root")], &[200]),
            ("denied", &[("targetNames", "web-2"), ("targetUsers", "app")], &[]),
            ("denied", &[("connectionIds", "00000000-0000-0000-0000-000000000001,x")], &[100]),
            ("denied", &[("isAdmin", "true")], &[]),
            ("denied", &[("startTimestamp", "1970-01-01T00:00:00.000150Z")], &[200]),
            ("is", &[("endTimestamp", "1970-01-01T00:00:00.000190Z")], &[200, 100]),
        ] {
            assert_eq!(found(&database, text, parameters).await, expected, "{text} {parameters:?}");
        }
        let all = seek(&database, "is", Filter::default(), None).await;
        assert_eq!((all[0].connection, all[0].start), (Uuid::from_u128(1), Time(5)));
        assert_eq!(all[0].packed, b"packed all is 100% well");
        assert_eq!(seek(&database, "is", Filter::default(), Some(all[1].place)).await, all[1..]);

        // What is there stays, whoever makes it again.
        assert_eq!(recordings.blocks(Uuid::from_u128(1)).await.unwrap(), 2);
        let again = [block(1, 999, "other"), block(2, 400, "and more")];
        recordings.index(Uuid::from_u128(1), &again, true).await.unwrap();
        assert_eq!(found(&database, "is", &[]).await, [400, 300, 200, 100]);
        assert_eq!(found(&database, "other", &[]).await, [0; 0]);
    });
}

#[test]
fn a_recording_is_to_be_indexed_until_it_is_and_takes_it_along() {
    in_both(async |database| {
        let recordings = some(&database).await;
        let (alice, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let due = async || {
            let due = recordings.to_index(None, 10).await.unwrap();
            due.into_iter().map(|recording| recording.id).collect::<Vec<_>>()
        };
        assert_eq!(due().await, [alice]);
        recordings.index_again(bob).await.unwrap();
        assert_eq!((due().await, recordings.blocks(bob).await.unwrap()), (vec![bob, alice], 0));
        assert_eq!(recordings.to_index(Some(bob), 10).await.unwrap().len(), 1);
        assert_eq!(found(&database, "denied", &[]).await, [100]);
        recordings.complete(alice, Time(9)).await.unwrap();
        let mark = Mark { time: Time(10), by: "root@org.com".into(), reason: "asked for".into() };
        recordings.delete(alice, &mark).await.unwrap();
        assert_eq!((due().await, recordings.blocks(alice).await.unwrap()), (vec![bob], 0));
        assert_eq!(found(&database, "denied", &[]).await, [0; 0]);
        let late = recordings.index(alice, &[block(0, 1, "denied")], true).await;
        assert!(matches!(late, Err(StoreError::Deleted { .. })), "{late:?}");
        assert_eq!(found(&database, "is", &[]).await, [0; 0]);
    });
}

#[test]
fn commands_are_found_around_a_moment() {
    in_both(async |database| {
        let connection = Uuid::from_u128(7);
        let of = |number: i64| {
            let Event::Command(mut command) = command(number, "alice@org.com", "web-1", "root", "make")
            else {
                panic!("it is one");
            };
            command.connection_id = connection.to_string();
            Event::Command(command)
        };
        let mut ended = end(3, 7);
        if let Event::CommandEnd(end) = &mut ended {
            end.connection_id = connection.to_string();
        }
        let other = command(4, "bob@org.com", "web-1", "root", "ls");
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        appender.append(&[of(5), of(3), other, ended]).await.unwrap();
        let times = [2, 3, 4, 6].map(|second| Time(second * 1_000_000));
        let around = database.commands_at(connection, &times).await.unwrap();
        let ids = around.iter().map(|around| {
            let id = |command: &Option<_>| {
                let command: &Option<CommandEvent> = command;
                command.as_ref().map(|command| command.id.replace("command-", ""))
            };
            format!("{:?} {:?}", id(&around.before), id(&around.after))
        });
        let ids: Vec<String> = ids.collect();
        assert_eq!(
            ids,
            ["None Some(\"3\")", "Some(\"3\") Some(\"5\")", "Some(\"3\") Some(\"5\")", "Some(\"5\") None"]
        );
        assert_eq!(around[1].before.as_ref().unwrap().result.exit_code, Some(7));
        let nobody = database.commands_at(Uuid::from_u128(8), &times).await.unwrap();
        assert_eq!(nobody, vec![crate::Around::default(); 4]);
    });
}
