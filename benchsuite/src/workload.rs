//! What is sent through the recorders, and what must come out: deterministic, made anew each time.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Result;

/// Count and hash of a byte stream; equal streams, in whatever pieces, have equal digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Digest {
    pub(crate) count: u64,
    hash: u64,
}

impl Digest {
    pub(crate) fn new() -> Self {
        // FNV-1a, 64 bits: nobody attacks this, and it needs no dependency.
        Self { count: 0, hash: 0xcbf2_9ce4_8422_2325 }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.count += bytes.len() as u64;
        for &byte in bytes {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    pub(crate) fn of_file(path: &Path) -> Result<Self> {
        let mut digest = Self::new();
        std::io::copy(&mut File::open(path)?, &mut digest)?;
        Ok(digest)
    }
}

impl Write for Digest {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A program that writes much at once, and what a terminal must see of it.
pub(crate) struct Workload {
    pub(crate) name: String,
    pub(crate) args: Vec<String>,
    pub(crate) expected: Digest,
}

impl Workload {
    pub(crate) fn seq(last: u64) -> Self {
        let mut expected = Digest::new();
        for number in 1..=last {
            expected.update(format!("{number}\r\n").as_bytes());
        }
        let args = ["seq", "1", &last.to_string()].map(str::to_owned).to_vec();
        Self { name: format!("`seq 1 {last}`"), args, expected }
    }

    /// Writes the log to `path`; the terminal sees a carriage return before each line feed.
    pub(crate) fn log(path: &Path, bytes: u64) -> Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        let mut expected = Digest::new();
        let mut lines = LogLines::new();
        let mut written = 0;
        while written < bytes {
            let line = lines.next_line();
            file.write_all(line.as_bytes())?;
            file.write_all(b"\n")?;
            expected.update(line.as_bytes());
            expected.update(b"\r\n");
            written += line.len() as u64 + 1;
        }
        file.flush()?;
        let name =
            if bytes >= 1_000_000 { format!("{} MB", bytes / 1_000_000) } else { format!("{bytes} B") };
        let args = vec!["cat".to_owned(), path.display().to_string()];
        Ok(Self { name: format!("{name} of coloured log"), args, expected })
    }
}

/// Lines as a service writes them to a terminal: colours, times, identifiers, some UTF-8.
pub(crate) struct LogLines {
    random: Random,
    milliseconds: u64,
}

impl LogLines {
    pub(crate) fn new() -> Self {
        Self { random: Random::new(), milliseconds: 0 }
    }

    pub(crate) fn next_line(&mut self) -> String {
        let random = &mut self.random;
        self.milliseconds += random.below(40);
        let (second, milli) = (self.milliseconds / 1000, self.milliseconds % 1000);
        let time = format!("{:02}:{:02}:{:02}.{milli:03}", second / 3600 % 24, second / 60 % 60, second % 60);
        let (colour, level) =
            [("32", "INFO"), ("32", "INFO"), ("34", "DEBUG"), ("33", "WARN"), ("31", "ERROR")]
                [random.index(5)];
        let module = ["http::server", "db::pool", "auth", "queue::worker", "billing"][random.index(5)];
        let id = random.next();
        let text = match random.below(5) {
            0 => format!("GET /api/v1/items/{} → \x1b[36m200\x1b[0m in {} µs", id % 100_000, id % 9000),
            1 => format!("pool: {} of 64 connections in use, {} waiting", id % 64, id % 7),
            2 => format!("user \x1b[1mjosé-{}\x1b[0m signed in from 192.0.2.{}", id % 500, id % 255),
            3 => format!("job {id:016x} took {} ms ✓", id % 3000),
            _ => format!(
                "retry {} of 5: \x1b[3mconnection reset by peer\x1b[0m (host=node-{})",
                id % 5,
                id % 40
            ),
        };
        format!(
            "\x1b[90m2026-01-01T{time}Z\x1b[0m \x1b[{colour}m{level:>5}\x1b[0m \x1b[2m{module}\x1b[0m{{request={id:08x}}} {text}"
        )
    }
}

/// xorshift64*: the same numbers everywhere and always.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    fn index(&mut self, limit: usize) -> usize {
        usize::try_from(self.below(limit as u64)).expect("below a usize")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_do_not_depend_on_the_pieces() {
        let (mut whole, mut pieces) = (Digest::new(), Digest::new());
        whole.update(b"abc\r\n");
        pieces.update(b"ab");
        pieces.update(b"");
        pieces.update(b"c\r\n");
        assert_eq!(whole, pieces);
        let mut other = Digest::new();
        other.update(b"abc\n\r");
        assert_ne!(whole, other);
    }

    #[test]
    fn the_log_is_the_same_each_time_and_as_long_as_asked() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let first = Workload::log(&path, 50_000).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!((50_000..50_400).contains(&text.len()));
        assert_eq!(first.expected.count, (text.len() + text.lines().count()) as u64);
        assert_eq!(Workload::log(&path, 50_000).unwrap().expected, first.expected);
    }
}
