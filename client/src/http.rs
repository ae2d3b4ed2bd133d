//! One server, and the calls to it: addresses, keys, TLS, answers.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use ureq::http::{Method, Request, Response};
use ureq::tls::{PemItem, RootCerts, TlsConfig};
use ureq::{Agent, Body};

use crate::error::{ClientError, ErrorBody, reason};

/// Nobody waits longer for a connection.
const CONNECT: Duration = Duration::from_secs(5);

/// A server that is alive says something more often, be it a comment in a stream.
const SILENCE: Duration = Duration::from_secs(60);

/// An answer in one piece is not larger: a page of the most events, each of them long.
const ANSWER: u64 = 512 << 20;

/// What an error says is not longer.
const ERROR: u64 = 64 << 10;

/// Which server, and as whom.
#[derive(Clone, Default)]
pub struct Settings {
    /// `https://audit.example.com`
    pub server: String,
    /// The secret of an API key; empty for none.
    pub key: String,
    /// Certificates, in PEM, one of which must have signed the server's; those of the browsers, if there are none.
    pub ca: Option<Vec<u8>>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("server", &self.server).finish_non_exhaustive()
    }
}

/// One server.
#[derive(Clone)]
pub struct Client {
    agent: Agent,
    server: String,
    key: String,
    /// What the key may do; asked for once.
    role: Arc<OnceLock<String>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.server).finish_non_exhaustive()
    }
}

/// A page of a list, and where the next one is.
#[derive(Debug)]
pub struct Page {
    /// What is in it.
    pub rows: Vec<Value>,
    /// The query of the next page, if there is one.
    pub next: Option<String>,
}

