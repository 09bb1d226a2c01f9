//! Keeps what a program writes, and tells watchers what it does while it does it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use coderun_domain::{
    Attempt, ErrorChain, Lease, Output, OutputBuffer, OutputStream, QueueError, RunEvent, Sequence,
};
use tokio::sync::Notify;

use super::pieces::Pieces;
use super::{WorkerPorts, WorkerSettings};

/// Watchers are told of output at most this often, after the first piece.
const TELL_INTERVAL: Duration = Duration::from_millis(20);

/// What one run does: its output is kept up to the limit, and told in pieces.
#[derive(Debug)]
pub(super) struct Recorder {
    attempt: Attempt,
    written: Mutex<Written>,
    more: Notify,
}

#[derive(Debug)]
struct Written {
    stdout: OutputBuffer,
    stderr: OutputBuffer,
    /// What was written since watchers were last told; the limits of the two buffers bound it.
    fresh: Pieces,
    /// What the queue was told, but did not say that it has: these events have their numbers and must not change.
    telling: VecDeque<RunEvent>,
    /// The last event that the queue has.
    told: Sequence,
}

impl Written {
    const fn buffer(&mut self, stream: OutputStream) -> &mut OutputBuffer {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    /// Gives numbers to what was written.
    fn seal(&mut self, attempt: Attempt) {
        let sealed = self.fresh.seal(attempt);
        self.telling.extend(sealed.map(RunEvent::Output));
    }
}

impl Recorder {
    pub(super) fn new(lease: &Lease) -> Arc<Self> {
        let cap = lease.execution().submission().limits().storage.output();
        Arc::new(Self {
            attempt: lease.attempt(),
            written: Mutex::new(Written {
                stdout: OutputBuffer::new(cap),
                stderr: OutputBuffer::new(cap),
                fresh: Pieces::default(),
                telling: VecDeque::new(),
                told: lease.execution().sequence(),
            }),
            more: Notify::new(),
        })
    }

    /// Tells the queue what is written, as it is written, until the lease is lost.
    pub(super) async fn tell(
        &self,
        ports: &WorkerPorts,
        settings: &WorkerSettings,
        lease: &Lease,
    ) -> QueueError {
        loop {
            self.more.notified().await;
            if let Err(error) = self.tell_rest(ports, settings, lease).await {
                return error;
            }
            tokio::time::sleep(TELL_INTERVAL).await;
        }
    }

    /// Tells the queue what it does not have yet, asking again while it cannot be reached.
    pub(super) async fn tell_rest(
        &self,
        ports: &WorkerPorts,
        settings: &WorkerSettings,
        lease: &Lease,
    ) -> Result<(), QueueError> {
        let mut failures = 0;
        loop {
            let (after, events) = self.untold();
            if events.is_empty() {
                return Ok(());
            }
            match ports.queue.append(lease, after, &events).await {
                Ok(told) => self.forget(events.len(), told),
                Err(error) if error.is_transient() => {
                    tracing::warn!(
                        error = %ErrorChain(&error),
                        "cannot tell what the program does"
                    );
                    tokio::time::sleep(settings.backoff(failures)).await;
                    failures += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The last event that the queue has, as far as it said.
    pub(super) fn told(&self) -> Sequence {
        self.lock().told
    }

    /// Sees to it that the queue still has all that it was told: one that took over from another may have lost some, and
    /// then this run cannot be recorded.
    pub(super) async fn confirm(
        &self,
        ports: &WorkerPorts,
        lease: &Lease,
    ) -> Result<(), QueueError> {
        let told = self.told();
        if told == lease.execution().sequence() {
            return Ok(());
        }
        ports.queue.append(lease, told, &[]).await.map(drop)
    }

    /// What was kept of stdout and stderr.
    pub(super) fn output(&self) -> (Output, Output) {
        let written = self.lock();
        (
            written.stdout.clone().finish(),
            written.stderr.clone().finish(),
        )
    }

    fn untold(&self) -> (Sequence, Vec<RunEvent>) {
        let mut written = self.lock();
        written.seal(self.attempt);
        (written.told, written.telling.iter().cloned().collect())
    }

    fn forget(&self, count: usize, told: Sequence) {
        let mut written = self.lock();
        written.telling.drain(..count);
        written.told = told;
    }

    /// Keeps what the program wrote.
    pub(super) fn record(&self, stream: OutputStream, bytes: &[u8]) {
        let mut written = self.lock();
        let kept = written.buffer(stream).push(bytes);
        let kept = bytes.get(..kept).unwrap_or(bytes);
        written.fresh.push(stream, kept);
        drop(written);
        if !kept.is_empty() {
            self.more.notify_one();
        }
    }

    /// Keeps in mind that the program wrote more than was passed on.
    pub(super) fn cut(&self, stream: OutputStream) {
        self.lock().buffer(stream).cut();
    }

    /// Tells watchers that the program waits for input, behind all that it wrote.
    pub(super) fn note_awaiting_input(&self) {
        let mut written = self.lock();
        written.seal(self.attempt);
        let event = RunEvent::AwaitingInput(self.attempt);
        written.telling.push_back(event);
        drop(written);
        self.more.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
