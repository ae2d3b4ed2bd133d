//! Every byte comes back, in every form, also those that are no text.

use casemate_tests::{Cast, LONG, Launch, World, is_release, turn};

/// Deterministic noise (xorshift64*), so that a failure can be repeated.
pub(crate) fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        bytes.extend(state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Equality of big byte strings, with a short message.
#[track_caller]
pub(crate) fn assert_same(actual: &[u8], expected: &[u8], what: &str) {
    if actual == expected {
        return;
    }
    let place = actual.iter().zip(expected).position(|(left, right)| left != right);
    let place = place.unwrap_or(actual.len().min(expected.len()));
    let around = |bytes: &[u8]| {
        let range = place.saturating_sub(20)..(place + 40).min(bytes.len());
        bytes[range.start.min(range.end)..range.end].escape_ascii().to_string()
    };
    panic!(
        "{what}: {} bytes instead of {}, first difference at {place}:\n  {}\nexpected\n  {}",
        actual.len(),
        expected.len(),
        around(actual),
        around(expected)
    );
}

/// Records `cat noise` on a terminal without output processing.
fn record_noise(world: &World, file: &str) -> Launch {
    world.rec(&[file, "-q", "-c", "stty raw; exec cat noise"])
}

#[test]
fn random_bytes_through_the_recorder() {
    let _turn = turn();
    let world = World::new();
    // The promise is about 64 MiB; an unoptimised binary gets an eighth, to stay within the lane's minutes.
    let expected = noise(if is_release() { 64 << 20 } else { 8 << 20 }, 1);
    world.write("noise", &expected);
    let patience = LONG * 6;

    let mut session = record_noise(&world, "s.cast.zst").on_terminal();
    assert_eq!(session.wait_exit(patience), 0, "{}", session.dump());
    assert_same(&session.output(), &expected, "what was shown");
    drop(session);
    world.casemate(&["convert", "-f", "raw", "s.cast.zst", "converted"]).run().success();
    assert_same(&world.bytes("converted"), &expected, "convert -f raw of s.cast.zst");
    assert_same(&Cast::read(world.path("s.cast.zst")).exact_output(), &expected, "s.cast.zst");

    let mut session = record_noise(&world, "direct.raw").on_terminal();
    assert_eq!(session.wait_exit(patience), 0);
    assert_same(&world.bytes("direct.raw"), &expected, "rec -f raw");
}

#[test]
fn random_bytes_through_every_version() {
    let world = World::new();
    let expected = noise(300_000, 2);
    world.write("noise", &expected);
    for (file, format) in [("a.cast", "v2"), ("b.cast", "v3"), ("c.cast.zst", "v3")] {
        let mut session =
            world.rec(&[file, "-q", "-f", format, "-c", "stty raw; exec cat noise"]).on_terminal();
        session.wait_success();
        let cast = Cast::read(world.path(file));
        assert_same(&cast.exact_output(), &expected, file);
        let run = world.casemate(&["convert", file, "-", "-f", "raw"]).run().success();
        assert_same(&run.stdout, &expected, "converted");
        // There and back through the other version.
        let other = if format == "v2" { "v3" } else { "v2" };
        world.casemate(&["convert", "--overwrite", "-f", other, file, "other.cast"]).run().success();
        assert_same(&Cast::read(world.path("other.cast")).exact_output(), &expected, "the other version");
    }
}

fn record_script(script: &str) -> Cast {
    let world = World::new();
    world.rec(&["s.cast", "-q", "--", "bash", "-c", script]).on_terminal().wait_success();
    Cast::read(world.path("s.cast"))
}

#[test]
fn a_character_in_pieces_is_one_character() {
    let cast = record_script(
        "printf 'a\\xc3'; sleep 0.15; printf '\\xa9b'; for b in '\\xf0' '\\x9f' '\\x8e' '\\x89'; do printf $b; sleep 0.05; done",
    );
    assert_eq!(cast.output(), "aéb🎉");
    assert_eq!(cast.data("bytes"), [""; 0], "nothing was invalid");
}

#[test]
fn what_is_no_text_keeps_its_bytes() {
    for (printed, text, exact) in [
        ("a\\xffb", "a\u{fffd}b", &b"a\xffb"[..]),
        ("\\xc3(", "\u{fffd}(", b"\xc3("),
        ("end\\xe2\\x82", "end\u{fffd}", b"end\xe2\x82"),
        ("\\xed\\xa0\\x80.", "\u{fffd}\u{fffd}\u{fffd}.", b"\xed\xa0\x80."),
    ] {
        let cast = record_script(&format!("printf '{printed}'"));
        assert_eq!(cast.output(), text, "{printed}");
        assert_eq!(cast.exact_output(), exact, "{printed}");
    }
}

#[test]
fn control_characters_survive_json() {
    let cast = record_script("printf '\\x00\\x01\\x1b[0m\\x7f\"\\\\\\u2028\\u00a0'");
    assert_eq!(cast.output(), "\0\x01\x1b[0m\x7f\"\\\u{2028}\u{a0}");
}

/// One burst of numbered lines whose end is the program's end: the classic place to lose the tail.
pub(crate) fn burst(file: &str, lines: u32) {
    let world = World::new();
    let mut session = world.rec(&[file, "-q", "--", "seq", &lines.to_string()]).on_terminal();
    session.wait_success();
    let mut expected = String::new();
    for line in 1..=lines {
        expected.push_str(&line.to_string());
        expected.push_str("\r\n");
    }
    assert_same(&session.output(), expected.as_bytes(), "what was shown");
    let cast = Cast::read(world.path(file));
    assert_same(cast.output().as_bytes(), expected.as_bytes(), file);
    cast.assert_end(Some("0"), "exit");
}

#[test]
fn ten_bursts_ten_exact() {
    for round in 0..10 {
        let file = if round % 2 == 0 { "s.cast" } else { "s.cast.zst" };
        burst(file, [1, 777, 20_000, 100_000, 250_000][round / 2]);
    }
}
