//! Which shells are integrated, and how they are started. That it works is shown with real shells, in
//! the end-to-end tests.

use super::{Integration, NotIntegrated, is_plain_path};
use std::ffi::{OsStr, OsString};
use std::path::Path;

fn words(line: &str) -> Vec<OsString> {
    line.split(' ').map(OsString::from).collect()
}

fn xterm(name: &str) -> Option<OsString> {
    (name == "TERM").then(|| "xterm".into())
}

/// The command line, the variables, and the lines before the script.
#[track_caller]
fn check(line: &str, set: &[(&str, &str)], expected: &str) {
    let variable = |name: &str| {
        xterm(name).or_else(|| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    };
    let argv = words(line);
    let integration = Integration::of(&argv, variable).unwrap();
    let prepared = integration.prepare(&argv, Path::new("/t"), "n", variable);
    let text =
        |words: &[OsString]| words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ");
    let script = String::from_utf8(prepared.script).unwrap();
    let settings: Vec<&str> = script.lines().take_while(|line| !line.starts_with('#')).collect();
    let env: Vec<String> =
        prepared.env.iter().map(|(name, value)| format!("{name}={}", value.to_str().unwrap())).collect();
    let got = format!("{} | {} | {}", text(&prepared.argv), env.join(" "), settings.join(" "));
    assert_eq!(got, expected);
}

#[test]
fn each_shell_is_told_in_its_own_way() {
    check(
        "/bin/bash",
        &[],
        "/bin/bash --rcfile /t/bash.sh |  | __casemate_nonce='n' __casemate_start='rc' __casemate_rc=~/.bashrc",
    );
    check(
        "bash --rcfile it's -i",
        &[],
        r"bash --rcfile /t/bash.sh |  | __casemate_nonce='n' __casemate_start='rc' __casemate_rc='it'\''s'",
    );
    check(
        "bash -il",
        &[("ENV", "a b"), ("HISTFILE", "/h")],
        "bash --posix --login | ENV=/t/bash.sh | __casemate_nonce='n' \
         __casemate_start='login' __casemate_env='a b' __casemate_histfile='given'",
    );
    check("-zsh", &[], "-zsh | ZDOTDIR=/t | __casemate_nonce='n'");
    check("-bash", &[], "-bash --posix | ENV=/t/bash.sh | __casemate_nonce='n' __casemate_start='login'");
    check(
        "-/bin/bash -l --noprofile",
        &[],
        "-/bin/bash --posix --login | ENV=/t/bash.sh | __casemate_nonce='n' __casemate_start='none'",
    );
    check("-fish", &[], "-fish --init-command source '/t/fish.fish' |  | set -g __casemate_nonce 'n'");
    check("bash --norc", &[], "bash --posix | ENV=/t/bash.sh | __casemate_nonce='n' __casemate_start='none'");
    check(
        "bash -l --noprofile",
        &[],
        "bash --posix --login | ENV=/t/bash.sh | __casemate_nonce='n' __casemate_start='none'",
    );
    check("zsh -l", &[], "zsh -l | ZDOTDIR=/t | __casemate_nonce='n'");
    check("zsh", &[("ZDOTDIR", "")], "zsh | ZDOTDIR=/t | __casemate_nonce='n' __casemate_zdotdir=''");
    check("fish -i", &[], "fish --init-command source '/t/fish.fish' -i |  | set -g __casemate_nonce 'n'");
}

#[test]
fn what_cannot_be_integrated_says_why() {
    let why = |line: &str| Integration::of(&words(line), xterm).unwrap_err().to_string();
    assert_eq!(why("/bin/dash"), "`dash` is not bash, zsh or fish");
    assert_eq!(why("-dash"), "`dash` is not bash, zsh or fish");
    assert_eq!(why("-bash -c true"), "bash is started with `-c`");
    assert_eq!(why("bash -c true"), "bash is started with `-c`");
    assert_eq!(why("bash script.sh"), "bash is started with `script.sh`");
    assert_eq!(why("bash --rcfile"), "bash is started with `--rcfile`");
    assert_eq!(why("zsh -f"), "zsh is started with `-f`");
    assert_eq!(why("fish -N"), "fish is started with `-N`");
    assert_eq!(why(""), "`` is not bash, zsh or fish");
    let dumb = Integration::of(&words("zsh"), |_| Some("dumb".into()));
    assert_eq!(dumb, Err(NotIntegrated::Terminal("dumb".into())));
    let posix = |name: &str| (name == "POSIXLY_CORRECT").then(OsString::new).or_else(|| xterm(name));
    assert_eq!(Integration::of(&words("bash"), posix), Err(NotIntegrated::Variable("POSIXLY_CORRECT")));
}

#[test]
fn words_are_quoted_for_their_shell() {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    assert_eq!(text(super::quoted(OsStr::new(r"a'\$"))), r"'a'\''\$'");
    assert_eq!(text(super::fish_quoted(OsStr::new(r"a'\$"))), r"'a\'\\$'");
}

#[test]
fn bash_expands_nothing_in_the_folder() {
    assert!(is_plain_path(Path::new("/tmp/a-b_c.d+e")));
    for path in ["/tmp/$x", "/tmp/a b", "tmp", "/tmp/`id`", "~"] {
        assert!(!is_plain_path(Path::new(path)), "{path}");
    }
}
