//! What passes is what would pass without us, and what was started finds what it would find.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::process::Stdio;

use crate::tests;
use crate::wrapped::{LIMIT, Place, after, bare, exchange, noise, on_connections};

tests![
    pipes_carry_everything,
    connections_carry_everything,
    content_is_recorded_exactly,
    bytes_are_recorded_once,
    content_is_recorded_to_its_limit,
    one_pipe_for_both_keeps_the_order,
    files_are_handed_through_and_counted,
    what_is_closed_stays_closed,
    the_program_finds_what_it_would_find,
    nothing_of_ours_is_open_in_it,
    two_hundred_quick_ones,
    a_gibibyte_costs_half_a_second_at_most,
];

const MUCH: usize = 64 << 20;

fn pipes_carry_everything() {
    let place = Place::new();
    let input = noise(MUCH);
    let given = exchange(place.bash("tee /dev/stderr").spawn().unwrap(), &input);
    assert!(given.out == input && given.err == input && given.status.success());
    assert_eq!(place.traffic(), ([Some(MUCH as u64); 3], "0".into()));
    assert_eq!(place.events()[0].0, "exec");
    assert!(std::fs::metadata(place.file()).unwrap().len() < 4096);
}

fn connections_carry_everything() {
    let place = Place::new();
    let input = noise(MUCH);
    let (mut child, connection, mut errors) = on_connections(place.bash("cat; head -c 300000 /dev/zero >&2"));
    let (out, err) = std::thread::scope(|scope| {
        scope.spawn(|| {
            (&connection).write_all(&input).unwrap();
            connection.shutdown(Shutdown::Write).unwrap();
        });
        let err = scope.spawn(move || {
            let mut err = Vec::new();
            errors.read_to_end(&mut err).unwrap();
            err
        });
        let mut out = Vec::new();
        (&connection).read_to_end(&mut out).unwrap();
        (out, err.join().unwrap())
    });
    assert!(child.wait().unwrap().success());
    assert!(out == input, "{} of {}", out.len(), input.len());
    assert!(err == vec![0; 300_000]);
    assert_eq!(place.traffic(), ([Some(MUCH as u64), Some(MUCH as u64), Some(300_000)], "0".into()));
}

fn content_is_recorded_exactly() {
    let place = Place::recording("content");
    let given =
        exchange(place.bash("cat; printf 'bad\\377\\n' >&2; exit 3").spawn().unwrap(), "€ in\n".as_bytes());
    assert_eq!((given.out.as_slice(), given.err.as_slice()), ("€ in\n".as_bytes(), &b"bad\xff\n"[..]));
    assert_eq!(given.status.code(), Some(3));
    assert_eq!(place.header().terminal(), casemate_terminal::NO_TERMINAL);
    assert_eq!(place.content("i"), "€ in\n");
    assert_eq!(place.content("o"), "€ in\n");
    assert_eq!(place.content("err"), "bad\u{fffd}\n");
    assert_eq!(place.content("bytes"), "YmFk/wo=");
    assert_eq!(place.traffic(), ([Some(7), Some(7), Some(5)], "3".into()));

    let place = Place::recording("content");
    let text = "0123456789abcde\n".repeat(1 << 19);
    let given = exchange(place.bash("cat").spawn().unwrap(), text.as_bytes());
    assert!(given.out == text.as_bytes());
    assert!(place.content("o") == text && place.content("i") == text);
}

fn bytes_are_recorded_once() {
    let place = Place::recording("content");
    let input = noise(4 << 20);
    let given = exchange(place.bash("tee /dev/stderr").spawn().unwrap(), &input);
    assert!(given.out == input && given.err == input);
    let streams = place.streams();
    assert!(streams.iter().all(|stream| *stream == input), "{:?}", streams.map(|stream| stream.len()));
    let length: usize = place.events().iter().map(|event| event.1.len()).sum();
    assert!(length < 3 * (input.len() * 4 / 3) * 101 / 100, "{length}");
}

