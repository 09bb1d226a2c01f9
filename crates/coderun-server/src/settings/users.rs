//! Who users are: whose tokens are accepted, and what else is asked of their owners.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::values::{Size, clock_skew, stale_key_bound, tokens};
use crate::compose::values::{
    AnonymousUsers, ClockSkew, EmailPolicy, EmulatorHost, Endpoint, FIREBASE_KEYS_URL,
    GOOGLE_USERS_URL, ProjectId, SignInProviders, StaleKeyBound, TenantPolicy, firebase_keys_url,
};

/// Who users are.
#[derive(Debug, Clone, Args)]
pub(crate) struct UserSettings {
    /// Firebase project whose ID tokens are accepted. Without it, tokens are those of the development issuer, for this machine alone.
    #[arg(long, value_parser = |text: &str| ProjectId::parse(text))]
    pub(crate) firebase_project_id: Option<ProjectId>,
    /// Where Firebase publishes the keys that sign its tokens: a JSON Web Key Set.
    #[arg(long, default_value = FIREBASE_KEYS_URL, value_parser = firebase_keys_url)]
    pub(crate) firebase_jwks_url: Endpoint,
    /// Seconds that keys stay in use after they were fetched when no newer ones can be had, 0 to 604800.
    #[arg(long, default_value = "86400", value_parser = stale_key_bound)]
    pub(crate) firebase_stale_keys_seconds: StaleKeyBound,
    /// Host and port of a Firebase Auth emulator whose unsigned tokens are accepted, such as `127.0.0.1:9099`; never together with real users.
    #[arg(long)]
    pub(crate) firebase_auth_emulator_host: Option<EmulatorHost>,
    /// Key file of a service account, to refuse users who are disabled, deleted or signed out before their tokens end.
    #[arg(long)]
    pub(crate) firebase_service_account_path: Option<PathBuf>,
    /// Where users are asked for with that account.
    #[arg(long, default_value = GOOGLE_USERS_URL)]
    pub(crate) firebase_users_url: Endpoint,
    /// Seconds that the clocks of Firebase and of this machine may be apart, 0 to 300.
    #[arg(long, default_value = "60", value_parser = clock_skew)]
    pub(crate) firebase_clock_skew_seconds: ClockSkew,
    /// The longest token that is looked at.
    #[arg(long, default_value = "8KiB")]
    pub(crate) firebase_token_max: Size,
    /// Whose tenants are accepted: `none`, `any`, or the id of the only one.
    #[arg(long, default_value_t = TenantPolicy::default())]
    pub(crate) firebase_tenant: TenantPolicy,
    /// Ways of signing in that are accepted, such as `password,google.com`, or `any`.
    #[arg(long, default_value_t = SignInProviders::default())]
    pub(crate) firebase_sign_in_providers: SignInProviders,
    /// Whether the address of a user must be verified: `any` or `verified`.
    #[arg(long, default_value_t = EmailPolicy::default())]
    pub(crate) firebase_email_policy: EmailPolicy,
    /// Whether anonymous users are `accepted` or `refused`.
    #[arg(long, default_value_t = AnonymousUsers::default())]
    pub(crate) firebase_anonymous_users: AnonymousUsers,
    /// Tokens that are remembered as verified, so that RSA is asked once for each, 0 to 1000000.
    #[arg(long, default_value = "10000", value_parser = tokens)]
    pub(crate) verified_tokens_max: usize,
    /// Serve development tokens, which anybody on this machine can make, to the whole network. Never on a machine that others can reach.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) dangerously_expose_development_tokens: bool,
    /// Serve the emulator's tokens, which anybody can make, to the whole network.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) dangerously_expose_emulator_tokens: bool,
    /// Accept the emulator's tokens for a project that may exist: one whose id does not begin with `demo-`.
    #[arg(long, num_args = 0..=1, default_value_t = false, default_missing_value = "true", require_equals = true)]
    pub(crate) dangerously_emulate_a_real_project: bool,
}

/// Whose tokens are accepted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Issuers<'settings> {
    /// Google's, for this project.
    Firebase(&'settings ProjectId),
    /// The emulator's, for this project.
    Emulator(&'settings ProjectId, &'settings EmulatorHost),
    /// Our own.
    Development,
}

impl UserSettings {
    /// Whose tokens are accepted.
    pub(crate) const fn issuers(&self) -> Issuers<'_> {
        match (&self.firebase_project_id, &self.firebase_auth_emulator_host) {
            (Some(project), Some(host)) => Issuers::Emulator(project, host),
            (Some(project), None) => Issuers::Firebase(project),
            (None, _) => Issuers::Development,
        }
    }

    /// How far the clocks of whoever issues tokens and of this machine may be apart.
    pub(crate) const fn clock_skew(&self) -> Duration {
        self.firebase_clock_skew_seconds.as_duration()
    }

    /// Whether anybody who can reach the service could be anybody, and nobody has said that this is meant.
    pub(crate) const fn are_for_this_machine_alone(&self) -> bool {
        match self.issuers() {
            Issuers::Firebase(_) => false,
            Issuers::Emulator(..) => !self.dangerously_expose_emulator_tokens,
            Issuers::Development => !self.dangerously_expose_development_tokens,
        }
    }
}
