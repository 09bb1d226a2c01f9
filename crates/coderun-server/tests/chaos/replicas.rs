//! Kills replicas and starts them again on the same ports.

use std::net::TcpListener;

use crate::load::Accepted;
use crate::programs::Program;
use crate::support::{Launch, Service};

/// Below the ports for outgoing connections, so that none of those takes the port of a killed process.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// One process per port; `None` while it is not running.
#[derive(Debug)]
pub(crate) struct Replicas {
    launches: Vec<(u16, Launch)>,
    running: Vec<Option<Service>>,
    pub(crate) counts: DisturbanceCounts,
}

/// Counts of disturbances.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DisturbanceCounts {
    /// Kills of running replicas.
    pub(crate) kills: usize,
    /// Replicas that ended at their start.
    pub(crate) failed_starts: usize,
}

impl Replicas {
    pub(crate) fn start(launch: &Launch, count: usize) -> Self {
        let mut random = fastrand::Rng::with_seed(u64::from(std::process::id()));
        let ports = (0..count).map(|_| free_port(&mut random));
        let with_port = |port: u16| (port, launch.with("PORT", &port.to_string()));
        let launches: Vec<_> = ports.map(with_port).collect();
        let running = launches.iter().map(|(_, launch)| Some(launch.start()));
        Self {
            running: running.collect(),
            launches,
            counts: DisturbanceCounts::default(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.launches.len()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let ports = self.launches.iter();
        ports.map(|(port, _)| format!("127.0.0.1:{port}")).collect()
    }

    /// Kills a replica, if it runs.
    pub(crate) fn kill(&mut self, index: usize) {
        if let Some(service) = self.running[index].take() {
            service.kill();
            self.counts.kills += 1;
        }
    }

    /// Submits a program to the first replica, and waits until it runs.
    pub(crate) async fn begin(&self, token: &str, wanted: Program) -> Accepted {
        let first = self.running[0].as_ref().expect("a running replica");
        let id = first.submit(token, &wanted.body).await;
        let mut socket = first.watch_since(token, &id, 0).await;
        socket.until("execution_output").await;
        Accepted {
            id,
            token: token.to_owned(),
            output: wanted.output,
        }
    }

    /// Stops a replica and returns its exit code.
    pub(crate) async fn stop(&mut self, index: usize) -> Option<i32> {
        let mut service = self.running[index].take().expect("a running replica");
        service.signal("TERM");
        service.ended().await
    }

    /// Starts a stopped replica and waits until it is ready.
    pub(crate) async fn restart(&mut self, index: usize) {
        let (_, launch) = &self.launches[index];
        let service = launch.start();
        service.until_readiness_is(reqwest::StatusCode::OK).await;
        self.running[index] = Some(service);
    }

    /// Tries once to start every replica that does not run; returns whether all run now.
    pub(crate) fn revive(&mut self) -> bool {
        for ((_, launch), running) in self.launches.iter().zip(&mut self.running) {
            if running.is_none() {
                *running = launch.try_start().ok();
                self.counts.failed_starts += usize::from(running.is_none());
            }
        }
        self.running.iter().all(Option::is_some)
    }
}

fn free_port(random: &mut fastrand::Rng) -> u16 {
    loop {
        let port = random.u16(PORTS);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
