//! Defines the settings of users: the issuer of their tokens and the rules for them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use coderun_domain::ByteSize;

use super::sign_in::{HostName, WebApiKey};
use super::values::{bounded_seconds, size_within, whole};
use crate::compose::values::{
    AnonymousUsers, ClockSkew, EmailPolicy, EmulatorHost, Endpoint, FIREBASE_KEYS_URL,
    GOOGLE_USERS_URL, ProjectId, SignInProviders, StaleKeyBound, TenantPolicy, firebase_keys_url,
};

/// The settings of users.
#[derive(Debug, Clone, Args)]
pub(crate) struct UserSettings {
    /// Firebase project whose ID tokens are accepted. Without it, only tokens of the development issuer are accepted, on this machine only.
    #[arg(long, value_parser = |text: &str| ProjectId::parse(text))]
    pub(crate) firebase_project_id: Option<ProjectId>,
    /// Web API key of the Firebase project, from its settings. With it, people can sign in with Firebase on the page.
    #[arg(long)]
    pub(crate) firebase_web_api_key: Option<WebApiKey>,
    /// Host of Firebase's page for sign-in. Default: `PROJECT.firebaseapp.com`.
    #[arg(long)]
    pub(crate) firebase_auth_domain: Option<HostName>,
    /// Where Firebase publishes the keys that sign its tokens: a JSON Web Key Set.
    #[arg(long, default_value = FIREBASE_KEYS_URL, value_parser = firebase_keys_url)]
    pub(crate) firebase_jwks_url: Endpoint,
    /// Seconds that fetched keys stay in use while no newer ones can be fetched, 0 to 604800.
    #[arg(long, default_value = "86400", value_parser = |text: &str| -> Result<StaleKeyBound, String> { bounded_seconds(text) })]
    pub(crate) firebase_stale_keys_seconds: StaleKeyBound,
    /// Host and port of a Firebase Auth emulator whose unsigned tokens are accepted, such as `127.0.0.1:9099`. Never
    /// use it together with real users.
    #[arg(long)]
    pub(crate) firebase_auth_emulator_host: Option<EmulatorHost>,
    /// Key file of a service account. With it, users who are disabled, deleted or signed out are refused before their tokens expire.
    #[arg(long)]
    pub(crate) firebase_service_account_path: Option<PathBuf>,
    /// Base URL of the user directory that the service account reads.
    #[arg(long, default_value = GOOGLE_USERS_URL)]
    pub(crate) firebase_users_url: Endpoint,
    /// Seconds by which the clocks of Firebase and of this machine may differ, 0 to 300.
    #[arg(long, default_value = "60", value_parser = |text: &str| -> Result<ClockSkew, String> { bounded_seconds(text) })]
    pub(crate) firebase_clock_skew_seconds: ClockSkew,
    /// The longest accepted token.
    #[arg(long, default_value = "8KiB", value_parser = size_within::<0x400, 0x1_0000>)]
    pub(crate) firebase_token_max: ByteSize,
    /// Accepted tenants: `none`, `any`, or the id of the only one.
    #[arg(long, default_value_t = TenantPolicy::default())]
    pub(crate) firebase_tenant: TenantPolicy,
    /// Accepted sign-in providers, such as `password,google.com`, or `any`.
    #[arg(long, default_value_t = SignInProviders::default())]
    pub(crate) firebase_sign_in_providers: SignInProviders,
    /// Whether the email address of a user must be verified: `any` or `verified`.
    #[arg(long, default_value_t = EmailPolicy::default())]
    pub(crate) firebase_email_policy: EmailPolicy,
    /// Whether anonymous users are `accepted` or `refused`.
    #[arg(long, default_value_t = AnonymousUsers::default())]
    pub(crate) firebase_anonymous_users: AnonymousUsers,
    /// Verified tokens to cache, so that each signature is checked only once, 0 to 1000000.
    #[arg(long, default_value = "10000", value_parser = whole::<0, 1_000_000, usize>)]
    pub(crate) verified_tokens_max: usize,
    /// Accept development tokens, which any user of this machine can create, from the whole network. Never use it on a
    /// machine that others can reach.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) dangerously_expose_development_tokens: bool,
    /// Accept the emulator's tokens, which anyone can create, from the whole network.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) dangerously_expose_emulator_tokens: bool,
    /// Accept the emulator's tokens for a project that may be real: one whose id does not begin with `demo-`.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) dangerously_emulate_a_real_project: bool,
}

/// The issuer whose tokens are accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum TokenIssuer<'settings> {
    /// Google, for this Firebase project.
    Firebase(&'settings ProjectId),
    /// The Auth emulator, for this project.
    Emulator(&'settings ProjectId, &'settings EmulatorHost),
    /// The development issuer of this service.
    Development,
}

impl UserSettings {
    /// The issuer whose tokens are accepted.
    pub(crate) const fn token_issuer(&self) -> TokenIssuer<'_> {
        match (&self.firebase_project_id, &self.firebase_auth_emulator_host) {
            (Some(project), Some(host)) => TokenIssuer::Emulator(project, host),
            (Some(project), None) => TokenIssuer::Firebase(project),
            (None, _) => TokenIssuer::Development,
        }
    }

    /// The host of Firebase's page for sign-in. By default that of the project, if its id can be a part of one.
    pub(crate) fn auth_domain(&self) -> Option<HostName> {
        let project = self.firebase_project_id.as_ref();
        let default = || format!("{}.firebaseapp.com", project?).parse().ok();
        self.firebase_auth_domain.clone().or_else(default)
    }

    /// The difference allowed between the clocks of the issuer and of this machine.
    pub(crate) const fn clock_skew(&self) -> Duration {
        self.firebase_clock_skew_seconds.as_duration()
    }

    /// Whether only this machine may use the service, because others could create tokens for any user.
    pub(crate) const fn are_local_only(&self) -> bool {
        match self.token_issuer() {
            TokenIssuer::Firebase(_) => false,
            TokenIssuer::Emulator(..) => !self.dangerously_expose_emulator_tokens,
            TokenIssuer::Development => !self.dangerously_expose_development_tokens,
        }
    }
}
