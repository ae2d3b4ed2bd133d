//! Who is where.

mod million;

use std::collections::BTreeSet;
use std::ops::Deref;

use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::{
    ConnectionEvent, ConnectionEventType, ConnectionState, ConnectionType, Event, Log, Place, Standing,
    Subject, SubjectType,
};
use casemate_audit_log::{Time, folded};
use uuid::Uuid;

use super::{filter, in_both};
use crate::connections::{By, Connection, Group, Listed, NewConnection, Opened, Which};
use crate::{Batch, Connections, Database, Form, Journal, Mark, NewRecording, Order, Page, Recordings, Step};

const LEASE: i64 = Connections::LEASE.as_secs().cast_signed() * 1_000_000;

pub(super) fn new(number: u128, who: &str, target: &str, account: &str) -> NewConnection {
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

/// A server, of several on one database.
#[derive(Clone)]
struct Server {
    connections: Connections,
    journal: Journal,
}

impl Deref for Server {
    type Target = Connections;

    fn deref(&self) -> &Connections {
        &self.connections
    }
}

impl Server {
    async fn new(database: &Database) -> Self {
        let journal = Journal::open(database, Uuid::now_v7(), Time(0)).await.unwrap();
        Self { connections: Connections::new(database), journal }
    }

    async fn open(&self, new: NewConnection, now: Time) -> Opened {
        let said =
            |there: &Connection| vec![event(&there.id.to_string(), there.id, ConnectionEventType::Created)];
        self.connections.open(&self.journal, new, now, said).await.unwrap()
    }

    async fn opened(&self, number: u128) -> Connection {
        match self.open(new(number, "a@org.com", "web-1", "root"), Time(0)).await {
            Opened::New(connection) => connection,
            other @ (Opened::Same(_) | Opened::Different(_)) => panic!("{other:?}"),
        }
    }

    /// Whether it came to something.
    async fn make(&self, step: Step) -> bool {
        self.journal.write(Batch { steps: vec![step], ..Batch::default() }).await.unwrap() > 0
    }

    async fn end(&self, id: Uuid, state: ConnectionState, reason: Option<&str>, now: i64) -> bool {
        // Whoever says it says it in his own words.
        let said = event(&Uuid::now_v7().to_string(), id, ConnectionEventType::Closed);
        self.make(Connections::ending(id, state, reason, Time(now), vec![said])).await
    }

    async fn attach(&self, id: Uuid, mark: &str) -> bool {
        self.make(Connections::attaching(id, mark)).await
    }

    async fn detach(&self, id: Uuid, mark: &str) -> bool {
        self.make(Connections::detaching(id, mark)).await
    }

    async fn lapse(&self, now: i64) -> Vec<Uuid> {
        let mut ended = Vec::new();
        for there in self.lapsed(Time(now), 100).await.unwrap() {
            let said = event(&Uuid::now_v7().to_string(), there.id, ConnectionEventType::Closed);
            if self.make(Connections::lapsing(there.id, "lease expired", Time(now), vec![said])).await {
                ended.push(there.id);
            }
        }
        ended
    }
}

fn event(id: &str, connection: Uuid, what: ConnectionEventType) -> Event {
    let NewConnection { subject, place, .. } = new(0, "a@org.com", "web-1", "root");
    Event::Connection(Box::new(ConnectionEvent {
        id: id.into(),
        connection_id: connection.to_string(),
        organization_id: "organization".into(),
        timestamp: Time(7),
        subject,
        place,
        session_id: "n/a".into(),
        session_name: "n/a".into(),
        connection_event_type: what,
        reason: None,
        connection_node_id: "n/a".into(),
    }))
}

/// How often something was said of a connection.
async fn said(database: &Database, id: Uuid, what: ConnectionEventType) -> usize {
    let parameters = [("connectionIds", &*id.to_string()), ("connectionEventTypes", what.name())];
    let page = Page { logs: [Log::Connection].into(), filter: filter(&parameters), ..Page::default() };
    database.page(page).await.unwrap().len()
}

/// Does something several times at once, as several servers do.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    database: &Database,
    action: impl Fn(Server) -> F,
) -> Vec<T> {
    let mut doing = Vec::new();
    for _ in 0..4 {
        doing.push(tokio::spawn(action(Server::new(database).await)));
    }
    let mut done = Vec::new();
    for doing in doing {
        done.push(doing.await.unwrap());
    }
    done
}

