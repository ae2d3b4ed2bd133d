//! Passing on what one end of a connection sends to the other, as the wires of tests do.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::thread;

/// Passes on all that comes, in a thread of its own, until one of them is gone; each piece is seen before it goes on.
pub(crate) fn pass_on(from: &TcpStream, to: &TcpStream, mut seen: impl FnMut(&[u8]) + Send + 'static) {
    let (mut from, mut to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
    thread::spawn(move || {
        let mut bytes = [0; 16 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            seen(&bytes[..count]);
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
        // Either may be gone.
        to.shutdown(Shutdown::Write).ok();
        from.shutdown(Shutdown::Read).ok();
    });
}
