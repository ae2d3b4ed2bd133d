//! Size: what the segments of `.cast.zst` cost over one plain `zstd -3`, for a burst and for a
//! person at a shell, where flushes and seals weigh most.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::report::{Goal, Table};
use crate::suite::Suite;
use crate::tools::Tool;
use crate::workload::{Random, Workload};
use crate::{recording, say};

/// What a person types, with the seconds to read what came.
const SHELL_WORK: [(&str, u64); 20] = [
    ("cd /etc", 1),
    ("ls", 2),
    ("ls -la | head -n 30", 4),
    ("cat os-release", 3),
    ("grep -n root passwd group", 3),
    ("df -h", 3),
    ("free -m", 2),
    ("ps aux | head -n 20", 4),
    ("uname -a", 1),
    ("cd /usr/share", 1),
    ("ls | head -n 60 | column", 4),
    ("find . -maxdepth 1 -type d | sort | tail -n 25", 4),
    ("du -sh doc 2>/dev/null", 2),
    ("for n in 1 2 3; do date +%T; sleep 1; done", 5),
    ("echo $((6 * 7))", 1),
    ("head -n 40 /etc/services", 5),
    ("printf '\\033[31mred\\033[0m \\033[32mgreen\\033[0m\\n'", 1),
    ("seq 1 200", 2),
    ("git --version; gcc --version; python3 --version", 2),
    ("type cd ls bash", 2),
];

/// Sizes of one recording in its three shapes.
struct Sizes {
    plain: u64,
    segments: u64,
    /// Of `zstd -3` over the plain one.
    whole: u64,
}

pub(crate) fn measure(suite: &mut Suite) -> Result<()> {
    if !suite.usable(Tool::Zst) {
        say("size: nothing to measure without casemate");
        return Ok(());
    }
    let log = suite.path("size.log");
    let mut rows = Vec::new();
    for workload in [Workload::seq(suite.scale.seq_last), Workload::log(&log, suite.scale.log_bytes)?] {
        say(&format!("size: {}", workload.name));
        let file = fresh(suite);
        let mut terminal = suite.start(Tool::Zst, &file, &workload.args)?;
        terminal.drain()?;
        terminal.finish()?;
        match recording::read(&file) {
            Ok(contents) if contents.output == workload.expected => {}
            Ok(_) => suite.lost(format!("size of {}: recorded bytes are missing or others", workload.name)),
            Err(error) => suite.lost(format!("size of {}: {error:#}", workload.name)),
        }
        let sizes = sizes(suite, &file)?;
        let found = sizes.segments as f64 / sizes.whole as f64;
        suite.goal(Goal::at_most(format!("size of {}", workload.name), 1.1, " × `zstd -3`", found));
        rows.push(row(&workload.name, &sizes));
    }
    std::fs::remove_file(log)?;

    let seconds = suite.scale.session.as_secs();
    say(&format!("size: {seconds} s of shell work"));
    let sizes = shell_work(suite)?;
    let name = format!("{seconds} s at a bash prompt");
    let found = sizes.segments as f64 / sizes.plain as f64;
    suite.goal(Goal::at_most(format!("size of {name}"), 0.5, " × plain", found));
    rows.push(row(&name, &sizes));
    suite.table(Table {
        title: "Size of `.cast.zst`".to_owned(),
        note: "Plain is what `zstd -dc` gives back. The session at the prompt is typed in real time, 100 to \
               250 ms between keys and pauses to read, because flushes cost by time and not by event; nothing \
               is extrapolated."
            .to_owned(),
        header: vec!["recording", "plain B", "`.cast.zst` B", "`zstd -3` B", "× plain", "× `zstd -3`"],
        rows,
    });
    Ok(())
}

fn fresh(suite: &Suite) -> PathBuf {
    let file = suite.path("size.cast.zst");
    drop(std::fs::remove_file(&file));
    file
}

fn row(name: &str, sizes: &Sizes) -> Vec<String> {
    let ratio = |to: u64| format!("{:.3}", sizes.segments as f64 / to as f64);
    let [plain, segments, whole] = [sizes.plain, sizes.segments, sizes.whole].map(|size| size.to_string());
    vec![name.to_owned(), plain, segments, whole, ratio(sizes.plain), ratio(sizes.whole)]
}

fn sizes(suite: &Suite, file: &Path) -> Result<Sizes> {
    let (plain, whole) = (suite.path("size.plain"), suite.path("size.whole"));
    zstd(&["-dcq"], file, &plain)?;
    zstd(&["-3", "-cq"], &plain, &whole)?;
    let size = |path: &Path| std::fs::metadata(path).map(|metadata| metadata.len());
    let sizes = Sizes { plain: size(&plain)?, segments: size(file)?, whole: size(&whole)? };
    for path in [plain.as_path(), whole.as_path(), file] {
        std::fs::remove_file(path)?;
    }
    Ok(sizes)
}

fn zstd(args: &[&str], from: &Path, to: &Path) -> Result<()> {
    let to = std::fs::File::create(to)?;
    let status = Command::new("zstd").args(args).arg(from).stdin(Stdio::null()).stdout(to).status();
    ensure!(status.context("`zstd`")?.success(), "`zstd` found `{}` damaged", from.display());
    Ok(())
}

fn shell_work(suite: &Suite) -> Result<Sizes> {
    let file = fresh(suite);
    let args = ["bash", "--norc", "--noprofile", "-i"].map(str::to_owned);
    let mut terminal = suite.start(Tool::Zst, &file, &args)?;
    terminal.wait_for("prompt$")?;
    let end = Instant::now() + suite.scale.session;
    std::thread::scope(|scope| -> Result<()> {
        // The keys go in beside the draining, which ends with the session.
        let keys = terminal.keys()?;
        let typing = scope.spawn(move || -> Result<()> {
            let mut random = Random::new();
            'session: for (command, pause) in SHELL_WORK.into_iter().cycle() {
                for key in command.bytes().chain([b'\r']) {
                    if Instant::now() >= end {
                        break 'session;
                    }
                    keys.write(&[key])?;
                    sleep(Duration::from_millis(100 + random.below(150)));
                }
                sleep(Duration::from_secs(pause).min(end.saturating_duration_since(Instant::now())));
            }
            // Away with a half typed line, then out.
            keys.write(b"\x03")?;
            sleep(Duration::from_millis(200));
            keys.write(b"exit\r")
        });
        terminal.drain()?;
        typing.join().map_err(|_| anyhow::anyhow!("the typist panicked"))?
    })?;
    terminal.finish()?;
    sizes(suite, &file)
}
