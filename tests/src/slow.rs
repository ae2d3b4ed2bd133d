//! A program on a machine that is slower than this one: it is stopped for most of the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// How long it is stopped, and then goes on.
const STOPPED: Duration = Duration::from_millis(38);
const GOES_ON: Duration = Duration::from_millis(2);

/// As long as this lives, a process has a twentieth of the time.
#[derive(Debug)]
pub struct Slow {
    is_over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Slow {
    /// Slows a process down.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn down(pid: u32) -> Self {
        let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process");
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let thread = spawn(move || {
            while !over.load(Ordering::Relaxed) && kill_process(pid, Signal::STOP).is_ok() {
                sleep(STOPPED);
                kill_process(pid, Signal::CONT).ok();
                sleep(GOES_ON);
            }
        });
        Self { is_over, thread: Some(thread) }
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}
