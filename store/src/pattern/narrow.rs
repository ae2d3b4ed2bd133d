//! From a regular expression to the trigrams without which it is not found.
//!
//! As in Russ Cox, *Regular Expression Matching with a Trigram Index* (2012): of each part it is known either which few
//! texts it stands for, or what is needed for it. *Invariant*: where the expression is found, what is needed is there.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// More texts than these are not told apart.
const TEXTS: usize = 16;

/// Of longer texts not all trigrams are asked for: each has a list to be read, and the first few say it all.
const TRIGRAMS: usize = 6;

/// Trigrams: shorter texts cannot be looked up.
const LENGTH: usize = 3;

/// What is needed for a part to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Need {
    /// Nothing that could be looked up.
    Nothing,
    Text(String),
    All(Vec<Self>),
    One(Vec<Self>),
}

/// What a part of an expression stands for.
#[derive(Clone, Debug)]
enum Part {
    /// One of these texts, and nothing else.
    Texts(Vec<String>),
    /// Texts for which that is needed.
    Need(Need),
}

/// Returns the expression of FTS5 for a pattern, `None` if everything has to be looked at; and whether the pattern knows
/// no other ends than those of lines.
pub(super) fn look(pattern: &str, ignore_case: bool) -> (Option<String>, bool) {
    let mut parser = ParserBuilder::new().case_insensitive(ignore_case).multi_line(true).build();
    let Ok(hir) = parser.parse(pattern) else { return (None, false) };
    let looks = hir.properties().look_set();
    (part(&hir).need().expression(), !looks.contains(Look::Start) && !looks.contains(Look::End))
}

fn part(hir: &Hir) -> Part {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Part::Texts(vec![String::new()]),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Part::Texts(vec![text.chars().map(fold).collect()]),
            Err(_) => Part::Need(Need::Nothing),
        },
        HirKind::Class(class) => letters(class).map_or(Part::Need(Need::Nothing), Part::Texts),
        HirKind::Capture(capture) => part(&capture.sub),
        HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
            (1, Some(1)) => part(&repetition.sub),
            (0, Some(1)) => match part(&repetition.sub) {
                Part::Texts(mut texts) => {
                    texts.push(String::new());
                    Part::Texts(texts)
                }
                Part::Need(_) => Part::Need(Need::Nothing),
            },
            (0, _) => Part::Need(Need::Nothing),
            _ => Part::Need(part(&repetition.sub).need()),
        },
        HirKind::Concat(parts) => concat(parts),
        HirKind::Alternation(parts) => alternation(parts),
    }
}

/// The few letters that a class has; large and small ones are one.
fn letters(class: &Class) -> Option<Vec<String>> {
    let Class::Unicode(class) = class else { return None };
    let mut letters = Vec::new();
    for range in class.iter() {
        if u32::from(range.end()) - u32::from(range.start()) >= 64 {
            return None;
        }
        for letter in range.start()..=range.end() {
            letters.push(fold(letter).to_string());
        }
    }
    letters.sort();
    letters.dedup();
    (!letters.is_empty() && letters.len() <= TEXTS).then_some(letters)
}

/// A letter as all that differ from it in case only: the index folds them alike.
fn fold(letter: char) -> char {
    match letter {
        // The long s and the sign for Kelvin are in every class of s and k that ignores case.
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        letter => {
            let mut lower = letter.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(lower), None) => lower,
                _ => letter,
            }
        }
    }
}

fn concat(parts: &[Hir]) -> Part {
    let mut needs = Vec::new();
    let mut run = vec![String::new()];
    for hir in parts {
        match part(hir) {
            Part::Texts(texts) if run.len() * texts.len() <= TEXTS => {
                run = run
                    .iter()
                    .flat_map(|head| texts.iter().map(move |tail| format!("{head}{tail}")))
                    .collect();
            }
            Part::Texts(texts) => {
                needs.push(Part::Texts(std::mem::replace(&mut run, texts)).need());
            }
            Part::Need(need) => {
                needs.push(Part::Texts(std::mem::replace(&mut run, vec![String::new()])).need());
                needs.push(need);
            }
        }
    }
    if needs.is_empty() {
        return Part::Texts(run);
    }
    needs.push(Part::Texts(run).need());
    Part::Need(Need::all(needs))
}

fn alternation(parts: &[Hir]) -> Part {
    let parts: Vec<_> = parts.iter().map(part).collect();
    let count = parts.iter().map(|part| match part {
        Part::Texts(texts) => Some(texts.len()),
        Part::Need(_) => None,
    });
    if count.sum::<Option<usize>>().is_some_and(|count| count <= TEXTS) {
        return Part::Texts(
            parts
                .into_iter()
                .flat_map(|part| match part {
                    Part::Texts(texts) => texts,
                    Part::Need(_) => Vec::new(),
                })
                .collect(),
        );
    }
    Part::Need(Need::one(parts.into_iter().map(Part::need).collect()))
}

impl Part {
    fn need(self) -> Need {
        match self {
            Self::Texts(texts) => Need::one(texts.into_iter().map(Need::Text).collect()),
            Self::Need(need) => need,
        }
    }
}

impl Need {
    fn is_something(&self) -> bool {
        match self {
            Self::Nothing => false,
            // Whether NUL can be looked up is not for certain.
            Self::Text(text) => text.chars().count() >= LENGTH && !text.contains('\0'),
            Self::All(_) | Self::One(_) => true,
        }
    }

