//! Keeps a lease for as long as its run takes.

use std::time::Duration;

use coderun_domain::{ErrorChain, Lease, QueueError, Renewal};
use tokio_util::sync::CancellationToken;

use super::{WorkerPorts, WorkerSettings};

/// Renews `lease` until it is lost, and cancels `cancelled` as soon as the owner wants the execution stopped.
///
/// A queue that cannot be reached is asked again and again: the lease is lost only when the queue says so. If it ran out
/// meanwhile, another worker may run the program too; of the two, only the later one can record anything.
pub(super) async fn keep(
    ports: &WorkerPorts,
    settings: &WorkerSettings,
    lease: &Lease,
    cancelled: &CancellationToken,
) -> LeaseGone {
    let mut failures = 0;
    // What was taken over may have been cancelled before, when nobody here listened for that.
    let mut wait = if lease.attempt().count() > 1 {
        Duration::ZERO
    } else {
        settings.renew_interval()
    };
    loop {
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = ports.queue.cancel_requested(lease), if failures == 0 && !cancelled.is_cancelled() => {}
        }
        match ports.queue.renew(lease).await {
            Ok(Renewal::Continue) => {
                failures = 0;
                wait = settings.renew_interval();
            }
            Ok(Renewal::Cancel) => {
                failures = 0;
                wait = settings.renew_interval();
                cancelled.cancel();
            }
            Err(QueueError::LeaseLost) => return LeaseGone,
            Err(error @ (QueueError::Unavailable { .. } | QueueError::Corrupt { .. })) => {
                tracing::warn!(
                    error = %ErrorChain(&error),
                    "cannot renew a lease"
                );
                wait = settings.backoff(failures).min(settings.renew_interval());
                failures += 1;
            }
        }
    }
}

/// The lease is lost.
#[derive(Debug)]
pub(super) struct LeaseGone;
