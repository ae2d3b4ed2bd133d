//! Sessions without a terminal: `ssh host command`, scp, sftp, rsync, git, cron.
//!
//! Nothing goes through a terminal. A pipe stays a pipe, a connection a connection, and everything else is handed through
//! as it is; what passes is counted, and recorded only where that is wanted.
//!
//! ```text
//!   whoever started us ── knows ──▶ stand-in ── started, waits for ──▶ the program
//!            │                         ▲ link                            ▲  │
//!            └── its pipes ─────────▶ keeper ── pipes of the same kind ──┘◀─┘
//!                                      └─▶ the recording
//! ```
//!
//! We part before there is a second thread. The *keeper* carries and records; the *stand-in* is the process that others
//! know: it starts the program, passes signals on, and ends as the program ends once what that wrote is passed on and
//! written down. What the program left behind in the background goes on; the keeper carries for it until all has ended.
//! The recording says with which status and how much traffic the program ended, and at its end how much there was in all.
//!
//! *Invariants*: no descriptor of ours is open in the program, and none of its own anywhere else when it has begun; where
//! there is no recording, there is no program.
//!
//! *Not here*: whether there is a terminal, and whose session it is.

pub(crate) mod descriptors;
mod flow;
mod given;
pub(crate) mod inherited;
mod keeper;
mod lend;
mod link;
mod log;
mod plumbing;
mod shared;
pub(crate) mod signals;
mod stand_in;
mod stop;

use std::io;
use std::path::PathBuf;
use std::time::Instant;

use casemate_cast_format::{Event, Header, Micros, SessionFacts, Version, own};
use ed25519_dalek::SigningKey;
use nix::unistd::{ForkResult, fork};
use rustix::process::Pid;
use serde_json::{Map, Value};

use self::keeper::{Beginning, Keeper};
use self::link::Link;
use self::log::Log;
use self::plumbing::Plumbing;
use self::stand_in::StandIn;
use crate::exec::exec;
use crate::form::Format;
use crate::journal::{Journal, Plan, Rotation, Sink, micros};
use crate::program::Program;
use crate::rights;
use crate::session::{
    Begun, HEADLESS_SIZE, Output, RecordError, Recorded, Unrecorded, open, system, take_back,
};
use crate::witness::Witness;

/// What to record of a session without a terminal, and how.
#[derive(Clone, Debug)]
pub struct PipedOptions {
    /// What is run.
    pub program: Program,
    /// Whose session it is, and since when.
    pub facts: SessionFacts,
    /// Where to.
    pub output: Output,
    /// What passes is recorded, and not only counted: of each stream so many bytes at most.
    pub content: Option<u64>,
    /// Environment variables that go into the header.
    pub capture_env: Vec<String>,
    /// Signs the seals.
    pub signing_key: Option<SigningKey>,
    /// What becomes of the session where the recording can no longer be written.
    pub unrecorded: Unrecorded,
}

