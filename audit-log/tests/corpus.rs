//! Replays the fuzzer's corpus: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

#[test]
fn kube_audit() {
    replay::replay("kube_audit", casemate_audit_log::fuzz::fuzz_kube_audit);
}
