//! The slow lane, `CASEMATE_SLOW_TESTS=1`: hundreds of rounds, gigabytes.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::time::{Duration, Instant};

use casemate_tests::{World, is_release, process, slow_lane, tools, turn};

use crate::exact::{burst, noise};
use crate::weather::{blocked_terminal, kill_round};

#[test]
fn two_hundred_bursts_two_hundred_exact() {
    slow_lane!();
    let _turn = turn();
    for round in 0..200u32 {
        let file = if round % 2 == 0 { "s.cast" } else { "s.cast.zst" };
        burst(file, 1 + round * round * 10);
    }
}

#[test]
fn two_hundred_kills_at_random_moments() {
    slow_lane!();
    let _turn = turn();
    let moments = noise(400, u64::from(std::process::id()));
    for (round, pair) in moments.chunks(2).enumerate() {
        let file = if round % 2 == 0 { "s.cast" } else { "s.cast.zst" };
        kill_round(file, Duration::from_millis(u64::from(u16::from_le_bytes([pair[0], pair[1]]) % 1200)));
    }
}

#[test]
fn a_terminal_that_is_blocked_for_two_minutes() {
    slow_lane!();
    let _turn = turn();
    blocked_terminal(Duration::from_secs(120));
}

/// Converts while watching memory: a gigabyte must need no more than a few megabytes.
#[test]
fn a_gigabyte_is_converted_in_constant_memory() {
    slow_lane!();
    if !is_release() {
        tools::left_out("needs a release build: a gigabyte takes minutes without optimisation");
        return;
    }
    let _turn = turn();
    let world = World::new();
    let mut file = BufWriter::new(File::create(world.path("big.cast")).unwrap());
    writeln!(file, "{{\"version\":3,\"term\":{{\"cols\":80,\"rows\":24}}}}").unwrap();
    let mut written = 0u64;
    let mut line = String::new();
    for number in 0u64.. {
        line.clear();
        let word = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        writeln!(
            line,
            "[0.001, \"o\", \"\\u001b[3{}m{number} {word:016x}\\u001b[0m some text of a log line\\r\\n\"]",
            number % 8
        )
        .unwrap();
        file.write_all(line.as_bytes()).unwrap();
        written += line.len() as u64;
        if written >= 1 << 30 {
            break;
        }
    }
    file.flush().unwrap();
    drop(file);
    for (format, out) in [("v2", "out.cast"), ("v2", "out.cast.zst"), ("raw", "out.raw"), ("txt", "out.txt")]
    {
        let mut session =
            world.casemate(&["-q", "convert", "--overwrite", "-f", format, "big.cast", out]).on_terminal();
        let started = Instant::now();
        let mut peak = 0;
        while session.is_running() {
            peak = peak.max(process::peak_resident_kib(session.pid()).unwrap_or(0));
            assert!(started.elapsed() < Duration::from_secs(300), "{out} takes too long");
            std::thread::sleep(Duration::from_millis(50));
        }
        session.wait_success();
        assert!((1..64 * 1024).contains(&peak), "{out}: {peak} KiB");
        assert!(std::fs::metadata(world.path(out)).unwrap().len() > 1 << 20);
        std::fs::remove_file(world.path(out)).unwrap();
    }
}
