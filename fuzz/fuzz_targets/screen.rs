//! Any output, for the emulated screen, and as a keyframe.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_terminal::fuzz::fuzz_screen(data));
