//! Several processes that open an index at the very same moment, which does not exist yet.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::World;
use crate::Store;

/// Tells the test that is run as a child that it is one.
const CHILD: &str = "CASEMATE_TEST_CHILD";

/// Opens each index that standard input names, and says on standard error what came of it.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    for place in std::io::stdin().lines() {
        let place = place.unwrap();
        let sessions = Store::open(Path::new(&place), &[]).and_then(|mut store| store.sessions());
        let answer = sessions.map_or_else(|error| format!("{error}: {error:?}"), |_| "opened".into());
        writeln!(std::io::stderr(), "{answer}").unwrap();
    }
}

fn start() -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "tests::opening::child", "--nocapture"])
        .env(CHILD, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn whoever_comes_at_the_same_moment_finds_one_index() {
    let world = World::new();
    let mut children = [start(), start(), start(), start()];
    let mut answers: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stderr.take().unwrap()).lines()).collect();
    for round in 0..60 {
        let place = world.folder.path().join(format!("{round}.db"));
        if round % 3 == 0 {
            // One of another version, which whoever comes replaces.
            drop(Store::open(&place, &[]).unwrap());
            let mut bytes = std::fs::read(&place).unwrap();
            bytes[63] ^= 0x40;
            std::fs::write(&place, &bytes).unwrap();
        }
        for child in &mut children {
            writeln!(child.stdin.as_mut().unwrap(), "{}", place.display()).unwrap();
        }
        for answer in &mut answers {
            assert_eq!(answer.next().unwrap().unwrap(), "opened", "round {round}");
        }
        assert!(Store::open(&place, &[]).unwrap().sessions().unwrap().is_empty());
    }
    for mut child in children {
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
    let names = std::fs::read_dir(world.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().ends_with(".new")).collect();
    assert!(left.is_empty(), "{left:?}");
}
