//! Events as they come: a stream that is taken up again where it broke off.

use std::collections::VecDeque;
use std::io::Read;
use std::time::Duration;

use crate::error::ClientError;
use crate::http::Client;
use crate::sse::{Event, Parser};

/// What is waited before a broken stream is taken up again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(15));

/// Read at once.
const CHUNK: usize = 64 << 10;

/// A live tail. It ends only by an error that is not temporary.
pub struct Tail<'c> {
    client: &'c Client,
    query: String,
    last: Option<String>,
    stream: Option<(Box<dyn Read + Send>, Parser)>,
    events: VecDeque<Event>,
    pause: Duration,
}

impl<'c> Tail<'c> {
    /// What comes from now on.
    #[must_use]
    pub fn new(client: &'c Client, query: String) -> Self {
        Self { client, query, last: None, stream: None, events: VecDeque::new(), pause: PAUSES.0 }
    }

    /// Begins to listen, so that a first refusal is said at once.
    ///
    /// # Errors
    /// The server does not let it.
    pub fn connect(&mut self) -> Result<(), ClientError> {
        let last: Vec<(&str, &str)> = self.last.iter().map(|last| ("last-event-id", last.as_str())).collect();
        let stream = self.client.stream("events/tail", &self.query, &last)?;
        self.stream = Some((Box::new(stream), Parser::default()));
        Ok(())
    }

    /// The next event, whenever it comes. `broken` is told when the stream broke off, before it is taken up again.
    ///
    /// # Errors
    /// The server lets nobody listen any more.
    pub fn next(&mut self, mut broken: impl FnMut(&ClientError)) -> Result<Event, ClientError> {
        let mut buffer = vec![0; CHUNK];
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let Some((stream, parser)) = &mut self.stream else {
                match self.connect() {
                    Ok(()) => {}
                    Err(error) if error.is_temporary() => {
                        broken(&error);
                        std::thread::sleep(self.pause);
                        self.pause = (self.pause * 2).min(PAUSES.1);
                    }
                    Err(error) => return Err(error),
                }
                continue;
            };
            match stream.read(&mut buffer) {
                Ok(count) if count > 0 => {
                    self.pause = PAUSES.0;
                    let events = parser.feed(&buffer[..count]);
                    if !parser.last_id().is_empty() {
                        self.last = Some(parser.last_id().to_owned());
                    }
                    self.events.extend(events.map_err(|error| self.client.no_answer(&error))?);
                }
                // A server that ends is begun again, as a rule.
                Ok(_) => self.stream = None,
                Err(error) => {
                    self.stream = None;
                    broken(&self.client.unreachable(&ureq::Error::from(error)));
                    std::thread::sleep(self.pause);
                }
            }
        }
    }
}
