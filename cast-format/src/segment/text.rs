//! The text of a recording from the beginning of any frame on, as `zstd -dc` gives it: for whoever reads again what
//! they wrote themselves.
//!
//! Invariants: text comes in pieces of bounded length, however small the bytes are that it comes from; what was
//! flushed is given whole. Not here: proof. Seals are passed over, and nothing is checked ([`super::Unpacker`]).

use std::io;

use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation as _, OutBuffer};

/// Frames of stock zstd, whatever its level, are read as well.
const WINDOW: u32 = 23;

/// So much text is given at once.
pub(super) const PIECE: usize = 32 << 10;

/// Gives the text of frames.
pub struct TextReader {
    decoder: Decoder<'static>,
    input: Vec<u8>,
    /// So much of the input is read.
    at: usize,
    text: Vec<u8>,
}

impl TextReader {
    /// Begins with a frame.
    ///
    /// # Errors
    /// When zstd has no memory.
    pub fn new() -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW))?;
        Ok(Self { decoder, input: Vec::new(), at: 0, text: Vec::with_capacity(PIECE) })
    }

    /// Takes the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.at);
        self.at = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The next piece of text; `None` when there is no more in what was fed.
    ///
    /// # Errors
    /// When it is not what a [`super::Packer`] writes.
    pub fn next_text(&mut self) -> io::Result<Option<&[u8]>> {
        self.text.clear();
        loop {
            let mut input = InBuffer::around(&self.input[self.at..]);
            let mut output = OutBuffer::around(&mut self.text);
            self.decoder.run(&mut input, &mut output)?;
            let (read, written) = (input.pos, output.pos());
            self.at += read;
            if written > 0 {
                return Ok(Some(&self.text));
            }
            if read == 0 {
                return Ok(None);
            }
        }
    }
}
