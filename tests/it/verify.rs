//! `casemate verify` and `casemate keygen`: what is found, how it is said, with which status.

use std::os::unix::fs::PermissionsExt as _;

use casemate_tests::{Finished, LONG, World, need, process, wait_until};
use rustix::process::Signal;
use serde_json::Value;

/// A key, and a recording of some sessions that is signed with it: each of them is a segment.
fn signed(sessions: usize) -> World {
    let world = World::new();
    world.casemate(&["keygen", "-q", "a.key"]).run().success();
    for session in 0..sessions {
        let script = format!("printf 'session {session} \\033[1mcaf\\303\\251\\033[m\\n'; sleep 0.1");
        let arguments = ["s.cast.zst", "-aq", "--sign-key", "a.key", "-c", &script];
        world.rec(&arguments).run().success();
    }
    world
}

/// Runs `casemate verify` and gives the lines it printed.
#[track_caller]
fn verify(world: &World, arguments: &[&str], status: i32) -> Vec<String> {
    let run = world.casemate(&[&["verify", "-q"], arguments].concat()).run().exits(status);
    run.text().lines().map(str::to_owned).collect()
}

#[track_caller]
fn says(lines: &[String], parts: &[&str]) {
    for part in parts {
        assert!(lines.iter().any(|line| line.contains(part)), "no {part:?} in {lines:#?}");
    }
}

fn json(run: &Finished) -> Vec<Value> {
    run.text().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
}

/// Where each frame of a finished recording ends, as its seek table tells.
fn ends(file: &[u8]) -> Vec<usize> {
    let number = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().unwrap()) as usize;
    let entries = number(file.len() - 9);
    let table = file.len() - 9 - 8 * entries;
    let mut ends: Vec<usize> = (0..entries)
        .scan(0, |end, entry| {
            *end += number(table + 8 * entry);
            Some(*end)
        })
        .collect();
    assert_eq!(ends.last(), Some(&(table - 8)));
    ends.push(file.len());
    ends
}

#[test]
fn what_is_intact_and_by_whom_it_is_signed() {
    let world = signed(2);
    let key = world.casemate(&["keygen", "b.key"]).run().success().text().trim().to_owned();
    world.rec(&["u.cast.zst", "-q", "--", "true"]).run().success();
    world.rec(&["p.cast", "-q", "--", "true"]).run().success();
    world.write("empty.cast.zst", "");
    world.write("other", "text");

    let lines = verify(&world, &["s.cast.zst"], 0);
    says(&lines, &["s.cast.zst: intact: 2 segments, 0.", " s, signed by "]);
    let signer = lines[0].rsplit(' ').next().unwrap().to_owned();
    for given in ["a.key.pub", &signer, &signer.to_uppercase()] {
        says(&verify(&world, &["--key", given, "s.cast.zst"], 0), &["intact: ", "signed by the key"]);
    }
    for given in ["b.key.pub", &key] {
        let lines = verify(&world, &["--key", given, "s.cast.zst"], 1);
        says(
            &lines,
            &["s.cast.zst: NOT SIGNED BY THE KEY, otherwise intact: 2 segments", "signed by another key"],
        );
        let info = world.casemate(&["info", "--key", given, "s.cast.zst"]).run().exits(1);
        assert!(info.text().contains("NOT SIGNED BY THE KEY, otherwise intact, signed by"), "{info:?}");
    }
    says(&verify(&world, &["u.cast.zst"], 0), &["u.cast.zst: intact: 1 segment, ", "not signed"]);
    says(
        &verify(&world, &["--key", "a.key.pub", "u.cast.zst"], 1),
        &["NOT SIGNED BY THE KEY", "segment 0 is not signed"],
    );
    says(
        &verify(&world, &["p.cast"], 1),
        &["p.cast: NOT SEALED: a plain asciicast, of which nothing can be proven"],
    );
    says(&verify(&world, &["empty.cast.zst"], 1), &["NOT SEALED: an empty file"]);

    // What it is worth is said once, aside.
    let talk = world.casemate(&["verify", "u.cast.zst", "u.cast.zst"]).run().success();
    assert_eq!(talk.stderr.matches("finds accidents only").count(), 1, "{}", talk.stderr);
    let talk = world.casemate(&["verify", "s.cast.zst"]).run().success();
    assert!(talk.stderr.contains("anybody can sign: give the public key"), "{}", talk.stderr);
    let talk = world.casemate(&["verify", "--key", "a.key.pub", "s.cast.zst"]).run().success();
    assert_eq!(talk.stderr, "");

    // Each gets its line, and the worst status counts; the folder has them all.
    let run =
        world.casemate(&["verify", "s.cast.zst", "other", "gone", "u.cast.zst", "p.cast"]).run().exits(2);
    assert_eq!(run.text().lines().count(), 3, "{}", run.text());
    assert!(
        run.stderr.contains("error: other: not a recording") && run.stderr.contains("`gone`"),
        "{}",
        run.stderr
    );
    assert_eq!(verify(&world, &["."], 1).len(), 4);
    let piped = world.casemate(&["verify", "-q", "-"]).run_with_input(&world.bytes("s.cast.zst")).success();
    assert!(piped.text().starts_with("standard input: intact: 2 segments"), "{}", piped.text());
}

