//! Differential tests: what somebody does on a machine is the same with our shell around theirs.

use std::fmt::Debug;

use super::{Machine, Way, shared};
use crate::tools;

/// What a scenario gave on each machine with wrapped shells, after it was compared with the bare one.
pub struct Same<T> {
    /// What it gave on each of them.
    pub value: T,
    /// The machines with wrapped shells on which it was the same.
    pub wrapped: Vec<(Way, &'static Machine)>,
}

/// Plays a scenario on a machine with bare shells, and on one with each way of wrapping them: all give the same.
///
/// # Errors
/// What is missing for a machine.
///
/// # Panics
/// One gives something else.
#[track_caller]
pub fn same<T: Debug>(scenario: impl Fn(&Machine) -> T) -> Result<Same<T>, String> {
    let value = scenario(shared(Way::Bare)?);
    let mut wrapped = Vec::new();
    for way in [Way::Login, Way::Forced] {
        let machine = match shared(way) {
            Ok(machine) => machine,
            Err(lacking) => {
                tools::left_out_once(&format!("{way:?}: needs {lacking}"));
                continue;
            }
        };
        check(&value, &scenario(machine), way);
        wrapped.push((way, machine));
    }
    Ok(Same { value, wrapped })
}

/// Plays a scenario on a machine with bare shells, and on wrapped ones: all give the same. Gives what that is.
///
/// # Panics
/// One gives something else.
#[track_caller]
pub fn same_on<T: Debug>(bare: &Machine, wrapped: &[&Machine], scenario: impl Fn(&Machine) -> T) -> T {
    let value = scenario(bare);
    for machine in wrapped {
        check(&value, &scenario(machine), machine.way);
    }
    value
}

#[track_caller]
fn check<T: Debug>(bare: &T, wrapped: &T, way: Way) {
    let (bare, wrapped) = (text(bare, way), text(wrapped, way));
    assert!(bare == wrapped, "{way:?} makes a difference\n{}", difference(&bare, &wrapped));
}

/// A value as lines, without what others than us make of it.
fn text<T: Debug>(value: &T, way: Way) -> Vec<String> {
    let theirs: &[&str] = match way {
        Way::Bare => &[],
        // sudo names the shell that it starts.
        Way::Login => &["SUDO_COMMAND"],
        // What sshd leaves in the environment, and the shell that it starts us with.
        Way::Forced => &["SSH_ORIGINAL_COMMAND", "SHLVL", "PWD", "OLDPWD", "_"],
    };
    let is_ours = |line: &String| {
        let name =
            line.trim_start_matches([' ', '"']).strip_prefix("env ").and_then(|line| line.split('=').next());
        !name.is_some_and(|name| theirs.contains(&name))
    };
    format!("{value:#?}").replace("\\n", "\n").lines().map(str::to_owned).filter(is_ours).collect()
}

/// What a person needs to see of two values: the lines that only one of them has.
fn difference(bare: &[String], wrapped: &[String]) -> String {
    let mut text = String::new();
    for (sign, lines, others) in [('-', bare, wrapped), ('+', wrapped, bare)] {
        for line in lines.iter().filter(|line| !others.contains(line)) {
            text.push_str(&format!("{sign} {}\n", line.chars().take(300).collect::<String>()));
        }
    }
    if text.is_empty() { format!("{bare:#?}\n{wrapped:#?}") } else { text }
}
