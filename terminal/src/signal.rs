//! What a stream says beside its text: the signals that the command log listens to.
//!
//! Any program prints any signal. A signal is evidence of what was printed, never of who printed it.

/// What stands at one place of the stream beside text.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signal {
    /// A mark of shell integration: OSC 133 (FinalTerm, "semantic prompts") and OSC 633 (VS Code).
    Mark(Mark),
    /// The title of the window: OSC 0 and 2, and `ESC k` of screen and tmux.
    Title(String),
    /// The working directory: OSC 7, OSC 9;9, OSC 1337 `CurrentDir`, OSC 633 `P;Cwd`. `host` is empty where unknown.
    Cwd {
        /// The host's name.
        host: String,
        /// The directory, decoded.
        path: String,
    },
    /// OSC 1337 `RemoteHost`.
    RemoteHost {
        /// The user's name; empty where it is not said.
        user: String,
        /// The host's name.
        host: String,
    },
    /// OSC 1337 `SetUserVar`.
    UserVar {
        /// The variable's name.
        name: String,
        /// Its value, decoded.
        value: String,
    },
    /// OSC 3008: the hierarchical contexts of UAPI.15.
    Context(ContextMark),
    /// DEC private mode 2004 is switched on or off.
    BracketedPaste(bool),
    /// The alternate screen is switched on or off: DEC private modes 47, 1047 and 1049. Comes before it takes effect.
    Alternate(bool),
    /// ED with its number, 0 to 3. Comes before anything is erased.
    EraseDisplay(u16),
    /// RIS. Comes before it takes effect.
    Reset,
}

/// A mark of shell integration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mark {
    /// What it marks.
    pub kind: MarkKind,
    /// Who it belongs to when shells are nested (`aid=`).
    pub aid: Option<String>,
    /// The secret by which an integration tells its own marks from forged ones: the last field of 633;E, or `nonce=`.
    pub nonce: Option<String>,
}

/// What a mark marks.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum MarkKind {
    /// A prompt begins (`A`, `P`).
    PromptStart {
        /// Which prompt.
        part: PromptPart,
        /// Whether it is to begin on a fresh line (`A`).
        fresh_line: bool,
    },
    /// The prompt ends, and what is typed begins (`B`, `I`).
    InputStart,
    /// What was typed ends, and output begins (`C`).
    OutputStart {
        /// The command, if the shell says it (`cmdline=`, `cmdline_url=`).
        command: Option<String>,
    },
    /// The command ends (`D`).
    Done {
        /// Its exit status, if the shell says it.
        status: Option<i32>,
    },
    /// The command line as the shell has it (633;E).
    CommandLine(String),
    /// A continuation prompt begins (633;F).
    ContinuationStart,
    /// A continuation prompt ends (633;G).
    ContinuationEnd,
    /// A right prompt begins (633;H).
    RightPromptStart,
    /// A right prompt ends (633;I).
    RightPromptEnd,
    /// A property other than the working directory (633;P).
    Property {
        /// Its name.
        key: String,
        /// Its value.
        value: String,
    },
    /// The cursor goes to a fresh line (133;L).
    FreshLine,
    /// A new command begins, and one of the same `aid` that is open ends (133;N).
    NewCommand,
}

/// Which prompt a [`MarkKind::PromptStart`] begins (`k=`).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum PromptPart {
    /// The first prompt of a command.
    #[default]
    Initial,
    /// A prompt at the right edge.
    Right,
    /// A prompt for a further line, which can still be edited with those before it (`c`).
    Continuation,
    /// A prompt for a further line (`s`).
    Secondary,
}

/// A mark of OSC 3008. Which fields there are stands in UAPI.15; their order is kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum ContextMark {
    /// A context begins, or one that is open is changed.
    Start {
        /// The context.
        id: String,
        /// What is said about it.
        fields: Vec<(String, String)>,
    },
    /// A context ends, and all within it.
    End {
        /// The context.
        id: String,
        /// What is said about its end.
        fields: Vec<(String, String)>,
    },
}
