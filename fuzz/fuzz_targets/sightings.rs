//! Any output, for what was to be seen of it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_terminal::fuzz::fuzz_sightings(data));
