//! Settings of the contract that this build cannot honour yet: they are refused by name, never ignored.

use crate::Environment;

/// Variables that would change what the service does, and what this build does instead.
const UNSUPPORTED: [(&str, &str); 18] = [
    ("REDIS_URL", "state is kept in memory"),
    ("REDIS_HOST", "state is kept in memory"),
    ("KEY_PREFIX", "state is kept in memory"),
    ("DATA_DIR", "state is kept in memory"),
    ("FIREBASE_PROJECT_ID", DEVELOPMENT),
    ("FIREBASE_JWKS_URL", DEVELOPMENT),
    ("FIREBASE_AUTH_EMULATOR_HOST", DEVELOPMENT),
    ("FIREBASE_SERVICE_ACCOUNT_PATH", DEVELOPMENT),
    ("CODE_EXECUTION_API_URL", SANDBOX),
    ("CODE_EXECUTION_API_KEY", SANDBOX),
    ("CODE_EXECUTION_API_KEY_HEADER", SANDBOX),
    ("PISTON_URL", SANDBOX),
    ("PISTON_API_KEY", SANDBOX),
    ("JUDGE0_URL", SANDBOX),
    ("GO_JUDGE_URL", SANDBOX),
    ("ONLINECOMPILER_URL", SANDBOX),
    ("PUBLIC_URL", SANDBOX),
    ("ADMIN_ADDR", "there is no admin address"),
];

const DEVELOPMENT: &str = "users are known by tokens of the development issuer";
const SANDBOX: &str = "code is run by the built-in sandbox";

/// The first variable that is set though nothing here would obey it, and what happens instead.
pub(super) fn find(environment: &dyn Environment) -> Option<(&'static str, &'static str)> {
    UNSUPPORTED
        .into_iter()
        .find(|(name, _)| environment.get(name).is_some())
}
