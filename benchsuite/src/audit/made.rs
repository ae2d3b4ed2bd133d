//! Events as an organisation has them: few people, targets and accounts do most of it, and some words are rare.
//!
//! Pure: the same in each run. As many sessions as people are open at once; each has its commands, and after some of them
//! another one begins.

use casemate_audit_log::Time;
use casemate_audit_log::model::{
    Call, CommandEnd, CommandEvent, CommandResult, ConnectionEvent, ConnectionEventType, ConnectionType,
    Event, KubernetesEvent, NO_ID, NONE, Place, Subject, SubjectEvent, SubjectType,
};

use crate::search::Numbers;

pub(super) const PEOPLE: u32 = 500;
pub(super) const TARGETS: u32 = 2000;
pub(super) const ACCOUNTS: u32 = 20;
const ENVIRONMENTS: u32 = 8;

/// Sessions that are open at once.
const OPEN: u32 = 300;

/// Commands of a session, on average.
const COMMANDS: u32 = 50;

/// One of so many commands leaves its end in the log as well; all of them would be twice the rows.
pub(super) const END: u32 = 10;

/// There is one call of the API, and one of Kubernetes, for so many commands.
const OTHERS: u32 = 50;

const ORGANIZATION: &str = "0190a5e0-7a11-7c3a-9d52-1f0a3f1d2c11";

/// Zipf's law: the n-th most frequent is 1/n as frequent as the first.
pub(super) struct Zipf(Vec<f64>);

impl Zipf {
    pub(super) fn new(many: u32) -> Self {
        let mut sum = 0.0;
        Self(
            (1..=many)
                .map(|rank| {
                    sum += 1.0 / f64::from(rank);
                    sum
                })
                .collect(),
        )
    }

    pub(super) fn draw(&self, numbers: &mut Numbers) -> u32 {
        let sum = self.0.last().copied().unwrap_or(0.0);
        let drawn = f64::from(numbers.below(1 << 24)) / f64::from(1 << 24) * sum;
        let rank = self.0.partition_point(|below| *below <= drawn);
        u32::try_from(rank.min(self.0.len() - 1)).unwrap_or(0)
    }
}

pub(super) fn person(number: u32) -> String {
    format!("person-{number}@org.example")
}

pub(super) fn target(number: u32) -> String {
    format!("host-{number}.prod.example")
}

pub(super) fn account(number: u32) -> String {
    ["root", "deploy", "postgres", "admin"]
        .get(usize::try_from(number).unwrap_or(usize::MAX))
        .map_or_else(|| format!("app-{number}"), |name| (*name).to_owned())
}

pub(super) fn address(person: u32) -> String {
    format!("10.{}.{}.{}", person % 7, person / 250, person % 250)
}

pub(super) fn environment(target: u32) -> String {
    format!("environment-{}", target % ENVIRONMENTS)
}

struct Session {
    subject: Subject,
    place: Place,
    connection_id: String,
    commands: u32,
    began: Time,
}

/// Makes events, one moment after the other.
pub(super) struct Made {
    pub(super) numbers: Numbers,
    people: Zipf,
    targets: Zipf,
    accounts: Zipf,
    open: Vec<Session>,
    now: i64,
    /// Commands so far.
    pub(super) commands: u64,
}

impl Made {
    pub(super) fn new() -> Self {
        let (people, targets, accounts) = (Zipf::new(PEOPLE), Zipf::new(TARGETS), Zipf::new(ACCOUNTS));
        let (numbers, open) = (Numbers(0x9e37_79b9_7f4a_7c15), Vec::new());
        // 2025-01-01.
        Self { numbers, people, targets, accounts, open, now: 1_735_689_600_000_000, commands: 0 }
    }

    /// The first moment, and the last one so far.
    pub(super) fn time(&self) -> (Time, Time) {
        (Time(1_735_689_600_000_000), Time(self.now))
    }

    /// The next command, and whatever happens along with it.
    pub(super) fn next(&mut self, events: &mut Vec<Event>) {
        // A command in three seconds, by all of them: ten million are a year.
        self.now += i64::from(self.numbers.below(6_000_000));
        let place = self.numbers.below(OPEN);
        let place = if place as usize >= self.open.len() {
            let session = self.session();
            self.happened(&session, ConnectionEventType::Created, events);
            self.open.push(session);
            self.open.len() - 1
        } else {
            place as usize
        };
        if self.numbers.below(COMMANDS) == 0 {
            let session = self.session();
            let ended = std::mem::replace(&mut self.open[place], session);
            self.happened(&ended, ConnectionEventType::Closed, events);
            let begun = std::mem::replace(&mut self.open[place], ended);
            self.happened(&begun, ConnectionEventType::Created, events);
            self.happened(&begun, ConnectionEventType::ClientConnect, events);
            self.open[place] = begun;
        }
        self.open[place].commands += 1;
        let command = self.command(place);
        if self.numbers.below(END) == 0 {
            events.push(Event::CommandEnd(CommandEnd {
                id: command.id.clone(),
                connection_id: command.connection_id.clone(),
                timestamp: Time(self.now + 400_000),
                result: CommandResult {
                    exit_code: Some(i32::from(self.numbers.below(20) == 0)),
                    duration: Some(f64::from(self.numbers.below(3_000_000)) / 1e6),
                    output_bytes: Some(u64::from(self.numbers.below(5000))),
                    ..CommandResult::default()
                },
            }));
        }
        events.push(Event::Command(Box::new(command)));
        self.commands += 1;
        match self.numbers.below(OTHERS) {
            0 => events.push(self.call()),
            1 => events.push(self.kube()),
            _ => {}
        }
    }

