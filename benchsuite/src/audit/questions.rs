//! What is asked of an audit log, and how long the answers take.

use std::time::{Duration, Instant};

use anyhow::Result;
use casemate_audit_log::Time;
use casemate_audit_log::filter::Filter;
use casemate_audit_log::model::Log;
use casemate_audit_store::{Database, Order, Page, StoreError};

use super::made::{self, ACCOUNTS, Made, PEOPLE, TARGETS, Zipf};
use crate::report::{Goal, Table};
use crate::say;
use crate::stats::quantile_of;
use crate::suite::Suite;

/// The page of BastionZero's API.
const PAGE: usize = 1000;

/// What a named query may take, in milliseconds, and what any other.
const NAMED: f64 = 50.0;
const OTHER: f64 = 2000.0;

/// Draws what is asked for: as often as it is there, or any.
struct Drawn<'m> {
    made: &'m mut Made,
    people: Zipf,
    targets: Zipf,
    accounts: Zipf,
}

impl Drawn<'_> {
    fn of(&mut self, law: fn(&Self) -> &Zipf, many: u32) -> u32 {
        if self.made.numbers.below(2) == 0 {
            return self.made.numbers.below(many);
        }
        let mut numbers = crate::search::Numbers(u64::from(self.made.numbers.below(1 << 24)) + 1);
        law(self).draw(&mut numbers)
    }

    fn person(&mut self) -> u32 {
        self.of(|drawn| &drawn.people, PEOPLE)
    }

    fn target(&mut self) -> u32 {
        self.of(|drawn| &drawn.targets, TARGETS)
    }

    fn account(&mut self) -> u32 {
        self.of(|drawn| &drawn.accounts, ACCOUNTS)
    }

    /// Some stretch of the time that there is.
    fn range(&mut self, length: Duration) -> (Time, Time) {
        let (first, last) = self.made.time();
        let whole = last.0 - first.0;
        let start = first.0 + whole / 4096 * i64::from(self.made.numbers.below(4096));
        (Time(start), Time(start + i64::try_from(length.as_micros()).unwrap_or(i64::MAX)))
    }
}

/// A question, asked again and again for other values.
struct Question {
    name: &'static str,
    page: fn(&mut Drawn<'_>) -> Page,
}

const fn question(name: &'static str, page: fn(&mut Drawn<'_>) -> Page) -> Question {
    Question { name, page }
}

fn first(log: Log) -> Page {
    Page { logs: vec![log], limit: PAGE, within: Duration::from_secs(60), ..Page::default() }
}

fn commands(parameters: &[(&str, String)]) -> Page {
    let mut filter = Filter::default();
    for (name, value) in parameters {
        filter.take(name, value).expect("it is one of a filter");
    }
    Page { filter, ..first(Log::Command) }
}

/// The twelve that have to be quick.
const QUICK: [Question; 12] = [
    question("commands, first page", |_| first(Log::Command)),
    question("kube, first page", |_| first(Log::Kube)),
    question("connection events, first page", |_| first(Log::Connection)),
    question("user events, first page", |_| first(Log::Subject)),
    question("commands of a user", |of| commands(&[("userNames", made::person(of.person()))])),
    question("commands on a target", |of| commands(&[("targetNames", made::target(of.target()))])),
    question("commands as a target user", |of| commands(&[("targetUsers", made::account(of.account()))])),
    question("commands of a day", |of| {
        let (start, end) = of.range(Duration::from_hours(24));
        commands(&[("startTimestamp", start.to_string()), ("endTimestamp", end.to_string())])
    }),
    question("commands of a user on a target", |of| {
        commands(&[("userNames", made::person(of.person())), ("targetNames", made::target(of.target()))])
    }),
    question("commands of a user as a target user", |of| {
        commands(&[("userNames", made::person(of.person())), ("targetUsers", made::account(of.account()))])
    }),
    question("commands on a target as a target user", |of| {
        commands(&[("targetNames", made::target(of.target())), ("targetUsers", made::account(of.account()))])
    }),
    question("commands, last page", |_| Page { order: Order::Oldest, ..first(Log::Command) }),
];

