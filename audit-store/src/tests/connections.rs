//! Who is where.

mod million;

use std::collections::BTreeSet;

use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{ConnectionState, ConnectionType, Place, Standing, Subject, SubjectType};
use uuid::Uuid;

use super::{filter, in_both};
use crate::connections::{Before, Connection, NewConnection, Opened, Which};
use crate::{Connections, Database};

const LEASE: i64 = Connections::LEASE.as_secs().cast_signed() * 1_000_000;

fn new(number: u128, who: &str, target: &str, account: &str) -> NewConnection {
    NewConnection {
        id: Uuid::from_u128(number),
        state: ConnectionState::Open,
        subject: Subject {
            subject_id: format!("id of {who}"),
            subject_type: SubjectType::User,
            subject_name: who.into(),
            is_admin: who == "root@org.com",
            ip_address: Some("203.0.113.7".into()),
        },
        place: Place {
            target_id: format!("id of {target}"),
            target_type: if target == "eks" { ConnectionType::Cluster } else { ConnectionType::Shell },
            target_name: target.into(),
            target_user: account.into(),
            environment_id: "n/a".into(),
            environment_name: "prod".into(),
        },
        space_id: None,
        space_name: None,
        known_by: Some("login".into()),
        // Pairs begin at the same moment.
        started: Time(i64::try_from(number).unwrap() / 2 * 1_000_000),
    }
}

async fn opened(connections: &Connections, number: u128) -> Connection {
    match connections.open(new(number, "a@org.com", "web-1", "root"), Time(0)).await.unwrap() {
        Opened::New(connection) => connection,
        other @ (Opened::Same(_) | Opened::Different(_)) => panic!("{other:?}"),
    }
}

/// Does something several times at once, as several servers do.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    database: &Database,
    action: impl Fn(Connections) -> F,
) -> Vec<T> {
    let doing: Vec<_> = (0..4).map(|_| tokio::spawn(action(Connections::new(database)))).collect();
    let mut done = Vec::new();
    for doing in doing {
        done.push(doing.await.unwrap());
    }
    done
}

#[test]
fn a_connection_is_opened_once() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        let all = at_once(&database, |connections| async move {
            connections.open(new(1, "a@org.com", "web-1\0", "root"), Time(5)).await.unwrap()
        });
        let all = all.await;
        let news = all.iter().filter(|opened| matches!(opened, Opened::New(_))).count();
        let sames = all.iter().filter(|opened| matches!(opened, Opened::Same(_))).count();
        assert_eq!((news, sames), (1, 3), "{all:?}");
        let there = connections.get(Uuid::from_u128(1)).await.unwrap().unwrap();
        let wanted = new(1, "a@org.com", "web-1\u{fffd}", "root");
        assert_eq!((there.subject(), there.place()), (wanted.subject, wanted.place));
        assert_eq!((there.created, there.is_living(), there.is_inactive()), (Time(5), true, true));
        for other in [
            new(1, "b@org.com", "web-1\0", "root"),
            new(1, "a@org.com", "web-2", "root"),
            new(1, "a@org.com", "web-1\0", "app"),
            NewConnection { started: Time(9), ..new(1, "a@org.com", "web-1\0", "root") },
            NewConnection { space_name: Some("s".into()), ..new(1, "a@org.com", "web-1\0", "root") },
        ] {
            let opened = connections.open(other.clone(), Time(6)).await.unwrap();
            assert!(matches!(opened, Opened::Different(_)), "{other:?}");
        }
        // Ids are ours, and may be others by then.
        let mut same = new(1, "a@org.com", "web-1\0", "root");
        same.subject.subject_id = "another".into();
        connections.end(there.id, ConnectionState::Closed, None, Time(7)).await.unwrap();
        let opened = connections.open(same, Time(8)).await.unwrap();
        assert!(matches!(opened, Opened::Same(there) if !there.is_living()));
    });
}

#[test]
fn one_that_is_asked_for_is_open_once_it_is_there() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        let state = ConnectionState::Pending;
        let wanted = NewConnection { state, ..new(1, "a@org.com", "web-1", "root") };
        connections.open(wanted, Time(0)).await.unwrap();
        let id = Uuid::from_u128(1);
        let established = connections.establish(id, Time(1)).await.unwrap().unwrap();
        assert_eq!(established.state, ConnectionState::Open);
        assert_eq!(connections.establish(id, Time(1)).await.unwrap(), None);
    });
}

