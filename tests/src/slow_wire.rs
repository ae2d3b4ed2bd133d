//! A slow wire to a server: whoever downloads over it is still at it when somebody looks.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

/// What of an answer comes at once: any page and its scripts.
const AT_ONCE: u64 = 1 << 20;

/// Leads to a server, `http://HOST:PORT`, and gives its own address. What each connection brings beyond a megabyte comes at so
/// many bytes a second.
#[must_use]
pub fn slow_wire(to: &str, rate: u32) -> String {
    let to = to.strip_prefix("http://").expect("a plain address").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has an address");
    thread::spawn(move || {
        for near in listener.incoming().map_while(Result::ok) {
            if let Ok(far) = TcpStream::connect(&to) {
                pass_on(&near, &far, None);
                pass_on(&far, &near, Some(rate));
            }
        }
    });
    format!("http://{address}")
}

fn pass_on(from: &TcpStream, to: &TcpStream, rate: Option<u32>) {
    let (mut from, mut to) = (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"));
    thread::spawn(move || {
        let (mut bytes, mut passed) = ([0; 16 << 10], 0);
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            if to.write_all(&bytes[..count]).is_err() {
                break;
            }
            passed += count as u64;
            if let Some(rate) = rate.filter(|_| passed > AT_ONCE) {
                thread::sleep(
                    Duration::from_secs(1) * u32::try_from(count).expect("a buffer is small") / rate,
                );
            }
        }
        // Either may be gone.
        to.shutdown(Shutdown::Write).ok();
        from.shutdown(Shutdown::Read).ok();
    });
}
