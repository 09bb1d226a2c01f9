//! `coderun openapi` and `coderun asyncapi` print the specifications of the API, for generators of clients.

use std::process::ExitCode;

use super::print;
use crate::compose;

/// Prints the OpenAPI document that the service serves.
pub(crate) fn openapi() -> anyhow::Result<ExitCode> {
    print(compose::OPENAPI.trim_end())?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the AsyncAPI document that the service serves.
pub(crate) fn asyncapi() -> anyhow::Result<ExitCode> {
    print(compose::ASYNCAPI.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