#[test]
fn a_lease_is_renewed_and_what_is_silent_is_closed_once() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        let (silent, heard) = (opened(&connections, 1).await, opened(&connections, 2).await);
        let mut now = 0;
        // However often it is heard of, it lives for at least a lease afterwards.
        for step in [1, LEASE / 2, LEASE / 3, LEASE - 1, LEASE] {
            now += step;
            let there = connections.touch(heard.id, Time(now)).await.unwrap().unwrap();
            assert!(there.lease.0 - now >= LEASE, "{step}");
        }
        assert_eq!(connections.touch(Uuid::nil(), Time(now)).await.unwrap(), None);
        let all = at_once(&database, move |connections| async move {
            connections.end_lapsed("lease expired", Time(now)).await.unwrap()
        });
        let ended: Vec<Connection> = all.await.into_iter().flatten().collect();
        assert_eq!(ended.iter().map(|ended| ended.id).collect::<Vec<_>>(), [silent.id]);
        let gone = connections.touch(silent.id, Time(now)).await.unwrap().unwrap();
        assert_eq!(gone, ended[0], "it does not live again");
        assert_eq!((gone.state, gone.reason.as_deref()), (ConnectionState::Closed, Some("lease expired")));
        // Who wanted it closed is why.
        let which = Which::One(heard.id);
        connections.ask_to_close(which, "admin@org.com", "admin@org.com closed it", Time(now)).await.unwrap();
        let ended = connections.end_lapsed("lease expired", Time(now + 2 * LEASE)).await.unwrap();
        assert_eq!(ended[0].reason.as_deref(), Some("admin@org.com closed it"));
    });
}

#[test]
fn clients_are_counted_once_each() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        let id = opened(&connections, 1).await.id;
        let counted =
            at_once(
                &database,
                move |connections| async move { connections.attach(id, "event 1").await.unwrap() },
            );
        assert_eq!(counted.await.iter().filter(|counted| **counted).count(), 1);
        let clients = async || connections.get(id).await.unwrap().unwrap().clients;
        assert_eq!(clients().await, 1);
        assert!(connections.attach(id, "event 2").await.unwrap());
        assert!(!connections.get(id).await.unwrap().unwrap().is_inactive());
        for (mark, is_counted, left) in
            [("event 3", true, 1), ("event 3", false, 1), ("event 4", true, 0), ("event 5", true, 0)]
        {
            assert_eq!(connections.detach(id, mark).await.unwrap(), is_counted, "{mark}");
            assert_eq!(clients().await, left, "{mark}");
        }
        assert!(connections.attach(id, "event 6").await.unwrap());
        let ended = connections.end(id, ConnectionState::Closed, None, Time(9)).await.unwrap().unwrap();
        assert_eq!(ended.clients, 0);
        assert!(!connections.attach(id, "event 7").await.unwrap(), "it is over");
        assert!(!connections.attach(Uuid::nil(), "event 8").await.unwrap());
    });
}

#[test]
fn who_wants_it_closed_is_told_to_whoever_carries_it() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        for (number, who, target) in
            [(1, "a", "web-1"), (2, "a", "web-2"), (3, "b", "web-1"), (4, "b", "web-2"), (5, "a", "web-1")]
        {
            connections.open(new(number, who, target, "root"), Time(0)).await.unwrap();
        }
        connections.end(Uuid::from_u128(5), ConnectionState::Closed, None, Time(1)).await.unwrap();
        let ask = async |which: Which<'_>, by: &str| {
            let asked = connections.ask_to_close(which, by, &format!("{by} said so"), Time(2)).await.unwrap();
            let mut asked: Vec<_> = asked.iter().map(|asked| asked.id.as_u128()).collect();
            asked.sort_unstable();
            asked
        };
        assert_eq!(ask(Which::One(Uuid::from_u128(1)), "x").await, [1]);
        assert_eq!(ask(Which::OfSubject("id of a"), "y").await, [2], "of those not asked before");
        assert_eq!(ask(Which::ToTarget("id of web-1"), "z").await, [3]);
        assert_eq!(ask(Which::One(Uuid::from_u128(5)), "x").await, Vec::<u128>::new(), "it is over");
        let request = async |number| {
            let there = connections.touch(Uuid::from_u128(number), Time(3)).await.unwrap().unwrap();
            there.close_request().map(|request| (request.by, request.reason, request.asked))
        };
        assert_eq!(request(1).await, Some(("x".into(), "x said so".into(), Time(2))));
        assert_eq!(request(3).await.unwrap().0, "z");
        assert_eq!(request(4).await, None);
    });
}

#[test]
fn a_connection_ends_once_and_its_end_is_not_forgotten() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        let (first, second) = (opened(&connections, 1).await.id, opened(&connections, 2).await.id);
        let ended = at_once(&database, move |connections| async move {
            connections.end(first, ConnectionState::Error, Some("it broke"), Time(5)).await.unwrap()
        });
        let ended: Vec<Connection> = ended.await.into_iter().flatten().collect();
        assert_eq!(ended.len(), 1);
        let there = connections.get(first).await.unwrap().unwrap();
        assert_eq!(there, ended[0]);
        assert_eq!((there.state, there.ended), (ConnectionState::Error, Some(Time(5))));
        assert_eq!(there.reason.as_deref(), Some("it broke"));
        connections.end(second, ConnectionState::Closed, None, Time(4)).await.unwrap();
        let ids = async |before, limit| {
            let found = connections.unannounced(Time(before), limit).await.unwrap();
            found.iter().map(|found| found.id).collect::<Vec<_>>()
        };
        assert_eq!(ids(6, 9).await, [second, first]);
        assert_eq!((ids(5, 9).await, ids(6, 1).await), (vec![second], vec![second]));
        connections.announced(&[second]).await.unwrap();
        assert_eq!(ids(6, 9).await, [first]);
        connections.announced(&[]).await.unwrap();
    });
}