fn content_is_recorded_to_its_limit() {
    for (limit, much) in [(usize::try_from(LIMIT).unwrap(), 20 << 20), (1000, 1000)] {
        let place = Place::recording("content limited");
        let input = noise(much);
        let given = exchange(place.bash("cat; echo done >&2").spawn().unwrap(), &input);
        assert!(given.out == input && given.status.success());
        let [stdin, stdout, stderr] = place.streams();
        assert!(stdin == input[..limit] && stdout == stdin && stderr == b"done\n");
        let gaps: Vec<_> = place.events().into_iter().filter(|event| event.0 == "gap").collect();
        let wanted = |key: &str, bytes: usize| {
            ["in", "out"].map(|stream| {
                format!(
                    "{{\"what\":\"beyond the limit, not recorded\",\"stream\":\"{stream}\",\"{key}\":{bytes}}}"
                )
            })
        };
        let wanted = [wanted("limit", limit), wanted("bytes", much - limit)].concat();
        let mut told: Vec<_> = gaps.into_iter().map(|gap| gap.1).collect();
        assert_eq!(told.len(), if much > limit { 4 } else { 0 });
        told.sort_by_key(|gap| gap.contains("bytes"));
        told.chunks_mut(2).for_each(<[_]>::sort);
        assert!(told.is_empty() || told == wanted, "{told:?}");
        assert_eq!(place.traffic().0[..2], [Some(much as u64); 2]);
    }
}

