//! Bundles the ports and the settings of a worker.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{CodeRunner, ExecutionQueue, HintSource, InputRelay, StorePolicy, WorkerId};

use crate::JitteredInterval;

/// The ports that a worker uses.
#[derive(Debug, Clone)]
pub struct WorkerPorts {
    /// Hands out executions.
    pub queue: Arc<dyn ExecutionQueue>,
    /// Delivers what users type.
    pub inputs: Arc<dyn InputRelay>,
    /// Runs programs.
    pub runner: Arc<dyn CodeRunner>,
    /// Explains how programs failed.
    pub hints: Arc<dyn HintSource>,
}

/// The settings of a worker.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// The worker's id, unique among all workers.
    pub id: WorkerId,
    /// The most executions that it runs at a time.
    pub concurrency: usize,
    /// How many more it runs for users who run nothing while so many run.
    pub extra_concurrency: usize,
    /// The attempts at one execution after which this worker gives it up because its runner failed; the store's policy may
    /// allow fewer.
    pub attempts_max: u32,
    /// The pauses between two questions for work that no hint announced.
    pub poll: JitteredInterval,
    /// How a worker whose permits are all in use goes on when a run ends.
    pub next_take: NextTake,
    /// The bounds on runs that wait for a person.
    pub parking: ParkingSettings,
    /// The rules of the store: lease, attempts and the grace beyond a run's own limits.
    pub policy: StorePolicy,
}

/// Bounds on runs whose programs wait for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParkingSettings {
    /// The most such runs of a worker that occupy no permit; more of them keep their permits.
    pub worker_max: usize,
    /// The same of one user.
    pub user_max: usize,
    /// The time after which such a run is ended if nobody watches.
    pub idle: Duration,
}

/// How a worker whose permits are all in use takes the next execution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextTake {
    /// The run that ends takes one, with the same permit and in the same task. Cheapest where a take costs no round trip.
    ByEachRun,
    /// The worker takes for all runs that have ended meanwhile. Cheapest where a take is a request to a server.
    Together,
}
