//! Any typing and any output, for what keeps secrets out of recordings.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_recorder::fuzz::fuzz_input_guard(data));