fn one_pipe_for_both_keeps_the_order() {
    let place = Place::new();
    let script = "for n in {1..500}; do echo out $n; echo err $n >&2; done";
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = place.wrap(&["bash", "-c", script]);
    command.stdin(Stdio::null()).stdout(writer.try_clone().unwrap()).stderr(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    let expected: String = (1..=500).map(|n| format!("out {n}\nerr {n}\n")).collect();
    assert_eq!(text, expected);
    assert!(child.wait().unwrap().success());
    assert_eq!(place.traffic().0, [None, Some(expected.len() as u64), None]);
}

fn files_are_handed_through_and_counted() {
    let place = Place::new();
    let (from, to) = (place.path().join("from"), place.path().join("to"));
    std::fs::write(&from, "one\ntwo\nthree\n").unwrap();
    let mut command = place.wrap(&["bash", "-c", "read line; echo $line; readlink /proc/self/fd/0 >&2"]);
    let to_file = std::fs::File::create(&to).unwrap();
    command.stdin(std::fs::File::open(&from).unwrap()).stdout(to_file).stderr(Stdio::piped());
    let given = exchange(command.spawn().unwrap(), b"");
    assert_eq!(given.text().1.trim_end(), from.to_str().unwrap());
    assert_eq!(std::fs::read_to_string(&to).unwrap(), "one\n");
    let ([input, output, errors], _) = place.traffic();
    // bash goes back to the end of the line.
    assert_eq!((input, output, errors), (Some(4), Some(4), Some(given.err.len() as u64)));
}

fn what_is_closed_stays_closed() {
    let script =
        "for fd in 0 1 2; do [ -e /proc/$$/fd/$fd ] && echo open $fd >>$1 || echo closed $fd >>$1; done";
    for (close, which) in [
        ("exec 0<&-", &[0_usize][..]),
        ("exec 1>&-", &[1]),
        ("exec 2>&-", &[2]),
        ("exec 0<&- 1>&- 2>&-", &[0, 1, 2]),
    ] {
        let place = Place::new();
        let told = ["bare", "wrapped"].map(|name| place.path().join(name));
        let [bare_told, wrapped_told] = told.each_ref().map(|path| path.to_str().unwrap());
        let argv = |told| ["bash", "-c", script, "x", told];
        exchange(after(close, &bare(&argv(bare_told))).spawn().unwrap(), b"");
        let given = exchange(after(close, &place.wrap(&argv(wrapped_told))).spawn().unwrap(), b"");
        let [bare_told, wrapped_told] = told.map(|path| std::fs::read_to_string(path).unwrap());
        assert_eq!(wrapped_told, bare_told, "{which:?}");
        assert!(wrapped_told.contains(&format!("closed {}", which[0])));
        assert!(given.status.success());
        let traffic = place.traffic().0;
        assert!(which.iter().all(|&descriptor| traffic[descriptor].is_none()));
    }
}

/// Of `/proc/self/status` and its like, what is said of what a program begins with.
const FACTS: &str = "grep -E '^(Sig(Blk|Ign)|Umask|NSpgid|NSsid)' /proc/self/status; ulimit -a; pwd; \
                     env -0 | sort -z | tr '\\0' '\\n'";

fn the_program_finds_what_it_would_find() {
    for prepare in [
        ":",
        "umask 027; ulimit -n 77; cd /usr; export X='a b' Y=",
        "trap '' PIPE HUP",
        "trap '' INT QUIT TERM USR1",
        "exec env --ignore-signal=CHLD --block-signal=USR1,HUP,CHLD,RTMIN+3 \"$0\" \"$@\"",
    ] {
        let place = Place::new();
        let alone = exchange(after(prepare, &bare(&["bash", "-c", FACTS])).spawn().unwrap(), b"");
        let given = exchange(after(prepare, &place.wrap(&["bash", "-c", FACTS])).spawn().unwrap(), b"");
        let differing = |text: &str| -> Vec<String> {
            text.lines().filter(|line| !line.starts_with("_=")).map(str::to_owned).collect()
        };
        assert_eq!(differing(given.text().0), differing(alone.text().0), "{prepare}");
        assert_eq!(given.text().1, "");
    }
}

fn nothing_of_ours_is_open_in_it() {
    let script = "exec 2>/dev/null; ls -1 /proc/$$/fd; readlink /proc/$$/fd/7";
    let (open, place) = ("exec 7</etc/passwd", Place::new());
    let argv = ["bash", "-c", script];
    let alone = exchange(after(open, &bare(&argv)).spawn().unwrap(), b"");
    let wrapped = exchange(after(open, &place.wrap(&argv)).spawn().unwrap(), b"");
    assert_eq!(wrapped, alone);
    assert!(wrapped.text().0.ends_with("/etc/passwd\n"));
}

fn two_hundred_quick_ones() {
    for round in 0..200 {
        let place = Place::new();
        let script = format!("read line; echo \"$line {round}\"; echo no >&2; exit {}", round % 100);
        let given = exchange(place.bash(&script).spawn().unwrap(), b"yes\n");
        assert_eq!(given.text(), (format!("yes {round}\n").as_str(), "no\n"));
        assert_eq!(given.status.code(), Some(round % 100));
        // The wrapper ends when it is written.
        let events = place.events_so_far();
        let codes: Vec<_> = events.iter().map(|event| event.0.as_str()).collect();
        assert_eq!(codes, ["exec", "traffic", "x", "end"], "round {round}");
        assert_eq!(place.traffic().0, [Some(4), Some(given.out.len() as u64), Some(3)]);
    }
}

/// Of the recorder's own time; what whoever writes and reads takes is theirs.
fn a_gibibyte_costs_half_a_second_at_most() {
    if std::env::var_os("CASEMATE_SLOW_TESTS").is_none() {
        println!("skipped: CASEMATE_SLOW_TESTS=1 runs it");
        return;
    }
    const SCRIPT: &str = "head -c 1G /dev/zero";
    let drain = |mut from: Box<dyn std::io::Read>| {
        let (mut buffer, mut total) = (vec![0; 1 << 20], 0);
        loop {
            match from.read(&mut buffer).unwrap() {
                0 => return total,
                bytes => total += bytes,
            }
        }
    };
    for what in ["pipe", "socket"] {
        let place = Place::new();
        let (mut child, from): (_, Box<dyn std::io::Read>) = if what == "socket" {
            let (child, connection, _errors) = on_connections(place.bash(SCRIPT));
            (child, Box::new(connection))
        } else {
            let mut child = place.bash(SCRIPT).spawn().unwrap();
            let stdout = child.stdout.take().unwrap();
            (child, Box::new(stdout))
        };
        assert_eq!(drain(from), 1 << 30);
        assert!(child.wait().unwrap().success());
        let cpu = place.cpu();
        println!("{what}: {cpu:?} for a GiB");
        assert!(cpu <= std::time::Duration::from_millis(500), "{what}: {cpu:?}");
    }
}
