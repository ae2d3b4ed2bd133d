//! The door: how many may be in at once, in all and from one address, and how they leave.
//!
//! *Invariants*: who is in is counted, and nobody is counted any more who has gone. Who is refused costs nothing but the
//! connection. An answer that is given before everything was read that was sent reaches whoever sends: a connection is not
//! broken off while bytes of it are still under way, for a few seconds and mebibytes. Whoever reads nothing of what he asked
//! for loses his place. That somebody was refused is said, once a minute.
//!
//! *Not here*: who they are ([`who`](crate::who)), and how long they take to say what they want.

use std::collections::HashMap;
use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready as polled};
use std::time::Duration;

use axum_server::accept::Accept;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::config::LimitsConfig;

/// So long after the last byte nothing more is under way.
const QUIET: Duration = Duration::from_millis(500);

/// Nobody is listened to for longer who was answered already,
const LINGER: Duration = Duration::from_secs(5);

/// or sends more than that.
const MOST: usize = 64 << 20;

/// How often it is said that somebody was refused.
const SAID: Duration = Duration::from_secs(60);

/// Where everybody has to pass.
#[derive(Clone, Debug)]
pub struct Door {
    all: usize,
    of_address: usize,
    /// So long somebody may read nothing while there is something for him.
    patience: Duration,
    /// Behind these are many.
    proxies: Arc<[IpAddr]>,
    inside: Arc<Mutex<Inside>>,
}

/// Who is in.
#[derive(Debug, Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
    /// Who were refused of which nothing was said yet.
    refused: u64,
    said: Option<Instant>,
}

/// A place in there, for as long as it is kept.
#[derive(Debug)]
struct Place {
    address: IpAddr,
    inside: Arc<Mutex<Inside>>,
}

impl Door {
    /// Lets as many in as limits say; of proxies any number.
    #[must_use]
    pub fn new(limits: &LimitsConfig, proxies: &[IpAddr]) -> Self {
        Self {
            all: limits.connections as usize,
            of_address: limits.connections_per_address as usize,
            patience: Duration::from_secs(limits.body_seconds.into()),
            proxies: proxies.into(),
            inside: Arc::default(),
        }
    }

    fn enter(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let is_proxy = self.proxies.contains(&address);
        let address = network(address);
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let of_address = inside.by_address.get(&address).copied().unwrap_or(0);
        let (is_full, has_many) = (inside.all >= self.all, of_address >= self.of_address && !is_proxy);
        if is_full || has_many {
            let limit = if is_full { "connections" } else { "connections-per-address" };
            if let Some(refused) = inside.refuse(Instant::now()) {
                crate::say(format_args!(
                    "connections refused: {refused}, the last one from {address}: `limits.{limit}` are in"
                ));
            }
            return None;
        }
        inside.all += 1;
        inside.by_address.insert(address, of_address + 1);
        Some(Place { address, inside: Arc::clone(&self.inside) })
    }
}

impl Inside {
    /// Counts somebody who is refused; gives how many that makes of which nothing was said, when it is time to say so.
    fn refuse(&mut self, now: Instant) -> Option<u64> {
        self.refused += 1;
        if self.said.is_some_and(|said| now.duration_since(said) < SAID) {
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.refused))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        inside.all -= 1;
        if let Some(of_address) = inside.by_address.get_mut(&self.address) {
            *of_address -= 1;
            if *of_address == 0 {
                inside.by_address.remove(&self.address);
            }
        }
    }
}

/// What is counted as one address: whoever has one of IPv6 has 2⁶⁴.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) >> 64 << 64).into(),
    }
}

impl<S> Accept<TcpStream, S> for Door {
    type Stream = Visitor;
    type Service = S;
    type Future = Ready<io::Result<(Visitor, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let entered = stream.set_nodelay(true).and_then(|()| stream.peer_addr()).and_then(|address| {
            let place = self.enter(address.ip()).ok_or_else(|| io::Error::other("too many are in"))?;
            let visitor =
                Visitor { stream, _place: place, patience: self.patience, stalled: None, leaving: None };
            Ok((visitor, service))
        });
        ready(entered)
    }
}

