//! What holds in both databases. PostgreSQL is the real one, started for the tests.

mod connections;
mod directory;
mod gone;
mod journal;
mod kill;
mod kube;
mod limit;
mod load;
mod merge;
mod migrate;
mod output;
mod recordings;

use std::collections::BTreeSet;
use std::time::Duration;

use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{
    CommandEnd, CommandEvent, CommandResult, ConnectionType, Event, Log, Place, Subject, SubjectType,
};
use casemate_audit_log::verify::{Defect, Line, Verified, Verifier};
use ed25519_dalek::SigningKey;
use sea_query::{
    Expr, ExprTrait as _, PostgresQueryBuilder, Query, SelectStatement, SqliteQueryBuilder, Value,
};
use sea_query_sqlx::SqlxValues;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::runtime::Runtime;

use crate::database::Work;
use crate::names::Events;
use crate::texts;
use crate::{Appender, Cursor, Database, Facet, Found, Names, Order, Page, StoreError};

/// Does the same with either database.
pub(crate) fn in_both<F: Future<Output = ()>>(test: impl Fn(Database) -> F) {
    with_both(|runtime, url| runtime.block_on(async { test(Database::open(url).await.unwrap()).await }));
}

/// Does the same with the address of either database, which is empty.
fn with_both(test: impl Fn(&Runtime, &str)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    test(&runtime, &format!("sqlite:{}", folder.path().join("audit.db").display()));
    let Some(server) = casemate_scratch_postgres::shared() else { return };
    test(&runtime, &runtime.block_on(granted(server)));
}

/// A database whose tables are another's: what the role of a server may do in it is what it is granted.
async fn granted(server: &casemate_scratch_postgres::Postgres) -> String {
    let owners = server.database();
    drop(Database::open(&owners).await.unwrap());
    let mut owner = PgConnection::connect(&owners).await.unwrap();
    // Another test may have made it.
    owner.execute("CREATE ROLE server LOGIN").await.ok();
    let grants = include_str!("../../docs/postgres-grants.sql").replace(":\"server\"", "server");
    owner.execute(AssertSqlSafe(grants)).await.unwrap();
    let (_, rest) = owners.split_once('@').unwrap();
    format!("postgres://server@{rest}")
}

/// How a database goes about a question.
pub(crate) async fn plan_of(database: &Database, question: &SelectStatement) -> String {
    let (text, values) = match database.is_sqlite() {
        true => question.build(SqliteQueryBuilder),
        false => question.build(PostgresQueryBuilder),
    };
    plan(database, &text, values.0).await
}

/// The same, of one that is written out.
pub(crate) async fn plan(database: &Database, text: &str, values: Vec<Value>) -> String {
    let values = SqlxValues(sea_query::Values(values));
    let steps: Vec<String> = match database.reading().await.unwrap() {
        Work::Sqlite(mut work) => {
            let text = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"));
            let plan = sqlx::query_as_with::<_, (i64, i64, i64, String), _>(text, values);
            let plan = plan.fetch_all(&mut *work).await.unwrap();
            plan.into_iter().map(|(_, _, _, step)| step).collect()
        }
        Work::Postgres(mut work) => {
            // Of a table that is empty it would read all.
            work.execute("SET LOCAL enable_seqscan = off").await.unwrap();
            let text = AssertSqlSafe(format!("EXPLAIN {text}"));
            sqlx::query_scalar_with(text, values).fetch_all(&mut *work).await.unwrap()
        }
    };
    steps.join("\n")
}

pub(crate) fn command(number: i64, who: &str, target: &str, account: &str, line: &str) -> Event {
    Event::Command(Box::new(CommandEvent {
        id: format!("command-{number}"),
        connection_id: format!("connection-{}", number / 10),
        organization_id: "organization".into(),
        timestamp: Time(1_000_000 * number),
        subject: Subject {
            subject_id: format!("id of {who}"),
            subject_type: SubjectType::User,
            subject_name: who.into(),
            is_admin: who == "root@org.com",
            ip_address: None,
        },
        place: Place {
            target_id: format!("id of {target}"),
            target_type: ConnectionType::Shell,
            target_name: target.into(),
            target_user: account.into(),
            environment_id: "n/a".into(),
            environment_name: "n/a".into(),
        },
        command: line.into(),
        space_id: None,
        space_name: None,
        recording_id: None,
        offset: Some(0.25),
        cwd: None,
        kind: Some("shell".into()),
        program: None,
        source: Some("screen".into()),
        confidence: Some(1.0),
        reason: None,
        inner_target: None,
        inner_target_user: None,
        argv: Vec::new(),
        result: CommandResult::default(),
    }))
}

