//! Processes that are started again where they were when they are killed.

use std::net::TcpListener;

use crate::load::Accepted;
use crate::programs::Program;
use crate::random::Random;
use crate::support::{Launch, Service};

/// Below the ports that systems give to outgoing connections: none of those may take one while its process is dead.
const PORTS: std::ops::Range<u16> = 12_000..32_000;

/// A process for each port, or none where it could not be started again yet.
#[derive(Debug)]
pub(crate) struct Replicas {
    launches: Vec<(u16, Launch)>,
    running: Vec<Option<Service>>,
    /// How often one was killed.
    pub(crate) kills: usize,
    /// How often one ended at its start.
    pub(crate) failed_starts: usize,
}

impl Replicas {
    pub(crate) fn start(launch: &Launch, count: usize) -> Self {
        let mut random = Random::new(u64::from(std::process::id()));
        let ports = (0..count).map(|_| free_port(&mut random));
        let with_port = |port: u16| (port, launch.with("PORT", &port.to_string()));
        let launches: Vec<_> = ports.map(with_port).collect();
        let running = launches.iter().map(|(_, launch)| Some(launch.start()));
        Self {
            running: running.collect(),
            launches,
            kills: 0,
            failed_starts: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.launches.len()
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let ports = self.launches.iter();
        ports.map(|(port, _)| format!("127.0.0.1:{port}")).collect()
    }

    /// Kills one, if it is there.
    pub(crate) fn kill(&mut self, index: usize) {
        if let Some(service) = self.running[index].take() {
            service.kill();
            self.kills += 1;
        }
    }

    /// Submits a program to the first, and waits until somewhere it runs.
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

    /// Tells one to stop and answers its exit code when it has.
    pub(crate) async fn stop(&mut self, index: usize) -> Option<i32> {
        let mut service = self.running[index].take().expect("a running replica");
        service.signal("TERM");
        service.ended().await
    }

    /// Starts one that has stopped, and waits until it is ready.
    pub(crate) async fn start_again(&mut self, index: usize) {
        let (_, launch) = &self.launches[index];
        let service = launch.start();
        service.until_readiness_is(reqwest::StatusCode::OK).await;
        self.running[index] = Some(service);
    }

    /// Tries once to start each that is not there; whether all are there now.
    pub(crate) fn revive(&mut self) -> bool {
        for ((_, launch), running) in self.launches.iter().zip(&mut self.running) {
            if running.is_none() {
                *running = launch.try_start().ok();
                self.failed_starts += usize::from(running.is_none());
            }
        }
        self.running.iter().all(Option::is_some)
    }
}

fn free_port(random: &mut Random) -> u16 {
    loop {
        let offset = random.below(PORTS.len());
        let port = PORTS.start + u16::try_from(offset).expect("a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
