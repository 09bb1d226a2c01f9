//! Turns signals into the steps of a shutdown.
//!
//! The first SIGTERM or SIGINT begins the drain: readiness turns to 503, no submission is accepted, no execution taken, and
//! running executions may finish. When they have, or after the drain time, or at a second signal, what still runs is killed
//! and handed over, sockets are closed with 1012, and the process ends: within five seconds, or at a third signal.

use std::time::Duration;

use anyhow::Context as _;
use coderun_app::Shutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Time to close everything once nothing runs any more.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The signals that stop the service.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens from now on; a signal before the first wait is not lost.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Turns signals into steps of the shutdown, and returns when the time for all of them is over.
    pub(crate) async fn drive(mut self, shutdown: &Shutdown, drain_time: Duration) {
        self.next().await;
        log("draining: running executions may finish");
        shutdown.drain.cancel();
        tokio::select! {
            () = tokio::time::sleep(drain_time) => log("drain time is over: stopping running executions"),
            () = self.next() => log("second signal: stopping running executions"),
        }
        shutdown.abort.cancel();
        tokio::select! {
            () = tokio::time::sleep(CLOSE_TIMEOUT) => {}
            () = self.next() => {}
        }
        log("stopped before everything was closed");
    }
}

fn log(step: &str) {
    tracing::info!("{step}");
}
