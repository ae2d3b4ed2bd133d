//! `casemate serve`: the audit server.

mod demo;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

use casemate_server::Server;
use casemate_server::config::Config;
use clap::builder::NonEmptyStringValueParser;

use crate::failure::{About as _, Failure};
use crate::place;
use crate::printer::Printer;

/// Serve audit logs and recordings
///
/// Takes in recordings of sessions as they are made, derives who ran which command where, and gives it out again, in an API
/// (BastionZero's paths and names, and more): commands, Kubernetes commands, connections, connection events, user
/// events, as they happen, searched, filtered, exported, provable.
///
/// Without a configuration it keeps everything in one folder, listens on this machine only, and prints a link that makes
/// the first administrator.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate serve                                    on this machine, in ~/.local/share/casemate/server
  casemate serve --data /srv/audit --listen 0.0.0.0:7878
  casemate serve --config /etc/casemate/server.toml
  casemate serve --config server.toml --check       whether the configuration can be
  casemate serve --data demo --demo                 filled with sessions, to look around

A configuration with all its keys:
  listen = \"127.0.0.1:7878\"
  public-url = \"https://audit.example.com\"          what links begin with
  data = \"/var/lib/casemate/server\"
  organization = \"Example\"
  proxies = [\"10.0.0.1\"]                            whose X-Forwarded-For is believed
  [database]
  url = \"postgres://audit@db.example.com/audit\"     as a rule SQLite in the data folder
  [recordings]
  folder = \"/srv/recordings\"                        as a rule in the data folder
  [tls]
  certificate = \"/etc/casemate/server.pem\"
  key = \"/etc/casemate/server.key\"
  [sign-in]
  hours = 12                                        how long a sign-in lasts
  attempts = 10                                     wrong passwords in a minute
  [connections]
  lease = 60                                        seconds of silence after which one is closed
  [checkpoints]
  every = 60                                        seconds between signatures of the logs
  [limits]
  connections = 800                                 connections of HTTP at once
  connections-per-address = 400                     of these from one address that is no proxy
  head-seconds = 30                                 how long the head of a call may take, and a connection rest
  body-seconds = 120                                how long what is sent in a call may take
  unknown-calls = 120                               calls a minute from one address by nobody it knows")]
pub(crate) struct ServeArgs {
    /// The configuration [default: none, all of it as it is by default]
    #[arg(short, long, value_name = "FILE")]
    config: Option<PathBuf>,

    /// The folder of everything that it keeps
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,

    /// Where it listens
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Where logs are kept: sqlite:PATH or postgres://…
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    database: Option<String>,

    /// Fill an empty server with sessions of made-up people, recorded in real shells
    #[arg(long)]
    demo: bool,

    /// Check the configuration, say what it comes to, and end
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(arguments: &ServeArgs, printer: &Printer) -> Result<(), Failure> {
    let mut config = match &arguments.config {
        Some(path) => {
            let text = std::fs::read_to_string(path).about(format!("cannot read `{}`", path.display()))?;
            Config::parse(&text).about(format!("`{}` is no configuration", path.display()))?
        }
        None => Config::default(),
    };
    if let Some(listen) = arguments.listen {
        config.listen = listen;
    }
    if let Some(url) = &arguments.database {
        config.database.url = Some(url.clone());
    }
    let folder = match arguments.data.clone().or_else(|| config.data.clone()) {
        Some(folder) => folder,
        None => place::data_folder("server")?,
    };
    if arguments.check {
        let mut out = std::io::stdout();
        writeln!(out, "address      {}", config.address(config.listen))?;
        writeln!(out, "data         {}", folder.display())?;
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::open(config, folder.clone()).await?;
        if let Some(link) = server.link() {
            printer.say("there is no administrator yet: this link makes the first one, once");
            writeln!(std::io::stdout(), "{link}")?;
        }
        printer.say(format!("serving on {} · data in {}", server.address(), folder.display()));
        let demo = if arguments.demo { demonstrate(&server, printer).await? } else { None };
        server.run(ended()).await?;
        drop(demo);
        Ok(())
    })
}

/// Begins the demonstration, unless it was there before; its folder is there for as long as it goes on.
async fn demonstrate(server: &Server, printer: &Printer) -> Result<Option<tempfile::TempDir>, Failure> {
    let folder = tempfile::tempdir()?;
    for target in demo::TARGETS {
        let Some(key) = server.register(target).await? else {
            printer.say("there is something in it already: no demonstration is added");
            return Ok(None);
        };
        std::fs::write(folder.path().join(target), key)?;
    }
    // Whoever is at it ends by itself: nobody waits for it.
    drop(demo::begin(server.address(), folder.path(), |target| folder.path().join(target))?);
    printer.say("five sessions of made-up people begin now; one of them goes on for a minute");
    Ok(Some(folder))
}

/// Somebody wants it to end.
async fn ended() {
    use tokio::signal::unix::{SignalKind, signal};
    let mut signals = match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        (Ok(terminate), Ok(interrupt)) => (terminate, interrupt),
        _ => return std::future::pending().await,
    };
    tokio::select! {
        _ = signals.0.recv() => {}
        _ = signals.1.recv() => {}
    }
}
