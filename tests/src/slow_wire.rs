//! A slow wire to a server: whoever downloads over it is still at it when somebody looks.

use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use crate::relay::pass_on;

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
                pass_on(&near, &far, |_| {});
                let mut passed = 0;
                pass_on(&far, &near, move |bytes| {
                    passed += bytes.len() as u64;
                    if passed > AT_ONCE {
                        let count = u32::try_from(bytes.len()).expect("a buffer is small");
                        thread::sleep(Duration::from_secs(1) * count / rate);
                    }
                });
            }
        }
    });
    format!("http://{address}")
}
