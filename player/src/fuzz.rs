//! Properties for fuzzing; `fuzz/` and the tests call them.

use sha2::{Digest as _, Sha256};

use crate::index::cache::{Key, MAGIC_AND_LAYOUT, decode, encode};

/// Any bytes, as a cached index, and as what stands in one whose hash is right: they are refused, or are an index that
/// is written and read as the same.
///
/// # Panics
/// When the property does not hold.
pub fn fuzz_index(data: &[u8]) {
    const KEY: Key = [7; 32];
    const LENGTH: u64 = 1 << 40;
    assert!(decode(data, &KEY, LENGTH).is_none(), "nobody guesses a hash");
    let body = [MAGIC_AND_LAYOUT, &KEY, data].concat();
    let whole = [&body[..], &Sha256::digest(&body)].concat();
    let Some(index) = decode(&whole, &KEY, LENGTH) else { return };
    let again = decode(&encode(&index, &KEY), &KEY, LENGTH);
    assert_eq!(format!("{again:?}"), format!("{:?}", Some(&index)), "what is written reads back");
    for block in 0..index.places.len().min(100) {
        index.keyframes.get(block);
    }
    for time in [0, 1, u64::MAX / 2, u64::MAX] {
        assert!(
            index
                .block_at(casemate_cast_format::Micros(time))
                .is_some_and(|block| block < index.places.len())
        );
        assert!(index.block_of_event(time).is_some_and(|block| block < index.places.len()));
    }
}
