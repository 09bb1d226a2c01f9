//! The coderun service: `coderun` alone serves; see `coderun --help` for the rest.

use std::process::ExitCode;

use coderun_server::{ProcessEnvironment, run};

fn main() -> ExitCode {
    coderun_runner_sandbox::launcher_main();
    run(std::env::args_os(), &ProcessEnvironment)
}
