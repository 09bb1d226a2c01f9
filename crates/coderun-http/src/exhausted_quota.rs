//! Names the quota that a 429 is about, as `RateLimit` and `RateLimit-Policy` do.

use std::time::Duration;

use coderun_domain::{ByteSize, Quota, StorePolicy};

/// The name of the quota of submissions in a minute.
pub(crate) const SUBMITS: &str = "submits";
/// The name of the quota of pending executions.
pub(crate) const PENDING: &str = "pending";
/// The name of the quota of sockets.
pub(crate) const SOCKETS: &str = "sockets";

/// A quota of a user that is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ExhaustedQuota {
    pub(crate) name: &'static str,
    limit: u64,
    /// What else there is to say of the limit.
    parameters: &'static str,
    /// The time until there is some again.
    pub(crate) reset: Option<Duration>,
}

impl ExhaustedQuota {
    const fn new(name: &'static str, limit: u64) -> Self {
        Self {
            name,
            limit,
            parameters: "",
            reset: None,
        }
    }

    /// A quota of the store.
    pub(crate) fn of_store(quota: Quota, limit: u32, retry_after: Duration) -> Self {
        let limit = limit.into();
        match quota {
            Quota::SubmitsPerMinute => Self {
                parameters: ";w=60",
                reset: Some(retry_after),
                ..Self::new(SUBMITS, limit)
            },
            Quota::Pending => Self::new(PENDING, limit),
            Quota::Share => Self::new("share", limit),
        }
    }

    /// The sockets, event streams and long polls of a user.
    pub(crate) const fn of_sockets(limit: u64) -> Self {
        Self::new(SOCKETS, limit)
    }

    /// The unused tickets of an execution, of which the next expires after this time.
    pub(crate) fn of_tickets(reset: Duration) -> Self {
        let limit = u64::try_from(StorePolicy::TICKETS_MAX).unwrap_or(u64::MAX);
        Self {
            reset: Some(reset),
            ..Self::new("tickets", limit)
        }
    }

    /// The memory of a user's requests and answers that are on their way.
    pub(crate) const fn of_memory(share: ByteSize) -> Self {
        Self {
            parameters: ";qu=\"content-bytes\"",
            ..Self::new("memory", share.as_bytes())
        }
    }

    /// The item of `RateLimit-Policy`.
    pub(crate) fn policy(self) -> String {
        format!("\"{}\";q={}{}", self.name, self.limit, self.parameters)
    }
}
