//! Replays the fuzzer's corpus: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn login() {
    replay::replay("login", casemate_host::fuzz::fuzz_login);
}
