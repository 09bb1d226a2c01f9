//! Settings that were changed and have no effect: whoever set them expects one.

use super::conflict::SettingsConflict;
use super::{Issuers, Runner, Settings};

/// What a setting has no effect without.
enum Need {
    Project,
    Emulator,
    ServiceAccount,
    Piston,
}

/// Settings, and what they have no effect without.
const NEEDS: [(&str, Need); 23] = [
    ("FIREBASE_JWKS_URL", Need::Project),
    ("FIREBASE_STALE_KEYS_SECONDS", Need::Project),
    ("FIREBASE_CLOCK_SKEW_SECONDS", Need::Project),
    ("FIREBASE_TOKEN_MAX", Need::Project),
    ("FIREBASE_TENANT", Need::Project),
    ("FIREBASE_SIGN_IN_PROVIDERS", Need::Project),
    ("FIREBASE_EMAIL_POLICY", Need::Project),
    ("FIREBASE_ANONYMOUS_USERS", Need::Project),
    ("VERIFIED_TOKENS_MAX", Need::Project),
    ("FIREBASE_USERS_URL", Need::ServiceAccount),
    ("DANGEROUSLY_EXPOSE_EMULATOR_TOKENS", Need::Emulator),
    ("DANGEROUSLY_EMULATE_A_REAL_PROJECT", Need::Emulator),
    ("CODE_EXECUTION_API_URL", Need::Piston),
    ("CODE_EXECUTION_API_KEY", Need::Piston),
    ("CODE_EXECUTION_API_KEY_HEADER", Need::Piston),
    ("PISTON_BODY_MAX", Need::Piston),
    ("PISTON_OUTPUT_MAX", Need::Piston),
    ("PISTON_RUN_TIMEOUT", Need::Piston),
    ("PISTON_RUN_CPU_TIME", Need::Piston),
    ("PISTON_RUN_MEMORY_LIMIT", Need::Piston),
    ("PISTON_COMPILE_TIMEOUT", Need::Piston),
    ("PISTON_COMPILE_CPU_TIME", Need::Piston),
    ("PISTON_COMPILE_MEMORY_LIMIT", Need::Piston),
];

impl Need {
    /// The setting that is missing; none where all is well, or another process is meant.
    fn missing(&self, settings: &Settings) -> Option<&'static str> {
        let users = &settings.users;
        let (name, is_met) = match self {
            Self::Project => (
                "FIREBASE_PROJECT_ID",
                !matches!(users.issuers(), Issuers::Development),
            ),
            Self::Emulator => (
                "FIREBASE_AUTH_EMULATOR_HOST",
                users.firebase_auth_emulator_host.is_some(),
            ),
            Self::ServiceAccount => (
                "FIREBASE_SERVICE_ACCOUNT_PATH",
                users.firebase_service_account_path.is_some(),
            ),
            Self::Piston => ("RUNNER=piston", settings.runners.runner == Runner::Piston),
        };
        let is_meant = match self {
            Self::Project | Self::Emulator | Self::ServiceAccount => settings.role.serves_api(),
            Self::Piston => settings.role.runs_code(),
        };
        (is_meant && !is_met).then_some(name)
    }
}

/// Refuses the first setting that was changed and has no effect.
pub(super) fn check(
    settings: &Settings,
    is_changed: impl Fn(&str) -> bool,
) -> Result<(), SettingsConflict> {
    for (name, need) in NEEDS {
        if let Some(missing) = need.missing(settings)
            && is_changed(&name.to_lowercase())
        {
            return Err(SettingsConflict::Incomplete { name, missing });
        }
    }
    Ok(())
}
