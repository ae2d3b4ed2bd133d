//! The documents and the tree say the same.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|err| panic!("{name}: {err}"))
}

/// The folders in `members = [...]` of the workspace.
fn members() -> BTreeSet<String> {
    let manifest = read("Cargo.toml");
    let (_, rest) = manifest.split_once("members = [").expect("the workspace has members");
    let (list, _) = rest.split_once(']').expect("the list of members ends");
    list.split(',')
        .map(|name| name.trim().trim_matches('"').to_owned())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn architecture_names_exactly_our_crates() {
    let headings: BTreeSet<_> = read("ARCHITECTURE.md")
        .lines()
        .filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`').map(str::to_owned))
        .collect();
    assert_eq!(headings, members());
}

#[test]
fn members_are_exactly_the_crates_on_disk() {
    let crates: BTreeSet<_> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "fuzz") // a workspace of its own
        .collect();
    assert_eq!(crates, members());
}

#[test]
fn every_test_file_is_declared() {
    let declared: BTreeSet<_> = read("tests/it/main.rs")
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.split(';').next().map(str::to_owned))
        .collect();
    let there: BTreeSet<_> = fs::read_dir(root().join("tests/it"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| name != "main")
        .collect();
    assert_eq!(declared, there);
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let mut files = Vec::new();
    for folder in members() {
        rust_files(&root().join(folder), &mut files);
    }
    if root().join("fuzz").exists() {
        rust_files(&root().join("fuzz"), &mut files);
    }
    assert!(files.len() > 20, "only {} files were looked at", files.len());
    let mute: Vec<_> =
        files.into_iter().filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!")).collect();
    assert!(mute.is_empty(), "files that do not begin with `//!`: {mute:#?}");
}

#[test]
fn the_readme_has_the_two_commands() {
    let readme = read("README.md");
    assert!(readme.contains("./test"), "the command that runs all tests");
    let run = readme.lines().any(|line| line.contains("cargo") && line.contains("rec"));
    assert!(run, "the command that builds and records a session");
    for name in ["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "test", ".ci/run"] {
        assert!(root().join(name).exists(), "no {name}");
    }
    assert!(read(".ci/run").contains("./test"), ".ci/run runs exactly that script");
}
