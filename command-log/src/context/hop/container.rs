//! `docker exec`, `kubectl exec`, `machinectl shell` and the others that lead into a container or another root.

use super::super::words::Word;
use super::elevate::user_of;
use super::options::{Options, Takes, Value};
use super::{Change, Here, HopKind, Next, named, value};

/// Reads one of these, if `name` is one.
pub(super) fn layer<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    match name {
        "docker" | "podman" | "nerdctl" => docker(name, arguments, here),
        "docker-compose" | "podman-compose" => compose(name, arguments, here),
        "kubectl" | "oc" | "k" | "kubecolor" => kubectl(name, arguments, here),
        "k3s" | "microk8s" => match arguments.split_first()? {
            (verb, rest) if verb.text == "kubectl" => kubectl("kubectl", rest, here),
            _ => None,
        },
        "crictl" | "ctr" => crictl(name, arguments, here),
        "lxc" | "incus" => lxc(name, arguments, here),
        "lxc-attach" => Some(lxc_attach(arguments, here)),
        "pct" => pct(arguments, here),
        "machinectl" => machinectl(arguments, here),
        "systemd-nspawn" => Some(nspawn(arguments, here)),
        "nsenter" => Some(nsenter(arguments, here)),
        "chroot" | "arch-chroot" => Some(chroot(name, arguments, here)),
        "schroot" => Some(schroot(arguments, here)),
        "toolbox" | "distrobox" | "distrobox-enter" => toolbox(name, arguments, here),
        "firejail" | "bwrap" => None,
        _ => None,
    }
}

/// Values of the options that `run` and `exec` of all three have.
const DOCKER_TAKES: Takes = Takes {
    short: "eucwvlmphaH",
    long: "env env-file user workdir detach-keys name hostname volume mount network net publish expose entrypoint \
           label label-file memory memory-swap memory-reservation cpus cpu-shares cpuset-cpus cpuset-mems cpu-quota \
           cpu-period pull platform runtime restart log-driver log-opt link add-host dns dns-search dns-option \
           device device-cgroup-rule cap-add cap-drop security-opt shm-size ulimit tmpfs gpus ip ip6 ipc pid uts \
           userns cgroupns cgroup-parent isolation mac-address network-alias stop-signal stop-timeout sysctl \
           volumes-from volume-driver storage-opt cidfile attach group-add annotation blkio-weight pids-limit \
           health-cmd health-interval health-retries health-timeout oom-score-adj arch os pod secret tz umask \
           systemd preserve-fds index namespace",
};

/// What `docker`, `podman`, `nerdctl` and `docker compose` take before their verb.
const DOCKER_GLOBAL: Takes = Takes {
    short: "cHlnafp",
    long: "config context host log-level tlscacert tlscert tlskey url connection namespace address file \
           project-name project-directory profile env-file ansi parallel progress root runroot identity",
};

/// Drops options before a verb.
fn verb(arguments: &[Word], takes: Takes) -> Option<(&str, &[Word])> {
    let mut options = Options::new(arguments, takes);
    while options.next().is_some() {}
    let (verb, rest) = options.rest().split_first()?;
    Some((&verb.text, rest))
}

fn docker<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let (mut word, mut rest) = verb(arguments, DOCKER_GLOBAL)?;
    if word == "container" {
        (word, rest) = verb(rest, DOCKER_GLOBAL)?;
    }
    match word {
        "exec" => Some(enter(name, rest, Form::Exec, here)),
        "run" | "create" => Some(enter(name, rest, Form::Run, here)),
        "attach" | "start" => Some(attach(name, word, rest, here)),
        "compose" => compose(name, rest, here),
        "machine" => match rest {
            [ssh, rest @ ..] if ssh.text == "ssh" && rest.len() < 2 => {
                here.goes(HopKind::Container, name);
                here.target =
                    rest.first().map_or(Change::Presumed("podman-machine-default".into()), |word| {
                        named(Some(value(word)))
                    });
                here.user = Change::Presumed("core".into());
                Some(Next::Shell)
            }
            _ => None,
        },
        _ => None,
    }
}

fn compose<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    match verb(arguments, DOCKER_GLOBAL)? {
        ("exec", rest) => Some(enter(name, rest, Form::ComposeExec, here)),
        ("run", rest) => Some(enter(name, rest, Form::ComposeRun, here)),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Exec,
    Run,
    ComposeExec,
    ComposeRun,
}

