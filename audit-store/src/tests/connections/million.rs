//! How long lists of a million connections take, and counting those of them that were recorded, 100 000:
//! `cargo test --release -p casemate-audit-store million -- --ignored --nocapture`.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use casemate_audit_log::model::Standing;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, SqliteConnection};

use super::super::filter;
use crate::connections::{Behind, By, Listed};
use crate::{Connections, Database};

const COUNT: i64 = 1_000_000;

/// A page at most.
const GOAL: Duration = Duration::from_millis(50);

/// One person, one target and one account have much of it; a person has one, the oldest.
fn fill(id: &str) -> String {
    format!(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {COUNT} - 1)
        INSERT INTO connections (id, kind, state, subject_id, subject_type, subject_name, is_admin, target_id,
            target_name, target_user, environment_id, environment_name, ip_address, space_name, started, created, ended,
            clients, lease, is_recorded, \"text\")
        SELECT {id}, CASE WHEN i % 20 = 0 THEN 'CLUSTER' ELSE 'SHELL' END,
            CASE WHEN i > {COUNT} - 20 THEN 'Pending' WHEN i > {COUNT} - 3000 THEN 'Open'
                WHEN i % 1000 = 0 THEN 'Error' ELSE 'Closed' END,
            'id of ' || who, 'User', who, 0, 'id of ' || target, target, account, 'n/a',
            CASE WHEN i = 9 THEN 'rare' ELSE 'prod' END, CASE WHEN i = 7 THEN '192.0.2.1' ELSE '203.0.113.' || (i % 200) END,
            CASE WHEN i = 11 THEN 'rare' WHEN i % 2 = 0 THEN 'unit' END, i * 1000000, 0,
            CASE WHEN i > {COUNT} - 3000 THEN NULL ELSE i * 1000000 + 1 END,
            CASE WHEN i > {COUNT} - 3000 THEN i % 2 ELSE 0 END, 0, CASE WHEN i % 10 = 0 THEN 1 ELSE 0 END,
            who || ' ' || target || ' ' || account || ' prod'
        FROM (SELECT i,
            CASE WHEN i = 5 THEN 'rare@org.com' WHEN i % 10 < 3 THEN 'alice@org.com'
                ELSE 'user-' || (i * 7919 % 500) END AS who,
            CASE WHEN i % 4 = 1 THEN 'bastion' ELSE 'web-' || (i * 104729 % 1000) END AS target,
            CASE WHEN i % 3 = 0 THEN 'root' ELSE 'u' || (i % 50) END AS account FROM n) AS named"
    )
}

