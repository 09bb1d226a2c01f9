//! `coderun token`: a token of the development issuer, for curl and for pages that log in by themselves.

use std::process::ExitCode;

use anyhow::bail;

use super::print;
use crate::compose;
use crate::settings::{Issuers, Settings, TokenRequest};
use crate::system::SystemClock;

/// Prints the token alone, so that a shell can take it as it is.
pub(crate) fn token(settings: &Settings, request: &TokenRequest) -> anyhow::Result<ExitCode> {
    match settings.users.issuers() {
        Issuers::Development => {}
        Issuers::Firebase(project) => {
            bail!("tokens of `{project}` come from Firebase (FIREBASE_PROJECT_ID is set)")
        }
        Issuers::Emulator(project, host) => {
            bail!(
                "tokens of `{project}` come from the emulator at {host} (FIREBASE_AUTH_EMULATOR_HOST is set)"
            )
        }
    }
    let token = compose::issue_development_token(settings, request, &SystemClock)?;
    print(token.expose())?;
    Ok(ExitCode::SUCCESS)
}