#[test]
fn a_connection_is_opened_once() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let all = at_once(&database, |connections| async move {
            connections.open(new(1, "a@org.com", "web-1\0", "root"), Time(5)).await
        });
        let all = all.await;
        let news = all.iter().filter(|opened| matches!(opened, Opened::New(_))).count();
        let sames = all.iter().filter(|opened| matches!(opened, Opened::Same(_))).count();
        assert_eq!((news, sames), (1, 3), "{all:?}");
        assert_eq!(said(&database, Uuid::from_u128(1), ConnectionEventType::Created).await, 1);
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
            let opened = connections.open(other.clone(), Time(6)).await;
            assert!(matches!(opened, Opened::Different(_)), "{other:?}");
        }
        // Ids are ours, and may be others by then.
        let mut same = new(1, "a@org.com", "web-1\0", "root");
        same.subject.subject_id = "another".into();
        assert!(connections.end(there.id, ConnectionState::Closed, None, 7).await);
        let opened = connections.open(same, Time(8)).await;
        assert!(matches!(opened, Opened::Same(there) if !there.is_living()));
    });
}

#[test]
fn one_that_is_asked_for_is_open_once_it_is_there() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let state = ConnectionState::Pending;
        let wanted = NewConnection { state, ..new(1, "a@org.com", "web-1", "root") };
        connections.open(wanted, Time(0)).await;
        let id = Uuid::from_u128(1);
        let established = connections.establish(id, Time(1)).await.unwrap().unwrap();
        assert_eq!(established.state, ConnectionState::Open);
        assert_eq!(connections.establish(id, Time(1)).await.unwrap(), None);
    });
}

#[test]
fn a_lease_is_renewed_and_what_is_silent_is_closed_once() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let (silent, heard) = (connections.opened(1).await, connections.opened(2).await);
        let mut now = 0;
        // However often it is heard of, it lives for at least a lease afterwards.
        for step in [1, LEASE / 2, LEASE / 3, LEASE - 1, LEASE] {
            now += step;
            let there = connections.touch(heard.id, Time(now)).await.unwrap().unwrap();
            assert!(there.lease.0 - now >= LEASE, "{step}");
        }
        assert_eq!(connections.touch(Uuid::nil(), Time(now)).await.unwrap(), None);
        let all = at_once(&database, move |connections| async move { connections.lapse(now).await });
        assert_eq!(all.await.concat(), [silent.id]);
        assert_eq!(said(&database, silent.id, ConnectionEventType::Closed).await, 1);
        let gone = connections.touch(silent.id, Time(now)).await.unwrap().unwrap();
        assert_eq!(gone.ended, Some(Time(now)), "it does not live again");
        assert_eq!((gone.state, gone.reason.as_deref()), (ConnectionState::Closed, Some("lease expired")));
        // Whoever comes back goes on with it, once, unless somebody wanted it closed meanwhile.
        let revive = async |id| {
            let said = event(&Uuid::now_v7().to_string(), id, ConnectionEventType::ShellConnect);
            connections.make(connections.reviving(id, Time(now + 1), vec![said])).await
        };
        assert_eq!((revive(silent.id).await, revive(silent.id).await), (true, false));
        let back = connections.get(silent.id).await.unwrap().unwrap();
        assert_eq!((back.state, back.ended, back.reason), (ConnectionState::Open, None, None));
        assert_eq!(connections.lapse(now + 3 * LEASE).await, [silent.id, heard.id]);
        let closed = Which::OfSubject("id of a@org.com");
        let asked = connections.ask_to_close(closed, "admin@org.com", "enough", Time(now)).await.unwrap();
        assert_eq!(asked.len(), 2, "whoever carries them hears it when he comes back");
        assert!(!revive(silent.id).await);
        // A server that was away spares those that it could not hear.
        let other = connections.opened(3).await;
        connections.spare(Time(9 * LEASE)).await.unwrap();
        assert!(connections.lapse(10 * LEASE - 1).await.is_empty());
        assert!(connections.get(other.id).await.unwrap().unwrap().is_living());
        // Somebody has heard of it in between.
        let lapsing = Connections::lapsing(other.id, "lease expired", Time(now), Vec::new());
        assert!(!connections.make(lapsing).await);
    });
}

