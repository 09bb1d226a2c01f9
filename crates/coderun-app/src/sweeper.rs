//! Ends overdue executions periodically, in every process, so that deadlines hold even without workers.

use std::sync::Arc;

use coderun_domain::{ExecutionQueue, Swept};
use tokio_util::sync::CancellationToken;

use crate::{JitteredInterval, OutageLog, metrics};

/// Ends executions that are past their deadlines and deletes records that have expired.
#[derive(Debug, Clone)]
pub struct Sweeper {
    queue: Arc<dyn ExecutionQueue>,
    interval: JitteredInterval,
    outages: OutageLog,
}

impl Sweeper {
    /// A sweeper of this queue. It pauses before each sweep, so that processes that start together do not sweep at once.
    #[must_use]
    pub fn new(queue: Arc<dyn ExecutionQueue>, interval: JitteredInterval) -> Self {
        Self {
            queue,
            interval,
            outages: OutageLog::default(),
        }
    }

    /// The same with a log of failures that it shares with other work.
    #[must_use]
    pub fn with_outages(self, outages: OutageLog) -> Self {
        Self { outages, ..self }
    }

    /// Sweeps until `shutdown`. A sweep that fails is repeated after the next pause.
    pub async fn run(&self, shutdown: &CancellationToken) {
        let sweep_loop = async {
            let mut interval = self.interval.clone();
            let outage = self.outages.of("sweep");
            loop {
                tokio::time::sleep(interval.next_pause()).await;
                let result = self.queue.sweep().await;
                outage.note(&result);
                if let Ok(swept) = result {
                    record_counts(swept);
                }
            }
        };
        shutdown.run_until_cancelled(sweep_loop).await;
    }
}

fn record_counts(swept: Swept) {
    metrics::record_sweep(swept.ended);
    if swept != Swept::default() {
        let Swept { ended, expired } = swept;
        tracing::info!(ended, expired, "swept executions");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coderun_domain::{MockExecutionQueue, QueueError};

    use super::*;
    use crate::testing::recorded;

    async fn sweep_for(queue: MockExecutionQueue, time: Duration) {
        let interval = JitteredInterval::new(Duration::from_secs(1), 7);
        let sweeper = Sweeper::new(Arc::new(queue), interval);
        let shutdown = CancellationToken::new();
        let shutdown_later = async {
            tokio::time::sleep(time).await;
            shutdown.cancel();
        };
        tokio::join!(sweeper.run(&shutdown), shutdown_later);
    }

    #[tokio::test(start_paused = true)]
    async fn it_sweeps_about_once_an_interval_until_the_end() {
        let mut queue = MockExecutionQueue::new();
        let sweep = || Ok(Swept::default());
        queue.expect_sweep().times(75..125).returning(sweep);
        sweep_for(queue, Duration::from_secs(100)).await;
    }

    #[test]
    fn executions_that_a_sweep_ended_are_counted() {
        let lines = recorded(async {
            let mut queue = MockExecutionQueue::new();
            let (ended, expired) = (3, 5);
            let sweep = move || Ok(Swept { ended, expired });
            queue.expect_sweep().times(2).returning(sweep);
            queue.expect_sweep().returning(|| Ok(Swept::default()));
            sweep_for(queue, Duration::from_secs(10)).await;
        });
        assert_eq!(lines, ["coderun_forced_ends_total 6"]);
    }

    #[tokio::test(start_paused = true)]
    async fn it_keeps_sweeping_while_the_queue_is_unavailable() {
        let mut queue = MockExecutionQueue::new();
        let unavailable = || {
            Err(QueueError::Unavailable {
                backend: "test",
                source: "connection refused".into(),
            })
        };
        queue.expect_sweep().times(5..).returning(unavailable);
        sweep_for(queue, Duration::from_secs(10)).await;
    }
}
