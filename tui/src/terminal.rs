//! The terminal that a program is on: taken over, and given back as it was, whichever way out.
//!
//! *Invariants*: from [`Terminal::take`] until [`Terminal::give_back`], a drop, or a panic of the thread that took it,
//! the terminal is in raw mode and shows the alternate screen; after that it is as it was. Nothing waits for a
//! terminal that is gone or takes nothing, once a signal says that it is over.

use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;

use crate::keys::{Input, Keys};

/// The alternate screen, no cursor, clicks and drags with their place.
const TAKE: &str = "\x1b[?1049h\x1b[?25l\x1b[?1002h\x1b[?1006h\x1b[?2004h";

const GIVE_BACK: &str = "\x1b[?2026l\x1b[?2004l\x1b[?1006l\x1b[?1002l\x1b[m\x1b[?25h\x1b[?1049l";

/// After recorded bytes went straight to it: all that they may have switched on, and the cursor on a line of its own.
const GIVE_BACK_PLAIN: &str = "\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[?1l\x1b>\
    \x1b[?7h\x1b[?6l\x1b[4l\x1b[r\x1b(B\x0f\x1b[?1049l\x1b[m\x1b[?25h";

/// A terminal that takes nothing for so long is not waited for any more when it is given back.
const PARTING: Duration = Duration::from_secs(1);

/// What happened outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A signal that ends us.
    End(i32),
    /// It has another size.
    Resize,
    /// Somebody wants us to stop for now.
    Suspend,
    /// We go on, and others may have used the terminal meanwhile.
    Resumed,
    /// Nobody is there any more.
    Gone,
}

/// How the terminal is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// We draw on it.
    Full,
    /// Recorded bytes go to it as they are.
    Plain,
}

/// The terminal.
#[derive(Debug)]
pub struct Terminal {
    fd: Arc<OwnedFd>,
    before: Termios,
    signals: SignalDelivery<UnixStream, SignalOnly>,
    taken: Option<Use>,
    /// What was typed and not taken: bytes that are no key yet, and keys.
    pub(crate) ahead: (Keys, VecDeque<Input>),
}

/// What the panic hook has to give back, and whose panic it is about.
struct Taken {
    fd: Arc<OwnedFd>,
    before: Termios,
    how: Use,
    thread: ThreadId,
}

static TAKEN: Mutex<Option<Taken>> = Mutex::new(None);

impl Terminal {
    /// The terminal that standard output, or else standard input, is; `None` if there is none.
    pub fn find() -> io::Result<Option<Self>> {
        let Some(shown) = [rustix::stdio::stdout(), rustix::stdio::stdin(), rustix::stdio::stderr()]
            .into_iter()
            .find(|fd| isatty(fd))
        else {
            return Ok(None);
        };
        // Opened anew, so that whoever shares the descriptor does not find it non-blocking.
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let fd = rustix::termios::ttyname(shown, Vec::new())
            .and_then(|name| rustix::fs::open(name, flags, Mode::empty()))
            .or_else(|_| rustix::fs::open("/dev/tty", flags, Mode::empty()))?;
        Self::on(fd).map(Some)
    }

    fn on(fd: OwnedFd) -> io::Result<Self> {
        let before = tcgetattr(&fd)?;
        let (read, write) = UnixStream::pair()?;
        let heard = [SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGWINCH];
        let signals = SignalDelivery::with_pipe(read, write, SignalOnly, heard)?;
        Ok(Self { fd: Arc::new(fd), before, signals, taken: None, ahead: Default::default() })
    }

    /// Takes the terminal over.
    pub fn take(&mut self, how: Use) -> io::Result<()> {
        hook_panics();
        let mut raw = self.before.clone();
        raw.make_raw();
        tcsetattr(&*self.fd, OptionalActions::Drain, &raw)?;
        self.taken = Some(how);
        let taken = Taken {
            fd: Arc::clone(&self.fd),
            before: self.before.clone(),
            how,
            thread: std::thread::current().id(),
        };
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
        if how == Use::Full {
            self.write(TAKE.as_bytes())?;
        }
        Ok(())
    }

