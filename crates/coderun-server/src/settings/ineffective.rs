//! Refuses settings that were changed but have no effect.

use super::conflict::SettingsConflict;
use super::{Runner, Settings, TokenIssuer};

/// Something that a setting has no effect without.
enum Requirement {
    Project,
    Emulator,
    ServiceAccount,
    Piston,
}

/// Settings, each with what it has no effect without.
const REQUIREMENTS: [(&str, Requirement); 23] = [
    ("FIREBASE_JWKS_URL", Requirement::Project),
    ("FIREBASE_STALE_KEYS_SECONDS", Requirement::Project),
    ("FIREBASE_CLOCK_SKEW_SECONDS", Requirement::Project),
    ("FIREBASE_TOKEN_MAX", Requirement::Project),
    ("FIREBASE_TENANT", Requirement::Project),
    ("FIREBASE_SIGN_IN_PROVIDERS", Requirement::Project),
    ("FIREBASE_EMAIL_POLICY", Requirement::Project),
    ("FIREBASE_ANONYMOUS_USERS", Requirement::Project),
    ("VERIFIED_TOKENS_MAX", Requirement::Project),
    ("FIREBASE_USERS_URL", Requirement::ServiceAccount),
    ("DANGEROUSLY_EXPOSE_EMULATOR_TOKENS", Requirement::Emulator),
    ("DANGEROUSLY_EMULATE_A_REAL_PROJECT", Requirement::Emulator),
    ("CODE_EXECUTION_API_URL", Requirement::Piston),
    ("CODE_EXECUTION_API_KEY", Requirement::Piston),
    ("CODE_EXECUTION_API_KEY_HEADER", Requirement::Piston),
    ("PISTON_BODY_MAX", Requirement::Piston),
    ("PISTON_OUTPUT_MAX", Requirement::Piston),
    ("PISTON_RUN_TIMEOUT", Requirement::Piston),
    ("PISTON_RUN_CPU_TIME", Requirement::Piston),
    ("PISTON_RUN_MEMORY_LIMIT", Requirement::Piston),
    ("PISTON_COMPILE_TIMEOUT", Requirement::Piston),
    ("PISTON_COMPILE_CPU_TIME", Requirement::Piston),
    ("PISTON_COMPILE_MEMORY_LIMIT", Requirement::Piston),
];

impl Requirement {
    /// The setting that is missing; `None` if it is set, or if it concerns the other role.
    fn missing(&self, settings: &Settings) -> Option<&'static str> {
        let users = &settings.users;
        let (name, is_met) = match self {
            Self::Project => (
                "FIREBASE_PROJECT_ID",
                !matches!(users.token_issuer(), TokenIssuer::Development),
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
        let concerns_role = match self {
            Self::Project | Self::Emulator | Self::ServiceAccount => settings.role.serves_api(),
            Self::Piston => settings.role.runs_code(),
        };
        (concerns_role && !is_met).then_some(name)
    }
}

/// Refuses the first setting that was changed and has no effect.
pub(super) fn check(
    settings: &Settings,
    is_changed: impl Fn(&str) -> bool,
) -> Result<(), SettingsConflict> {
    for (name, requirement) in REQUIREMENTS {
        if let Some(missing) = requirement.missing(settings)
            && is_changed(&name.to_lowercase())
        {
            return Err(SettingsConflict::Incomplete { name, missing });
        }
    }
    Ok(())
}
