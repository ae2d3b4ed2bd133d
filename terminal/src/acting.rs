//! Characters that do something instead of being seen: a terminal or a page obeys them, or they turn, join or hide the
//! text around them. Whoever shows text of others as text shows these as what they are.
//!
//! Not here: what of a stream means what to a terminal (`scanner`), and which of them an emulated screen keeps.

use std::borrow::Cow;

/// Whether this character acts on what is around it instead of being seen.
///
/// These are the control characters, line feeds and tabs among them; the separators of lines and paragraphs; and of
/// Unicode's `Default_Ignorable_Code_Point`, with which `Bidi_Control` and the joiners are, all but the variation
/// selectors, which only choose a form of the character before them, as in many emoji. The annotations between lines
/// hide what they annotate with.
#[must_use]
pub fn is_acting(character: char) -> bool {
    match character {
        ' '..='~' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180e}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e00ff}'
        | '\u{e01f0}'..='\u{e0fff}' => true,
        _ => character.is_control(),
    }
}

/// The text on one line, with escapes, as in a string of Rust, for what acts.
///
/// ```
/// assert_eq!(casemate_terminal::escaped("a\n\x1b[2J\u{202e}é"), "a\\n\\u{1b}[2J\\u{202e}é");
/// ```
#[must_use]
pub fn escaped(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_acting) else { return text.into() };
    let mut shown = text[..first].to_owned();
    for character in text[first..].chars() {
        if is_acting(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown.into()
}

/// A stretch of a text that somebody else wrote, as a page shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stretch<'t> {
    /// To be shown as it is; line feeds and tabs are laid out.
    Seen(&'t str),
    /// It would act on the page: to be shown as what it is.
    Acting(char),
}

/// The stretches of a text, one after the other.
pub fn stretches(text: &str) -> impl Iterator<Item = Stretch<'_>> {
    let is_to_be_shown = |character| is_acting(character) && !matches!(character, '\n' | '\t');
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        if is_to_be_shown(first) {
            rest = &rest[first.len_utf8()..];
            return Some(Stretch::Acting(first));
        }
        let (seen, behind) = rest.split_at(rest.find(is_to_be_shown).unwrap_or(rest.len()));
        rest = behind;
        Some(Stretch::Seen(seen))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Unicode's `Bidi_Control`.
    const BIDI: &str =
        "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";

    /// Nothing is to be seen of these, and no character before them gets another form; by their names.
    const INVISIBLE: [(&str, char); 37] = [
        ("soft hyphen", '\u{ad}'),
        ("combining grapheme joiner", '\u{34f}'),
        ("Hangul choseong filler", '\u{115f}'),
        ("Hangul jungseong filler", '\u{1160}'),
        ("Khmer vowel inherent aq", '\u{17b4}'),
        ("Khmer vowel inherent aa", '\u{17b5}'),
        ("Mongolian vowel separator", '\u{180e}'),
        ("zero width space", '\u{200b}'),
        ("zero width non-joiner", '\u{200c}'),
        ("zero width joiner", '\u{200d}'),
        ("line separator", '\u{2028}'),
        ("paragraph separator", '\u{2029}'),
        ("word joiner", '\u{2060}'),
        ("function application", '\u{2061}'),
        ("invisible times", '\u{2062}'),
        ("invisible separator", '\u{2063}'),
        ("invisible plus", '\u{2064}'),
        ("not assigned, ignorable", '\u{2065}'),
        ("inhibit symmetric swapping", '\u{206a}'),
        ("activate symmetric swapping", '\u{206b}'),
        ("inhibit Arabic form shaping", '\u{206c}'),
        ("activate Arabic form shaping", '\u{206d}'),
        ("national digit shapes", '\u{206e}'),
        ("nominal digit shapes", '\u{206f}'),
        ("Hangul filler", '\u{3164}'),
        ("zero width no-break space", '\u{feff}'),
        ("halfwidth Hangul filler", '\u{ffa0}'),
        ("not assigned, ignorable", '\u{fff0}'),
        ("interlinear annotation anchor", '\u{fff9}'),
        ("interlinear annotation separator", '\u{fffa}'),
        ("interlinear annotation terminator", '\u{fffb}'),
        ("shorthand format letter overlap", '\u{1bca0}'),
        ("musical symbol begin beam", '\u{1d173}'),
        ("musical symbol end phrase", '\u{1d17a}'),
        ("language tag", '\u{e0001}'),
        ("tag latin small letter a", '\u{e0061}'),
        ("not assigned, ignorable", '\u{e0fff}'),
    ];

    #[test]
    fn what_is_obeyed_turned_joined_or_hidden_acts() {
        for control in ('\0'..='\x1f').chain('\x7f'..='\u{9f}') {
            assert!(is_acting(control), "{control:?}");
        }
        for turning in BIDI.chars() {
            assert!(is_acting(turning), "{turning:?}");
        }
        for (name, character) in INVISIBLE {
            assert!(is_acting(character), "{name}: {character:?}");
        }
    }

    #[test]
    fn what_people_write_does_not() {
        let written = "~ é ß \u{a0}«»… ‘’–— ⏎✓ │ λ Ж שלום سلام नमस्ते ไทย 한글 漢字 e\u{301} ☀\u{fe0f} 漢\u{e0100} 🇩🇪 👍🏽 \u{1820}\u{180b} \u{fffc}\u{fffd} \u{e000}";
        for character in written.chars() {
            assert!(!is_acting(character), "{character:?}");
        }
        assert!(matches!(escaped(written), Cow::Borrowed(_)));
    }

    #[test]
    fn the_rest_of_a_text_stays() {
        assert_eq!(
            escaped("a\r\n\t\0\u{9b}2Jb\u{feff}\u{3164}é"),
            "a\\r\\n\\t\\u{0}\\u{9b}2Jb\\u{feff}\\u{3164}é"
        );
    }

    proptest! {
        #[test]
        fn nothing_that_acts_is_left(text in any::<String>()) {
            let shown = escaped(&text);
            prop_assert!(!shown.contains(is_acting));
            prop_assert_eq!(shown.contains('\\'), text.contains(|c| c == '\\' || is_acting(c)));
        }
    }
}
