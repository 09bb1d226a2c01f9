//! Settings of the contract that this build cannot honour yet: they are refused by name, never ignored.

use crate::{Environment, NotUnicode};

/// Variables that would change what the service does, and what this build does instead.
const UNSUPPORTED: [(&str, &str); 12] = [
    ("REDIS_HOST", "the address of Redis stands in REDIS_URL"),
    ("REDIS_PORT", "the address of Redis stands in REDIS_URL"),
    ("PISTON_URL", ONE_RUNNER),
    ("PISTON_API_KEY", ONE_RUNNER),
    ("JUDGE0_URL", ONE_RUNNER),
    ("JUDGE0_API_KEY", ONE_RUNNER),
    ("GO_JUDGE_URL", ONE_RUNNER),
    ("GO_JUDGE_API_KEY", ONE_RUNNER),
    ("ONLINECOMPILER_URL", ONE_RUNNER),
    ("ONLINECOMPILER_API_KEY", ONE_RUNNER),
    ("PUBLIC_URL", "nobody calls back"),
    ("CALLBACK_ALLOW", "nobody is called back"),
];

const ONE_RUNNER: &str =
    "one runner runs the code: RUNNER, with CODE_EXECUTION_API_URL and CODE_EXECUTION_API_KEY";

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
