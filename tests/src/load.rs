//! A load for an audit server: many sessions that upload what they record while somebody looks on, and what each call took.
//!
//! What they record is made up, as shells with integration mark it, so that a command is known with the bytes of its first
//! output. Each keeps one connection to the server, as recorders do.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::asker::Asker;
use crate::process::resident_kib;
use crate::server::AuditServer;

/// Between the keys of a command and its Enter, and between its output and the next one's keys.
const PAUSES: [Duration; 2] = [Duration::from_millis(400), Duration::from_millis(800)];

/// How often it is looked how much memory there is.
const LOOK: Duration = Duration::from_millis(200);

/// How long what was sent last is waited for in the tail.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the last command of all begins.
const LAST: &str = "echo session last ";

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// So many sessions at once.
    pub sessions: usize,
    /// For so long.
    pub length: Duration,
    /// Each has so many commands, and is followed by another one.
    pub commands: usize,
    /// Bytes of output of each command.
    pub output: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Felt {
    /// How long each call took that brought bytes.
    pub calls: Vec<Duration>,
    /// From when a command began to be sent until it was in the tail.
    pub tail: Vec<Duration>,
    /// Commands that were sent.
    pub sent: usize,
    /// Memory of the server, in KiB, and when.
    pub memory: Vec<(Duration, u64)>,
}

impl Felt {
    /// The most memory of the server, in KiB.
    #[must_use]
    pub fn peak_kib(&self) -> u64 {
        self.memory.iter().map(|(_, kib)| *kib).max().unwrap_or_default()
    }

    /// Its usual memory within a part of the time, in KiB.
    #[must_use]
    pub fn usual_kib(&self, part: std::ops::Range<f64>) -> u64 {
        let all = self.memory.last().map_or(0.0, |(at, _)| at.as_secs_f64());
        let within = self.memory.iter().filter(|(at, _)| part.contains(&(at.as_secs_f64() / all)));
        let mut within: Vec<u64> = within.map(|(_, kib)| *kib).collect();
        within.sort_unstable();
        within.get(within.len() / 2).copied().unwrap_or_default()
    }
}

/// The value below which that part of all is, of durations in any order.
#[must_use]
pub fn quantile(all: &[Duration], part: f64) -> Duration {
    let mut all = all.to_vec();
    all.sort_unstable();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "there are not that many, and none is negative"
    )]
    let index = (all.len() as f64 * part) as usize;
    all.get(index.min(all.len().saturating_sub(1))).copied().unwrap_or_default()
}

/// Puts a load on a server, by the key of an agent; `reader` looks on.
///
/// # Panics
/// The server refuses something.
#[must_use]
pub fn put(server: &AuditServer, agent: &Asker, reader: &Asker, load: Load) -> Felt {
    let tail = reader.tail("logs=command");
    let (sent, felt) = (Mutex::new(HashMap::new()), Mutex::new(Felt::default()));
    let (is_over, seen) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begin = Instant::now();
    let until = begin + load.length;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for message in tail {
                let command = message.event["command"].as_str().unwrap_or_default();
                let at: Option<Instant> = sent.lock().expect("nobody panicked").remove(command);
                if let Some(at) = at {
                    felt.lock().expect("nobody panicked").tail.push(at.elapsed());
                    seen.fetch_add(1, Ordering::Relaxed);
                }
                if command.starts_with(LAST) {
                    break;
                }
            }
        });
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                let now = (begin.elapsed(), resident_kib(server.pid()));
                felt.lock().expect("nobody panicked").memory.push(now);
                std::thread::sleep(LOOK);
            }
        });
        let sessions: Vec<_> = (0..load.sessions)
            .map(|number| {
                let (sent, felt) = (&sent, &felt);
                scope.spawn(move || {
                    // Not all at the same moment.
                    std::thread::sleep(PAUSES[1] * u32::try_from(number % 50).unwrap_or(0) / 50);
                    let mut round = 0;
                    while Instant::now() < until {
                        let name = format!("{number}.{round}");
                        let calls = session(agent, &name, load, until, sent);
                        let mut felt = felt.lock().expect("nobody panicked");
                        felt.sent += calls.commands;
                        felt.calls.extend(calls.took);
                        round += 1;
                    }
                })
            })
            .collect();
        sessions.into_iter().for_each(|session| session.join().expect("it went well"));
        let all = felt.lock().expect("nobody panicked").sent;
        let last = Instant::now();
        while seen.load(Ordering::Relaxed) < all && last.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(20));
        }
        is_over.store(true, Ordering::Relaxed);
        // Whoever reads the tail waits for it.
        let last = session(agent, "last", Load { commands: 1, ..load }, Instant::now() + PATIENCE, &sent);
        felt.lock().expect("nobody panicked").sent += last.commands;
    });
    felt.into_inner().expect("nobody panicked")
}

struct Calls {
    commands: usize,
    took: Vec<Duration>,
}

fn session(
    agent: &Asker,
    name: &str,
    load: Load,
    until: Instant,
    sent: &Mutex<HashMap<String, Instant>>,
) -> Calls {
    let id = Uuid::now_v7().to_string();
    let said = json!({
        "user": format!("user-{}@org.com", name.len()), "targetUser": "root", "type": "SHELL", "recording": "cast",
        "startedAt": chrono::Utc::now().to_rfc3339(),
    });
    let answer = agent.begin(&id, &said);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let (first, mut offset, mut took) = (Instant::now(), 0, Vec::new());
    let mut send = |texts: &[&str], is_last: bool| {
        let mut body =
            if offset == 0 { "{\"version\":2,\"width\":80,\"height\":24}\n".into() } else { String::new() };
        for text in texts {
            body += &format!("[{:.6},\"o\",{}]\n", first.elapsed().as_secs_f64(), Value::from(*text));
        }
        let begin = Instant::now();
        let answer = agent.patch(&id, offset, body.as_bytes(), is_last);
        assert_eq!(answer.status, 204, "{}", answer.text);
        took.push(begin.elapsed());
        offset += body.len();
    };
    let prompt = "\x1b]133;A\x07$ \x1b]133;B\x07";
    send(&[prompt], false);
    let mut commands = 0;
    while commands < load.commands && Instant::now() < until {
        let line = format!("echo session {name} command {commands}");
        send(&[&line], false);
        std::thread::sleep(PAUSES[0]);
        sent.lock().expect("nobody panicked").insert(line, Instant::now());
        let output = format!("{}\r\n", "x".repeat(load.output));
        send(&["\r\n\x1b]133;C\x07", &output, "\x1b]133;D;0\x07", prompt], false);
        commands += 1;
        std::thread::sleep(PAUSES[1]);
    }
    send(&["exit\r\n"], true);
    Calls { commands, took }
}
