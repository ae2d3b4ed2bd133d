//! The configuration of the server, in TOML. Every key is known, or the file is refused; without a file all of it is as
//! documented here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

/// How the server is to be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Config {
    /// Where it listens: an address and a port.
    pub listen: SocketAddr,
    /// How others reach it: what links begin with, `https://audit.example.com`. As a rule what it listens on.
    pub public_url: Option<String>,
    /// The folder of everything that it keeps.
    pub data: Option<PathBuf>,
    /// What the organisation is called.
    pub organization: String,
    /// Addresses of proxies before it, whose `X-Forwarded-For` says where a call is from.
    pub proxies: Vec<IpAddr>,
    /// Where logs are kept.
    pub database: DatabaseConfig,
    /// Where recordings are kept.
    pub recordings: RecordingsConfig,
    /// Without it there is no encryption.
    pub tls: Option<TlsConfig>,
    /// How people sign in.
    pub sign_in: SignInConfig,
    /// How connections are kept.
    pub connections: ConnectionsConfig,
    /// How the logs are signed.
    pub checkpoints: CheckpointsConfig,
    /// What callers may take of it.
    pub limits: LimitsConfig,
}

/// Where logs are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite:PATH` or `postgres://…`; as a rule SQLite in the data folder.
    pub url: Option<String>,
}

/// Where recordings are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct RecordingsConfig {
    /// A folder; as a rule `recordings` in the data folder.
    pub folder: Option<PathBuf>,
}

/// What TLS is spoken with. Both files are PEM.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate, and what leads from it to the authority.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How people sign in.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct SignInConfig {
    /// For how long, in hours.
    pub hours: u32,
    /// How often one may try with a wrong password, in a minute: for each name, and for each address.
    pub attempts: u32,
}

/// How connections are kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConnectionsConfig {
    /// A connection is closed when its recorder is silent for so long, in seconds.
    pub lease: u32,
    /// Its recording gets no more when nothing came for so long after that, in days: until then a recorder may come back.
    pub give_up: u32,
}

/// How the logs are signed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct CheckpointsConfig {
    /// How often, in seconds, where something was written.
    pub every: u32,
}

/// What callers may take of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// How many connections of HTTP there may be at once.
    pub connections: u32,
    /// Of these, from one address; from those of `proxies` any number.
    pub connections_per_address: u32,
    /// How long the head of a call may take to come, in seconds; so long a connection may rest, too.
    pub head_seconds: u32,
    /// How long what is sent in a call may take to come; for so long whoever is answered may read nothing of it, too.
    pub body_seconds: u32,
    /// How many calls a minute may come from one address of which nobody knows who makes them.
    pub unknown_calls: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7878)),
            public_url: None,
            data: None,
            organization: "casemate".into(),
            proxies: Vec::new(),
            database: DatabaseConfig::default(),
            recordings: RecordingsConfig::default(),
            tls: None,
            sign_in: SignInConfig::default(),
            connections: ConnectionsConfig::default(),
            checkpoints: CheckpointsConfig::default(),
            limits: LimitsConfig::default(),
        }
    }
}

impl Default for SignInConfig {
    fn default() -> Self {
        Self { hours: 12, attempts: 10 }
    }
}

impl Default for ConnectionsConfig {
    fn default() -> Self {
        Self { lease: 60, give_up: 30 }
    }
}

impl Default for CheckpointsConfig {
    fn default() -> Self {
        Self { every: 60 }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        // As a rule a process may have 1024 files open.
        Self {
            connections: 800,
            connections_per_address: 400,
            head_seconds: 30,
            body_seconds: 120,
            unknown_calls: 120,
        }
    }
}

/// A configuration that cannot be.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It is no such TOML: a key is unknown, a value of another kind.
    #[error("{0}")]
    NoToml(#[from] toml::de::Error),
    /// A value cannot be.
    #[error("`{key}`: {reason}")]
    Value {
        /// Of which key.
        key: &'static str,
        /// Why.
        reason: &'static str,
    },
}

impl Config {
    /// What is written in a file.
    ///
    /// # Errors
    /// It is no configuration.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text)?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let value = |key, reason| Err(ConfigError::Value { key, reason });
        if let Some(url) = &self.public_url
            && !url.starts_with("http://")
            && !url.starts_with("https://")
        {
            return value("public-url", "it has to begin with `http://` or `https://`");
        }
        if self.organization.trim().is_empty() {
            return value("organization", "it is empty");
        }
        if let Some(url) = &self.database.url
            && !["sqlite:", "postgres:", "postgresql:"].iter().any(|kind| url.starts_with(kind))
        {
            return value("database.url", "it has to begin with `sqlite:` or `postgres:`");
        }
        if self.sign_in.hours == 0 {
            return value("sign-in.hours", "nobody could sign in");
        }
        if self.sign_in.hours > 24 * 366 {
            return value("sign-in.hours", "it is longer than a year");
        }
        if self.sign_in.attempts == 0 {
            return value("sign-in.attempts", "nobody could sign in");
        }
        if self.connections.lease < 5 {
            return value(
                "connections.lease",
                "recorders are heard every few seconds: it has to be 5 or more",
            );
        }
        if self.connections.give_up == 0 {
            return value("connections.give-up", "it has to be 1 or more");
        }
        if self.checkpoints.every == 0 {
            return value("checkpoints.every", "it has to be 1 or more");
        }
        let limits = &self.limits;
        for (key, limit) in [
            ("limits.connections", limits.connections),
            ("limits.connections-per-address", limits.connections_per_address),
            ("limits.head-seconds", limits.head_seconds),
            ("limits.body-seconds", limits.body_seconds),
            ("limits.unknown-calls", limits.unknown_calls),
        ] {
            if limit == 0 {
                return value(key, "nobody could call");
            }
        }
        Ok(())
    }

    /// What links to it begin with, without a slash at the end.
    #[must_use]
    pub fn address(&self, listens: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let address = self.public_url.clone().unwrap_or_else(|| format!("{scheme}://{listens}"));
        address.trim_end_matches('/').to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_word_it_is_as_documented() {
        assert_eq!(Config::parse("").unwrap(), Config::default());
        let config = Config::parse("listen = '0.0.0.0:443'\n[tls]\ncertificate = 'a'\nkey = 'b'").unwrap();
        assert_eq!(config.address(config.listen), "https://0.0.0.0:443");
        let config = Config::parse("public-url = 'https://audit.org/'").unwrap();
        assert_eq!(config.address(config.listen), "https://audit.org");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for (text, wrong) in [
            ("colour = 'red'", "unknown field `colour`"),
            ("[database]\nulr = 'x'", "unknown field `ulr`"),
            ("listen = 'somewhere'", "invalid socket address syntax"),
            ("[database]\nurl = 'mysql://x'", "`database.url`: it has to begin with"),
            ("public-url = 'audit.org'", "`public-url`: it has to begin with"),
            ("[connections]\nlease = 1", "`connections.lease`"),
            ("[connections]\ngive-up = 0", "`connections.give-up`"),
            ("[limits]\nbody-seconds = 0", "`limits.body-seconds`: nobody could call"),
            ("[sign-in]\nattempts = 0", "`sign-in.attempts`: nobody could sign in"),
            ("[tls]\nkey = 'b'", "missing field `certificate`"),
        ] {
            let error = Config::parse(text).unwrap_err().to_string();
            assert!(error.contains(wrong), "{text}: {error}");
        }
    }
}