/// A connection of somebody who is in.
#[derive(Debug)]
pub struct Visitor {
    stream: TcpStream,
    _place: Place,
    patience: Duration,
    /// Runs while nothing can be written.
    stalled: Option<Pin<Box<Sleep>>>,
    leaving: Option<Leaving>,
}

impl Visitor {
    /// What came of writing, unless nothing has come of it for too long.
    fn in_time<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        polled!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

/// What still comes of a connection on which everything was said.
#[derive(Debug)]
struct Leaving {
    quiet: Pin<Box<Sleep>>,
    latest: Instant,
    dropped: usize,
}

impl AsyncRead for Visitor {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Visitor {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.in_time(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.in_time(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    /// Says that nothing more comes, and hears what is still being sent: whoever closes with bytes unread takes back what he
    /// said last.
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { stream, leaving, .. } = &mut *self;
        if leaving.is_none() {
            polled!(Pin::new(&mut *stream).poll_shutdown(context))?;
        }
        let leaving = leaving.get_or_insert_with(|| Leaving {
            quiet: Box::pin(sleep(QUIET)),
            latest: Instant::now() + LINGER,
            dropped: 0,
        });
        let mut bytes = [0; 16 << 10];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match Pin::new(&mut *stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() && leaving.dropped < MOST => {
                    leaving.dropped += buffer.filled().len();
                    leaving.quiet.as_mut().reset(leaving.latest.min(Instant::now() + QUIET));
                    if Instant::now() >= leaving.latest {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return leaving.quiet.as_mut().poll(context).map(Ok),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_are_in_and_no_more() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let limits = LimitsConfig { connections: 5, connections_per_address: 2, ..LimitsConfig::default() };
        let door = Door::new(&limits, &[ip("10.0.0.1")]);
        let first = door.enter(ip("192.0.2.1")).unwrap();
        let second = door.enter(ip("::ffff:192.0.2.1")).unwrap();
        assert!(door.enter(ip("192.0.2.1")).is_none());
        let third = door.enter(ip("2001:db8::1")).unwrap();
        let fourth = door.enter(ip("2001:db8::ffff:1")).unwrap();
        assert!(door.enter(ip("2001:db8::2")).is_none());
        let fifth = door.enter(ip("2001:db8:0:1::2")).unwrap();
        assert!(door.enter(ip("192.0.2.9")).is_none());
        drop((first, second, third, fourth, fifth));
        assert!(door.inside.lock().unwrap().by_address.is_empty());
        let places: Vec<_> = (0..5).map(|_| door.enter(ip("10.0.0.1")).unwrap()).collect();
        assert!(door.enter(ip("10.0.0.1")).is_none());
        drop(places);
        assert_eq!(door.inside.lock().unwrap().all, 0);
    }

    #[tokio::test]
    async fn whoever_reads_nothing_loses_his_place() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let limits = LimitsConfig { body_seconds: 1, ..LimitsConfig::default() };
        let door = Door::new(&limits, &[]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut reader = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut visitor, ()) = door.accept(listener.accept().await.unwrap().0, ()).await.unwrap();
        // Whoever reads a little now and then keeps it.
        let slow = tokio::spawn(async move {
            let mut bytes = vec![0; 4 << 20];
            for _ in 0..4 {
                sleep(Duration::from_millis(500)).await;
                reader.read_exact(&mut bytes).await.unwrap();
            }
            reader
        });
        visitor.write_all(&vec![0; 16 << 20]).await.unwrap();
        let _reader = slow.await.unwrap();
        let begin = Instant::now();
        let error = visitor.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!((1..10).contains(&begin.elapsed().as_secs()), "{:?}", begin.elapsed());
        drop(visitor);
        assert_eq!(door.inside.lock().unwrap().all, 0);
    }

    #[test]
    fn who_was_refused_is_said_once_a_minute() {
        let (mut inside, now) = (Inside::default(), Instant::now());
        assert_eq!(inside.refuse(now), Some(1));
        for second in 1..60 {
            assert_eq!(inside.refuse(now + Duration::from_secs(second)), None);
        }
        assert_eq!(inside.refuse(now + SAID), Some(60));
        assert_eq!(inside.refuse(now + SAID), None);
    }
}
