//! What is not taken.

use casemate_audit_store::Form;
use casemate_cast_format::Version;
use casemate_cast_format::segment::{Condition, Packer, PackerConfig};
use expect_test::{Expect, expect};

use super::made::{Made, facts, fixture};
use crate::intake::fuzz::{about, take};
use crate::intake::{EVENTS_AT_ONCE, Intake, Refused, TEXT_AT_ONCE, UNREAD_LIMIT};

#[track_caller]
fn check(form: Form, bytes: &[u8], expected: &Expect) {
    let say = |refused: Refused| format!("{}: {refused}", refused.reason.name());
    let taken = take(form, bytes, &[]);
    expected.assert_eq(&taken.refused.map_or_else(|| format!("{:?}", taken.end.condition), say));
}

fn session() -> Made {
    let mut made = Made::new(Version::V2, Some(&facts(&about().connection_id)));
    made.prompt().line("one", "").prompt().line("two", "").prompt();
    made
}

#[test]
fn what_is_no_recording_is_refused_at_once() {
    check(Form::Cast, b"", &expect!["Unsealed"]);
    check(Form::Cast, b"{\"vers", &expect!["Unsealed"]);
    check(
        Form::Cast,
        b"hello\n",
        &expect!["NotARecording: byte 0: not an asciicast v1, v2 or v3 recording: it begins with `hello`"],
    );
    check(
        Form::Cast,
        b"{\"version\":9}\n",
        &expect!["NotARecording: byte 0: not an asciicast v1, v2 or v3 header"],
    );
    check(
        Form::Cast,
        &fixture("finished.cast.zst"),
        &expect![[
            r#"NotARecording: byte 0: not an asciicast v1, v2 or v3 recording: it begins with `(�/�\0Pd\u{7}\0�O1#0i�\u{e}ò\rJ�\u{11}�b���\u{c}\u{15}�G]\u{18}6E��\u{5}�F…`"#
        ]],
    );
    check(
        Form::CastZst,
        b"{\"version\":2,\"width\":80,\"height\":24}\n",
        &expect!["Damaged: byte 0: these bytes are no part of a segment"],
    );
    check(Form::CastZst, b"", &expect!["Unsealed"]);
}

#[test]
fn lines_that_cannot_be_read_are_only_counted() {
    let mut bytes = session().cast();
    bytes.extend_from_slice(
        b"{\"version\":2,\"width\":80,\"height\":24}\nnothing\n[0.0,\"o\",\"$ \"]\n[9999.0",
    );
    let taken = take(Form::Cast, &bytes, &[]);
    assert_eq!((taken.refused, taken.end.defects), (None, 4));
}

#[test]
fn a_chain_that_does_not_hold_is_refused_with_the_place() {
    let made = session();
    let seals = |index: usize| index.is_multiple_of(5);
    let one = made.zst(PackerConfig::default(), seals);
    check(Form::CastZst, &one, &expect!["Intact"]);
    // The same as of another recording, whose beginning is as long.
    let mut other = session();
    other.lines[1].1 = other.lines[1].1.to_ascii_uppercase();
    let other = other.zst(PackerConfig::default(), seals);
    let same = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    assert!(same < one.len());
    for (index, expected) in [
        (one.len() / 3, expect!["ChainBroken: byte 384: segment 1: frame does not match its seal"]),
        (one.len() - 3, expect!["Damaged"]),
    ] {
        let mut changed = one.clone();
        changed[index] ^= 0x10;
        check(Form::CastZst, &changed, &expected);
    }
    check(Form::CastZst, &one[..one.len() / 2], &expect!["Unfinished"]);
    check(
        Form::CastZst,
        &[&one[..], &one].concat(),
        &expect!["ChainBroken: byte 1133: segment 0 is there again"],
    );
}

#[test]
fn no_byte_of_a_signed_recording_can_be_changed() {
    let bytes = fixture("signed.cast.zst");
    assert_eq!(take(Form::CastZst, &bytes, &[]).end.condition, Condition::Intact);
    let mut refused = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let taken = take(Form::CastZst, &changed, &[]);
        refused += usize::from(taken.refused.is_some());
        assert!(taken.refused.is_some() || taken.end.condition != Condition::Intact, "byte {at}");
    }
    assert!(refused * 10 > bytes.len() * 9, "{refused} of {}", bytes.len());
}

#[test]
fn what_was_there_before_a_refusal_stays() {
    let one = session().zst(PackerConfig::default(), |index| index.is_multiple_of(5));
    let cut = one.len() / 2;
    let mut intake = Intake::new(Form::CastZst, about()).unwrap();
    intake.feed(&one[..cut]).unwrap();
    let error = intake.feed(b"nothing of the kind, and quite long enough for that to be seen").unwrap_err();
    assert_eq!(intake.feed(&one[cut..]), Err(error));
    assert_eq!(intake.position(), cut as u64);
    // With what was kept it goes on.
    let mut intake = Intake::new(Form::CastZst, about()).unwrap();
    intake.feed(&one[..cut]).unwrap();
    intake.feed(&one[cut..]).unwrap();
    assert_eq!(intake.finish().condition, Condition::Intact);
}

/// A few kilobytes that hold gigabytes.
#[test]
fn what_expands_is_taken_bit_by_bit() {
    const LINES: u64 = 400;
    let mut packer = Packer::new(PackerConfig::default()).unwrap();
    packer.write_header(b"{\"version\":2,\"width\":80,\"height\":24}\n").unwrap();
    let line = format!("[1.0, \"o\", \"{}\"]\n", "y\\r\\n".repeat(20_000));
    for _ in 0..LINES {
        packer.write_event(line.as_bytes(), casemate_cast_format::Micros(1_000_000)).unwrap();
    }
    packer.finish(None).unwrap();
    let bytes = packer.output();
    let mut intake = Intake::new(Form::CastZst, about()).unwrap();
    let (mut at, mut feeds) = (0, 0);
    while at < bytes.len() {
        at += intake.feed(&bytes[at..]).unwrap();
        feeds += 1;
    }
    let text = LINES * line.len() as u64;
    assert!((TEXT_AT_ONCE..2 * TEXT_AT_ONCE).contains(&text) && feeds == 2, "{feeds} for {text}");
}

#[test]
fn many_commands_are_given_bit_by_bit() {
    let mut made = Made::new(Version::V2, None);
    made.prompt();
    for _ in 0..3 * EVENTS_AT_ONCE / 2 {
        made.line("id", "").prompt();
    }
    let bytes = made.cast();
    let mut intake = Intake::new(Form::Cast, about()).unwrap();
    let taken = intake.feed(&bytes).unwrap();
    assert!(taken < bytes.len());
    let given = std::iter::from_fn(|| intake.next_event()).count();
    assert!((EVENTS_AT_ONCE..2 * EVENTS_AT_ONCE).contains(&given), "{given}");
}

#[test]
fn a_line_without_end_is_refused() {
    let mut intake = Intake::new(Form::Cast, about()).unwrap();
    intake.feed(b"{\"version\":2,\"width\":80,\"height\":24}\n[1.0, \"o\", \"").unwrap();
    let mut fed = 0_u64;
    let refused = loop {
        match intake.feed(&[b'x'; 1 << 20]) {
            Ok(taken) => fed += taken as u64,
            Err(refused) => break refused,
        }
    };
    assert!((UNREAD_LIMIT - (2 << 20)..=UNREAD_LIMIT).contains(&fed), "{fed}");
    expect!["more than 32 MiB without an event"].assert_eq(&refused.reason.to_string());
}
