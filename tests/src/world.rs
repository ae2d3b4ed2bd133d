//! A temporary home: rc files with a fixed prompt, a clean environment, files of the test.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Launch, casemate};

/// The prompt of every shell in a [`World`].
pub const PROMPT: &str = "ready> ";

/// A private home directory that is gone with the value.
pub struct World {
    dir: TempDir,
}

impl World {
    /// Makes a home with rc files for bash, zsh and fish.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it touches the disk")]
    pub fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("casemate-test-").tempdir().expect("a temporary folder");
        let world = Self { dir };
        for (name, content) in rc_files() {
            world.write(name, content);
        }
        world
    }

    /// The path of `name` in this home.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and gives its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        let folder = path.parent().expect("a file of the world is in the world");
        fs::create_dir_all(folder).expect("make a folder in the world");
        fs::write(&path, content).expect("write a file of the world");
        path
    }

    /// The bytes of a file.
    #[must_use]
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        fs::read(&path).unwrap_or_else(|err| panic!("{}: {err}", path.display()))
    }

    /// The names in a folder of this home, in order; nothing if there is no such folder.
    #[must_use]
    pub fn names(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<_> = entries
            .map(|entry| {
                entry.expect("read a folder of the world").file_name().to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// Any program in the environment of this home, started in its folder.
    pub fn program(&self, program: impl Into<OsString>) -> Launch {
        let home = self.dir.path();
        let mut launch = Launch::new(program.into(), home.to_owned());
        let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/bin:/bin".to_owned());
        for (name, value) in [
            ("HOME", home.to_string_lossy().as_ref()),
            ("PATH", &path),
            ("SHELL", "/bin/sh"),
            ("TERM", "xterm-256color"),
            ("LC_ALL", "C.UTF-8"),
            ("PS1", PROMPT),
            ("TMUX_TMPDIR", home.to_string_lossy().as_ref()),
            ("ASCIINEMA_CONFIG_HOME", home.join("asciinema").to_string_lossy().as_ref()),
        ] {
            launch = launch.env(name, value);
        }
        launch
    }

    /// `casemate ARGS…`
    pub fn casemate<S: Into<OsString> + Clone>(&self, args: &[S]) -> Launch {
        self.program(casemate()).args(args)
    }

    /// `casemate rec ARGS…`
    pub fn rec<S: Into<OsString> + Clone>(&self, args: &[S]) -> Launch {
        self.program(casemate()).args(&["rec"]).args(args)
    }

    /// `sh -c SCRIPT` where `"$CASEMATE"` is the program under test.
    pub fn script(&self, script: &str) -> Launch {
        self.program("/bin/sh").args(&["-c", script]).env("CASEMATE", &casemate().to_string_lossy())
    }
}

/// The rc files of a home, by their names.
pub(crate) fn rc_files() -> [(&'static str, String); 5] {
    let fish = format!(
        "set -g fish_greeting\nset -g fish_autosuggestion_enabled 0\n\
         function fish_prompt; echo -n '{PROMPT}'; end\nfunction fish_right_prompt; end\n"
    );
    [
        (".bashrc", format!("PS1='{PROMPT}'\nunset PROMPT_COMMAND HISTFILE\n")),
        (".zshrc", format!("PROMPT='{PROMPT}'\nunsetopt PROMPT_SP\nunset HISTFILE\n")),
        // zsh asks questions of a home without these
        (".zshenv", "skip_global_compinit=1\n".to_owned()),
        (".config/fish/config.fish", fish),
        // Without this folder each first fish of a home reads all manual pages in the background.
        (".local/share/fish/generated_completions/none.fish", String::new()),
    ]
}

impl AsRef<Path> for World {
    fn as_ref(&self) -> &Path {
        self.dir.path()
    }
}
