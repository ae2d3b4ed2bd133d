//! Runs the server: opens what it keeps, listens, signs, and ends in order.

use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use casemate_audit_log::Time;
use casemate_audit_store::directory::{Link, Purpose};
use casemate_audit_store::{Database, Digest, Directory, Journal, StoreError};

use crate::app::{App, Parts};
use crate::config::{Config, TlsConfig};
use crate::node::{Node, NodeError};
use crate::pages::SET_UP;
use crate::secrets::{digest, draw};
use crate::who::attempts::Attempts;

/// How long whoever is being answered is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the link of the first administrator can be used.
const LINK: i64 = 24 * 3_600_000_000;

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
        let attempts = Mutex::new(Attempts::new(config.sign_in.attempts));
        let app =
            App::new(Parts { config, address, node, organization, database, journal, directory, attempts });
        let link = app.first_link(now).await?;
        Ok(Self { app, listener, tls, link })
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

    /// Answers until it is told to end.
    ///
    /// # Errors
    /// It cannot go on.
    pub async fn run(self, end: impl Future<Output = ()>) -> Result<(), ServeError> {
        let address = self.app.config.listen;
        let handle = Handle::new();
        let service =
            crate::api::router(self.app.clone()).into_make_service_with_connect_info::<SocketAddr>();
        let serving = async {
            match self.tls {
                Some(tls) => {
                    let server = axum_server::from_tcp_rustls(self.listener, tls)?;
                    server.handle(handle.clone()).serve(service).await
                }
                None => axum_server::from_tcp(self.listener)?.handle(handle.clone()).serve(service).await,
            }
        };
        let signing = sign(&self.app);
        tokio::pin!(serving, signing, end);
        let mut is_ending = false;
        let served = loop {
            tokio::select! {
                served = &mut serving => break served,
                () = &mut signing => {}
                () = &mut end, if !is_ending => {
                    is_ending = true;
                    handle.graceful_shutdown(Some(PATIENCE));
                }
            }
        };
        self.app.journal.close().await;
        served.map_err(|source| ServeError::Listen { address, source })
    }
}

impl App {
    /// A new link for the first administrator, unless there is one.
    async fn first_link(&self, now: Time) -> Result<Option<String>, StoreError> {
        if self.directory.has_administrator().await? {
            return Ok(None);
        }
        let secret = draw("cml");
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

/// Signs the logs from time to time, where something was written since; forgets what is over.
async fn sign(app: &App) {
    let mut committed = app.journal.committed();
    let every = Duration::from_secs(app.config.checkpoints.every.into());
    loop {
        tokio::time::sleep(every).await;
        if committed.has_changed().unwrap_or(false) {
            committed.mark_unchanged();
            if let Err(error) = app.database.sign(Time::now(), &app.node.key).await {
                crate::say(format_args!("the logs cannot be signed: {error}"));
            }
        }
        if let Err(error) = app.directory.forget_expired(Time::now()).await {
            crate::say(format_args!("what is over cannot be forgotten: {error}"));
        }
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
    config.map_err(|error| ServeError::Tls {
        path: files.certificate.clone(),
        reason: format!("with its key it makes no certificate: {error}"),
    })
}
