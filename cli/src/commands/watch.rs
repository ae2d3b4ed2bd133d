//! `casemate watch`: a session of this host, while it runs.
//!
//! What the program beside us gives is copied to a file without a name, as one recording, and that is played as it
//! grows. So whoever watches can go back in it as well.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{ChildStdout, ExitCode};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use casemate_host::Joined;
use casemate_player::Recording;
use casemate_player::ui::{Ending, Options, play};

use super::play::status_of;
use crate::failure::{About as _, Failure};
use crate::host_helper::Helper;
use crate::printer::{Printer, colours_welcome};

/// Read at once.
const CHUNK: usize = 64 << 10;

/// When nothing more comes for so long, all that was there has come.
const QUIET: Duration = Duration::from_millis(150);

/// What was recorded so shortly before it was asked for is as good as now.
const NOW: Duration = Duration::from_secs(1);

/// Watch a session of this host
///
/// Shows a session as it goes on, from where it is now, and ends with it. Nothing that you type reaches it. It is shown by
/// the player: go back in it, search it, list its commands; `?` shows all keys, `q` leaves, End catches up.
///
/// Root may, and the groups that `watchers` names in /etc/casemate/config.toml. That you watch is written down in the
/// host log before anything is shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  casemate sessions --running        which sessions there are
  casemate watch 0196a1b2            the beginning of its id, if no other begins so
  casemate watch 0196a1b2 > live     the recorded bytes, as they come")]
pub(crate) struct WatchArgs {
    /// The id of the session, or its beginning
    id: String,
}

pub(crate) fn run(arguments: &WatchArgs, printer: &Printer) -> Result<ExitCode, Failure> {
    let mut request = vec!["--follow".to_owned(), arguments.id.clone()];
    if let Ok(session) = std::env::var(casemate_recorder::SESSION_VARIABLE) {
        request.push(format!("--within={session}"));
    }
    let mut helper = Helper::ask(&request)?;
    let output = helper.output().ok_or_else(|| Failure::new("casemate-shell gives nothing"))?;
    let file = tempfile::tempfile().about("cannot keep what comes")?;
    let copy = Copying::start(output, file.try_clone().about("cannot keep what comes")?)?;
    if !copy.has_begun() {
        copy.finish()?;
        helper.finish()?;
        return Err(Failure::new("the session ended before anything was recorded"));
    }
    let recording = Recording::from_file(&format!("session {}", arguments.id), file)?;
    let options = Options {
        speed: 1.0,
        looping: false,
        idle_limit: None,
        pause_on_markers: false,
        resize: false,
        start_at: None,
        paused: false,
        following: true,
        until: Some(Arc::clone(&copy.is_over)),
        plain: std::env::var_os("TERM").is_some_and(|term| term == "dumb"),
        has_colour: colours_welcome(),
    };
    let ending = play(&recording, &options)?;
    if copy.is_over.load(Ordering::Acquire) {
        copy.finish()?;
        helper.finish()?;
        if ending == Ending::Quit {
            printer.say("the session has ended");
        }
    } else {
        // Who leaves before the end ends the program beside us, and with it what it gives.
        drop(helper);
        copy.finish().ok();
    }
    Ok(status_of(ending))
}

/// What comes, being copied.
struct Copying {
    /// Nothing more comes.
    is_over: Arc<AtomicBool>,
    /// When what came last was recorded, once there is a beginning.
    news: Receiver<u64>,
    thread: JoinHandle<std::io::Result<()>>,
}

impl Copying {
    fn start(from: ChildStdout, to: File) -> Result<Self, Failure> {
        let (told, news) = channel();
        let is_over = Arc::<AtomicBool>::default();
        let joined = Joined::new()?;
        let thread = std::thread::Builder::new().name("watch".into()).spawn({
            let is_over = Arc::clone(&is_over);
            move || {
                let copied = copy(from, to, joined, &told);
                is_over.store(true, Ordering::Release);
                copied
            }
        })?;
        Ok(Self { is_over, news, thread })
    }

    /// Waits until what was there when it was asked for has come; whether there is anything.
    fn has_begun(&self) -> bool {
        let asked = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let Ok(mut last_us) = self.news.recv() else { return false };
        while Duration::from_micros(last_us) + NOW < asked {
            match self.news.recv_timeout(QUIET) {
                Ok(next) => last_us = next,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        true
    }

    fn finish(self) -> Result<(), Failure> {
        match self.thread.join() {
            Ok(copied) => copied.about("cannot keep what comes"),
            Err(_) => Err(Failure::new("copying what comes ended unexpectedly")),
        }
    }
}

fn copy(mut from: ChildStdout, mut to: File, mut joined: Joined, told: &Sender<u64>) -> std::io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = match from.read(&mut chunk) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(&joined.feed(&chunk[..read]))?;
        if let Some(last) = joined.last_us() {
            // Nobody listens any more once the player runs.
            told.send(last).ok();
        }
    }
}