    fn all(needs: Vec<Self>) -> Self {
        let mut needs: Vec<_> = needs.into_iter().filter(Self::is_something).collect();
        match needs.len() {
            0 => Self::Nothing,
            1 => needs.remove(0),
            _ => Self::All(needs),
        }
    }

    fn one(mut needs: Vec<Self>) -> Self {
        match needs.len() {
            _ if !needs.iter().all(Self::is_something) => Self::Nothing,
            1 => needs.remove(0),
            _ => Self::One(needs),
        }
    }

    fn expression(&self) -> Option<String> {
        let join = |needs: &[Self], with: &str| {
            let parts: Vec<_> = needs.iter().filter_map(Self::expression).collect();
            (!parts.is_empty()).then(|| format!("({})", parts.join(with)))
        };
        match self {
            Self::Nothing => None,
            Self::Text(text) => Some(all_of(trigrams(text))),
            Self::All(needs) => join(needs, " AND "),
            Self::One(needs) => one_of(needs).or_else(|| join(needs, " OR ")),
        }
    }
}

/// Asks for one of several texts: once for what they have in common, as each list takes time to be read. `None` if that
/// is nothing.
fn one_of(needs: &[Need]) -> Option<String> {
    let texts =
        needs.iter().map(|need| if let Need::Text(text) = need { Some(trigrams(text)) } else { None });
    let texts: Vec<_> = texts.collect::<Option<_>>()?;
    let is_common = |trigram: &String| texts.iter().all(|text| text.contains(trigram));
    let common: Vec<_> = texts.first()?.iter().filter(|trigram| is_common(trigram)).cloned().collect();
    if common.is_empty() {
        return None;
    }
    let rests = texts.iter().map(|text| text.iter().filter(|trigram| !common.contains(trigram)).cloned());
    let rests: Vec<Vec<_>> = rests.map(Iterator::collect).collect();
    let common = all_of(common.clone());
    if rests.iter().any(Vec::is_empty) {
        return Some(common);
    }
    let rests: Vec<_> = rests.into_iter().map(all_of).collect();
    Some(format!("({common} AND ({}))", rests.join(" OR ")))
}

/// The trigrams of a text, each once.
fn trigrams(text: &str) -> Vec<String> {
    let letters: Vec<_> = text.chars().collect();
    let mut trigrams: Vec<String> = Vec::new();
    for window in letters.windows(LENGTH) {
        let trigram = window.iter().collect();
        if !trigrams.contains(&trigram) {
            trigrams.push(trigram);
        }
    }
    trigrams
}

/// Asks for these trigrams, or for as many of them as are enough.
fn all_of(mut trigrams: Vec<String>) -> String {
    if trigrams.len() > TRIGRAMS {
        let last = trigrams.len() - 1;
        trigrams = (0..TRIGRAMS).map(|index| trigrams[index * last / (TRIGRAMS - 1)].clone()).collect();
    }
    let quoted: Vec<_> =
        trigrams.iter().map(|trigram| format!("\"{}\"", trigram.replace('"', "\"\""))).collect();
    format!("({})", quoted.join(" AND "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(pattern: &str, ignore_case: bool) -> Option<String> {
        look(pattern, ignore_case).0
    }

    #[track_caller]
    fn check(pattern: &str, expected: Option<&str>) {
        assert_eq!(expression(pattern, false).as_deref(), expected, "{pattern}");
    }

    #[test]
    fn what_is_needed_is_looked_up() {
        check("nginx", Some(r#"("ngi" AND "gin" AND "inx")"#));
        check("rm", None);
        check("(?:rm|mv) -f", Some(r#"((" -f") AND (("rm " AND "m -") OR ("mv " AND "v -")))"#));
        check("abcd[0-2]", Some(r#"(("abc" AND "bcd") AND (("cd0") OR ("cd1") OR ("cd2")))"#));
        check("abcde?", Some(r#"("abc" AND "bcd")"#));
        check(
            "^sudo .*restart$",
            Some(r#"(("sud" AND "udo" AND "do ") AND ("res" AND "est" AND "sta" AND "tar" AND "art"))"#),
        );
        check("(abc)+d*", Some(r#"("abc")"#));
        check("abc|.", None);
        check("abc|def", Some(r#"(("abc") OR ("def"))"#));
        check(r"\d{3}", None);
        check("a[bc]de?", Some(r#"(("abd" AND "bde") OR ("abd") OR ("acd" AND "cde") OR ("acd"))"#));
        check("say \"x\"", Some(r#"("say" AND "ay " AND "y """ AND " ""x" AND """x""")"#));
        check("(?i)SUDO", Some(r#"("sud" AND "udo")"#));
    }

    #[test]
    fn of_long_texts_a_few_trigrams_are_enough() {
        let long = expression("systemctl restart postgresql", false).unwrap();
        assert_eq!(long.matches("AND").count(), TRIGRAMS - 1);
        assert!(long.starts_with("(\"sys\"") && long.ends_with("\"sql\")"), "{long}");
    }

    #[test]
    fn case_is_ignored_as_the_index_does() {
        assert_eq!(expression("ssk", true).as_deref(), Some(r#"("ssk")"#));
        assert_eq!(expression("Straße", true).as_deref(), expression("straße", false).as_deref());
    }
}