    /// Gives the terminal back as it was.
    pub fn give_back(&mut self) {
        if self.taken.take().is_some()
            && let Some(taken) = TAKEN.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            taken.give_back();
        }
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        match tcgetwinsize(&*self.fd) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col, size.ws_row),
            _ => (80, 24),
        }
    }

    /// Writes all of it, however long the terminal takes, or until a signal has come, which is to be looked at next.
    /// Returns how much was written.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut done = 0;
        while done < bytes.len() {
            match rustix::io::write(&*self.fd, &bytes[done..]) {
                Ok(written) => done += written,
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    let mut ready = [
                        PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::OUT),
                        PollFd::from_borrowed_fd(self.signals.get_read().as_fd(), PollFlags::IN),
                    ];
                    match poll(&mut ready, None) {
                        Ok(_) | Err(rustix::io::Errno::INTR) => {}
                        Err(error) => return Err(error.into()),
                    }
                    if !ready[1].revents().is_empty() {
                        return Ok(done);
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(done)
    }

    /// Waits for keys, or until the time is up; gives the bytes of keys, and what else happened.
    pub fn wait(&mut self, time: Option<Duration>, keys: &mut Vec<u8>) -> io::Result<Vec<Happening>> {
        let time = time.and_then(|time| Timespec::try_from(time).ok());
        let mut ready = [
            PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(self.signals.get_read().as_fd(), PollFlags::IN),
        ];
        match poll(&mut ready, time.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let has_keys = !ready[0].revents().is_empty();
        let mut happened: Vec<_> = self.signals.pending().filter_map(meaning).collect();
        if has_keys {
            let mut buffer = [0; 1024];
            match rustix::io::read(&*self.fd, &mut buffer) {
                Ok(0) => happened.push(Happening::Gone),
                Ok(read) => keys.extend_from_slice(&buffer[..read]),
                Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => {}
                Err(_) => happened.push(Happening::Gone),
            }
        }
        Ok(happened)
    }

    /// Stops this process and those it shares its job with, until somebody lets them go on. Returns at once where
    /// nobody would: the leader of a session has no shell above it.
    pub fn suspend(&mut self) -> io::Result<()> {
        let is_leader = nix::unistd::getsid(None) == Ok(nix::unistd::getpid());
        let Some(how) = self.taken.filter(|_| !is_leader) else { return Ok(()) };
        self.give_back();
        // What the shell that we return to may have changed is how it is from now on.
        signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        self.before = tcgetattr(&*self.fd)?;
        self.take(how)
    }

    /// Asks the whole job to stop; the signal comes back to us as [`Happening::Suspend`].
    pub fn ask_to_suspend() {
        rustix::process::kill_current_process_group(rustix::process::Signal::TSTP).ok();
    }

    /// Takes the terminal again, from whoever had it while we were stopped.
    pub fn take_again(&mut self) -> io::Result<()> {
        self.taken.map_or(Ok(()), |how| self.take(how))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl Taken {
    fn give_back(&self) {
        let mut bytes = match self.how {
            Use::Full => GIVE_BACK,
            Use::Plain => GIVE_BACK_PLAIN,
        }
        .as_bytes();
        let until = Instant::now() + PARTING;
        while !bytes.is_empty() {
            match rustix::io::write(&*self.fd, bytes) {
                Ok(written) => bytes = &bytes[written..],
                Err(rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => {
                    let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).ok();
                    let mut ready = [PollFd::from_borrowed_fd(self.fd.as_fd(), PollFlags::OUT)];
                    if !matches!(poll(&mut ready, left.as_ref()), Ok(1..)) {
                        break;
                    }
                }
                // It is gone.
                Err(_) => break,
            }
        }
        // `Now`: what the terminal does not take would be waited for.
        tcsetattr(&*self.fd, OptionalActions::Now, &self.before).ok();
    }
}

fn meaning(signal: i32) -> Option<Happening> {
    match signal {
        SIGHUP | SIGINT | SIGQUIT | SIGTERM => Some(Happening::End(signal)),
        SIGWINCH => Some(Happening::Resize),
        SIGTSTP => Some(Happening::Suspend),
        SIGCONT => Some(Happening::Resumed),
        _ => None,
    }
}

/// A panic gives the terminal back before anything is said of it. Another thread's panic is not shown: whoever waits
/// for that thread learns of it.
fn hook_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            let mut held = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
            match held.as_ref().map(|taken| taken.thread == std::thread::current().id()) {
                Some(false) => return,
                Some(true) => {
                    if let Some(taken) = held.take() {
                        taken.give_back();
                    }
                }
                None => {}
            }
            drop(held);
            before(panic);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

    #[test]
    fn a_panic_gives_the_terminal_back() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        let before = format!("{:?}", tcgetattr(&slave).unwrap());
        let modes = slave.try_clone().unwrap();
        let player = std::thread::spawn(move || {
            let mut terminal = Terminal::on(slave).unwrap();
            terminal.take(Use::Full).unwrap();
            assert_ne!(format!("{:?}", tcgetattr(&modes).unwrap()), before);
            // Another thread's panic is its own.
            let other = std::thread::spawn(|| panic!("a reader"));
            assert!(other.join().is_err());
            assert_ne!(format!("{:?}", tcgetattr(&modes).unwrap()), before);
            let hooked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panic!("the player")));
            assert!(hooked.is_err());
            assert_eq!(format!("{:?}", tcgetattr(&modes).unwrap()), before);
            drop(terminal);
        });
        player.join().unwrap();
        let (expected, mut output) = (format!("{TAKE}{GIVE_BACK}"), Vec::new());
        // It need not come at once.
        let long = Timespec::try_from(Duration::from_secs(10)).unwrap();
        while output.len() < expected.len()
            && poll(&mut [PollFd::new(&master, PollFlags::IN)], Some(&long)).unwrap() > 0
        {
            let mut piece = [0; 4096];
            let length = rustix::io::read(&master, &mut piece).unwrap();
            output.extend_from_slice(&piece[..length]);
        }
        assert_eq!(String::from_utf8_lossy(&output), expected);
    }
}
