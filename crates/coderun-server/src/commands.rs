//! Implements the commands of the program, one file each.

mod check_config;
mod doctor;
mod healthcheck;
mod serve;
mod specification;
mod token;

pub(crate) use check_config::check_config;
pub(crate) use doctor::doctor;
pub(crate) use healthcheck::healthcheck;
pub(crate) use serve::serve;
pub(crate) use specification::{asyncapi, openapi};
pub(crate) use token::token;

use std::io::Write as _;

use anyhow::Context as _;

/// Prints a line of the result on stdout.
fn print(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to stdout")
}
