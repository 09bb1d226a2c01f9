//! Builds the verifier of the tokens that the settings accept, and the development issuer.

use std::sync::Arc;

use anyhow::Context as _;
use coderun_domain::{BearerToken, Clock, TokenVerifier, UserId};
use coderun_firebase::{
    AccountLookup, AccountLookupConfig, DevelopmentIssuer, EmulatorConfig, EmulatorProjects,
    EmulatorTokenVerifier, FirebaseTokenVerifier, HttpKeySource, HttpKeysConfig, ServiceAccount,
    TokenRequest as IssuerRequest, UserPolicy, VerifierConfig,
};

use super::values::ProjectId;
use crate::settings::{Settings, TokenIssuer, TokenRequest, UserSettings};

/// Builds the verifier of the tokens that the settings accept.
pub(super) fn verifier(
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<Arc<dyn TokenVerifier>> {
    let users = &settings.users;
    Ok(match users.token_issuer() {
        TokenIssuer::Firebase(project) => Arc::new(firebase_verifier(users, project, clock)?),
        TokenIssuer::Emulator(project, host) => {
            let projects = if users.dangerously_emulate_a_real_project {
                EmulatorProjects::Any
            } else {
                EmulatorProjects::DemoOnly
            };
            let config = EmulatorConfig {
                host: host.clone(),
                verifier: verifier_config(users, project),
            };
            let verifier = EmulatorTokenVerifier::start(config, projects, clock);
            Arc::new(verifier.context("cannot accept tokens of the Auth emulator")?)
        }
        TokenIssuer::Development => Arc::new(issuer(settings)?.verifier(clock)),
    })
}

fn firebase_verifier(
    users: &UserSettings,
    project: &ProjectId,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<FirebaseTokenVerifier> {
    let keys = HttpKeySource::start(HttpKeysConfig {
        stale_bound: users.firebase_stale_keys_seconds,
        ..HttpKeysConfig::new(users.firebase_jwks_url.clone())
    })?;
    let config = verifier_config(users, project);
    let verifier = FirebaseTokenVerifier::new(config, Arc::new(keys), Arc::clone(&clock));
    let Some(path) = &users.firebase_service_account_path else {
        return Ok(verifier);
    };
    let account = ServiceAccount::read(path)
        .context("cannot use the service account (FIREBASE_SERVICE_ACCOUNT_PATH)")?;
    let config = AccountLookupConfig::new(project.clone(), users.firebase_users_url.clone());
    let lookup = AccountLookup::start(config, account, clock).context("cannot look users up")?;
    Ok(verifier.with_account_lookup(Arc::new(lookup)))
}

fn verifier_config(users: &UserSettings, project: &ProjectId) -> VerifierConfig {
    VerifierConfig {
        clock_skew: users.firebase_clock_skew_seconds,
        token_max: users.firebase_token_max,
        verified_tokens_max: users.verified_tokens_max,
        tenants: users.firebase_tenant.clone(),
        users: UserPolicy {
            email: users.firebase_email_policy,
            providers: users.firebase_sign_in_providers.clone(),
            anonymous: users.firebase_anonymous_users,
        },
        ..VerifierConfig::firebase(project.clone())
    }
}

/// Issues a token of the development issuer.
pub(crate) fn issue_development_token(
    settings: &Settings,
    request: &TokenRequest,
    clock: &dyn Clock,
) -> anyhow::Result<BearerToken> {
    let user = UserId::parse(request.uid.clone()).context("--uid")?;
    let request = IssuerRequest {
        email: request.email.clone(),
        name: request.name.clone(),
        lifetime: request.lifetime,
        ..IssuerRequest::new(user)
    };
    Ok(issuer(settings)?.issue(&request, clock.now())?)
}

fn issuer(settings: &Settings) -> anyhow::Result<DevelopmentIssuer> {
    let directory = settings.state_dir.as_ref();
    let directory =
        directory.context("there is no home directory: set STATE_DIR to a folder for the key")?;
    DevelopmentIssuer::open(directory).context("cannot use the key of the development issuer")
}

/// A warning for operators, in readiness and in the start-up log, about tokens that others can make.
pub(crate) const fn warning(settings: &Settings) -> Option<&'static str> {
    match settings.users.token_issuer() {
        TokenIssuer::Firebase(_) => None,
        TokenIssuer::Emulator(..) => {
            Some("tokens of the Auth emulator are accepted, which anyone can create")
        }
        TokenIssuer::Development => Some(
            "tokens of the development issuer are accepted, which any user of this machine can create",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coderun_domain::ByteSize;

    use super::*;
    use crate::compose::values::{AnonymousUsers, EmailPolicy, TenantPolicy};
    use crate::settings::testing::settings_with;

    fn config_with(variables: &[(&'static str, &'static str)]) -> VerifierConfig {
        let users = settings_with(variables).users;
        verifier_config(&users, &ProjectId::parse("p").unwrap())
    }

    #[test]
    fn a_project_is_verified_by_the_defaults_of_the_adapter() {
        let project = ProjectId::parse("p").unwrap();
        assert_eq!(config_with(&[]), VerifierConfig::firebase(project));
    }

    #[test]
    fn every_rule_for_users_can_be_set() {
        let config = config_with(&[
            ("FIREBASE_PROJECT_ID", "p"),
            ("FIREBASE_CLOCK_SKEW_SECONDS", "0"),
            ("FIREBASE_TOKEN_MAX", "4KiB"),
            ("FIREBASE_TENANT", "any"),
            ("FIREBASE_SIGN_IN_PROVIDERS", "password,google.com"),
            ("FIREBASE_EMAIL_POLICY", "verified"),
            ("FIREBASE_ANONYMOUS_USERS", "refused"),
            ("VERIFIED_TOKENS_MAX", "0"),
        ]);
        assert_eq!(config.clock_skew.as_duration(), Duration::ZERO);
        assert_eq!(config.token_max, ByteSize::from_kib(4));
        assert_eq!(config.tenants, TenantPolicy::Any);
        assert_eq!(config.users.providers.to_string(), "google.com,password");
        assert_eq!(config.users.email, EmailPolicy::Verified);
        assert_eq!(config.users.anonymous, AnonymousUsers::Refused);
        assert_eq!(config.verified_tokens_max, 0);
    }
}
