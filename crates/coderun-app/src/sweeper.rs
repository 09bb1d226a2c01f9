//! Ends what has outlived its deadline, whether there is a worker or not.

use std::sync::Arc;

use coderun_domain::{ExecutionQueue, Swept};
use tokio_util::sync::CancellationToken;

use crate::Rhythm;
use crate::outage::Outage;

/// Ends executions that have outlived their deadlines and deletes records that have expired.
///
/// Every process runs one: deadlines hold also where no worker is left.
#[derive(Debug, Clone)]
pub struct Sweeper {
    queue: Arc<dyn ExecutionQueue>,
    rhythm: Rhythm,
}

impl Sweeper {
    /// A sweeper of this queue, with a sweep after each pause.
    #[must_use]
    pub const fn new(queue: Arc<dyn ExecutionQueue>, rhythm: Rhythm) -> Self {
        Self { queue, rhythm }
    }

    /// Sweeps until `end`. A queue that cannot be reached is swept again after the next pause.
    pub async fn sweep(&self, end: &CancellationToken) {
        end.run_until_cancelled(self.sweep_for_ever()).await;
    }

    async fn sweep_for_ever(&self) {
        let mut rhythm = self.rhythm.clone();
        let mut outage = Outage::of("sweeping");
        loop {
            tokio::time::sleep(rhythm.next_pause()).await;
            let swept = self.queue.sweep().await;
            outage.note(&swept);
            if let Ok(swept) = swept {
                tell(swept);
            }
        }
    }
}

fn tell(swept: Swept) {
    if swept != Swept::default() {
        tracing::info!(ended = swept.ended, expired = swept.expired, "swept");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use coderun_domain::{MockExecutionQueue, QueueError};

    use super::*;

    async fn sweep_for(queue: MockExecutionQueue, time: Duration) {
        let rhythm = Rhythm::new(Duration::from_secs(1), 7);
        let sweeper = Sweeper::new(Arc::new(queue), rhythm);
        let end = CancellationToken::new();
        let ending = async {
            tokio::time::sleep(time).await;
            end.cancel();
        };
        tokio::join!(sweeper.sweep(&end), ending);
    }

    #[tokio::test(start_paused = true)]
    async fn it_sweeps_about_once_each_interval_until_the_end() {
        let mut queue = MockExecutionQueue::new();
        let sweep = || Ok(Swept::default());
        queue.expect_sweep().times(75..125).returning(sweep);
        sweep_for(queue, Duration::from_secs(100)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn it_goes_on_when_the_queue_was_away() {
        let mut queue = MockExecutionQueue::new();
        let away = || {
            Err(QueueError::Unavailable {
                backend: "test",
                source: "connection refused".into(),
            })
        };
        queue.expect_sweep().times(5..).returning(away);
        sweep_for(queue, Duration::from_secs(10)).await;
    }
}
