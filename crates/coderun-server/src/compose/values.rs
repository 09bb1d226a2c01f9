//! Names the checked values of adapters that settings are parsed into, so that settings name no adapter.

use coderun_firebase::{AccountLookupConfig, HttpKeysConfig, KeysUrlError};

pub(crate) use coderun_firebase::{
    AnonymousUsers, BoundedDuration, ClockSkew, EmailPolicy, EmulatorHost, Endpoint, ProjectId,
    SignInProviders, StaleKeyBound, TenantPolicy,
};
pub(crate) use coderun_languages::{ChosenLimits, LanguageTable, LanguageTableError};
pub(crate) use coderun_redis::{KeyPrefix, RedisAddress};
pub(crate) use coderun_runner_http::ApiKey;
pub(crate) use coderun_runner_sandbox::{Control, MEMORY_WAIT};

/// Where Firebase publishes the keys that sign its tokens.
pub(crate) const FIREBASE_KEYS_URL: &str = HttpKeysConfig::FIREBASE_URL;

/// Checks the address of signing keys.
pub(crate) fn firebase_keys_url(text: &str) -> Result<Endpoint, KeysUrlError> {
    HttpKeysConfig::parse_url(text)
}

/// Where Google is asked about users.
pub(crate) const GOOGLE_USERS_URL: &str = AccountLookupConfig::GOOGLE;
