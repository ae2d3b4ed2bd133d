//! Environments: the one that was given to us, and the one that a program gets.
//!
//! The loader takes out of ours what could harm a set-group-id program (`LD_LIBRARY_PATH`, `TMPDIR`, `TZDIR`, …). For the
//! program that we start, which has no rights of ours, it is as it was: in its order, with what stands in it twice and what
//! is no variable. The kernel knows where it lies. Nothing in it is believed.

use std::ffi::{CString, OsStr, OsString, c_char};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// Where the first and the last byte stand among the fields of `/proc/self/stat` behind the name.
const FIELDS: std::ops::Range<usize> = 47..49;

/// The environment of a program: entries in their order, normally `NAME=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment(Vec<OsString>);

impl Environment {
    /// As it was given to us, entry by entry.
    #[must_use]
    pub fn given() -> Self {
        block().map_or_else(Self::own, |block| Self::of_block(&block))
    }

    /// Ours, as far as it is variables.
    #[must_use]
    pub fn own() -> Self {
        Self(std::env::vars_os().map(|(name, value)| entry(&name, &value)).collect())
    }

    fn of_block(block: &[u8]) -> Self {
        let Some(entries) = block.strip_suffix(b"\0") else { return Self(Vec::new()) };
        let text = |bytes: &[u8]| OsStr::from_bytes(bytes).to_owned();
        Self(entries.split(|byte| *byte == 0).map(text).collect())
    }

    /// The value of a variable: the first, as `getenv` has it.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.0.iter().find_map(|entry| value(entry, name))
    }

    /// Sets a variable, where it stood first, or at the end.
    pub fn set(&mut self, name: &str, to: &OsStr) {
        let set = entry(OsStr::new(name), to);
        let first = self.0.iter().position(|entry| value(entry, name).is_some());
        self.0.retain(|entry| value(entry, name).is_none());
        self.0.insert(first.unwrap_or(self.0.len()), set);
    }

    /// Takes a variable out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|entry| value(entry, name).is_none());
    }

    pub(crate) fn block_for_child(&self) -> Block {
        // An entry with a zero byte there cannot be.
        let entries: Vec<_> = self.0.iter().filter_map(|entry| CString::new(entry.as_bytes()).ok()).collect();
        let pointers = entries.iter().map(|entry| entry.as_ptr()).chain([std::ptr::null()]).collect();
        Block { _entries: entries, pointers }
    }
}

fn entry(name: &OsStr, value: &OsStr) -> OsString {
    OsString::from_vec([name.as_bytes(), b"=", value.as_bytes()].concat())
}

fn value<'a>(entry: &'a OsStr, name: &str) -> Option<&'a OsStr> {
    entry.as_bytes().strip_prefix(name.as_bytes())?.strip_prefix(b"=").map(OsStr::from_bytes)
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

/// An environment as the C library has it: made before the fork, put in place behind it.
///
/// The standard library's `Command` knows variables only, each once and sorted. Where it is told of none, its child begins
/// with what `environ` points to.
pub(crate) struct Block {
    /// What is pointed to.
    _entries: Vec<CString>,
    pointers: Vec<*const c_char>,
}

// SAFETY: the pointers lead to what the value owns, and nobody changes that.
#[expect(unsafe_code, reason = "what is to happen in the child may be called on any thread")]
unsafe impl Send for Block {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "what is to happen in the child may be called on any thread")]
unsafe impl Sync for Block {}

impl Block {
    /// Makes it the environment of this process, which is about to become another program; it has to outlive that.
    pub(crate) fn put(&self) {
        #[expect(unsafe_code, reason = "the C library's own")]
        unsafe extern "C" {
            static mut environ: *const *const c_char;
        }
        // SAFETY: between fork and exec there is no other thread that could read it, nor before an exec of our own.
        #[expect(unsafe_code, reason = "no safe call sets all of it without allocating")]
        unsafe {
            environ = self.pointers.as_ptr();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_was_given() {
        let given = Environment::given();
        // Whoever runs the tests may set some of its own.
        let variables: Vec<_> = std::env::vars().filter(|(name, _)| given.variable(name).is_some()).collect();
        assert!(!variables.is_empty());
        for (name, value) in variables {
            assert_eq!(given.variable(&name), Some(OsStr::new(&value)), "{name}");
        }
    }

    #[test]
    fn what_is_no_variable_and_what_stands_there_twice_is_kept() {
        let mut environment = Environment::of_block(b"A=1\0B\0=C=2\0A=3\0D==\0\0E=\0");
        let entries = |environment: &Environment| {
            environment.0.iter().map(|entry| entry.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(entries(&environment), ["A=1", "B", "=C=2", "A=3", "D==", "", "E="]);
        assert_eq!(environment.variable("A"), Some(OsStr::new("1")));
        assert_eq!(environment.variable("B"), None);
        assert_eq!(environment.variable("E"), Some(OsStr::new("")));
        environment.set("A", OsStr::new("4"));
        environment.set("F", OsStr::new("5"));
        environment.remove("D");
        assert_eq!(entries(&environment), ["A=4", "B", "=C=2", "", "E=", "F=5"]);
        assert_eq!(Environment::of_block(b"").0.len(), 0);
    }
}
