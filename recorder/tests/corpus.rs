//! Replays the fuzzers' corpora: what once broke stays mended.

use std::fs;
use std::path::{Path, PathBuf};

use casemate_recorder::fuzz::{fuzz_input_guard, fuzz_keys};

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
fn input_guard() {
    for file in corpus("input_guard") {
        println!("{}", file.display());
        fuzz_input_guard(&fs::read(file).unwrap());
    }
}

#[test]
fn keys() {
    for file in corpus("keys") {
        println!("{}", file.display());
        fuzz_keys(&fs::read(file).unwrap());
    }
}
