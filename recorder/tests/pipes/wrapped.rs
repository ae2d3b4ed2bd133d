//! This very program, as a wrapper around another one: started again, it records before anything else.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use casemate_cast_format::segment::{Unpacked, Unpacker, UnpackerConfig};
use casemate_cast_format::{Decoder, Header, Item, Traffic};
use casemate_recorder::{
    Existing, Identity, Output, PipedOptions, Program, RecordError, Unrecorded, record_pipes,
};

/// Where this program, as a wrapper, records to.
const RECORDING: &str = "TEST_PIPES_RECORDING";

/// How it does: `content`, `limited`, `goes-on`.
const HOW: &str = "TEST_PIPES_HOW";

/// How much content of each stream is recorded, if it is limited.
pub(crate) const LIMIT: u64 = 100_000;

/// Where it writes how much time of a processor the keeper took, in microseconds.
const CPU: &str = "TEST_PIPES_CPU";

/// Longer than anything takes, however busy the machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Records, if that is what this was started for.
pub(crate) fn record_if_asked() -> Option<ExitCode> {
    let recording = std::env::var_os(RECORDING)?;
    let how = std::env::var(HOW).unwrap_or_default();
    let mut program = Program::new(std::env::args_os().skip(1).collect());
    [RECORDING, HOW, CPU].iter().for_each(|own| program.env.remove(own));
    let options = PipedOptions {
        program,
        facts: Identity::default().facts(None),
        output: Output::File(recording.into(), Existing::Refuse),
        content: how.contains("content").then(|| if how.contains("limited") { LIMIT } else { u64::MAX }),
        capture_env: Vec::new(),
        signing_key: None,
        unrecorded: if how.contains("goes-on") { Unrecorded::GoesOn } else { Unrecorded::Ends },
    };
    Some(match record_pipes(&options, || Ok(None), |_| ()) {
        Ok(_) => {
            if let Some(file) = std::env::var_os(CPU) {
                let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
                let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
                let cpu = micros(usage.user_time()) + micros(usage.system_time());
                std::fs::write(file, cpu.to_string()).unwrap();
            }
            ExitCode::SUCCESS
        }
        Err(error @ RecordError::Start { .. }) => {
            eprintln!("{error}");
            ExitCode::from(127)
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(70)
        }
    })
}

/// A folder for a recording.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    how: &'static str,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::recording("")
    }

    pub(crate) fn recording(how: &'static str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), how }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("x.cast.zst")
    }

    /// The wrapper around a program.
    pub(crate) fn wrap(&self, argv: &[&str]) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(argv).env(RECORDING, self.file()).env(HOW, self.how).env(CPU, self.path().join("cpu"));
        command
    }

    /// How long the keeper had a processor.
    pub(crate) fn cpu(&self) -> Duration {
        let mut micros = None;
        wait_for("the keeper is gone", || {
            let text = std::fs::read_to_string(self.path().join("cpu")).unwrap_or_default();
            micros = text.parse().ok();
            micros.is_some()
        });
        Duration::from_micros(micros.unwrap())
    }

    /// The wrapper around a script of bash, with pipes.
    pub(crate) fn bash(&self, script: &str) -> Command {
        piped(self.wrap(&["bash", "-c", script]))
    }

    /// What was recorded; waits until the keeper is done.
    pub(crate) fn events(&self) -> Vec<(String, String)> {
        let end = Instant::now() + PATIENCE;
        loop {
            let events = self.events_so_far();
            if events.last().is_some_and(|(code, _)| code == "end") {
                return events;
            }
            let codes = || events.iter().map(|event| event.0.as_str()).collect::<Vec<_>>();
            assert!(Instant::now() < end, "the recording has no end: {:?}", codes());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn events_so_far(&self) -> Vec<(String, String)> {
        self.read().1
    }

    pub(crate) fn header(&self) -> Header {
        self.read().0.unwrap()
    }

    fn read(&self) -> (Option<Header>, Vec<(String, String)>) {
        let mut unpacker = Unpacker::new(UnpackerConfig::default()).unwrap();
        let mut text = Vec::new();
        let mut sink = |unpacked: Unpacked<'_>| {
            if let Unpacked::Text(bytes) = unpacked {
                text.extend_from_slice(bytes);
            }
        };
        unpacker.feed(&std::fs::read(self.file()).unwrap(), &mut sink);
        unpacker.finish(&mut sink);
        let mut decoder = Decoder::new();
        decoder.feed(&text);
        decoder.finish();
        let (mut header, mut events) = (None, Vec::new());
        while let Some(item) = decoder.next_item() {
            match item {
                Item::Event(event) => {
                    events.push((event.code.as_str().to_owned(), event.data.decode().into_owned()));
                }
                Item::Header(found) => header = Some(*found),
                Item::Comment(_) => {}
                Item::Defect(defect) => panic!("{defect}"),
            }
        }
        (header, events)
    }

    /// The last that is said of traffic, and the status.
    #[track_caller]
    pub(crate) fn traffic(&self) -> ([Option<u64>; 3], String) {
        let events = self.events();
        let last = |code: &str| events.iter().rfind(|event| event.0 == code).map(|event| event.1.clone());
        let Traffic { input, output, error } = Traffic::parse(&last("traffic").unwrap()).unwrap();
        ([input, output, error], last("x").unwrap())
    }

    /// The exact bytes that were recorded of input, output and errors.
    pub(crate) fn streams(&self) -> [Vec<u8>; 3] {
        let (mut streams, mut last) = ([const { Vec::new() }; 3], None);
        for (code, data) in self.events() {
            if code == "bytes" {
                let (stream, begin): (usize, usize) = last.expect("an event before it");
                let exact = STANDARD.decode(&data).unwrap();
                streams[stream].truncate(begin);
                streams[stream].extend(exact);
            }
            last = ["i", "o", "err"].iter().position(|one| *one == code).map(|at| (at, streams[at].len()));
            if let Some((stream, _)) = last {
                streams[stream].extend(data.as_bytes());
            }
        }
        streams
    }

    /// What was recorded of one stream.
    pub(crate) fn content(&self, code: &str) -> String {
        self.events().into_iter().filter(|event| event.0 == code).map(|event| event.1).collect()
    }
}