#[test]
fn wrong_usage_is_no_verdict() {
    let world = signed(1);
    for (arguments, error) in [
        (&["s.cast.zst", "--key", "gone"][..], "cannot read the key `gone`"),
        (&["s.cast.zst", "--key", "a.key"], "is a private key"),
        (&["s.cast.zst", "--key", "s.cast.zst"], "s.cast.zst"),
        (
            &["s.cast.zst", "--key", "0000000000000000000000000000000000000000000000000000000000000000"],
            "no Ed25519",
        ),
        (&[], "required"),
        (&["gone.cast"], "`gone.cast`"),
        (&["empty"], "there is no recording"),
    ] {
        std::fs::create_dir_all(world.path("empty")).unwrap();
        let run = world.casemate(&[&["verify"], arguments].concat()).run().exits(2);
        assert!(run.stderr.contains(error) && run.stdout.is_empty(), "{arguments:?}: {run:?}");
    }
    // Whoever has seen enough does not change the status.
    let script = "{ sleep 0.2; \"$CASEMATE\" verify -q s.cast.zst; echo $? >&2; } | :";
    assert_eq!(world.script(script).run().success().stderr, "0\n");
    let full = world.script("\"$CASEMATE\" verify -q s.cast.zst > /dev/full").run().exits(2);
    assert!(full.stderr.contains("cannot write to standard output"), "{full:?}");
}

#[test]
fn each_small_change_of_a_real_recording_is_found() {
    let world = signed(3);
    let file = world.bytes("s.cast.zst");
    let mut count = 0;
    let mut change = |bytes: &[u8]| {
        world.write(&format!("changed/{count:05}.cast.zst"), bytes);
        count += 1;
    };
    // Where it had been finished before, it is a shorter recording.
    let tables: Vec<usize> = ends(&file).into_iter().skip(2).step_by(3).collect();
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        change(&flipped);
        if !tables.contains(&at) {
            change(&file[..at]);
        }
        if at % 3 == 0 {
            change(&[&file[..at], &file[at + 1..]].concat());
            change(&[&file[..at], b"\0", &file[at..]].concat());
        }
    }
    change(&[&file[..], b"\n"].concat());
    change(&[&file[..], &file].concat());
    let run = world.casemate(&["verify", "--json", "changed"]).run().exits(1);
    let found = json(&run);
    assert_eq!(found.len(), count);
    let missed: Vec<_> = found.iter().filter(|one| one["status"] != 1).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    let named = found.iter().filter(|one| {
        one["defect_count"] != 0 || one["verdict"] == "unfinished" || one["verdict"] == "unsealed"
    });
    assert_eq!(named.count(), count);
    for end in tables {
        world.write("earlier.cast.zst", &file[..end]);
        verify(&world, &["earlier.cast.zst"], 0);
    }
}

