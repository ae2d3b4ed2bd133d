//! `ssh` and the others that lead to another machine.

use super::super::words::Word;
use super::options::{Options, Takes, Value};
use super::{Change, Here, HopKind, Next, joined, named, value};

/// Reads one of these, if `name` is one.
pub(super) fn layer<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    Some(match name {
        "ssh" | "autossh" | "slogin" => ssh(name, arguments, here),
        "mosh" | "et" => mosh(name, arguments, here),
        "rlogin" | "rsh" | "telnet" => plain(name, arguments, here)?,
        "gcloud" => gcloud(arguments, here)?,
        "vagrant" | "multipass" | "limactl" | "lima" | "minikube" | "colima" | "tailscale" | "tsh"
        | "orb" | "wsl" | "wsl.exe" => machine(name, arguments, here)?,
        "aws" => aws(arguments, here)?,
        "fly" | "flyctl" | "heroku" | "az" => hosted(name, arguments, here)?,
        _ => return None,
    })
}

/// Goes to `[user@]host`, as `ssh` writes it.
fn destination(here: &mut Here, host: Value<'_>, login: Option<Value<'_>>) {
    let text = host.text.strip_prefix("ssh://").map_or(host.text, |uri| {
        let uri = uri.split('/').next().unwrap_or_default();
        // A port, but not the last part of an IPv6 address in brackets.
        match uri.rsplit_once(':') {
            Some((front, port)) if port.bytes().all(|b| b.is_ascii_digit()) => front,
            _ => uri,
        }
    });
    let (user, name) = match text.rsplit_once('@') {
        Some((user, name)) => (Some(Value { text: user, literal: host.literal }), name),
        None => (None, text),
    };
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    here.target = named(Some(Value { text: name, literal: host.literal }));
    here.user = match (login.or(user), &here.user) {
        (Some(user), _) => named(Some(user)),
        (None, Change::Named(user)) => Change::Presumed(user.clone()),
        (None, Change::Presumed(user)) => Change::Presumed(user.clone()),
        (None, Change::Unknown) => Change::Unknown,
        (None, Change::Same | Change::SameName) => Change::SameName,
    };
}

fn ssh<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes { short: "BbcDEeFIiJLlmOoPpQRSWw", long: "" };
    let takes = if name == "autossh" { Takes { short: "BbcDEeFIiJLlmMOoPpQRSWw", long: "" } } else { takes };
    let mut options = Options::new(arguments, takes);
    let (mut host, mut login, mut terminal, mut remote) = (None, None, None, None);
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "l" if login.is_none() => login = option.value,
                "t" => terminal = Some(true),
                "T" => terminal = Some(false),
                "N" | "f" | "W" | "V" | "O" | "Q" | "G" | "n" | "s" => return Next::Nothing,
                "o" => {
                    let setting = option.value.map(|value| value.text).unwrap_or_default();
                    let (key, text) = setting.split_once(['=', ' ']).unwrap_or((setting, ""));
                    let literal = option.value.is_some_and(|value| value.literal);
                    match key.to_ascii_lowercase().as_str() {
                        "user" if login.is_none() => login = Some(Value { text, literal }),
                        "requesttty" => terminal = Some(matches!(text, "yes" | "force" | "true")),
                        "remotecommand" if text != "none" => remote = Some(text.to_owned()),
                        "sessiontype" if text == "none" || text == "subsystem" => return Next::Nothing,
                        _ => {}
                    }
                }
                _ => {}
            }
        }
        // `ssh` goes on with options behind the host, and `user@` counts where it stands.
        if host.is_some() {
            break;
        }
        let Some(word) = options.positional() else { return Next::Nothing };
        if login.is_none()
            && let Some((user, _)) = word.text.trim_start_matches("ssh://").rsplit_once('@')
        {
            login = Some(Value { text: user, literal: word.literal });
        }
        host = Some(value(word));
        if options.over() {
            break;
        }
    }
    let Some(host) = host else { return Next::Nothing };
    here.goes(HopKind::Host, "ssh");
    destination(here, host, login);
    let line = if options.rest().is_empty() { remote } else { Some(joined(options.rest())) };
    match line {
        None if terminal == Some(false) => Next::Nothing,
        None => Next::Shell,
        Some(line) if terminal == Some(true) => Next::Line(line),
        Some(_) => Next::Nothing,
    }
}

fn mosh<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes { short: "pPanc", long: "ssh port predict family server client bind-server" };
    let mut options = Options::new(arguments, takes);
    let mut host = None;
    loop {
        while options.next().is_some() {}
        if host.is_some() {
            break;
        }
        let Some(word) = options.positional() else { return Next::Nothing };
        host = Some(value(word));
    }
    let Some(mut host) = host else { return Next::Nothing };
    if name == "et" {
        host.text = host.text.rsplit_once(':').map_or(host.text, |(front, _)| front);
    }
    here.goes(HopKind::Host, name);
    destination(here, host, None);
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

/// `rlogin`, `rsh` and `telnet`: an old way to a login.
fn plain<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let mut options = Options::new(arguments, Takes { short: "lebnSX", long: "" });
    let mut login = None;
    while let Some(option) = options.next() {
        if option.name == "l" {
            login = option.value;
        }
    }
    let host = options.positional()?;
    // A port other than its own leads to a server of another kind, which is a program to us.
    let port = options.rest().first().map(|word| word.text.as_str());
    if name == "telnet" && !matches!(port, None | Some("23" | "telnet")) {
        return None;
    }
    if name == "rsh" && port.is_some() {
        return Some(Next::Nothing);
    }
    here.goes(HopKind::Host, name);
    destination(here, value(host), login);
    if name == "telnet" && login.is_none() {
        here.user = Change::Unknown;
    }
    Some(Next::Shell)
}

