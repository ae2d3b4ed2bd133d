//! What prompts look like, and which ones have been seen.
//!
//! A prompt is known by its last row. Its skeleton is that row with names, paths and numbers taken out, so that
//! a prompt is recognized when the directory, the branch or the time in it has changed.

use casemate_terminal::Style;

use crate::event::Kind;

/// What a row may be that a cursor waits behind, as far as its text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    /// Nothing that looks like one.
    None,
    /// `Name: `, `Continue? [y/N] `.
    Question,
    /// `>>> `, `mysql> `, `(gdb) `.
    Repl,
    /// Ends with what many shells and some programs end theirs with.
    MaybeShell,
    /// `alice@web-1:~$ `, `$ `, `bash-5.2# `.
    Shell,
}

/// Characters that themes end prompts with.
const SYMBOLS: &str = "±❯➜➤➔→⇒λ»▶❱⟩▸›⮞ϟ⚡╰─└▲✗✘✔✓●○♥★\u{e0b0}\u{e0b1}\u{e0b4}\u{e0bc}\u{f105}\u{f054}";

impl Shape {
    /// Judges the text left of the cursor.
    pub(crate) fn of(row: &str) -> Self {
        let text = row.trim_end();
        let trimmed = text.trim_start();
        let Some(last) = text.chars().next_back() else { return Self::None };
        let before = &text[..text.len() - last.len_utf8()];
        let body = before.trim();
        match last {
            '$' | '#' | '%' => {
                let behind_digit = before.ends_with(|c: char| c.is_ascii_digit());
                if is_database(before, last) {
                    Self::Repl
                } else if last == '%' && behind_digit && !before.contains('@') {
                    Self::None
                } else if body.is_empty() || has_account(body) || is_shell_name(body) || has_path(body) {
                    Self::Shell
                } else if trimmed.chars().count() > 100 || (row.len() == text.len() && last != '$') {
                    Self::None
                } else {
                    Self::MaybeShell
                }
            }
            '>' => {
                if body.ends_with(">>") || body == ">" {
                    Self::Repl
                } else if has_account(body) && (has_path(body) || body.contains(' ')) {
                    Self::Shell
                } else if !body.contains(char::is_alphanumeric) {
                    Self::MaybeShell
                } else if body.starts_with(['~', '/']) || body.starts_with("PS ") || body.contains(":\\") {
                    Self::Shell
                } else {
                    Self::Repl
                }
            }
            ')' if trimmed.starts_with('(') && !trimmed.contains(' ') => Self::Repl,
            ':' if is_ipython(trimmed) => Self::Repl,
            ']' | ')' if has_account(body) || has_path(body) => Self::MaybeShell,
            '?' | ':' | ')' | ']' => Self::Question,
            '.' if trimmed == "..." => Self::Repl,
            '*' if trimmed.starts_with("irb") => Self::Repl,
            _ if SYMBOLS.contains(last) => {
                if has_account(body) && has_path(body) {
                    Self::Shell
                } else if body.chars().count() > 120 {
                    Self::None
                } else {
                    Self::MaybeShell
                }
            }
            _ => Self::None,
        }
    }
}

/// Signs that demonstrations print in place of a prompt.
const DEMO_SIGNS: [char; 6] = ['$', '❯', '➜', 'λ', '»', '▶'];

/// The length of what a demonstration prints before a command: a sign and a blank.
pub(crate) fn demo_sign(row: &str) -> Option<usize> {
    let sign = row.chars().next().filter(|sign| DEMO_SIGNS.contains(sign))?;
    let length = sign.len_utf8() + 1;
    (row[sign.len_utf8()..].starts_with(' ') && row.get(length..)?.starts_with(|c: char| !c.is_whitespace()))
        .then_some(length)
}

/// `user@host`.
fn has_account(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        text[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
            && text[at + 1..].trim_start().starts_with(|c: char| c.is_alphanumeric())
    })
}

fn has_path(text: &str) -> bool {
    text.split([' ', ':', '[', ']', '(', ')']).any(|word| word.starts_with('~') || word.starts_with('/'))
}

/// `bash-5.2`, `sh-5.1`, `zsh`.
fn is_shell_name(text: &str) -> bool {
    let name = text.split('-').next().unwrap_or(text);
    is_shell(name) && !text.contains(' ')
}

/// Names of shells.
pub(crate) fn is_shell(name: &str) -> bool {
    matches!(
        name,
        "sh" | "bash"
            | "zsh"
            | "fish"
            | "dash"
            | "ash"
            | "busybox"
            | "ksh"
            | "ksh93"
            | "mksh"
            | "pdksh"
            | "oksh"
            | "lksh"
            | "yash"
            | "posh"
            | "tcsh"
            | "csh"
            | "rbash"
            | "nu"
            | "elvish"
            | "xonsh"
            | "pwsh"
    )
}

