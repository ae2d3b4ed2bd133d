//! `--max-size` and `--max-duration`: parts of one session, linked, and joined again.

use casemate_tests::{Cast, World};
use serde_json::Value;

use crate::exact::assert_same;
use crate::rec::assert_private;

/// Follows the links from the first part to the last.
#[track_caller]
fn chain(world: &World, first: &str) -> Vec<(String, Cast)> {
    let mut parts = Vec::new();
    let mut next = Some(first.to_owned());
    while let Some(name) = next {
        assert!(parts.len() < 500, "the chain does not end");
        let cast = Cast::read(world.path(&name));
        next = cast.data("part").first().map(|link| {
            let link: Value = serde_json::from_str(link).expect("a link is JSON");
            link["next"].as_str().expect("a link names the next file").to_owned()
        });
        parts.push((name, cast));
    }
    parts
}

/// Parts of one session: numbers, ends, modes; `casemate cat` gives everything.
#[track_caller]
fn assert_chain(world: &World, parts: &[(String, Cast)], expected: &[u8]) {
    let session = parts[0].1.session();
    for (index, (name, cast)) in parts.iter().enumerate() {
        assert_eq!(cast.session(), session, "{name}");
        assert_eq!(cast.header["casemate"]["part"], index + 1, "{name}");
        assert_private(world.path(name));
        let reason = if index + 1 == parts.len() { "exit" } else { "rotated" };
        assert_eq!(cast.data("end"), [reason], "{name}");
        assert_eq!(cast.of("x").len(), usize::from(reason == "exit"), "{name}");
        let checked = world.casemate(&["info", "--strict", name]).run().success();
        assert_eq!(checked.stderr, "", "{name} has defects");
    }
    let all: Vec<u8> = parts.iter().flat_map(|(_, cast)| cast.exact_output()).collect();
    assert_same(&all, expected, "the parts in a row");
    let mut args = vec!["cat"];
    args.extend(parts.iter().map(|(name, _)| name.as_str()));
    let joined = world.casemate(&args).run().success();
    let joined = Cast::parse(&joined.stdout, "casemate cat");
    assert_same(&joined.exact_output(), expected, "casemate cat");
    assert_eq!(joined.session(), session);
    // Time runs on over the parts: at least as long as the parts together.
    let last = |cast: &Cast| cast.events.last().map_or(0, |event| event.time);
    assert!(last(&joined) >= parts.iter().map(|(_, cast)| last(cast)).max().unwrap_or(0));
}

#[test]
fn by_size() {
    const LIMIT: u64 = 100_000;
    for file in ["s.cast", "s.cast.zst"] {
        let world = World::new();
        // Text that zstd cannot make much of: about 1.2 MB of it. Compressed it comes in pieces of 50 KB
        // where nothing is flushed in between, so a part may be half again as long as its limit.
        let script = "head -c 400000 /dev/urandom | od -An -v -tx1";
        let mut session = world.rec(&[file, "-q", "--max-size", "100K", "-c", script]).on_terminal();
        session.wait_success();
        let parts = chain(&world, file);
        assert!(parts.len() >= 3, "{} parts of {file}", parts.len());
        assert_chain(&world, &parts, &session.output());
        for (name, _) in &parts {
            let size = std::fs::metadata(world.path(name)).unwrap().len();
            // One event of 64 KiB may come when there is room for only a part of it.
            assert!(size <= LIMIT * 2, "{name} has {size} bytes");
        }
    }
}

#[test]
fn by_time() {
    for file in ["s.cast", "s.cast.zst"] {
        let world = World::new();
        let script = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do echo tick-$i; sleep 0.2; done";
        let mut session = world.rec(&[file, "-q", "--max-duration", "1s", "-c", script]).on_terminal();
        session.wait_success();
        let parts = chain(&world, file);
        assert!((3..=5).contains(&parts.len()), "{} parts of {file} in 3.4 s", parts.len());
        assert_chain(&world, &parts, &session.output());
    }
}

#[test]
fn an_idle_session_makes_no_empty_parts() {
    let world = World::new();
    let mut session = world
        .rec(&["s.cast", "-q", "--max-duration", "1s", "-c", "echo start; sleep 3.5; echo done"])
        .on_terminal();
    session.wait_success();
    let parts = chain(&world, "s.cast");
    assert!((1..=2).contains(&parts.len()), "{} parts for two lines", parts.len());
    assert_chain(&world, &parts, b"start\r\ndone\r\n");
}

#[test]
fn a_part_that_exists_is_never_overwritten() {
    let world = World::new();
    let script = "head -c 60000 /dev/urandom | od -An -v -tx1";
    let args = ["s.cast", "-q", "--max-size", "100K", "-c", script];
    world.rec(&args).on_terminal().wait_success();
    let second = chain(&world, "s.cast")[1].0.clone();
    for (name, _) in chain(&world, "s.cast") {
        std::fs::remove_file(world.path(&name)).unwrap();
    }
    world.write(&second, "precious\n");
    let mut session = world.rec(&args).on_terminal();
    let _ = session.wait_exit(casemate_tests::LONG);
    assert_eq!(world.bytes(&second), b"precious\n");
}

#[test]
fn a_window_resized_in_the_middle_is_known_to_the_next_part() {
    let world = World::new();
    let script = "read x; head -c 60000 /dev/urandom | od -An -v -tx1";
    let mut session = world.rec(&["s.cast", "-q", "--max-size", "100K", "-c", script]).on_terminal();
    session.wait_raw();
    session.resize(77, 22);
    casemate_tests::wait_until("the resize in the file", casemate_tests::LONG, || {
        Cast::read_open(world.path("s.cast")).filter(|cast| cast.data("r") == ["77x22"])
    });
    session.send("\r");
    session.wait_success();
    let parts = chain(&world, "s.cast");
    assert!(parts.len() >= 2);
    assert_eq!(
        (parts[1].1.header["width"].as_u64(), parts[1].1.header["height"].as_u64()),
        (Some(77), Some(22))
    );
}
