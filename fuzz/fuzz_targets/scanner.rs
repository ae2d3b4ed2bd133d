//! Any output, for what finds the signals in it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_terminal::fuzz::fuzz_scanner(data));
