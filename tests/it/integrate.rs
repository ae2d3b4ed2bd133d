//! `rec --integrate`: marks from bash, zsh and fish, and shells that are otherwise as they were.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use casemate_tests::{Cast, LONG, Launch, PROMPT, Session, World, need};

/// The marks of a recording: kind, status, text of the command, in order; each carries the nonce.
/// Marks that a redrawn prompt repeats stand once.
#[track_caller]
fn marks(cast: &Cast) -> Vec<String> {
    let nonce = cast.header["casemate"]["marks_nonce"].as_str().expect("the header has the nonce");
    assert_eq!(nonce.len(), 32);
    let mut found: Vec<String> = Vec::new();
    for mark in cast.output().split("\x1b]133;").skip(1) {
        let mut options = mark.split('\x07').next().unwrap().split(';');
        let mut said = options.next().unwrap().to_owned();
        let mut proven = false;
        for option in options {
            match option.split_once('=') {
                Some(("nonce", value)) => proven = value == nonce,
                Some(("aid", value)) => assert!(value.parse::<u32>().is_ok(), "{value}"),
                Some(("cmdline_url", url)) => said = format!("{said} {}", decoded(url)),
                _ => said = format!("{said} {option}"),
            }
        }
        assert!(proven, "a mark without the nonce: {mark:?}");
        if found.last() != Some(&said) {
            found.push(said);
        }
    }
    found
}

