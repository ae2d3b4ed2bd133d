//! Which machine and which versions the numbers belong to.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names and values, in the order in which they are shown.
pub(crate) struct Machine {
    pub(crate) facts: Vec<(&'static str, String)>,
}

impl Machine {
    /// Looks around; what cannot be found out is called unknown.
    pub(crate) fn look(casemate: &Path, directory: &Path) -> Self {
        let uname = rustix::system::uname();
        let kernel = format!("{} {}", uname.sysname().to_string_lossy(), uname.release().to_string_lossy());
        let cores =
            std::thread::available_parallelism().map_or_else(|_| unknown(), |cores| cores.to_string());
        let first_line =
            |path| fs::read_to_string(path).ok().and_then(|text| Some(text.lines().next()?.to_owned()));
        let facts = vec![
            ("date", said("date", &["-u", "+%F"])),
            ("CPU", value("/proc/cpuinfo", "model name", ':')),
            ("cores", cores),
            ("memory", value("/proc/meminfo", "MemTotal", ':')),
            ("kernel", kernel),
            ("system", value("/etc/os-release", "PRETTY_NAME", '=')),
            (
                "file system of the recordings",
                said("stat", &["-f", "-c", "%T", &directory.display().to_string()]),
            ),
            ("load average before the run", first_line("/proc/loadavg").unwrap_or_else(unknown)),
            ("casemate", said(&casemate.display().to_string(), &["-V"])),
            ("script", said("script", &["--version"])),
            ("asciinema", said("asciinema", &["--version"])),
            ("tlog-rec", said("tlog-rec", &["--version"])),
            ("zstd", said("zstd", &["--version"])),
        ];
        Self { facts }
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

/// The first line that a program prints.
fn said(program: &str, args: &[&str]) -> String {
    let output = Command::new(program).args(args).stdin(Stdio::null()).output();
    let Ok(output) = output else { return "not found".to_owned() };
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().map(str::trim).find(|line| !line.is_empty()).map_or_else(unknown, str::to_owned)
}

fn value(path: &str, name: &str, separator: char) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name));
    let value = line.and_then(|line| line.split_once(separator));
    value.map_or_else(unknown, |(_, value)| value.trim().trim_matches('"').to_owned())
}
