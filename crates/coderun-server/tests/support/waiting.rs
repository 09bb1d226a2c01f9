//! Waiting, never for ever.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;

/// Nothing that a test waits for may take longer.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until there is an answer; panics when there is none before the deadline.
pub(crate) async fn eventually<T, F>(what: &str, ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    within(DEADLINE, what, ask).await
}

/// Asks again and again until there is an answer; panics when there is none after this time.
pub(crate) async fn within<T, F>(longest: Duration, what: &str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + longest;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(PAUSE).await;
    }
}
