//! Any bytes, as what comes of a session that is watched.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_host::fuzz::fuzz_joined(data));
