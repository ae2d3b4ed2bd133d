//! Recordings as they are: an hour of shell work, and floods of output.

use std::fmt::Write as _;

use super::helper::{HEADER, Random};
use crate::segment::{Packer, PackerConfig};
use crate::time::Micros;

/// Events with their times, in order.
pub(super) struct Corpus {
    pub(super) events: Vec<(Micros, String)>,
}

impl Corpus {
    pub(super) fn text_bytes(&self) -> usize {
        HEADER.len() + self.events.iter().map(|event| event.1.len()).sum::<usize>()
    }

    fn add(&mut self, time: Micros, output: &str) {
        let mut line = format!("[{}.{:06}, \"o\", \"", time.0 / 1_000_000, time.0 % 1_000_000);
        for character in output.chars() {
            match character {
                '\r' => line.push_str("\\r"),
                '\n' => line.push_str("\\n"),
                '\t' => line.push_str("\\t"),
                '"' => line.push_str("\\\""),
                '\\' => line.push_str("\\\\"),
                control if control < ' ' => write!(line, "\\u{:04x}", control as u32).unwrap(),
                other => line.push(other),
            }
        }
        line.push_str("\"]\n");
        self.events.push((time, line));
    }

    /// Packs as the recorder does: a flush 80 ms after the first event that is not flushed, a seal when
    /// the segment is a minute old.
    pub(super) fn pack(&self, config: PackerConfig) -> Vec<u8> {
        let mut packer = Packer::new(config).unwrap();
        let mut file = Vec::new();
        packer.write_header(HEADER).unwrap();
        let mut deadline = None;
        for (time, line) in &self.events {
            if deadline.is_some_and(|deadline| time.0 >= deadline) {
                packer.flush().unwrap();
                packer.drain_into(&mut file);
                deadline = None;
            }
            if packer.segment_start().is_some_and(|start| time.0 >= start.0 + 60_000_000) {
                packer.seal(None).unwrap();
            }
            packer.write_event(line.as_bytes(), *time).unwrap();
            if packer.output().len() > 1 << 16 {
                packer.drain_into(&mut file);
            }
            deadline = deadline.or(Some(time.0 + 80_000));
        }
        packer.finish(None).unwrap();
        packer.drain_into(&mut file);
        file
    }
}

const COMMANDS: [&str; 20] = [
    "ls -la",
    "git status",
    "git log --oneline -20",
    "cd src",
    "make",
    "vim main.c",
    "grep -rn TODO .",
    "cat /etc/hosts",
    "docker ps",
    "kubectl get pods -n production",
    "tail -50 /var/log/syslog",
    "systemctl status nginx",
    "ssh web-1.internal",
    "cargo test --workspace",
    "git diff HEAD~1",
    "df -h",
    "ps aux | grep postgres",
    "psql -c 'select count(*) from orders'",
    "history | tail",
    "curl -s localhost:8080/health",
];

const WORDS: [&str; 40] = [
    "error", "warning", "server", "config", "update", "parser", "buffer", "thread", "socket", "request",
    "response", "handler", "module", "kernel", "daemon", "session", "token", "cache", "index", "table",
    "column", "driver", "packet", "client", "backup", "deploy", "release", "branch", "merge", "commit",
    "fix", "add", "remove", "rename", "refactor", "test", "bench", "docs", "lint", "build",
];

