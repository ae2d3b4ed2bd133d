//! Replays the fuzzers' corpora: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

use casemate_recorder::fuzz::{fuzz_input_guard, fuzz_keys};
use replay::replay;

#[test]
fn input_guard() {
    replay("input_guard", fuzz_input_guard);
}

#[test]
fn keys() {
    replay("keys", fuzz_keys);
}
