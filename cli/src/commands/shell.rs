//! `casemate shell`: what a host runs in the place of a shell, and what it would do there.

use std::ffi::OsString;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode};

use casemate_host::trusted::{self, NoConfig};
use casemate_host::wrap::{Account, host_target};
use casemate_host::{Config, Origin, Places, Policy, Subject, explained, syslog};
use unicode_width::UnicodeWidthStr as _;

use crate::failure::Failure;
use crate::host_helper;

/// Run a shell in its place, recorded as this host's policy says
///
/// Runs `casemate-shell` with these arguments: a login shell, or what sshd forces. It finds the real shell, runs it as if
/// it were not there itself, and records the session where the user cannot go. What is recorded, and where, is said by
/// /etc/casemate/config.toml alone. A session without a terminal (scp, rsync, git, `ssh host command`) keeps its pipes, and
/// is recorded as one command with its status and the bytes that went each way.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  chsh -s /usr/bin/casemate-shell alice          her sessions are recorded
  ln -s casemate-shell /usr/bin/casemate-shell-usr-bin-zsh
                                                 the same with zsh, for accounts with that shell
  ForceCommand /usr/bin/casemate-shell           in sshd_config: whoever comes by ssh
  casemate shell --explain --user alice          what holds for her, and which line says so")]
pub(crate) struct ShellArgs {
    /// Say what holds, and which line of the configuration says so
    #[arg(long)]
    explain: bool,

    /// For whom to explain it [default: you]
    #[arg(long, requires = "explain", value_name = "ACCOUNT")]
    user: Option<String>,

    /// What the shell is given, like -c COMMAND
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGUMENT",
        conflicts_with = "explain"
    )]
    arguments: Vec<OsString>,
}

pub(crate) fn run(arguments: &ShellArgs) -> Result<ExitCode, Failure> {
    if arguments.explain {
        return explain(arguments.user.as_deref());
    }
    let wrapper = host_helper::path()?;
    let error = Command::new(&wrapper).args(&arguments.arguments).exec();
    Err(Failure::new(format!("cannot run `{}`: {error}", wrapper.display())).hint(
        "it comes with the package for hosts, with a group of its own: see \"On a host\" in the README",
    ))
}

fn explain(user: Option<&str>) -> Result<ExitCode, Failure> {
    let account = match user {
        Some(name) => Account::of(name)
            .ok_or_else(|| Failure::new(format!("there is no account `{name}` on this host")))?,
        None => Account::own(),
    };
    let path = Places::system().config;
    let config = trusted::config(&path).map_err(|error| {
        let hint = match &error {
            NoConfig::Untrusted(_) => {
                let name = path.display();
                format!("it decides what is recorded, so it must be root's alone: chown root:root {name}; chmod 644 {name}")
            }
            NoConfig::Bad { .. } | _ => "until it is mended only root gets a session".to_owned(),
        };
        Failure::from(error).hint(hint)
    })?;
    let rows = rows(&config, &account);
    let width = |text: &str| text.width();
    let (first, second) = rows.iter().fold((0, 0), |(first, second), (key, value, _)| {
        (first.max(width(key)), second.max(width(value).min(40)))
    });
    let mut out = String::new();
    for (key, value, origin) in rows {
        let origin = match origin {
            Some(Origin::Line(line)) => format!("{}:{line}", path.display()),
            Some(Origin::Default) => "default".to_owned(),
            None => "this host's accounts".to_owned(),
        };
        let pad = |text: &str, to: usize| " ".repeat(to.saturating_sub(width(text)));
        out.push_str(&format!("{key}{}  {value}{}  {origin}\n", pad(&key, first), pad(&value, second)));
    }
    std::io::stdout().write_all(out.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

/// What holds: a key, its value, and where that is said; nothing where the accounts say it.
fn rows(config: &Config, account: &Account) -> Vec<(String, String, Option<Origin>)> {
    let target = host_target(config);
    let subject = Subject { user: &account.name, groups: account.groups(), target: &target };
    let policy = Policy::of(config, &subject);
    let line = |found: Option<usize>| Some(found.map_or(Origin::Default, Origin::Line));
    let text = |path: &Path| path.display().to_string();
    let mut rows = vec![
        ("account".to_owned(), account.name.clone(), None),
        ("groups".to_owned(), account.groups().join(" "), None),
        ("account's shell".to_owned(), account.shell.as_deref().map_or_else(|| "none".into(), text), None),
        ("target".to_owned(), target.clone(), line(config.target().map(|(_, line)| line))),
    ];
    let emergency = config.emergency_group();
    let is_in = emergency.is_some_and(|(group, _)| account.is_in(group));
    let said = match emergency {
        Some((group, _)) if is_in => format!("{group}: let through unrecorded"),
        Some((group, _)) => group.to_owned(),
        None => "none".into(),
    };
    rows.push(("emergency-group".into(), said, line(emergency.map(|(_, line)| line))));
    let budget = config.disk_budget();
    let said = budget.map_or_else(|| "all there is".into(), |(bytes, _)| format!("{bytes} bytes"));
    rows.push(("disk-budget".into(), said, line(budget.map(|(_, line)| line))));
    let key = config.signing_key();
    let said = key.map_or_else(|| "none".into(), |(path, _)| text(path));
    rows.push(("signing-key".into(), said, line(key.map(|(_, line)| line))));
    let number = config.enterprise_number();
    let said = number.map_or(syslog::EXAMPLE, |(number, _)| number).to_string();
    rows.push(("enterprise-number".into(), said, line(number.map(|(_, line)| line))));
    let server = config.server();
    let said = server.map_or_else(|| "none".into(), |server| server.url.to_owned());
    rows.push(("server".into(), said, line(server.map(|server| server.line))));
    rows.extend(explained(&policy).into_iter().map(|(key, value, origin)| (key.into(), value, Some(origin))));
    rows
}
