//! Standard input that is not the program's alone: what it does not read is there for whoever reads next.

use std::io::{Read as _, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::tests;
use crate::wrapped::{Place, bare, exchange, noise, piped, wait_for};

tests![
    what_the_program_does_not_read_is_left,
    a_loop_keeps_its_list,
    what_it_reads_it_reads_once,
    what_is_recorded_is_what_was_read,
    what_was_read_stands_before_what_came_of_it,
    what_is_left_behind_goes_on_reading,
    a_writer_is_told_of_the_end,
    nothing_is_taken_from_another_reader,
    much_is_moved,
    packets_stay_packets,
    a_pipe_that_does_not_wait_stays_so,
];

/// A shell that runs this, `$0` being the wrapper, with pipes.
fn around(place: &Place, script: &str, argv: &[&str]) -> Command {
    let wrapper = place.wrap(argv);
    let mut shell = Command::new("bash");
    shell.args(["-c", script]).arg(wrapper.get_program()).args(wrapper.get_args());
    shell.envs(wrapper.get_envs().filter_map(|(name, value)| Some((name, value?))));
    piped(shell)
}

fn what_the_program_does_not_read_is_left() {
    for how in ["", "content"] {
        for (read, input, taken) in [
            ("read x; echo $x", "a\nb\nc\n".to_owned(), 2),
            ("head -c 5000 | wc -c", "0123456789".repeat(2000), 5000),
            ("exec <&-; true", "a\nb\n".to_owned(), 0),
            (":", "x".repeat(300_000), 0),
            ("dd bs=1 count=4097 status=none | wc -c", "12345\n".repeat(50_000), 4097),
            ("read x; kill -KILL $$", "a\nb\n".to_owned(), 2),
        ] {
            let argv = ["bash", "-c", read];
            let place = Place::recording(how);
            let alone = exchange(after_alone(&argv).spawn().unwrap(), input.as_bytes());
            let given = exchange(around(&place, REST, &argv).spawn().unwrap(), input.as_bytes());
            assert_eq!(given.text().0, alone.text().0, "{read}");
            assert_eq!(place.traffic().0[0], Some(taken), "{read}");
        }
    }
}

const REST: &str = "\"$0\" \"$@\" 2>/dev/null; echo rest; cat";

fn after_alone(argv: &[&str]) -> Command {
    let mut shell = Command::new("bash");
    shell.args(["-c", REST]).args(argv);
    piped(shell)
}

fn a_loop_keeps_its_list() {
    let place = Place::new();
    let script =
        "while read host; do TEST_PIPES_RECORDING=$TEST_PIPES_RECORDING-$host \"$0\" \"$@\" $host; done";
    let list: String = (1..=40).map(|host| format!("host-{host}\n")).collect();
    let given = exchange(
        around(&place, script, &["bash", "-c", "echo on $1", "x"]).spawn().unwrap(),
        list.as_bytes(),
    );
    let all: String = (1..=40).map(|host| format!("on host-{host}\n")).collect();
    assert_eq!(given.text(), (all.as_str(), ""));
}

fn what_it_reads_it_reads_once() {
    // However it is cut.
    let input = noise(17 << 20);
    for size in ["4000", "4096", "65536", "5000000"] {
        let place = Place::new();
        let script = format!("dd bs={size} status=none");
        let mut child = place.bash(&script).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let out = std::thread::scope(|scope| {
            scope.spawn(|| {
                for piece in input.chunks(77_777) {
                    stdin.write_all(piece).unwrap();
                }
                drop(stdin);
            });
            let mut out = Vec::new();
            child.stdout.as_mut().unwrap().read_to_end(&mut out).unwrap();
            out
        });
        assert!(child.wait().unwrap().success() && out == input, "{size}: {}", out.len());
        assert_eq!(place.traffic().0[..2], [Some(input.len() as u64); 2]);
    }
}

fn what_is_recorded_is_what_was_read() {
    let place = Place::recording("content");
    let script = "read x; read y; echo $x $y";
    let given = exchange(around(&place, REST, &["bash", "-c", script]).spawn().unwrap(), b"a\nb\nc\n");
    assert_eq!(given.text().0, "a b\nrest\nc\n");
    assert_eq!(place.content("i"), "a\nb\n");
}

fn what_was_read_stands_before_what_came_of_it() {
    let place = Place::recording("content");
    let script = "for n in 1 2 3; do read x; echo said $x; sleep 0.5; done";
    let given = exchange(place.bash(script).spawn().unwrap(), b"a\nb\nc\nd\n");
    assert_eq!(given.text().0, "said a\nsaid b\nsaid c\n");
    let events = place.events();
    let passed: Vec<_> = events.iter().filter(|event| ["i", "o"].contains(&event.0.as_str())).collect();
    let passed: Vec<_> = passed.iter().map(|event| format!("{} {}", event.0, event.1.trim_end())).collect();
    assert_eq!(passed, ["i a", "o said a", "i b", "o said b", "i c", "o said c"]);
}

fn what_is_left_behind_goes_on_reading() {
    let place = Place::new();
    let told = place.path().join("told");
    // What runs in the background reads on when the program has ended.
    let script = format!(
        "exec 3<&0; (until [ -e {0}-go ]; do sleep 0.01; done; read y; echo $y >{0}; cat >>{0}) <&3 >/dev/null 2>&1 & read x; echo $x",
        told.display()
    );
    let mut child = place.bash(&script).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"a\nb\n").unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "a\n");
    assert!(child.wait().unwrap().success());
    std::fs::write(format!("{}-go", told.display()), "").unwrap();
    wait_for("it reads", || std::fs::read_to_string(&told).is_ok_and(|text| text == "b\n"));
    stdin.write_all(b"c\n").unwrap();
    drop(stdin);
    // At its end it was six bytes; when the program ended, two.
    assert_eq!(place.traffic().0[0], Some(6));
    assert_eq!(std::fs::read_to_string(&told).unwrap(), "b\nc\n");
    let events = place.events();
    let first = events.iter().find(|event| event.0 == "traffic").unwrap();
    assert!(first.1.contains("\"in\":2"), "{}", first.1);
}

