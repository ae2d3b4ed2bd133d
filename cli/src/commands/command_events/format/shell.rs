//! Whether a command can stand in a script as it is, or has to be kept apart from what follows it.

/// Whether nothing of the script behind the text could become part of it, and a shell that reads it would not stop
/// there. Errs towards no: quotes and substitutions are followed, whatever is rarer is not trusted.
pub(super) fn stands_alone(text: &str) -> bool {
    let end = text.trim_end();
    if end.ends_with('|') || end.ends_with("&&") || text.ends_with("\\\n") {
        return false;
    }
    let mut scan =
        Scan { rest: text, open: Vec::new(), documents: Vec::new(), words: [0; BLOCKS.len()], loops: 0 };
    scan.run() && scan.words.iter().all(|&open| open == 0) && scan.loops == 0
}

/// `text` as one word.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Words that begin and end blocks.
const BLOCKS: [(&str, &str); 5] = [("if", "fi"), ("do", "done"), ("case", "esac"), ("{", "}"), ("[[", "]]")];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Paren,
    Brace,
    Quote,
    Backquote,
}

struct Scan<'a> {
    rest: &'a str,
    open: Vec<Open>,
    /// Here-documents that begin behind this line: their last line, and whether tabs before it do not count.
    documents: Vec<(String, bool)>,
    /// Blocks that are open, of each kind.
    words: [i32; BLOCKS.len()],
    /// Loops whose body is still to come.
    loops: i32,
}

/// What a loop begins with; its body begins with `do`.
const LOOPS: [&str; 4] = ["for", "while", "until", "select"];