fn decoded(url: &str) -> String {
    let mut parts = url.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// Types lines, each at a fresh prompt.
#[track_caller]
pub(crate) fn type_lines(session: &mut Session, lines: &[&str]) {
    for line in lines {
        session.wait_prompt();
        session.send(line);
        session.wait_screen(line);
        session.enter();
    }
}

fn record(world: &World, flags: &[&str], shell: &[&str]) -> Launch {
    let mut args = vec!["s.cast", "-q", "--return", "--overwrite"];
    args.extend(flags);
    args.push("--");
    args.extend(shell);
    world.rec(&args)
}

/// A session with marks: what they say.
#[track_caller]
fn marks_of(world: &World, shell: &[&str], lines: &[&str]) -> Vec<String> {
    let mut session = record(world, &["--integrate"], shell).on_terminal();
    type_lines(&mut session, lines);
    _ = session.wait_exit(LONG);
    let cast = Cast::read(world.path("s.cast"));
    assert_eq!(cast.exact_output(), session.output(), "what was recorded is what was shown");
    marks(&cast)
}

/// What every shell is to say of some lines.
#[track_caller]
fn check_marks(world: &World, shell: &[&str]) {
    let lines = ["echo 'a;b%\\é'", "false", "echo status-$?", "cd /usr", "nope=1; echo $nope", "exit 3"];
    // fish has its own words for two of them.
    let fish =
        ["echo 'a;b%\\é'", "false", "echo status-$status", "cd /usr", "set nope 1; echo $nope", "exit 3"];
    let lines = if shell[0] == "fish" { fish } else { lines };
    let mut marks = marks_of(world, shell, &lines);
    if shell[0] == "fish" {
        // It says also what the last command ended with.
        assert_eq!(marks.pop().as_deref(), Some("D 3"));
    }
    let mut expected = vec!["A".to_owned(), "B".to_owned()];
    for (line, status) in lines.iter().zip([0, 1, 0, 0, 0, 3]) {
        expected.push(format!("C {line}"));
        if status != 3 {
            expected.extend([format!("D {status}"), "A".into(), "B".into()]);
        }
    }
    assert_eq!(marks, expected, "{shell:?}");
    let cast = Cast::read(world.path("s.cast"));
    assert!(cast.output().contains("status-1"), "the status before a prompt is the command's");
    assert!(cast.output().contains("/usr\x07"), "OSC 7 says where");
    cast.assert_end(Some("3"), "exit");
}

#[test]
fn bash_says_what_it_runs() {
    need!("bash");
    for flags in [&[][..], &["-l"], &["--norc"], &["-il", "--noprofile"]] {
        let world = World::new();
        world.write(".bash_profile", ". ~/.bashrc\n");
        let mut shell = vec!["bash"];
        shell.extend(flags);
        check_marks(&world, &shell);
    }
}

#[test]
fn zsh_says_what_it_runs() {
    need!("zsh");
    check_marks(&World::new(), &["zsh"]);
    check_marks(&World::new(), &["zsh", "-l"]);
}

#[test]
fn fish_says_what_it_runs() {
    need!("fish");
    check_marks(&World::new(), &["fish"]);
}

#[test]
fn lines_that_were_given_up_are_no_commands() {
    for shell in ["bash", "zsh", "fish"] {
        need!(shell);
        let world = World::new();
        let mut session = record(&world, &["--integrate"], &[shell]).on_terminal();
        session.wait_prompt();
        session.send("never run");
        session.wait_screen("never run");
        session.send("\x03");
        // Now and then bash notices a Ctrl-C only at the next key, with marks or without.
        std::thread::sleep(Duration::from_millis(300));
        session.send("\x03");
        session.wait_prompt();
        session.send("\r");
        type_lines(&mut session, &["true", "exit"]);
        session.wait_success();
        let marks = marks(&Cast::read(world.path("s.cast")));
        let commands: Vec<_> = marks.iter().filter(|mark| mark.starts_with(['C', 'D'])).collect();
        assert_eq!(commands[..3], ["C true", "D 0", "C exit"], "{shell}");
    }
}

#[test]
fn a_text_that_bash_does_not_keep_is_not_replaced_by_another() {
    need!("bash");
    let world = World::new();
    world.write(".bashrc", format!("PS1='{PROMPT}'\nHISTCONTROL=ignoreboth\nHISTFILE=~/history\n"));
    let marks = marks_of(&world, &["bash"], &["echo once", " echo blank", "echo once", "echo", "exit"]);
    let commands: Vec<_> = marks.iter().filter(|mark| mark.starts_with('C')).collect();
    assert_eq!(commands, ["C echo once", "C", "C", "C echo", "C exit"]);
    let kept = String::from_utf8(world.bytes("history")).unwrap();
    assert_eq!(kept, "echo once\necho\nexit\n", "nothing of ours in the history");
}

#[test]
fn a_command_of_several_lines_is_one() {
    for (shell, more, kept) in
        [("bash", "> ", "if true; then echo in; fi"), ("zsh", "> ", "if true\nthen echo in\nfi")]
    {
        need!(shell);
        let world = World::new();
        let mut session = record(&world, &["--integrate"], &[shell]).on_terminal();
        session.wait_prompt();
        session.send("if true\r");
        session.wait_screen(more);
        session.send("then echo in\r");
        session.send("fi\r");
        session.wait_screen("\nin");
        type_lines(&mut session, &["exit"]);
        session.wait_success();
        let marks = marks(&Cast::read(world.path("s.cast")));
        let (more, command) = (["P k=s", "B"], format!("C {kept}"));
        let expected = [&["A", "B"][..], &more, &more, &[&*command, "D 0", "A", "B", "C exit"]].concat();
        assert_eq!(marks, expected, "{shell}");
    }
}

#[test]
fn long_lines_wrap_where_they_did() {
    for shell in ["bash", "zsh", "fish"] {
        need!(shell);
        let screen = |flags: &[&str]| {
            let world = World::new();
            let mut session = record(&world, flags, &[shell]).size(40, 12).on_terminal();
            session.wait_prompt();
            // Over two rows, back to the middle, and one letter there.
            session.send(format!("echo {}\x1b[D\x1b[D\x1b[D\x1b[D\x1b[Dy", "x".repeat(60)));
            session.wait_screen("yxxxxx");
            let screen = session.screen();
            session.send("\r");
            type_lines(&mut session, &["exit"]);
            session.wait_success();
            screen
        };
        assert_eq!(screen(&["--integrate"]), screen(&[]), "{shell}");
    }
}

/// The files of a home: name and content.
fn files(world: &World) -> BTreeMap<String, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                walk(root, &path, found);
            } else if let Ok(bytes) = std::fs::read(&path) {
                found.insert(path.strip_prefix(root).unwrap().display().to_string(), bytes);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(world.as_ref(), world.as_ref(), &mut found);
    found
}

