//! What stands before a command and changes neither target nor user: `env`, `exec`, `time`, `nice`, keywords.
//! And the words of the shell itself that matter here: `exit`, and whatever may change a prompt.

use super::super::words::Word;
use super::options::{Options, Takes};
use super::{Here, HopKind, Next};

/// Drops keywords and assignments before a command.
pub(super) fn skip_keywords(mut words: &[Word]) -> &[Word] {
    const KEYWORDS: &[&str] = &[
        "if", "then", "elif", "else", "while", "until", "do", "!", "{", "not", "and", "or", "begin", "coproc",
    ];
    while let Some((first, rest)) = words.split_first() {
        if !(first.literal && KEYWORDS.contains(&first.text.as_str()) || is_assignment(&first.text)) {
            break;
        }
        words = rest;
    }
    words
}

pub(super) fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Programs that run the rest of their line: name, their options with a value, and how many words they want first.
const PREFIXES: &[(&str, Takes, usize)] = &[
    ("command", Takes { short: "", long: "" }, 0),
    ("builtin", Takes { short: "", long: "" }, 0),
    ("noglob", Takes { short: "", long: "" }, 0),
    ("nocorrect", Takes { short: "", long: "" }, 0),
    ("time", Takes { short: "fo", long: "format output" }, 0),
    ("env", Takes { short: "uCS", long: "unset chdir split-string" }, 0),
    ("nice", Takes { short: "n", long: "adjustment" }, 0),
    ("ionice", Takes { short: "cnpPu", long: "class classdata" }, 0),
    ("chrt", Takes { short: "TPDp", long: "" }, 1),
    ("taskset", Takes { short: "", long: "" }, 1),
    ("timeout", Takes { short: "ks", long: "kill-after signal" }, 1),
    ("stdbuf", Takes { short: "ioe", long: "input output error" }, 0),
    ("setarch", Takes { short: "", long: "" }, 1),
    ("strace", Takes { short: "eoapPsSuEXIObU", long: "output trace" }, 0),
    ("ltrace", Takes { short: "aAeDlnopsuwxF", long: "output" }, 0),
    ("setsid", Takes { short: "", long: "" }, 0),
    ("catchsegv", Takes { short: "", long: "" }, 0),
    ("rlwrap", Takes { short: "abcCDefFgHlmMOpPqsStwz", long: "" }, 0),
    ("unbuffer", Takes { short: "", long: "" }, 0),
    ("ssh-agent", Takes { short: "aEPtO", long: "" }, 0),
    ("dbus-run-session", Takes { short: "", long: "config-file dbus-daemon" }, 0),
    ("systemd-inhibit", Takes { short: "", long: "what who why mode" }, 0),
    ("sshpass", Takes { short: "pfdPe", long: "" }, 0),
    ("torsocks", Takes { short: "", long: "" }, 0),
    ("proxychains", Takes { short: "f", long: "" }, 0),
    ("proxychains4", Takes { short: "f", long: "" }, 0),
    ("aws-vault", Takes { short: "", long: "duration" }, usize::MAX),
    ("fakeroot", Takes { short: "lsib", long: "lib faked" }, 0),
    ("unshare", Takes { short: "RwSG", long: "propagation setgroups root wd setuid setgid" }, 0),
    ("busybox", Takes { short: "", long: "" }, 0),
];

/// Programs that open a shell at the same place when nothing else is asked of them.
const WRAPPED_SHELLS: &[&str] = &["unshare", "fakeroot"];