/// `postgres=#`, `shop-*>`: psql ends its prompts with two signs.
fn is_database(before: &str, last: char) -> bool {
    matches!(last, '#')
        && before.ends_with(['=', '-', '*', '!', '^', '\'', '(', '$'])
        && !before.contains(['@', ' ', '/'])
        && before.starts_with(|c: char| c.is_alphanumeric())
}

fn is_ipython(text: &str) -> bool {
    (text.starts_with("In [") || text.starts_with("Out[")) && text.ends_with("]:")
}

/// A prompt's row without what changes in it: each run of letters, digits and the signs of paths is one `w`.
pub(crate) fn skeleton(row: &str) -> String {
    let mut skeleton = String::new();
    let mut in_word = false;
    for letter in row.trim_end().chars() {
        let of_word = letter.is_alphanumeric() || matches!(letter, '_' | '-' | '.' | '~' | '/' | '+' | '…');
        if !of_word {
            skeleton.push(letter);
        } else if !in_word {
            skeleton.push('w');
        }
        in_word = of_word;
    }
    skeleton
}

/// How well a prompt matches one that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Likeness {
    /// The same account, or the same sign at the end in the same colours.
    Alike,
    /// The same but for names and numbers.
    Skeleton,
    /// The same text.
    Exact,
}

/// A prompt as it stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PromptText {
    /// The last row, up to where typing begins.
    pub(crate) row: String,
    /// The rows above it that belong to it, joined by newlines.
    pub(crate) above: String,
    /// Style of its first and last visible characters.
    pub(crate) style: (Style, Style),
}

impl PromptText {
    /// All of it.
    pub(crate) fn whole(&self) -> String {
        if self.above.is_empty() { self.row.clone() } else { format!("{}\n{}", self.above, self.row) }
    }
}

/// A prompt that was seen.
#[derive(Clone, Debug)]
struct Known {
    prompt: PromptText,
    skeleton: String,
    kind: Kind,
    program: Option<String>,
    editor: bool,
}

/// The prompts that were seen, the latest last; bounded.
#[derive(Debug, Default)]
pub(crate) struct Prompts {
    known: Vec<Known>,
}

/// What a known prompt says of one like it.
#[derive(Clone, Debug)]
pub(crate) struct Match {
    pub(crate) likeness: Likeness,
    pub(crate) kind: Kind,
    pub(crate) program: Option<String>,
    pub(crate) editor: bool,
}

/// More prompts than these nobody has at once; directories in them make new ones.
const MOST_KNOWN: usize = 24;

impl Prompts {
    /// Notes a prompt behind which a line was committed.
    pub(crate) fn learn(&mut self, prompt: &PromptText, kind: Kind, program: Option<&str>, editor: bool) {
        let found = self.known.iter().position(|known| known.prompt.row == prompt.row);
        let mut known = match found {
            Some(at) => self.known.remove(at),
            None => {
                Known { skeleton: skeleton(&prompt.row), prompt: prompt.clone(), kind, program: None, editor }
            }
        };
        known.kind = kind;
        known.program = program.map(str::to_owned);
        known.editor = editor;
        known.prompt.style = prompt.style;
        if self.known.len() == MOST_KNOWN {
            self.known.remove(0);
        }
        self.known.push(known);
    }

    /// Whether a shell's prompt was ever seen.
    pub(crate) fn knows_shell(&self) -> bool {
        self.known.iter().any(|known| known.kind == Kind::Shell)
    }

    /// The best match; of equally good ones the latest.
    ///
    /// `edited` says that a line editor waits behind it, as few programs have one.
    pub(crate) fn find(&self, prompt: &PromptText, edited: bool) -> Option<Match> {
        let shape = skeleton(&prompt.row);
        self.known
            .iter()
            .filter_map(|known| Some((likeness(known, prompt, &shape, edited)?, known)))
            .max_by_key(|(likeness, _)| *likeness)
            .map(|(likeness, known)| Match {
                likeness,
                kind: known.kind,
                program: known.program.clone(),
                editor: known.editor,
            })
    }

    /// Finds a known prompt at the end of a row, behind output whose last line did not end; returns where it begins.
    pub(crate) fn at_end_of(&self, row: &str) -> Option<(usize, Match)> {
        let ends = |known: &&Known| known.prompt.row.len() > 1 && row.ends_with(&known.prompt.row);
        let known = self.known.iter().filter(ends).max_by_key(|known| known.prompt.row.len())?;
        Some((row.len() - known.prompt.row.len(), known.as_match(Likeness::Exact)))
    }

    /// Whether this is, word for word, a prompt of a shell that is known.
    pub(crate) fn is_shell_prompt(&self, row: &str) -> bool {
        self.known.iter().any(|known| known.kind == Kind::Shell && known.prompt.row == row)
    }

