//! Kills processes and interrupts Redis at random.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_redis_fixture::RedisServer;

use crate::replicas::Replicas;

/// The pause between kills. It varies, because with a divisor of the lease the same executions would be hit every time.
const PAUSE_MS: std::ops::Range<u64> = 1_500..2_500;
/// Redis hangs once for this long.
const HANGS_FOR: Duration = Duration::from_secs(3);
/// Redis is down once for this long.
const DOWN_FOR: Duration = Duration::from_secs(4);
/// Killed replicas run again within this time after the last disturbance.
const REVIVED_WITHIN: Duration = Duration::from_secs(30);

/// A plan of disturbances.
#[derive(Debug)]
pub(crate) struct Disturbance {
    duration: Duration,
    random: fastrand::Rng,
}

impl Disturbance {
    pub(crate) const fn new(duration: Duration, seed: u64) -> Self {
        Self {
            duration,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    /// Disturbs replicas and Redis concurrently; all replicas run again at the end.
    pub(crate) async fn run(self, replicas: Replicas, redis: Arc<RedisServer>) -> Replicas {
        let duration = self.duration;
        let redis = tokio::task::spawn_blocking(move || disturb_redis(&redis, duration));
        let replicas = tokio::task::spawn_blocking(move || self.disturb_replicas(replicas));
        let (redis, replicas) = tokio::join!(redis, replicas);
        redis.expect("no panic");
        replicas.expect("no panic")
    }

    fn disturb_replicas(mut self, mut replicas: Replicas) -> Replicas {
        let begin = Instant::now();
        let mut next = self.pause();
        while next < self.duration {
            wait_until(begin + next);
            replicas.kill(self.random.usize(..replicas.len()));
            replicas.revive();
            next += self.pause();
        }
        wait_until(begin + self.duration);
        let deadline = Instant::now() + REVIVED_WITHIN;
        while !replicas.revive() {
            assert!(Instant::now() < deadline, "a replica does not start");
        }
        replicas
    }

    fn pause(&mut self) -> Duration {
        Duration::from_millis(self.random.u64(PAUSE_MS))
    }
}

fn disturb_redis(redis: &RedisServer, duration: Duration) {
    let begin = Instant::now();
    wait_until(begin + duration / 3);
    redis.pause();
    wait_until(begin + duration / 3 + HANGS_FOR);
    redis.resume();
    wait_until(begin + duration * 2 / 3);
    redis.kill();
    wait_until(begin + duration * 2 / 3 + DOWN_FOR);
    redis.restart();
}

fn wait_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}