/// A prefix, a word of the shell, or a program that opens a shell where we are.
pub(super) fn layer<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    match name {
        "exec" => {
            // Behind another program it replaces that one, not the shell that asked.
            here.replaces |= here.depth == 0 && here.kind.is_none() && here.program.is_none();
            let mut options = Options::new(arguments, Takes { short: "a", long: "" });
            while options.next().is_some() {}
            if options.rest().is_empty() {
                return Some(Next::Nothing);
            }
            return Some(Next::Run(options.rest()));
        }
        "nohup" | "watch" | "xargs" | "parallel" | "disown" | "at" | "batch" => return Some(Next::Nothing),
        "for" | "select" | "case" | "function" => return Some(Next::Nothing),
        "exit" | "logout" | "bye" if here.kind.is_none() => {
            here.exits = true;
            return Some(Next::Nothing);
        }
        "export" | "source" | "." | "eval" | "set" | "setopt" | "unsetopt" | "shopt" | "unset"
        | "declare" | "typeset" | "alias" | "autoload" | "prompt" | "setenv" | "bind" | "bindkey"
        | "trap" | "cd" | "pushd" | "popd" | "z" | "conda" | "mamba" | "pyenv" | "nvm" | "rvm" | "rbenv"
        | "asdf" | "workon" | "activate" | "deactivate" | "hostname" | "hostnamectl" | "fish_config"
        | "omz" | "p10k" | "direnv" | "module" | "stty" | "starship"
            if here.kind.is_none() =>
        {
            here.changes_prompt = true;
            return None;
        }
        "tmux" | "screen" | "zellij" | "byobu" | "dtach" | "abduco" => {
            return Some(multiplexer(name, arguments, here));
        }
        "newgrp" => {
            here.program.get_or_insert_with(|| name.into());
            return Some(Next::Shell);
        }
        "sg" => {
            here.program.get_or_insert_with(|| name.into());
            return Some(match arguments {
                [_, c, line, ..] if c.text == "-c" => Next::Line(line.text.clone()),
                [_] | [] => Next::Shell,
                [_, line, ..] => Next::Line(line.text.clone()),
            });
        }
        "script" => return Some(script(arguments, here)),
        "nix-shell" | "guix" | "nix" | "poetry" | "pipenv" | "devenv" | "devbox" | "pixi" | "hatch" => {
            return environment(name, arguments, here);
        }
        _ => {}
    }
    let (_, takes, wanted) = PREFIXES.iter().find(|(known, _, _)| *known == name)?;
    let mut options = Options::new(arguments, *takes);
    while let Some(option) = options.next() {
        if name == "command" && option.is(&["v", "V"]) {
            return Some(Next::Nothing);
        }
        if name == "env"
            && option.is(&["S", "split-string"])
            && let Some(value) = option.value
        {
            return Some(Next::Line(value.text.into()));
        }
    }
    if *wanted == usize::MAX {
        // These want a `--` before the command.
        let at = options.rest().iter().position(|word| word.text == "--")?;
        return Some(Next::Run(&options.rest()[at + 1..]));
    }
    let inner = options.rest().get(*wanted..).unwrap_or_default();
    if inner.is_empty() && WRAPPED_SHELLS.contains(&name) {
        here.program.get_or_insert_with(|| name.into());
        return Some(Next::Shell);
    }
    Some(Next::Run(inner))
}

fn multiplexer<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = match name {
        "tmux" => Takes { short: "cfLST", long: "" },
        "screen" => Takes { short: "cehpsSTt", long: "" },
        _ => Takes { short: "sceEr", long: "session config layout" },
    };
    here.goes(HopKind::Multiplexer, name);
    let mut options = Options::new(arguments, takes);
    while let Some(option) = options.next() {
        let talks = match name {
            "screen" => option.is(&["m", "X", "ls", "list", "v", "wipe"]) || option.name == "l",
            _ => option.is(&["V", "version", "help", "h"]),
        };
        if talks {
            return Next::Nothing;
        }
    }
    let Some((verb, rest)) = options.rest().split_first() else { return Next::Shell };
    if name != "tmux" && name != "zellij" {
        // What follows is the program to run in it (`screen bash`), or a socket.
        return if name == "screen" { Next::Run(options.rest()) } else { Next::Shell };
    }
    let opens = matches!(
        verb.text.as_str(),
        "new" | "new-session" | "a" | "at" | "attach" | "attach-session" | "att"
    );
    let detached = rest.iter().any(|word| {
        word.text.starts_with('-')
            && !word.text.starts_with("--")
            && word.text.contains('d')
            && verb.text.starts_with("new")
    });
    if opens && !detached { Next::Shell } else { Next::Nothing }
}

fn script<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes {
        short: "cEImoOTB",
        long: "command echo log-in log-io log-out log-timing logging-format output-limit",
    };
    here.program.get_or_insert_with(|| "script".into());
    let mut options = Options::new(arguments, takes);
    while let Some(option) = options.next() {
        if option.is(&["c", "command"]) {
            return option.value.map_or(Next::Nothing, |value| Next::Line(value.text.into()));
        }
    }
    Next::Shell
}

/// Tools that open a shell with other software in it, when asked to.
fn environment<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let verb = arguments.first().map(|word| word.text.as_str());
    let opens = match name {
        "nix-shell" => !arguments.iter().any(|word| matches!(word.text.as_str(), "--run" | "--command")),
        "nix" => matches!(verb, Some("develop" | "shell")) && !arguments.iter().any(|word| word.text == "-c"),
        "guix" => {
            matches!(verb, Some("shell" | "environment")) && !arguments.iter().any(|word| word.text == "--")
        }
        _ => verb == Some("shell"),
    };
    if !opens {
        return None;
    }
    here.program.get_or_insert_with(|| name.into());
    Some(Next::Shell)
}