/// What a shell says of itself, with and without marks: its own names and what differs from run to run left out.
#[track_caller]
fn check_unchanged(shell: &[&str], prepare: impl Fn(&World), env: &[(&str, &str)], dump: &str) {
    let state = |flags: &[&str]| {
        let world = World::new();
        prepare(&world);
        world.write("dump", dump);
        let before = files(&world);
        let mut launch = record(&world, flags, shell);
        for (name, value) in env {
            launch = launch.env(name, &value.replace('~', &world.path("").display().to_string()));
        }
        let mut session = launch.on_terminal();
        type_lines(&mut session, &["false", ". ~/dump >~/state 2>&1", "exit 4"]);
        assert_eq!(session.wait_exit(LONG), 4);
        let mut after = files(&world);
        after.remove("s.cast");
        let home = world.path("").display().to_string();
        let state =
            String::from_utf8_lossy(&after.remove("state").unwrap()).replace(home.trim_end_matches('/'), "~");
        // Marks in prompts that are otherwise the user's.
        let marks = ["\\${__casemate_b-}", "\\${__casemate_p-}", "${__casemate_b-}", "${__casemate_p-}"];
        let state = marks.iter().fold(state, |state, mark| state.replace(mark, ""));
        let state: Vec<String> =
            state.lines().filter(|line| !line.contains("__casemate")).map(Into::into).collect();
        assert!(!state.iter().any(|line| line.contains("MARKS_NONCE")), "{state:#?}");
        for (name, content) in &before {
            assert_eq!(after.get(name), Some(content), "{name} was changed");
        }
        let text = |bytes: Vec<u8>| {
            let text = String::from_utf8_lossy(&bytes).replace(home.trim_end_matches('/'), "~");
            // The history of fish has times.
            text.lines()
                .filter(|line| !line.starts_with("  when: "))
                .map(|line| format!("{line}\n"))
                .collect::<String>()
        };
        let after = after.into_iter().map(|(name, bytes)| (name, text(bytes)));
        let made: Vec<_> = after.into_iter().filter(|(name, _)| !before.contains_key(name)).collect();
        (state, made)
    };
    let ((marked, marked_files), (plain, plain_files)) = (state(&["--integrate"]), state(&[]));
    for (index, (marked, plain)) in marked.iter().zip(&plain).enumerate() {
        assert_eq!(marked, plain, "{shell:?}, line {index} of what it says of itself");
    }
    assert_eq!(marked.len(), plain.len(), "{marked:#?}\n{plain:#?}");
    assert_eq!(marked_files, plain_files, "{shell:?}: the files that the shell made");
}

/// `PROMPT_COMMAND` has our hooks around it; what its entries see is in `~/statuses`.
pub(crate) const BASH_DUMP: &str = r#"
set -o; shopt; trap; alias; bind -v; echo "$- $0 $# $SHLVL"; shopt -p login_shell
declare -p | grep -vE '^declare -[^ ]+ (BASHPID|BASH_[A-Z]+|RANDOM|SRANDOM|SECONDS|EPOCH[A-Z]+|PPID|_|CASEMATE_SESSION|PROMPT_COMMAND|LINENO|PIPESTATUS|FUNCNAME|GROUPS|OLDPWD|HISTCMD|COLUMNS|LINES)\b' | grep -v '^ \|^$'
declare -F; env -u PROMPT_COMMAND | grep -vE '^(CASEMATE_SESSION|_|OLDPWD)=' | sort
"#;

fn bash_files(world: &World) {
    let rc = "echo bashrc $? ${BASH_SOURCE[0]##*/} >>~/order\nPS1='ready> '\nshopt -s histappend\nset -o notify\nalias ll='ls -l'\n\
              alias printf='echo aliased'\nHISTCONTROL=ignoredups\ntrap 'echo bye >>~/order' EXIT\n\
              PROMPT_COMMAND='echo $? ${PIPESTATUS[0]} >>~/statuses'\nfunction builtin_of_mine { :; }\n(exit 7)\n";
    world.write(".bashrc", rc);
    world.write("my.rc", "echo mine $? >>~/order\nPS1='ready> '\nexport PROMPT_COMMAND\n");
    world.write(".bash_profile", "echo profile $? >>~/order\n. ~/.bashrc\n");
    world.write(".profile", "echo wrong >>~/order\n");
    world.write(".bash_logout", "echo logout >>~/order\n");
}

