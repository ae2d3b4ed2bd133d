//! `casemate agent`: carries what is recorded on this host to its audit server.

use std::io::Write as _;
use std::process::ExitCode;

use casemate_agent::{Agent, AgentError, Backlog, PARKED, Status, backlog};
use casemate_host::{Places, trusted};
use chrono::{DateTime, Local};
use serde::Serialize;

use super::info::people_bytes;
use crate::failure::Failure;
use crate::printer::Printer;

/// Carry what is recorded on this host to its audit server
///
/// Follows the recordings of casemate-shell as they are made, and sends them to the server that /etc/casemate/config.toml
/// names under `[server]`, with the key that stands there: what somebody types is in the server's log a moment later. A login
/// from elsewhere in which nothing is recorded (forwarded ports, internal-sftp) becomes a connection. When somebody closes a
/// connection on the server, its session on this host ends, and is told why.
///
/// No session waits for it. While the server cannot be reached, or no agent runs, recordings wait where they are, and are
/// sent later, from where the server has got to. It runs until it is killed, which it may be at any moment. It takes root.
///
/// What the server refuses is tried again every ten minutes, and holds up nothing else; --status names it.
///
/// With --status the exit status is 0 if an agent runs and its server takes what it sends, and 1 otherwise.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  systemctl enable --now casemate-agent      as the package has it
  casemate agent                             in the foreground, where there is no systemd
  casemate agent --status                    what is not on the server yet, and why")]
pub(crate) struct AgentArgs {
    /// Say how it stands
    #[arg(long)]
    status: bool,

    /// Say it as a JSON object
    #[arg(long, requires = "status")]
    json: bool,
}

pub(crate) fn run(arguments: &AgentArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("only root can do that: recordings and the server's key are root's"));
    }
    let places = Places::system();
    if arguments.status {
        return status(&places, arguments.json);
    }
    let agent = Agent::of(places).map_err(failure)?;
    let client = agent.client();
    if client.is_in_the_clear() {
        printer.warn(format!(
            "{}: without https:// the key and all else can be read on the way",
            client.server()
        ));
    }
    printer.say(format!("carrying what is recorded here to {}", client.server()));
    agent.run(&|text| printer.warn(text));
    Ok(ExitCode::SUCCESS)
}

fn failure(error: AgentError) -> Failure {
    let hint = match &error {
        AgentError::NoServer(_) => {
            Some("add to it: [server], url = \"https://…\", key-file = \"/etc/casemate/agent.key\"")
        }
        AgentError::File(_) => Some("it is a file of root's, with mode 600, in folders of root's"),
        AgentError::Runs => Some("casemate agent --status says how it stands"),
        AgentError::Config(_) | AgentError::Server(_) | AgentError::Io { .. } | _ => None,
    };
    let failure = Failure::from(error);
    match hint {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// All that `--status --json` says.
#[derive(Serialize)]
struct Said<'a> {
    agent: Option<&'a Status>,
    backlog: &'a Backlog,
}

fn status(places: &Places, as_json: bool) -> Result<ExitCode, Failure> {
    let config = trusted::config(&places.config)?;
    let server = config.server().ok_or_else(|| failure(AgentError::NoServer(places.config.clone())))?;
    let (status, backlog) = (Status::of(places)?, backlog(places, &config)?);
    let is_well = status.as_ref().is_some_and(|status| status.away.is_none() && status.refused.is_empty());
    let said = if as_json {
        serde_json::to_string(&Said { agent: status.as_ref(), backlog: &backlog })? + "\n"
    } else {
        described(server.url, status.as_ref(), &backlog)
    };
    std::io::stdout().write_all(said.as_bytes())?;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn described(server: &str, status: Option<&Status>, backlog: &Backlog) -> String {
    let mut lines = vec![match status {
        None => format!("{server}: no agent runs"),
        Some(Status { away: Some((reason, since)), .. }) => {
            format!("{server}: takes nothing since {}: {reason}", time(*since))
        }
        Some(Status { reached_us: Some(reached), .. }) => {
            format!("{server}: answered at {}", time(*reached))
        }
        Some(_) => format!("{server}: there was nothing to send yet"),
    }];
    let Backlog { running, waiting, bytes, oldest } = backlog;
    lines.push(format!("running   {running}"));
    let oldest = oldest.as_ref().map_or_else(String::new, |path| format!(", the oldest {}", path.display()));
    let size = if *waiting > 0 { format!(", {}", people_bytes(*bytes)) } else { String::new() };
    lines.push(format!("waiting   {waiting}{size}{oldest}"));
    if let Some(Status { refused, .. }) = status.filter(|status| !status.refused.is_empty()) {
        lines.extend(refused.iter().map(|(name, reason)| format!("refused   {name}: {reason}")));
        let minutes = PARKED.as_secs() / 60;
        lines.push(format!(
            "          what is refused is tried again every {minutes} minutes, and when the agent begins"
        ));
    }
    lines.iter().map(|line| format!("{}\n", casemate_terminal::escaped(line))).collect()
}

/// As somebody on this host reads it.
fn time(microseconds: u64) -> String {
    let time = DateTime::from_timestamp_micros(i64::try_from(microseconds).unwrap_or(0)).unwrap_or_default();
    time.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_it_stands_is_said_in_a_few_lines() {
        let backlog = Backlog { running: 1, waiting: 2, bytes: 2048, oldest: Some("/r/a.cast.zst".into()) };
        let said = described("https://a", None, &backlog);
        assert_eq!(
            said,
            "https://a: no agent runs\nrunning   1\nwaiting   2, 2.00 KiB, the oldest /r/a.cast.zst\n"
        );
        let mut status = Status { away: Some(("no route\u{1b}".into(), 0)), ..Status::default() };
        status.refused.insert("/r/b".into(), "it differs".into());
        let said = described("https://a", Some(&status), &Backlog::default());
        assert!(said.contains("takes nothing since ") && !said.contains('\u{1b}'), "{said}");
        assert!(
            said.ends_with(
                "running   0\nwaiting   0\nrefused   /r/b: it differs\n          \
                 what is refused is tried again every 10 minutes, and when the agent begins\n"
            ),
            "{said}"
        );
    }
}
