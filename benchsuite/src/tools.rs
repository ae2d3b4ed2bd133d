//! The tools that are compared and how each one is called. One place, so that a reader can judge
//! whether the comparison is fair: every tool gets its defaults, quiet, and a file to write.

use std::path::Path;

/// A recorder, or the copy loop that records nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tool {
    Bare,
    Script,
    Cast,
    Zst,
    Asciinema,
    Tlog,
}

impl Tool {
    pub(crate) const ALL: [Self; 6] =
        [Self::Bare, Self::Script, Self::Cast, Self::Zst, Self::Asciinema, Self::Tlog];

    pub(crate) fn short_name(self) -> &'static str {
        match self {
            Self::Bare => "bare",
            Self::Script => "script",
            Self::Cast => "cast",
            Self::Zst => "zst",
            Self::Asciinema => "asciinema",
            Self::Tlog => "tlog",
        }
    }

    /// As the tables name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bare => "bare copy loop",
            Self::Script => "script",
            Self::Cast => "casemate `.cast`",
            Self::Zst => "casemate `.cast.zst`",
            Self::Asciinema => "asciinema rec",
            Self::Tlog => "tlog-rec",
        }
    }

    pub(crate) fn is_casemate(self) -> bool {
        matches!(self, Self::Cast | Self::Zst)
    }

    /// What its recording is called; casemate and asciinema go by the ending.
    pub(crate) fn file_name(self) -> &'static str {
        match self {
            Self::Bare => "nothing",
            Self::Script => "script.typescript",
            Self::Cast => "casemate.cast",
            Self::Zst => "casemate.cast.zst",
            Self::Asciinema => "asciinema.cast",
            Self::Tlog => "tlog.json",
        }
    }

    /// The arguments that record `args` into `file`.
    ///
    /// `script` and asciinema take a line for the shell: `exec` there spares them a process that
    /// the others do not have either.
    pub(crate) fn command(self, casemate: &Path, file: &Path, args: &[String]) -> Vec<String> {
        let (casemate, file) = (casemate.display().to_string(), file.display().to_string());
        let line = format!("exec {}", args.iter().map(|arg| quoted(arg)).collect::<Vec<_>>().join(" "));
        let itself =
            || std::env::current_exe().map_or_else(|_| String::new(), |exe| exe.display().to_string());
        let mut command: Vec<String> = match self {
            Self::Bare => vec![itself(), "__bare".to_owned()],
            Self::Script => ["script", "-q", "-e", "-c", &line, &file].map(str::to_owned).to_vec(),
            Self::Cast | Self::Zst => {
                [&casemate, "rec", "-q", "--overwrite", "--return", &file, "--"].map(str::to_owned).to_vec()
            }
            Self::Asciinema => ["asciinema", "rec", "-q", "--overwrite", "--return", "-c", &line, &file]
                .map(str::to_owned)
                .to_vec(),
            Self::Tlog => ["tlog-rec", "-w", "file", "-o", &file, "--"].map(str::to_owned).to_vec(),
        };
        match self {
            Self::Script | Self::Asciinema => {}
            Self::Bare | Self::Cast | Self::Zst | Self::Tlog => command.extend_from_slice(args),
        }
        command
    }
}

fn quoted(arg: &str) -> String {
    format!("'{}'", arg.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_lines_keep_arguments_apart() {
        let args = ["printf", "it's", "two words"].map(str::to_owned);
        let command = Tool::Script.command(Path::new("casemate"), Path::new("out"), &args);
        assert_eq!(command, ["script", "-q", "-e", "-c", r"exec 'printf' 'it'\''s' 'two words'", "out"]);
        let command = Tool::Zst.command(Path::new("casemate"), Path::new("out.cast.zst"), &args);
        assert_eq!(command[command.len() - 4..], ["--", "printf", "it's", "two words"]);
    }
}
