//! `casemate log`: the logs of an audit server, as a table, as JSON, as they grow, as files.

mod ask;
mod rows;
mod table;

use std::collections::HashSet;
use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use casemate_audit_log::export::Form;
use casemate_client::{Client, Tail, query};
use chrono::Utc;
use rustix::termios::tcgetwinsize;
use serde_json::Value;

use self::ask::{AskArgs, LogArg};
use self::rows::{Rows, local};
use self::table::{Look, Table};
use crate::failure::{About as _, Failure};
use crate::output::Destination;
use crate::printer::{Printer, colours_welcome};
use crate::server::ServerArgs;

/// Events that are asked for at once.
const PAGE: usize = 1000;

/// So many of those that are shown may come again in a tail that was begun before.
const SEEN: usize = 20_000;

/// Read at once.
const CHUNK: usize = 64 << 10;

/// Show the logs of an audit server
///
/// Shows the last events of a log, oldest first: commands, calls of the Kubernetes API, connections, what happened to them,
/// calls of the server's own API, or all of them in one list. With --follow it goes on as they come, also behind a broken
/// connection.
///
/// With `output TEXT` it shows lines that were on the screens of sessions and have the text in them, with the session, the
/// moment in its recording and the command that they belong to.
///
/// With --export the server writes the log as a file, and with --proof all logs with their chains and the server's
/// signatures, which `casemate verify` checks without asking anybody.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate log commands                                    the last 100 commands
  casemate log commands --user alice@org.com --target web-1 --since 3d -n 0
  casemate log commands --follow --target-user root        as they are run
  casemate log connections --state Open                    who is where now
  casemate log user-events --allowed no --since yesterday  who was refused what
  casemate log all --search nginx --json | jq .
  casemate log output 'permission denied' --since 7d       what was seen where
  casemate log commands --since 2026-11-01 --export csv -o november.csv
  casemate log --proof -o proof.jsonl && casemate verify --key server.pub proof.jsonl")]
pub(crate) struct LogArgs {
    /// Which log
    #[arg(value_enum, default_value = "all", hide_default_value = true)]
    log: LogArg,

    /// Of the output: what to look for, whatever its capitals
    #[arg(value_name = "TEXT")]
    text: Option<String>,

    /// How many events, the last ones; 0 for all [default: 100, and 10 with --follow]
    #[arg(short = 'n', long, value_name = "COUNT")]
    limit: Option<usize>,

    /// Go on as events come
    #[arg(short, long, conflicts_with_all = ["export", "proof"])]
    follow: bool,

    /// One JSON object a line for each event
    #[arg(long, conflicts_with_all = ["export", "proof"])]
    json: bool,

    /// Everything that is asked for, as a file: json, ndjson, csv, ocsf, ecs
    #[arg(long, value_name = "FORM", value_parser = form, conflicts_with = "limit")]
    export: Option<Form>,

    /// All logs, whatever is asked for, with what proves that nothing was changed
    #[arg(long, conflicts_with_all = ["export", "limit"])]
    proof: bool,

    /// What to write
    #[arg(short, long, value_name = "FILE", default_value = "-", conflicts_with = "follow")]
    output: PathBuf,

    /// Replace the output if it exists
    #[arg(long)]
    overwrite: bool,

    #[command(flatten)]
    ask: AskArgs,

    #[command(flatten)]
    server: ServerArgs,
}

fn form(text: &str) -> Result<Form, String> {
    text.parse().map_err(|error: casemate_audit_log::model::Unknown| error.to_string())
}

