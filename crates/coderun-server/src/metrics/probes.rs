//! Reads the queue depth and the readiness whenever metrics are rendered.

use std::sync::Arc;
use std::time::Duration;

use coderun_app::{CheckStatus, Readiness};
use coderun_domain::{ErrorChain, ExecutionQueue, QueueDepth, QueueError};
use metrics::gauge;
use tokio::time::timeout;

use super::catalog::{QUEUE_DEPTH, READY};

/// Time for the queue to report its depth.
const DEPTH_TIMEOUT: Duration = Duration::from_secs(1);

/// The sources of gauges that are read on demand.
#[derive(Debug)]
pub(crate) struct Probes {
    pub(crate) queue: Arc<dyn ExecutionQueue>,
    pub(crate) readiness: Readiness,
}

impl Probes {
    /// Reads both and sets the gauges. Takes two seconds at most.
    pub(crate) async fn update(&self) {
        tokio::join!(record_depth(self.queue.depth()), self.update_readiness());
    }

    async fn update_readiness(&self) {
        let checks = self.readiness.checks().await;
        let mut statuses = checks.iter().map(|check| check.status);
        let is_failing = statuses.any(|status| status == CheckStatus::Failing);
        let is_ready = !is_failing && !self.readiness.is_draining();
        gauge!(READY).set(if is_ready { 1.0 } else { 0.0 });
    }
}

/// Sets the gauges to the answer of the queue, or to NaN if there is none in time.
pub(super) async fn record_depth(depth: impl Future<Output = Result<QueueDepth, QueueError>>) {
    let (pending, running) = match timeout(DEPTH_TIMEOUT, depth).await {
        Ok(Ok(depth)) => (number(depth.pending), number(depth.running)),
        Ok(Err(error)) => {
            let error = ErrorChain(&error);
            tracing::debug!(%error, "cannot read the queue depth");
            (f64::NAN, f64::NAN)
        }
        Err(_) => (f64::NAN, f64::NAN),
    };
    gauge!(QUEUE_DEPTH, "state" => "pending").set(pending);
    gauge!(QUEUE_DEPTH, "state" => "running").set(running);
}

/// A count as a float: exact up to 4 294 967 295, infinite beyond.
fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
