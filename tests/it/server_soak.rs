//! An audit server under a load that goes on: nothing is lost, everything is in the tail, and memory does not grow with it.

use std::time::Duration;

use casemate_tests::load::{self, Load};
use casemate_tests::{is_release, tools};

/// Caches of the database fill up in the first minutes; then it stays as it is, but for what an allocator does.
const GROWTH_KIB: u64 = 24 << 10;

/// Whatever is asked of it.
const LIMIT_KIB: u64 = 300 << 10;

#[test]
fn memory_does_not_grow_with_what_was_uploaded() {
    let is_slow = std::env::var_os("CASEMATE_SLOW_TESTS").is_some();
    let length = if is_slow { Duration::from_hours(1) } else { Duration::from_mins(1) };
    crate::server::in_both(|server, _| {
        let administrator = server.administrator();
        let agent = server.with_key(&administrator.agent("web-1")).without("connection");
        let reader = server.with_key(&administrator.key("Auditor"));
        let load = Load { sessions: 20, length, commands: 5, output: 20_000 };
        let felt = load::put(&server, &agent, &reader, load);
        assert!(felt.sent > load.sessions * load.commands, "{} commands", felt.sent);
        assert_eq!(felt.tail.len(), felt.sent, "commands that are not in the tail");
        let events = administrator.json("events/command?eventCount=10000&commandSearch=echo%20session");
        assert_eq!(events.as_array().map(Vec::len), Some(felt.sent.min(10_000)));
        let (middle, end) = (felt.usual_kib(0.4..0.6), felt.usual_kib(0.8..1.01));
        let said = format!("{middle} KiB in the middle, {end} at the end, {} at most", felt.peak_kib());
        if !is_release() {
            tools::left_out(&format!("needs a release build for the promise about memory (here {said})"));
            return;
        }
        assert!(end < middle + GROWTH_KIB && felt.peak_kib() < LIMIT_KIB, "{said}");
    });
}