pub(crate) fn run(arguments: &LogArgs, printer: &Printer) -> Result<(), Failure> {
    let log = arguments.log;
    match (&arguments.text, log) {
        (None, LogArg::Output) => {
            let failure = Failure::new("it is not said what to look for");
            return Err(failure.hint("casemate log output 'permission denied'"));
        }
        (Some(text), _) if log != LogArg::Output => {
            let failure = Failure::new(format!("`{text}` means nothing here"));
            return Err(failure.hint(
                "to search in a log: --search TEXT; in what was to be seen: casemate log output TEXT",
            ));
        }
        _ => {}
    }
    if let Some(flag) = arguments.ask.out_of_place(log) {
        let failure = Failure::new(format!("`{flag}` means nothing here"));
        return Err(failure.hint(match flag {
            "--state" => "connections have a state: casemate log connections",
            _ => "lines have none of what events have: casemate log commands",
        }));
    }
    if log == LogArg::Connections && (arguments.follow || arguments.export.is_some()) {
        let failure = Failure::new("connections are a list of what there is, and no log");
        return Err(failure.hint("follow or export what happens to them: casemate log connection-events"));
    }
    if log == LogArg::Output && (arguments.follow || arguments.export.is_some() || arguments.proof) {
        let failure = Failure::new("what was to be seen is searched, and no log");
        return Err(failure.hint("for programs: casemate log output TEXT --json"));
    }
    let client = arguments.server.client(printer)?;
    let mut parameters = arguments.ask.parameters(log);
    parameters.extend(arguments.text.clone().map(|text| ("text", text)));
    match (arguments.export, arguments.proof) {
        (_, true) => save(&client, "events/proof", "", arguments, printer),
        (Some(form), _) => {
            let path = log.name().map_or("events/export".to_owned(), |name| format!("events/{name}/export"));
            let format = [("format", form.name().to_owned()), ("sort", "asc".to_owned())];
            save(&client, &path, &query(&[&parameters[..], &format].concat()), arguments, printer)
        }
        (None, false) => show(&client, &parameters, arguments, printer),
    }
}

/// Brings a file.
fn save(
    client: &Client,
    path: &str,
    query: &str,
    arguments: &LogArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    let mut stream = client.stream(path, query, &[])?;
    let mut destination = Destination::create(&arguments.output, arguments.overwrite)?;
    let mut buffer = vec![0; CHUNK];
    let mut total: u64 = 0;
    loop {
        let broken = || format!("{} broke off after {total} bytes", client.server());
        match stream.read(&mut buffer).about(broken())? {
            0 => break,
            count => {
                destination.write(&buffer[..count])?;
                total += count as u64;
            }
        }
    }
    destination.finish()?;
    if arguments.output != Path::new("-") {
        printer.say(format!("{}: {total} bytes", arguments.output.display()));
    }
    Ok(())
}

