//! Tests of the whole machine: a stream in, a table out.

mod attacks;
mod exec;
mod hiding;
mod piped;
mod properties;
mod shells;

use casemate_cast_format::{Code, Event, Header, Micros, Size, own};
use expect_test::Expect;

use crate::{CommandEvent, CommandLog, Kind, Reason};

/// Something that happens in a session.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Output, so many milliseconds after what came before.
    Out(u64, String),
    /// A key.
    In(u64, String),
    Resize(u64, u16, u16),
    /// Something was typed that was not shown.
    Hidden(u64),
    Process(u64, String),
}

pub(crate) fn out(after: u64, output: &str) -> Step {
    Step::Out(after, output.to_owned())
}

/// A line that is typed in, key by key, and echoed.
pub(crate) fn typed(line: &str) -> Vec<Step> {
    // Who types has read the prompt first.
    let rest = std::iter::once(Step::Out(300, String::new()));
    rest.chain(line.chars().map(|key| Step::Out(80, key.to_string()))).collect()
}

pub(crate) fn derive(steps: &[Step], thorough: bool) -> Vec<CommandEvent> {
    derive_while(steps, thorough, |_, _, _| {})
}

/// The same, while somebody says between any two events that time passes.
pub(crate) fn derive_while(
    steps: &[Step],
    thorough: bool,
    mut passes: impl FnMut(&mut CommandLog, Micros, Micros),
) -> Vec<CommandEvent> {
    let mut header = Header::new(Size { cols: 60, rows: 12 });
    header.timestamp = Some(1_700_000_000);
    let mut log = CommandLog::new(&header);
    if thorough {
        log = log.thorough();
    }
    let mut now = 0;
    let mut events = Vec::new();
    for step in steps {
        let (after, code, data) = match step {
            Step::Out(after, output) => (after, Code::Output, output.clone()),
            Step::In(after, input) => (after, Code::Input, input.clone()),
            Step::Resize(after, cols, rows) => (after, Code::Resize, format!("{cols}x{rows}")),
            Step::Hidden(after) => (after, Code::Other(own::HIDDEN.into()), String::new()),
            Step::Process(after, facts) => (after, Code::Other(own::PROCESS.into()), facts.clone()),
        };
        passes(&mut log, Micros(now), Micros(now + after * 1000));
        now += after * 1000;
        log.handle(&Event::new(Micros(now), code, &data));
        events.extend(std::iter::from_fn(|| log.next_event()));
    }
    log.finish();
    events.extend(std::iter::from_fn(|| log.next_event()));
    events
}

/// One line an event: offset, kind, who, command, and what else is known.
pub(crate) fn table(events: &[CommandEvent]) -> String {
    let mut table = String::new();
    for event in events {
        let kind = format!("{:?}", event.kind).to_lowercase();
        let text =
            event.command.as_ref().map_or_else(|| format!("{:?}", event.reason), |text| format!("{text:?}"));
        table.push_str(&format!("{} {kind} {text}", event.offset));
        for (name, value) in [
            ("program", event.program.clone()),
            ("on", event.target.clone()),
            ("as", event.target_user.clone()),
            ("exit", event.exit_code.map(|code| code.to_string())),
            ("cwd", event.cwd.clone()),
            ("mismatch", event.mismatch.last().map(|other| format!("{:?}", other.command))),
        ] {
            if let Some(value) = value {
                table.push_str(&format!(" {name}={value}"));
            }
        }
        table.push('\n');
    }
    table
}

#[track_caller]
pub(crate) fn check(steps: &[Step], expected: Expect) {
    expected.assert_eq(&table(&derive(steps, false)));
}
