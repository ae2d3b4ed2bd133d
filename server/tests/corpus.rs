//! Replays the fuzzer's corpus: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn intake() {
    replay::replay("intake", casemate_server::intake::fuzz::fuzz_intake);
}
