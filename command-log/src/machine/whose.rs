//! Who waits behind a prompt: a shell, or a program.

use casemate_terminal::{Screen, Style};

use super::CommandLog;
use super::wait::How;
use crate::event::Kind;
use crate::prompt::{Likeness, PromptText, Shape, is_shell};
use crate::region;

impl<S: Screen> CommandLog<S> {
    /// Decides who waits behind a prompt.
    pub(crate) fn whose(&self, prompt: &PromptText, how: How) -> (Kind, Option<String>) {
        if how == How::Mark && self.marks.proven {
            // A shell that has not taken the terminal yet would pass for one that runs `read`.
            return (Kind::Shell, None);
        }
        let shape = Shape::of(&prompt.row);
        if let Some(decided) = self.foreground_waits(shape) {
            return decided;
        }
        let program = || (Kind::Program, self.contexts.running().map(str::to_owned));
        let shell = (Kind::Shell, None);
        let edited = matches!(how, How::Editor | How::Mark);
        if let Some(found) = self.prompts.find(prompt, edited)
            && (found.likeness >= Likeness::Skeleton
                || (found.kind == Kind::Shell && shape >= Shape::MaybeShell))
        {
            return (found.kind, found.program);
        }
        if self.editor.is_some_and(|editor| editor.toolkit) {
            return program();
        }
        let hops = self.contexts.pending().is_some();
        let is_repl = self.contexts.program().is_some();
        if !is_repl && self.prompt_was_assigned() {
            return shell;
        }
        match shape {
            Shape::Repl if hops && !is_repl && !prompt.row.starts_with(">>>") => shell,
            Shape::Shell if is_repl && !hops && prompt.row.trim().len() <= 1 => program(),
            Shape::Shell => shell,
            Shape::MaybeShell if hops || !self.running.runs_command() => shell,
            Shape::MaybeShell if is_repl => program(),
            Shape::MaybeShell if edited && (!self.prompts.knows_shell() || has_shell_sign(&prompt.row)) => {
                shell
            }
            Shape::None
                if edited && !is_repl && (prompt.row.trim().is_empty() || !self.running.runs_command()) =>
            {
                shell
            }
            // What is first there, and shows nothing else before, is the shell that was recorded.
            Shape::Repl if edited && !self.waited && self.stands_at_the_top(prompt) => shell,
            Shape::None if is_coloured_blank(prompt) && !self.running.runs_command() => shell,
            Shape::Question if edited && !self.waited => shell,
            Shape::MaybeShell | Shape::Repl | Shape::Question | Shape::None => program(),
        }
    }

    /// Whether nothing was printed before a prompt.
    fn stands_at_the_top(&self, prompt: &PromptText) -> bool {
        let last = region::cursor(&self.screen).line;
        let rows = (0..last)
            .filter(|&number| !region::row_text(&self.screen, number, 0, u16::MAX).trim().is_empty());
        rows.count() <= prompt.above.lines().count() && self.screen.scrolled() == 0
    }

    /// The command that ran changed the prompt, so that it looks like none that is known.
    fn prompt_was_assigned(&self) -> bool {
        const NAMES: [&str; 6] =
            ["PS1=", "PROMPT=", "PROMPT_COMMAND=", "set prompt", "fish_prompt", "prompt "];
        let command = self.running.shell_command();
        command.is_some_and(|command| NAMES.iter().any(|name| command.contains(name)))
    }

    /// What the foreground process says, where the recorder noted it.
    pub(crate) fn foreground_waits(&self, shape: Shape) -> Option<(Kind, Option<String>)> {
        let facts = self.foreground.as_ref()?;
        let exe = facts.exe.as_deref()?;
        let exe = exe.strip_suffix(" (deleted)").unwrap_or(exe);
        let name = exe.rsplit('/').next().unwrap_or(exe);
        if is_shell(name) {
            // A shell that has set the terminal to whole lines runs `read`, or is one that does not edit.
            let reads = self.editor.is_none()
                && facts.canonical == Some(true)
                && matches!(name, "bash" | "zsh" | "fish");
            return Some(if reads && shape < Shape::MaybeShell {
                (Kind::Program, Some("read".to_owned()))
            } else if reads {
                return None;
            } else {
                (Kind::Shell, None)
            });
        }
        if passes_on(name) { None } else { Some((Kind::Program, Some(name.to_owned()))) }
    }
}

/// Programs that pass on what others, or other hosts, show.
fn passes_on(name: &str) -> bool {
    matches!(
        name,
        "ssh"
            | "mosh-client"
            | "telnet"
            | "docker"
            | "podman"
            | "nerdctl"
            | "kubectl"
            | "oc"
            | "lxc"
            | "incus"
            | "machinectl"
            | "systemd-run"
            | "run0"
            | "tmux: client"
            | "tmux"
            | "screen"
            | "sudo"
            | "su"
            | "doas"
            | "script"
            | "casemate"
            | "asciinema"
            | "vagrant"
            | "expect"
            | "login"
            | "env"
            | "nsenter"
            | "chroot"
            | "picocom"
            | "minicom"
    )
}

/// Few programs that edit lines end their prompts as shells do.
fn has_shell_sign(row: &str) -> bool {
    row.trim_end().ends_with(['$', '#', '%'])
}

/// A prompt that is nothing but colour.
fn is_coloured_blank(prompt: &PromptText) -> bool {
    prompt.row.trim().is_empty() && !prompt.row.is_empty() || prompt.style.0 != Style::default()
}
