//! Restarts replicas one after the other, like a deployment.

use std::time::Duration;

use tokio::time::Instant;

use crate::replicas::Replicas;

/// Restarts of each replica.
pub(crate) const ROUNDS: usize = 2;
/// The duration of a program that is handed over at least once.
pub(crate) const LONG_SECONDS: u64 = 25;
/// The drain time of a replica.
pub(crate) const DRAIN_SECONDS: u64 = 2;
/// The longest time from the signal to the end, on a busy machine.
const ENDS_WITHIN: Duration = Duration::from_secs(DRAIN_SECONDS + 15);

/// Restarts every replica, each when the previous one is ready again.
pub(crate) async fn restart_all(replicas: &mut Replicas) {
    let count = replicas.len();
    for index in (0..ROUNDS).flat_map(|_| 0..count) {
        let asked = Instant::now();
        let code = replicas.stop(index).await;
        assert_eq!(code, Some(0), "replica {index} did not end by itself");
        let took = asked.elapsed();
        assert!(took < ENDS_WITHIN, "replica {index} took {took:?}");
        replicas.restart(index).await;
    }
}
