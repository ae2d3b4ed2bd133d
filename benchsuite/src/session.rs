//! Recordings of shell sessions, output only, with what was run in them: deterministic, written as fast as a disk
//! takes them. What each key draws is what bash 5.2, fish 3.6 and zsh 5.9 draw for it on an xterm, key by key, one
//! event each, as a recorder reads them.
//!
//! *Invariant*: the commands returned stand in the recording, each run once, in this order.
//!
//! *Not here*: hard cases. Whether commands are right is for the tests; here they are counted, so that a fast answer
//! is known to be one.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use anyhow::Result;

use crate::workload::{LogLines, Random};

const COLS: usize = 120;
/// What one read of a terminal gives at most on Linux.
const READ: usize = 4095;
/// Numbers that one `seq` of the bulk recording prints: 8 MB on the terminal.
const SEQ: u64 = 1_000_000;
/// Bytes that one `cat` of the bulk recording prints.
const LOG: usize = 8_000_000;

/// What a recording is full of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contents {
    Seq,
    Log,
    /// Emacs keys of readline, edits within the line.
    Bash,
    /// Highlighting and suggestions, redrawn with each key.
    Fish,
    /// Highlighting, and a prompt at the right with a clock that ticks while somebody types.
    Zsh,
}

/// Writes a recording of about `bytes`, or one command if that is longer; what was run in it.
pub(crate) fn write(path: &Path, contents: Contents, bytes: u64) -> Result<Vec<String>> {
    let mut session = Session {
        contents,
        cast: Cast { file: BufWriter::new(File::create(path)?), milliseconds: 0, written: 0 },
        random: Random::new(),
        log: LogLines::new(),
        line: String::new(),
    };
    writeln!(
        session.cast.file,
        r#"{{"version":2,"width":{COLS},"height":40,"timestamp":1767225600,"env":{{"SHELL":"/bin/sh","TERM":"xterm-256color"}}}}"#
    )?;
    let mut commands: Vec<String> = Vec::new();
    session.prompt(false)?;
    while session.cast.written < bytes || commands.is_empty() {
        let command = match contents {
            // Less in the smallest runs, which want no eight megabytes.
            Contents::Seq => format!("seq 1 {}", SEQ.min(bytes)),
            Contents::Log => format!("cat service-{}.log", commands.len()),
            Contents::Bash | Contents::Fish | Contents::Zsh => {
                // One of three is run again soon, as people do: shells suggest it, and the screen has it twice.
                let again = commands.len().checked_sub(3).filter(|_| session.random.below(3) == 0);
                again.map_or_else(|| session.new_command(), |index| commands[index].clone())
            }
        };
        session.type_line(&command)?;
        session.enter()?;
        match contents {
            Contents::Seq => session.seq(SEQ.min(bytes))?,
            Contents::Log => session.cat(LOG.min(usize::try_from(bytes)?))?,
            Contents::Bash | Contents::Fish | Contents::Zsh => session.some_output()?,
        }
        commands.push(command);
        session.prompt(true)?;
    }
    session.cast.file.flush()?;
    Ok(commands)
}

struct Cast {
    file: BufWriter<File>,
    milliseconds: u64,
    written: u64,
}

impl Cast {
    fn output(&mut self, data: &str) -> Result<()> {
        let time = self.milliseconds;
        let line =
            format!("[{}.{:06}, \"o\", {}]\n", time / 1000, time % 1000 * 1000, serde_json::to_string(data)?);
        self.written += line.len() as u64;
        Ok(self.file.write_all(line.as_bytes())?)
    }

    /// Output in the pieces in which it would be read, which end anywhere but within a character.
    fn bulk(&mut self, text: &mut String, is_last: bool) -> Result<()> {
        let mut at = 0;
        while text.len() - at > READ || (is_last && at < text.len()) {
            let end = text.floor_char_boundary((at + READ).min(text.len()));
            self.milliseconds += 1;
            self.output(&text[at..end])?;
            at = end;
        }
        text.drain(..at);
        Ok(())
    }
}

struct Session {
    contents: Contents,
    cast: Cast,
    random: Random,
    log: LogLines,
    /// What stands behind the prompt.
    line: String,
}

impl Session {
    fn wait(&mut self, least: u64, more: u64) {
        self.cast.milliseconds += least + self.random.below(more);
    }

    fn clock(&self) -> String {
        let seconds = self.cast.milliseconds / 1000;
        format!("{:02}:{:02}:{:02}", seconds / 3600 % 24, seconds / 60 % 60, seconds % 60)
    }

