//! Whoever is gone at one end is gone at the other.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use nix::libc::{SIGPIPE, SIGTERM};

use crate::tests;
use crate::wrapped::{Place, exchange, on_connections, wait_for};

tests![
    a_writer_without_a_reader_dies_of_it,
    a_reader_that_goes_is_noticed_while_nothing_flows,
    a_program_that_reads_no_more_stops_its_writer,
    an_end_of_input_is_passed_on,
    an_end_of_output_is_passed_on_before_the_program_ends,
    half_a_connection_is_closed_by_either_side,
    a_connection_that_goes_is_noticed,
    how_it_ends_is_how_we_end,
    what_cannot_be_started_is_said,
];

fn a_writer_without_a_reader_dies_of_it() {
    let place = Place::new();
    let mut child = place.wrap(&["yes"]).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut some = vec![0; 300_000];
    child.stdout.take().unwrap().read_exact(&mut some).unwrap();
    assert!(some.chunks(2).all(|line| line == b"y\n"));
    assert_eq!(child.wait().unwrap().signal(), Some(SIGPIPE));
    assert_eq!(place.traffic().1, (128 + SIGPIPE).to_string());
}

fn a_reader_that_goes_is_noticed_while_nothing_flows() {
    let place = Place::new();
    // The first write after that fails, however little was written before.
    let script =
        "trap '' PIPE; read gone; for n in {1..500}; do echo x 2>/dev/null || exit 7; sleep 0.01; done";
    let mut child = place.bash(script).spawn().unwrap();
    drop(child.stdout.take());
    std::thread::sleep(Duration::from_secs(1));
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));
    assert_eq!(place.traffic().0[1], Some(0), "not one byte was taken");
}

fn a_program_that_reads_no_more_stops_its_writer() {
    let place = Place::new();
    let mut child = place.bash("exec 0<&-; echo closed; sleep 60").spawn().unwrap();
    let mut line = [0; 7];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    let mut stdin = child.stdin.take().unwrap();
    wait_for("the writer is stopped", || match stdin.write_all(b"x") {
        Ok(()) => false,
        Err(error) => error.kind() == ErrorKind::BrokenPipe,
    });
    nix::sys::signal::kill(pid(&child), nix::sys::signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().signal(), Some(SIGTERM));
}

fn an_end_of_input_is_passed_on() {
    let place = Place::new();
    let mut child = place.bash("cat >/dev/null; echo end").spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"some").unwrap();
    assert_eq!(exchange(child, b"").text(), ("end\n", ""));
}

fn an_end_of_output_is_passed_on_before_the_program_ends() {
    let place = Place::new();
    let mut child = place.bash("echo last; exec 1>&-; read go").spawn().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "last\n");
    assert_eq!(child.try_wait().unwrap(), None);
    assert!(exchange(child, b"go\n").status.success());
}

/// Closes its output for the other side, and goes on reading, or the other way round.
const HALVES: &str = r#"
import os, socket, sys, time
s = socket.socket(fileno=os.dup(0))
if sys.argv[1] == "output":
    os.write(1, b"last"); s.shutdown(socket.SHUT_WR)
    rest = b""
    while more := os.read(0, 100): rest += more
    os._exit(len(rest))
else:
    os.write(1, b"first"); s.shutdown(socket.SHUT_RD)
    while True:
        if os.read(0, 100) == b"": break
    while not os.path.exists(sys.argv[2]): time.sleep(0.01)
    os.write(1, b"last"); os._exit(9)
"#;

fn half_a_connection_is_closed_by_either_side() {
    if !crate::wrapped::has("python3") {
        return;
    }
    let place = Place::new();
    let (mut child, mut connection, _errors) =
        on_connections(place.wrap(&["python3", "-c", HALVES, "output"]));
    let mut out = String::new();
    connection.read_to_string(&mut out).unwrap();
    assert_eq!(out, "last");
    assert_eq!(child.try_wait().unwrap(), None, "it still reads");
    connection.write_all(b"seven..").unwrap();
    connection.shutdown(Shutdown::Write).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(7));

    let place = Place::new();
    let told = place.path().join("told");
    let (mut child, mut connection, _errors) =
        on_connections(place.wrap(&["python3", "-c", HALVES, "input", told.to_str().unwrap()]));
    let mut first = [0; 5];
    connection.read_exact(&mut first).unwrap();
    let mut stopped = false;
    // What is written before that is known is lost, as without us.
    for _ in 0..1000 {
        stopped = connection.write_all(b"x").is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        if stopped {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    std::fs::write(told, "").unwrap();
    let mut out = String::new();
    connection.read_to_string(&mut out).unwrap();
    assert_eq!((out.as_str(), child.wait().unwrap().code()), ("last", Some(9)));
    assert!(stopped, "the writer is never told");
}

fn a_connection_that_goes_is_noticed() {
    let place = Place::new();
    let (mut child, connection, _errors) = on_connections(place.bash("while echo x; do sleep 0.01; done"));
    drop(connection);
    assert_eq!(child.wait().unwrap().signal(), Some(SIGPIPE));
    let place = Place::new();
    let (mut child, connection, _errors) = on_connections(place.bash("cat; exit 4"));
    drop(connection);
    assert_eq!(child.wait().unwrap().code(), Some(4));
}

fn how_it_ends_is_how_we_end() {
    for (script, code, signal, said) in [
        ("exit 0", Some(0), None, "0"),
        ("exit 255", Some(255), None, "255"),
        ("kill -TERM $$", None, Some(15), "143"),
        ("kill -KILL $$", None, Some(9), "137"),
        ("ulimit -c 0; kill -SEGV $$", None, Some(11), "139"),
        ("kill -USR2 $$", None, Some(12), "140"),
        ("kill -40 $$", None, Some(40), "168"),
    ] {
        let place = Place::new();
        let given = exchange(place.bash(script).spawn().unwrap(), b"");
        assert_eq!((given.status.code(), given.status.signal()), (code, signal), "{script}");
        assert_eq!(place.traffic().1, said);
    }
}

fn what_cannot_be_started_is_said() {
    let place = Place::new();
    let given = exchange(crate::wrapped::piped(place.wrap(&["/nowhere/sh"])).spawn().unwrap(), b"");
    assert_eq!(given.status.code(), Some(127));
    assert!(given.text().1.starts_with("cannot start `/nowhere/sh`: "), "{}", given.text().1);
    assert!(!place.file().exists());
    // What is only found where it begins.
    let script = place.path().join("script");
    std::fs::write(&script, "#!/nowhere/interpreter\n").unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let given =
        exchange(crate::wrapped::piped(place.wrap(&[script.to_str().unwrap()])).spawn().unwrap(), b"");
    assert_eq!(given.status.code(), Some(127));
    assert!(given.text().1.contains("No such file"), "{}", given.text().1);
    assert!(!place.file().exists());
}

pub(crate) fn pid(child: &std::process::Child) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap())
}
