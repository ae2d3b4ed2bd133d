//! Any session, for what derives commands from it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_command_log::fuzz::fuzz_command_log(data));
