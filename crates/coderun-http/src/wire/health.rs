//! Small answers: liveness, readiness, the root and who the caller is.

use std::collections::BTreeMap;

use coderun_app::{Check, CheckStatus};
use coderun_domain::Principal;
use serde::Serialize;
use time::OffsetDateTime;

use super::format::{Timestamp, millis};

/// That the server is there.
#[derive(Debug, Serialize)]
pub(crate) struct Health<'a> {
    status: &'static str,
    timestamp: Timestamp,
    service: &'a str,
    version: &'a str,
}

impl<'a> Health<'a> {
    /// Whoever can send this is healthy.
    pub(crate) fn new(now: OffsetDateTime, service: &'a str, version: &'a str) -> Self {
        Self {
            status: "healthy",
            timestamp: Timestamp(now),
            service,
            version,
        }
    }
}

/// Whether executions would be accepted and run.
#[derive(Debug, Serialize)]
pub(crate) struct Ready<'a> {
    status: &'static str,
    timestamp: Timestamp,
    service: &'a str,
    version: &'a str,
    checks: BTreeMap<&'static str, CheckRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct CheckRecord<'a> {
    status: &'static str,
    latency_ms: u64,
    reason: Option<&'a str>,
}

impl<'a> Ready<'a> {
    /// Ready if nothing fails and the server is not about to end.
    pub(crate) fn new(health: &Health<'a>, checks: &'a [Check], draining: bool) -> Self {
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
        Self {
            status: if failing || draining {
                "not ready"
            } else {
                "ready"
            },
            timestamp: health.timestamp,
            service: health.service,
            version: health.version,
            checks: records.collect(),
        }
    }

    /// Whether it says so.
    pub(crate) fn is_ready(&self) -> bool {
        self.status == "ready"
    }
}

/// What the server is.
#[derive(Debug, Serialize)]
pub(crate) struct Root<'a> {
    message: &'a str,
    version: &'a str,
    status: &'static str,
    features: &'static [&'static str],
}

impl<'a> Root<'a> {
    /// The service of this name and version.
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
            ],
        }
    }
}

/// Who the caller is.
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
