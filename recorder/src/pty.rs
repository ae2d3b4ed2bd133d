//! The recorded side: a PTY, and the program in it.

use std::ffi::OsString;
use std::os::fd::BorrowedFd;
use std::path::Path;

use casemate_cast_format::Size;
use portable_pty::{CommandBuilder, MasterPty, NativePtySystem, PtySize, PtySystem as _};
use rustix::fs::{Access, access};
use rustix::process::{Pid, Signal, WaitOptions, kill_process, kill_process_group, waitpid};
use rustix::termios::{
    InputModes, LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetpgrp, tcsetattr,
};

use crate::echo::Echo;
use crate::observer::Foreground;

/// What to run, and how.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    pub(crate) argv: &'a [OsString],
    pub(crate) env: &'a [(&'static str, OsString)],
    pub(crate) directory: &'a Path,
}

/// A PTY with a program in it.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    child: Pid,
}

impl Pty {
    /// Opens a PTY that behaves like the terminal `like`, and starts the program in it.
    pub(crate) fn spawn(program: &Program<'_>, size: Size, like: Option<&Termios>) -> anyhow::Result<Self> {
        let pair = NativePtySystem::default().openpty(pty_size(size))?;
        let mut command = CommandBuilder::from_argv(program.argv.to_vec());
        for (name, value) in program.env {
            command.env(name, value);
        }
        command.cwd(program.directory);
        let master = descriptor(&*pair.master)?;
        let attributes = match like {
            Some(like) => like.clone(),
            None => {
                let mut attributes = tcgetattr(master)?;
                attributes.input_modes |= InputModes::IUTF8;
                attributes
            }
        };
        tcsetattr(master, OptionalActions::Now, &attributes)?;
        rustix::io::ioctl_fionbio(master, true)?;
        let child = pair.slave.spawn_command(command)?;
        let child = child.process_id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let child = child.ok_or_else(|| anyhow::anyhow!("the program has no process id"))?;
        Ok(Self { master: pair.master, child })
    }

    /// The master side, non-blocking.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        descriptor(&*self.master).expect("checked in spawn")
    }

    pub(crate) fn resize(&self, size: Size) -> anyhow::Result<()> {
        self.master.resize(pty_size(size))
    }

    /// How the terminal treats what is typed at this moment.
    pub(crate) fn echo(&self) -> Echo {
        match tcgetattr(self.fd()) {
            Ok(attributes) if attributes.local_modes.contains(LocalModes::ECHO) => Echo::On,
            Ok(attributes) if attributes.local_modes.contains(LocalModes::ICANON) => Echo::Off,
            _ => Echo::Program,
        }
    }

    /// Who has the terminal at this moment, and how it treats what is typed.
    pub(crate) fn foreground(&self) -> Option<Foreground> {
        self.held_by(tcgetpgrp(self.fd()).ok()?)
    }

    /// As the session begins its program is in the foreground, even if it is over already.
    pub(crate) fn foreground_at_start(&self) -> Option<Foreground> {
        self.foreground().or_else(|| self.held_by(self.child))
    }

    fn held_by(&self, group: Pid) -> Option<Foreground> {
        let modes = tcgetattr(self.fd()).ok()?.local_modes;
        let has = |mode: LocalModes| modes.contains(mode);
        Some(Foreground { group, canonical: has(LocalModes::ICANON), echo: has(LocalModes::ECHO) })
    }

    /// The character that means end of input, usually Ctrl-D.
    pub(crate) fn end_of_input(&self) -> u8 {
        tcgetattr(self.fd()).map_or(0x04, |attributes| attributes.special_codes[SpecialCodeIndex::VEOF])
    }

    /// The child's exit status as a shell says it, once it has one: 128 + n for signal n.
    pub(crate) fn try_wait(&self) -> Option<i32> {
        let (_, status) = waitpid(Some(self.child), WaitOptions::NOHANG).ok()??;
        status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal))
    }

    /// Signals the program, and what it runs in the foreground.
    pub(crate) fn signal(&self, signal: Signal) {
        // Errors mean that somebody is gone already, which is what is wanted.
        if let Ok(foreground) = tcgetpgrp(self.fd()) {
            _ = kill_process_group(foreground, signal);
        }
        _ = kill_process_group(self.child, signal);
        _ = kill_process(self.child, signal);
    }
}

/// Says why a program cannot be started, as far as that can be known before.
pub(crate) fn find_program(argv: &[OsString]) -> Result<(), String> {
    let Some(name) = argv.first().filter(|name| !name.is_empty()) else {
        return Err("it has no name".into());
    };
    let is_program = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    let path = Path::new(name);
    if path.components().count() > 1 || path.is_absolute() {
        return match path.metadata() {
            Ok(_) if is_program(path) => Ok(()),
            Ok(metadata) if metadata.is_dir() => Err("it is a folder".into()),
            Ok(_) => Err("it is not executable".into()),
            Err(error) => Err(error.to_string()),
        };
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&folders).any(|folder| is_program(&folder.join(path))) {
        Ok(())
    } else {
        Err("no such program in PATH".into())
    }
}

fn pty_size(size: Size) -> PtySize {
    let (cols, rows) = size.cells();
    PtySize { cols, rows, pixel_width: 0, pixel_height: 0 }
}

fn descriptor(master: &(dyn MasterPty + Send)) -> anyhow::Result<BorrowedFd<'_>> {
    let raw = master.as_raw_fd().ok_or_else(|| anyhow::anyhow!("the PTY has no descriptor"))?;
    // SAFETY: the descriptor belongs to `master`, which outlives the borrow and never closes it before.
    #[expect(unsafe_code, reason = "portable-pty gives its descriptor raw")]
    let fd = unsafe { BorrowedFd::borrow_raw(raw) };
    Ok(fd)
}
