//! A wire out of a machine: who connects to a port inside reaches a server outside. The machine has no other network.

use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::Machine;
use crate::relay::pass_on;

/// The end of the first line of a call.
const HEAD: &[u8] = b" HTTP/1.1\r\n";

impl Machine {
    /// Leads to a server outside, `http://HOST:PORT`, and gives its address inside. Where nobody listens outside, it is cut
    /// off inside.
    #[must_use]
    pub fn wire(&self, to: &str) -> String {
        self.counted_wire(to).0
    }

    /// The same, with how many calls of HTTP were made over it by now.
    #[must_use]
    pub fn counted_wire(&self, to: &str) -> (String, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let network = std::fs::File::open(format!("/proc/{}/ns/net", self.init)).expect("the network inside");
        let to = to.strip_prefix("http://").expect("a plain address").to_owned();
        let (accepted, incoming) = mpsc::channel::<TcpStream>();
        thread::spawn(move || {
            for inside in incoming {
                if let Ok(outside) = TcpStream::connect(&to) {
                    let counter = Arc::clone(&counter);
                    pass_on(&inside, &outside, move |bytes| {
                        // Heads are written in one piece.
                        let heads = bytes.windows(HEAD.len()).filter(|part| part == &HEAD).count();
                        counter.fetch_add(heads, Ordering::Relaxed);
                    });
                    pass_on(&outside, &inside, |_| {});
                }
            }
        });
        let (listening, port) = mpsc::channel();
        // What a thread listens to is in the network that it is in.
        thread::spawn(move || {
            use std::os::fd::AsFd as _;
            move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).expect("go inside");
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port inside");
            listening
                .send(listener.local_addr().expect("it has an address").port())
                .expect("it is waited for");
            for stream in listener.incoming().map_while(Result::ok) {
                if accepted.send(stream).is_err() {
                    return;
                }
            }
        });
        (format!("http://127.0.0.1:{}", port.recv().expect("a port")), calls)
    }
}
