//! `coderun token`: a token of the development issuer, for curl and for pages that log in by themselves.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use coderun_domain::{Clock as _, UserId};

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
    let user = UserId::parse(request.uid.clone()).context("--uid")?;
    let wanted = coderun_firebase::TokenRequest {
        email: request.email.clone(),
        name: request.name.clone(),
        lifetime: request.lifetime.duration(),
        ..coderun_firebase::TokenRequest::new(user)
    };
    let issuer = compose::development_issuer(settings)?;
    let token = issuer.issue(&wanted, SystemClock.now())?;
    print(token.expose())?;
    Ok(ExitCode::SUCCESS)
}
