//! Somebody who asks something of an audit server, and what is answered.

use std::io::{BufRead as _, BufReader, Read as _};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::http::Response;
use ureq::{Agent, Body};
use uuid::Uuid;

/// Whoever waits longer for an answer or an event waits in vain.
const PATIENCE: Duration = Duration::from_secs(120);

/// Somebody who asks.
#[derive(Clone, Debug)]
pub struct Asker {
    address: String,
    client: Agent,
    headers: Vec<(&'static str, String)>,
}

/// What is answered.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// What is in the body.
    pub text: String,
    response: Response<()>,
}

/// A stream of server-sent events, read as they come.
pub struct Tail {
    lines: std::io::Lines<BufReader<Box<dyn std::io::Read + Send>>>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Where to go on behind it.
    pub id: String,
    /// Which log.
    pub log: String,
    /// The event.
    pub event: Value,
}

impl Asker {
    /// Somebody who says nothing of himself to the server at an address.
    pub(crate) fn of(address: &str) -> Self {
        let client = Agent::config_builder().http_status_as_error(false);
        let client = client.timeout_recv_response(Some(PATIENCE)).build().into();
        let nobody = Self { address: address.to_owned(), client, headers: Vec::new() };
        nobody.with("connection", "close")
    }

    /// The same, with one more header that it sends.
    #[must_use]
    pub fn with(mut self, header: &'static str, value: &str) -> Self {
        self.headers.push((header, value.to_owned()));
        self
    }

    /// Whoever has signed in, and was answered so.
    pub(crate) fn signed_in(self, answer: &Answer) -> Self {
        let cookie = answer.header("set-cookie").expect("a cookie").split(';').next().expect("a value");
        let token = answer.json()["csrfToken"].as_str().expect("a token").to_owned();
        self.with("cookie", cookie).with("x-csrf-token", &token)
    }

    /// The same, without one of the headers that it sends.
    #[must_use]
    pub fn without(&self, header: &str) -> Self {
        let mut other = self.clone();
        other.headers.retain(|(name, _)| *name != header);
        other
    }

    /// Asks for a path under `/api/v2`.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], &[])
    }

    /// What is at a path, which is there.
    #[must_use]
    pub fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        answer.json()
    }

    /// Sends JSON.
    #[must_use]
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// Sends anything in any way.
    ///
    /// # Panics
    /// There is no answer.
    #[must_use]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, path, headers, body).expect("an answer")
    }

    /// Sends anything in any way, to a server that may end at any moment.
    ///
    /// # Errors
    /// There is no answer.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut response = self.open(method, path, headers, body)?;
        let mut bytes = Vec::new();
        response.body_mut().as_reader().read_to_end(&mut bytes)?;
        let status = response.status().as_u16();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, text, response: response.map(drop) })
    }

    fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response<Body>, ureq::Error> {
        // What begins with a slash is no part of the API.
        let root = if path.starts_with('/') { "" } else { "/api/v2/" };
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("{}{root}{path}", self.address));
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if matches!(method, "GET" | "HEAD") {
            self.client.run(request.body(()).expect("a request"))
        } else {
            self.client.run(request.body(body).expect("a request"))
        }
    }

    /// What is at a path, read as it comes.
    #[must_use]
    pub fn open_stream(&self, path: &str) -> Box<dyn std::io::Read + Send> {
        let response = self.open("GET", path, &[], &[]).expect("an answer");
        assert_eq!(response.status().as_u16(), 200);
        Box::new(response.into_body().into_reader())
    }

    /// Follows logs; the query says which.
    #[must_use]
    pub fn tail(&self, query: &str) -> Tail {
        let reader = self.open_stream(&format!("events/tail?{query}"));
        Tail { lines: BufReader::new(reader).lines() }
    }

    /// The key of the agent of a new target.
    #[must_use]
    pub fn agent(&self, target: &str) -> String {
        self.made("targets/bzero", &json!({ "targetName": target }), "agentKey")
    }

    /// A new key of a role.
    #[must_use]
    pub fn key(&self, role: &str) -> String {
        self.made("api-keys", &json!({ "name": format!("{role} key"), "role": role }), "secret")
    }

    fn made(&self, path: &str, said: &Value, secret: &str) -> String {
        let answer = self.post(path, said);
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        answer.json()[secret].as_str().expect("it is said once").to_owned()
    }

    /// Tells of a session that somebody begins, and gives its id.
    ///
    /// # Panics
    /// The server does not take it.
    pub fn connect(&self, user: &str, form: &str) -> String {
        let id = Uuid::now_v7().to_string();
        let answer = self.connect_as(&id, user, form);
        assert_eq!(answer.status, 201, "{}", answer.text);
        id
    }

    /// Tells of a session by its id.
    #[must_use]
    pub fn connect_as(&self, id: &str, user: &str, form: &str) -> Answer {
        self.begin(
            id,
            &json!({
                "user": user, "targetUser": "deploy", "type": "SHELL", "recording": form,
                "startedAt": "2026-11-26T09:30:00Z", "ipAddress": "192.0.2.7", "space": "work",
            }),
        )
    }

    /// Tells of a session by its id, and says all of it.
    #[must_use]
    pub fn begin(&self, id: &str, session: &Value) -> Answer {
        let headers = [("content-type", "application/json")];
        self.send("PUT", &format!("ingest/connections/{id}"), &headers, session.to_string().as_bytes())
    }

    /// Sends bytes of a recording.
    #[must_use]
    pub fn patch(&self, id: &str, offset: usize, bytes: &[u8], is_last: bool) -> Answer {
        self.try_patch(id, offset, bytes, is_last).expect("an answer")
    }

    /// Sends bytes of a recording to a server that may end at any moment.
    ///
    /// # Errors
    /// There is no answer.
    pub fn try_patch(
        &self,
        id: &str,
        offset: usize,
        bytes: &[u8],
        is_last: bool,
    ) -> Result<Answer, ureq::Error> {
        let offset = offset.to_string();
        let headers = [
            ("upload-offset", offset.as_str()),
            ("upload-complete", if is_last { "?1" } else { "?0" }),
            ("content-type", "application/offset+octet-stream"),
        ];
        self.try_send("PATCH", &format!("ingest/recordings/{id}"), &headers, bytes)
    }
}

impl Answer {
    /// The body, which is JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }
}

impl Iterator for Tail {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        let (mut id, mut log, mut event) = (None, None, None);
        let begin = Instant::now();
        loop {
            let line = self.lines.next()?.ok()?;
            // Of a server that has nothing to say a comment comes now and then.
            assert!(begin.elapsed() < PATIENCE, "waited in vain for an event");
            if let Some(rest) = line.strip_prefix("id: ") {
                id = Some(rest.to_owned());
            } else if let Some(rest) = line.strip_prefix("event: ") {
                log = Some(rest.to_owned());
            } else if let Some(rest) = line.strip_prefix("data: ") {
                event = serde_json::from_str(rest).ok();
            } else if line.is_empty()
                && let (Some(id), Some(log), Some(event)) = (id.take(), log.take(), event.take())
            {
                return Some(Message { id, log, event });
            }
        }
    }
}