/// A command that a shell becomes when it has done this before.
pub(crate) fn after(before: &str, command: &Command) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", &format!("{before}; exec \"$0\" \"$@\"")]);
    shell.arg(command.get_program()).args(command.get_args());
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    piped(shell)
}

pub(crate) fn piped(mut command: Command) -> Command {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The program without us, with pipes.
pub(crate) fn bare(argv: &[&str]) -> Command {
    let mut command = Command::new(argv[0]);
    command.args(&argv[1..]);
    piped(command)
}

/// What a program gave, that was given something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Given {
    pub(crate) out: Vec<u8>,
    pub(crate) err: Vec<u8>,
    pub(crate) status: std::process::ExitStatus,
}

impl Given {
    pub(crate) fn text(&self) -> (&str, &str) {
        (std::str::from_utf8(&self.out).unwrap(), std::str::from_utf8(&self.err).unwrap())
    }

    pub(crate) fn text_of_errors(&self) -> &str {
        std::str::from_utf8(&self.err).unwrap()
    }
}

/// Gives all of that to a program, and takes all that it gives.
pub(crate) fn exchange(child: Child, input: &[u8]) -> Given {
    let mut child = child;
    let (mut stdin, mut stdout, mut stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let take = |from: Option<&mut dyn Read>| {
        let mut bytes = Vec::new();
        from.map(|from| from.read_to_end(&mut bytes).unwrap());
        bytes
    };
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if let Some(stdin) = &mut stdin {
                // Whoever wants no more of it says so by ending.
                stdin.write_all(input).unwrap_or(());
            }
        });
        let err = scope.spawn(move || take(stderr.as_mut().map(|stderr| stderr as &mut dyn Read)));
        let out = take(stdout.as_mut().map(|stdout| stdout as &mut dyn Read));
        Given { out, err: err.join().unwrap(), status: child.wait().unwrap() }
    })
}

/// As sshd does: one connection for input and output, one for errors.
pub(crate) fn on_connections(mut command: Command) -> (Child, UnixStream, UnixStream) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (our_err, their_err) = UnixStream::pair().unwrap();
    let theirs = OwnedFd::from(theirs);
    command.stdin(theirs.try_clone().unwrap()).stdout(theirs).stderr(OwnedFd::from(their_err));
    let child = command.spawn().unwrap();
    drop(command);
    (child, ours, our_err)
}

/// Bytes in which everything occurs.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_ne_bytes());
    }
    bytes.truncate(length);
    bytes
}

/// Waits for something to become so.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Whether there is such a program; where tools are required, there has to be.
pub(crate) fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    assert!(found || std::env::var_os("CASEMATE_REQUIRE_TOOLS").is_none(), "{program} is missing");
    if !found {
        println!("skipped: {program} is missing");
    }
    found
}
