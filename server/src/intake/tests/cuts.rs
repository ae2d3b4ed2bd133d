//! However the bytes come, the same comes of them.

use casemate_audit_store::Form;
use casemate_cast_format::Version;
use casemate_cast_format::segment::PackerConfig;
use proptest::collection::vec;
use proptest::prelude::*;

use super::made::{Made, facts, fixtures};
use crate::intake::Intake;
use crate::intake::fuzz::{about, fuzz_intake, take};

#[test]
fn real_recordings_can_come_in_any_pieces() {
    let recordings = fixtures(|name| name.ends_with(".cast") || name.ends_with(".cast.zst"));
    // Of the many sessions some will do.
    for (name, bytes) in
        recordings.into_iter().filter(|(name, bytes)| name.ends_with(".cast") || bytes.len() % 4 == 0)
    {
        println!("{name}");
        fuzz_intake(&[&[bytes.len().to_le_bytes()[0]], &bytes[..]].concat());
    }
}

#[test]
fn who_begins_again_finds_what_was_there() {
    for (_, bytes) in fixtures(|name| name.starts_with("zsh-") && name.ends_with(".zst")) {
        let all = take(Form::CastZst, &bytes, &[]).events;
        // A server that stopped here knows what it knew, and then the rest.
        let cut = bytes.len() / 2;
        let mut intake = Intake::new(Form::CastZst, about()).unwrap();
        intake.feed(&bytes[..cut]).unwrap();
        let before: Vec<_> = std::iter::from_fn(|| intake.next_event()).collect();
        assert_eq!(all[..before.len()], before);
    }
}

/// Sessions of lines that were typed, with output that is large or small.
fn session() -> impl Strategy<Value = Made> {
    let line = ("[a-z]{1,8}( [a-z]{1,5})?", 0..40_usize, "[a-z ]{0,60}");
    (vec(line, 0..6), any::<bool>(), any::<bool>()).prop_map(|(lines, is_v3, has_facts)| {
        let version = if is_v3 { Version::V3 } else { Version::V2 };
        let facts = facts(&about().connection_id);
        let mut made = Made::new(version, has_facts.then_some(&facts));
        made.prompt();
        for (line, count, output) in lines {
            made.line(&line, &format!("{output}\r\n").repeat(count)).prompt();
        }
        made
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn sessions_can_come_in_any_pieces(
        made in session(), lengths in vec(1..2000_usize, 1..9), seals in vec(any::<bool>(), 1..50),
    ) {
        let zst = made.zst(PackerConfig::default(), |index| seals[index % seals.len()]);
        let whole = take(Form::Cast, &made.cast(), &[]);
        for (form, bytes) in [(Form::Cast, made.cast()), (Form::CastZst, zst)] {
            let taken = take(form, &bytes, &lengths);
            prop_assert_eq!(&taken.refused, &None);
            prop_assert_eq!(&taken.events, &whole.events);
        }
    }

    #[test]
    fn any_bytes_will_do(bytes in vec(any::<u8>(), 0..300)) {
        fuzz_intake(&bytes);
        fuzz_intake(&[&[3], &b"{\"version\":2,\"width\":80,\"height\":24}\n"[..], &bytes].concat());
        fuzz_intake(&[&[3, 0x28, 0xb5, 0x2f, 0xfd][..], &bytes].concat());
    }

    #[test]
    fn changed_recordings_will_do(
        made in session(), at in any::<prop::sample::Index>(), with in vec(any::<u8>(), 0..9), length in 0..40_usize,
    ) {
        for bytes in [made.cast(), made.zst(PackerConfig::default(), |index| index % 16 == 3)] {
            let mut bytes = bytes;
            let at = at.index(bytes.len());
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, with.iter().copied());
            fuzz_intake(&[&[5], &bytes[..]].concat());
        }
    }
}