fn output(random: &mut Random, bytes: u64) -> String {
    let mut text = String::new();
    let kind = random.below(4);
    while (text.len() as u64) < bytes {
        let (a, b) = (*random.pick(&WORDS), *random.pick(&WORDS));
        match kind {
            0 => write!(
                text,
                "-rw-r--r--  1 alice staff {:>8} Nov {:>2} {:02}:{:02} \u{1b}[0;3{}m{a}_{b}.c\u{1b}[0m\r\n",
                random.below(1_000_000),
                random.below(30),
                random.below(24),
                random.below(60),
                random.below(8)
            ),
            1 => write!(
                text,
                "\u{1b}[33m{:08x}\u{1b}[m {a}: {b} the {} of {}\r\n",
                random.below(1 << 32),
                random.pick(&WORDS),
                random.pick(&WORDS)
            ),
            2 => write!(
                text,
                "  CC      src/{a}/{b}{}.o\r\ngcc -O2 -Wall -Iinclude -c -o build/{a}/{b}.o src/{a}/{b}.c\r\n",
                random.below(100)
            ),
            _ => write!(
                text,
                "Nov 22 {:02}:{:02}:{:02} web-1 {a}[{}]: {b} {} {}\r\n",
                random.below(24),
                random.below(60),
                random.below(60),
                random.below(30000),
                random.pick(&WORDS),
                random.below(100_000)
            ),
        }
        .unwrap();
    }
    text
}

/// An hour at a shell: `commands` of them, typed key by key, each echo an event of its own, outputs of up
/// to `output_limit` bytes, and pauses to think.
pub(super) fn hour(seed: u64, commands: u64, output_limit: u64) -> Corpus {
    let mut random = Random(seed);
    let mut corpus = Corpus { events: Vec::new() };
    let prompt = "\u{1b}[?2004h\u{1b}]0;alice@bastion: ~/work\u{7}\u{1b}[01;32malice@bastion\u{1b}[00m:\u{1b}[01;34m~/work\u{1b}[00m$ ";
    let mut time = 12_345;
    for number in 0..commands {
        corpus.add(Micros(time), prompt);
        time += 500_000 + random.below(2 * 3_600_000_000 / commands - 10_000_000);
        time = time.min((number + 1) * 3_600_000_000 / commands);
        for character in random.pick(&COMMANDS).chars() {
            corpus.add(Micros(time), &character.to_string());
            time += 45_000 + random.below(200_000);
            if random.below(30) == 0 {
                corpus.add(Micros(time), "\u{8}\u{1b}[K");
                time += 150_000 + random.below(300_000);
            }
        }
        corpus.add(Micros(time), "\r\n\u{1b}[?2004l\r");
        time += 3_000 + random.below(200_000);
        let wanted = 200 + random.below(output_limit - 200);
        let text = output(&mut random, wanted);
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.len().min(1024));
            corpus.add(Micros(time), chunk);
            time += 200 + random.below(4000);
            rest = after;
        }
    }
    corpus
}

/// `seq 1 LAST` as a terminal gives it, in reads of 4 KiB.
pub(super) fn seq(last: u64) -> Corpus {
    let mut corpus = Corpus { events: Vec::new() };
    let mut text = String::new();
    let mut time = 0;
    for number in 1..=last {
        write!(text, "{number}\r\n").unwrap();
        if text.len() >= 4096 {
            time += 37;
            corpus.add(Micros(time), &text);
            text.clear();
        }
    }
    corpus.add(Micros(time), &text);
    corpus
}

/// A coloured log of about this many bytes, in reads of 4 KiB.
pub(super) fn log(bytes: u64) -> Corpus {
    let mut random = Random(11);
    let mut corpus = Corpus { events: Vec::new() };
    let (mut time, mut total) = (0, 0);
    let mut text = String::new();
    while total < bytes {
        let (a, b) = (*random.pick(&WORDS), *random.pick(&WORDS));
        write!(
            text,
            "\u{1b}[90m2026-11-22T07:{:02}:{:02}.{:06}Z\u{1b}[0m \u{1b}[3{}mINFO\u{1b}[0m {a}::{b}: \u{1b}[1m{}\u{1b}[0m took={}us id={:016x}\r\n",
            random.below(60),
            random.below(60),
            random.below(1_000_000),
            random.below(8),
            random.pick(&WORDS),
            random.below(100_000),
            random.below(1 << 53)
        )
        .unwrap();
        if text.len() >= 4096 {
            time += 41;
            corpus.add(Micros(time), &text);
            total += text.len() as u64;
            text.clear();
        }
    }
    corpus
}
