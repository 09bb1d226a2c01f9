//! Contains the coderun binary as a library: settings, composition, commands and lifecycle.
//!
//! [`run`] is the whole program. The adapters are named in one place only, `compose`; business rules live in
//! `coderun-app` and `coderun-domain`.

mod admin;
mod commands;
mod compose;
mod environment;
mod lifecycle;
mod metrics;
mod roles;
mod settings;
mod system;
mod telemetry;

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

pub use environment::{Environment, NotUnicode, ProcessEnvironment};
use settings::{Command, Invocation};

/// Runs the program with these arguments (the first is its own name) in this environment.
///
/// An error is one sentence on stderr and a failing exit code: 2 for invalid arguments or settings, otherwise 1.
#[must_use]
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    environment: &dyn Environment,
) -> ExitCode {
    // Comes first: the launcher of the sandbox is this program again, and must have no other thread.
    compose::launcher_main();
    let invocation = match settings::read(arguments, environment) {
        Ok(invocation) => invocation,
        Err(error) => return error.report(),
    };
    match execute(&invocation, environment) {
        Ok(code) => code,
        Err(error) => {
            print_error(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn execute(invocation: &Invocation, environment: &dyn Environment) -> anyhow::Result<ExitCode> {
    let settings = &invocation.settings;
    match &invocation.command {
        Command::Serve => {
            let traces = telemetry::start(settings.log_format, environment)?;
            let served = commands::serve(settings);
            traces.flush();
            served
        }
        Command::Token(request) => commands::token(settings, request),
        Command::Doctor => {
            telemetry::start(settings.log_format, environment)?;
            commands::doctor(settings)
        }
        Command::CheckConfig => commands::check_config(&invocation.effective),
        Command::Openapi => commands::openapi(),
        Command::Asyncapi => commands::asyncapi(),
        Command::Healthcheck { url } => commands::healthcheck(settings, url.as_deref()),
    }
}

/// Prints a line on stderr, and ignores a stderr that is closed.
fn print_error(line: &str) {
    drop(writeln!(std::io::stderr(), "{line}"));
}