fn gcloud<'a>(arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let takes = Takes {
        short: "",
        long: "project account zone region configuration ssh-flag ssh-key-file container command \
               strict-host-key-checking ssh-key-expire-after ssh-key-expiration tunnel-through-iap-port worker node \
               verbosity format",
    };
    let mut options = Options::new(arguments, takes);
    let (mut verbs, mut host) = (Vec::new(), None);
    loop {
        while let Some(option) = options.next() {
            if option.is(&["command", "dry-run"]) {
                return Some(Next::Nothing);
            }
        }
        if options.over() {
            break;
        }
        let Some(word) = options.positional() else { break };
        if verbs.last() == Some(&"ssh") {
            host.get_or_insert(word);
        } else {
            verbs.push(word.text.as_str());
        }
    }
    if !verbs.contains(&"compute") || verbs.last() != Some(&"ssh") {
        return None;
    }
    here.goes(HopKind::Host, "gcloud");
    destination(here, value(host?), None);
    Some(Next::Shell)
}

/// Local and managed machines that have a `ssh` or `shell` of their own.
fn machine<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let takes = match name {
        "wsl" | "wsl.exe" => Takes { short: "du", long: "distribution user cd" },
        "tsh" => Takes { short: "lipLRD", long: "login proxy cluster user port ttl" },
        _ => Takes { short: "pnm", long: "profile node machine user workdir" },
    };
    let mut options = Options::new(arguments, takes);
    let (mut user, mut target, mut line) = (None, None, false);
    let mut positionals = Vec::new();
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "u" | "user" | "l" | "login" => user = option.value,
                "d" | "distribution" | "n" | "node" | "m" | "machine" | "p" | "profile" => {
                    target = option.value;
                }
                "c" | "command" | "e" | "exec" => line = true,
                _ => {}
            }
        }
        if options.over() {
            break;
        }
        match options.positional() {
            Some(word) => positionals.push(word),
            None => break,
        }
    }
    let verb = positionals.first().map(|word| word.text.as_str()).unwrap_or_default();
    let mut places = positionals.get(1..).unwrap_or_default();
    let (opens, presumed) = match name {
        "vagrant" => (verb == "ssh", Change::Presumed("vagrant".into())),
        "multipass" => (verb == "shell", Change::Presumed("ubuntu".into())),
        "minikube" => (verb == "ssh", Change::Presumed("docker".into())),
        "limactl" => (verb == "shell", Change::Same),
        "colima" | "tailscale" => (verb == "ssh", Change::SameName),
        "tsh" => (verb == "ssh", Change::SameName),
        "lima" => {
            places = &[];
            (positionals.is_empty(), Change::Same)
        }
        "orb" => {
            places = &[];
            (positionals.is_empty() || verb == "shell", Change::Same)
        }
        _ => {
            places = &[];
            (positionals.is_empty(), Change::Unknown)
        }
    };
    if !opens {
        return None;
    }
    if line || (options.over() && !options.rest().is_empty()) || places.len() > 1 {
        return Some(Next::Nothing);
    }
    here.goes(HopKind::Container, name);
    match (places.first().map(|word| value(word)).or(target), name) {
        (Some(place), "tailscale" | "tsh") => destination(here, place, user),
        (Some(place), _) => here.target = named(Some(place)),
        (None, "minikube" | "colima") => here.target = Change::Presumed(name.into()),
        (None, _) => here.target = Change::Unknown,
    }
    if !matches!(name, "tailscale" | "tsh") {
        here.user = user.map_or(presumed, |user| named(Some(user)));
    }
    Some(Next::Shell)
}

fn aws<'a>(arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let takes =
        Takes { short: "", long: "target profile region cluster task container command document-name" };
    let mut options = Options::new(arguments, takes);
    let (mut target, mut line, mut verbs) = (None, None, Vec::new());
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "target" | "task" => target = option.value,
                "command" => line = option.value,
                "document-name" => return Some(Next::Nothing),
                _ => {}
            }
        }
        match options.positional() {
            Some(word) => verbs.push(word.text.as_str()),
            None => break,
        }
    }
    match verbs.as_slice() {
        ["ssm", "start-session"] => {
            here.goes(HopKind::Host, "aws");
            here.target = named(target);
            here.user = Change::Presumed("ssm-user".into());
            Some(Next::Shell)
        }
        ["ecs", "execute-command"] => {
            here.goes(HopKind::Container, "aws");
            here.target = named(target);
            here.user = Change::Unknown;
            Some(Next::Line(line?.text.into()))
        }
        _ => None,
    }
}

fn hosted<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let takes = Takes { short: "aCgnru", long: "app command resource-group name remote user ip vm-name" };
    let mut options = Options::new(arguments, takes);
    let (mut target, mut user, mut line, mut verbs) = (None, None, None, Vec::new());
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "a" | "app" | "n" | "name" | "vm-name" | "ip" => target = option.value,
                "u" | "user" => user = option.value,
                "C" | "command" => line = option.value,
                _ => {}
            }
        }
        match options.positional() {
            Some(word) => verbs.push(word),
            None => break,
        }
    }
    let texts: Vec<_> = verbs.iter().map(|word| word.text.as_str()).collect();
    let opens = match (name, texts.as_slice()) {
        ("fly" | "flyctl", ["ssh", "console"]) => line.is_none(),
        ("heroku", ["run", program] | ["run:inside", _, program]) => super::is_shell(program),
        ("heroku", ["ps:exec"]) => true,
        ("az", ["ssh", "vm"]) => true,
        _ => return None,
    };
    if !opens {
        return Some(Next::Nothing);
    }
    here.goes(HopKind::Host, name);
    here.target = named(target);
    here.user = user.map_or(Change::Unknown, |user| named(Some(user)));
    Some(Next::Shell)
}
