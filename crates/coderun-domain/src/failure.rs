//! The kinds of failure, free of any protocol.

/// What a failure means to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// The request is wrong and will stay wrong.
    Invalid,
    /// The request is too large.
    TooLarge,
    /// Who asks is not known.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// There is no such thing.
    Absent,
    /// Too often or too much, by this user: later it may pass.
    RateLimited,
    /// Too much, by all users: later it may pass.
    Overloaded,
    /// Something that is needed cannot be reached: later it may pass.
    Unavailable,
    /// A defect of ours.
    Bug,
}

impl FailureKind {
    /// Whether the same request may succeed later.
    #[must_use]
    pub const fn is_transient(self) -> bool {
        match self {
            Self::RateLimited | Self::Overloaded | Self::Unavailable => true,
            Self::Invalid
            | Self::TooLarge
            | Self::Unauthenticated
            | Self::Forbidden
            | Self::Absent
            | Self::Bug => false,
        }
    }
}

/// The error of a technology behind a port, kept as the source of the port's own error.
///
/// It ends up in a log, so adapters keep addresses and secrets out of it.
pub type BackendError = Box<dyn std::error::Error + Send + Sync>;
