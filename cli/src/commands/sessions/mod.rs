//! `casemate sessions`: the sessions of this host.

mod table;

use std::io::{BufRead as _, BufReader, BufWriter, IsTerminal as _, Write as _};

use casemate_host::sessions::{Session, State};
use chrono::{DateTime, Utc};

use self::table::{Look, table};
use super::command_events::moment::{Moment, moment};
use crate::failure::{About as _, Failure};
use crate::host_helper::Helper;
use crate::printer::colours_welcome;

/// List the sessions of this host
///
/// Those that run, and those whose recordings are kept: who, as which account, since when and for how long, how many
/// commands there were so far, and when something was recorded last. What ran without a terminal says what it was.
/// `unfinished` is a session whose recording has no end: its recorder was killed, or the host stopped.
///
/// Root may, and the groups that `watchers` names in /etc/casemate/config.toml.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate sessions                      all that there are, the newest last
  casemate sessions --running            who is in now
  casemate sessions --user alice@corp.example --since 7d
  casemate sessions --json | jq -r 'select(.state == \"unfinished\") | .recording'
  casemate watch 0196a1b2                look over a shoulder")]
pub(crate) struct SessionsArgs {
    /// Only those of this person or account
    #[arg(long, value_name = "NAME")]
    user: Option<String>,

    /// Only those that run
    #[arg(long)]
    running: bool,

    /// Only those that began after this: a date, a time, or how long ago (2h, 3d)
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,

    /// One JSON object a line for each
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: &SessionsArgs) -> Result<(), Failure> {
    let mut helper = Helper::ask(&arguments.request())?;
    let mut sessions = Vec::new();
    let mut out = BufWriter::new(std::io::stdout());
    for line in helper.output().map(BufReader::new).into_iter().flat_map(|output| output.lines()) {
        let line = line.about("cannot read what casemate-shell gives")?;
        let session: Session = serde_json::from_str(&line).about("casemate-shell is of another version")?;
        if !arguments.wants(&session) {
            continue;
        }
        if arguments.json {
            // As it comes: nothing in it acts on a terminal.
            writeln!(out, "{line}")?;
        } else {
            sessions.push(session);
        }
    }
    helper.finish()?;
    if !arguments.json {
        out.write_all(table(&sessions, &look()).as_bytes())?;
    }
    Ok(out.flush()?)
}

impl SessionsArgs {
    /// What the program beside us is asked for.
    fn request(&self) -> Vec<String> {
        let mut request = vec!["--list".to_owned()];
        if self.running {
            request.push("--running".into());
        }
        if let Some(Moment(since)) = self.since {
            request.push(format!("--since={}", since.timestamp_micros().max(0)));
        }
        request
    }

    fn wants(&self, session: &Session) -> bool {
        let names = [session.user.as_deref(), Some(session.account.as_str()), session.target_user.as_deref()];
        let is_of = |user: &String| names.contains(&Some(user.as_str()));
        self.user.as_ref().is_none_or(is_of) && (!self.running || session.state == State::Running)
    }
}

fn look() -> Look {
    let stdout = std::io::stdout();
    let width = || rustix::termios::tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col));
    let is_terminal = stdout.is_terminal();
    Look {
        width: is_terminal.then(width).flatten().filter(|width| *width > 0),
        has_colour: is_terminal && colours_welcome(),
        now: Utc::now(),
        zone: |time: DateTime<Utc>| time.with_timezone(&chrono::Local).fixed_offset(),
    }
}
