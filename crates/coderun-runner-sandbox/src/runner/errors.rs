//! Maps the service's own failures to errors of the port.

use std::io;

use coderun_domain::{BackendError, RunnerError};

use super::report::NAME;
use super::stage_end::StageError;
use crate::cgroup::OutsideLimit;
use crate::protocol::{MAP_USERS, START_PROGRAM};

/// The machine could not be inspected.
#[derive(Debug, thiserror::Error)]
#[error("the machine could not be inspected")]
pub struct StartError(#[source] pub(super) io::Error);

pub(super) fn unavailable(reason: String) -> RunnerError {
    RunnerError::Unavailable {
        backend: NAME,
        reason,
        source: None,
    }
}

pub(super) fn broken(source: BackendError) -> RunnerError {
    RunnerError::Broken {
        backend: NAME,
        source,
    }
}

/// A limit outside of the sandbox ended a program.
#[derive(Debug, thiserror::Error)]
#[error(
    "a limit of {} that is not the program's own was reached: of a control group above those of the sandbox, or of the \
     machine; raise it, or run fewer programs at a time", .0.as_str()
)]
pub(super) struct LimitOutside(pub(super) OutsideLimit);

/// A stage that could not be dispatched.
pub(super) fn not_started(error: io::Error) -> RunnerError {
    RunnerError::Unavailable {
        backend: NAME,
        reason: format!("a stage could not be started: {error}"),
        source: Some(Box::new(error)),
    }
}

/// A stage that was dispatched, but whose end is not known.
pub(super) fn stage_failed(error: StageError) -> RunnerError {
    match error {
        StageError::NotBuilt(reason) if reason.contains(START_PROGRAM) => unavailable(reason),
        StageError::NotBuilt(reason) => {
            let advice = if reason.contains(MAP_USERS) {
                ADVICE_ON_IDS
            } else {
                ADVICE
            };
            unavailable(format!("{reason}. {advice}"))
        }
        StageError::NoReport | StageError::Launcher(_) => broken(Box::new(error)),
    }
}

/// The advice where only root without its capabilities fails.
const ADVICE_ON_IDS: &str = "As root the sandbox gives each program a user of its own: grant the capabilities SETUID and \
    SETGID, or run the service as an ordinary user";

/// The advice that helps most often.
const ADVICE: &str = "The sandbox needs user namespaces: in a container run it with a seccomp profile that allows them \
    and with an unmasked /proc; on a machine allow them to the service's user (sysctl \
    kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces)";
