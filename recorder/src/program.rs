//! What is run, and as what it begins: exactly as if we were not there.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{Access, access};
use rustix::process::Pid;

use crate::control::Control;
use crate::environment::Environment;
use crate::leader::{Heard, Leader};
use crate::pipes::descriptors::close;
use crate::pipes::inherited::was_closed;
use crate::rights::Rights;
use crate::signals::Given;

/// What runs once a program is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started {
    /// Our child: the program, or who leads its session and ends as it ends.
    pub(crate) child: Pid,
    pub(crate) program: Pid,
}

/// A program to run.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its file; a name without a folder is looked for in `PATH`.
    pub path: PathBuf,
    /// What it is called, and its arguments.
    pub argv: Vec<OsString>,
    /// Its whole environment.
    pub env: Environment,
    /// Where it begins; where we are, if that is nowhere.
    pub directory: Option<PathBuf>,
    /// What it must not have of ours.
    pub rights: Option<Rights>,
}

impl Program {
    /// A program with its arguments, in our own environment.
    #[must_use]
    pub fn new(argv: Vec<OsString>) -> Self {
        Self {
            path: argv.first().map(PathBuf::from).unwrap_or_default(),
            argv,
            env: Environment::own(),
            directory: None,
            rights: None,
        }
    }

    /// The value of a variable of its environment.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.env.variable(name)
    }

    /// Sets a variable of its environment.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.env.set(name, &value.into());
    }

    /// Its name, to be shown.
    pub(crate) fn name(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Says why it cannot be started, as far as that can be known before.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.argv.is_empty() || self.path.as_os_str().is_empty() {
            return Err("it has no name".into());
        }
        let is_program = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
        let path = &self.path;
        if path.components().count() > 1 || path.is_absolute() {
            return match path.metadata() {
                Ok(_) if is_program(path) => Ok(()),
                Ok(metadata) if metadata.is_dir() => Err("it is a folder".into()),
                Ok(_) => Err("it is not executable".into()),
                Err(error) => Err(error.to_string()),
            };
        }
        let folders = self.variable("PATH").unwrap_or_default();
        if std::env::split_paths(folders).any(|folder| is_program(&folder.join(path))) {
            Ok(())
        } else {
            Err("no such program in PATH".into())
        }
    }

    /// Becomes this program, without our rights; returns only where that fails.
    pub fn exec(&self) -> io::Error {
        let mut command = self.command();
        close_what_was_closed(&mut command, [false; 3]);
        let error = command.exec();
        // What has become of our environment is in it.
        std::mem::forget(command);
        error
    }

    /// Starts it on this terminal, which controls it as `control` says. Of its standard
    /// descriptors those are the terminal that `on_terminal` says; the others are ours.
    pub(crate) fn start_on(
        &self,
        terminal: OwnedFd,
        on_terminal: [bool; 3],
        control: Control,
        given: &Given,
    ) -> io::Result<Started> {
        let mut command = self.command();
        let stdio = |is_on: bool| -> io::Result<Stdio> {
            Ok(if is_on { terminal.try_clone()?.into() } else { Stdio::inherit() })
        };
        let [stdin, stdout, stderr] = on_terminal;
        command.stdin(stdio(stdin)?).stdout(stdio(stdout)?).stderr(stdio(stderr)?);
        close_what_was_closed(&mut command, on_terminal);
        let (leader, heard) = match control {
            Control::Belongs => Some(Leader::prepare(terminal.try_clone()?)?).unzip(),
            Control::Leads | Control::None => (None, None),
        };
        let (given, has_none) = (given.clone(), !Control::is_controlled());
        let begin = move || {
            match (control, &leader) {
                (Control::Belongs, Some(leader)) => leader.begin()?,
                // Whoever leads a session is controlled by the next terminal that it opens.
                (Control::None, _) if has_none => rustix::process::setpgid(None, None)?,
                _ => _ = rustix::process::setsid()?,
            }
            if control == Control::Leads {
                rustix::process::ioctl_tiocsctty(&terminal)?;
            }
            given.restore()
        };
        // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
        #[expect(unsafe_code, reason = "a session of its own has to be begun in the child")]
        unsafe {
            command.pre_exec(begin)
        };
        let child = pid(&command.spawn()?)?;
        // Ours of the pipe through which it is heard are closed with this.
        drop(command);
        let program = heard.map_or(Ok(child), Heard::program)?;
        Ok(Started { child, program })
    }

    /// What starts it; it has none of our rights.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        if let Some((name, arguments)) = self.argv.split_first() {
            command.arg0(name).args(arguments);
        }
        let environment = self.env.block_for_child();
        // SAFETY: between fork and exec a pointer is set, and nothing is allocated.
        #[expect(unsafe_code, reason = "the standard library knows no environment that is not of variables")]
        unsafe {
            command.pre_exec(move || {
                environment.put();
                Ok(())
            })
        };
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(rights) = self.rights {
            // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
            #[expect(unsafe_code, reason = "the rights have to be given up in the child")]
            unsafe {
                command.pre_exec(move || rights.give_up())
            };
        }
        command
    }
}

/// Closes, where the program begins, those of the standard descriptors that were closed when we began, unless they are given.
fn close_what_was_closed(command: &mut Command, given: [bool; 3]) {
    let closed = [0, 1, 2].map(|at| !given[at] && was_closed(at));
    let close = move || {
        (0..3).zip(closed).filter(|(_, closed)| *closed).for_each(|(descriptor, _)| close(descriptor));
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made, and nothing is allocated.
    #[expect(unsafe_code, reason = "the standard library closes none of these")]
    unsafe {
        command.pre_exec(close)
    };
}

pub(crate) fn pid(child: &std::process::Child) -> io::Result<Pid> {
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("it has no process id"))
}
