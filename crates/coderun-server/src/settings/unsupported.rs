//! Refuses planned settings that this build does not support, instead of ignoring them.

use crate::{Environment, NotUnicode};

/// Variables of planned features, each with what to do instead.
const UNSUPPORTED: [(&str, &str); 12] = [
    ("REDIS_HOST", "set REDIS_URL instead"),
    ("REDIS_PORT", "set REDIS_URL instead"),
    ("PISTON_URL", ONE_RUNNER),
    ("PISTON_API_KEY", ONE_RUNNER),
    ("JUDGE0_URL", ONE_RUNNER),
    ("JUDGE0_API_KEY", ONE_RUNNER),
    ("GO_JUDGE_URL", ONE_RUNNER),
    ("GO_JUDGE_API_KEY", ONE_RUNNER),
    ("ONLINECOMPILER_URL", ONE_RUNNER),
    ("ONLINECOMPILER_API_KEY", ONE_RUNNER),
    ("PUBLIC_URL", "there are no callbacks"),
    ("CALLBACK_ALLOW", "there are no callbacks"),
];

const ONE_RUNNER: &str = "set RUNNER, CODE_EXECUTION_API_URL and CODE_EXECUTION_API_KEY instead";

/// The first unsupported variable that is set, and what to do instead.
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
