//! Keeps what a program writes and appends it to the queue while the program runs.

use std::collections::VecDeque;
use std::time::Duration;

use coderun_domain::{
    Attempt, Execution, Output, OutputBuffer, OutputStream, QueueError, RunEvent, Sequence,
};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::chunk_buffer::ChunkBuffer;
use super::held_lease::HeldLease;

/// The shortest time between two groups of events, after the first.
const APPEND_INTERVAL: Duration = Duration::from_millis(20);

/// Keeps the head of both streams, up to the limit, and turns it into events.
#[derive(Debug)]
pub(super) struct OutputRecorder {
    attempt: Attempt,
    state: Mutex<State>,
    is_written: Notify,
}

#[derive(Debug)]
struct State {
    stdout: OutputBuffer,
    stderr: OutputBuffer,
    /// Output that is no event yet; the limits of the two buffers bound it.
    chunks: ChunkBuffer,
    /// Events that the queue has not confirmed: they have their numbers, so they must not change.
    unconfirmed: VecDeque<RunEvent>,
    /// The last event that the queue has confirmed.
    confirmed: Sequence,
}

impl State {
    const fn buffer(&mut self, stream: OutputStream) -> &mut OutputBuffer {
        match stream {
            OutputStream::Stdout => &mut self.stdout,
            OutputStream::Stderr => &mut self.stderr,
        }
    }

    /// Turns the output so far into events.
    fn seal(&mut self, attempt: Attempt) {
        let chunks = self.chunks.drain(attempt);
        self.unconfirmed.extend(chunks.map(RunEvent::Output));
    }
}

impl OutputRecorder {
    pub(super) fn new(execution: &Execution) -> Self {
        let cap = execution.submission().limits().storage.output();
        Self {
            attempt: execution.attempt(),
            state: Mutex::new(State {
                stdout: OutputBuffer::new(cap),
                stderr: OutputBuffer::new(cap),
                chunks: ChunkBuffer::default(),
                unconfirmed: VecDeque::new(),
                confirmed: execution.sequence(),
            }),
            is_written: Notify::new(),
        }
    }

    /// Appends output as it is written, until that fails for good.
    pub(super) async fn append_continuously(&self, lease: &HeldLease) -> QueueError {
        loop {
            self.is_written.notified().await;
            if let Err(error) = self.flush(lease).await {
                return error;
            }
            tokio::time::sleep(APPEND_INTERVAL).await;
        }
    }

    async fn flush(&self, lease: &HeldLease) -> Result<(), QueueError> {
        loop {
            let (after, events) = self.unconfirmed();
            if events.is_empty() {
                return Ok(());
            }
            let last = lease.append(after, &events).await?;
            let mut state = self.state.lock();
            state.unconfirmed.drain(..events.len());
            state.confirmed = last;
        }
    }

    /// The events that the queue has not confirmed, and the last event that it has. One append of them may be under way.
    pub(super) fn unconfirmed(&self) -> (Sequence, Vec<RunEvent>) {
        let mut state = self.state.lock();
        state.seal(self.attempt);
        (state.confirmed, state.unconfirmed.iter().cloned().collect())
    }

    /// The head that was kept of stdout and of stderr.
    pub(super) fn output(&self) -> (Output, Output) {
        let state = self.state.lock();
        (state.stdout.clone().finish(), state.stderr.clone().finish())
    }

    /// Keeps what the program wrote, up to the limit.
    pub(super) fn record(&self, stream: OutputStream, bytes: &[u8]) {
        let mut state = self.state.lock();
        let kept = state.buffer(stream).push(bytes);
        let kept = bytes.get(..kept).unwrap_or(bytes);
        state.chunks.push(stream, kept);
        drop(state);
        if !kept.is_empty() {
            self.is_written.notify_one();
        }
    }

    /// Marks a stream of which the runner did not see the rest.
    pub(super) fn mark_truncated(&self, stream: OutputStream) {
        self.state.lock().buffer(stream).mark_truncated();
    }

    /// Records that the program waits for input, behind all that it wrote.
    pub(super) fn record_awaiting_input(&self) {
        let mut state = self.state.lock();
        state.seal(self.attempt);
        let event = RunEvent::AwaitingInput(self.attempt);
        state.unconfirmed.push_back(event);
        drop(state);
        self.is_written.notify_one();
    }
}