#[test]
fn bash_is_as_it_was() {
    need!("bash");
    check_unchanged(&["bash"], bash_files, &[], BASH_DUMP);
    check_unchanged(&["bash", "-l"], bash_files, &[], BASH_DUMP);
    check_unchanged(
        &["bash", "-l"],
        bash_files,
        &[("ENV", "~/mine"), ("HISTFILE", "~/elsewhere"), ("MAILCHECK", "9")],
        BASH_DUMP,
    );
    check_unchanged(&["bash", "--norc"], bash_files, &[], BASH_DUMP);
    check_unchanged(
        &["bash", "--rcfile", "my.rc"],
        bash_files,
        &[("PROMPT_COMMAND", "echo $? >>~/statuses")],
        BASH_DUMP,
    );
}

pub(crate) const ZSH_DUMP: &str = r#"
setopt; alias; trap; echo "$- $# $SHLVL ${(q)PS1} ${(q)PS2} ${(q)RPROMPT}"; echo ${(t)ZDOTDIR} ${(q)ZDOTDIR-unset}
print -l ${${(o)${(k)functions}}:#__casemate*}
typeset -p | grep -vE '(RANDOM|SECONDS|EPOCH|PPID|TTYIDLE|LINENO|CASEMATE_SESSION|HISTCMD|COLUMNS|LINES|OLDPWD| _=|history|functions|funcfile|dis_|jobtexts|TTY=|[$]=|argv|parameters|options|pipestatus|widgets|precmd_functions|preexec_functions|builtins|commands|SAVEHIST|epochtime|errnos|sysparams|terminfo|termcap|keymaps|nameddirs|userdirs|usergroups|modules|patchars|reswords|aliases|MATCH)' 
env | grep -vE '^(CASEMATE_SESSION|_|OLDPWD)=' | sort
"#;

fn zsh_files(folder: &'static str) -> impl Fn(&World) {
    move |world| {
        world
            .write(&format!("{folder}.zshenv"), "echo env $? ${(%):-%x} >>~/order\nskip_global_compinit=1\n");
        world.write(&format!("{folder}.zprofile"), "echo profile $? >>~/order\n");
        world.write(
            &format!("{folder}.zshrc"),
            "echo rc $? >>~/order\nPROMPT='ready> '\nsetopt hist_ignore_space no_prompt_sp\nHISTFILE=~/history\nSAVEHIST=9\n\
             alias ll='ls -l'\nprecmd() { echo $? $pipestatus >>~/statuses }\nTRAPEXIT() { echo bye >>~/order }\n(exit 7)\n",
        );
        world.write(&format!("{folder}.zlogin"), "echo login $? >>~/order\n");
        world.write(&format!("{folder}.zlogout"), "echo logout >>~/order\n");
    }
}

#[test]
fn zsh_is_as_it_was() {
    need!("zsh");
    check_unchanged(&["zsh"], zsh_files(""), &[], ZSH_DUMP);
    check_unchanged(&["zsh", "-l"], zsh_files(""), &[], ZSH_DUMP);
    check_unchanged(&["zsh", "-l"], zsh_files("dots/"), &[("ZDOTDIR", "~/dots")], ZSH_DUMP);
}

pub(crate) const FISH_DUMP: &str = r#"
functions -n | string split , | string match -v '__casemate*'; functions fish_prompt | string match -v '# Defined *'
set -x | grep -vE '^(CASEMATE_SESSION|SHLVL|COLUMNS|LINES)'; set -S XDG_DATA_DIRS fish_function_path status
echo $status; status is-login; echo $status; abbr; bind | head -n 5; count $argv
"#;

#[test]
fn fish_is_as_it_was() {
    need!("fish");
    let files = |world: &World| {
        let config = "echo config >>~/order\nset -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n\
                      function fish_prompt; echo $status >>~/statuses; echo 'ready> '; end\nfunction fish_right_prompt; end\n\
                      function bye --on-event fish_exit; echo bye >>~/order; end\nfalse\n";
        world.write(".config/fish/config.fish", config);
        world.write(".config/fish/conf.d/a.fish", "echo conf >>~/order\n");
    };
    check_unchanged(&["fish"], files, &[], FISH_DUMP);
    check_unchanged(&["fish", "-l"], files, &[("XDG_DATA_DIRS", "~/share:/usr/share")], FISH_DUMP);
}

#[test]
fn hooks_and_prompts_that_come_later_do_not_stop_the_marks() {
    need!("bash");
    let world = World::new();
    let lines = [
        "PROMPT_COMMAND='PS1=ready\\>\\ '",
        "true",
        "PROMPT_COMMAND+=('true; false')",
        "set -u",
        "set -x",
        "IFS=e; shopt -s extdebug nocasematch failglob",
        "exit",
    ];
    let marks = marks_of(&world, &["bash"], &lines);
    assert_eq!(marks.iter().filter(|mark| *mark == "B").count(), lines.len(), "{marks:#?}");
    assert_eq!(marks.last().unwrap(), "C exit");
}

#[test]
fn a_shell_within_prints_no_marks_of_ours() {
    for shell in ["bash", "zsh", "fish"] {
        need!(shell, "dash");
        let world = World::new();
        if shell == "bash" {
            world.write(".bashrc", format!("export PS1='{PROMPT}' PROMPT_COMMAND='s=$?; echo told-$s'\n"));
        }
        let inner = format!("exec {shell}");
        let mut session = record(&world, &["--integrate"], &[shell]).on_terminal();
        type_lines(&mut session, &["dash", "exit", shell, "false"]);
        if shell == "bash" {
            session.wait_screen("told-1");
        }
        type_lines(&mut session, &["exit 0", &inner, "true", "exit"]);
        session.wait_success();
        let marks = marks(&Cast::read(world.path("s.cast")));
        let commands: Vec<_> = marks.iter().filter(|mark| mark.starts_with('C')).collect();
        assert_eq!(commands, ["C dash", &format!("C {shell}"), &format!("C {inner}")]);
        assert!(!session.screen().contains("casemate"), "{}", session.screen());
    }
}

#[test]
fn what_cannot_be_integrated_is_recorded_without() {
    need!("dash", "bash");
    let world = World::new();
    for (program, why) in
        [(&["dash"][..], "`dash` is not bash, zsh or fish"), (&["bash", "-c", "exit"], "`-c`")]
    {
        let mut args = vec!["s.cast", "--integrate", "--overwrite", "--"];
        args.extend(program);
        let mut session = world.rec(&args).on_terminal();
        session.wait_for("no shell integration");
        session.wait_for(why);
        if program[0] == "dash" {
            type_lines(&mut session, &["exit"]);
        }
        session.wait_success();
        let cast = Cast::read(world.path("s.cast"));
        assert!(!cast.output().contains("\x1b]133"));
        assert!(cast.header["casemate"].get("marks_nonce").is_none());
    }
}

#[test]
fn the_scripts_are_private_and_gone_at_the_end() {
    use std::os::unix::fs::PermissionsExt as _;
    need!("zsh");
    let world = World::new();
    std::fs::create_dir(world.path("tmp")).unwrap();
    let tmp = world.path("tmp").display().to_string();
    let mut session = record(&world, &["--integrate"], &["zsh"]).env("TMPDIR", &tmp).on_terminal();
    session.wait_prompt();
    let [name] = &world.names("tmp")[..] else { panic!("one folder: {:?}", world.names("tmp")) };
    let mode = std::fs::metadata(world.path("tmp").join(name)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    type_lines(&mut session, &["exit"]);
    session.wait_success();
    assert_eq!(world.names("tmp"), Vec::<String>::new());
}