#[test]
fn many_leases_are_renewed_in_one_statement_and_only_of_one_target() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let [one, two, ended] =
            [connections.opened(1).await, connections.opened(2).await, connections.opened(3).await];
        let foreign = connections.open(new(4, "a@org.com", "web-2", "root"), Time(0)).await;
        let Opened::New(foreign) = foreign else { panic!("{foreign:?}") };
        assert!(connections.end(ended.id, ConnectionState::Closed, None, 5).await);
        let all = [one.id, two.id, ended.id, foreign.id, Uuid::nil()];
        let of_it = async || connections.of_target(&all, &one.target_id).await.unwrap();
        let ids = |found: Vec<Connection>| found.iter().map(|there| there.id).collect::<BTreeSet<_>>();
        assert_eq!(ids(of_it().await), [one.id, two.id, ended.id].into());
        connections.renew_all(&of_it().await, Time(LEASE)).await.unwrap();
        assert_eq!(connections.lapse(2 * LEASE).await, [foreign.id]);
        assert_eq!(ids(connections.lapsed(Time(9 * LEASE), 9).await.unwrap()), [one.id, two.id].into());
        let asked = async || ids(connections.asked_of(&all, &one.target_id).await.unwrap());
        assert_eq!(asked().await, BTreeSet::new());
        connections.ask_to_close(Which::One(two.id), "admin@org.com", "lunch", Time(1)).await.unwrap();
        connections.ask_to_close(Which::One(foreign.id), "admin@org.com", "lunch", Time(1)).await.unwrap();
        assert_eq!(asked().await, [two.id].into());
        let many: Vec<_> = (0..10_000).map(Uuid::from_u128).collect();
        assert_eq!(connections.of_target(&many, &one.target_id).await.unwrap().len(), 3);
    });
}

#[test]
fn clients_are_counted_once_each() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let id = connections.opened(1).await.id;
        let counted =
            at_once(&database, move |connections| async move { connections.attach(id, "event 1").await });
        assert_eq!(counted.await.iter().filter(|counted| **counted).count(), 1);
        let clients = async || connections.get(id).await.unwrap().unwrap().clients;
        assert_eq!(clients().await, 1);
        assert!(connections.attach(id, "event 2").await);
        assert!(!connections.get(id).await.unwrap().unwrap().is_inactive());
        for (mark, is_counted, left) in
            [("event 3", true, 1), ("event 3", false, 1), ("event 4", true, 0), ("event 5", true, 0)]
        {
            assert_eq!(connections.detach(id, mark).await, is_counted, "{mark}");
            assert_eq!(clients().await, left, "{mark}");
        }
        assert!(connections.attach(id, "event 6").await);
        assert!(connections.end(id, ConnectionState::Closed, None, 9).await);
        assert_eq!(clients().await, 0);
        assert!(!connections.attach(id, "event 7").await, "it is over");
        assert!(!connections.attach(Uuid::nil(), "event 8").await);
    });
}

#[test]
fn who_wants_it_closed_is_told_to_whoever_carries_it() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        for (number, who, target) in
            [(1, "a", "web-1"), (2, "a", "web-2"), (3, "b", "web-1"), (4, "b", "web-2"), (5, "a", "web-1")]
        {
            connections.open(new(number, who, target, "root"), Time(0)).await;
        }
        assert!(connections.end(Uuid::from_u128(5), ConnectionState::Closed, None, 1).await);
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
fn a_connection_ends_once_and_that_is_said_once() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let id = connections.opened(1).await.id;
        let ended = at_once(&database, move |connections| async move {
            connections.end(id, ConnectionState::Error, Some("it broke"), 5).await
        });
        assert_eq!(ended.await.iter().filter(|ended| **ended).count(), 1);
        assert_eq!(said(&database, id, ConnectionEventType::Closed).await, 1);
        let there = connections.get(id).await.unwrap().unwrap();
        assert_eq!((there.state, there.ended), (ConnectionState::Error, Some(Time(5))));
        assert_eq!(there.reason.as_deref(), Some("it broke"));
        assert!(!connections.end(Uuid::nil(), ConnectionState::Closed, None, 5).await);
        assert_eq!(said(&database, Uuid::nil(), ConnectionEventType::Closed).await, 0);
    });
}

