//! Replays the fuzzers' corpora: what once broke stays mended.

use std::fs;
use std::path::{Path, PathBuf};

use casemate_cast_format::fuzz::{fuzz_decode, fuzz_unpack};

/// The files of a target's corpus, in order.
fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(folder).expect("the corpus is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the corpus can be listed").path()).collect();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files.sort();
    files
}

#[test]
fn decode() {
    for file in corpus("decode") {
        println!("{}", file.display());
        fuzz_decode(&fs::read(file).unwrap());
    }
}

#[test]
fn unpack() {
    for file in corpus("unpack") {
        println!("{}", file.display());
        fuzz_unpack(&fs::read(file).unwrap());
    }
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
