//! What the program gets for its standard descriptors, and what is carried from where to where.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::{Arc, Weak};

use rustix::fs::{OFlags, SeekFrom, fcntl_getfl, fcntl_setfl, seek};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::stdio::{stderr, stdin, stdout};

use super::flow::Flow;
use super::given::{self, Kind, Way};
use super::inherited;

/// One of the standard streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    In,
    Out,
    Err,
}

impl Stream {
    /// As in the traffic.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Err => "err",
        }
    }
}

/// What the program gets for one of its standard descriptors.
#[derive(Debug)]
pub(super) enum End {
    Closed,
    /// What we have there.
    Ours,
    Its(OwnedFd),
}

/// All of it.
pub(super) struct Plumbing {
    pub(super) ends: [End; 3],
    pub(super) flows: Vec<Flow>,
    pub(super) counters: [Counter; 3],
    /// Standard error, for as long as it is open for others: we keep nobody waiting for its end.
    pub(super) message: Weak<OwnedFd>,
    /// It, where it was handed through.
    pub(super) kept: Option<Arc<OwnedFd>>,
}

/// How the bytes of a stream are counted.
#[derive(Debug)]
pub(super) enum Counter {
    /// Nothing can count them.
    None,
    /// They are carried.
    Carried,
    /// By the place in a file.
    Place { file: OwnedFd, begin: u64, appends: bool },
}

impl Plumbing {
    /// Looks at the standard descriptors, and makes what the program gets in their place.
    pub(super) fn lay() -> io::Result<Self> {
        let ours = [stdin(), stdout(), stderr()];
        let given: [_; 3] = std::array::from_fn(|at| match inherited::was_closed(at) {
            true => given::Given { kind: Kind::None, node: (0, 0), reads: false, writes: false },
            false => given::look(ours[at]),
        });
        let ways = given::plan(given);
        let mut made = Self {
            ends: [const { End::Closed }; 3],
            flows: Vec::new(),
            counters: [const { Counter::None }; 3],
            message: Weak::new(),
            kept: None,
        };
        for at in 0..3 {
            match ways[at] {
                Way::Closed => {}
                Way::Through { counted } => {
                    made.ends[at] = End::Ours;
                    if let (true, Kind::File { appends }) = (counted, given[at].kind) {
                        made.counters[at] = Counter::of(ours[at], appends)?;
                    }
                }
                Way::SameAs(other) => {
                    if let End::Its(end) = &made.ends[other] {
                        made.ends[at] = End::Its(end.try_clone()?);
                    }
                }
                Way::Carried => {
                    let is_socket = given[at].kind == Kind::Connection;
                    let uses: Vec<usize> =
                        (at..3).filter(|&use_| use_ == at || ways[use_] == Way::SameAs(at)).collect();
                    made.carry(at, ours[at], is_socket, &uses)?;
                }
            }
        }
        match ways[2] {
            Way::Closed => {}
            Way::Through { .. } => {
                let kept = made.kept.insert(Arc::new(ours_of(ours[2])?));
                made.message = Arc::downgrade(kept);
            }
            // Whoever is the same has the last way out.
            Way::Carried | Way::SameAs(_) => {
                let flow = made.flows.iter().rfind(|flow| flow.stream != Stream::In);
                made.message = flow.map(|flow| Arc::downgrade(&flow.to)).unwrap_or_default();
            }
        }
        Ok(made)
    }

    fn carry(&mut self, at: usize, ours: BorrowedFd<'_>, is_socket: bool, uses: &[usize]) -> io::Result<()> {
        let outer = Arc::new(ours_of(ours)?);
        let flags = fcntl_getfl(ours)?;
        let (inner, end) = if is_socket {
            socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?
        } else {
            let packets = if flags.contains(OFlags::DIRECT) { PipeFlags::DIRECT } else { PipeFlags::empty() };
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | packets)?;
            if at == 0 { (writer, reader) } else { (reader, writer) }
        };
        if flags.contains(OFlags::NONBLOCK) {
            fcntl_setfl(&end, fcntl_getfl(&end)? | OFlags::NONBLOCK)?;
        }
        let inner = Arc::new(inner);
        self.ends[at] = End::Its(end);
        if uses.contains(&0) {
            self.counters[0] = Counter::Carried;
            let (from, to) = (Arc::clone(&outer), Arc::clone(&inner));
            self.flows.push(Flow { stream: Stream::In, from, to, is_socket });
        }
        // What is written to both is of the first.
        if let Some(&first) = uses.iter().find(|&&use_| use_ > 0) {
            self.counters[first] = Counter::Carried;
            let stream = if first == 1 { Stream::Out } else { Stream::Err };
            self.flows.push(Flow { stream, from: inner, to: outer, is_socket });
        }
        Ok(())
    }
}

fn ours_of(descriptor: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    Ok(fcntl_dupfd_cloexec(descriptor, 3)?)
}

impl Counter {
    fn of(file: BorrowedFd<'_>, appends: bool) -> io::Result<Self> {
        let file = ours_of(file)?;
        let begin = seek(&file, SeekFrom::Current(0))?;
        Ok(Self::Place { file, begin, appends })
    }

    /// The bytes so far; `carried` are those that we carried.
    pub(super) fn count(&self, carried: u64) -> Option<u64> {
        match self {
            Self::None => None,
            Self::Carried => Some(carried),
            Self::Place { file, begin, appends } => {
                let place = seek(file, SeekFrom::Current(0)).ok()?;
                match place.checked_sub(*begin)? {
                    0 => Some(0),
                    // Whoever appends goes to the end first, and nobody knows where that was.
                    _ if *appends => None,
                    bytes => Some(bytes),
                }
            }
        }
    }
}