    fn subject(&mut self) -> (Subject, u32) {
        let number = self.people.draw(&mut self.numbers);
        let subject = Subject {
            subject_id: format!("5f0c1f8e-0000-7000-8000-{number:012x}"),
            subject_type: SubjectType::User,
            subject_name: person(number),
            is_admin: false,
            ip_address: Some(address(number)),
        };
        (subject, number)
    }

    fn session(&mut self) -> Session {
        let (subject, _) = self.subject();
        let target_number = self.targets.draw(&mut self.numbers);
        let account_number = self.accounts.draw(&mut self.numbers);
        let environment_name = environment(target_number);
        let place = Place {
            target_id: format!("7a3e9b12-0000-7000-8000-{target_number:012x}"),
            target_type: ConnectionType::Shell,
            target_name: target(target_number),
            target_user: account(account_number),
            environment_id: format!("e9a1c442-0000-7000-8000-{:012x}", target_number % ENVIRONMENTS),
            environment_name,
        };
        let connection_id = self.id7();
        Session { subject, place, connection_id, commands: 0, began: Time(self.now) }
    }

    /// As those of commands are: a hash.
    fn id8(&mut self) -> String {
        let mut part = |bits: u32| self.numbers.below(1 << bits);
        let (a, b, c, d, e, f, g) = (part(16), part(16), part(16), part(12), part(12), part(24), part(24));
        format!("{a:04x}{b:04x}-{c:04x}-8{d:03x}-8{e:03x}-{f:06x}{g:06x}")
    }

    /// As those of all else are: the time, and random digits.
    fn id7(&mut self) -> String {
        let millis = self.now / 1000;
        let mut part = |bits: u32| self.numbers.below(1 << bits);
        let (d, e, f, g) = (part(12), part(12), part(24), part(24));
        format!("{:08x}-{:04x}-7{d:03x}-8{e:03x}-{f:06x}{g:06x}", millis >> 16, millis & 0xffff)
    }

    fn command(&mut self, place: usize) -> CommandEvent {
        let (id, line) = (self.id8(), self.numbers.command());
        let cwd = format!("/srv/{}", self.numbers.noun());
        let session = &self.open[place];
        CommandEvent {
            id,
            connection_id: session.connection_id.clone(),
            organization_id: ORGANIZATION.into(),
            timestamp: Time(self.now),
            subject: session.subject.clone(),
            place: session.place.clone(),
            command: line,
            space_id: None,
            space_name: None,
            recording_id: Some(session.connection_id.clone()),
            offset: Some((self.now - session.began.0) as f64 / 1e6),
            cwd: Some(cwd),
            kind: Some("shell".into()),
            program: None,
            source: Some("screen".into()),
            confidence: Some(0.98),
            reason: None,
            inner_target: None,
            inner_target_user: None,
            argv: Vec::new(),
            result: CommandResult::default(),
        }
    }

    fn happened(&mut self, session: &Session, what: ConnectionEventType, events: &mut Vec<Event>) {
        events.push(Event::Connection(Box::new(ConnectionEvent {
            id: self.id7(),
            connection_id: session.connection_id.clone(),
            organization_id: ORGANIZATION.into(),
            timestamp: Time(self.now),
            subject: session.subject.clone(),
            place: session.place.clone(),
            session_id: NO_ID.into(),
            session_name: NONE.into(),
            connection_event_type: what,
            reason: None,
            connection_node_id: "c4b1d1f0-0000-7000-8000-000000000001".into(),
        })));
    }

    fn call(&mut self) -> Event {
        let (subject, _) = self.subject();
        let resource = self.id7();
        Event::Subject(Box::new(SubjectEvent {
            id: self.id7(),
            organization_id: ORGANIZATION.into(),
            timestamp: Time(self.now),
            subject,
            service_action: "sessionrecordings:get".into(),
            resource,
            evaluation: true,
            context: "{\"method\":\"GET\"}".into(),
        }))
    }

    fn kube(&mut self) -> Event {
        let (subject, _) = self.subject();
        let id = self.id7();
        let call = Call {
            id: self.id7(),
            time_created: Time(self.now),
            event: format!("/api/v1/namespaces/{}/pods?limit=500", self.numbers.noun()),
        };
        Event::Kube(Box::new(KubernetesEvent {
            id,
            organization_id: ORGANIZATION.into(),
            creation_date: Time(self.now),
            role: "view".into(),
            target_groups: vec!["system:authenticated".into()],
            endpoints: vec![call],
            exec_commands: Vec::new(),
            kube_english_command: "N/A".into(),
            status_code: 200,
            user_id: subject.subject_id,
            user_email: subject.subject_name,
            cluster_id: "c1000000-0000-7000-8000-000000000001".into(),
            target_name: "cluster-1".into(),
            connection_id: None,
            ip_address: subject.ip_address,
            user_agent: Some("kubectl/v1.31".into()),
            verbs: vec!["list".into()],
            namespaces: Vec::new(),
            resources: vec!["pods".into()],
            grouping_guessed: true,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn the_first_has_most_and_each_id_is_one() {
        let (mut made, mut events) = (Made::new(), Vec::new());
        for _ in 0..20_000 {
            made.next(&mut events);
        }
        let mut ids: Vec<_> = events.iter().map(|event| (event.log(), event.id())).collect();
        ids.sort_unstable();
        let all = ids.len();
        ids.dedup();
        assert_eq!(ids.len(), all);
        let (mut people, mut times) = (BTreeMap::<_, u32>::new(), Vec::new());
        for event in &events {
            if let Event::Command(command) = event {
                *people.entry(command.subject.subject_name.clone()).or_default() += 1;
                times.push(command.timestamp);
            }
        }
        assert!(times.is_sorted());
        let most = people.values().max().unwrap();
        assert!((1_000..6_000).contains(most), "{most}");
    }
}