impl Client {
    /// A client of a server; nothing is asked yet.
    ///
    /// # Errors
    /// The settings make no sense.
    pub fn new(settings: Settings) -> Result<Self, ClientError> {
        let Settings { server, key, ca } = settings;
        let server = server.trim().trim_end_matches('/').to_owned();
        let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://"));
        let is_address = rest.is_some_and(|rest| {
            !rest.is_empty()
                && rest.chars().all(|letter| letter.is_ascii_graphic() && !"?#@\"<>\\^`{|}".contains(letter))
        });
        if !is_address {
            let said = format!("`{server}` is no address of a server, such as https://audit.example.com");
            return Err(ClientError::Settings(said));
        }
        let key = key.trim().to_owned();
        if !key.chars().all(|letter| letter.is_ascii_graphic()) {
            return Err(ClientError::Settings(
                "the key is none: it has blanks or other characters in it".into(),
            ));
        }
        let mut tls = TlsConfig::builder();
        if let Some(ca) = ca {
            tls = tls.root_certs(RootCerts::new_with_certs(&certificates(&ca)?));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_connect(Some(CONNECT))
            .timeout_per_read(Some(SILENCE))
            .timeout_per_write(Some(SILENCE))
            .tls_config(tls.build())
            .user_agent(concat!("casemate/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self { agent: config.new_agent(), server, key, role: Arc::default() })
    }

    /// Its address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// What is sent to it can be read on the way, by more than this machine.
    #[must_use]
    pub fn is_in_the_clear(&self) -> bool {
        let Some(rest) = self.server.strip_prefix("http://") else { return false };
        let host = rest.split('/').next().unwrap_or_default();
        let is_local =
            |name: &str| host.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
        !(is_local("localhost") || is_local("[::1]") || host.starts_with("127."))
    }

    /// What its key may do: `Administrator`, `Auditor`, `User`, `Agent`.
    ///
    /// # Errors
    /// It is none that the server knows.
    pub fn role(&self) -> Result<&str, ClientError> {
        if let Some(role) = self.role.get() {
            return Ok(role);
        }
        let me: Value = self.get("me")?;
        let role = me.get("role").and_then(Value::as_str).unwrap_or_default();
        Ok(self.role.get_or_init(|| role.to_owned()))
    }

    /// Asks for JSON.
    ///
    /// # Errors
    /// There is no such answer.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        let mut response = self.call(Method::GET, path, &[], &[])?;
        self.json(response.body_mut())
    }

    /// Asks for a page of a list. `query` is what stands behind the `?`.
    ///
    /// # Errors
    /// There is no such answer.
    pub fn page(&self, path: &str, query: &str) -> Result<Page, ClientError> {
        let mut response = self.call(Method::GET, &with_query(path, query), &[], &[])?;
        let link = response.headers().get("link").and_then(|link| link.to_str().ok()).and_then(next_query);
        Ok(Page { rows: self.json(response.body_mut())?, next: link })
    }

    /// Asks for something long.
    ///
    /// # Errors
    /// There is no such answer.
    pub fn stream(
        &self,
        path: &str,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<impl Read + Send + use<>, ClientError> {
        let response = self.call(Method::GET, &with_query(path, query), headers, &[])?;
        Ok(response.into_body().into_reader())
    }

    /// Sends JSON, and takes what comes back.
    ///
    /// # Errors
    /// The server does not take it.
    pub fn send_json(&self, method: Method, path: &str, body: &Value) -> Result<Response<Body>, ClientError> {
        let body = body.to_string();
        self.call(method, path, &[("content-type", "application/json")], body.as_bytes())
    }

    /// One call. What is no success is an error.
    pub(crate) fn call(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response<Body>, ClientError> {
        let mut request = Request::builder().method(&method).uri(format!("{}/api/v2/{path}", self.server));
        if !self.key.is_empty() {
            request = request.header("x-api-key", &self.key);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let no_request =
            |error: ureq::http::Error| ClientError::Settings(format!("no such call can be made: {error}"));
        let answer = if body.is_empty() && matches!(method, Method::GET | Method::HEAD | Method::DELETE) {
            self.agent.run(request.body(()).map_err(no_request)?)
        } else {
            self.agent.run(request.body(body).map_err(no_request)?)
        };
        let response = answer.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response)) }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, body: &mut Body) -> Result<T, ClientError> {
        let bytes =
            body.with_config().limit(ANSWER).read_to_vec().map_err(|error| self.unreachable(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| self.no_answer(&error))
    }

    pub(crate) fn no_answer(&self, reason: &dyn fmt::Display) -> ClientError {
        ClientError::NoAnswer { server: self.server.clone(), reason: reason.to_string() }
    }

    pub(crate) fn unreachable(&self, error: &ureq::Error) -> ClientError {
        ClientError::Unreachable { server: self.server.clone(), reason: reason(error) }
    }

    fn refused(&self, mut response: Response<Body>) -> ClientError {
        let status = response.status();
        let offset = response.headers().get("upload-offset");
        let offset = offset.and_then(|offset| offset.to_str().ok()?.parse().ok());
        let text = response.body_mut().with_config().limit(ERROR).read_to_vec().unwrap_or_default();
        let ErrorBody { error_msg, error_type } = serde_json::from_slice(&text).unwrap_or_default();
        let message = match () {
            () if !error_msg.is_empty() => error_msg,
            () if status.is_redirection() => "this is elsewhere; redirects are not followed".into(),
            () => status.to_string(),
        };
        let server = self.server.clone();
        ClientError::Refused { server, status: status.as_u16(), kind: error_type, message, offset }
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<ureq::tls::Certificate<'static>>, ClientError> {
    let wrong = |error: String| ClientError::Settings(format!("there are no certificates in PEM: {error}"));
    let mut found = Vec::new();
    for item in ureq::tls::parse_pem(pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| wrong(error.to_string()))? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err(wrong("none is in the file".into())) } else { Ok(found) }
}

fn with_query(path: &str, query: &str) -> String {
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// Parameters as the query of an address.
#[must_use]
pub fn query<N: AsRef<str>, V: AsRef<str>>(parameters: &[(N, V)]) -> String {
    let pairs =
        parameters.iter().map(|(name, value)| format!("{}={}", name.as_ref(), escaped(value.as_ref())));
    pairs.collect::<Vec<_>>().join("&")
}

/// As it stands in an address.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~,".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

/// What was escaped.
pub(crate) fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits = bytes
            .get(at + 1..at + 3)
            .filter(|digits| byte == b'%' && digits.iter().all(u8::is_ascii_hexdigit));
        match digits.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()) {
            Some(meant) => {
                plain.push(meant);
                at += 3;
            }
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// The query of the address that a `Link` header calls the next one.
fn next_query(link: &str) -> Option<String> {
    let next = link.split(", <").find(|link| link.contains("rel=\"next\"") || link.contains("rel=next"))?;
    let address = next.trim_start_matches('<').split('>').next()?;
    Some(address.split_once('?')?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn client(server: &str, key: &str) -> Result<Client, ClientError> {
        Client::new(Settings { server: server.into(), key: key.into(), ca: None })
    }

    #[test]
    fn settings_that_make_no_sense_are_refused() {
        for server in
            ["", "audit.example.com", "ftp://x", "https://", "https://a b", "https://u:p@x", "https://x/?a=b"]
        {
            assert!(matches!(client(server, ""), Err(ClientError::Settings(_))), "{server}");
        }
        assert!(client("https://x", "two words").is_err());
        let client = client("http://127.0.0.1:7878/", "secret\n").unwrap();
        assert_eq!((client.server(), client.key.as_str()), ("http://127.0.0.1:7878", "secret"));
        assert!(!format!("{client:?}").contains("secret"));
        let ca = Some(b"none".to_vec());
        assert!(Client::new(Settings { server: "https://x".into(), key: String::new(), ca }).is_err());
    }

    #[test]
    fn what_can_be_read_on_the_way_is_known() {
        for (server, is) in [
            ("http://127.0.0.1:1", false),
            ("http://localhost", false),
            ("http://[::1]:80", false),
            ("http://localhost.example.com", true),
            ("http://10.0.0.1", true),
            ("https://10.0.0.1", false),
        ] {
            assert_eq!(client(server, "").unwrap().is_in_the_clear(), is, "{server}");
        }
    }

    #[test]
    fn the_next_page_is_found() {
        let link = "</events/command?eventCount=2&before=1.2>; rel=\"next\"";
        assert_eq!(next_query(link).as_deref(), Some("eventCount=2&before=1.2"));
        let links = "<https://x/a?b=1>; rel=\"prev\", <https://x/a?b=3>; rel=\"next\"";
        assert_eq!(next_query(links).as_deref(), Some("b=3"));
        assert_eq!(next_query("<https://x/a?b=1>; rel=\"prev\""), None);
        assert_eq!(next_query(""), None);
        assert_eq!(query(&[("search", "a b&c"), ("x", "1")]), "search=a%20b%26c&x=1");
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in ".{0,40}") {
            let escaped = escaped(&text);
            prop_assert!(escaped.bytes().all(|byte| byte.is_ascii_graphic()));
            prop_assert_eq!(unescaped(&escaped), text);
        }

        #[test]
        fn anything_may_be_unescaped(text in "[%0-9a-gA-G]{0,12}") {
            unescaped(&text);
        }
    }
}