/// Connections of three people to three targets as three accounts, in each state.
async fn some(connections: &Server) -> Vec<Connection> {
    let pick = |names: &[&'static str], number: u128| names[usize::try_from(number).unwrap() % names.len()];
    for number in 0..120 {
        let who = pick(&["a@org.com", "b@org.com", "root@org.com"], number);
        let (target, account) =
            (pick(&["web-1", "db-1", "eks"], number / 2), pick(&["root", "app"], number / 5));
        let state = if number % 7 == 0 { ConnectionState::Pending } else { ConnectionState::Open };
        let space_name = (number % 4 == 0).then(|| "Ünit 7".to_owned());
        let wanted = NewConnection { state, space_name, ..new(number, who, target, account) };
        connections.open(wanted, Time(0)).await;
        let id = Uuid::from_u128(number);
        match number % 5 {
            0 => {
                assert!(connections.end(id, ConnectionState::Closed, Some("Because of Ä"), 40_000_000).await);
            }
            1 => assert!(connections.end(id, ConnectionState::Error, None, 1).await),
            2 => assert!(connections.attach(id, "event").await),
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
    let names = [&connection.subject_name, &connection.target_name, &connection.target_user];
    let texts = names.into_iter().chain(&connection.space_name).chain(&connection.reason);
    let texts: Vec<_> = texts.map(|text| folded(text)).collect();
    (standings.is_empty() || standings.iter().any(stands))
        && any(&filter.subject_names, &connection.subject_name)
        && any(&filter.subject_ids, &connection.subject_id)
        && any(&filter.subject_types, connection.subject_type.name())
        && any(&filter.target_names, &connection.target_name)
        && any(&filter.target_types, connection.kind.name())
        && any(&filter.target_users, &connection.target_user)
        && any(&filter.ip_addresses, connection.ip_address.as_deref().unwrap_or_default())
        && any(&filter.space_names, connection.space_name.as_deref().unwrap_or_default())
        && any(&filter.environment_names, &connection.environment_name)
        && any(&filter.connection_ids, &connection.id.to_string())
        && filter.start.is_none_or(|start| connection.started >= start)
        && filter.end.is_none_or(|end| connection.started <= end)
        && filter.is_admin.is_none_or(|is_admin| connection.is_admin == is_admin)
        && filter.search.as_ref().is_none_or(|search| texts.iter().any(|text| text.contains(search)))
}

/// All of them, page by page.
async fn listed(connections: &Connections, listed: &Listed) -> Vec<Connection> {
    let (mut found, mut page) = (Vec::new(), Listed { limit: 7, ..listed.clone() });
    loop {
        let more = connections.list(&page).await.unwrap();
        let Some(last) = more.last() else { return found };
        page.behind = Some(last.into());
        found.extend(more);
        assert!(found.len() <= 120, "{listed:?}");
    }
}

#[test]
fn a_list_is_what_the_filter_matches_in_either_order() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let all = some(&connections).await;
        for (states, parameters) in [
            (&[][..], &[][..]),
            (&["Open"], &[]),
            (&["inactive"], &[]),
            (&["Pending", "Error"], &[("userNames", "a@org.com")]),
            (&["Open", "Inactive", "Closed"], &[("targetNames", "web-1,eks"), ("targetUsers", "root")]),
            (&[], &[("subjectIds", "id of b@org.com"), ("targetTypes", "cluster")]),
            (&[], &[("targetTypes", "cluster,shell"), ("subjectTypes", "user")]),
            (
                &["Closed"],
                &[("startTimestamp", "1970-01-01T00:00:10Z"), ("endTimestamp", "1970-01-01T00:00:40Z")],
            ),
            (&[], &[("isAdmin", "true"), ("targetNames", "db-1")]),
            (&[], &[("isAdmin", "false"), ("ipAddresses", "203.0.113.7")]),
            (&["Open"], &[("connectionIds", "00000000-0000-0000-0000-000000000003")]),
            (&[], &[("spaceNames", "Ünit 7,other"), ("environmentNames", "prod")]),
            (&[], &[("search", "ünit")]),
            (&["Closed"], &[("search", "because of"), ("userNames", "a@org.com,b@org.com")]),
            (&[], &[("userNames", "nobody@org.com")]),
            (&[], &[("search", "nobody")]),
        ] {
            let standings: BTreeSet<Standing> = states.iter().map(|state| state.parse().unwrap()).collect();
            let filter = filter(parameters);
            let mut expected: Vec<_> =
                all.iter().filter(|connection| matches(&standings, &filter, connection)).cloned().collect();
            assert!(!expected.is_empty() || parameters.iter().any(|(_, value)| value.contains("nobody")));
            let mut asked = Listed { standings, filter, ..Listed::default() };
            assert_eq!(listed(&connections, &asked).await, expected, "{states:?} {parameters:?}");
            expected.reverse();
            asked.order = Order::Oldest;
            assert_eq!(
                listed(&connections, &asked).await,
                expected,
                "{states:?} {parameters:?}, oldest first"
            );
        }
        for nothing in [("serviceActions", "x"), ("evaluation", "true")] {
            let filter = filter(&[nothing]);
            let found = connections.list(&Listed { filter, limit: 7, ..Listed::default() }).await.unwrap();
            assert_eq!(found, [], "{nothing:?}");
        }
    });
}

