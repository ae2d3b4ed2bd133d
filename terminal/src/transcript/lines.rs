//! Lines of text on their way out.
//!
//! Blanks at the end of a line and blank lines at the end of the text are held back, as mere counts, until
//! something follows them; so trailing ones are cut in constant memory, however long a line is.

/// Collects text, without blanks at the end of lines and without blank lines at the end.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// The text so far; swapped with the caller's buffer while bytes are fed.
    pub(crate) output: Vec<u8>,
    newlines: usize,
    blanks: usize,
    open: bool,
}

impl Lines {
    /// Adds a piece of a line.
    pub(crate) fn push(&mut self, piece: &[u8]) {
        let content = piece.trim_ascii_end();
        if !content.is_empty() {
            self.output.resize(self.output.len() + self.newlines, b'\n');
            self.output.resize(self.output.len() + self.blanks, b' ');
            self.output.extend_from_slice(content);
            self.newlines = 0;
            self.blanks = 0;
            self.open = true;
        }
        self.blanks = self.blanks.saturating_add(piece.len() - content.len());
    }

    /// Ends the line.
    pub(crate) fn end_line(&mut self) {
        self.newlines = self.newlines.saturating_add(1);
        self.blanks = 0;
    }

    /// Ends the text so far: the last line gets its end, blank lines after it are dropped.
    pub(crate) fn end_text(&mut self) {
        if self.open {
            self.output.push(b'\n');
        }
        self.open = false;
        self.newlines = 0;
        self.blanks = 0;
    }
}
