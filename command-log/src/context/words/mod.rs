//! The words of a shell command line, as far as it takes to see which programs it runs.
//!
//! This is a reader, not a shell: nothing is expanded. A word that a shell would have expanded says so
//! ([`Word::literal`]), and whoever needs its value treats it as unknown. One pass, no recursion: time and memory
//! are linear in the line, and a line longer than [`MAX_LINE`] is not read at all.
//!
//! *Not here*: what the words mean; that is for `hop` and `program`.

/// Longer lines hold data, pasted scripts or an attack, and none of them says where the next prompt stands.
pub(super) const MAX_LINE: usize = 64 * 1024;

/// A word, its quotes taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Whether the shell passes on this very text: no variable, no command substitution.
    pub(super) literal: bool,
}

impl Word {
    pub(super) fn literal(text: &str) -> Self {
        Self { text: text.into(), literal: true }
    }

    /// The last part of a path, without the dash of a login shell: `/usr/bin/sudo` is `sudo`, `-bash` is `bash`.
    pub(super) fn program(&self) -> &str {
        let name = self.text.rsplit('/').next().unwrap_or_default();
        name.strip_prefix('-').unwrap_or(name)
    }
}

/// One simple command of a line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    pub(super) words: Vec<Word>,
    /// Its standard input is the terminal, as far as the line says: neither piped, redirected nor in the background.
    pub(super) on_terminal: bool,
    /// It stands in parentheses, so that an `exit` ends these only.
    pub(super) subshell: bool,
}

/// The simple commands of a line, in order. Empty for what is no command: a comment, an overlong line.
pub(super) fn split(line: &str) -> Vec<Simple> {
    if line.len() > MAX_LINE {
        return Vec::new();
    }
    let mut reader = Reader::new(line);
    reader.run();
    reader.done
}

struct Reader<'a> {
    line: &'a str,
    /// Invariant: a character boundary of `line`.
    at: usize,
    done: Vec<Simple>,
    simple: Simple,
    word: Option<Word>,
    /// The command is behind a `|`.
    piped: bool,
    redirected: bool,
    parentheses: usize,
    /// Delimiters of here-documents whose text begins on the next line, and whether tabs are cut before them.
    here: Vec<(String, bool)>,
    /// What the next word is for, if it is no argument.
    next: NextWord,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum NextWord {
    Argument,
    /// The file of a redirection.
    File,
    /// The delimiter of a here-document; whether `<<-`.
    Delimiter(bool),
}

