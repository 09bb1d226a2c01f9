//! Logs each failure once, with the whole chain of its causes.

use std::error::Error;

use coderun_domain::{ErrorChain, FailureKind};
use tracing::field::display;

/// Logs that `subject`, such as `a request`, could not be served: a defect of ours as an error, an unavailable backend as a
/// warning, overload for debugging only. Failures that the client caused are not logged, the client is told of them.
/// `request_id` names the request where no span does.
#[expect(
    clippy::cognitive_complexity,
    reason = "the log macros expand to many branches; the function has none of its own but the match"
)]
pub(crate) fn log_failure(
    kind: FailureKind,
    subject: &'static str,
    error: Option<&(dyn Error + 'static)>,
    request_id: Option<&str>,
) {
    let error = error.map(|error| display(ErrorChain(error)));
    match kind {
        FailureKind::Bug => {
            tracing::error!(request_id, error, "{subject} could not be served");
        }
        FailureKind::Unavailable => {
            tracing::warn!(request_id, error, "{subject} could not be served");
        }
        FailureKind::Overloaded => {
            tracing::debug!(request_id, error, "{subject} could not be served");
        }
        FailureKind::Invalid
        | FailureKind::TooLarge
        | FailureKind::Unauthenticated
        | FailureKind::Forbidden
        | FailureKind::Absent
        | FailureKind::RateLimited => {}
    }
}