async fn measure(database: &Database) -> Vec<String> {
    let connections = Connections::new(database);
    let mut slow = Vec::new();
    for (states, parameters, is_deep) in [
        (&[][..], &[][..], false),
        (&[], &[], true),
        (&["Pending"], &[], false),
        (&["Open"], &[], false),
        (&["Inactive"], &[], false),
        (&["Closed"], &[], false),
        (&["Error"], &[], false),
        (&["Open", "Closed"], &[], false),
        (&["Open"], &[("subjectNames", "rare@org.com")], false),
        (&["Inactive"], &[("subjectNames", "alice@org.com"), ("targetNames", "web-7")], false),
        (&["Closed"], &[("subjectNames", "rare@org.com")], false),
        (&["Error"], &[("subjectNames", "alice@org.com")], false),
        (&["Error"], &[("subjectNames", "user-7")], false),
        (&[], &[("subjectNames", "alice@org.com")], false),
        (&[], &[("subjectNames", "alice@org.com")], true),
        (&[], &[("subjectIds", "id of user-7")], false),
        (&[], &[("targetNames", "bastion")], true),
        (&[], &[("targetIds", "id of web-7")], false),
        (&[], &[("targetUsers", "root")], true),
        (&[], &[("targetUsers", "u7")], false),
        (&[], &[("subjectNames", "alice@org.com"), ("targetNames", "bastion")], true),
        (&[], &[("subjectNames", "rare@org.com"), ("targetNames", "bastion")], false),
        (&[], &[("subjectNames", "alice@org.com"), ("targetUsers", "root")], false),
        (&[], &[("targetNames", "bastion"), ("targetUsers", "u7")], false),
        (&[], &[("subjectNames", "alice@org.com,user-7")], false),
        (&[], &[("subjectNames", "rare@org.com,user-7")], false),
        (&[], &[("ipAddresses", "192.0.2.1")], false),
        (&[], &[("ipAddresses", "203.0.113.7")], true),
        (&[], &[("spaceNames", "rare")], false),
        (&[], &[("spaceNames", "unit")], true),
        (&[], &[("environmentNames", "rare")], false),
        (&[], &[("environmentNames", "prod")], true),
        (&[], &[("targetTypes", "CLUSTER")], false),
        (&[], &[("targetTypes", "RDP")], false),
        (&[], &[("targetTypes", "SHELL,CLUSTER")], true),
        (&[], &[("subjectTypes", "ApiKey")], false),
        (&[], &[("isAdmin", "true")], false),
        (&[], &[("search", "alice")], true),
        (&[], &[("search", "rare@")], false),
        (&[], &[("search", "nobody")], false),
        (&[], &[("search", "nobody"), ("subjectNames", "alice@org.com")], false),
        (&[], &[("startTimestamp", "1970-01-03T00:00:00Z"), ("endTimestamp", "1970-01-03T01:00:00Z")], false),
    ] {
        let standings: BTreeSet<Standing> = states.iter().map(|state| state.parse().unwrap()).collect();
        let filter = filter(parameters);
        let middle = casemate_audit_log::Time(COUNT / 2 * 1_000_000);
        let behind = is_deep.then(|| Behind { started: middle, id: uuid::Uuid::max() });
        let listed = Listed { standings, filter, behind, limit: 100, ..Listed::default() };
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..5 {
            let begin = Instant::now();
            found = connections.list(&listed).await.unwrap().len();
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        let line =
            format!("{:>9.1?} {:>9.1?} {found:>4} {states:?} {parameters:?} {is_deep}", times[2], times[4]);
        println!("{line}");
        // A text is looked for in one after the other.
        let goal = if parameters.iter().any(|(name, _)| *name == "search") { GOAL * 20 } else { GOAL };
        slow.extend((times[2] > goal).then_some(line));
    }
    for (by, parameters) in [
        (By::Subject, &[][..]),
        (By::Target, &[]),
        (By::Target, &[("subjectNames", "user-7")]),
        (By::Target, &[("subjectNames", "alice@org.com")]),
        (By::Subject, &[("targetNames", "bastion")]),
        (By::Subject, &[("environmentNames", "rare")]),
        (By::Subject, &[("targetTypes", "CLUSTER")]),
    ] {
        let listed = Listed { filter: filter(parameters), limit: 101, ..Listed::default() };
        let (mut times, mut found) = (Vec::new(), 0);
        for _ in 0..5 {
            let begin = Instant::now();
            found = connections.groups(by, &listed, None).await.unwrap().len();
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        let line = format!("{:>9.1?} {:>9.1?} {found:>4} {by:?} {parameters:?}", times[2], times[4]);
        println!("{line}");
        slow.extend((times[2] > GOAL * 4).then_some(line));
        // The first few of a page of them.
        let mut groups = connections.groups(by, &listed, None).await.unwrap();
        groups.truncate(20);
        times.clear();
        for _ in 0..5 {
            let begin = Instant::now();
            found = connections.first_of(by, &listed, &groups, 5).await.unwrap().len();
            times.push(begin.elapsed());
        }
        times.sort_unstable();
        let line = format!("{:>9.1?} {:>9.1?} {found:>4} first of {by:?} {parameters:?}", times[2], times[4]);
        println!("{line}");
        slow.extend((times[2] > GOAL).then_some(line));
    }
    slow
}

fn measured(url: &str, fill: impl AsyncFnOnce(&str)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let slow = runtime.block_on(async {
        let database = Database::open(url).await.unwrap();
        fill(url).await;
        measure(&database).await
    });
    assert_eq!(slow, Vec::<String>::new());
}

#[test]
#[ignore = "it measures, and needs minutes of a quiet machine"]
fn sqlite_lists_a_million_connections_page_by_page() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("audit.db").display());
    measured(&url, async |url| {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        let id = "printf('%08x-0000-7000-8000-%012x', i, i)";
        connection.execute(AssertSqlSafe(fill(id))).await.unwrap();
    });
}

#[test]
#[ignore = "it measures, and needs minutes of a quiet machine"]
fn postgresql_lists_a_million_connections_page_by_page() {
    let Some(server) = casemate_scratch_postgres::shared() else { return };
    measured(&server.database(), async |url| {
        let mut connection = PgConnection::connect(url).await.unwrap();
        let id = "lpad(to_hex(i), 8, '0') || '-0000-7000-8000-' || lpad(to_hex(i), 12, '0')";
        let fill = fill(id).replace("SELECT 0 UNION", "SELECT 0::bigint UNION");
        connection.execute(AssertSqlSafe(fill)).await.unwrap();
        // What it does at night by itself: without it an index alone says nothing.
        connection.execute("VACUUM ANALYZE connections").await.unwrap();
    });
}
