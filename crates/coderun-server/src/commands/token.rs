//! `coderun token` prints a token of the development issuer, for curl and for pages under development.

use std::process::ExitCode;

use anyhow::bail;

use super::print;
use crate::compose;
use crate::settings::{Settings, TokenIssuer, TokenRequest};
use crate::system::SystemClock;

/// Prints only the token, so that a shell can use the output as it is.
pub(crate) fn token(settings: &Settings, request: &TokenRequest) -> anyhow::Result<ExitCode> {
    match settings.users.token_issuer() {
        TokenIssuer::Development => {}
        TokenIssuer::Firebase(project) => {
            bail!("tokens of `{project}` come from Firebase (FIREBASE_PROJECT_ID is set)")
        }
        TokenIssuer::Emulator(project, host) => {
            bail!(
                "tokens of `{project}` come from the emulator at {host} (FIREBASE_AUTH_EMULATOR_HOST is set)"
            )
        }
    }
    let token = compose::issue_development_token(settings, request, &SystemClock)?;
    print(token.expose())?;
    Ok(ExitCode::SUCCESS)
}
