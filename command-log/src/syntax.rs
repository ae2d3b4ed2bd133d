//! Whether a shell would ask for more: quotes, blocks, here-documents and lines that go on.
//!
//! One pass over the text, in linear time and bounded memory. It knows what Bourne shells, fish and csh share,
//! and is no parser: where it errs, it errs for one line.

/// Blocks nested deeper than this are not told apart.
const MOST_BLOCKS: usize = 200;

/// Here-documents that wait for their end; no line begins more.
const MOST_DOCUMENTS: usize = 16;

/// Returns whether a shell that was given this would wait for another line.
pub(crate) fn is_open(text: &str) -> bool {
    let mut scan =
        Scan { rest: text, blocks: Vec::new(), documents: Vec::new(), command: true, open_end: false };
    scan.run()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Block {
    /// `if`, until `fi` or `end`.
    If,
    /// `for`, `while`, `until`, `select`, until `done` or `end`.
    Loop,
    /// `case`, until `esac`.
    Case,
    /// `begin`, `switch`, `foreach`, until `end`.
    End,
    /// `function`, until `end` in fish, and `}` elsewhere.
    Function,
    Brace,
    Paren,
    /// `$(` within double quotes: back into them when it closes.
    QuotedParen,
}

struct Scan<'a> {
    rest: &'a str,
    blocks: Vec<Block>,
    documents: Vec<(String, bool)>,
    /// A command, and so a keyword, may begin here.
    command: bool,
    /// The text ends behind an operator that wants more.
    open_end: bool,
}

