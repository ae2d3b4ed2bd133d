//! Any bytes, as the index of a recording that was kept in the cache.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_player::fuzz::fuzz_index(data));