fn a_writer_is_told_of_the_end() {
    let place = Place::new();
    let mut child = around(&place, "\"$0\" \"$@\"", &["bash", "-c", "read x"]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    wait_for("nobody reads", || stdin.write_all(b"line\n").is_err());
    child.wait().unwrap();
    assert_eq!(place.traffic().0[0], Some(5));
}

fn nothing_is_taken_from_another_reader() {
    let place = Place::new();
    let told = place.path().join("told");
    // While the program looks at what it was lent, somebody else reads all of it, and more comes.
    let script = format!(
        "\"$0\" \"$@\" <&0 & exec 4<&0; until [ -e {0}-ready ]; do sleep 0.01; done; read -u 4 x; echo other $x; wait; cat <&4",
        told.display()
    );
    let program = format!(
        "python3 -c 'import select; select.select([0], [], [])'; touch {0}-ready; until [ -e {0}-go ]; do sleep 0.01; done; read y",
        told.display()
    );
    if !crate::wrapped::has("python3") {
        return;
    }
    let mut child = around(&place, &script, &["bash", "-c", &program]).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\n").unwrap();
    let mut line = [0; 10];
    child.stdout.as_mut().unwrap().read_exact(&mut line).unwrap();
    assert_eq!(&line, b"other one\n");
    stdin.write_all(b"two\n").unwrap();
    std::fs::write(format!("{}-go", told.display()), "").unwrap();
    std::thread::sleep(Duration::from_millis(50));
    drop(stdin);
    let mut rest = String::new();
    child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "two\n", "what came later is not lost");
    assert!(child.wait().unwrap().success());
}

fn much_is_moved() {
    let place = Place::new();
    let input = noise(64 << 20);
    let given = exchange(place.bash("cat").spawn().unwrap(), &input);
    assert!(given.out == input);
    assert_eq!(place.traffic().0[..2], [Some(input.len() as u64); 2]);
}

/// Sends packets, and gives what the program and whoever comes behind it made of them.
fn packets(mut command: Command) -> String {
    let (reader, writer) = pipe_with(PipeFlags::DIRECT | PipeFlags::CLOEXEC).unwrap();
    let child = command.stdin(reader).stdout(Stdio::piped()).spawn().unwrap();
    drop(command);
    let mut writer = std::fs::File::from(writer);
    for packet in ["first", "second", "third", "fourth"] {
        writer.write_all(packet.as_bytes()).unwrap();
    }
    drop(writer);
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

fn packets_stay_packets() {
    if !crate::wrapped::has("python3") {
        return;
    }
    let read = "import os; print(os.read(0, 2), os.read(0, 100), flush=True)";
    let rest =
        "\"$0\" \"$@\"; exec python3 -c 'import os; print(os.read(0, 100), os.read(0, 100), os.read(0, 1))'";
    for how in ["", "content"] {
        let place = Place::recording(how);
        let wrapped = packets(around(&place, rest, &["python3", "-c", read]));
        assert_eq!(wrapped, "b'fi' b'second'\nb'third' b'fourth' b''\n");
        assert_eq!(place.traffic().0[0], Some(11));
    }
}

fn a_pipe_that_does_not_wait_stays_so() {
    if !crate::wrapped::has("python3") {
        return;
    }
    let script = "import os\ntry: os.read(0, 1)\nexcept BlockingIOError: print('not yet')\n\
                  print(os.get_blocking(0), os.get_blocking(1))";
    let argv = ["python3", "-c", script];
    let place = Place::new();
    let run = |command: Command| {
        let mut command = command;
        let (reader, writer) = std::io::pipe().unwrap();
        fcntl_setfl(&reader, OFlags::NONBLOCK).unwrap();
        let child = command.stdin(reader).spawn().unwrap();
        drop(command);
        let output = child.wait_with_output().unwrap();
        drop(writer);
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(run(bare(&argv)), "not yet\nFalse True\n");
    assert_eq!(run(piped(place.wrap(&argv))), "not yet\nFalse True\n");
}
