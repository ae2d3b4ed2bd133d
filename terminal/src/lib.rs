//! What a terminal shows after a stream of bytes.
//!
//! [`Transcript`] turns the output of a terminal session into plain text, line by line, in memory bounded by
//! the size of the screen. The crate is pure: bytes in, text out; it does no I/O and reads no clock.
//!
//! Terminal output is hostile: no input and no screen size makes this crate panic.
//!
//! ```
//! let mut transcript = casemate_terminal::Transcript::new(80, 24);
//! let mut text = Vec::new();
//! transcript.feed(b"10%\r100%\r\n\x1b[1mdone\x1b[m", &mut text);
//! transcript.finish(&mut text);
//! assert_eq!(text, b"100%\ndone\n");
//! ```

mod emulator;
mod lines;
mod plain;
mod scanner;
mod screen;
#[cfg(test)]
mod tests;
mod transcript;

pub use transcript::Transcript;
