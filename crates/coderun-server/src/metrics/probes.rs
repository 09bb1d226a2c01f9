//! What is asked for when somebody looks, not counted all the time.

use std::sync::Arc;
use std::time::Duration;

use coderun_app::{CheckStatus, Readiness};
use coderun_domain::{ErrorChain, ExecutionQueue};
use metrics::gauge;
use tokio::time::timeout;

use super::catalog::{QUEUE_DEPTH, READY};

/// The queue may take so long to say how much is in it.
const DEADLINE: Duration = Duration::from_secs(1);

/// Asks the queue and the readiness for what is not counted.
#[derive(Debug)]
pub(crate) struct Probes {
    pub(crate) queue: Arc<dyn ExecutionQueue>,
    pub(crate) readiness: Readiness,
}

impl Probes {
    /// Asks, and shows the answers. Takes two seconds at most.
    pub(crate) async fn ask(&self) {
        tokio::join!(self.ask_queue(), self.ask_readiness());
    }

    async fn ask_queue(&self) {
        let (pending, running) = match timeout(DEADLINE, self.queue.depth()).await {
            Ok(Ok(depth)) => (number(depth.pending), number(depth.running)),
            Ok(Err(error)) => {
                let error = ErrorChain(&error);
                tracing::debug!(%error, "the queue does not say how much is in it");
                (f64::NAN, f64::NAN)
            }
            Err(_) => (f64::NAN, f64::NAN),
        };
        gauge!(QUEUE_DEPTH, "state" => "pending").set(pending);
        gauge!(QUEUE_DEPTH, "state" => "running").set(running);
    }

    async fn ask_readiness(&self) {
        let checks = self.readiness.checks().await;
        let fails = |status| match status {
            CheckStatus::Failing => true,
            CheckStatus::Ok | CheckStatus::Degraded => false,
        };
        let is_ready =
            !self.readiness.is_draining() && !checks.iter().any(|check| fails(check.status));
        gauge!(READY).set(if is_ready { 1.0 } else { 0.0 });
    }
}

/// A count as Prometheus takes it: exact up to 4 294 967 295, and not beyond.
fn number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
