//! Starting and stopping: signals, and the order in which things end.
//!
//! The first SIGTERM or SIGINT begins the drain: readiness turns to 503, no submission is accepted and no work taken,
//! what runs may finish. When it has, or after the time allowed, or at a second signal, what still runs is killed and
//! handed over, sockets are closed with 1012, and the process ends: within five seconds, or at a third signal.

use std::time::Duration;

use anyhow::Context as _;
use coderun_app::Shutdown;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What is left to do once nothing runs any more may take so long.
const LAST_STEPS: Duration = Duration::from_secs(5);

/// The signals that ask the service to end.
#[derive(Debug)]
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Listens from now on; a signal that comes before the first wait is not lost.
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

    /// Turns signals into steps of the shutdown; answers when there is no more time for any of them.
    pub(crate) async fn drive(mut self, shutdown: &Shutdown, patience: Duration) {
        self.next().await;
        tell("stopping: finishing what runs");
        shutdown.drain.cancel();
        tokio::select! {
            () = tokio::time::sleep(patience) => tell("stopping: out of patience"),
            () = self.next() => tell("stopping: asked twice"),
        }
        shutdown.abort.cancel();
        tokio::select! {
            () = tokio::time::sleep(LAST_STEPS) => {}
            () = self.next() => {}
        }
        tell("stopped before everything was closed");
    }
}

fn tell(step: &str) {
    tracing::info!("{step}");
}
