//! What is done to the processes and to Redis.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_redis_fixture::RedisServer;

use crate::random::Random;
use crate::replicas::Replicas;

/// A replica is killed every two seconds, more or less: with a fixed rhythm, of which a lease would be a multiple, the same
/// executions would be hit again and again.
const PAUSE_MS: std::ops::Range<usize> = 1_500..2_500;
/// Redis hangs for so long, once.
const HANGS_FOR: Duration = Duration::from_secs(3);
/// Redis is dead for so long, once.
const DEAD_FOR: Duration = Duration::from_secs(4);
/// Replicas that were killed are back within this time after the last disturbance.
const REVIVED_WITHIN: Duration = Duration::from_secs(30);

/// What is to be done, and for how long.
#[derive(Debug)]
pub(crate) struct Disturbance {
    duration: Duration,
    random: Random,
}

/// What was done.
#[derive(Debug, Default)]
pub(crate) struct Disturbed {
    pub(crate) kills: usize,
    pub(crate) failed_starts: usize,
}

impl Disturbance {
    pub(crate) const fn new(duration: Duration, seed: u64) -> Self {
        Self {
            duration,
            random: Random::new(seed),
        }
    }

    /// Disturbs both at the same time; the replicas all run again when it is over.
    pub(crate) async fn run(
        self,
        replicas: Replicas,
        redis: Arc<RedisServer>,
    ) -> (Replicas, Disturbed) {
        let duration = self.duration;
        let redis = tokio::task::spawn_blocking(move || disturb_redis(&redis, duration));
        let replicas = tokio::task::spawn_blocking(move || self.disturb_replicas(replicas));
        let (redis, replicas) = tokio::join!(redis, replicas);
        redis.expect("no panic");
        let replicas = replicas.expect("no panic");
        let disturbed = Disturbed {
            kills: replicas.kills,
            failed_starts: replicas.failed_starts,
        };
        (replicas, disturbed)
    }

    fn disturb_replicas(mut self, mut replicas: Replicas) -> Replicas {
        let begin = Instant::now();
        let mut next = self.pause();
        while next < self.duration {
            wait_until(begin + next);
            replicas.kill(self.random.below(replicas.len()));
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
        let milliseconds = PAUSE_MS.start + self.random.below(PAUSE_MS.len());
        Duration::from_millis(milliseconds as u64)
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
    wait_until(begin + duration * 2 / 3 + DEAD_FOR);
    redis.restart();
}

fn wait_until(moment: Instant) {
    std::thread::sleep(moment.saturating_duration_since(Instant::now()));
}