pub(crate) fn end(number: i64, exit_code: i32) -> Event {
    Event::CommandEnd(CommandEnd {
        id: format!("command-{number}"),
        connection_id: format!("connection-{}", number / 10),
        timestamp: Time(1_000_000 * number + 500),
        result: CommandResult { exit_code: Some(exit_code), ..CommandResult::default() },
    })
}

/// Commands of three people on two targets as two accounts.
fn some(numbers: std::ops::Range<i64>) -> Vec<Event> {
    let pick = |names: &[&'static str], number: i64| names[usize::try_from(number).unwrap() % names.len()];
    let event = |number| {
        let who = pick(&["alice@org.com", "bob@org.com", "root@org.com"], number);
        let (target, account) =
            (pick(&["web-1", "db-1"], number), pick(&["admin", "root", "root", "app"], number));
        command(number, who, target, account, &format!("systemctl status Unit-{number} 100%_done \\o/"))
    };
    numbers.map(event).collect()
}

fn filter(parameters: &[(&str, &str)]) -> Filter {
    let mut filter = Filter::default();
    parameters.iter().for_each(|(name, value)| assert!(filter.take(name, value).unwrap()));
    filter
}

async fn found(database: &Database, filter: Filter) -> Vec<Found> {
    database.page(Page { filter, ..Page::default() }).await.unwrap()
}

#[test]
fn a_page_is_what_the_filter_matches_in_either_order() {
    pages_are_what_filters_match(1);
}

#[test]
fn of_one_moment_they_come_as_they_were_written() {
    pages_are_what_filters_match(60);
}

/// Of events of which so many happen at once.
fn pages_are_what_filters_match(at_once: i64) {
    in_both(async |database| {
        let mut events = some(0..300);
        for event in &mut events {
            let Event::Command(command) = event else { panic!("a command") };
            command.timestamp.0 -= command.timestamp.0 % (1_000_000 * at_once);
        }
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        // In another order than they happened.
        events.rotate_left(150);
        appender.append(&events[..150]).await.unwrap();
        appender.append(&events[150..]).await.unwrap();
        events.sort_by_key(Event::time);
        for parameters in [
            &[][..],
            &[("subjectNames", "alice@org.com")],
            &[("targetNames", "web-1"), ("targetUsers", "root")],
            &[("userNames", "bob@org.com,root@org.com"), ("targetUsers", "app")],
            &[("isAdmin", "true")],
            &[("startTimestamp", "1970-01-01T00:01:00Z"), ("endTimestamp", "1970-01-01T00:02:00Z")],
            &[("connectionIds", "connection-7")],
            &[("commandKinds", "shell"), ("subjectTypes", "user")],
            &[("commandSearch", "unit-12")],
            &[("commandSearch", "UNIT-12"), ("targetNames", "db-1")],
            &[("commandSearch", "100%_done \\o/")],
            &[("commandSearch", "systemctl"), ("targetNames", "web-1"), ("userNames", "alice@org.com")],
            &[("commandSearch", "systemctl"), ("connectionIds", "connection-7,connection-29")],
            &[("commandSearch", "unit-1"), ("targetUsers", "app,root")],
            &[("commandSearch", "t-2")],
            &[("commandSearch", "-7")],
            &[("commandSearch", "100%done")],
            &[("userNames", "nobody@org.com")],
            &[("environmentNames", "n/a")],
            &[("subjectIds", "id of alice@org.com")],
            &[("subjectIds", "id of alice@org.com,id of bob@org.com"), ("targetIds", "id of web-1")],
            &[("targetIds", "id of web-1"), ("targetNames", "db-1")],
            &[("spaceIds", "id of alice@org.com")],
        ] {
            let filter = filter(parameters);
            let matching = events.iter().rev().filter(|event| filter.matches(event.time(), &event.facets()));
            let mut expected: Vec<&Event> = matching.collect();
            for order in [Order::Newest, Order::Oldest] {
                let mut page = Page { filter: filter.clone(), order, limit: 7, ..Page::default() };
                let mut found = Vec::new();
                loop {
                    let more = database.page(page.clone()).await.unwrap();
                    assert_eq!(more.len(), (expected.len() - found.len()).min(7), "{parameters:?}");
                    let Some(last) = more.last() else { break };
                    page.behind = Some(last.position);
                    found.extend(more);
                    assert!(found.len() <= events.len(), "{parameters:?}");
                }
                let found: Vec<_> = found.iter().map(|found| &found.event).collect();
                assert_eq!(found, expected, "{parameters:?}, {order:?}");
                expected.reverse();
            }
        }
    });
}

#[test]
fn a_command_is_found_with_how_it_ended() {
    in_both(async |database| {
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        appender.append(&some(0..3)).await.unwrap();
        appender.append(&[end(1, 7)]).await.unwrap();
        let found = found(&database, Filter::default()).await;
        let exits: Vec<_> = found
            .iter()
            .filter_map(|found| match &found.event {
                Event::Command(command) => Some(command.result.exit_code),
                Event::CommandEnd(_)
                | Event::Kube(_)
                | Event::Connection(_)
                | Event::Subject(_)
                | Event::AgentStatusChange(_) => None,
            })
            .collect();
        assert_eq!(exits, [None, Some(7), None]);
    });
}

#[test]
fn what_is_there_is_not_written_again() {
    in_both(async |database| {
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        let twice = [some(0..5), some(3..8)].concat();
        assert_eq!(appender.append(&twice).await.unwrap().len(), 8);
        let mut other = Appender::begin(&database, Time(0)).await.unwrap();
        assert_eq!(other.append(&some(0..9)).await.unwrap().len(), 1);
        assert_eq!(appender.append(&some(0..9)).await.unwrap(), []);
        assert_eq!((appender.head().seq, other.head().seq), (8, 1));
    });
}

/// Exports everything, and checks it.
async fn verified(database: &Database) -> (Verified, Vec<Defect>) {
    let (mut verifier, mut cursor, mut defects) = (Verifier::default(), Cursor::new(), Vec::new());
    let mut check = |line: Line| defects.extend(verifier.line(&serde_json::to_string(&line).unwrap()));
    for checkpoint in database.checkpoints().await.unwrap() {
        check(Line::Checkpoint { checkpoint });
    }
    loop {
        let rows = database.after(&cursor, 7).await.unwrap();
        if rows.is_empty() {
            break;
        }
        for row in rows {
            cursor.insert(row.head.writer, row.head.seq);
            check(Line::Row(row));
        }
    }
    let (verified, more) = verifier.finish();
    defects.extend(more);
    (verified, defects)
}

#[test]
fn an_export_is_verified_also_where_content_is_gone() {
    in_both(async |database| {
        let key = SigningKey::from_bytes(&[7; 32]);
        let mut writers = Vec::new();
        for _ in 0..2 {
            writers.push(Appender::begin(&database, Time(0)).await.unwrap());
        }
        writers[0].append(&some(0..20)).await.unwrap();
        writers[1].append(&some(20..30)).await.unwrap();
        database.sign(Time(1), &key).await.unwrap();
        writers[0].append(&some(30..35)).await.unwrap();
        assert!(database.erase(Log::Command, "command-3").await.unwrap());
        assert!(!database.erase(Log::Command, "command-3").await.unwrap(), "it is gone");
        assert!(!database.erase(Log::Kube, "command-4").await.unwrap());
        let (verified, defects) = verified(&database).await;
        assert_eq!(defects, []);
        assert_eq!((verified.rows, verified.erased, verified.unsigned, verified.writers), (35, 1, 5, 2));
        for gone in [
            &[("commandSearch", "unit-3 ")][..],
            &[("startTimestamp", "1970-01-01T00:00:03Z"), ("endTimestamp", "1970-01-01T00:00:03Z")],
        ] {
            assert_eq!(found(&database, filter(gone)).await, []);
        }
    });
}

#[test]
fn a_cursor_misses_nothing_of_those_who_write_at_once() {
    in_both(async |database| {
        let writing: Vec<_> = (0..3)
            .map(|writer| {
                let database = database.clone();
                tokio::spawn(async move {
                    let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
                    for round in 0..10 {
                        let first = writer * 1000 + round * 5;
                        appender.append(&some(first..first + 5)).await.unwrap();
                    }
                })
            })
            .collect();
        let (mut cursor, mut seen) = (Cursor::new(), BTreeSet::new());
        while seen.len() < 150 {
            for row in database.after(&cursor, 4).await.unwrap() {
                let seq = cursor.insert(row.head.writer, row.head.seq).unwrap_or(0);
                assert_eq!(seq + 1, row.head.seq, "one after the other");
                assert!(seen.insert(row.content.unwrap()["id"].to_string()), "each once");
            }
        }
        for writing in writing {
            writing.await.unwrap();
        }
    });
}

#[test]
fn the_database_itself_refuses_to_change_what_is_written() {
    in_both(async |database| {
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        appender.append(&some(0..3)).await.unwrap();
        database.sign(Time(1), &SigningKey::from_bytes(&[7; 32])).await.unwrap();
        let delete =
            Query::delete().from_table(Events::Table).and_where(Expr::col(Events::Seq).eq(2)).to_owned();
        let refused = database.writing().await.unwrap().run(&delete).await;
        assert!(matches!(&refused, Err(StoreError::Database { .. })), "{refused:?}");
        for (column, value) in [
            (Events::Content, Expr::val("{}")),
            (Events::Hash, Expr::val(vec![0_u8; 32])),
            (Events::Time, Expr::val(7)),
            (Events::Seq, Expr::val(9)),
            (Events::Id, Expr::val("other")),
            (Events::SubjectName, Expr::val(1)),
        ] {
            let update = Query::update().table(Events::Table).value(column, value).to_owned();
            let refused = database.writing().await.unwrap().run(&update).await;
            assert!(matches!(&refused, Err(StoreError::Database { .. })), "{refused:?}");
        }
        let whole =
            ["TRUNCATE events CASCADE", "DROP TRIGGER events_stay ON events", "DROP TABLE events CASCADE"];
        for statement in whole.into_iter().filter(|_| !database.is_sqlite()) {
            let refused = database.writing().await.unwrap().run_text(statement.into(), Vec::new()).await;
            assert!(matches!(&refused, Err(StoreError::Database { .. })), "{statement}: {refused:?}");
        }
        let (verified, defects) = verified(&database).await;
        assert_eq!((verified.rows, verified.unsigned, defects), (3, 0, Vec::new()));
    });
}

#[test]
fn texts_that_wait_for_their_index_are_found_all_the_same() {
    in_both(async |database| {
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        // Few are in the index at once.
        appender.append(&some(0..100)).await.unwrap();
        assert!(!appender.texts_wait());
        appender.append(&some(100..1500)).await.unwrap();
        assert_eq!(appender.texts_wait(), database.is_sqlite());
        appender.append(&some(1500..1510)).await.unwrap();
        let numbers = async |text: &str| {
            let found = found(&database, filter(&[("commandSearch", text)])).await;
            let mut ids: Vec<_> = found.iter().map(|found| found.event.id().to_owned()).collect();
            ids.sort();
            ids
        };
        let head = async || texts::head(&mut database.reading().await.unwrap()).await.unwrap();
        let (mut rounds, mut steps) = (0, 0);
        loop {
            assert_eq!(numbers("unit-1234").await, ["command-1234"]);
            assert_eq!(numbers("unit-77 ").await, ["command-77"]);
            assert_eq!(numbers("unit-150").await.len(), 11);
            assert_eq!(numbers("nobody has this").await, [""; 0]);
            // One that is in the index by then, and one that is not.
            let erased = database.erase(Log::Command, &format!("command-{}", 140 + rounds)).await.unwrap();
            assert!(
                erased && database.erase(Log::Command, &format!("command-{}", 1499 - rounds)).await.unwrap()
            );
            if !appender.texts_wait() {
                break;
            }
            let before = head().await;
            appender.index_texts().await.unwrap();
            rounds += 1;
            // Otherwise parts were merged that were due.
            steps += i32::from(head().await > before);
        }
        assert_eq!(steps, if database.is_sqlite() { 3 } else { 0 });
        merge::check(&database).await;
    });
}

#[test]
fn names_are_offered_to_whoever_begins_to_type_one() {
    in_both(async |database| {
        let asked = |facet, part: &str, limit| Names {
            logs: vec![Log::Command, Log::Kube],
            facet,
            part: part.into(),
            of: None,
            limit,
            within: Duration::from_secs(5),
        };
        let values =
            async |facet, part: &str, limit| database.values(asked(facet, part, limit)).await.unwrap();
        assert_eq!(values(Facet::SubjectName, "", 9).await, Vec::<String>::new());
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        appender.append(&some(0..30)).await.unwrap();
        appender.append(&[command(99, "Ali@web.org", "x", "%", "ls")]).await.unwrap();
        let found = values(Facet::SubjectName, "", 9).await;
        assert_eq!(found, ["Ali@web.org", "alice@org.com", "bob@org.com", "root@org.com"]);
        assert_eq!(values(Facet::SubjectName, "ALI", 9).await, ["Ali@web.org", "alice@org.com"]);
        assert_eq!(
            values(Facet::SubjectName, "r", 3).await,
            ["root@org.com", "Ali@web.org", "alice@org.com"]
        );
        assert_eq!(values(Facet::TargetName, "b", 9).await, ["db-1", "web-1"]);
        assert_eq!(values(Facet::TargetUser, "%", 9).await, ["%"]);
        let of_kube = Names { logs: vec![Log::Kube], ..asked(Facet::TargetUser, "", 9) };
        assert_eq!(database.values(of_kube).await.unwrap(), Vec::<String>::new());
        for (of, expected) in [("id of alice@org.com", &["alice@org.com"][..]), ("nobody", &[])] {
            let own = Names { of: Some(of.into()), ..asked(Facet::SubjectName, "", 9) };
            assert_eq!(database.values(own).await.unwrap(), expected);
        }
        assert!(database.erase(Log::Command, "command-99").await.unwrap());
        assert_eq!(values(Facet::TargetUser, "%", 9).await, Vec::<String>::new(), "nothing has it any more");
    });
}

#[test]
fn hostile_texts_are_kept_and_found() {
    in_both(async |database| {
        let mut appender = Appender::begin(&database, Time(0)).await.unwrap();
        let lines = [
            "'; DROP TABLE events; --",
            "\"\"\" OR 1",
            "a\0b\0c",
            "İstanbul ẞ",
            "\u{1b}]0;x\u{7}",
            "%%%",
            "日本語の文",
            "* NEAR(",
        ];
        let events: Vec<_> = lines
            .iter()
            .zip(0..)
            .map(|(line, number)| command(number, "alice@org.com", line, "root", line))
            .collect();
        appender.append(&events).await.unwrap();
        let Event::Command(mut nul) = events[2].clone() else { panic!("a command") };
        nul.id = "a\0b".into();
        assert_eq!(appender.append(&[Event::Command(nul.clone())]).await.unwrap().len(), 1);
        assert_eq!(appender.append(&[Event::Command(nul)]).await.unwrap().len(), 0);
        assert!(database.erase(Log::Command, "a\0b").await.unwrap());
        for (line, event) in lines.iter().zip(&events) {
            let wanted = Filter { search: Some((*line).into()), ..Filter::default() };
            let found = found(&database, wanted).await;
            assert_eq!(found.len(), 1, "{line:?}: {found:?}");
            assert_eq!(&found[0].event, event);
        }
        assert_eq!(verified(&database).await.1, []);
    });
}

#[test]
fn what_is_no_database_is_refused_without_its_password() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let refused = runtime.block_on(Database::open("mysql://root:secret@host/db")).unwrap_err();
    assert_eq!(refused.to_string(), "`mysql` is no database: it has to begin with `sqlite:` or `postgres:`");
}
