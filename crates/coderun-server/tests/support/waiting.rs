//! Waits for conditions, with a deadline.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// The longest wait of a test.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Polls until there is an answer; panics if there is none before the deadline.
pub(crate) async fn eventually<T, F>(what: &str, ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    within(DEADLINE, what, ask).await
}

/// Polls until there is an answer; panics if there is none after this time.
pub(crate) async fn within<T, F>(longest: Duration, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + longest;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "timed out: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
