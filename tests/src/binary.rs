//! Which `casemate` is under test: `CASEMATE_BIN`, else what cargo builds beside this test binary.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The program under test, built on first use in the profile of the tests themselves.
#[must_use]
pub fn casemate() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| match std::env::var_os("CASEMATE_BIN") {
        Some(path) => std::fs::canonicalize(&path)
            .unwrap_or_else(|err| panic!("CASEMATE_BIN={}: {err}", path.display())),
        None => build(),
    })
}

/// Whether the program under test is optimised: only then do promises about memory and speed count.
#[must_use]
pub fn is_release() -> bool {
    match std::env::var_os("CASEMATE_BIN") {
        Some(_) => !casemate().components().any(|part| part.as_os_str() == "debug"),
        None => !cfg!(debug_assertions),
    }
}

fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a running test has a path");
    // A test is target/PROFILE/deps/it-HASH, a program target/PROFILE/NAME.
    let folder = test.parent().expect("a program is in a folder");
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let profile = profile.expect("test binaries live in target/PROFILE/deps");
    let target = profile.parent().expect("the profile's folder is in the target folder");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", "casemate", "--package", "casemate-host", "--target-dir"]);
    cargo.arg(target);
    cargo.arg("--manifest-path").arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml"));
    if !cfg!(debug_assertions) {
        cargo.arg("--release");
    }
    // What cargo says of this crate to its tests would be news to build scripts that look at it (ring's does), and all that
    // depends on them would be built again.
    for (name, _) in std::env::vars_os() {
        let said = name.to_string_lossy();
        if said.starts_with("CARGO_PKG_") || said.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    let status = cargo.status().expect("cargo starts");
    assert!(status.success(), "cargo could not build casemate");
    let path = profile.join("casemate");
    assert!(path.exists(), "cargo built no {}", path.display());
    path
}
