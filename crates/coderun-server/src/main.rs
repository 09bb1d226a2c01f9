//! Starts the coderun service; `coderun --help` lists its commands.

use std::process::ExitCode;

use coderun_server::{ProcessEnvironment, run};

fn main() -> ExitCode {
    run(std::env::args_os(), &ProcessEnvironment)
}
