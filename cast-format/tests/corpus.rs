//! Replays the fuzzers' corpora: what once broke stays mended.

use std::fs;
use std::path::Path;

use casemate_cast_format::fuzz::{fuzz_decode, fuzz_unpack};

#[track_caller]
fn replay(target: &str, property: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files.sort();
    for file in files {
        // The last line of a failure's output says which file it was.
        println!("{}", file.display());
        property(&fs::read(file).unwrap());
    }
}

#[test]
fn decode() {
    replay("decode", fuzz_decode);
}

#[test]
fn unpack() {
    replay("unpack", fuzz_unpack);
}
