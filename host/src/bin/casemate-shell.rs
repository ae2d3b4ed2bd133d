//! `casemate-shell`: what a host runs in the place of a shell. Installed set-group-id, see [`casemate_host::wrap`].

use std::process::ExitCode;

fn main() -> ExitCode {
    casemate_host::wrap::main()
}