    fn new_command(&mut self) -> String {
        let number = self.random.below(1000);
        match self.random.below(16) {
            0 => "ls -la".to_owned(),
            1 => format!("cd /srv/app-{number}"),
            2 => format!("git log --oneline -n {number}"),
            3 => format!("grep -rn 'timeout = {number}' config/ | sort | uniq -c"),
            4 => format!("systemctl restart worker@{number}.service"),
            5 => format!("tail -n 20 /var/log/app/worker-{number}.log"),
            6 => format!("for n in 1 2 3; do echo \"run $n of {number}\"; done"),
            7 => format!("curl -s http://127.0.0.1:8080/items/{number} | head -c 200"),
            8 => format!("docker compose up -d --scale worker={number}"),
            9 => "git status".to_owned(),
            10 => format!("kubectl get pods -n team-{number} -o wide"),
            11 => format!("find . -name '*.rs' -size +{number}k -newer Cargo.toml"),
            12 => format!("tar czf backup-{number}.tar.gz src docs Cargo.toml"),
            13 => format!("export RETRIES={number}"),
            14 => format!("df -h /mnt/volume-{number}"),
            _ => format!("make -j {number} test"),
        }
    }

    fn seq(&mut self, last: u64) -> Result<()> {
        let mut text = String::new();
        for number in 1..=last {
            write!(text, "{number}\r\n")?;
            if text.len() > 16 * READ {
                self.cast.bulk(&mut text, false)?;
            }
        }
        self.cast.bulk(&mut text, true)
    }

    fn cat(&mut self, bytes: usize) -> Result<()> {
        let (mut text, mut count) = (String::new(), 0);
        while count < bytes {
            let line = self.log.next_line();
            count += line.len() + 2;
            write!(text, "{line}\r\n")?;
            if text.len() > 16 * READ {
                self.cast.bulk(&mut text, false)?;
            }
        }
        self.cast.bulk(&mut text, true)
    }

    /// Half of what people run says little; the rest fills a part of the screen.
    fn some_output(&mut self) -> Result<()> {
        self.wait(5, 400);
        let mut text = String::new();
        let lines = self.random.below(4) * self.random.below(9);
        for _ in 0..lines {
            match self.random.below(4) {
                0 => write!(text, "{}\r\n", self.log.next_line())?,
                1 => {
                    write!(text, "drwxr-xr-x 2 mara mara 4096 Jan  1 07:03 \x1b[01;34mdocs\x1b[0m\r\n")?;
                }
                _ => write!(text, "file-{}.txt  file-{}.txt\r\n", lines, self.random.below(100))?,
            }
        }
        self.cast.bulk(&mut text, true)
    }

    fn prompt(&mut self, is_next: bool) -> Result<()> {
        self.line.clear();
        self.wait(2, 5);
        let text = match self.contents {
            Contents::Seq | Contents::Log | Contents::Bash => "\x1b[?2004h\x1b]0;mara@harbour: ~\x07\
                \x1b[01;32mmara@harbour\x1b[00m:\x1b[01;34m~\x1b[00m$ "
                .to_owned(),
            Contents::Fish => {
                let blanks = " ".repeat(COLS - 1);
                let mark = if is_next {
                    format!("\x1b[2m⏎\x1b(B\x1b[m{blanks}\r⏎ \r\x1b[K")
                } else {
                    String::new()
                };
                format!(
                    "{mark}\x1b[?2004h\x1b]0;~\x07\x1b[30m\x1b(B\x1b[m\r\x1b[92mmara\x1b(B\x1b[m@\x1b(B\x1b[mharbour\
                     \x1b(B\x1b[m \x1b[32m~\x1b(B\x1b[m\x1b(B\x1b[m> \x1b[K\r\x1b[16C"
                )
            }
            Contents::Zsh => {
                let blanks = " ".repeat(COLS - 1);
                let drawn = self.zsh_line();
                format!("\x1b[1m\x1b[7m%\x1b[27m\x1b[1m\x1b[0m{blanks}\r \r{drawn}\x1b[?1h\x1b=\x1b[?2004h")
            }
        };
        self.cast.output(&text)
    }

    /// The prompt, the line and the clock at the right, as zsh draws them anew.
    fn zsh_line(&self) -> String {
        let (clock, used) = (self.clock(), "mara@harbour ~ % ".len() + self.line.len());
        let right = "[0] ".len() + clock.len();
        let gap = COLS - 1 - used - right;
        format!(
            "\r\x1b[0m\x1b[27m\x1b[24m\x1b[Jmara@harbour ~ % {}\x1b[K\x1b[{gap}C\x1b[90m[0] {clock}\x1b[39m\x1b[{}D",
            self.line,
            gap + right
        )
    }

