//! Replicas that are restarted one after the other, as a deployment does it.

use std::time::Duration;

use tokio::time::Instant;

use crate::replicas::Replicas;

/// So often each replica is restarted.
pub(crate) const ROUNDS: usize = 2;
/// What runs from the beginning takes so long that it is handed over at least once.
pub(crate) const LONG_SECONDS: u64 = 25;
/// How long what runs may still take when a replica is told to stop.
pub(crate) const DRAIN_SECONDS: u64 = 2;
/// From the signal to the end: the drain, what is left to do after it, and a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(DRAIN_SECONDS + 15);

/// Restarts every replica in turn, each when the one before is ready again; answers the longest time that one took to end.
pub(crate) async fn restart_all(replicas: &mut Replicas) -> Duration {
    let mut longest = Duration::ZERO;
    let count = replicas.len();
    for index in (0..ROUNDS).flat_map(|_| 0..count) {
        let asked = Instant::now();
        let code = replicas.stop(index).await;
        assert_eq!(code, Some(0), "replica {index} did not end by itself");
        let took = asked.elapsed();
        assert!(took < ENDS_WITHIN, "replica {index} took {took:?}");
        longest = longest.max(took);
        replicas.start_again(index).await;
    }
    longest
}
