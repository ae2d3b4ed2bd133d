//! What a scene is: a shell, how it is set up, and somebody who types.

use casemate_tests::Typist;

/// The shells that a session can begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
    Dash,
    Ash,
    Mksh,
    Ksh,
    Tcsh,
    Yash,
    Posh,
}

impl Shell {
    /// The command line that starts it interactively.
    pub(crate) fn start(self) -> &'static [&'static str] {
        match self {
            Self::Bash => &["bash", "-i"],
            Self::Zsh => &["zsh", "-i"],
            Self::Fish => &["fish", "-i"],
            Self::Dash => &["dash", "-i"],
            Self::Ash => &["busybox", "ash"],
            Self::Mksh => &["mksh", "-i"],
            Self::Ksh => &["ksh93", "-i"],
            Self::Tcsh => &["tcsh", "-i"],
            Self::Yash => &["yash", "-i"],
            Self::Posh => &["posh", "-i"],
        }
    }

    /// Its rc file in a home.
    pub(crate) fn rc_file(self) -> &'static str {
        match self {
            Self::Bash => ".bashrc",
            Self::Zsh => ".zshrc",
            Self::Fish => ".config/fish/config.fish",
            // Named by the variable ENV.
            Self::Dash | Self::Ash | Self::Posh => ".shrc",
            Self::Mksh => ".mkshrc",
            Self::Ksh => ".kshrc",
            Self::Tcsh => ".tcshrc",
            Self::Yash => ".yashrc",
        }
    }
}

/// One session of the corpus.
pub(crate) struct Scene {
    pub(crate) name: &'static str,
    pub(crate) shell: Shell,
    /// How the first prompt ends.
    pub(crate) ready: &'static str,
    pub(crate) play: fn(&mut Typist),
    pub(crate) user: &'static str,
    pub(crate) rc: String,
    pub(crate) args: Vec<&'static str>,
    pub(crate) env: Vec<(&'static str, &'static str)>,
    pub(crate) files: Vec<(&'static str, &'static str)>,
    pub(crate) rec: Vec<&'static str>,
    pub(crate) size: (u16, u16),
    pub(crate) sshd: bool,
    /// Whether the labels can be compared with what the shells remember.
    pub(crate) remembers: bool,
    /// Whether the last thing typed is not `exit` of the first shell.
    pub(crate) ends_itself: bool,
    /// Programs without which the scene cannot be played.
    pub(crate) needs: &'static [&'static str],
}

impl Scene {
    pub(crate) fn new(name: &'static str, shell: Shell, ready: &'static str, play: fn(&mut Typist)) -> Self {
        Self {
            name,
            shell,
            ready,
            play,
            user: "mara",
            rc: String::new(),
            args: shell.start().to_vec(),
            env: Vec::new(),
            files: Vec::new(),
            rec: Vec::new(),
            size: (80, 24),
            sshd: false,
            remembers: !matches!(shell, Shell::Dash | Shell::Posh | Shell::Ash),
            ends_itself: false,
            needs: &[],
        }
    }

    /// More lines for the shell's rc file.
    pub(crate) fn rc(mut self, lines: &str) -> Self {
        self.rc.push_str(lines);
        self.rc.push('\n');
        self
    }

    /// Another command line than the usual one.
    pub(crate) fn args(mut self, args: &[&'static str]) -> Self {
        self.args = args.to_vec();
        self
    }

    /// Options of `casemate rec`.
    pub(crate) fn rec(mut self, options: &[&'static str]) -> Self {
        self.rec.extend(options);
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: &'static str) -> Self {
        self.env.push((name, value));
        self
    }

    /// A file in the home; executable if it begins with `#!`.
    pub(crate) fn file(mut self, name: &'static str, content: &'static str) -> Self {
        self.files.push((name, content));
        self
    }

    pub(crate) fn size(mut self, columns: u16, rows: u16) -> Self {
        self.size = (columns, rows);
        self
    }

    pub(crate) fn user(mut self, user: &'static str) -> Self {
        self.user = user;
        self
    }

    /// With the ssh server of the host `tern`.
    pub(crate) fn sshd(mut self) -> Self {
        self.sshd = true;
        self
    }

    pub(crate) fn needs(mut self, programs: &'static [&'static str]) -> Self {
        self.needs = programs;
        self
    }

    /// The shells' histories cannot tell what was run, for instance because one has none.
    pub(crate) fn forgets(mut self) -> Self {
        self.remembers = false;
        self
    }

    /// The script ends the session itself, with something else than `exit`.
    pub(crate) fn ends_itself(mut self) -> Self {
        self.ends_itself = true;
        self
    }
}
