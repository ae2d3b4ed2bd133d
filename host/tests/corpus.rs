//! Replays the fuzzer's corpus: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn joined() {
    replay::replay("joined", casemate_host::fuzz::fuzz_joined);
}

#[test]
fn login() {
    replay::replay("login", casemate_host::fuzz::fuzz_login);
}
