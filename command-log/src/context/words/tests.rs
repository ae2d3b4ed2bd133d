//! Command lines, and their words.

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::*;

fn check(line: &str, expected: Expect) {
    let mut shown = String::new();
    for simple in split(line) {
        for word in &simple.words {
            shown += &format!("{}{:?} ", if word.literal { "" } else { "$" }, word.text);
        }
        shown += if simple.on_terminal { "tty" } else { "-" };
        shown += if simple.subshell { " ()\n" } else { "\n" };
    }
    expected.assert_eq(&shown);
}

#[test]
fn quotes_come_off() {
    check(
        r#"a 'b c' "d \"e\" \x" f\ g $'h\'i' "" j'k'"l""#,
        expect![[r#"
            "a" "b c" "d \"e\" \\x" "f g" "h'i" "" "jkl" tty
        "#]],
    );
}

#[test]
fn what_would_be_expanded_says_so() {
    check(
        r#"ssh "$HOST" a${b}c $(echo "x)" 'y)' (z)) `q` $1 5$"#,
        expect![[r#"
            "ssh" $"$HOST" $"a${b}c" $"$(echo \"x)\" 'y)' (z))" $"`q`" $"$1" "5$" tty
        "#]],
    );
}

#[test]
fn lists_pipes_and_background() {
    check(
        "a && b || c; d | e |& f & g\nh # i; j",
        expect![[r#"
            "a" tty
            "b" tty
            "c" tty
            "d" tty
            "e" -
            "f" -
            "g" tty
            "h" tty
        "#]],
    );
}

#[test]
fn redirections_are_no_words() {
    check(
        "a 2>&1 >x &>>y b; c <in; d 0</dev/null; e <<<text f; g 3<x; h <(i) 12>z",
        expect![[r#"
            "a" "b" tty
            "c" -
            "d" -
            "e" "f" -
            "g" tty
            "h" $"" tty
        "#]],
    );
}

#[test]
fn the_text_of_a_here_document_is_no_command() {
    check(
        "cat <<EOF; b\nsudo -i\nEOF\nc <<-'X Y'\n\tssh h\n\tX Y\nd",
        expect![[r#"
            "cat" -
            "b" tty
            "c" -
            "d" tty
        "#]],
    );
}

#[test]
fn parentheses_and_functions() {
    check(
        "(exit 1); (a; b) | c; f() { sudo -i; }",
        expect![[r#"
            "exit" "1" tty ()
            "a" tty ()
            "b" tty ()
            "c" -
        "#]],
    );
}

#[test]
fn an_overlong_line_is_not_read() {
    assert!(split(&"a ".repeat(MAX_LINE)).is_empty());
}

proptest! {
    #[test]
    fn any_line_is_read(line in r#"([a-z0 \n\t;|&<>(){}$'"`\\#!-]|é|EOF){0,200}"#) {
        let words: usize = split(&line).iter().map(|simple| simple.words.len()).sum();
        prop_assert!(words <= line.len());
    }

    #[test]
    fn plain_words_stay(words in prop::collection::vec("[a-zA-Z][a-zA-Z0-9./_=-]{0,8}", 1..8)) {
        let read = split(&words.join(" "));
        prop_assert_eq!(read.len(), 1);
        let texts: Vec<_> = read[0].words.iter().map(|word| word.text.clone()).collect();
        prop_assert_eq!(texts, words);
    }
}
