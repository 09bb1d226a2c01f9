//! Settings of the contract that this build cannot honour yet: they are refused by name, never ignored.

use crate::{Environment, NotUnicode};

/// Variables that would change what the service does, and what this build does instead.
const UNSUPPORTED: [(&str, &str); 20] = [
    ("REDIS_HOST", "the address of Redis stands in REDIS_URL"),
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
    ("JUDGE0_API_KEY", SANDBOX),
    ("GO_JUDGE_URL", SANDBOX),
    ("GO_JUDGE_API_KEY", SANDBOX),
    ("ONLINECOMPILER_URL", SANDBOX),
    ("ONLINECOMPILER_API_KEY", SANDBOX),
    ("PUBLIC_URL", SANDBOX),
    ("CALLBACK_ALLOW", "nobody is called back"),
    ("ADMIN_ADDR", "there is no admin address"),
];

const DEVELOPMENT: &str = "users are known by tokens of the development issuer";
const SANDBOX: &str = "code is run by the built-in sandbox";

/// The first variable that is set though nothing here would obey it, and what happens instead.
pub(super) fn find(
    environment: &dyn Environment,
) -> Result<Option<(&'static str, &'static str)>, NotUnicode> {
    for (name, instead) in UNSUPPORTED {
        if environment.get(name)?.is_some() {
            return Ok(Some((name, instead)));
        }
    }
    Ok(None)
}
