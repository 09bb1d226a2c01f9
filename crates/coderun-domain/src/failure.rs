//! Classifies failures, free of any protocol.

/// The meaning of a failure for the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request is wrong and will stay wrong.
    Invalid,
    /// The request is too large.
    TooLarge,
    /// The caller is not identified.
    Unauthenticated,
    /// The caller is not allowed to do this.
    Forbidden,
    /// The thing does not exist.
    Absent,
    /// This user has used up a quota; the request may succeed later.
    RateLimited,
    /// All users together ask too much; the request may succeed later.
    Overloaded,
    /// A backend is unavailable; the request may succeed later.
    Unavailable,
    /// A defect of ours.
    Bug,
}

impl FailureKind {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        matches!(
            self,
            Self::RateLimited | Self::Overloaded | Self::Unavailable
        )
    }
}

/// The error of a technology behind a port, kept as the source of the port's own error.
///
/// It is logged, so adapters keep addresses and secrets out of it.
pub type BackendError = Box<dyn std::error::Error + Send + Sync>;
