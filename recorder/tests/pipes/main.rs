//! Programs without a terminal behind the recorder, with real pipes, sockets and signals, beside the same programs
//! without it.
//!
//! There is no harness: what is wrapped has to part in two before there is a second thread, so that this program is
//! started again for it.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "these are tests")]

mod ends;
mod faithful;
mod jobs;
mod lent;
mod signals;
mod weather;
mod wrapped;

use std::process::ExitCode;

type Test = (&'static str, fn());

fn main() -> ExitCode {
    if let Some(status) = wrapped::record_if_asked() {
        return status;
    }
    let tests: Vec<Test> =
        [faithful::TESTS, ends::TESTS, jobs::TESTS, lent::TESTS, signals::TESTS, weather::TESTS].concat();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        tests.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let exact = arguments.iter().any(|argument| argument == "--exact");
    let mut failed = 0;
    for (name, test) in tests {
        let fits = |wanted: &&String| if exact { name == **wanted } else { name.contains(wanted.as_str()) };
        if !wanted.is_empty() && !wanted.iter().any(fits) {
            continue;
        }
        let passed = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if passed { "ok" } else { "FAILED" });
        failed += u32::from(!passed);
    }
    println!("\ntest result: {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tests by their names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) const TESTS: &[$crate::Test] =
            &[$((concat!(module_path!(), "::", stringify!($name)), $name as fn())),*];
    };
}
pub(crate) use tests;
