//! `coderun openapi` prints the specification of the API, for generators of clients.

use std::process::ExitCode;

use super::print;
use crate::compose;

/// Prints the OpenAPI document that the service serves.
pub(crate) fn openapi() -> anyhow::Result<ExitCode> {
    print(compose::OPENAPI.trim_end())?;
    Ok(ExitCode::SUCCESS)
}
