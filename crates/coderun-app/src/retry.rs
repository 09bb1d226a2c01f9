//! Retries calls with exponential backoff and jitter, so that replicas do not act in step after an outage.

use std::error::Error;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder, Retryable as _};
use coderun_domain::ErrorChain;

/// The first wait; each further one is twice as long. Jitter adds up to as much again.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The usual longest wait, before jitter.
const LONGEST_WAIT: Duration = Duration::from_millis(2_500);

/// Repeats `call` without end while its error is transient. Logs the first failure as `message`, and others for debugging.
pub(crate) async fn retry<T, E, F>(
    message: &'static str,
    is_transient: fn(&E) -> bool,
    call: impl FnMut() -> F + Send,
) -> Result<T, E>
where
    T: Send,
    E: Error + Send + 'static,
    F: Future<Output = Result<T, E>> + Send,
{
    retry_within(LONGEST_WAIT, message, is_transient, call).await
}

/// As [`retry`], with waits of up to `longest_wait` before jitter.
pub(crate) async fn retry_within<T, E, F>(
    longest_wait: Duration,
    message: &'static str,
    is_transient: fn(&E) -> bool,
    call: impl FnMut() -> F + Send,
) -> Result<T, E>
where
    T: Send,
    E: Error + Send + 'static,
    F: Future<Output = Result<T, E>> + Send,
{
    let mut is_first = true;
    call.retry(builder(longest_wait))
        .when(is_transient)
        .notify(|error, wait| log(message, std::mem::take(&mut is_first), error, wait))
        .await
}

#[expect(
    clippy::cognitive_complexity,
    reason = "the log macros expand to many branches"
)]
fn log(message: &str, is_first: bool, error: &(dyn Error + 'static), wait: Duration) {
    let (error, retry_in_ms) = (ErrorChain(error), wait.as_millis());
    if is_first {
        tracing::warn!(%error, retry_in_ms, "{message}");
    } else {
        tracing::debug!(%error, retry_in_ms, "{message}");
    }
}

/// The waits of a loop that retries by itself.
pub(crate) fn backoff() -> ExponentialBackoff {
    builder(LONGEST_WAIT).build()
}

/// The wait after the failure with this number, counted from 1.
pub(crate) fn wait_after(failures: u32) -> Duration {
    let index = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    backoff().nth(index.min(16)).unwrap_or(LONGEST_WAIT)
}

fn builder(longest_wait: Duration) -> ExponentialBuilder {
    ExponentialBuilder::new()
        .with_min_delay(FIRST_WAIT.min(longest_wait))
        .with_max_delay(longest_wait)
        .with_jitter()
        .without_max_times()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_vary() {
        let waits: Vec<_> = backoff().take(8).collect();
        for (failures, wait) in waits.iter().enumerate() {
            let shortest = (FIRST_WAIT * (1 << failures)).min(LONGEST_WAIT);
            assert!((shortest..shortest * 2).contains(wait), "{waits:?}");
        }
        assert_ne!(waits, backoff().take(8).collect::<Vec<_>>());
    }
}
