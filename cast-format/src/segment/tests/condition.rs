//! What is said of a recording in a word.

use super::helper::{HEADER, Made, append, key, make, pieces, read_with, signed};
use crate::segment::report::DEFECTS_LISTED;
use crate::segment::{Condition, PackerConfig, UnpackerConfig, Verdict};

fn verdict(file: &[u8], seed: Option<u8>) -> (Verdict, Option<[u8; 32]>) {
    let public_key = seed.map(|seed| key(seed).verifying_key().to_bytes());
    (read_with(file, UnpackerConfig { public_key, ..UnpackerConfig::default() }, 1 << 16).verdict, public_key)
}

fn condition(file: &[u8], seed: Option<u8>) -> Condition {
    let (verdict, key) = verdict(file, seed);
    verdict.condition(key.as_ref())
}

/// With a bit of the frame of this segment changed.
fn changed(made: &Made, segment: usize) -> Vec<u8> {
    let mut pieces = pieces(&made.file);
    let frame = &mut pieces[2 * segment];
    let middle = frame.len() / 2;
    frame[middle] ^= 1;
    pieces.concat()
}

#[test]
fn a_finished_file_is_intact() {
    let (anybodys, ours) = (make(PackerConfig::default(), 2, 2).file, make(signed(1), 2, 2).file);
    assert_eq!(condition(&anybodys, None), Condition::Intact);
    assert_eq!(condition(&ours, None), Condition::Intact);
    assert_eq!(condition(&ours, Some(1)), Condition::Intact);
}

#[test]
fn what_is_not_signed_by_the_key_is_nothing_worse() {
    let (anybodys, ours) = (make(PackerConfig::default(), 2, 2).file, make(signed(1), 2, 2).file);
    assert_eq!(condition(&anybodys, Some(1)), Condition::OtherKey);
    assert_eq!(condition(&ours, Some(2)), Condition::OtherKey);
    // Whoever did not look for the key is not told of defects, but can ask all the same.
    let (verdict, _) = verdict(&ours, None);
    assert_eq!(verdict.condition(Some(&[0; 32])), Condition::OtherKey);

    let mut of_two = make(signed(1), 2, 2);
    append(&mut of_two, signed(2));
    assert_eq!(condition(&of_two.file, Some(1)), Condition::OtherKey);
    assert_eq!(condition(&of_two.file, Some(3)), Condition::OtherKey);
    // Without a key, nobody says which of the two it ought to be.
    assert_eq!(condition(&of_two.file, None), Condition::Damaged);
}

#[test]
fn what_is_changed_is_damaged_whatever_else_it_is() {
    let made = make(signed(1), 2, 2);
    let changed = changed(&made, 0);
    for seed in [None, Some(1), Some(2)] {
        assert_eq!(condition(&changed, seed), Condition::Damaged, "{seed:?}");
        let cut = changed.len() - pieces(&made.file).last().unwrap().len() - 10;
        assert_eq!(condition(&changed[..cut], seed), Condition::Damaged, "{seed:?}");
    }
    let mut first_lost = made.file[1..].to_vec();
    assert_eq!(condition(&first_lost, None), Condition::Damaged);
    first_lost.truncate(20);
    assert_eq!(condition(&first_lost, None), Condition::Damaged, "nothing of it is known");
}

#[test]
fn what_ends_too_early_is_unfinished() {
    let made = make(signed(1), 2, 2);
    let parts = pieces(&made.file);
    let final_seal_ends = made.file.len() - parts.last().unwrap().len();
    for cut in (1..final_seal_ends).filter(|&cut| cut != parts[0].len()) {
        for seed in [None, Some(1), Some(2)] {
            assert_eq!(condition(&made.file[..cut], seed), Condition::Unfinished, "cut at {cut}, {seed:?}");
        }
    }
    for cut in final_seal_ends..made.file.len() {
        assert_eq!(condition(&made.file[..cut], None), Condition::Damaged, "a finished file, cut at {cut}");
    }
    // A whole frame and no more can be anybody's.
    assert_eq!(condition(&parts[0], None), Condition::Unsealed);
}

#[test]
fn what_others_packed_is_unsealed() {
    let of_others = zstd::encode_all(HEADER, 3).unwrap();
    assert_eq!(condition(&of_others, None), Condition::Unsealed);
    assert_eq!(condition(&of_others, Some(1)), Condition::Unsealed);
    assert_eq!(condition(&[of_others.clone(), of_others.clone()].concat(), None), Condition::Unsealed);
    assert_eq!(condition(b"", None), Condition::Unsealed);
    assert_eq!(condition(&of_others[..of_others.len() - 1], None), Condition::Unfinished);
    let mut changed = of_others;
    changed[4] ^= 8;
    assert_eq!(condition(&changed, None), Condition::Damaged);
}

#[test]
fn a_single_change_leaves_nothing_intact_whatever_key_is_asked_for() {
    let file = make(signed(1), 1, 1).file;
    for at in 0..file.len() {
        for mask in [1, 8, 128, 0xFF] {
            let mut changed = file.clone();
            changed[at] ^= mask;
            for seed in [None, Some(1), Some(2)] {
                let said = condition(&changed, seed);
                let is_named = matches!(said, Condition::Damaged | Condition::Unfinished);
                assert!(is_named, "byte {at} ^ {mask:#x}, {seed:?}: {said:?}");
            }
        }
    }
}

#[test]
fn defects_that_are_not_listed_count() {
    let segments = DEFECTS_LISTED + 5;
    let made = make(signed(1), segments as u64, 1);
    let asked = |file: &[u8]| {
        let (verdict, key) = verdict(file, Some(2));
        assert_eq!(verdict.defects.len(), DEFECTS_LISTED);
        assert!(verdict.defects.iter().all(|defect| defect.kind.name() == "other_key"));
        (verdict.condition(key.as_ref()), verdict)
    };
    let (said, verdict) = asked(&made.file);
    assert_eq!((said, verdict.signer_defects), (Condition::OtherKey, verdict.defect_count()));

    let (said, verdict) = asked(&changed(&made, segments - 1));
    assert!(verdict.defect_count() > verdict.signer_defects);
    assert_eq!(said, Condition::Damaged);

    let behind = pieces(&made.file).iter().rev().take(2).map(Vec::len).sum::<usize>();
    let (said, verdict) = asked(&made.file[..made.file.len() - behind + 5]);
    assert_eq!((said, verdict.torn_bytes), (Condition::Unfinished, 5));
}
