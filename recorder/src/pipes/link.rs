//! What the two of us say to each other: the keeper, who carries and records, and the stand-in, whom others take for the
//! program.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socketpair};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// The recording has begun: the program may.
    Ready,
    /// The program has begun, as this process.
    Started(i32),
    /// It cannot be started, for this reason.
    NotStarted(i32),
    /// Has this signal come to you, too?
    HasCome(i32),
    /// This signal has, or minus this has not.
    Answer(i32),
    /// The program has ended, with this status, or by minus this signal.
    Ended(i32),
    /// What it wrote is passed on, and written down.
    Done,
    /// Nothing may go on unrecorded: end it.
    End,
}

/// One end.
#[derive(Debug)]
pub(super) struct Link(OwnedFd);

impl Link {
    /// Both ends.
    pub(super) fn pair() -> io::Result<(Self, Self)> {
        let (one, other) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        Ok((Self(one), Self(other)))
    }

    /// Says something; whoever is gone needs not hear it.
    pub(super) fn say(&self, message: Message) {
        _ = send(&self.0, &message.encode(), SendFlags::NOSIGNAL);
    }

    /// Waits for the next message; `None` if the other is gone.
    pub(super) fn hear(&self) -> Option<Message> {
        let mut bytes = [0; 8];
        loop {
            match recv(&self.0, &mut bytes, RecvFlags::empty()) {
                Ok((8, _)) => return Message::decode(bytes),
                Err(Errno::INTR) => {}
                Ok(_) | Err(_) => return None,
            }
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl Message {
    fn encode(self) -> [u8; 8] {
        let (tag, value) = match self {
            Self::Ready => (0_u32, 0),
            Self::Started(process) => (1, process),
            Self::NotStarted(error) => (2, error),
            Self::HasCome(signal) => (3, signal),
            Self::Answer(answer) => (4, answer),
            Self::Ended(status) => (5, status),
            Self::Done => (6, 0),
            Self::End => (7, 0),
        };
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&tag.to_ne_bytes());
        bytes[4..].copy_from_slice(&value.to_ne_bytes());
        bytes
    }

    fn decode(bytes: [u8; 8]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h] = bytes;
        let value = i32::from_ne_bytes([e, f, g, h]);
        Some(match u32::from_ne_bytes([a, b, c, d]) {
            0 => Self::Ready,
            1 => Self::Started(value),
            2 => Self::NotStarted(value),
            3 => Self::HasCome(value),
            4 => Self::Answer(value),
            5 => Self::Ended(value),
            6 => Self::Done,
            7 => Self::End,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let (one, other) = Link::pair().unwrap();
        for message in [
            Message::Ready,
            Message::Started(7),
            Message::NotStarted(2),
            Message::HasCome(15),
            Message::Answer(1),
            Message::Ended(-9),
            Message::Done,
            Message::End,
        ] {
            one.say(message);
            assert_eq!(other.hear(), Some(message));
        }
        drop(one);
        assert_eq!(other.hear(), None);
        other.say(Message::Done);
    }
}