#[test]
fn what_is_wrong_is_named_by_segment_and_time() {
    let world = signed(4);
    let file = world.bytes("s.cast.zst");
    let ends = ends(&file);
    // Frame, seal and table of each session; the last table ends the file.
    let session =
        |number: usize| &file[number.checked_sub(1).map_or(0, |one| ends[3 * one + 2])..ends[3 * number + 2]];
    let check = |parts: &[&[u8]], expected: &[&str]| {
        world.write("x.cast.zst", parts.concat());
        let lines = verify(&world, &["x.cast.zst"], 1);
        says(&lines, &["x.cast.zst: NOT INTACT: "]);
        says(&lines, expected);
        let info = world.casemate(&["info", "x.cast.zst"]).run().success();
        assert!(info.text().contains("NOT INTACT"), "{}", info.text());
    };
    let (zero, one, two, three) = (session(0), session(1), session(2), session(3));
    check(&[zero, two, three], &["segment 1 is missing (0.", "the seek table does not match the file"]);
    check(&[zero, three], &["segments 1 to 2 are missing (0."]);
    check(&[zero, two, one, three], &["segment 1 out of order (0."]);
    check(&[zero, one, one, two, three], &["segment 1 is there again (0."]);
    let mut flipped = file.clone();
    flipped[ends[3] - 10] ^= 4;
    check(&[&flipped], &["in 4 segments, signed by", "  segment 1: frame does not match its seal (0."]);
    let mut table = file.clone();
    let at = ends[10] + 30;
    table[at] ^= 1;
    check(&[&table], &["  the seek table does not match the file"]);
    check(
        &[&file, &[0x50, 0x2A, 0x4D, 0x18, 2, 0, 0, 0, b'h', b'i']],
        &["10 bytes at byte ", "belong to no segment (behind 0."],
    );
    // Segments of somebody else in a row are one line.
    world.casemate(&["keygen", "-q", "b.key"]).run().success();
    for _ in 0..3 {
        world.rec(&["other.cast.zst", "-aq", "--sign-key", "b.key", "-c", "sleep 0.1"]).run().success();
    }
    let lines = verify(&world, &["--key", "a.key.pub", "other.cast.zst"], 1);
    says(&lines, &["  segments 0 to 2 are signed by another key (0.0 s to 0."]);
}

#[test]
fn an_unfinished_recording_says_what_of_it_holds() {
    let world = World::new();
    let script = "seq 1 40000; sleep 0.3; echo behind; sleep 60";
    let mut session = world.rec(&["s.cast.zst", "-q", "-c", script]).on_terminal();
    session.wait_for("behind");
    let live = || world.casemate(&["verify", "-q", "s.cast.zst"]).run().exits(1).text();
    let lines = wait_until("a seal", LONG, || Some(live()).filter(|text| text.contains("1 segment holds")));
    assert!(lines.contains("s.cast.zst: UNFINISHED: no final seal; 1 segment holds, up to 0."), "{lines}");
    assert!(lines.contains("not signed") && lines.trim_end().ends_with("behind it have no seal"), "{lines}");
    let family = process::descendants(session.pid());
    session.signal(Signal::KILL);
    assert_eq!(session.wait_exit(LONG), 137);
    process::wait_gone(&family, LONG);
    let run = world.casemate(&["verify", "--json", "s.cast.zst"]).run().exits(1);
    let found = &json(&run)[0];
    assert_eq!(
        (&found["verdict"], &found["finished"], &found["segments"]),
        (&"unfinished".into(), &false.into(), &1.into())
    );
    assert!(
        found["unsealed_bytes"].as_u64().unwrap() > 0 && found["sealed_until"].as_f64().is_some(),
        "{found}"
    );
    let info = world.casemate(&["info", "s.cast.zst"]).run().success();
    assert!(info.text().contains("in 1 segment, unfinished, not signed"), "{}", info.text());
    // Once it is mended it is whole.
    world.casemate(&["repair", "-q", "s.cast.zst"]).run().success();
    says(&verify(&world, &["s.repaired.cast.zst"], 0), &["intact: 2 segments"]);
    // What breaks off before its first seal has nothing to hold.
    world.write("x.cast.zst", &world.bytes("s.cast.zst")[..200]);
    says(&verify(&world, &["x.cast.zst"], 1), &["UNFINISHED: it breaks off before the first seal"]);
}

