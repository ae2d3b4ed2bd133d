//! Databases of earlier and later versions.

use casemate_audit_log::Time;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use super::{some, verified};
use crate::connections::Listed;
use crate::database::{MIGRATIONS, Text};
use crate::{Appender, Connections, Database, StoreError};

/// With the address of either database, whose tables are ours.
fn in_both<F: Future<Output = ()>>(test: impl Fn(String) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let folder = tempfile::tempdir().unwrap();
    runtime.block_on(test(format!("sqlite:{}", folder.path().join("audit.db").display())));
    if let Some(server) = casemate_scratch_postgres::shared() {
        runtime.block_on(test(server.database()));
    }
}

/// All migrations that there are, and more.
fn with_more(more: &[&'static str]) -> Vec<Text> {
    let ours = MIGRATIONS.iter().map(|Text { sqlite, postgres }| Text { sqlite, postgres });
    ours.chain(more.iter().map(|text| Text { sqlite: text, postgres: text })).collect()
}

#[test]
fn what_is_missing_is_made_and_what_is_there_stays() {
    in_both(async |url| {
        let database = Database::open(&url).await.unwrap();
        let events = some(0..20);
        Appender::begin(&database, Time(0)).await.unwrap().append(&events).await.unwrap();
        let third = "CREATE TABLE third (number BIGINT); INSERT INTO third SELECT number FROM second";
        let second = "CREATE TABLE second (number BIGINT); INSERT INTO second VALUES (2)";
        let all = with_more(&[second, third]);
        database.migrate(&all[..all.len() - 1]).await.unwrap();
        // And again, when there is nothing to do.
        database.migrate(&all[..all.len() - 1]).await.unwrap();
        database.migrate(&all).await.unwrap();
        let mut work = database.reading().await.unwrap();
        let select = sea_query::Query::select().column("number").from("third").to_owned();
        assert_eq!(work.rows::<(i64,)>(&select).await.unwrap(), [(2,)]);
        drop(work);
        let (verified, defects) = verified(&database).await;
        assert_eq!((verified.rows, defects), (20, Vec::new()));
        // It is too new for who knows less.
        let error = Database::open(&url).await.unwrap_err();
        let StoreError::Version { found, known } = error else { panic!("{error}") };
        assert_eq!((found, known), (known + 2, i64::try_from(MIGRATIONS.len()).unwrap()));
    });
}

#[test]
fn a_migration_that_fails_leaves_all_as_it_was() {
    in_both(async |url| {
        let database = Database::open(&url).await.unwrap();
        let broken = with_more(&["CREATE TABLE second (number BIGINT)", "INSERT INTO nowhere VALUES (1)"]);
        let error = database.migrate(&broken).await.unwrap_err();
        assert!(error.to_string().starts_with("the tables cannot be made"), "{error}");
        // The one before it is taken back as well.
        let database = Database::open(&url).await.unwrap();
        database.migrate(&broken[..broken.len() - 1]).await.unwrap();
    });
}

#[test]
fn of_those_that_begin_at_once_one_makes_the_tables() {
    in_both(async |url| {
        // SQLite refuses one in twenty times, if nobody asks again.
        let files = if url.starts_with("sqlite:") { 60 } else { 1 };
        for file in (0..files).rev() {
            let url = if file == 0 { url.clone() } else { format!("{url}{file}") };
            let beginning = (0..8).map(|_| {
                let url = url.clone();
                tokio::spawn(async move { Database::open(&url).await.map(drop) })
            });
            for begun in beginning.collect::<Vec<_>>() {
                begun.await.unwrap().unwrap();
            }
        }
    });
}

#[test]
fn whose_the_tables_are_not_is_told_who_has_to_bring_them_up_to_date() {
    super::with_both(|runtime, url| {
        if url.starts_with("sqlite:") {
            return;
        }
        runtime.block_on(async {
            let database = Database::open(url).await.unwrap();
            let all = with_more(&["ALTER TABLE events ADD COLUMN more BIGINT"]);
            let error = database.migrate(&all).await.unwrap_err().to_string();
            assert!(
                error.contains("start the server once with the address of the role that owns them"),
                "{error}"
            );
        });
    });
}

#[test]
fn connections_of_before_are_found_by_their_texts() {
    in_both(async |url| {
        let version = "CREATE TABLE casemate_version (version BIGINT NOT NULL); INSERT INTO casemate_version VALUES (2);";
        let rows = "INSERT INTO connections (id, kind, state, subject_id, subject_type, subject_name, is_admin, target_id, target_name,
                target_user, environment_id, environment_name, space_name, started, created, ended, clients, lease, reason)
            VALUES ('00000000-0000-0000-0000-00000000000a', 'SHELL', 'Closed', '1', 'User', 'Alice@org.com', 0, '2', 'web-1',
                'root', '3', 'n/a', 'Unit', 5, 5, 6, 0, 0, 'it was Enough');
            INSERT INTO recordings (id, form, subject_id, created, input_recorded) VALUES (";
        let id = "0000000000000000000000000000000a";
        let recording = "'cast', '1', 5, 0)";
        if url.starts_with("sqlite:") {
            let address = format!("{url}?mode=rwc");
            let mut connection = sqlx::SqliteConnection::connect(&address).await.unwrap();
            for Text { sqlite, .. } in &MIGRATIONS[..2] {
                connection.execute(*sqlite).await.unwrap();
            }
            let rows = format!("PRAGMA user_version = 2; {rows}x'{id}', {recording}");
            connection.execute(AssertSqlSafe(rows)).await.unwrap();
        } else {
            let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
            for Text { postgres, .. } in &MIGRATIONS[..2] {
                connection.execute(*postgres).await.unwrap();
            }
            let rows = format!("{version} {rows}'\\x{id}', {recording}");
            connection.execute(AssertSqlSafe(rows)).await.unwrap();
        }
        let connections = Connections::new(&Database::open(&url).await.unwrap());
        for (search, number) in [("alice", 1), ("UNIT", 1), ("was enough", 1), ("n/a", 0)] {
            let filter = super::filter(&[("search", search)]);
            let listed = Listed { filter, are_recorded: true, limit: 9, ..Listed::default() };
            assert_eq!(connections.list(&listed).await.unwrap().len(), number, "{search}");
        }
    });
}

#[test]
fn nobody_else_reads_the_files_of_a_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let file = folder.path().join("audit.db");
    let url = format!("sqlite:{}", file.display());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let modes = || {
        let names = ["audit.db", "audit.db-wal", "audit.db-shm"];
        names.map(|name| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777)
    };
    runtime.block_on(async {
        let database = Database::open(&url).await.unwrap();
        Appender::begin(&database, Time(0)).await.unwrap().append(&some(0..3)).await.unwrap();
        assert_eq!(modes(), [0o600; 3]);
        // Of one that was made by an earlier version, while somebody else has it open.
        for name in ["audit.db", "audit.db-wal", "audit.db-shm"] {
            let path = folder.path().join(name);
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644)).unwrap();
        }
        let again = Database::open(&url).await.unwrap();
        assert_eq!(modes(), [0o600; 3]);
        drop((database, again));
    });
}