fn enter<'a>(name: &str, arguments: &'a [Word], form: Form, here: &mut Here) -> Next<'a> {
    let composed = matches!(form, Form::ComposeExec | Form::ComposeRun);
    let mut options = Options::new(arguments, DOCKER_TAKES);
    let (mut input, mut terminal, mut user) = (composed, composed, Change::Unknown);
    let (mut container, mut hostname, mut entrypoint) = (None, None, None);
    while let Some(option) = options.next() {
        let on = option.value.is_none_or(|value| value.text != "false");
        match option.name {
            "i" | "interactive" => input = on,
            "t" | "tty" => terminal = on,
            "T" | "no-TTY" | "no-tty" => terminal = !on,
            "d" | "detach" if on => return Next::Nothing,
            "u" | "user" => user = user_of(option.value),
            "name" => container = option.value,
            "h" | "hostname" => hostname = option.value,
            "entrypoint" => entrypoint = option.value,
            _ => {}
        }
    }
    let Some(place) = options.positional().map(value) else { return Next::Nothing };
    here.goes(HopKind::Container, name);
    here.user = user;
    here.target = match (form, container.or(hostname)) {
        (Form::Run | Form::ComposeRun, Some(name)) => named(Some(name)),
        // The container will have a name that nobody chose; until a prompt tells it, the image must do.
        (Form::Run | Form::ComposeRun, None) => presumed(place),
        (Form::Exec | Form::ComposeExec, _) => named(Some(place)),
    };
    if !(input && terminal) {
        return Next::Nothing;
    }
    match (entrypoint, options.rest()) {
        (Some(shell), []) => Next::Line(shell.text.into()),
        (Some(_), _) => Next::Perhaps,
        (None, []) if matches!(form, Form::Run | Form::ComposeRun) => Next::Perhaps,
        (None, []) => Next::Nothing,
        (None, inner) => Next::Run(inner),
    }
}

fn presumed(name: Value<'_>) -> Change {
    if name.literal { Change::Presumed(name.text.into()) } else { Change::Unknown }
}

fn attach<'a>(name: &str, verb: &str, arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options = Options::new(arguments, Takes { short: "", long: "detach-keys sig-proxy" });
    let (mut output, mut input) = (verb == "attach", verb == "attach");
    while let Some(option) = options.next() {
        match option.name {
            "a" | "attach" => output = true,
            "i" | "interactive" => input = true,
            "no-stdin" => return Next::Nothing,
            _ => {}
        }
    }
    let Some(place) = options.rest().first() else { return Next::Nothing };
    here.goes(HopKind::Container, name);
    here.target = named(Some(value(place)));
    here.user = Change::Unknown;
    if output && input { Next::Perhaps } else { Next::Nothing }
}

fn kubectl<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let takes = Takes {
        short: "ncsfvlp",
        long: "namespace context cluster user kubeconfig server token as as-group as-uid request-timeout container \
               filename pod-running-timeout image env labels overrides port restart limits requests serviceaccount \
               target profile copy-to certificate-authority client-certificate client-key cache-dir tls-server-name \
               image-pull-policy override-type field-manager shell timeout custom",
    };
    let mut options = Options::new(arguments, takes);
    let (mut input, mut terminal, mut words, mut image) = (false, false, Vec::new(), None);
    loop {
        while let Some(option) = options.next() {
            let on = option.value.is_none_or(|value| value.text != "false");
            match option.name {
                "i" | "stdin" => input = on,
                "t" | "tty" => terminal = on,
                "image" => image = option.value,
                _ => {}
            }
        }
        let verb = words.first().map(|word: &&Word| word.text.as_str());
        // Without `--`, what follows the pod is the command, options and all.
        let full = matches!(verb, Some("exec" | "rsh")) && words.len() == 2;
        if options.over() || full {
            break;
        }
        match options.positional() {
            Some(word) => words.push(word),
            None => break,
        }
    }
    let (verb, pod) = match words.as_slice() {
        [verb, pod, ..] => (verb.text.as_str(), value(pod)),
        _ => return None,
    };
    if !matches!(verb, "exec" | "run" | "attach" | "debug" | "rsh") {
        return None;
    }
    here.goes(HopKind::Container, name);
    let bare =
        ["pod/", "pods/", "po/"].iter().find_map(|kind| pod.text.strip_prefix(kind)).unwrap_or(pod.text);
    here.target = named(Some(Value { text: bare, ..pod }));
    here.user = Change::Unknown;
    Some(match verb {
        "rsh" if options.rest().is_empty() => Next::Shell,
        "rsh" => Next::Run(options.rest()),
        "debug" if name == "oc" && options.rest().is_empty() => Next::Perhaps,
        _ if !(input && terminal) => Next::Nothing,
        "exec" if options.rest().is_empty() => Next::Nothing,
        _ if options.rest().is_empty() => {
            if verb == "run" && image.is_none() {
                return Some(Next::Nothing);
            }
            Next::Perhaps
        }
        _ => Next::Run(options.rest()),
    })
}

