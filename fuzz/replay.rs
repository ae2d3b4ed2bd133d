//! The files of a target's corpus, for the tests of the crates that replay them.

use std::fs;
use std::path::{Path, PathBuf};

/// Calls the target with each file, in order, and names it first.
#[expect(clippy::print_stdout, reason = "a failed test shows what it printed")]
pub(crate) fn replay(target: &str, run: impl Fn(&[u8])) {
    for file in corpus(target) {
        println!("{}", file.display());
        run(&fs::read(&file).expect("the corpus can be read"));
    }
}

fn corpus(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(folder).expect("the corpus is there");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("the corpus can be listed").path()).collect();
    assert!(!files.is_empty(), "the corpus of {target} is empty");
    files.sort();
    files
}
