//! Any bytes of a recording, as they arrive at the server.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_server::intake::fuzz::fuzz_intake(data));
