//! What a prompt looks like, and whom it names.
//!
//! A [`Look`] keeps a prompt in three degrees of likeness: its exact text; a template in which what changes from
//! prompt to prompt (directories, digits, what stands in parentheses) is generalised; and a skeleton of its signs alone.
//! `bob@web-1` in it is an [`Identity`].
//!
//! *Invariant*: bounded by [`MAX_TEXT`]; one pass over the text for each of these.

use std::fmt::Write as _;

/// Prompts are shorter; what is longer is cut at its front, because the end is what tells prompts apart.
const MAX_TEXT: usize = 1024;

/// Rows above the last that may belong to a prompt. Three-row prompts exist.
const MAX_ROWS: usize = 4;

/// Names are cut off here; DNS allows 253 for a host, Linux 32 for a user.
const MAX_NAME: usize = 256;

/// A user and a host, as far as something named them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) user: Option<String>,
    pub(super) host: Option<String>,
}

impl Identity {
    pub(super) fn new(user: &str, host: &str) -> Self {
        let name = |text: &str| {
            let text: String = text.chars().take(MAX_NAME).collect();
            (!text.is_empty()).then_some(text)
        };
        Self { user: name(user), host: name(host).filter(|host| host != "localhost") }
    }

    /// Finds `user@host` and its like in a text.
    pub(super) fn find(text: &str) -> Option<Self> {
        at_sign(text).or_else(|| in_words(text))
    }

    /// Both name a user or both name a host, and they are not the same.
    pub(super) fn conflicts(&self, other: &Self) -> bool {
        differ(self.user.as_deref(), other.user.as_deref(), |a, b| a == b)
            || differ(self.host.as_deref(), other.host.as_deref(), same_host)
    }

    /// Something is named by both, and nothing differs.
    pub(super) fn agrees(&self, other: &Self) -> bool {
        let common =
            self.user.is_some() && other.user.is_some() || self.host.is_some() && other.host.is_some();
        common && !self.conflicts(other)
    }

    /// Fills what is unknown.
    pub(super) fn or(self, other: &Self) -> Self {
        Self {
            user: self.user.or_else(|| other.user.clone()),
            host: self.host.or_else(|| other.host.clone()),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.user.is_none() && self.host.is_none()
    }
}

fn differ(a: Option<&str>, b: Option<&str>, same: impl Fn(&str, &str) -> bool) -> bool {
    matches!((a, b), (Some(a), Some(b)) if !same(a, b))
}

/// `web-1` and `web-1.example.com` are the same host, in so far as prompts tell.
pub(super) fn same_host(a: &str, b: &str) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    if long.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':')) {
        return false;
    }
    long.as_bytes().get(short.len()) == Some(&b'.')
        && long.get(..short.len()).is_some_and(|front| front.eq_ignore_ascii_case(short))
}

/// What ends a prompt and tells something about the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// `#`: root, by custom.
    Root,
    /// `$` or `%`: not root, by custom.
    Person,
    /// Anything else.
    Other,
}

/// A prompt, as it looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) text: String,
    pub(super) template: String,
    pub(super) skeleton: String,
    pub(super) identity: Identity,
    pub(super) sign: Sign,
}

impl Look {
    pub(super) fn of(prompt: &str) -> Self {
        let text = clip(prompt.trim_end());
        let last = text.rsplit('\n').next().unwrap_or_default();
        let identity = text.rsplit('\n').find_map(Identity::find).unwrap_or_default();
        let sign = match last.chars().next_back() {
            Some('#') => Sign::Root,
            Some('$' | '%') => Sign::Person,
            _ => Sign::Other,
        };
        Self { template: template(text), skeleton: skeleton(text), identity, sign, text: text.into() }
    }
}

/// The last rows, the end of them.
fn clip(text: &str) -> &str {
    let mut from = text.len().saturating_sub(MAX_TEXT);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    let text = &text[from..];
    match text.rmatch_indices('\n').nth(MAX_ROWS - 1) {
        Some((at, _)) => &text[at + 1..],
        None => text,
    }
}

fn is_user(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+' | '\\')
}

fn is_host(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-')
}

/// `bob@web-1`; some distributions write another sign between the two.
fn at_sign(text: &str) -> Option<Identity> {
    for (at, sign) in text.char_indices().filter(|(_, c)| matches!(c, '@' | '㉿')) {
        let user = text[..at].chars().rev().take_while(|c| is_user(*c)).map(char::len_utf8).sum::<usize>();
        let behind = &text[at + sign.len_utf8()..];
        let host = behind.chars().take_while(|c| is_host(*c)).map(char::len_utf8).sum::<usize>();
        let host = behind[..host].trim_end_matches(['.', '-']);
        let user = text[at - user..at].trim_start_matches(['.', '-', '+', '\\']);
        let named = user.chars().any(char::is_alphanumeric) && host.starts_with(char::is_alphanumeric);
        // A remote of git or an address in a path is no prompt's.
        let before = text[..at - user.len()].chars().next_back();
        if named && !matches!(before, Some('/' | ':' | '@')) {
            return Some(Identity::new(user, host));
        }
    }
    None
}

/// `bob at web-1 in ~`, `bob on web-1 in ~`, `bob in 🌐 web-1 in ~`, as some themes write it.
fn in_words(text: &str) -> Option<Identity> {
    let mut words = text.split_whitespace().take(12).peekable();
    let name = |word: &str| word.starts_with(char::is_alphanumeric) && word.chars().all(is_user);
    let mut user = words.next()?;
    while let Some(word) = words.next() {
        if matches!(word, "at" | "on" | "in") && name(user) {
            let mut host = words.next()?;
            let marked = !host.chars().any(char::is_alphanumeric);
            if marked {
                host = words.next()?;
            }
            if host.starts_with(char::is_alphanumeric)
                && host.chars().all(is_host)
                && words.peek() == Some(&"in")
            {
                return Some(Identity::new(user, host));
            }
            return None;
        }
        user = word;
    }
    None
}

