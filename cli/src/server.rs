//! The audit server that commands talk to: which, as whom, whom to trust; from flags, the environment, a file.
//!
//! *Invariants*: a key is never given on the command line, where others read it, but in a file or the environment. The key
//! that a file names for one server is not sent to another.

use std::path::{Path, PathBuf};

use casemate_client::{Client, Settings};
use serde::Deserialize;

use crate::failure::{About as _, Failure};
use crate::printer::Printer;

/// No key or configuration is longer; a device has no end.
const LONGEST_FILE: u64 = 1 << 20;

/// Which server, and as whom.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Audit server")]
pub(crate) struct ServerArgs {
    /// Its address, like `https://audit.example.com` [default: CASEMATE_SERVER, or `server` in
    /// ~/.config/casemate/client.toml]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,

    /// The file with the API key [default: the key in CASEMATE_API_KEY, or `key-file` in client.toml]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,

    /// Certificates, in PEM, of the authority to trust instead of those that browsers trust [default: `ca` in client.toml]
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
}

/// `~/.config/casemate/client.toml`
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct File {
    /// The address of the server.
    server: Option<String>,
    /// Where its key is.
    key_file: Option<PathBuf>,
    /// Whom to trust.
    ca: Option<PathBuf>,
}

/// What is said outside of the command line.
struct Said {
    server: Option<String>,
    key: Option<String>,
    file: File,
    /// What names in the file are relative to.
    folder: PathBuf,
}

impl ServerArgs {
    /// The client that is meant.
    pub(crate) fn client(&self, printer: &Printer) -> Result<Client, Failure> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let folder = config_folder();
        let file =
            folder.as_ref().map(|folder| read(&folder.join("client.toml"))).transpose()?.unwrap_or_default();
        let said = Said {
            server: variable("CASEMATE_SERVER"),
            key: variable("CASEMATE_API_KEY"),
            file,
            folder: folder.unwrap_or_default(),
        };
        let client = Client::new(self.settings(said)?)?;
        if client.is_in_the_clear() {
            printer.warn(format!(
                "{}: without https:// the key and all else can be read on the way",
                client.server()
            ));
        }
        Ok(client)
    }

    fn settings(&self, said: Said) -> Result<Settings, Failure> {
        let Said { server, key, file, folder } = said;
        let given = self.server.clone().or(server);
        let is_of_file = match (&given, &file.server) {
            (Some(given), Some(of_file)) => given.trim_end_matches('/') == of_file.trim_end_matches('/'),
            (Some(_), None) => false,
            (None, _) => true,
        };
        let server = given.or_else(|| file.server.clone()).ok_or_else(|| {
            Failure::new("which audit server?").hint("give --server URL, set CASEMATE_SERVER, or write `server = \"URL\"` to ~/.config/casemate/client.toml")
        })?;
        let of_file = |path: &Option<PathBuf>| {
            path.as_ref().filter(|_| is_of_file).map(|path| folder.join(expand(path)))
        };
        let key = match (&self.key_file, key, of_file(&file.key_file)) {
            (Some(path), _, _) => text(path, "the key")?,
            (None, Some(key), _) => key,
            (None, None, Some(path)) => text(&path, "the key")?,
            (None, None, None) => String::new(),
        };
        let ca = self.ca.clone().or_else(|| of_file(&file.ca));
        let ca = ca.map(|path| text(&path, "the certificates")).transpose()?.map(String::into_bytes);
        Ok(Settings { server, key, ca })
    }
}

/// `~` at its beginning is the home.
fn expand(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::var_os("HOME")) {
        (Ok(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => path.to_owned(),
    }
}

fn read(path: &Path) -> Result<File, Failure> {
    if !path.exists() {
        return Ok(File::default());
    }
    toml::from_str(&text(path, "the configuration")?).map_err(|error| {
        let line = error.span().map(|span| span.start);
        let said = std::fs::read_to_string(path).unwrap_or_default();
        let line = line.map_or(1, |at| 1 + said.bytes().take(at).filter(|byte| *byte == b'\n').count());
        Failure::new(format!(
            "{}:{line}: {}",
            path.display(),
            error.message().lines().next().unwrap_or_default()
        ))
        .hint("it has `server`, `key-file` and `ca`")
    })
}

fn text(path: &Path, what: &str) -> Result<String, Failure> {
    use std::io::Read as _;

    let cannot = format!("cannot read {what} `{}`", path.display());
    let mut text = String::new();
    let file = std::fs::File::open(path).about(&cannot)?;
    file.take(LONGEST_FILE).read_to_string(&mut text).about(&cannot)?;
    Ok(text)
}

fn config_folder() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")));
    Some(config?.join("casemate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(
        arguments: &ServerArgs,
        server: Option<&str>,
        key: Option<&str>,
        file: &str,
    ) -> Result<Settings, Failure> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.key"), "of the file\n").unwrap();
        std::fs::write(folder.path().join("client.toml"), file).unwrap();
        let file = read(&folder.path().join("client.toml"))?;
        let said = Said {
            server: server.map(str::to_owned),
            key: key.map(str::to_owned),
            file,
            folder: folder.path().to_owned(),
        };
        arguments.settings(said)
    }

    const FILE: &str = "server = \"https://a\"\nkey-file = \"a.key\"\n";

    #[test]
    fn flags_come_before_the_environment_and_that_before_the_file() {
        let none = ServerArgs::default();
        let flag = ServerArgs { server: Some("https://b".into()), ..ServerArgs::default() };
        let of = |settings: Settings| (settings.server, settings.key.trim().to_owned());
        assert_eq!(
            of(settings(&none, None, None, FILE).unwrap()),
            ("https://a".into(), "of the file".into())
        );
        assert_eq!(
            of(settings(&none, None, Some("mine"), FILE).unwrap()),
            ("https://a".into(), "mine".into())
        );
        assert_eq!(of(settings(&none, Some("https://a/"), None, FILE).unwrap()).1, "of the file");
        assert_eq!(
            of(settings(&flag, Some("https://c"), Some("mine"), FILE).unwrap()),
            ("https://b".into(), "mine".into())
        );
        assert!(settings(&none, None, None, "").unwrap_err().to_string().contains("which audit server"));
    }

    #[test]
    fn the_key_of_one_server_is_not_sent_to_another() {
        let other = ServerArgs { server: Some("https://evil".into()), ..ServerArgs::default() };
        assert_eq!(settings(&other, None, None, FILE).unwrap().key, "");
        assert_eq!(settings(&ServerArgs::default(), Some("https://evil"), None, FILE).unwrap().key, "");
    }

    #[test]
    fn what_is_wrong_with_the_file_is_said_with_its_line() {
        let error =
            settings(&ServerArgs::default(), None, None, "server = \"https://a\"\nkey = \"secret\"\n")
                .unwrap_err();
        assert!(error.to_string().contains("client.toml:2: unknown field `key`"), "{error}");
    }
}