/// Records a session without a terminal; there must be no second thread yet, nor a child.
///
/// This parts in two, and returns in the keeper: when the session is over, with all that was left behind in it. The
/// process that whoever started us waits for is another one by then, and may have ended; with what status the keeper ends
/// is nobody's concern, and its standard descriptors lead nowhere. An error is returned while they are as they were, and
/// with whatever this process ends then, the session ends as well.
///
/// `begun` is told before the two part, when the recording stands. `witness` is asked for after that, and may begin
/// threads; what is recorded is told on the journal's thread.
///
/// # Errors
/// Where nothing could be recorded, or the program not started. A recording that begins and cannot be written to its end
/// is no error: [`Recorded::failure`] says so.
pub fn record_pipes(
    options: &PipedOptions,
    witness: impl FnOnce() -> io::Result<Option<Box<dyn Witness>>>,
    begun: impl FnOnce(Begun<'_>),
) -> Result<Recorded, RecordError> {
    let program = &options.program;
    let mut facts = options.facts.clone();
    facts.set_no_terminal();
    let not_started = |reason| RecordError::Start { program: program.name(), reason };
    program.check().map_err(not_started)?;
    let plumbing = Plumbing::lay().map_err(system("cannot make pipes for the session"))?;
    let plan = Plan {
        format: Format::Cast { version: Version::V2, segments: true },
        header: header(options),
        facts: facts.clone(),
        rotation: Rotation::default(),
        signing_key: options.signing_key.clone(),
        rights: program.rights,
    };
    let mut sink = rights::with(program.rights, || open(&options.output, plan))?;
    sink.be_alone(true);
    let start = Instant::now();
    let exec = Event::own(Micros(0), own::EXEC, &exec(program, false).to_string());
    // Whoever is killed at once has begun all the same.
    if let Err(error) = sink.event(&exec).and_then(|()| sink.flush()) {
        discard(options, sink);
        return Err(system("cannot write the recording")(error));
    }
    begun(Begun { facts: &facts, file: sink.files().first().map(PathBuf::as_path), terminal: None });

    let (ours, theirs) = Link::pair().map_err(system("cannot prepare the session"))?;
    let blocked = signals::block_all().map_err(system("cannot block signals"))?;
    // SAFETY: there is no other thread, whose locks could be held for ever.
    #[expect(unsafe_code, reason = "who is taken for the program is another than who carries")]
    let forked = unsafe { fork() };
    match forked {
        Ok(ForkResult::Child) => {}
        Ok(ForkResult::Parent { child }) => {
            drop(ours);
            let keeper = Pid::from_raw(child.as_raw()).unwrap_or(Pid::INIT);
            let unrecorded = options.unrecorded;
            StandIn { program, link: theirs, keeper, blocked, unrecorded }.run(plumbing.ends)
        }
        Err(error) => {
            blocked.thread_set_mask().ok();
            return Err(system("cannot begin another process")(error.into()));
        }
    }
    drop(theirs);
    let kept = keep(options, witness, plumbing, sink, &exec, ours, start);
    if kept.is_err() {
        blocked.thread_set_mask().ok();
    }
    kept
}

/// What the keeper does.
fn keep(
    options: &PipedOptions,
    witness: impl FnOnce() -> io::Result<Option<Box<dyn Witness>>>,
    plumbing: Plumbing,
    mut sink: Sink,
    exec: &Event<'_>,
    link: Link,
    start: Instant,
) -> Result<Recorded, RecordError> {
    let Plumbing { ends, flows, counters, message, kept } = plumbing;
    drop(ends);
    sink.be_alone(false);
    match witness() {
        Ok(None) => {}
        Ok(Some(witness)) => {
            sink.tell(witness);
            sink.tell_again(exec);
        }
        Err(error) => {
            discard(options, sink);
            return Err(system("cannot write down what is run")(error));
        }
    }
    let journal = Journal::start(sink, start).map_err(system("cannot start the journal"))?;
    let keeper = Keeper {
        link,
        journal: &journal,
        log: Log::new(journal.shared_queue(), start),
        content: options.content,
        unrecorded: options.unrecorded,
        counters,
        message,
    };
    let mut unknown = None;
    let outcome = match keeper.begin() {
        Beginning::Begun(program) => {
            keeper.run(program, flows).map_err(system("cannot wait for the session"))
        }
        Beginning::Unknown => {
            unknown = Some("it was killed as it began, and what it did is not known".to_owned());
            Ok(keeper.give_up())
        }
        Beginning::NotStarted(error) => {
            take_back(journal, &options.output, options.program.rights);
            return Err(RecordError::Start { program: options.program.name(), reason: error.to_string() });
        }
    };
    drop(kept);
    let duration = micros(start.elapsed());
    let report = journal.finish(outcome.as_ref().ok().map(|outcome| outcome.ending));
    let outcome = outcome?;
    Ok(Recorded {
        facts: options.facts.clone(),
        files: report.files,
        status: outcome.status,
        signal: outcome.signal,
        ending: outcome.ending,
        duration,
        // And that of what was started.
        events: report.events + 1,
        failure: report.failure.or(unknown),
    })
}

fn discard(options: &PipedOptions, sink: Sink) {
    if matches!(options.output, Output::File(..)) {
        rights::with(options.program.rights, || sink.discard());
    }
}

fn header(options: &PipedOptions) -> Header {
    let variable = |name: &String| {
        Some((name.clone(), Value::String(options.program.variable(name)?.to_str()?.to_owned())))
    };
    Header {
        timestamp: i64::try_from(options.facts.start_us / 1_000_000).ok(),
        env: Map::from_iter(options.capture_env.iter().filter_map(variable)),
        ..Header::new(HEADLESS_SIZE)
    }
}
