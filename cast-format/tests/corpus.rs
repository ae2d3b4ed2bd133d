//! Replays the fuzzers' corpora: what once broke stays mended.

#[path = "../../fuzz/replay.rs"]
mod replay;

use casemate_cast_format::fuzz::{fuzz_decode, fuzz_unpack};
use replay::replay;

#[test]
fn decode() {
    replay("decode", fuzz_decode);
}

#[test]
fn unpack() {
    replay("unpack", fuzz_unpack);
}

#[test]
fn too_large_for_a_corpus() {
    // Each key behind the events was a frame on the stack.
    let keys = "\"a\":1,".repeat(100_000);
    fuzz_decode(
        format!("{{\"version\":1,\"width\":80,\"height\":24,\"stdout\":[],{keys}\"b\":1}}").as_bytes(),
    );

    // In pieces, a header of more than a mebibyte was taken for a v1 document, and the events were lost.
    let title = "x".repeat(2 << 20);
    let header = format!("{{\"version\":2,\"width\":80,\"height\":24,\"title\":\"{title}\"}}\n");
    fuzz_decode(format!("{header}[1, \"o\", \"a\"]\n").as_bytes());
}
