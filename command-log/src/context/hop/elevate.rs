//! `sudo`, `su`, `doas` and the others that make another user of the same target.

use super::super::words::Word;
use super::options::{Options, Takes, Value};
use super::prefix::is_assignment;
use super::{Change, Here, HopKind, Next, named};

/// Reads one of these, if `name` is one.
pub(super) fn layer<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    Some(match name {
        "sudo" => sudo(arguments, here),
        "su" => su(name, arguments, here),
        "runuser" => su(name, arguments, here),
        "doas" => doas(arguments, here),
        "run0" => run0(arguments, here),
        "pkexec" => pkexec(arguments, here),
        "systemd-run" => systemd_run(arguments, here),
        "login" => login(arguments, here),
        "gosu" | "su-exec" | "setuidgid" | "chpst" => {
            here.goes(HopKind::User, name);
            let (user, inner) = arguments.split_first()?;
            here.user = user_of(Some(super::value(user)));
            Next::Run(inner)
        }
        _ => return None,
    })
}

/// A user as these take it: `bob`, `bob:group`, `#0`.
pub(super) fn user_of(value: Option<Value<'_>>) -> Change {
    let Some(Value { text, literal: true }) = value else { return Change::Unknown };
    match text.split(':').next().unwrap_or_default() {
        "" => Change::Unknown,
        "0" | "#0" => root(),
        user => Change::Named(user.into()),
    }
}

fn root() -> Change {
    Change::Named("root".into())
}

fn sudo<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes {
        short: "ugChpDRTrtUac",
        long: "user group close-from host prompt chdir chroot command-timeout role type other-user auth-type \
               login-class",
    };
    let mut options = Options::new(arguments, takes);
    let (mut shell, mut user) = (false, root());
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "u" | "user" => user = user_of(option.value),
                "i" | "login" | "s" | "shell" => shell = true,
                "l" | "list" | "v" | "validate" | "V" | "version" | "K" | "remove-timestamp" | "e"
                | "edit" | "b" | "background" | "help" => return Next::Nothing,
                _ => {}
            }
        }
        // Variables may stand between its options.
        if options.over() || !options.rest().first().is_some_and(|word| is_assignment(&word.text)) {
            break;
        }
        options.positional();
    }
    here.goes(HopKind::User, "sudo");
    here.user = user;
    match super::prefix::skip_keywords(options.rest()) {
        [] if shell => Next::Shell,
        [] => Next::Nothing,
        inner => Next::Run(inner),
    }
}

fn su<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes {
        short: "csgGwCuT",
        long: "command session-command shell group supp-group whitelist-environment user",
    };
    let takes = if name == "su" { Takes { short: "csgGwC", ..takes } } else { takes };
    let mut options = Options::new(arguments, takes);
    let (mut user, mut line, mut by_option) = (None, None, false);
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "c" | "command" | "session-command" => line = option.value,
                "u" | "user" if name == "runuser" => {
                    user = option.value;
                    by_option = true;
                }
                "h" | "help" | "V" | "version" => return Next::Nothing,
                _ => {}
            }
        }
        if by_option {
            break;
        }
        if options.over() && user.is_some() {
            let rest = options.rest();
            if let [c, inner, ..] = rest
                && c.text == "-c"
            {
                line = Some(super::value(inner));
            }
            break;
        }
        match options.positional() {
            Some(word) if word.text == "-" => {}
            Some(word) if user.is_none() => user = Some(super::value(word)),
            // What follows goes to the shell, but `-c` counts wherever it stands.
            Some(_) => {}
            None => break,
        }
    }
    here.goes(HopKind::User, name);
    here.user = user.map_or_else(root, |user| user_of(Some(user)));
    match line {
        Some(line) => Next::Line(line.text.into()),
        None if by_option => Next::Run(options.rest()),
        None => Next::Shell,
    }
}

fn doas<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options = Options::new(arguments, Takes { short: "uCa", long: "" });
    let (mut shell, mut user) = (false, root());
    while let Some(option) = options.next() {
        match option.name {
            "u" => user = user_of(option.value),
            "s" => shell = true,
            "L" | "C" => return Next::Nothing,
            _ => {}
        }
    }
    here.goes(HopKind::User, "doas");
    here.user = user;
    match options.rest() {
        [] if shell => Next::Shell,
        [] => Next::Nothing,
        inner => Next::Run(inner),
    }
}

fn run0<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes {
        short: "ugDM",
        long: "user group chdir setenv background machine unit property description slice nice area",
    };
    let mut options = Options::new(arguments, takes);
    let mut user = root();
    while let Some(option) = options.next() {
        match option.name {
            "u" | "user" => user = user_of(option.value),
            "M" | "machine" => {
                here.goes(HopKind::Container, "run0");
                here.target = named(option.value);
            }
            "h" | "help" | "V" | "version" => return Next::Nothing,
            _ => {}
        }
    }
    here.goes(HopKind::User, "run0");
    here.user = user;
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn pkexec<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options = Options::new(arguments, Takes { short: "u", long: "user" });
    let mut user = root();
    while let Some(option) = options.next() {
        match option.name {
            "u" | "user" => user = user_of(option.value),
            "help" | "version" => return Next::Nothing,
            _ => {}
        }
    }
    here.goes(HopKind::User, "pkexec");
    here.user = user;
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn systemd_run<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes {
        short: "HMupED",
        long: "host machine unit property description slice service-type uid gid nice working-directory setenv \
               on-active on-boot on-calendar timer-property path-property socket-property background",
    };
    let mut options = Options::new(arguments, takes);
    let (mut terminal, mut shell, mut user) = (false, false, None);
    while let Some(option) = options.next() {
        match option.name {
            "t" | "pty" => terminal = true,
            "S" | "shell" => shell = true,
            "uid" => user = Some(user_of(option.value)),
            "M" | "machine" => {
                here.goes(HopKind::Container, "systemd-run");
                here.target = named(option.value);
            }
            _ => {}
        }
    }
    here.goes(HopKind::User, "systemd-run");
    here.user = user.unwrap_or_else(|| if shell { Change::Same } else { root() });
    match options.rest() {
        [] if shell => Next::Shell,
        inner if terminal => Next::Run(inner),
        _ => Next::Nothing,
    }
}

fn login<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options = Options::new(arguments, Takes { short: "fh", long: "" });
    let mut user = None;
    while let Some(option) = options.next() {
        if option.name == "f" {
            user = option.value;
        }
    }
    here.goes(HopKind::User, "login");
    here.user = user_of(user.or_else(|| options.rest().first().map(super::value)));
    Next::Shell
}
