//! Encodes what a user may still do.

use coderun_domain::{SharedBound, StorePolicy, UserUsage};
use serde::Serialize;

use crate::exhausted_quota::{PENDING, SOCKETS, SUBMITS};
use crate::rate_limit::seconds_until;
use crate::socket_registry::SocketUsage;

/// The quotas of a user, without those that do not apply.
#[derive(Serialize)]
pub(crate) struct UsageAnswer {
    policies: Vec<PolicyUsage>,
}

#[derive(Serialize)]
struct PolicyUsage {
    name: &'static str,
    limit: u64,
    remaining: u64,
    /// The time until more remains, if it is known.
    reset_seconds: Option<u64>,
}

impl UsageAnswer {
    pub(crate) fn new(policy: &StorePolicy, usage: &UserUsage, sockets: SocketUsage) -> Self {
        let (quotas, live_bytes) = (usage.quotas, usage.live_bytes);
        let pending = SharedBound::new(policy.pending_max.into());
        let bytes = SharedBound::new(policy.live_bytes_max.as_bytes());
        let pending_room = pending.room(quotas.pending.into(), usage.others_pending);
        let bytes_room = bytes.room(live_bytes, usage.others_live_bytes);
        let submits_max = policy.user_submits_per_minute;
        let submits = (submits_max > 0).then(|| PolicyUsage {
            reset_seconds: Some(seconds_until(quotas.submits_reset)),
            ..PolicyUsage::counted(SUBMITS, submits_max.into(), quotas.submits.into())
        });
        let waiting = PolicyUsage::counted(
            PENDING,
            policy.user_pending_max.into(),
            quotas.pending.into(),
        );
        let running_max = policy.user_running_max;
        // A process without a worker does not know how many places workers have.
        let running = (running_max < u32::MAX)
            .then(|| PolicyUsage::counted("running", running_max.into(), usage.running.into()));
        let policies = [
            submits,
            Some(waiting.at_most(pending_room)),
            running,
            Some(PolicyUsage::counted(
                "live_bytes",
                live_bytes + bytes_room,
                live_bytes,
            )),
            Some(PolicyUsage::counted(SOCKETS, sockets.limit, sockets.open).at_most(sockets.room)),
        ];
        Self {
            policies: policies.into_iter().flatten().collect(),
        }
    }
}

impl PolicyUsage {
    const fn counted(name: &'static str, limit: u64, used: u64) -> Self {
        Self {
            name,
            limit,
            remaining: limit.saturating_sub(used),
            reset_seconds: None,
        }
    }

    /// The same where the user's share of what all users have allows less.
    fn at_most(self, room: u64) -> Self {
        Self {
            remaining: self.remaining.min(room),
            ..self
        }
    }
}