fn crictl<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let (mut word, mut rest) =
        verb(arguments, Takes { short: "crina", long: "runtime-endpoint config namespace address" })?;
    if name == "ctr" && matches!(word, "task" | "tasks" | "t") {
        (word, rest) = verb(rest, Takes { short: "", long: "" })?;
    }
    if word != "exec" {
        return None;
    }
    let mut options = Options::new(rest, Takes { short: "", long: "exec-id user cwd timeout" });
    let mut terminal = false;
    while let Some(option) = options.next() {
        terminal |= option.is(&["t", "tty"]);
    }
    let place = options.positional()?;
    here.goes(HopKind::Container, name);
    here.target = named(Some(value(place)));
    here.user = Change::Unknown;
    Some(if terminal { Next::Run(options.rest()) } else { Next::Nothing })
}

fn lxc<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let (verb, rest) = verb(arguments, Takes { short: "", long: "project" })?;
    if !matches!(verb, "exec" | "shell" | "console") {
        return None;
    }
    let takes = Takes { short: "", long: "user group cwd env mode project type" };
    let mut options = Options::new(rest, takes);
    let (mut user, mut container) = (Change::Named("root".into()), None);
    loop {
        while let Some(option) = options.next() {
            match option.name {
                "user" => user = user_of(option.value),
                "T" | "force-noninteractive" => return Some(Next::Nothing),
                _ => {}
            }
        }
        if options.over() || container.is_some() {
            break;
        }
        match options.positional() {
            Some(word) => container = Some(value(word)),
            None => break,
        }
    }
    here.goes(HopKind::Container, name);
    here.target = named(container);
    here.user = user;
    Some(match verb {
        "exec" if options.rest().is_empty() => Next::Nothing,
        "exec" => Next::Run(options.rest()),
        "console" => {
            here.user = Change::Unknown;
            Next::Shell
        }
        _ => Next::Shell,
    })
}

fn lxc_attach<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options =
        Options::new(arguments, Takes { short: "nPvulgs", long: "name lxcpath set-var uid gid" });
    let mut container = None;
    while let Some(option) = options.next() {
        if option.is(&["n", "name"]) {
            container = option.value;
        }
    }
    here.goes(HopKind::Container, "lxc-attach");
    here.target = named(container);
    here.user = Change::Presumed("root".into());
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn pct<'a>(arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let [verb, container, rest @ ..] = arguments else { return None };
    let next = match verb.text.as_str() {
        "enter" | "console" => Next::Shell,
        "exec" => Next::Run(rest.strip_prefix(&[Word::literal("--")][..]).unwrap_or(rest)),
        _ => return None,
    };
    here.goes(HopKind::Container, "pct");
    here.target = named(Some(value(container)));
    here.user = Change::Presumed("root".into());
    Some(next)
}

fn machinectl<'a>(arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let takes = Takes { short: "HMpEnos", long: "host machine uid setenv property lines output signal" };
    let mut options = Options::new(arguments, takes);
    let (mut user, mut words) = (None, Vec::new());
    loop {
        while let Some(option) = options.next() {
            if option.is(&["uid"]) {
                user = Some(user_of(option.value));
            }
        }
        if options.over() || words.len() == 2 {
            break;
        }
        match options.positional() {
            Some(word) => words.push(word),
            None => break,
        }
    }
    let verb = words.first()?.text.as_str();
    if !matches!(verb, "shell" | "login") {
        return None;
    }
    let place = words.get(1).copied().or_else(|| options.positional()).map(value);
    here.goes(HopKind::Container, "machinectl");
    let text = place.map(|place| place.text).unwrap_or(".host");
    let (login, machine) = match text.split_once('@') {
        Some((login, machine)) => (Some(login), machine),
        None => (None, text),
    };
    let literal = place.is_none_or(|place| place.literal);
    here.target = match machine {
        ".host" | "" => Change::Same,
        machine => named(Some(Value { text: machine, literal })),
    };
    here.user = match (verb, login, user) {
        ("login", ..) => Change::Unknown,
        (_, Some(login), _) if !login.is_empty() => user_of(Some(Value { text: login, literal })),
        (_, _, Some(user)) => user,
        _ => Change::Named("root".into()),
    };
    Some(if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) })
}

