//! Computes how long Redis keeps the keys of a record, after which it deletes them without any process of the service.

use std::time::Duration;

use coderun_domain::{StorePolicy, Submission};

/// How long the keys of a final record outlive it.
const FINAL_MARGIN: Duration = Duration::from_secs(30);
/// How much longer the keys of a live record are kept than the latest end of its run and its retention.
const LIVE_MARGIN: Duration = Duration::from_mins(10);

/// The lifetime of a new record, in milliseconds. Steps that start or return it later extend that.
pub(crate) fn live_ttl(policy: &StorePolicy, submission: &Submission) -> String {
    let longest_life =
        policy.queue_deadline + submission.limits().total_wall_time() + policy.run_grace;
    (longest_life + policy.retention + LIVE_MARGIN)
        .as_millis()
        .to_string()
}

/// The lifetime of a record from its end on, in milliseconds.
pub(crate) fn final_ttl(policy: &StorePolicy) -> String {
    (policy.retention + FINAL_MARGIN).as_millis().to_string()
}
