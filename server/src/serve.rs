//! Runs the server: opens what it keeps, listens, signs, and ends in order.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use casemate_audit_log::Time;
use casemate_audit_log::model::TargetType;
use casemate_audit_store::directory::{Link, Purpose};
use casemate_audit_store::{Connections, Database, Digest, Directory, Journal, Recordings, StoreError};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::api::export::progress::Exports;
use crate::app::{App, Parts};
use crate::config::{Config, TlsConfig};
use crate::door::Door;
use crate::film::{self, Making};
use crate::lifecycle;
use crate::node::{Node, NodeError};
use crate::output;
use crate::pages::SET_UP;
use crate::secrets::{digest, draw};
use crate::sessions::Sessions;
use crate::who::attempts::Attempts;
use crate::who::ticket::Tickets;

/// How long whoever is being answered is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the link of the first administrator can be used.
const LINK: i64 = 24 * 3_600_000_000;

/// How often it is looked for connections that nobody carries any more.
const REAP: Duration = Duration::from_secs(2);

/// An agent that was not heard for so long is not there.
const AGENT: Duration = Duration::from_secs(300);

/// How often it is looked at recordings that rest.
const REST: Duration = Duration::from_millis(250);

/// How often recordings are tended.
const TEND: Duration = Duration::from_secs(2);

/// How often, of those times, what is left over is swept.
const SWEEP: u64 = 1800;

/// What is left over is so old.
const ORPHAN: i64 = 3_600_000_000;

