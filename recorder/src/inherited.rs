//! The environment as it was given to us.
//!
//! The loader takes out of it what could harm a set-group-id program (`LD_LIBRARY_PATH`, `TMPDIR`, `TZDIR`, …). For the
//! program that we start, which has no rights of ours, it is as it was; the kernel knows where it lies. Nothing in it is
//! believed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;

/// Where the first and the last byte stand among the fields of `/proc/self/stat` behind the name.
const FIELDS: std::ops::Range<usize> = 47..49;

/// All variables that were given to us, each name once, in their order.
#[must_use]
pub fn inherited_environment() -> Vec<(OsString, OsString)> {
    match block() {
        Some(block) => variables(&block),
        None => std::env::vars_os().collect(),
    }
}

fn block() -> Option<Vec<u8>> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(FIELDS.start).take(FIELDS.len());
    let start: usize = fields.next()?.parse().ok()?;
    let end: usize = fields.next()?.parse().ok()?;
    let length = end.checked_sub(start).filter(|_| start > 0)?;
    // SAFETY: the kernel has put the environment there before we began, keeps it mapped, and nobody here writes to it:
    // what changes a variable puts the new one elsewhere.
    #[expect(unsafe_code, reason = "nothing else knows what the loader has taken out")]
    let block = unsafe { std::slice::from_raw_parts(start as *const u8, length) };
    Some(block.to_vec())
}

fn variables(block: &[u8]) -> Vec<(OsString, OsString)> {
    let mut seen = std::collections::HashSet::new();
    let mut variables = Vec::new();
    for entry in block.split(|byte| *byte == 0) {
        let Some(at) = entry.iter().skip(1).position(|byte| *byte == b'=').map(|at| at + 1) else { continue };
        if seen.insert(&entry[..at]) {
            let text = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
            variables.push((text(&entry[..at]), text(&entry[at + 1..])));
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_was_given() {
        let mut given: Vec<_> = std::env::vars_os().collect();
        let mut found = inherited_environment();
        // Whoever runs the tests may set some of its own.
        found.retain(|(name, _)| std::env::var_os(name).is_some());
        given.retain(|variable| found.contains(variable));
        assert!(!found.is_empty());
        given.sort();
        found.sort();
        assert_eq!(found, given);
    }

    #[test]
    fn what_is_no_variable_is_left_out() {
        let variables = variables(b"A=1\0B\0=C=2\0A=3\0D==\0\0E=");
        let names: Vec<_> =
            variables.iter().map(|(name, value)| (name.to_str().unwrap(), value.to_str().unwrap())).collect();
        assert_eq!(names, [("A", "1"), ("=C", "2"), ("D", "="), ("E", "")]);
    }
}
