//! Text that somebody else wrote: whoever was recorded, or called the API.

use casemate_audit_log::{fold, folded};
use casemate_terminal::{Stretch, stretches};
use maud::{Markup, Render, html};

/// So much of a text stands in a row; the whole stands on the page of the event.
const LONGEST: usize = 2000;

/// So much of one stands in a list of a great many.
const BRIEF: usize = 200;

/// Such a text: what would act on the page, turn it or hide in it is shown as what it is.
#[derive(Clone, Copy, Debug)]
pub struct Foreign<'t>(pub &'t str);

impl Foreign<'_> {
    /// Whether it is longer than what stands in a row.
    #[must_use]
    pub fn is_long(self) -> bool {
        self.is_longer(LONGEST)
    }

    /// Its beginning, where it is long.
    #[must_use]
    pub fn begin(self) -> Markup {
        self.cut(LONGEST)
    }

    /// Whether it is longer than what stands in a list of a great many.
    #[must_use]
    pub fn is_not_brief(self) -> bool {
        self.is_longer(BRIEF)
    }

    /// A little of its beginning, where it is not that short.
    #[must_use]
    pub fn brief(self) -> Markup {
        self.cut(BRIEF)
    }

    fn is_longer(self, most: usize) -> bool {
        self.0.char_indices().nth(most).is_some()
    }

    fn cut(self, most: usize) -> Markup {
        match self.0.char_indices().nth(most) {
            Some((end, _)) => html! { (Foreign(&self.0[..end])) span.cut { "…" } },
            None => self.render(),
        }
    }
}

impl Render for Foreign<'_> {
    fn render(&self) -> Markup {
        html! {
            bdi {
                @let mut stretches = stretches(self.0).peekable();
                @while let Some(stretch) = stretches.next() {
                    @match stretch {
                        Stretch::Seen(text) => { (text) }
                        Stretch::Acting(first) => { span.acting {
                            (first.escape_default())
                            @while let Some(Stretch::Acting(next)) =
                                stretches.next_if(|next| matches!(next, Stretch::Acting(_))) { (next.escape_default()) }
                        } }
                    }
                }
            }
        }
    }
}

/// So much of a text stands before what was found in it, and so much behind.
const AROUND: (usize, usize) = (80, 240);

/// Such a text about what was found in it, whatever its capitals: that is marked, and what is far from it left out.
#[must_use]
pub fn around(text: &str, found: &str) -> Markup {
    let Some((at, end)) = place(text, found) else { return Foreign(text).begin() };
    let (before, hit, behind) = (&text[..at], &text[at..end], &text[end..]);
    let first =
        before.char_indices().rev().nth(AROUND.0).map_or(0, |(at, character)| at + character.len_utf8());
    let last = behind.char_indices().nth(AROUND.1).map_or(behind.len(), |(at, _)| at);
    html! {
        @if first > 0 { span.cut { "…" } }
        (Foreign(&before[first..])) mark { (Foreign(hit).begin()) } (Foreign(&behind[..last]))
        @if last < behind.len() { span.cut { "…" } }
    }
}

/// From which byte of a text on it is found first, and up to which.
fn place(text: &str, found: &str) -> Option<(usize, usize)> {
    let found = folded(found);
    let begin = folded(text).find(&found).filter(|_| !found.is_empty())?;
    let end = begin + found.len();
    // In small letters a character may be longer than it was.
    let (mut read, mut first) = (0, None);
    for (at, character) in text.char_indices() {
        if read >= end {
            return Some((first?, at));
        }
        read += fold(character).map(char::len_utf8).sum::<usize>();
        if read > begin {
            first = first.or(Some(at));
        }
    }
    Some((first?, text.len()))
}

