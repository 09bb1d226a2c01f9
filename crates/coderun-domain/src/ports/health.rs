//! Reports the health of a backend that answers.

/// The health of a backend that answers; a backend that does not answer is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// The backend works as it should.
    Good,
    /// The backend works, but an operator should know something about it.
    Limited {
        /// The reason, in one sentence without addresses and secrets.
        reason: String,
    },
}

impl Health {
    /// A backend that works, with a reason that an operator should know.
    pub fn limited(reason: impl Into<String>) -> Self {
        Self::Limited {
            reason: reason.into(),
        }
    }
}