/// Directories become `~`, digits `0`, what stands in parentheses nothing. Behind a `user@host` all that follows up to
/// the end is left out, since themes put the bare name of the directory there.
fn template(text: &str) -> String {
    let mut made = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let (mut depth, mut previous) = (0usize, ' ');
    while let Some(c) = chars.next() {
        match c {
            '(' => {
                depth += 1;
                made.push_str(if depth == 1 { "()" } else { "" });
            }
            ')' => depth = depth.saturating_sub(1),
            '\n' => {
                depth = 0;
                made.push('\n');
            }
            _ if depth > 0 => {}
            '0'..='9' => {
                if previous != '0' {
                    made.push('0');
                }
                previous = '0';
                continue;
            }
            '~' | '/' if !previous.is_alphanumeric() => {
                made.push('~');
                while chars.next_if(|c| !c.is_whitespace() && !")]}>$#%❯:\"'".contains(*c)).is_some() {}
            }
            c if c.is_whitespace() => {
                if previous != ' ' {
                    made.push(' ');
                }
                previous = ' ';
                continue;
            }
            c => made.push(c),
        }
        previous = c;
    }
    // The bare directory of `[bob@web-1 src]$`.
    if let Some(at) = made.rfind('@')
        && let Some(space) = made[at..].find([' ', ':'])
    {
        let end = made.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '~').len().max(at + space);
        made.replace_range(at + space..end, "…");
    }
    made
}

/// Runs of letters and digits become one `w`; signs stay.
fn skeleton(text: &str) -> String {
    let mut made = String::new();
    let mut inside = false;
    for c in text.chars() {
        let word = c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '/' | '~');
        if !word {
            let _ = made.write_char(c);
        } else if !inside {
            made.push('w');
        }
        inside = word;
    }
    made
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn prompts_name_who_and_where() {
        for (prompt, named) in [
            ("bob@web-1:~/src$ ", "bob web-1"),
            ("[root@db.example.com src]# ", "root db.example.com"),
            ("┌──(kali㉿box)-[~]\n└─$ ", "kali box"),
            ("(venv) \u{1f40d} [12:00] x.y@h > ", "x.y h"),
            ("CORP\\bob@h:/$ ", "CORP\\bob h"),
            ("root@3f2a1b4c5d6e:/# ", "root 3f2a1b4c5d6e"),
            ("bob@localhost:~$ ", "bob -"),
            ("bob at web-1 in ~/src\n$ ", "bob web-1"),
            ("bob in 🌐 web-1 in ~ on main\n❯ ", "bob web-1"),
            ("src on main via 🦀 v1.95\n❯ ", "- -"),
            ("~/src in main $ ", "- -"),
            ("$ ", "- -"),
            ("git@ $ ", "- -"),
            ("@web $ ", "- -"),
            ("~ git:(feat/x@y) $ ", "- -"),
            ("", "- -"),
        ] {
            let identity = Look::of(prompt).identity;
            let shown = format!(
                "{} {}",
                identity.user.as_deref().unwrap_or("-"),
                identity.host.as_deref().unwrap_or("-")
            );
            assert_eq!(shown, named, "{prompt:?}");
        }
    }

    #[test]
    fn what_changes_from_prompt_to_prompt_is_left_out() {
        for (one, other) in [
            ("bob@web-1:~$ ", "bob@web-1:/srv/a b$ "),
            ("[bob@web-1 ~]$ ", "[bob@web-1 src]$ "),
            ("[12:01:59] ~/src $ ", "[9:15:00] /etc $ "),
            ("➜ ~/a git:(main) ✗", "➜ ~/b git:(topic) ✗"),
            ("bash-5.2# ", "bash-5.1# "),
            ("/ # ", "/etc/ssl # "),
            ("~ ❯ ", "/x ❯ "),
        ] {
            assert_eq!(Look::of(one).template, Look::of(other).template, "{one:?} {other:?}");
        }
        for (one, other) in [
            ("bob@web-1:~$ ", "bob@web-1:~# "),
            ("bob@web-1:~$ ", "bob@web-2x:~$ "),
            ("bob@web:~$ ", "eve@web:~$ "),
            ("$ ", "# "),
            ("$ ", "> "),
            ("inner> ", "> "),
        ] {
            assert_ne!(Look::of(one).template, Look::of(other).template, "{one:?} {other:?}");
        }
    }

    #[test]
    fn hosts_may_be_written_short_or_in_full() {
        for (a, b, same) in [
            ("web-1", "web-1.example.com", true),
            ("WEB-1.example.com", "web-1", true),
            ("web-1", "web-10", false),
            ("10.0.0.1", "10", false),
            ("a.b", "a.c", false),
            ("é", "é.x", true),
        ] {
            assert_eq!(same_host(a, b), same, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn any_prompt_has_a_bounded_look(prompt in r"(\PC|[@()~/\n 0-9]){0,400}") {
            let look = Look::of(&prompt);
            prop_assert!(look.text.len() <= MAX_TEXT);
            prop_assert!(look.template.len() <= 2 * MAX_TEXT);
            prop_assert_eq!(look.clone(), Look::of(&look.text));
        }
    }
}
