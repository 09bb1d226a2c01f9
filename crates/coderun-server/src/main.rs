//! The coderun service: `coderun` alone serves; see `coderun --help` for the rest.

use std::process::ExitCode;

use coderun_server::{ProcessEnvironment, run};

fn main() -> ExitCode {
    run(std::env::args_os(), &ProcessEnvironment)
}
