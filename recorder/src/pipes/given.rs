//! What the three standard descriptors are, and what is made of each. The plan is pure.
//!
//! What carries bytes from one process to another is [carried](Way::Carried) by us: a pipe, a connection. All else is
//! handed through as it is: a file, a device, a terminal, and pipes and sockets that are used as nothing usual.

use std::os::fd::BorrowedFd;

use rustix::fs::{FileType, OFlags, fcntl_getfl, fstat};
use rustix::net::{SocketType, sockopt};

/// What a standard descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) kind: Kind,
    /// Which of its kind: two descriptors of one pipe or socket have the same.
    pub(super) node: (u64, u64),
    pub(super) reads: bool,
    pub(super) writes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It is not open.
    None,
    Pipe,
    /// A socket of a connection.
    Connection,
    /// A file, in which there is a place.
    File {
        appends: bool,
    },
    Other,
}

/// What is made of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// It stays closed.
    Closed,
    /// It is handed through, and its bytes can be counted or not.
    Through { counted: bool },
    /// The program gets another of its kind, and we carry between the two.
    Carried,
    /// It is the same as that one before it.
    SameAs(usize),
}

/// Looks at a descriptor.
pub(super) fn look(descriptor: BorrowedFd<'_>) -> Given {
    let Ok(stat) = fstat(descriptor) else {
        return Given { kind: Kind::None, node: (0, 0), reads: false, writes: false };
    };
    let flags = fcntl_getfl(descriptor).unwrap_or(OFlags::RDWR);
    let mode = flags & OFlags::RWMODE;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::Fifo => Kind::Pipe,
        FileType::Socket if is_connection(descriptor) => Kind::Connection,
        FileType::RegularFile => Kind::File { appends: flags.contains(OFlags::APPEND) },
        FileType::Socket
        | FileType::Directory
        | FileType::Symlink
        | FileType::CharacterDevice
        | FileType::BlockDevice
        | FileType::Unknown => Kind::Other,
    };
    Given {
        kind,
        node: (stat.st_dev, stat.st_ino),
        reads: mode == OFlags::RDONLY || mode == OFlags::RDWR,
        writes: mode == OFlags::WRONLY || mode == OFlags::RDWR,
    }
}

fn is_connection(socket: BorrowedFd<'_>) -> bool {
    matches!(sockopt::socket_type(socket), Ok(SocketType::STREAM))
        && matches!(sockopt::socket_acceptconn(socket), Ok(false))
}

/// Decides what is made of each.
pub(super) fn plan(given: [Given; 3]) -> [Way; 3] {
    let mut ways = [Way::Closed; 3];
    for at in 0..3 {
        let this = given[at];
        let same = (0..at).find(|&before| {
            given[before].kind == this.kind && given[before].node == this.node && ways[before] == Way::Carried
        });
        ways[at] = match this.kind {
            Kind::None => Way::Closed,
            // Which of two wrote into one file nobody knows; the first has all of it.
            Kind::File { .. } => {
                let counted = (0..at).all(|before| given[before].node != this.node);
                Way::Through { counted }
            }
            Kind::Other => Way::Through { counted: false },
            Kind::Connection => same.map_or(Way::Carried, Way::SameAs),
            Kind::Pipe if at == 0 && this.reads && !this.writes => Way::Carried,
            // Two writers of one pipe keep their order only in one.
            Kind::Pipe if at > 0 && this.writes && !this.reads => {
                same.filter(|&before| before > 0).map_or(Way::Carried, Way::SameAs)
            }
            Kind::Pipe => Way::Through { counted: false },
        };
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};

    const NONE: Given = Given { kind: Kind::None, node: (0, 0), reads: false, writes: false };

    fn given(kind: Kind, node: u64, modes: &str) -> Given {
        Given { kind, node: (1, node), reads: modes.contains('r'), writes: modes.contains('w') }
    }

    #[test]
    fn what_carries_is_carried_and_all_else_is_handed_through() {
        use Kind::{Connection, File, Other, Pipe};
        let file = File { appends: false };
        let through = Way::Through { counted: false };
        let counted = Way::Through { counted: true };
        let (carried, same) = (Way::Carried, Way::SameAs);
        for (what, descriptors, ways) in [
            ("pipes", [given(Pipe, 1, "r"), given(Pipe, 2, "w"), given(Pipe, 3, "w")], [carried; 3]),
            (
                "2>&1",
                [given(Pipe, 1, "r"), given(Pipe, 2, "w"), given(Pipe, 2, "w")],
                [carried, carried, same(1)],
            ),
            (
                "sshd",
                [given(Connection, 1, "rw"), given(Connection, 1, "rw"), given(Connection, 2, "rw")],
                [carried, same(0), carried],
            ),
            ("inetd", [given(Connection, 1, "rw"); 3], [carried, same(0), same(0)]),
            (
                "cron",
                [given(Other, 1, "r"), given(Pipe, 2, "w"), given(Pipe, 2, "w")],
                [through, carried, same(1)],
            ),
            (
                "files",
                [given(file, 1, "r"), given(file, 2, "w"), given(file, 2, "w")],
                [counted, counted, through],
            ),
            ("closed", [NONE, given(Pipe, 1, "w"), NONE], [Way::Closed, carried, Way::Closed]),
            ("a loop", [given(Pipe, 1, "r"), given(Pipe, 1, "w"), NONE], [carried, carried, Way::Closed]),
            (
                "both ways",
                [given(Pipe, 1, "rw"), given(Pipe, 1, "rw"), NONE],
                [through, through, Way::Closed],
            ),
            ("wrong ends", [given(Pipe, 1, "w"), given(Pipe, 2, "r"), NONE], [through, through, Way::Closed]),
        ] {
            assert_eq!(plan(descriptors), ways, "{what}");
        }
    }

    #[test]
    fn descriptors_are_told_apart() {
        let (reader, writer) = std::io::pipe().unwrap();
        let (read, written) = (look(reader.as_fd()), look(writer.as_fd()));
        assert_eq!((read.kind, read.reads, read.writes), (Kind::Pipe, true, false));
        assert_eq!((written.kind, written.reads, written.writes), (Kind::Pipe, false, true));
        assert_eq!(read.node, written.node);
        let (here, there) = UnixStream::pair().unwrap();
        assert_eq!(look(here.as_fd()).kind, Kind::Connection);
        assert_ne!(look(here.as_fd()).node, look(there.as_fd()).node);
        assert_eq!(look(here.as_fd()), look(here.try_clone().unwrap().as_fd()));
        assert_eq!(look(UnixDatagram::unbound().unwrap().as_fd()).kind, Kind::Other);
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("socket")).unwrap();
        assert_eq!(look(listener.as_fd()).kind, Kind::Other);
        let null = std::fs::File::open("/dev/null").unwrap();
        assert_eq!(look(null.as_fd()).kind, Kind::Other);
        let file = tempfile::tempfile().unwrap();
        assert_eq!(look(file.as_fd()).kind, Kind::File { appends: false });
    }
}
