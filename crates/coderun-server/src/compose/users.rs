//! Who users are.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use coderun_domain::{Clock, TokenVerifier};
use coderun_firebase::{
    AccountLookup, AccountLookupConfig, DevelopmentIssuer, EmulatorConfig, EmulatorTokenVerifier,
    FirebaseTokenVerifier, HttpKeySource, HttpKeysConfig, ProjectId, ServiceAccount,
};

use crate::settings::{Issuers, Settings, UserSettings};

/// Makes the verifier of the tokens that are accepted.
pub(super) fn verifier(
    settings: &Settings,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn TokenVerifier>> {
    let (users, clock) = (&settings.users, Arc::clone(clock));
    match users.issuers() {
        Issuers::Firebase(project) => Ok(Arc::new(firebase(users, project, clock)?)),
        Issuers::Emulator(project, host) => {
            let config = EmulatorConfig {
                host: host.clone(),
                verifier: users.verifier_config(project),
            };
            let verifier = EmulatorTokenVerifier::start(config, users.emulator_projects(), clock)
                .context("cannot accept tokens of the Auth emulator")?;
            Ok(Arc::new(verifier))
        }
        Issuers::Development => Ok(Arc::new(development_issuer(settings)?.verifier(clock))),
    }
}

fn firebase(
    users: &UserSettings,
    project: &ProjectId,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<FirebaseTokenVerifier> {
    let keys = HttpKeySource::start(HttpKeysConfig {
        stale_bound: users.firebase_stale_keys_seconds,
        ..HttpKeysConfig::new(users.firebase_jwks_url.clone())
    })?;
    let config = users.verifier_config(project);
    let verifier = FirebaseTokenVerifier::new(config, Arc::new(keys), Arc::clone(&clock));
    match &users.firebase_service_account_path {
        Some(path) => {
            Ok(verifier.with_user_directory(Arc::new(directory(users, path, project, clock)?)))
        }
        None => Ok(verifier),
    }
}

/// What Google knows of users now.
fn directory(
    users: &UserSettings,
    path: &Path,
    project: &ProjectId,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<AccountLookup> {
    let account = ServiceAccount::read(path)
        .context("cannot use the service account (FIREBASE_SERVICE_ACCOUNT_PATH)")?;
    let config = AccountLookupConfig::new(project.clone(), users.firebase_users_url.clone());
    AccountLookup::start(config, account, clock).context("cannot look users up")
}

/// The issuer whose key is in the state directory.
pub(crate) fn development_issuer(settings: &Settings) -> anyhow::Result<DevelopmentIssuer> {
    let directory = settings
        .state_dir
        .as_deref()
        .context("there is no home directory: set STATE_DIR to a folder for the key")?;
    DevelopmentIssuer::open(directory).context("cannot use the key of the development issuer")
}

/// What an operator must know about who is let in, for readiness and the start-up log.
pub(crate) const fn note(settings: &Settings) -> Option<&'static str> {
    match settings.users.issuers() {
        Issuers::Firebase(_) => None,
        Issuers::Emulator(..) => {
            Some("tokens of the Auth emulator are accepted, which anybody can make")
        }
        Issuers::Development => Some(
            "tokens of the development issuer are accepted, which anybody on this machine can make",
        ),
    }
}