fn nspawn<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes {
        short: "DiMuESLZp",
        long: "directory template image oci-bundle machine user setenv slice bind bind-ro tmpfs network-interface \
               network-bridge network-zone network-macvlan network-ipvlan network-namespace-path port overlay \
               capability drop-capability chdir hostname uuid property private-users console settings link-journal \
               resolv-conf timezone rlimit volatile load-credential set-credential",
    };
    let mut options = Options::new(arguments, takes);
    let (mut user, mut machine, mut root, mut boots) = (Change::Named("root".into()), None, None, false);
    while let Some(option) = options.next() {
        match option.name {
            "M" | "machine" => machine = option.value,
            "D" | "directory" | "i" | "image" => root = option.value,
            "u" | "user" => user = user_of(option.value),
            "b" | "boot" => boots = true,
            _ => {}
        }
    }
    here.goes(HopKind::Container, "systemd-nspawn");
    let base = root.map(|root| Value {
        text: root.text.trim_end_matches('/').rsplit('/').next().unwrap_or_default(),
        ..root
    });
    here.target = named(machine.or(base));
    here.user = if boots { Change::Unknown } else { user };
    if boots || options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn nsenter<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let takes = Takes { short: "tSGW", long: "target setuid setgid wdns" };
    let mut options = Options::new(arguments, takes);
    let mut elsewhere = false;
    while let Some(option) = options.next() {
        match option.name {
            "a" | "all" | "m" | "mount" | "u" | "uts" => elsewhere = true,
            "S" | "setuid" => here.user = user_of(option.value),
            _ => {}
        }
    }
    here.goes(HopKind::Inside, "nsenter");
    if elsewhere {
        // A process id says nothing about whose namespaces these are.
        here.target = Change::Unknown;
    }
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn chroot<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options = Options::new(
        arguments,
        Takes { short: if name == "chroot" { "" } else { "u" }, long: "userspec groups" },
    );
    let mut user = None;
    while let Some(option) = options.next() {
        match option.name {
            "u" | "userspec" => user = Some(user_of(option.value)),
            "help" | "version" => return Next::Nothing,
            _ => {}
        }
    }
    if options.positional().is_none() {
        return Next::Nothing;
    }
    here.goes(HopKind::Inside, name);
    if let Some(user) = user {
        here.user = user;
    }
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn schroot<'a>(arguments: &'a [Word], here: &mut Here) -> Next<'a> {
    let mut options = Options::new(
        arguments,
        Takes { short: "cusdno", long: "chroot user shell directory session-name option" },
    );
    let mut user = None;
    while let Some(option) = options.next() {
        match option.name {
            "u" | "user" => user = Some(user_of(option.value)),
            "l" | "list" | "i" | "info" | "b" | "begin-session" | "e" | "end-session" => {
                return Next::Nothing;
            }
            _ => {}
        }
    }
    here.goes(HopKind::Inside, "schroot");
    if let Some(user) = user {
        here.user = user;
    }
    if options.rest().is_empty() { Next::Shell } else { Next::Run(options.rest()) }
}

fn toolbox<'a>(name: &str, arguments: &'a [Word], here: &mut Here) -> Option<Next<'a>> {
    let (word, rest) = if name == "distrobox-enter" {
        ("enter", arguments)
    } else {
        verb(arguments, Takes { short: "", long: "log-level" })?
    };
    if word != "enter" {
        return None;
    }
    let mut options = Options::new(rest, Takes { short: "cdrn", long: "container distro release name" });
    let mut place = None;
    while let Some(option) = options.next() {
        if option.is(&["c", "container", "n", "name"]) {
            place = option.value;
        }
    }
    let place = place.or_else(|| options.positional().map(value));
    here.goes(HopKind::Container, name);
    here.target = named(place);
    Some(if options.over() && !options.rest().is_empty() { Next::Run(options.rest()) } else { Next::Shell })
}
