//! Builds the verifier of the tokens that the settings accept, the development issuer, and the sign-in on the page.

use std::sync::Arc;

use anyhow::Context as _;
use coderun_domain::{BackendError, BearerToken, Clock, TokenVerifier, UserId};
use coderun_firebase::{
    AccountLookup, AccountLookupConfig, DevelopmentIssuer, EmulatorConfig, EmulatorProjects,
    EmulatorTokenVerifier, FirebaseTokenVerifier, HttpKeySource, HttpKeysConfig, ServiceAccount,
    TokenRequest as IssuerRequest, UserPolicy, VerifierConfig,
};
use coderun_http::{DevelopmentToken, DevelopmentTokens, SignIn};

use super::values::{EmulatorHost, ProjectId};
use crate::settings::{DEVELOPER, Settings, TokenIssuer, TokenRequest, UserSettings};

/// Builds the verifier of the tokens that the settings accept, and the way in which people get such tokens on the page.
pub(super) fn build(
    settings: &Settings,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<(Arc<dyn TokenVerifier>, Option<SignIn>)> {
    let users = &settings.users;
    Ok(match users.token_issuer() {
        TokenIssuer::Firebase(project) => {
            let verifier = firebase_verifier(users, project, clock)?;
            (Arc::new(verifier), firebase_sign_in(users, project))
        }
        TokenIssuer::Emulator(project, host) => {
            let sign_in = SignIn::Emulator {
                host: host.to_string(),
                project_id: project.to_string(),
            };
            let verifier = emulator_verifier(users, project, host, clock)?;
            (Arc::new(verifier), Some(sign_in))
        }
        TokenIssuer::Development => {
            let issuer = issuer(settings)?;
            let verifier = issuer.verifier(Arc::clone(&clock));
            // Others may be able to use the page of a service that is exposed.
            let tokens = (users.are_local_only()).then(|| PageTokens::new(issuer, clock));
            let tokens = tokens.transpose()?.map(Arc::new);
            (Arc::new(verifier), tokens.map(|it| SignIn::Development(it)))
        }
    })
}

fn firebase_sign_in(users: &UserSettings, project: &ProjectId) -> Option<SignIn> {
    Some(SignIn::Firebase {
        api_key: users.firebase_web_api_key.as_ref()?.to_string(),
        auth_domain: users.auth_domain()?.to_string(),
        project_id: project.to_string(),
    })
}

fn emulator_verifier(
    users: &UserSettings,
    project: &ProjectId,
    host: &EmulatorHost,
    clock: Arc<dyn Clock>,
) -> anyhow::Result<EmulatorTokenVerifier> {
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
    verifier.context("cannot accept tokens of the Auth emulator")
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

/// Issues development tokens to the page, of the user that `coderun token` takes by default: what is run on the page and from a
/// shell has one history.
#[derive(Debug)]
struct PageTokens {
    issuer: DevelopmentIssuer,
    request: IssuerRequest,
    clock: Arc<dyn Clock>,
}

impl PageTokens {
    fn new(issuer: DevelopmentIssuer, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        Ok(Self {
            issuer,
            request: IssuerRequest::new(UserId::parse(DEVELOPER)?),
            clock,
        })
    }
}

impl DevelopmentTokens for PageTokens {
    fn issue(&self) -> Result<DevelopmentToken, BackendError> {
        Ok(DevelopmentToken {
            token: self.issuer.issue(&self.request, self.clock.now())?,
            lifetime: self.request.lifetime,
        })
    }
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
    use crate::system::SystemClock;

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

    /// What `build` makes of these variables, with the state in a folder of its own.
    fn build_with(
        variables: &[(&'static str, &'static str)],
    ) -> (Arc<dyn TokenVerifier>, Option<SignIn>) {
        let state = tempfile::tempdir().unwrap();
        let settings = Settings {
            state_dir: Some(state.path().to_owned()),
            ..settings_with(variables)
        };
        build(&settings, Arc::new(SystemClock)).unwrap()
    }

    #[tokio::test]
    async fn the_page_gets_tokens_of_the_user_that_the_command_prints_tokens_of() {
        let (verifier, sign_in) = build_with(&[]);
        let Some(SignIn::Development(tokens)) = sign_in else {
            panic!("{sign_in:?}");
        };
        let issued = tokens.issue().unwrap();
        let principal = verifier.verify(&issued.token).await.unwrap();
        assert_eq!(principal.user.as_str(), "developer");
        assert_eq!(issued.lifetime, Duration::from_hours(1));
    }

    #[test]
    fn a_service_that_is_exposed_gives_no_tokens_away() {
        let (_, sign_in) = build_with(&[("DANGEROUSLY_EXPOSE_DEVELOPMENT_TOKENS", "true")]);
        assert!(sign_in.is_none(), "{sign_in:?}");
    }

    fn sign_in_with(variables: &[(&'static str, &'static str)]) -> Option<[String; 3]> {
        let users = settings_with(variables).users;
        let project = users.firebase_project_id.clone().unwrap();
        match firebase_sign_in(&users, &project) {
            Some(SignIn::Firebase {
                api_key,
                auth_domain,
                project_id,
            }) => Some([api_key, auth_domain, project_id]),
            Some(SignIn::Development(_) | SignIn::Emulator { .. }) => panic!("not Firebase"),
            None => None,
        }
    }

    #[test]
    fn people_sign_in_with_firebase_where_its_key_is_set() {
        const PROJECT: (&str, &str) = ("FIREBASE_PROJECT_ID", "p");
        const KEY: (&str, &str) = ("FIREBASE_WEB_API_KEY", "AIza");
        assert_eq!(sign_in_with(&[PROJECT]), None);
        let expected = |domain| Some(["AIza", domain, "p"].map(str::to_owned));
        assert_eq!(sign_in_with(&[PROJECT, KEY]), expected("p.firebaseapp.com"));
        let domain = ("FIREBASE_AUTH_DOMAIN", "auth.example.org");
        let elsewhere = sign_in_with(&[PROJECT, KEY, domain]);
        assert_eq!(elsewhere, expected("auth.example.org"));
    }

    #[tokio::test]
    async fn people_sign_in_with_the_emulator_where_there_is_one() {
        let (_, sign_in) = build_with(&[
            ("FIREBASE_PROJECT_ID", "demo-p"),
            ("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:9099"),
        ]);
        let Some(SignIn::Emulator { host, project_id }) = sign_in else {
            panic!("{sign_in:?}");
        };
        assert_eq!(
            (host.as_str(), project_id.as_str()),
            ("127.0.0.1:9099", "demo-p")
        );
    }
}