/// Connections of three people to three targets as three accounts, in each state.
async fn some(connections: &Connections) -> Vec<Connection> {
    let pick = |names: &[&'static str], number: u128| names[usize::try_from(number).unwrap() % names.len()];
    for number in 0..120 {
        let who = pick(&["a@org.com", "b@org.com", "root@org.com"], number);
        let (target, account) =
            (pick(&["web-1", "db-1", "eks"], number / 2), pick(&["root", "app"], number / 5));
        let state = if number % 7 == 0 { ConnectionState::Pending } else { ConnectionState::Open };
        let wanted = NewConnection { state, ..new(number, who, target, account) };
        connections.open(wanted, Time(0)).await.unwrap();
        let id = Uuid::from_u128(number);
        match number % 5 {
            0 => drop(connections.end(id, ConnectionState::Closed, None, Time(1)).await.unwrap()),
            1 => drop(connections.end(id, ConnectionState::Error, None, Time(1)).await.unwrap()),
            2 => assert!(connections.attach(id, "event").await.unwrap()),
            _ => {}
        }
    }
    let mut all = Vec::new();
    for number in (0..120).rev() {
        all.push(connections.get(Uuid::from_u128(number)).await.unwrap().unwrap());
    }
    all
}

fn matches(standings: &BTreeSet<Standing>, filter: &Filter, connection: &Connection) -> bool {
    let any = |wanted: &BTreeSet<String>, has: &str| wanted.is_empty() || wanted.contains(has);
    let stands = |standing: &Standing| {
        connection.state.name() == standing.name()
            || (*standing == Standing::Inactive && connection.is_inactive())
    };
    (standings.is_empty() || standings.iter().any(stands))
        && any(&filter.subject_names, &connection.subject_name)
        && any(&filter.subject_ids, &connection.subject_id)
        && any(&filter.target_names, &connection.target_name)
        && any(&filter.target_types, connection.kind.name())
        && any(&filter.target_users, &connection.target_user)
        && any(&filter.connection_ids, &connection.id.to_string())
        && filter.start.is_none_or(|start| connection.started >= start)
        && filter.end.is_none_or(|end| connection.started <= end)
        && filter.is_admin.is_none_or(|is_admin| connection.is_admin == is_admin)
}

#[test]
fn a_list_is_what_the_filter_matches_the_latest_first() {
    in_both(async |database| {
        let connections = Connections::new(&database);
        let all = some(&connections).await;
        for (states, parameters) in [
            (&[][..], &[][..]),
            (&["Open"], &[]),
            (&["inactive"], &[]),
            (&["Pending", "Error"], &[("userNames", "a@org.com")]),
            (&["Open", "Inactive", "Closed"], &[("targetNames", "web-1,eks"), ("targetUsers", "root")]),
            (&[], &[("subjectIds", "id of b@org.com"), ("targetTypes", "cluster")]),
            (
                &["Closed"],
                &[("startTimestamp", "1970-01-01T00:00:10Z"), ("endTimestamp", "1970-01-01T00:00:40Z")],
            ),
            (&[], &[("isAdmin", "true"), ("targetNames", "db-1")]),
            (&["Open"], &[("connectionIds", "00000000-0000-0000-0000-000000000003")]),
            (&[], &[("userNames", "nobody@org.com")]),
        ] {
            let standings: BTreeSet<Standing> = states.iter().map(|state| state.parse().unwrap()).collect();
            let filter = filter(parameters);
            let expected: Vec<_> =
                all.iter().filter(|connection| matches(&standings, &filter, connection)).cloned().collect();
            assert!(!expected.is_empty() || parameters.iter().any(|(_, value)| value.contains("nobody")));
            let (mut found, mut before) = (Vec::new(), None);
            loop {
                let page = connections.list(&standings, &filter, before, 7).await.unwrap();
                let Some(last) = page.last() else { break };
                before = Some(Before::from(last));
                found.extend(page);
                assert!(found.len() <= all.len(), "{states:?} {parameters:?}");
            }
            assert_eq!(found, expected, "{states:?} {parameters:?}");
        }
        for nothing in [("search", "x"), ("serviceActions", "x"), ("evaluation", "true")] {
            let found = connections.list(&BTreeSet::new(), &filter(&[nothing]), None, 7).await.unwrap();
            assert_eq!(found, [], "{nothing:?}");
        }
    });
}