#[test]
fn parts_that_are_given_together_are_a_chain() {
    let world = World::new();
    let script = "head -c 300000 /dev/urandom | od -An -v -tx1";
    world.rec(&["r.cast.zst", "-q", "--max-size", "100K", "-c", script]).run().success();
    let parts = ["r.cast.zst", "r.2.cast.zst", "r.3.cast.zst"];
    let rest: Vec<String> = world.names(".").into_iter().filter(|name| name.ends_with(".cast.zst")).collect();
    assert!(rest.len() >= 3, "{rest:?}");
    says(&verify(&world, &["."], 0), &[&format!("each of {} parts follows the one before", rest.len())]);
    // In any order; what was not given is said, and is no failure.
    let lines = verify(&world, &[parts[1], parts[0]], 0);
    says(
        &lines,
        &["each of 2 parts follows the one before", "it goes on in r.3.cast.zst, which was not given"],
    );
    says(&verify(&world, &[parts[1]], 0), &["it begins in r.cast.zst, which was not given"]);
    let lines = verify(&world, &[parts[0], parts[2]], 1);
    says(&lines, &["NOT LINKED: r.3.cast.zst does not follow r.cast.zst"]);
    let run = world.casemate(&["verify", "--json", parts[0], parts[2]]).run().exits(1);
    let session = json(&run).pop().unwrap();
    assert_eq!(
        (&session["linked"], &session["broken"][0]["behind"]),
        (&false.into(), &"r.3.cast.zst".into())
    );
    // A part of another recording in the place of one.
    world.rec(&["q.cast.zst", "-q", "--max-size", "100K", "-c", script]).run().success();
    let run = world.casemate(&["verify", "--json", parts[0], parts[1], "q.2.cast.zst"]).run().success();
    let sessions = json(&run).into_iter().filter(|one| one["parts"].is_array()).count();
    assert_eq!(sessions, 2, "it is another session's, and its first part is missing");
}

#[test]
fn json_has_fixed_names() {
    let world = signed(1);
    let run = world.casemate(&["verify", "--json", "--key", "a.key.pub", "s.cast.zst"]).run().success();
    let found = &json(&run)[0];
    let names: Vec<&str> = found.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = "file verdict status signed_by signed_by_key finished segments keyframes sealed_until \
                    sealed_text_bytes text_bytes unsealed_bytes session part next continues last_seal defects \
                    defect_count";
    assert_eq!(names.join(" "), expected);
    assert_eq!((&found["verdict"], &found["signed_by_key"]), (&"intact".into(), &true.into()));
    let mut changed = world.bytes("s.cast.zst");
    changed[100] ^= 1;
    world.write("x.cast.zst", changed);
    let run = world.casemate(&["verify", "--json", "x.cast.zst", "gone"]).run().exits(2);
    let found = json(&run);
    let names: Vec<&str> = found[0]["defects"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names.join(" "), "what segment last_segment from to offset text");
    // What could not be read at all is an error, and no object.
    assert_eq!(found.len(), 1);
    world.write("other", "text");
    let run = world.casemate(&["verify", "--json", "other"]).run().exits(2);
    assert_eq!((&json(&run)[0]["verdict"], &json(&run)[0]["status"]), (&"unreadable".into(), &2.into()));
}