/// A server that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Its data folder.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// Its database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Its certificate.
    #[error("{}: {reason}", path.display())]
    Tls {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Where it is to listen.
    #[error("it cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// A server that is about to run.
#[derive(Debug)]
pub struct Server {
    app: App,
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    link: Option<String>,
}

impl Server {
    /// Opens everything, and listens; nobody is answered yet.
    ///
    /// # Errors
    /// Something of it cannot be opened.
    pub async fn open(config: Config, folder: PathBuf) -> Result<Self, ServeError> {
        allow_files();
        let node = Node::open(&folder)?;
        let tls = match &config.tls {
            Some(files) => Some(tls(files).await?),
            None => None,
        };
        let listen = |source| ServeError::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).map_err(listen)?;
        listener.set_nonblocking(true).map_err(listen)?;
        let address = config.address(listener.local_addr().map_err(listen)?);
        let url = config.database.url.clone();
        let url = url.unwrap_or_else(|| format!("sqlite:{}", folder.join("audit.db").display()));
        let now = Time::now();
        let database = Database::open(&url).await?;
        let directory = Directory::open(&database, &config.organization, now).await?;
        let organization = directory.organization().await?;
        let journal = Journal::open(&database, node.id, now).await?;
        let connections =
            Connections::new(&database).with_lease(Duration::from_secs(config.connections.lease.into()));
        connections.spare(now).await?;
        let recordings = config.recordings.folder.clone().unwrap_or_else(|| folder.join("recordings"));
        let recordings = Recordings::in_folder(&database, &recordings)?;
        let sessions = Sessions::default();
        let attempts = Mutex::new(Attempts::new(config.sign_in.attempts));
        let unknown = Mutex::new(Attempts::new(config.limits.unknown_calls));
        let app = App::new(Parts {
            config,
            address,
            node,
            organization,
            database,
            journal,
            directory,
            connections,
            recordings,
            sessions,
            films: Making::default(),
            tickets: Tickets::default(),
            exports: Exports::default(),
            attempts,
            unknown,
            bell: tokio::sync::watch::Sender::new(false),
        });
        let link = app.first_link(now).await?;
        Ok(Self { app, listener, tls, link })
    }

    /// What everything of it hangs on.
    #[must_use]
    pub fn app(&self) -> &App {
        &self.app
    }

    /// How others reach it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.app.address
    }

    /// The link that makes the first administrator, while there is none.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.link.as_deref()
    }

    /// Registers a host, and gives the key of its agent; nothing where there is one of that name.
    ///
    /// # Errors
    /// It cannot be kept.
    pub async fn register(&self, target: &str) -> Result<Option<String>, ServeError> {
        let secret = draw("cmak");
        let (kind, secret_digest) = (TargetType::Bzero, Digest(digest(&secret)));
        let directory = &self.app.directory;
        match directory.register_target(kind, target, None, secret_digest, Time::now()).await {
            Ok(_) => Ok(Some(secret)),
            Err(StoreError::Taken { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Answers until it is told to end.
    ///
    /// # Errors
    /// It cannot go on.
    pub async fn run(self, end: impl Future<Output = ()>) -> Result<(), ServeError> {
        let address = self.app.config.listen;
        let handle = Handle::new();
        let service =
            crate::api::router(self.app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let door = Door::new(&self.app.config.limits, &self.app.config.proxies);
        let head = Duration::from_secs(self.app.config.limits.head_seconds.into());
        let serving = async {
            let server = axum_server::from_tcp(self.listener)?.handle(handle.clone());
            // One call at a time on each connection, so that limits hold: HTTP/2 has many, and rests for as long as it likes.
            let mut server = server.http1_only().first_request_timeout(head);
            server.http_builder().http1().header_read_timeout(head);
            match self.tls {
                Some(tls) => {
                    let tls = RustlsAcceptor::new(tls).acceptor(door);
                    server.acceptor(tls).serve(service).await
                }
                None => server.acceptor(door).serve(service).await,
            }
        };
        let tending = tend(&self.app);
        tokio::pin!(serving, tending, end);
        let mut is_ending = false;
        let served = loop {
            tokio::select! {
                served = &mut serving => break served,
                () = &mut tending => {}
                () = &mut end, if !is_ending => {
                    is_ending = true;
                    self.app.bell.send_replace(true);
                    handle.graceful_shutdown(Some(PATIENCE));
                }
            }
        };
        self.app.journal.close().await;
        served.map_err(|source| ServeError::Listen { address, source })
    }
}

/// Each connection takes a file, and each recording that is read: as many may be open as the system allows.
fn allow_files() {
    let limit = getrlimit(Resource::Nofile);
    // Where it may not be, it stays as it is.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok();
}

impl App {
    /// A new link for the first administrator, unless there is one.
    async fn first_link(&self, now: Time) -> Result<Option<String>, StoreError> {
        if self.directory.has_administrator().await? {
            return Ok(None);
        }
        let secret = draw("cmln");
        self.directory
            .add_link(&Link {
                link: Digest(digest(&secret)),
                purpose: Purpose::Administrator,
                subject: None,
                created: now,
                expires: Time(now.0 + LINK),
            })
            .await?;
        Ok(Some(format!("{}{SET_UP}?token={secret}", self.address)))
    }
}

/// What has to be done again and again.
async fn tend(app: &App) {
    tokio::join!(
        sign(app),
        reap(app),
        pass_time(app),
        tend_recordings(app),
        output::keep(app),
        film::keep(app)
    );
}

/// Signs the logs where something was written since; forgets what is over.
async fn sign(app: &App) {
    let mut committed = app.journal.committed();
    let every = Duration::from_secs(app.config.checkpoints.every.into());
    loop {
        tokio::time::sleep(every).await;
        if committed.has_changed().unwrap_or(false) {
            committed.mark_unchanged();
            said("the logs cannot be signed", app.database.sign(Time::now(), &app.node.key).await);
        }
        said("what is over cannot be forgotten", app.directory.forget_expired(Time::now()).await);
    }
}

/// Closes what nobody carries any more.
async fn reap(app: &App) {
    loop {
        tokio::time::sleep(REAP).await;
        let now = Time::now();
        let reaped = lifecycle::reap(app, now).await.map_err(|error| error.message().to_owned());
        said("connections cannot be closed", reaped);
        let missed =
            lifecycle::miss_agents(app, AGENT, now).await.map_err(|error| error.message().to_owned());
        said("agents cannot be missed", missed);
    }
}

async fn pass_time(app: &App) {
    loop {
        tokio::time::sleep(REST).await;
        app.pass_time(Time::now()).await;
    }
}

async fn tend_recordings(app: &App) {
    let mut round: u64 = 0;
    loop {
        tokio::time::sleep(TEND).await;
        match app.recordings.tend().await {
            Ok(tended) => {
                for (id, error) in tended.failed {
                    crate::say(format_args!("recording {id} cannot be tended: {error}"));
                }
            }
            Err(error) => crate::say(format_args!("recordings cannot be tended: {error}")),
        }
        said("what was deleted cannot be written over", app.recordings.forget_deleted().await);
        if round.is_multiple_of(SWEEP) {
            let before = Time(Time::now().0 - ORPHAN);
            said("what is left over cannot be swept", app.recordings.sweep(before).await);
            let silence = Duration::from_hours(24) * app.config.connections.give_up;
            let given_up = lifecycle::give_up(app, silence, Time::now()).await;
            said("recordings cannot be given up", given_up.map_err(|error| error.message().to_owned()));
        }
        round += 1;
    }
}

fn said<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) {
    if let Err(error) = result {
        crate::say(format_args!("{what}: {error}"));
    }
}

async fn tls(files: &TlsConfig) -> Result<RustlsConfig, ServeError> {
    // Another library may have chosen already, and then that one holds.
    drop(rustls::crypto::ring::default_provider().install_default());
    for path in [&files.certificate, &files.key] {
        if let Err(error) = std::fs::File::open(path) {
            return Err(ServeError::Tls { path: path.clone(), reason: error.to_string() });
        }
    }
    let config = RustlsConfig::from_pem_file(&files.certificate, &files.key).await;
    let config = config.map_err(|error| ServeError::Tls {
        path: files.certificate.clone(),
        reason: format!("with its key it makes no certificate: {error}"),
    })?;
    let mut config = rustls::ServerConfig::clone(&config.get_inner());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