impl Scan<'_> {
    fn run(&mut self) -> bool {
        let mut before = '\n';
        while let Some(character) = self.rest.chars().next() {
            let at_word = before.is_whitespace() || matches!(before, ';' | '&' | '|' | '(');
            let whole = self.rest;
            if !self.step(character, before, at_word) {
                return false;
            }
            let taken = &whole[..whole.len() - self.rest.len()];
            // What is escaped means nothing.
            before = if character == '\\' { '\\' } else { taken.chars().next_back().unwrap_or(character) };
        }
        self.open.is_empty() && self.documents.is_empty()
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Takes what begins with this character; `false` where that is not to be trusted.
    fn step(&mut self, character: char, before: char, at_word: bool) -> bool {
        let behind = &self.rest[character.len_utf8()..];
        let in_quote = self.open.last() == Some(&Open::Quote);
        match character {
            '\\' => {
                let Some(next) = behind.chars().next() else { return false };
                self.skip(1 + next.len_utf8());
                return true;
            }
            '"' if in_quote => _ = self.open.pop(),
            '"' => self.open.push(Open::Quote),
            '`' if self.open.last() == Some(&Open::Backquote) => _ = self.open.pop(),
            '`' if self.open.contains(&Open::Backquote) => return false,
            '`' => self.open.push(Open::Backquote),
            '(' if before == '$' => self.open.push(Open::Paren),
            '{' if before == '$' => self.open.push(Open::Brace),
            '}' if self.open.last() == Some(&Open::Brace) => _ = self.open.pop(),
            _ if in_quote => {}
            '\'' => {
                // Shells differ where that is within double quotes.
                if self.open.contains(&Open::Quote) {
                    return false;
                }
                let Some(end) = behind.find('\'') else { return false };
                // In `$'…'` a backslash hides a quote.
                if before == '$' && behind[..end].contains('\\') {
                    return false;
                }
                self.skip(end + 2);
                return true;
            }
            '(' if matches!(before, '<' | '>' | '=') => self.open.push(Open::Paren),
            // A function, whose body may begin in another line; a subshell; a pattern of zsh.
            '(' => {
                let has_body = |behind: &str| behind.trim_start().starts_with(['{', '(']);
                if !behind.strip_prefix(')').map_or(at_word, has_body) {
                    return false;
                }
                self.open.push(Open::Paren);
            }
            ')' if self.open.last() == Some(&Open::Paren) => _ = self.open.pop(),
            ')' => return false,
            '#' if at_word => {
                let end = behind.find('\n').unwrap_or(behind.len());
                self.skip(1 + end);
                return true;
            }
            '<' if behind.starts_with("<<") => {
                self.skip(3);
                return true;
            }
            '<' if behind.starts_with('<') => return self.document(),
            '\n' => {
                self.skip(1);
                return self.skip_documents();
            }
            _ if at_word => return self.word(),
            _ => {}
        }
        self.skip(character.len_utf8());
        true
    }

    /// A word: counts it where it begins or ends a block.
    fn word(&mut self) -> bool {
        let end = self.rest.find(|c: char| c.is_whitespace() || ";&|()<>\"'`\\$".contains(c));
        let word = &self.rest[..end.unwrap_or(self.rest.len())];
        for (open, (begin, end)) in self.words.iter_mut().zip(BLOCKS) {
            *open += i32::from(word == begin) - i32::from(word == end);
            if *open < 0 {
                return false;
            }
        }
        if word == "function" {
            return false;
        }
        self.loops += i32::from(LOOPS.contains(&word)) - i32::from(word == "do");
        let length = word.len().max(self.rest.chars().next().map_or(0, char::len_utf8));
        self.skip(length);
        true
    }

    /// `<<WORD`, `<<-'WORD'`.
    fn document(&mut self) -> bool {
        self.skip(2);
        let tabs = self.rest.starts_with('-');
        self.skip(usize::from(tabs));
        let blanks = self.rest.len() - self.rest.trim_start_matches([' ', '\t']).len();
        self.skip(blanks);
        let end =
            self.rest.find(|c: char| c.is_whitespace() || ";&|()<>".contains(c)).unwrap_or(self.rest.len());
        let word: String = self.rest[..end].chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect();
        self.skip(end);
        self.documents.push((word, tabs));
        // Within quotes and substitutions shells differ.
        self.open.is_empty() && end > 0
    }

    fn skip_documents(&mut self) -> bool {
        for (word, tabs) in std::mem::take(&mut self.documents) {
            loop {
                if self.rest.is_empty() {
                    return false;
                }
                let line = self.rest.split('\n').next().unwrap_or_default();
                self.skip(line.len() + 1);
                if line == word || (tabs && line.trim_start_matches('\t') == word) {
                    break;
                }
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::{quoted, stands_alone};
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn whole_commands_stand_alone() {
        for text in [
            "ls",
            "echo 'it''s' \"a $(date \"+%F\") `id` \\\" b\"",
            "for i in 1 2; do echo $i; done",
            "if true; then echo; fi # (",
            "cat <<EOF\nit's \"\nEOF",
            "cat <<-'A' <<B\n\tx\n\tA\ny\nB\necho ok",
            "sleep 1 &",
            "f() { echo; }",
            "a=(1 2)",
            "diff <(ls) <(ls -a)",
            "cat <<<word",
            "echo $((1+2)) ${x#y}",
            "echo a\\ b",
            "(cd /; ls)",
            "echo a \\\n  b",
        ] {
            assert!(stands_alone(text), "{text}");
        }
    }

    #[test]
    fn what_could_take_in_more_does_not() {
        for text in [
            "echo 'a",
            "echo \"a",
            "echo `a",
            "echo $(a",
            "cat <<EOF",
            "cat <<EOF\nEO",
            "for i in 1 2; do",
            "if true",
            "echo \\",
            "a &&",
            "a |",
            "{",
            "fi",
            ")",
            "ls *(.)",
            "if test 1; end",
            "[[ a",
            "cat <<",
            "echo $'a\\'",
            "echo ${a",
            "f()",
            "for i in 1 2",
            "a\\ #'",
            "function f",
        ] {
            assert!(!stands_alone(text), "{text}");
        }
    }

    /// Whether bash takes a line that no command can begin with for the beginning of a command. Parsed, never run.
    fn bash_begins_anew_behind(text: &str) -> bool {
        let output = Command::new("bash").args(["-n", "-c", &format!("{text}\n)\n")]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        said.contains("syntax error near unexpected token")
            && !said.contains("looking for")
            && !said.contains("here-doc")
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]
        #[test]
        fn bash_agrees_where_we_trust_a_text(words in proptest::collection::vec(proptest::sample::select(vec![
            "a", " ", "'", "\"", "`", "$(", ")", "(", "\\", "\n", "<<E", "E", "\nE", "#", "if a; then b", "fi", ";", "|",
            "do ", "done", "$'", "{ ", " }", "}", "&", "<", "for i in ", "<<<", "case ", "${", "()", "=(", "a; ",
        ]), 0..9)) {
            let text = words.concat();
            if stands_alone(&text) && std::path::Path::new("/bin/bash").exists() {
                prop_assert!(bash_begins_anew_behind(&text), "{:?}", text);
            }
        }

        #[test]
        fn a_quoted_word_is_one_word(text in "['\"\\\\ $`a\n(){}]{0,12}") {
            prop_assert!(stands_alone(&quoted(&text)));
        }
    }
}
