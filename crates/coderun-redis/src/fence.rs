//! Names the holder of a lease to a script, which compares it with the stored one.

use coderun_domain::Lease;
use coderun_record::micros;

/// The worker, the start and the attempt of a lease, as headers of steps have them.
pub(crate) fn fence(lease: &Lease) -> (&str, i64, u32) {
    let started = micros(lease.started_at());
    (lease.worker().as_str(), started, lease.attempt().count())
}
