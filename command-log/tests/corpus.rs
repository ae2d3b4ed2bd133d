//! Replays the fuzzer's corpus: what once broke stays mended.

use casemate_command_log::fuzz::fuzz_command_log;

#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn command_log() {
    replay::replay("command_log", fuzz_command_log);
}