impl<'a> Reader<'a> {
    fn new(line: &'a str) -> Self {
        Self {
            line,
            at: 0,
            done: Vec::new(),
            simple: Simple::default(),
            word: None,
            piped: false,
            redirected: false,
            parentheses: 0,
            here: Vec::new(),
            next: NextWord::Argument,
        }
    }

    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, text: &str) -> bool {
        let there = self.rest().starts_with(text);
        if there {
            self.at += text.len();
        }
        there
    }

    fn push(&mut self, c: char) {
        self.word.get_or_insert_with(|| Word::literal("")).text.push(c);
    }

    /// Takes what the shell would expand into the word as it is written.
    fn push_unexpanded(&mut self, from: usize) {
        let raw = &self.line[from..self.at];
        let word = self.word.get_or_insert_with(|| Word::literal(""));
        word.text.push_str(raw);
        word.literal = false;
    }

    fn run(&mut self) {
        while let Some(c) = self.peek() {
            let from = self.at;
            match c {
                '\n' => {
                    self.bump();
                    self.end_word();
                    self.end_simple(false, false);
                    self.skip_here_documents();
                }
                c if c.is_whitespace() => {
                    self.bump();
                    self.end_word();
                }
                '#' if self.word.is_none() => {
                    let end = self.rest().find('\n').unwrap_or(self.rest().len());
                    self.at += end;
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(c) => self.push(c),
                    }
                }
                '\'' => {
                    self.bump();
                    self.single_quoted();
                }
                '"' => {
                    self.bump();
                    self.double_quoted();
                }
                '$' => self.dollar(false),
                '`' => {
                    self.bump();
                    self.skip_backticks();
                    self.push_unexpanded(from);
                }
                ';' => {
                    self.bump();
                    self.end_word();
                    self.end_simple(false, false);
                }
                '|' => {
                    self.bump();
                    let pipe = !self.eat("|");
                    self.eat("&");
                    self.end_word();
                    self.end_simple(false, pipe);
                }
                '&' => self.ampersand(),
                '<' | '>' => self.redirection(c),
                '(' => {
                    self.bump();
                    if self.word.is_some() || !self.simple.words.is_empty() {
                        // `name() …` defines a function, and anything else is no command that we can read.
                        self.word = None;
                        self.simple = Simple::default();
                        return;
                    }
                    self.parentheses += 1;
                }
                ')' => {
                    self.bump();
                    self.end_word();
                    self.end_simple(false, false);
                    self.parentheses = self.parentheses.saturating_sub(1);
                }
                c => {
                    self.bump();
                    self.push(c);
                }
            }
        }
        self.end_word();
        self.end_simple(false, false);
    }

    fn end_word(&mut self) {
        let Some(word) = self.word.take() else { return };
        match std::mem::replace(&mut self.next, NextWord::Argument) {
            NextWord::Argument => self.simple.words.push(word),
            NextWord::File => {}
            NextWord::Delimiter(tabs) => self.here.push((word.text, tabs)),
        }
    }

    fn end_simple(&mut self, background: bool, pipe: bool) {
        let mut simple = std::mem::take(&mut self.simple);
        simple.on_terminal = !self.piped && !self.redirected && !background;
        simple.subshell = self.parentheses > 0;
        if !simple.words.is_empty() {
            self.done.push(simple);
        }
        self.piped = pipe;
        self.redirected = false;
        self.next = NextWord::Argument;
    }

    fn single_quoted(&mut self) {
        let end = self.rest().find('\'').unwrap_or(self.rest().len());
        let text = &self.rest()[..end];
        self.word.get_or_insert_with(|| Word::literal("")).text.push_str(text);
        self.at = (self.at + end + 1).min(self.line.len());
    }

    fn double_quoted(&mut self) {
        self.word.get_or_insert_with(|| Word::literal(""));
        while let Some(c) = self.peek() {
            let from = self.at;
            match c {
                '"' => {
                    self.bump();
                    return;
                }
                '\\' => {
                    self.bump();
                    match self.bump() {
                        Some('\n') | None => {}
                        Some(c) if matches!(c, '"' | '\\' | '$' | '`') => self.push(c),
                        Some(c) => {
                            self.push('\\');
                            self.push(c);
                        }
                    }
                }
                '$' => self.dollar(true),
                '`' => {
                    self.bump();
                    self.skip_backticks();
                    self.push_unexpanded(from);
                }
                c => {
                    self.bump();
                    self.push(c);
                }
            }
        }
    }

    /// `$name`, `${…}`, `$(…)`, `$'…'`, or a dollar.
    fn dollar(&mut self, quoted: bool) {
        let from = self.at;
        self.bump();
        match self.peek() {
            Some('\'') if !quoted => {
                self.bump();
                self.ansi_quoted();
            }
            Some('"') if !quoted => {}
            Some(open @ ('(' | '{')) => {
                self.bump();
                self.skip_balanced(open, if open == '(' { ')' } else { '}' });
                self.push_unexpanded(from);
            }
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | '$' | '?' | '!' | '@' | '*' | '#' | '-') => {
                self.bump();
                if c.is_alphabetic() || c == '_' {
                    while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
                        self.bump();
                    }
                }
                self.push_unexpanded(from);
            }
            _ => self.push('$'),
        }
    }

    fn ansi_quoted(&mut self) {
        self.word.get_or_insert_with(|| Word::literal(""));
        while let Some(c) = self.bump() {
            match c {
                '\'' => return,
                '\\' => match self.bump() {
                    Some('n') => self.push('\n'),
                    Some('t') => self.push('\t'),
                    Some(c) => self.push(c),
                    None => return,
                },
                c => self.push(c),
            }
        }
    }

    /// Up to the closing mark of what was opened just now. Quotes hide marks.
    fn skip_balanced(&mut self, open: char, close: char) {
        let mut depth = 1usize;
        let mut quote = None;
        while let Some(c) = self.bump() {
            match (quote, c) {
                (_, '\\') if quote != Some('\'') => {
                    self.bump();
                }
                (Some(q), c) if q == c => quote = None,
                (Some(_), _) => {}
                (None, '\'' | '"') => quote = Some(c),
                (None, c) if c == open => depth += 1,
                (None, c) if c == close => {
                    depth -= 1;
                    if depth == 0 {
                        return;
                    }
                }
                (None, _) => {}
            }
        }
    }

    fn skip_backticks(&mut self) {
        while let Some(c) = self.bump() {
            match c {
                '`' => return,
                '\\' => {
                    self.bump();
                }
                _ => {}
            }
        }
    }

    fn ampersand(&mut self) {
        self.bump();
        if self.eat(">") {
            self.eat(">");
            self.end_word();
            self.next = NextWord::File;
            return;
        }
        let list = self.eat("&");
        self.end_word();
        self.end_simple(!list, false);
    }

    fn redirection(&mut self, c: char) {
        // Digits right before the sign name a descriptor and are no word.
        let descriptor = match &self.word {
            Some(word)
                if word.literal && !word.text.is_empty() && word.text.bytes().all(|b| b.is_ascii_digit()) =>
            {
                self.word.take()
            }
            _ => None,
        };
        self.end_word();
        self.bump();
        if self.eat("(") {
            // A process substitution is an argument.
            self.skip_balanced('(', ')');
            self.word = Some(Word { text: String::new(), literal: false });
            return;
        }
        if c == '>' {
            let _ = self.eat(">") || self.eat("|") || self.eat("&");
            self.next = NextWord::File;
            return;
        }
        if descriptor.is_none_or(|word| word.text == "0") {
            self.redirected = true;
        }
        self.next = if self.eat("<<") {
            NextWord::File
        } else if self.eat("<") {
            NextWord::Delimiter(self.eat("-"))
        } else {
            let _ = self.eat("&") || self.eat(">");
            NextWord::File
        };
    }

    fn skip_here_documents(&mut self) {
        for (delimiter, tabs) in std::mem::take(&mut self.here) {
            while !self.rest().is_empty() {
                let end = self.rest().find('\n').unwrap_or(self.rest().len());
                let row = &self.rest()[..end];
                self.at = (self.at + end + 1).min(self.line.len());
                if (if tabs { row.trim_start_matches('\t') } else { row }) == delimiter {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