    fn enter(&mut self) -> Result<()> {
        self.wait(100, 300);
        let line = &self.line;
        let text = match self.contents {
            Contents::Seq | Contents::Log | Contents::Bash => "\r\n\x1b[?2004l\r".to_owned(),
            Contents::Fish => format!(
                "\r\n\x1b[30m\x1b(B\x1b[m\x1b[?2004l\x1b]0;{} ~\x07\x1b[30m\x1b(B\x1b[m\r",
                line.chars().take(20).collect::<String>()
            ),
            Contents::Zsh => "\x1b[?1l\x1b>\x1b[?2004l\r\r\n".to_owned(),
        };
        self.cast.output(&text)
    }

    /// Types it, with slips.
    fn type_line(&mut self, command: &str) -> Result<()> {
        self.wait(300, 2000);
        // Some leave out a character and come back for it; fish and zsh would draw as much for it as for a slip.
        let forgotten = (self.contents == Contents::Bash && self.random.below(3) == 0).then(|| {
            let last = command.len() - 1;
            usize::try_from(self.random.below(last as u64)).map_or(0, |index| index.min(last))
        });
        for (index, key) in command.char_indices() {
            if forgotten == Some(index) {
                continue;
            }
            if self.random.below(25) == 0 {
                self.key('x', "")?;
                self.backspace()?;
            }
            self.key(key, &command[index + 1..])?;
        }
        if let Some(index) = forgotten {
            let behind = &command[index + 1..];
            for _ in 0..behind.len() {
                self.wait(20, 20);
                self.cast.output("\x08")?;
            }
            self.wait(50, 80);
            self.cast.output(&format!("\x1b[1@{}", &command[index..=index]))?;
        }
        Ok(())
    }

    fn key(&mut self, key: char, rest: &str) -> Result<()> {
        self.wait(30, 60);
        self.line.push(key);
        let is_word = !self.line.contains(' ');
        match self.contents {
            Contents::Seq | Contents::Log | Contents::Bash => self.cast.output(key.encode_utf8(&mut [0; 4])),
            Contents::Fish => {
                let back = format!("\r\x1b[{}C\x1b[30m\x1b(B\x1b[m", 16 + self.line.len());
                let colour = if is_word { "91" } else { "36" };
                // What follows is suggested from the third key on, in two of three moments.
                let drawn = if self.line.len() > 2 && rest.len() > 2 && self.random.below(3) > 0 {
                    format!("\x1b[{colour}m{key}\x1b[38;5;240m{rest} {back}")
                } else {
                    format!("\x1b[{colour}m{key}\x1b[30m\x1b(B\x1b[m\x1b[K{back}")
                };
                self.cast.output(&drawn)?;
                if key == ' ' && self.line.matches(' ').count() == 1 {
                    let word = &self.line;
                    self.cast.output(&format!("{}\x1b[34m{word}{back}", "\x08".repeat(word.len())))?;
                }
                Ok(())
            }
            Contents::Zsh if is_word => {
                let mut drawn = "\x08".repeat(self.line.len() - 1);
                for letter in self.line.chars() {
                    write!(drawn, "\x1b[1m\x1b[31m{letter}")?;
                }
                self.cast.output(&format!("{drawn}\x1b[0m\x1b[39m"))
            }
            Contents::Zsh => {
                self.cast.output(key.encode_utf8(&mut [0; 4]))?;
                // Once a second, which is some 16 keys.
                if self.line.len().is_multiple_of(16) { self.cast.output(&self.zsh_line()) } else { Ok(()) }
            }
        }
    }

    fn backspace(&mut self) -> Result<()> {
        self.wait(80, 80);
        self.line.pop();
        match self.contents {
            Contents::Seq | Contents::Log | Contents::Bash => self.cast.output("\x08\x1b[K"),
            Contents::Fish => self.cast.output(&format!("\x08\x1b[K\r\x1b[{}C", 16 + self.line.len())),
            Contents::Zsh => self.cast.output("\x08 \x08"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recording;

    #[test]
    fn each_session_is_as_long_as_asked_and_the_same_each_time() {
        let directory = tempfile::tempdir().unwrap();
        let [first, second] = ["first", "second"].map(|name| directory.path().join(name));
        for contents in [Contents::Seq, Contents::Log, Contents::Bash, Contents::Fish, Contents::Zsh] {
            let commands = write(&first, contents, 300_000).unwrap();
            assert_eq!(write(&second, contents, 300_000).unwrap(), commands);
            let bytes = std::fs::read(&first).unwrap();
            assert_eq!(bytes, std::fs::read(&second).unwrap());
            assert!((300_000..3_500_000).contains(&bytes.len()), "{contents:?}: {}", bytes.len());
            assert!(recording::read(&first).unwrap().output.count > 50_000, "{contents:?}");
        }
    }
}
