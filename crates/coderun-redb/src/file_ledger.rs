//! Sends steps to the thread that owns ledger and file.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Clock, Health};
use coderun_ledger::{Ledger, LedgerAccess, LedgerConfig, StepError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::RedbError;
use crate::error::StepFault;
use crate::file::File;
use crate::file_thread::{FileThread, Message, Step};

/// How many steps wait for the thread at most. Further steps wait for a place in the channel, as long as a step may take.
const STEPS_WAITING_MAX: usize = 1024;

/// Access to a ledger with a file behind it.
///
/// Clones share both. No step blocks the thread that asks, and none waits for longer than
/// [`step_timeout`](crate::RedbConfig::step_timeout).
#[derive(Clone)]
pub struct FileLedger {
    thread: mpsc::Sender<Message>,
    step_timeout: Duration,
}

impl FileLedger {
    /// A ledger over the file that this opens, now and after each failure.
    pub(crate) async fn open(
        open: impl Fn() -> Result<File, RedbError> + Send + 'static,
        config: LedgerConfig,
        step_timeout: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RedbError> {
        let opening = spawn_blocking(move || FileThread::open(Box::new(open), config, clock));
        let opened = opening
            .await
            .map_err(|error| RedbError::NoThread(error.into()))??;
        let (thread, messages) = mpsc::channel(STEPS_WAITING_MAX);
        std::thread::Builder::new()
            .name("coderun-redb".to_owned())
            .spawn(move || opened.run(messages))
            .map_err(RedbError::NoThread)?;
        Ok(Self {
            thread,
            step_timeout,
        })
    }

    /// Sends a message and waits for the answer to it.
    async fn ask<T>(&self, message: Message, answer: oneshot::Receiver<T>) -> Result<T, StepFault> {
        let asked = async {
            self.thread.send(message).await.ok()?;
            answer.await.ok()
        };
        match timeout(self.step_timeout, asked).await {
            Ok(answer) => answer.ok_or(StepFault::NotWritten),
            Err(_) => Err(StepFault::TimedOut(self.step_timeout)),
        }
    }
}

impl LedgerAccess for FileLedger {
    const BACKEND: &'static str = "redb";

    /// Answers when the changes of the step are written.
    async fn apply<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger) -> T + Send + 'static,
    ) -> Result<T, StepError> {
        let (reply, answer) = oneshot::channel();
        let step: Step = Box::new(move |ledger| {
            // If the caller has gone, a lease that is taken now would have no holder.
            if reply.is_closed() {
                return None;
            }
            let done = step(ledger);
            Some(Box::new(move || drop(reply.send(done))))
        });
        self.ask(Message::Step(step), answer)
            .await
            .map_err(|fault| StepError {
                backend: Self::BACKEND,
                source: Box::new(fault),
            })
    }

    /// Good: a full disk shows itself with the next change.
    fn durability(&self) -> Health {
        Health::Good
    }

    /// Closes the file. A file that is not closed is checked when it is opened again. Waits no longer than a step may.
    async fn close(&self) {
        let (closed, done) = oneshot::channel();
        // Without an answer the thread has ended before, and the file is closed.
        drop(self.ask(Message::Close(closed), done).await);
    }
}

impl fmt::Debug for FileLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileLedger")
    }
}
