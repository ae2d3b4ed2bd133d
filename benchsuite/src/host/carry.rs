//! Moving bytes without a terminal, as scp and rsync do: what it takes to count them, and whether it slows them down.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use rustix::net::{Shutdown, shutdown};

use super::machine::{Machine, Shell};
use crate::child::{self, CARRIED, CARRY_READY};
use crate::procfs::{cpu_seconds, own_processes};
use crate::pty::COPY_BYTES;
use crate::report::{Goal, Table, spread};
use crate::stats::{median, order};
use crate::suite::Suite;

/// In seconds a GiB. Whoever sends one encrypts it, and that takes more.
const CPU_LIMIT: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Pipe,
    /// One for both directions, as some servers give it.
    Socket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    In,
    Out,
}

const CASES: [(&str, Kind, Direction); 4] = [
    ("pipes, to the program", Kind::Pipe, Direction::In),
    ("pipes, from the program", Kind::Pipe, Direction::Out),
    ("sockets, to the program", Kind::Socket, Direction::In),
    ("sockets, from the program", Kind::Socket, Direction::Out),
];

struct Run {
    wall: f64,
    /// Of the recorder's own processes.
    cpu: f64,
}

pub(super) fn measure(suite: &mut Suite, machine: &mut Machine) -> Result<()> {
    let (rounds, bytes) = (suite.scale.host_rounds, suite.scale.host_bytes);
    let gib = bytes as f64 / f64::from(1 << 30);
    let mut rows = Vec::new();
    for (name, kind, direction) in CASES {
        let (mut bare, mut wrapped, mut ratios, mut cpu) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for round in 0..rounds {
            for index in order(2, round) {
                machine.settle()?;
                let shell = [Shell::Bare, Shell::Wrapped][index];
                let run = run(machine, shell, kind, direction, bytes).with_context(|| name.to_owned())?;
                let walls = if shell == Shell::Bare { &mut bare } else { &mut wrapped };
                walls.push(run.wall / gib);
                if shell == Shell::Wrapped {
                    cpu.push(run.cpu / gib);
                }
            }
            ratios.push(wrapped[round] / bare[round]);
        }
        if let Some(cpu) = median(&cpu) {
            suite.goal(Goal::at_most(format!("CPU time of a GiB, {name}"), CPU_LIMIT, " s", cpu));
        }
        rows.push(vec![
            name.to_owned(),
            spread(&cpu, 2),
            spread(&bare, 2),
            spread(&wrapped, 2),
            spread(&ratios, 2),
        ]);
    }
    suite.table(Table {
        title: "Moving bytes without a terminal".to_owned(),
        note: format!(
            "{bytes} bytes one way, as fast as it goes, {} KiB at a time, to a program that throws them away or from \
             one that makes them; seconds for a GiB, without start and end. CPU time is that of casemate's processes \
             alone. Median (quartiles) of {rounds} rounds.",
            COPY_BYTES >> 10
        ),
        header: vec!["", "CPU s, casemate-shell", "wall s, bare", "wall s, casemate-shell", "wall × bare"],
        rows,
    });
    Ok(())
}

fn run(machine: &mut Machine, shell: Shell, kind: Kind, direction: Direction, bytes: u64) -> Result<Run> {
    let carrier = if direction == Direction::In { "__sink" } else { "__source" };
    let line = format!("exec '{}' {carrier} {bytes}", machine.harness());
    let mut command = machine.command(shell, &["-c", &line]);
    let connection = match kind {
        Kind::Pipe => {
            command.stdin(Stdio::piped()).stdout(Stdio::piped());
            None
        }
        Kind::Socket => {
            let (ours, theirs) = UnixStream::pair()?;
            command.stdin(OwnedFd::from(theirs.try_clone()?)).stdout(OwnedFd::from(theirs));
            Some(ours)
        }
    };
    let mut child = command.spawn()?;
    // It holds the other end of the connection.
    drop(command);
    let (to, mut from): (OwnedFd, File) = match connection {
        Some(connection) => (connection.try_clone()?.into(), OwnedFd::from(connection).into()),
        None => (
            child.stdin.take().context("no pipe")?.into(),
            OwnedFd::from(child.stdout.take().context("no pipe")?).into(),
        ),
    };
    let mut to = File::from(to);
    let moved = carry(&child, shell, &mut to, &mut from, direction, bytes);
    // The program waits for its end, however it went.
    if kind == Kind::Socket {
        shutdown(&to, Shutdown::Write)?;
    }
    drop(to);
    let status = child.wait()?;
    let run = moved?;
    ensure!(status.success(), "{status}");
    Ok(run)
}

fn carry(
    child: &Child,
    shell: Shell,
    to: &mut File,
    from: &mut File,
    direction: Direction,
    bytes: u64,
) -> Result<Run> {
    let cpu = || match shell {
        Shell::Bare => Ok(0.0),
        Shell::Wrapped => own_processes(child.id())?.into_iter().map(cpu_seconds).sum::<Result<f64>>(),
    };
    expect(from, CARRY_READY)?;
    let before = cpu()?;
    let start = Instant::now();
    match direction {
        Direction::In => {
            child::source(to, bytes)?;
            expect(from, CARRIED)?;
        }
        Direction::Out => {
            to.write_all(&[CARRY_READY])?;
            child::sink(from, bytes)?;
        }
    }
    let wall = start.elapsed().as_secs_f64();
    Ok(Run { wall, cpu: cpu()? - before })
}

fn expect(from: &mut File, wanted: u8) -> Result<()> {
    let mut found = [0];
    from.read_exact(&mut found).context("the program ended")?;
    ensure!(found == [wanted], "the program said {found:?}");
    Ok(())
}