impl Scan<'_> {
    fn run(&mut self) -> bool {
        loop {
            let trimmed = self.rest.trim_start_matches([' ', '\t']);
            let at_word = trimmed.len() != self.rest.len() || self.command;
            self.rest = trimmed;
            let mut chars = self.rest.chars();
            let Some(first) = chars.next() else { break };
            let behind = chars.as_str();
            match first {
                '#' if at_word => {
                    self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]);
                }
                '\n' => {
                    self.rest = behind;
                    self.command = true;
                    if !self.skip_documents() {
                        return true;
                    }
                }
                '\\' if behind.is_empty() || behind == "\n" => return true,
                ';' => self.step(behind, true, false),
                '&' | '|' => {
                    let doubled = behind.starts_with(first);
                    let behind = if doubled { &behind[1..] } else { behind };
                    // `>&` and `&>` are redirections; a single `&` ends a command.
                    self.step(behind, true, doubled || first == '|');
                }
                '(' => {
                    self.push(Block::Paren);
                    self.step(behind, true, false);
                }
                ')' => {
                    match self.blocks.last() {
                        Some(Block::Paren) => {
                            self.blocks.pop();
                            self.step(behind, true, false);
                        }
                        Some(Block::QuotedParen) => {
                            self.blocks.pop();
                            self.rest = behind;
                            if !self.double_quoted() {
                                return true;
                            }
                        }
                        // A pattern of `case`, or nothing that is known.
                        _ => self.step(behind, true, false),
                    }
                }
                '<' if behind.starts_with('<') && !behind.starts_with("<<") => {
                    self.rest = &behind[1..];
                    self.document();
                    self.command = false;
                }
                '<' | '>' => {
                    let operators = behind.trim_start_matches(['<', '>', '&', '|']);
                    self.step(operators, false, false);
                }
                _ => {
                    if !self.word() {
                        return true;
                    }
                }
            }
        }
        self.open_end || !self.blocks.is_empty() || !self.documents.is_empty()
    }

    fn step<'a>(&mut self, behind: &'a str, command: bool, open_end: bool)
    where
        Self: 'a,
    {
        // Every step moves to a tail of what is left.
        let length = behind.len();
        self.rest = &self.rest[self.rest.len() - length..];
        self.command = command;
        self.open_end = open_end;
    }

    fn push(&mut self, block: Block) {
        if self.blocks.len() < MOST_BLOCKS {
            self.blocks.push(block);
        }
    }

    /// Takes a word with its quotes. Returns false where the text ends within them.
    fn word(&mut self) -> bool {
        let start = self.rest;
        let mut plain = true;
        loop {
            let mut chars = self.rest.chars();
            let Some(first) = chars.next() else { break };
            let behind = chars.as_str();
            match first {
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')' => break,
                '\\' => {
                    if behind.is_empty() || behind == "\n" {
                        return false;
                    }
                    plain = false;
                    let mut chars = behind.chars();
                    chars.next();
                    self.rest = chars.as_str();
                }
                '\'' => {
                    plain = false;
                    match behind.find('\'') {
                        Some(end) => self.rest = &behind[end + 1..],
                        None => return false,
                    }
                }
                '"' => {
                    plain = false;
                    self.rest = behind;
                    if !self.double_quoted() {
                        return false;
                    }
                    if self.blocks.last() == Some(&Block::QuotedParen) {
                        self.command = true;
                        self.open_end = false;
                        return true;
                    }
                }
                '`' => {
                    plain = false;
                    match behind.find('`') {
                        Some(end) => self.rest = &behind[end + 1..],
                        None => return false,
                    }
                }
                '$' if behind.starts_with('\'') => {
                    plain = false;
                    self.rest = &behind[1..];
                    if !self.escaped_quoted() {
                        return false;
                    }
                }
                '$' if behind.starts_with('(') => {
                    self.push(Block::Paren);
                    self.rest = &behind[1..];
                    self.command = true;
                    self.open_end = false;
                    return true;
                }
                '$' if behind.starts_with('{') => {
                    plain = false;
                    match behind.find('}') {
                        Some(end) => self.rest = &behind[end + 1..],
                        None => return false,
                    }
                }
                _ => self.rest = behind,
            }
        }
        let word = &start[..start.len() - self.rest.len()];
        let was_command = std::mem::replace(&mut self.command, false);
        self.open_end = false;
        if plain && was_command {
            self.keyword(word);
        }
        true
    }

    fn keyword(&mut self, word: &str) {
        match word {
            "if" => self.open(Block::If, true),
            "for" | "while" | "until" | "select" => self.open(Block::Loop, word != "for" && word != "select"),
            "case" => self.open(Block::Case, false),
            "begin" => self.open(Block::End, true),
            "function" => self.open(Block::Function, false),
            "switch" | "foreach" => self.open(Block::End, false),
            "{" => self.open(Block::Brace, true),
            "then" | "do" | "else" | "elif" | "!" | "time" | "and" | "or" | "not" => self.command = true,
            "fi" => self.close(&[Block::If]),
            "done" => self.close(&[Block::Loop]),
            "esac" => self.close(&[Block::Case]),
            "end" | "endif" | "endsw" => self.close(&[Block::End, Block::Function, Block::If, Block::Loop]),
            "}" => self.close(&[Block::Brace, Block::Function]),
            _ => {}
        }
    }

    /// Begins a block; `command` says whether a command follows at once.
    fn open(&mut self, block: Block, command: bool) {
        self.push(block);
        self.command = command;
    }

    fn close(&mut self, ends: &[Block]) {
        if self.blocks.last().is_some_and(|block| ends.contains(block)) {
            self.blocks.pop();
        }
    }

    /// Takes what is left of a `$'…'`. Returns false where it does not end.
    fn escaped_quoted(&mut self) -> bool {
        loop {
            let Some(at) = self.rest.find(['\'', '\\']) else { return false };
            let ends = self.rest.as_bytes()[at] == b'\'';
            let mut chars = self.rest[at + 1..].chars();
            if !ends {
                chars.next();
            }
            self.rest = chars.as_str();
            if ends {
                return true;
            }
        }
    }

    /// Takes what is left of a double quoted text. Returns false where it does not end.
    fn double_quoted(&mut self) -> bool {
        loop {
            let Some(at) = self.rest.find(['"', '\\', '$', '`']) else { return false };
            let found = self.rest.as_bytes()[at];
            let behind = &self.rest[at + 1..];
            match found {
                b'"' => {
                    self.rest = behind;
                    return true;
                }
                b'\\' => {
                    let mut chars = behind.chars();
                    chars.next();
                    self.rest = chars.as_str();
                }
                b'$' if behind.starts_with('(') => {
                    self.push(Block::QuotedParen);
                    self.rest = &behind[1..];
                    return true;
                }
                _ => self.rest = behind,
            }
        }
    }

    /// Takes the word behind `<<`.
    fn document(&mut self) {
        let tabs = self.rest.starts_with('-');
        let rest = self.rest[usize::from(tabs)..].trim_start_matches([' ', '\t']);
        let end = rest.find([' ', '\t', '\n', ';', '&', '|', '<', '>', '(', ')']).unwrap_or(rest.len());
        let word: String =
            rest[..end].chars().filter(|letter| !matches!(letter, '\'' | '"' | '\\')).collect();
        self.rest = &rest[end..];
        // `1 << 3` in arithmetic is none.
        if !word.is_empty()
            && self.documents.len() < MOST_DOCUMENTS
            && !word.starts_with(|c: char| c.is_ascii_digit())
        {
            self.documents.push((word, tabs));
        }
    }

    /// Passes over the here-documents that begin in this line. Returns false where one does not end.
    fn skip_documents(&mut self) -> bool {
        for (word, tabs) in std::mem::take(&mut self.documents) {
            loop {
                if self.rest.is_empty() {
                    return false;
                }
                let (line, behind) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
                self.rest = behind;
                // What was read from a screen has lost blanks at its ends.
                let line = if tabs { line.trim() } else { line.trim_end() };
                if line == word {
                    break;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::is_open;

    #[test]
    fn whole_commands() {
        for text in [
            "",
            "ls -la",
            "echo 'a b' \"c d\" # it's",
            "for i in 1 2; do echo $i; done",
            "if true; then echo a; else echo b; fi",
            "while read x; do echo $x; done < f",
            "case $x in a) echo 1;; *) echo 2;; esac",
            "f() { echo hi; }",
            "cat <<EOF\nfor x\nEOF",
            "cat <<-'E' | wc\n\tx\n\tE",
            "echo $(ls | wc -l) \"$(date)\" `id`",
            "(cd /tmp; ls) &",
            "echo for if while",
            "a=1; b=${a:-x}; echo $((1 << 3))",
            "cat <<< 'x'",
            "echo $'it\\'s' $'\\\\'",
            "ls 2>&1",
            "for i in a b; echo $i; end",
            "if test -f x; echo y; end",
            "echo done",
            "git commit -m \"it's\"",
            "awk '{print $1}' f",
            "find . -exec ls {} \\;",
            "echo a\\\nb",
        ] {
            assert!(!is_open(text), "{text:?}");
        }
    }

    #[test]
    fn commands_that_want_more() {
        for text in [
            "echo 'a",
            "echo \"a",
            "echo \"it's",
            "ls \\",
            "for i in 1 2 3",
            "for i in 1 2; do",
            "while true; do echo x",
            "if true; then",
            "case $x in",
            "f() {",
            "cat <<EOF",
            "cat <<EOF\nx",
            "cat <<A <<B\nA",
            "ls |",
            "true &&",
            "false ||",
            "(cd /tmp",
            "echo $(ls",
            "echo \"$(ls",
            "echo `ls",
            "function f",
            "begin",
            "echo a; for x in 1; do if true; then fi",
        ] {
            assert!(is_open(text), "{text:?}");
        }
    }

    #[test]
    fn deep_nesting_takes_linear_time() {
        for piece in ["(", "$(", "\"$(", "if ", "{ ", "<<a ", "`", "for x;do ", "\\\n", "<<a\n"] {
            is_open(&piece.repeat(20_000));
        }
    }
}
