//! Describes a step of building a sandbox that failed.

use std::borrow::Cow;
use std::io;

use rustix::io::Errno;

use crate::protocol::InitReport;

/// One step of building a sandbox that the kernel refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not {step}")]
pub(super) struct StepError {
    /// The step, as in "could not …".
    pub(super) step: Cow<'static, str>,
    /// The kernel's answer.
    #[source]
    pub(super) errno: Errno,
}

impl From<StepError> for InitReport {
    fn from(error: StepError) -> Self {
        Self::Failed {
            step: error.step.into_owned(),
            errno: error.errno.raw_os_error(),
        }
    }
}

/// Names the step that an error belongs to.
pub(super) trait StepContext<T> {
    /// Adds the name of the step.
    fn step(self, step: &'static str) -> Result<T, StepError>;
}

impl<T, E: Into<io::Error>> StepContext<T> for Result<T, E> {
    fn step(self, step: &'static str) -> Result<T, StepError> {
        self.map_err(|error| StepError {
            step: step.into(),
            errno: Errno::from_io_error(&error.into()).unwrap_or(Errno::IO),
        })
    }
}