fn show(
    client: &Client,
    parameters: &[(&'static str, String)],
    arguments: &LogArgs,
    printer: &Printer,
) -> Result<(), Failure> {
    let log = arguments.log;
    // Whoever listens before looking misses nothing; what comes twice is known by its id.
    let tail = arguments.follow.then(|| {
        let logs = log.name().map(|name| ("logs", name.to_owned()));
        let mut tail = Tail::new(client, query(&[parameters, logs.as_slice()].concat()));
        tail.connect().map(|()| tail)
    });
    let tail = tail.transpose()?;
    let mut shown = Shown::create(arguments)?;
    let limit = arguments.limit.unwrap_or(if arguments.follow { 10 } else { 100 });
    match limit {
        // These are given latest first only.
        0 if !matches!(log, LogArg::Connections | LogArg::Output) => {
            all(client, parameters, log, &mut shown)?;
        }
        _ => last(client, parameters, log, limit)?
            .iter()
            .rev()
            .try_for_each(|event| shown.event(&of(log, event), event))?,
    }
    shown.flush()?;
    shown.is_live = false;
    let Some(mut tail) = tail else {
        if shown.count == 0 && !arguments.json {
            printer.say("nothing is there that was asked for");
        }
        return shown.destination.finish();
    };
    loop {
        let event = tail.next(|error| printer.warn(format!("{error}; trying again")))?;
        if event.event.is_empty() {
            continue;
        }
        let json: Value = serde_json::from_str(&event.data).about("an event cannot be read")?;
        // Nothing comes twice in a tail: what was seen was seen before it.
        if !shown.seen.remove(&key(&event.event, &json)) {
            shown.event(&event.event, &json)?;
            shown.flush()?;
        }
    }
}

fn key(of: &str, event: &Value) -> (String, String) {
    (of.to_owned(), event.get("id").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// The log that an event is of.
fn of(log: LogArg, event: &Value) -> String {
    log.name().or_else(|| event.get("log")?.as_str()).unwrap_or_default().to_owned()
}

/// The last events, newest first; all of them, if it is not said how many.
fn last(
    client: &Client,
    parameters: &[(&'static str, String)],
    log: LogArg,
    limit: usize,
) -> Result<Vec<Value>, Failure> {
    let limit = if limit == 0 { usize::MAX } else { limit };
    let count = (log.count(), limit.min(PAGE).to_string());
    let mut asked = query(&[parameters, &[count]].concat());
    let mut events = Vec::new();
    loop {
        let page = client.page(log.path(), &asked)?;
        events.extend(page.rows);
        match page.next {
            Some(next) if events.len() < limit => asked = next,
            _ => break,
        }
    }
    events.truncate(limit);
    if log == LogArg::Output {
        // Each page is in order by itself.
        let time = |event: &Value| event.get("timestamp").and_then(Value::as_str).map(str::to_owned);
        events.sort_by_cached_key(|event| std::cmp::Reverse(time(event)));
    }
    Ok(events)
}

/// All events, oldest first, page by page.
fn all(
    client: &Client,
    parameters: &[(&'static str, String)],
    log: LogArg,
    shown: &mut Shown,
) -> Result<(), Failure> {
    let page = [("eventCount", PAGE.to_string()), ("sort", "asc".to_owned())];
    let mut asked = query(&[parameters, &page].concat());
    loop {
        let page = client.page(log.path(), &asked)?;
        for event in &page.rows {
            shown.event(&of(log, event), event)?;
        }
        shown.flush()?;
        match page.next {
            Some(next) => asked = next,
            None => return Ok(()),
        }
    }
}

/// Events on their way to whoever reads them.
struct Shown {
    destination: Destination,
    form: ShownAs,
    out: String,
    count: usize,
    /// What was shown before the tail is read, by log and id.
    seen: HashSet<(String, String)>,
    /// A tail will be read.
    is_live: bool,
}

enum ShownAs {
    Json { names_log: bool },
    Table(Box<(Rows, Table)>),
}

impl Shown {
    fn create(arguments: &LogArgs) -> Result<Self, Failure> {
        let destination = Destination::create(&arguments.output, arguments.overwrite)?;
        let form = if arguments.json {
            ShownAs::Json { names_log: arguments.log == LogArg::All || arguments.follow }
        } else {
            let stdout = std::io::stdout();
            let is_terminal = matches!(destination, Destination::Stdout) && stdout.is_terminal();
            let width = is_terminal.then(|| tcgetwinsize(&stdout).ok().map(|size| usize::from(size.ws_col)));
            let width = width.flatten().filter(|width| *width > 0);
            let look = Look { has_colour: is_terminal && colours_welcome(), width };
            let rows = Rows::new(arguments.log, local, arguments.follow);
            let table = Table::new(look, rows.columns(Utc::now()));
            ShownAs::Table(Box::new((rows, table)))
        };
        let is_live = arguments.follow;
        Ok(Self { destination, form, out: String::new(), count: 0, seen: HashSet::new(), is_live })
    }

    fn event(&mut self, of: &str, event: &Value) -> Result<(), Failure> {
        if self.is_live {
            if self.seen.len() >= SEEN {
                self.seen.clear();
            }
            self.seen.insert(key(of, event));
        }
        self.count += 1;
        match &mut self.form {
            ShownAs::Json { names_log: true } if !of.is_empty() => {
                let mut event = event.clone();
                if let Value::Object(fields) = &mut event {
                    fields.insert("log".into(), of.into());
                }
                self.out.push_str(&format!("{event}\n"));
            }
            ShownAs::Json { .. } => self.out.push_str(&format!("{event}\n")),
            ShownAs::Table(both) => {
                let (rows, table) = &mut **both;
                if let Some(row) = rows.row(of, event) {
                    table.row(row, &mut self.out);
                }
            }
        }
        if self.out.len() >= CHUNK { self.write() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Failure> {
        if let ShownAs::Table(both) = &mut self.form {
            both.1.flush(&mut self.out);
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), Failure> {
        self.destination.write(self.out.as_bytes())?;
        self.out.clear();
        Ok(())
    }
}