/// A text as a part of an address.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b':' => {
                encoded.push(byte.into());
            }
            _ => {
                encoded.push('%');
                encoded.extend([byte >> 4, byte & 15].map(|digit| {
                    char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase()
                }));
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use casemate_terminal::is_acting;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn foreign_text_shows_what_it_holds() {
        let shown = Foreign("a<b>\u{202e}\x1b[31m\n\u{9b}é").render().into_string();
        let expected = "<bdi>a&lt;b&gt;<span class=\"acting\">\\u{202e}\\u{1b}</span>[31m\n\
            <span class=\"acting\">\\u{9b}</span>é</bdi>";
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_long_text_is_cut_where_a_character_ends() {
        let shown = Foreign(&"é".repeat(LONGEST + 1)).begin().into_string();
        assert!(shown.ends_with("é</bdi><span class=\"cut\">…</span>"), "{shown}");
        assert!(!Foreign(&"é".repeat(LONGEST)).begin().into_string().contains("cut"));
    }

    #[test]
    fn what_was_found_is_marked_whatever_its_capitals() {
        let shown = |text: &str, found: &str| {
            around(text, found).into_string().replace("<bdi>", "").replace("</bdi>", "")
        };
        assert_eq!(shown("cat /ETC/Passwd x", "etc/p"), "cat /<mark>ETC/P</mark>asswd x");
        assert_eq!(
            shown("é<b>É\u{202e}", "<B>é"),
            "é<mark>&lt;b&gt;É</mark><span class=\"acting\">\\u{202e}</span>"
        );
        assert_eq!(shown("nothing", "else"), "nothing");
        assert_eq!(shown("x", ""), "x");
        assert_eq!(shown("İİ!", "i̇!"), "İ<mark>İ!</mark>");
        assert_eq!(shown("ὈΔΥΣΣΕΥΣ x", "ὀδυσσευσ"), "<mark>ὈΔΥΣΣΕΥΣ</mark> x");
        assert_eq!(shown("echo ΣΊΣΥΦΟΣ", "ΣΊΣ"), "echo <mark>ΣΊΣ</mark>ΥΦΟΣ");
        assert_eq!(shown("echo ΣΊΣΥΦΟΣ!", "υφος"), "echo ΣΊΣ<mark>ΥΦΟΣ</mark>!");
        // In the time that it takes to read it: what nearly fits everywhere is no more work.
        let nearly = format!("{}b", "a".repeat(1 << 20));
        assert!(shown(&nearly, &format!("{}b", "a".repeat(1 << 19))).contains("<mark>"));
        let long = format!("{}needle{}", "é".repeat(500), "è".repeat(500));
        let cut = "<span class=\"cut\">…</span>";
        let expected = format!("{cut}{}<mark>needle</mark>{}{cut}", "é".repeat(80), "è".repeat(240));
        assert_eq!(shown(&long, "NEEDLE"), expected);
    }

    #[test]
    fn an_address_has_nothing_but_what_it_may() {
        assert_eq!(encoded("a b&c=é/#+,"), "a%20b%26c%3D%C3%A9%2F%23%2B%2C");
    }

    proptest! {
        /// Where there is something, it is found and nothing of the text is lost.
        #[test]
        fn what_is_in_a_text_is_marked(before in "\\PC{0,20}", found in "\\PC{1,5}", behind in "\\PC{0,20}") {
            let text = format!("{before}{found}{behind}");
            prop_assert!(around(&text, &found).into_string().contains("<mark>"));
        }

        /// Whatever it is, the page has no element of it, and nothing that acts.
        #[test]
        fn nothing_foreign_acts(text in any::<String>()) {
            let shown = Foreign(&text).begin().into_string();
            let inner = shown.replace("<bdi>", "").replace("</bdi>", "");
            let inner = inner.replace("<span class=\"acting\">", "").replace("<span class=\"cut\">", "").replace("</span>", "");
            prop_assert!(!inner.contains(['<', '>']));
            prop_assert!(!inner.chars().any(|c| is_acting(c) && !matches!(c, '\n' | '\t')));
        }
    }
}
