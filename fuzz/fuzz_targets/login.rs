//! Any bytes, as what sshd says of how it let somebody in.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_host::fuzz::fuzz_login(data));
