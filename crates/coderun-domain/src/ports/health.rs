//! How well a backend is that answers.

/// How well a backend is that answers; one that does not is an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// As it should be.
    Good,
    /// It works, but an operator should know something about it.
    Limited {
        /// What, in one sentence for everybody to read: free of addresses and secrets.
        reason: String,
    },
}

impl Health {
    /// It works, but an operator should know this about it.
    pub fn limited(reason: impl Into<String>) -> Self {
        Self::Limited {
            reason: reason.into(),
        }
    }
}
