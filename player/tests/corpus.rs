//! Replays the fuzzers' corpora: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn index() {
    replay::replay("index", casemate_player::fuzz::fuzz_index);
}
