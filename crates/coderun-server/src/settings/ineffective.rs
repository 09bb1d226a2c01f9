//! Refuses settings that were changed but have no effect.

use super::conflict::SettingsConflict;
use super::{Runner, Settings};

/// Settings of a Firebase project.
const OF_PROJECT: [&str; 10] = [
    "FIREBASE_WEB_API_KEY",
    "FIREBASE_JWKS_URL",
    "FIREBASE_STALE_KEYS_SECONDS",
    "FIREBASE_CLOCK_SKEW_SECONDS",
    "FIREBASE_TOKEN_MAX",
    "FIREBASE_TENANT",
    "FIREBASE_SIGN_IN_PROVIDERS",
    "FIREBASE_EMAIL_POLICY",
    "FIREBASE_ANONYMOUS_USERS",
    "VERIFIED_TOKENS_MAX",
];
const OF_WEB_API_KEY: [&str; 1] = ["FIREBASE_AUTH_DOMAIN"];
const OF_SERVICE_ACCOUNT: [&str; 1] = ["FIREBASE_USERS_URL"];
const OF_EMULATOR: [&str; 2] = [
    "DANGEROUSLY_EXPOSE_EMULATOR_TOKENS",
    "DANGEROUSLY_EMULATE_A_REAL_PROJECT",
];
const OF_SANDBOX: [&str; 4] = [
    "REQUIRE",
    "LANGUAGE_CHECK_SECONDS",
    "RUN_CORES",
    "MEMORY_BUDGET",
];
const OF_REDIS: [&str; 2] = ["REDIS_WAIT_REPLICAS", "KEY_PREFIX"];
const OF_PISTON: [&str; 11] = [
    "CODE_EXECUTION_API_URL",
    "CODE_EXECUTION_API_KEY",
    "CODE_EXECUTION_API_KEY_HEADER",
    "PISTON_BODY_MAX",
    "PISTON_OUTPUT_MAX",
    "PISTON_RUN_TIMEOUT",
    "PISTON_RUN_CPU_TIME",
    "PISTON_RUN_MEMORY_LIMIT",
    "PISTON_COMPILE_TIMEOUT",
    "PISTON_COMPILE_CPU_TIME",
    "PISTON_COMPILE_MEMORY_LIMIT",
];

/// Refuses the first setting that was changed and has no effect.
pub(super) fn check(
    settings: &Settings,
    is_changed: impl Fn(&str) -> bool,
) -> Result<(), SettingsConflict> {
    let (users, api) = (&settings.users, settings.role.serves_api());
    let no_project = api && users.firebase_project_id.is_none();
    let no_key = api && users.firebase_web_api_key.is_none();
    let no_account = api && users.firebase_service_account_path.is_none();
    let no_emulator = api && users.firebase_auth_emulator_host.is_none();
    let no_piston = settings.role.runs_code() && settings.runners.runner != Runner::Piston;
    let no_sandbox = settings.role.runs_code() && settings.runners.runner != Runner::Sandbox;
    let no_redis = settings.redis_url.is_none();
    let groups: [(bool, &'static str, &[&'static str]); 7] = [
        (no_project, "FIREBASE_PROJECT_ID", &OF_PROJECT),
        (no_key, "FIREBASE_WEB_API_KEY", &OF_WEB_API_KEY),
        (
            no_account,
            "FIREBASE_SERVICE_ACCOUNT_PATH",
            &OF_SERVICE_ACCOUNT,
        ),
        (no_emulator, "FIREBASE_AUTH_EMULATOR_HOST", &OF_EMULATOR),
        (no_piston, "RUNNER=piston", &OF_PISTON),
        (no_sandbox, "RUNNER=sandbox", &OF_SANDBOX),
        (no_redis, "REDIS_URL", &OF_REDIS),
    ];
    for (_, missing, names) in groups.into_iter().filter(|(is_missing, ..)| *is_missing) {
        if let Some(&name) = names.iter().find(|name| is_changed(&name.to_lowercase())) {
            return Err(SettingsConflict::Incomplete { name, missing });
        }
    }
    Ok(())
}