#[test]
fn a_key_is_made_and_never_replaced() {
    let world = World::new();
    let run = world.casemate(&["keygen"]).run().success();
    assert!(
        run.text().trim().len() == 64 && run.stderr.contains("casemate rec --sign-key casemate.key"),
        "{run:?}"
    );
    let mode = |name: &str| std::fs::metadata(world.path(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("casemate.key"), mode("casemate.key.pub")), (0o600, 0o644));
    let before = (world.bytes("casemate.key"), world.bytes("casemate.key.pub"));
    world.casemate(&["keygen"]).run().fails("it exists");
    world.write("b.key.pub", "precious");
    world.casemate(&["keygen", "b.key"]).run().fails("b.key.pub");
    std::os::unix::fs::symlink("nowhere", world.path("c.key")).unwrap();
    world.casemate(&["keygen", "c.key"]).run().fails("it exists");
    world.casemate(&["keygen", "-"]).run().fails("standard output");
    assert!(!world.path("b.key").exists() && !world.path("nowhere").exists());
    assert_eq!(before, (world.bytes("casemate.key"), world.bytes("casemate.key.pub")));
    assert_ne!(world.casemate(&["keygen", "d.key"]).run().success().text(), run.text());
}

#[test]
fn openssl_and_casemate_take_each_others_keys() {
    need!("openssl");
    let world = signed(1);
    // Ours in theirs.
    let script = "openssl pkey -in a.key -pubout | cmp - a.key.pub && openssl pkey -in a.key -noout -check";
    world.script(script).run().success();
    // The signature of the last seal, checked by them: the message is a prefix and the seal's own hash.
    let file = world.bytes("s.cast.zst");
    let end = *ends(&file).iter().rev().nth(1).unwrap();
    let (signature, key, own) = (&file[end - 64..end], &file[end - 96..end - 64], &file[end - 128..end - 96]);
    world.write("signature", signature);
    world.write("message", [b"casemate seal v1\0", own].concat());
    let script = "openssl pkeyutl -verify -pubin -inkey a.key.pub -rawin -in message -sigfile signature";
    world.script(script).run().success();
    let hex: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
    verify(&world, &["--key", &hex, "s.cast.zst"], 0);
    // Theirs in ours.
    let script = "openssl genpkey -algorithm ed25519 -out o.pem && openssl pkey -in o.pem -pubout -out o.pub";
    world.script(script).run().success();
    world.rec(&["o.cast.zst", "-q", "--sign-key", "o.pem", "--", "true"]).run().success();
    says(&verify(&world, &["--key", "o.pub", "o.cast.zst"], 0), &["signed by the key"]);
    // What is no Ed25519 key is said to be none.
    world
        .script("openssl genpkey -algorithm x25519 -out x.pem && openssl pkey -in x.pem -pubout -out x.pub")
        .run()
        .success();
    world.casemate(&["verify", "--key", "x.pub", "o.cast.zst"]).run().exits(2);
}

#[test]
fn screens_that_are_kept_are_compared_with_what_was_printed() {
    let world = World::new();
    let script = "for n in 1 2 3 4; do seq 1 20000; printf '\\033[2J\\033[3%dm%s' $n $n; done";
    world.rec(&["x.cast", "-q", "--headless", "-c", script]).run().success();
    world.casemate(&["convert", "-q", "x.cast", "x.cast.zst"]).run().success();
    let run = world.casemate(&["verify", "-q", "--screens", "x.cast.zst"]).run().success();
    assert!(run.text().contains(" kept, as "), "{run:?}");
    let run = world.casemate(&["verify", "-q", "--screens", "--json", "x.cast.zst"]).run().success();
    let verdict: Value = serde_json::from_str(&run.text()).unwrap();
    assert_eq!(verdict["screens"]["kept"], verdict["keyframes"]);
    assert_eq!(verdict["screens"]["wrong"], serde_json::json!([]));
    // Without seals there is nothing to compare; a pipe cannot be read twice.
    world.casemate(&["verify", "-q", "--screens", "x.cast"]).run().exits(1);
    let run =
        world.casemate(&["verify", "--screens", "-"]).run_with_input(&world.bytes("x.cast.zst")).exits(2);
    assert!(run.stderr.contains("read twice"), "{run:?}");
}
