//! Any bytes as a recording.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_cast_format::fuzz::fuzz_decode(data));
