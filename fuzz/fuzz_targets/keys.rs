//! Any typing, for what finds the recorder's own keys in it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_recorder::fuzz::fuzz_keys(data));
