//! A program that leads a session on a real terminal of the test.
//!
//! The test holds the master side. One thread reads it, always, unless told to stop: then the kernel's
//! buffer fills up and the program meets a terminal that takes nothing more. Nothing answers the queries
//! a program may send; the terminal is as mute as a serial line.

use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fs::{Mode, OFlags};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Termios, Winsize, tcgetattr, tcsetwinsize};

use crate::finished::shell_code;
use crate::{LONG, process};

/// When a piece of output reached the terminal: everything before `end` was there at `when`.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    /// Length of the output including this piece.
    pub end: usize,
    /// The moment it had been read.
    pub when: Instant,
}

#[derive(Default)]
struct State {
    output: Vec<u8>,
    arrivals: Vec<Arrival>,
    stopped: bool,
    hung_up: bool,
    closed: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    wake: OwnedFd,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake(&self) {
        rustix::io::write(&self.wake, &1u64.to_ne_bytes()).expect("wake the reader");
    }
}

/// A running program and its terminal; killed when dropped.
pub struct Session {
    child: Child,
    master: Option<Arc<File>>,
    shared: Arc<Shared>,
    reader: Option<JoinHandle<()>>,
    seen: usize,
    screen: vt100::Parser,
    drawn: usize,
}

impl Session {
    pub(crate) fn start(command: &mut Command, (columns, rows): (u16, u16)) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).expect("open a PTY");
        grantpt(&master).expect("grant the PTY");
        unlockpt(&master).expect("unlock the PTY");
        let name = ptsname(&master, Vec::new()).expect("the PTY has a name");
        let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())
            .expect("open the terminal side of the PTY");
        tcsetwinsize(&master, window(columns, rows)).expect("set the size of the terminal");
        let stdio = |fd: &OwnedFd| Stdio::from(fd.try_clone().expect("another descriptor of the terminal"));
        command.stdin(stdio(&slave)).stdout(stdio(&slave)).stderr(stdio(&slave));
        let child = command.spawn().unwrap_or_else(|err| panic!("{command:?}: {err}"));
        // The command keeps its descriptors until it is given others.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());

        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            wake: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).expect("an eventfd"),
        });
        let master = Arc::new(File::from(master));
        let reader = {
            let (master, shared) = (Arc::clone(&master), Arc::clone(&shared));
            thread::spawn(move || read_terminal(&master, &shared))
        };
        Self {
            child,
            master: Some(master),
            shared,
            reader: Some(reader),
            seen: 0,
            screen: emulator(columns, rows),
            drawn: 0,
        }
    }

    /// The process id of the program.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Types.
    #[track_caller]
    pub fn send(&self, keys: impl AsRef<[u8]>) {
        let master = self.master.as_ref().expect("no typing after a hang-up");
        (&**master).write_all(keys.as_ref()).expect("type on the terminal");
    }

    /// Types key by key, each once the one before has been echoed: as a person does.
    #[track_caller]
    pub fn type_slowly(&self, keys: &str) {
        for key in keys.chars() {
            let before = self.output_len();
            self.send(key.to_string());
            self.wait_output("an echo", LONG, |state| (state.output.len() > before).then_some(()));
        }
    }

    /// Everything that reached the terminal so far.
    #[must_use]
    pub fn output(&self) -> Vec<u8> {
        self.shared.state().output.clone()
    }

    /// Everything that reached the terminal so far, as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output()).into_owned()
    }

    /// How many bytes reached the terminal so far.
    #[must_use]
    pub fn output_len(&self) -> usize {
        self.shared.state().output.len()
    }

    /// When which part of the output arrived.
    #[must_use]
    pub fn arrivals(&self) -> Vec<Arrival> {
        self.shared.state().arrivals.clone()
    }

    /// Waits until `text` comes after what was waited for before.
    #[track_caller]
    pub fn wait_for(&mut self, text: &str) {
        let mut from = self.seen;
        self.seen = self.wait_output(&format!("{text:?}"), LONG, |state| {
            let found = find(&state.output[from..], text.as_bytes()).map(|at| from + at + text.len());
            // What has been searched once is not searched again, but a match may have begun in it.
            from = from.max((state.output.len() + 1).saturating_sub(text.len()));
            found
        });
    }

    /// Waits until more than what there is now comes out, whatever it is.
    #[track_caller]
    pub fn wait_for_more(&self, than: usize) {
        self.wait_output("more output", LONG, |state| (state.output.len() > than).then_some(()));
    }

    /// Waits until the drawn screen holds `text` in one line: for programs that draw with escape sequences.
    #[track_caller]
    pub fn wait_screen(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        while !self.screen().contains(text) {
            assert!(
                Instant::now() < deadline && (!self.shared.state().closed || self.drawn < self.output_len()),
                "no {text:?} on the screen\n{}",
                self.dump()
            );
            let state = self.shared.state();
            if state.output.len() == self.drawn {
                drop(self.shared.changed.wait_timeout(state, Duration::from_millis(50)));
            }
        }
    }

    /// Waits until the cursor stands behind a prompt at which nothing was typed.
    #[track_caller]
    pub fn wait_prompt(&mut self) {
        let deadline = Instant::now() + LONG;
        while !self.cursor_line().1.ends_with(crate::PROMPT.trim_end()) {
            assert!(Instant::now() < deadline, "no fresh prompt\n{}", self.dump());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Presses Enter and waits until the cursor is in another line: the old prompt is no longer the last one.
    #[track_caller]
    pub fn enter(&mut self) {
        let (row, _) = self.cursor_line();
        self.send("\r");
        let deadline = Instant::now() + LONG;
        while self.cursor_line().0 == row {
            assert!(Instant::now() < deadline, "Enter does nothing\n{}", self.dump());
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// What stands in the row of the cursor, left of it.
    #[must_use]
    pub fn before_cursor(&mut self) -> String {
        self.screen();
        let screen = self.screen.screen();
        let (row, column) = screen.cursor_position();
        screen.rows(0, column).nth(row.into()).unwrap_or_default()
    }

    /// Whether the program has asked for the cursor keys of application mode.
    pub fn wants_application_keys(&mut self) -> bool {
        self.screen();
        self.screen.screen().application_cursor()
    }

    /// For how long nothing has reached the terminal.
    #[must_use]
    pub fn quiet_for(&self) -> Duration {
        let last = self.shared.state().arrivals.last().map(|arrival| arrival.when);
        last.map_or(Duration::ZERO, |when| when.elapsed())
    }

    /// The row of the cursor and what stands in it.
    fn cursor_line(&mut self) -> (u16, String) {
        self.screen();
        let screen = self.screen.screen();
        let (row, _) = screen.cursor_position();
        let (_, columns) = screen.size();
        let line = screen.rows(0, columns.into()).nth(row.into()).unwrap_or_default();
        (row, line.trim_end().to_owned())
    }

    /// Waits until the terminal *inside* the recorder does not echo: a program asks for a secret.
    #[track_caller]
    pub fn wait_no_echo(&self) {
        crate::wait_until("ECHO off inside", LONG, || {
            let inner = process::descendants(self.pid()).into_iter().find_map(process::terminal_modes)?;
            (!inner.local_modes.contains(LocalModes::ECHO)).then_some(())
        });
    }

    /// The screen as a person sees it.
    pub fn screen(&mut self) -> String {
        let output = self.shared.state().output[self.drawn..].to_vec();
        self.screen.process(&output);
        self.drawn += output.len();
        self.screen.screen().contents()
    }

    /// What a program may have changed of the terminal besides its modes: screens, cursor, mouse, paste.
    pub fn switches(&mut self) -> String {
        self.screen();
        let screen = self.screen.screen();
        format!(
            "alternate screen {}, cursor hidden {}, mouse {:?}, paste {}, application keys {} {}",
            screen.alternate_screen(),
            screen.hide_cursor(),
            screen.mouse_protocol_mode(),
            screen.bracketed_paste(),
            screen.application_cursor(),
            screen.application_keypad(),
        )
    }

    /// The style of the cell in that column and row, as far as colours and inversion go.
    pub fn cell_style(&mut self, column: u16, row: u16) -> String {
        self.screen();
        let Some(cell) = self.screen.screen().cell(row, column) else { return String::new() };
        format!("{:?} on {:?}, inverse {}", cell.fgcolor(), cell.bgcolor(), cell.inverse())
    }

    #[track_caller]
    fn wait_output<T>(&self, what: &str, timeout: Duration, mut found: impl FnMut(&State) -> Option<T>) -> T {
        let deadline = Instant::now() + timeout;
        let mut state = self.shared.state();
        loop {
            if let Some(value) = found(&state) {
                return value;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                let why = if state.closed { "the terminal was closed" } else { "time is up" };
                drop(state);
                panic!("waited for {what}, but {why}\n{}", self.dump());
            }
            state = match self.shared.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }

    /// The screen and the last bytes, for a person who wants to know why a test failed.
    #[must_use]
    pub fn dump(&self) -> String {
        let output = self.output();
        let (rows, columns) = self.screen.screen().size();
        let mut parser = vt100::Parser::new(rows, columns, 0);
        let start = output.len().saturating_sub(64 * 1024);
        parser.process(&output[start..]);
        let tail = &output[output.len().saturating_sub(500)..];
        format!("--- screen\n{}\n--- last bytes\n{}\n---", parser.screen().contents(), tail.escape_ascii())
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.screen();
        self.screen.screen_mut().set_size(at_least_one(rows), at_least_one(columns));
        let master = self.master.as_ref().expect("no resize after a hang-up");
        tcsetwinsize(master, window(columns, rows)).expect("resize the terminal");
    }

    /// The modes of the terminal.
    #[must_use]
    pub fn modes(&self) -> Termios {
        tcgetattr(self.master.as_ref().expect("no modes after a hang-up")).expect("the modes of the terminal")
    }

    /// Waits until the program has put the terminal into raw mode: from then on keys are its own.
    #[track_caller]
    pub fn wait_raw(&self) {
        crate::wait_until("raw mode", LONG, || {
            (!self.modes().local_modes.contains(LocalModes::ICANON)).then_some(())
        });
    }

    /// From now on the terminal takes nothing more than fits into the kernel's buffer.
    pub fn stop_reading(&self) {
        self.shared.state().stopped = true;
        self.shared.wake();
    }

    /// The terminal reads again.
    pub fn resume_reading(&self) {
        self.shared.state().stopped = false;
        self.shared.wake();
    }

    /// The terminal goes away, as when its window is closed or the network is gone.
    pub fn hang_up(&mut self) {
        self.shared.state().hung_up = true;
        self.shared.wake();
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader of the terminal ends");
        }
        let master = self.master.take().expect("a terminal hangs up once");
        assert_eq!(Arc::strong_count(&master), 1, "the last descriptor of the terminal");
        drop(master);
    }

    /// Sends a signal to the program alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(self.process(), signal).expect("send a signal");
    }

    fn process(&self) -> Pid {
        let id = i32::try_from(self.child.id()).expect("a process id fits");
        Pid::from_raw(id).expect("a process id is not 0")
    }

    /// Whether the program is running.
    #[must_use]
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("wait for a child").is_none()
    }

    /// Waits for the end of the program and gives its status as a shell shows it, 128 + n for signal n.
    ///
    /// Afterwards the output is complete, unless a process of the session still holds the terminal.
    #[track_caller]
    #[must_use = "assert the exit status"]
    pub fn wait_exit(&mut self, timeout: Duration) -> i32 {
        let deadline = Instant::now() + timeout;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("wait for a child") {
                break status;
            }
            assert!(Instant::now() < deadline, "still running after {timeout:?}\n{}", self.dump());
            thread::sleep(Duration::from_millis(2));
        };
        let deadline = Instant::now() + Duration::from_secs(2);
        let mut state = self.shared.state();
        while !state.closed && !state.stopped && !state.hung_up && Instant::now() < deadline {
            state = match self.shared.changed.wait_timeout(state, Duration::from_millis(20)) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        drop(state);
        shell_code(status)
    }

    /// Waits for a good end.
    #[track_caller]
    pub fn wait_success(&mut self) {
        let status = self.wait_exit(LONG);
        assert_eq!(status, 0, "exit status\n{}", self.dump());
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let family = process::descendants(self.child.id());
        self.child.kill().ok();
        self.child.wait().ok();
        if self.master.is_some() {
            self.hang_up();
        }
        for pid in family {
            process::kill(pid);
        }
    }
}

fn at_least_one(size: u16) -> NonZero<u16> {
    NonZero::new(size).unwrap_or(NonZero::<u16>::MIN)
}

fn emulator(columns: u16, rows: u16) -> vt100::Parser {
    vt100::Parser::new(at_least_one(rows), at_least_one(columns), 0)
}

fn window(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

/// The position of `needle` in `haystack`; memmem by first byte, fast enough for terminals.
fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

fn read_terminal(mut master: &File, shared: &Shared) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let (stopped, hung_up) = {
            let state = shared.state();
            (state.stopped, state.hung_up)
        };
        if hung_up {
            return;
        }
        let wanted = if stopped { PollFlags::empty() } else { PollFlags::IN };
        let mut ready = [
            PollFd::from_borrowed_fd(shared.wake.as_fd(), PollFlags::IN),
            PollFd::from_borrowed_fd(master.as_fd(), wanted),
        ];
        // A stopped terminal is not polled at all: a closed one would report that without end.
        let watched = if stopped { &mut ready[..1] } else { &mut ready[..] };
        match poll(watched, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(err) => panic!("poll the terminal: {err}"),
        }
        if !ready[0].revents().is_empty() {
            let mut counter = [0; 8];
            rustix::io::read(&shared.wake, &mut counter).ok();
            continue;
        }
        if ready[1].revents().is_empty() {
            continue;
        }
        // On Linux the master reports EIO once nobody has the terminal open.
        let length = master.read(&mut buffer).unwrap_or(0);
        let when = Instant::now();
        let mut state = shared.state();
        if length == 0 {
            state.closed = true;
            shared.changed.notify_all();
            return;
        }
        state.output.extend_from_slice(&buffer[..length]);
        let end = state.output.len();
        state.arrivals.push(Arrival { end, when });
        shared.changed.notify_all();
    }
}
