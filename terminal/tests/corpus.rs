//! Replays the fuzzers' corpora: what once broke stays mended.

use std::fs;
use std::path::{Path, PathBuf};

use casemate_terminal::fuzz::{fuzz_scanner, fuzz_screen, fuzz_sightings};

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
fn scanner() {
    for file in corpus("scanner") {
        println!("{}", file.display());
        fuzz_scanner(&fs::read(file).unwrap());
    }
}

#[test]
fn screen() {
    for file in corpus("screen") {
        println!("{}", file.display());
        fuzz_screen(&fs::read(file).unwrap());
    }
}

#[test]
fn sightings() {
    for file in corpus("sightings").into_iter().chain(corpus("screen")) {
        println!("{}", file.display());
        fuzz_sightings(&fs::read(file).unwrap());
    }
}