#[test]
fn recordings_are_counted_by_name() {
    in_both(async |database| {
        let connections = Server::new(&database).await;
        let all = some(&connections).await;
        let store = std::sync::Arc::new(object_store::memory::InMemory::new());
        let recordings = Recordings::new(&database, store);
        for connection in all.iter().filter(|connection| connection.started.0 % 3_000_000 == 0) {
            let new = NewRecording {
                id: connection.id,
                form: Form::Cast,
                subject_id: connection.subject_id.clone(),
                created: Time(0),
                input_recorded: false,
            };
            recordings.create(&new).await.unwrap();
        }
        let gone = all.iter().find(|connection| connection.started.0 % 3_000_000 == 0).unwrap().id;
        recordings.complete(gone, Time(1)).await.unwrap();
        let mark = Mark { time: Time(1), by: "a".into(), reason: "b".into() };
        recordings.delete(gone, &mark).await.unwrap();
        let is_recorded = |there: &Connection| there.started.0 % 3_000_000 == 0 && there.id != gone;
        for (by, states, parameters) in [
            (By::Subject, &[][..], &[][..]),
            (By::Target, &[], &[]),
            (By::Target, &["Closed"], &[("userNames", "a@org.com,root@org.com")]),
            (By::Subject, &["Open", "Error"], &[("search", "web"), ("targetTypes", "shell")]),
            (By::Subject, &[], &[("search", "nobody")]),
        ] {
            let standings: BTreeSet<Standing> = states.iter().map(|state| state.parse().unwrap()).collect();
            let filter = filter(parameters);
            let mut expected: std::collections::BTreeMap<String, Group> = Default::default();
            for there in all.iter().filter(|there| is_recorded(there) && matches(&standings, &filter, there))
            {
                let name = if by == By::Subject { &there.subject_name } else { &there.target_name };
                let group = expected.entry(name.clone()).or_insert_with(|| Group {
                    name: name.clone(),
                    count: 0,
                    earliest: there.started,
                    latest: Time(0),
                    total: 0,
                });
                group.count += 1;
                group.earliest = group.earliest.min(there.started);
                group.latest = group.latest.max(there.started);
                group.total += there.ended.map_or(0, |ended| (ended.0 - there.started.0).max(0));
            }
            let expected: Vec<_> = expected.into_values().collect();
            let asked = Listed { standings, filter, limit: 2, ..Listed::default() };
            let mut found: Vec<Group> = Vec::new();
            loop {
                let behind = found.last().map(|last| last.name.clone());
                let more = connections.groups(by, &asked, behind.as_deref()).await.unwrap();
                if more.is_empty() {
                    break;
                }
                found.extend(more);
            }
            assert_eq!(found, expected, "{by:?} {parameters:?}");
            let mut asked = Listed { are_recorded: true, ..asked };
            let names: usize = listed(&connections, &asked).await.len();
            assert_eq!(names as u64, found.iter().map(|group| group.count).sum::<u64>());
            // The first few of each, in either order.
            for order in [Order::Newest, Order::Oldest] {
                asked.order = order;
                let mut seen = std::collections::HashMap::<String, usize>::new();
                let mut few = listed(&connections, &asked).await;
                few.retain(|there| {
                    let name = if by == By::Subject { &there.subject_name } else { &there.target_name };
                    let seen = seen.entry(name.clone()).or_default();
                    *seen += 1;
                    *seen <= 3
                });
                let first = connections.first_of(by, &asked, &found, 3).await.unwrap();
                assert_eq!(first, few, "{by:?} {parameters:?} {order:?}");
                // However much is asked for.
                let more = (0..2000).map(|number| format!("another-{number}"));
                let mut many = asked.clone();
                let more: BTreeSet<String> = more.chain(["root".into(), "app".into()]).collect();
                many.filter.target_users = more;
                assert_eq!(connections.first_of(by, &many, &found, 3).await.unwrap(), few);
            }
        }
    });
}
