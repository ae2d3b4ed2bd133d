//! Any audit log of Kubernetes, for what makes events of it.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| casemate_audit_log::fuzz::fuzz_kube_audit(data));
