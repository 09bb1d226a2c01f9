//! Holds the lease of one run: renews it and passes everything that is recorded under it to the ports.

use std::time::Duration;

use coderun_domain::{
    Execution, InputError, InputPiece, InputPosition, Lease, Outcome, QueueError, Renewal,
    RunEvent, Sequence,
};
use tokio_util::sync::CancellationToken;

use super::settings::WorkerPorts;
use crate::retry::{retry, retry_within};

/// The longest wait for a hint that input was sent before the relay is asked in any case.
const INPUT_POLL: Duration = Duration::from_secs(1);

/// The lease of one run.
///
/// Each call is retried for as long as the backend is unavailable; the caller bounds the time. A run whose lease ran out
/// meanwhile goes on until the backend says so: another worker may run the program too, but of the two only the later one
/// can record anything.
#[derive(Debug)]
pub(super) struct HeldLease {
    ports: WorkerPorts,
    lease: Lease,
    renew_interval: Duration,
}

impl HeldLease {
    /// Renews three times within `duration`, the length of a lease, so that two renewals may fail.
    pub(super) fn new(ports: WorkerPorts, lease: Lease, duration: Duration) -> Self {
        Self {
            ports,
            lease,
            renew_interval: duration / 3,
        }
    }

    /// The execution as it stood when it was taken.
    pub(super) const fn execution(&self) -> &Execution {
        self.lease.execution()
    }

    /// Renews the lease until it is lost, and cancels `cancelled` as soon as the owner wants the execution stopped.
    pub(super) async fn renew_until_lost(&self, cancelled: &CancellationToken) {
        // The owner may have cancelled an execution that was taken over while no worker held it.
        let is_takeover = self.lease.attempt().count() > 1;
        let mut wait = if is_takeover {
            Duration::ZERO
        } else {
            self.renew_interval
        };
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.ports.queue.cancel_requested(&self.lease), if !cancelled.is_cancelled() => {}
            }
            match self.renew().await {
                Ok(Renewal::Continue) => {}
                Ok(Renewal::Cancel) => cancelled.cancel(),
                Err(_lost) => return,
            }
            wait = self.renew_interval;
        }
    }

    /// Retries every error but a lost lease. Jitter included, no wait is longer than that between renewals.
    async fn renew(&self) -> Result<Renewal, QueueError> {
        let is_held = |error: &QueueError| !matches!(error, QueueError::LeaseLost);
        let renew = || self.ports.queue.renew(&self.lease);
        retry_within(
            self.renew_interval / 2,
            "cannot renew the lease",
            is_held,
            renew,
        )
        .await
    }

    /// Appends the events that follow `after`, and answers the number of the last event.
    ///
    /// # Errors
    /// All but [`QueueError::Unavailable`].
    pub(super) async fn append(
        &self,
        after: Sequence,
        events: &[RunEvent],
    ) -> Result<Sequence, QueueError> {
        let append = || self.ports.queue.append(&self.lease, after, events);
        retry("cannot append events", QueueError::is_transient, append).await
    }

    /// Ends the execution with the events that follow `after` and this outcome.
    ///
    /// # Errors
    /// All but [`QueueError::Unavailable`].
    pub(super) async fn finish(
        &self,
        after: Sequence,
        events: &[RunEvent],
        outcome: &Outcome,
    ) -> Result<(), QueueError> {
        let queue = &self.ports.queue;
        let finish = || queue.finish(&self.lease, after, events, outcome);
        retry(
            "cannot record the outcome",
            QueueError::is_transient,
            finish,
        )
        .await
    }

    /// Gives the execution back to the queue.
    ///
    /// # Errors
    /// All but [`QueueError::Unavailable`].
    pub(super) async fn release(&self) -> Result<(), QueueError> {
        let release = || self.ports.queue.release(&self.lease);
        retry(
            "cannot release the execution",
            QueueError::is_transient,
            release,
        )
        .await
    }

    /// The time since somebody watched the execution; `None` if nobody is known to have watched.
    ///
    /// # Errors
    /// [`InputError::Unavailable`].
    pub(super) async fn unwatched_for(&self) -> Result<Option<Duration>, InputError> {
        self.ports.inputs.unwatched_for(self.lease.id()).await
    }

    /// Waits for the input that follows `after`.
    ///
    /// # Errors
    /// All but [`InputError::Unavailable`].
    pub(super) async fn next_input(
        &self,
        after: InputPosition,
    ) -> Result<Vec<InputPiece>, InputError> {
        loop {
            let receive = || self.ports.inputs.receive(&self.lease, after);
            let pieces = retry(
                "cannot read input",
                |error: &InputError| error.kind().is_transient(),
                receive,
            )
            .await?;
            if !pieces.is_empty() {
                return Ok(pieces);
            }
            let available = self.ports.inputs.input_available(&self.lease, after);
            // Hints may be lost, so the timeout is no error.
            drop(tokio::time::timeout(INPUT_POLL, available).await);
        }
    }
}
