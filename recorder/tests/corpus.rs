//! Replays the fuzzers' corpora: what once broke stays mended.

use std::fs;
use std::path::Path;

use casemate_recorder::fuzz::{fuzz_input_guard, fuzz_keys};

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
fn input_guard() {
    replay("input_guard", fuzz_input_guard);
}

#[test]
fn keys() {
    replay("keys", fuzz_keys);
}