/// Any other.
const FILTERS: [Question; 15] = [
    question("commands of an administrator (none)", |_| commands(&[("isAdmin", "true".into())])),
    question("refused user events (none)", |_| Page {
        logs: vec![Log::Subject],
        ..commands(&[("evaluation", "false".into())])
    }),
    question("commands from an address", |of| commands(&[("ipAddresses", made::address(of.person()))])),
    question("commands in an environment", |of| {
        commands(&[("environmentNames", made::environment(of.target()))])
    }),
    question("commands of a user by id", |of| {
        commands(&[("subjectIds", format!("5f0c1f8e-0000-7000-8000-{:012x}", of.person()))])
    }),
    question("commands on a target by id", |of| {
        commands(&[("targetIds", format!("7a3e9b12-0000-7000-8000-{:012x}", of.target()))])
    }),
    question("commands of programs with a key (none)", |_| commands(&[("subjectTypes", "ApiKey".into())])),
    question("hidden commands (none)", |_| commands(&[("commandKinds", "Created".into())])),
    question("commands of a user from another's address (none)", |of| {
        let person = of.person();
        commands(&[
            ("userNames", made::person(person)),
            ("ipAddresses", made::address((person + 1) % PEOPLE)),
        ])
    }),
    question("commands of the busiest user from the next one's address (none)", |_| {
        commands(&[("userNames", made::person(0)), ("ipAddresses", made::address(1))])
    }),
    question("commands of an administrator in an environment (none)", |of| {
        commands(&[("isAdmin", "true".into()), ("environmentNames", made::environment(of.target()))])
    }),
    question("commands from an address in an environment in a week", |of| {
        let (start, end) = of.range(Duration::from_hours(24 * 7));
        commands(&[
            ("ipAddresses", made::address(of.person())),
            ("environmentNames", made::environment(of.target())),
            ("startTimestamp", start.to_string()),
            ("endTimestamp", end.to_string()),
        ])
    }),
    question("commands on the busiest target in another's environment (none)", |_| {
        commands(&[("targetNames", made::target(0)), ("environmentNames", made::environment(1))])
    }),
    question("all logs, first page", |_| Page {
        logs: vec![Log::Command, Log::Kube, Log::Connection, Log::Subject, Log::AgentStatusChange],
        ..first(Log::Command)
    }),
    question("all logs of a user", |of| Page {
        logs: vec![Log::Command, Log::Kube, Log::Connection, Log::Subject, Log::AgentStatusChange],
        ..commands(&[("userNames", made::person(of.person()))])
    }),
];

const SEARCHES: [Question; 9] = [
    question("everywhere: `nginx`", |_| commands(&[("commandSearch", "nginx".into())])),
    question("everywhere: `ngi`", |_| commands(&[("commandSearch", "ngi".into())])),
    question("several words: `systemctl restart nginx`", |_| {
        commands(&[("commandSearch", "systemctl restart nginx".into())])
    }),
    question("rare: `payment-` and five digits", |of| {
        commands(&[("commandSearch", format!("payment-{:05x}", of.made.numbers.below(0x18000)))])
    }),
    question("three digits", |of| {
        commands(&[("commandSearch", format!("{:03x}", of.made.numbers.below(0x1000)))])
    }),
    question("nowhere, of rare letters: `xyzzy`", |_| commands(&[("commandSearch", "xyzzy".into())])),
    question("nowhere, of words that are everywhere: `nginx restart systemctl`", |_| {
        commands(&[("commandSearch", "nginx restart systemctl".into())])
    }),
    question("a user's: `nginx`", |of| {
        commands(&[("commandSearch", "nginx".into()), ("userNames", made::person(of.person()))])
    }),
    question("a target's: `rm -rf /etc`", |of| {
        commands(&[("commandSearch", "rm -rf /etc".into()), ("targetNames", made::target(of.target()))])
    }),
];

pub(super) async fn ask(suite: &mut Suite, name: &str, database: &Database, made: &mut Made) -> Result<()> {
    let rounds = suite.scale.audit_rounds;
    let mut drawn =
        Drawn { made, people: Zipf::new(PEOPLE), targets: Zipf::new(TARGETS), accounts: Zipf::new(ACCOUNTS) };
    for (what, questions, rounds, limit) in [
        ("the twelve", &QUICK[..], rounds, NAMED),
        ("other filters", &FILTERS[..], rounds / 10, OTHER),
        ("texts", &SEARCHES[..], rounds / 10, OTHER),
    ] {
        let (mut rows, mut slowest) = (Vec::new(), 0.0_f64);
        for question in questions {
            let (mut times, mut hits) = (Vec::new(), Vec::new());
            // What takes very long is not asked as often.
            let began = Instant::now();
            while times.len() < rounds.max(2)
                && (began.elapsed() < Duration::from_secs(20) || times.len() < 2)
            {
                let page = (question.page)(&mut drawn);
                let asked = Instant::now();
                match database.page(page).await {
                    Ok(found) => hits.push(found.len() as f64),
                    Err(StoreError::TooLong { .. }) => {}
                    Err(error) => return Err(error.into()),
                }
                times.push(asked.elapsed().as_secs_f64() * 1e3);
            }
            let at = |per_mille| quantile_of(&times, per_mille).unwrap_or(0.0);
            let hits_at = |per_mille| quantile_of(&hits, per_mille).unwrap_or(0.0);
            slowest = slowest.max(at(990));
            rows.push(vec![
                question.name.to_owned(),
                format!("{:.0} ({:.0}–{:.0})", hits_at(500), hits_at(0), hits_at(1000)),
                times.len().to_string(),
                format!("{:.1}", at(500)),
                format!("{:.1}", at(990)),
                format!("{:.1}", at(1000)),
                format!("{:.1}", times[0]),
            ]);
            say(&rows.last().map(|row| row.join(" | ")).unwrap_or_default());
        }
        suite.table(Table {
            title: format!("{name}: {what}"),
            note: format!(
                "A page has up to {PAGE} events, with how commands ended. Half of the values are drawn as often as they are \
                 there, half are any. Milliseconds."
            ),
            header: vec!["asked", "hits", "times", "50 %", "99 %", "slowest", "first"],
            rows,
        });
        suite.goal(Goal::at_most(format!("{name}: slowest of {what}, 99 %"), limit, " ms", slowest));
    }
    Ok(())
}
