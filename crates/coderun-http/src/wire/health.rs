//! Encodes the answers about the service itself: liveness, readiness, root and the caller's identity.

use std::collections::BTreeMap;

use coderun_app::{Check, CheckStatus};
use coderun_domain::Principal;
use serde::Serialize;
use time::OffsetDateTime;

use super::format::{Timestamp, millis};

/// The liveness of the server.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Health<'a> {
    status: &'static str,
    timestamp: Timestamp,
    service: &'a str,
    version: &'a str,
}

impl<'a> Health<'a> {
    /// A server that can send this is healthy.
    pub(crate) fn new(now: OffsetDateTime, service: &'a str, version: &'a str) -> Self {
        Self {
            status: "healthy",
            timestamp: Timestamp(now),
            service,
            version,
        }
    }
}

/// The readiness of the server to accept and run executions.
#[derive(Debug, Serialize)]
pub(crate) struct Ready<'a> {
    #[serde(flatten)]
    health: Health<'a>,
    checks: BTreeMap<&'static str, CheckRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckRecord<'a> {
    status: &'static str,
    latency_ms: u64,
    reason: Option<&'a str>,
}

impl<'a> Ready<'a> {
    /// Ready if no check fails and the server is not draining.
    pub(crate) fn new(health: Health<'a>, checks: &'a [Check], draining: bool) -> Self {
        let failing = checks
            .iter()
            .any(|check| check.status == CheckStatus::Failing);
        let records = checks.iter().map(|check| {
            let record = CheckRecord {
                status: check.status.as_str(),
                latency_ms: millis(check.latency),
                reason: check.reason.as_deref(),
            };
            (check.name, record)
        });
        let status = if failing || draining {
            "not ready"
        } else {
            "ready"
        };
        Self {
            health: Health { status, ..health },
            checks: records.collect(),
        }
    }

    /// Whether the server is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.health.status == "ready"
    }
}

/// The name, version and features of the server.
#[derive(Debug, Serialize)]
pub(crate) struct Root<'a> {
    message: &'a str,
    version: &'a str,
    status: &'static str,
    features: &'static [&'static str],
}

impl<'a> Root<'a> {
    /// The root of a service of this name and version.
    pub(crate) const fn new(service: &'a str, version: &'a str) -> Self {
        Self {
            message: service,
            version,
            status: "running",
            features: &[
                "execute",
                "status",
                "websocket",
                "cancel",
                "list",
                "languages",
                "capabilities",
                "batch",
                "dry_run",
                "prefer",
                "idempotency",
            ],
        }
    }
}

/// The identity of the caller.
#[derive(Debug, Serialize)]
pub(crate) struct Verified<'a> {
    authenticated: bool,
    user: UserRecord<'a>,
    message: &'static str,
}

#[derive(Debug, Serialize)]
struct UserRecord<'a> {
    uid: &'a str,
    email: Option<&'a str>,
    name: Option<&'a str>,
    email_verified: Option<bool>,
}

impl<'a> From<&'a Principal> for Verified<'a> {
    fn from(principal: &'a Principal) -> Self {
        Self {
            authenticated: true,
            user: UserRecord {
                uid: principal.user.as_str(),
                email: principal.email.as_deref(),
                name: principal.name.as_deref(),
                email_verified: principal.email_verified,
            },
            message: "Firebase authentication successful",
        }
    }
}