    /// Finds a known prompt at the beginning of a row that has more behind it; returns its length in bytes.
    pub(crate) fn at_start_of(&self, row: &str) -> Option<(usize, Match)> {
        let exact = self
            .known
            .iter()
            .filter(|known| !known.prompt.row.trim().is_empty() && row.starts_with(&known.prompt.row))
            .max_by_key(|known| known.prompt.row.len());
        if let Some(known) = exact {
            return Some((known.prompt.row.len(), known.as_match(Likeness::Exact)));
        }
        self.known.iter().rev().find_map(|known| {
            let row_end = known.prompt.row.trim_end();
            let sign = row_end.chars().next_back().filter(|sign| !sign.is_alphanumeric())?;
            let blanks = &known.prompt.row[row_end.len()..];
            row.match_indices(sign).take(8).find_map(|(at, _)| {
                let end = at + sign.len_utf8();
                (row[end..].starts_with(blanks) && skeleton(&row[..end]) == known.skeleton)
                    .then(|| (end + blanks.len(), known.as_match(Likeness::Skeleton)))
            })
        })
    }
}

impl Known {
    fn as_match(&self, likeness: Likeness) -> Match {
        Match { likeness, kind: self.kind, program: self.program.clone(), editor: self.editor }
    }
}

fn likeness(known: &Known, prompt: &PromptText, shape: &str, edited: bool) -> Option<Likeness> {
    if known.prompt.row.trim_end() == prompt.row.trim_end() {
        return Some(Likeness::Exact);
    }
    if !shape.is_empty() && shape != "w" && known.skeleton == shape {
        return Some(Likeness::Skeleton);
    }
    let sign = |row: &str| row.trim_end().chars().next_back().filter(|sign| !sign.is_alphanumeric());
    let same_sign = sign(&known.prompt.row).is_some() && sign(&known.prompt.row) == sign(&prompt.row);
    let plain = Style::default();
    let coloured = prompt.style.1 != plain || prompt.style.0 != plain;
    if same_sign && coloured && known.prompt.style == prompt.style {
        return Some(Likeness::Alike);
    }
    // Themes colour the sign by the exit status, or have another one then.
    let both_edited = edited && known.editor;
    let same_colour = prompt.style.0 != plain && known.prompt.style.0 == prompt.style.0;
    let symbol = |row: &str| sign(row).is_some_and(|sign| !sign.is_ascii());
    if both_edited && symbol(&prompt.row) && symbol(&known.prompt.row) && (same_sign || same_colour) {
        return Some(Likeness::Alike);
    }
    let same_account =
        account(&known.prompt.row).is_some_and(|account_before| account(&prompt.row) == Some(account_before));
    (same_account && same_sign).then_some(Likeness::Alike)
}

/// `user@host` in a row.
fn account(row: &str) -> Option<&str> {
    let of_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    let at = row.find('@')?;
    let start = row[..at]
        .rfind(|c: char| !of_name(c))
        .map_or(0, |start| start + row[start..].chars().next().map_or(1, char::len_utf8));
    let end = row[at + 1..].find(|c: char| !of_name(c)).map_or(row.len(), |end| at + 1 + end);
    (start < at && at + 1 < end).then(|| &row[start..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        use Shape::{MaybeShell, None, Question, Repl, Shell};
        for (row, shape) in [
            ("alice@web-1:~$ ", Shell),
            ("[root@db src]# ", Shell),
            ("$ ", Shell),
            ("# ", Shell),
            ("bash-5.2$ ", Shell),
            ("/srv/app # ", Shell),
            ("alice@web-1 ~/src> ", Shell),
            ("~/src> ", Shell),
            ("❯ ", MaybeShell),
            ("➜  src git:(main) ✗ ", MaybeShell),
            ("> ", MaybeShell),
            ("src % ", MaybeShell),
            (">>> ", Repl),
            ("... ", Repl),
            ("(gdb) ", Repl),
            ("mysql> ", Repl),
            ("shop=# ", Repl),
            ("In [3]: ", Repl),
            ("Name: ", Question),
            ("Continue? [y/N] ", Question),
            ("45%", None),
            ("Loading", None),
            ("", None),
        ] {
            assert_eq!(Shape::of(row), shape, "{row:?}");
        }
    }

    #[test]
    fn known_prompts_are_found_in_other_directories() {
        let prompt = |row: &str| PromptText { row: row.into(), ..PromptText::default() };
        let mut prompts = Prompts::default();
        prompts.learn(&prompt("alice@web-1:~$ "), Kind::Shell, None, true);
        let likeness = |row: &str| prompts.find(&prompt(row), false).map(|found| found.likeness);
        assert_eq!(likeness("alice@web-1:~$ "), Some(Likeness::Exact));
        assert_eq!(likeness("alice@web-1:/srv$ "), Some(Likeness::Skeleton));
        assert_eq!(likeness("(venv) alice@web-1:/srv$ "), Some(Likeness::Alike));
        assert_eq!(likeness("Name: "), None);
        let length = |row: &str| prompts.at_start_of(row).map(|(length, _)| length);
        assert_eq!(length("alice@web-1:~$ ls $HOME"), Some(15));
        assert_eq!(length("alice@web-1:/srv/x$ ls"), Some(20));
        assert_eq!(length("total 5"), None);
    }
}
