//! The one type of this crate: the way to the thread that owns ledger and file.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Clock, StorePolicy};
use coderun_memory::Ledger;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::error::StepFault;
use crate::file::File;
use crate::owner::{Message, Owner, Rules};
use crate::{RedbConfig, RedbError};

/// What this backend is called in errors.
pub(crate) const BACKEND: &str = "redb";

/// How many steps wait for the owner at most; more of them wait for a place, as long as a step may take.
const STEPS_WAITING_MAX: usize = 1024;

/// How long a hint rests when the file cannot be used, before it answers for nothing.
const REST: Duration = Duration::from_secs(1);

/// Store, queue, notifier, input relay and ticket store over one file.
///
/// Clones share it. No step blocks the thread that asks, and none waits for longer than
/// [`step_timeout`](RedbConfig::step_timeout).
#[derive(Clone)]
pub struct RedbBackend {
    shared: Arc<Shared>,
}

struct Shared {
    owner: mpsc::Sender<Message>,
    clock: Arc<dyn Clock>,
    step_timeout: Duration,
}

impl RedbBackend {
    /// Opens the file of a folder, or begins a new one.
    ///
    /// Whatever ran when the file was last used may be taken over at once. Opening takes as long as it takes to read the
    /// file, and after a crash to check it.
    ///
    /// # Errors
    /// [`RedbError`]: each of them.
    pub async fn open(
        policy: StorePolicy,
        config: RedbConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RedbError> {
        let folder = config.folder.clone();
        let rules = Rules {
            policy,
            memory: config.memory,
        };
        Self::over(rules, config.step_timeout, clock, move || {
            File::in_folder(&folder)
        })
        .await
    }

    /// A backend over the file that this opens, now and after each failure.
    pub(crate) async fn over(
        rules: Rules,
        step_timeout: Duration,
        clock: Arc<dyn Clock>,
        open: impl Fn() -> Result<File, RedbError> + Send + 'static,
    ) -> Result<Self, RedbError> {
        let (owner, messages) = mpsc::channel(STEPS_WAITING_MAX);
        let (report, reported) = oneshot::channel();
        let shown = Arc::clone(&clock);
        std::thread::Builder::new()
            .name("coderun-redb".to_owned())
            .spawn(move || match Owner::open(Box::new(open), rules, shown) {
                Ok(owner) => {
                    drop(report.send(Ok(())));
                    owner.run(messages);
                }
                Err(error) => drop(report.send(Err(error))),
            })
            .map_err(|error| RedbError::NoOwner(Some(error)))?;
        reported.await.unwrap_or(Err(RedbError::NoOwner(None)))?;
        let shared = Arc::new(Shared {
            owner,
            clock,
            step_timeout,
        });
        Ok(Self { shared })
    }

    /// Closes the file when what was asked for has been done; every later step is told that the store is not available. A
    /// file that is not closed is checked when it is opened again. Waits no longer than a step may. Idempotent.
    pub async fn close(&self) {
        let (closed, done) = oneshot::channel();
        let asked = async {
            self.shared.owner.send(Message::Close(closed)).await.ok()?;
            done.await.ok()
        };
        // If nobody answers the owner has ended before, and the file is closed.
        drop(timeout(self.shared.step_timeout, asked).await);
    }

    /// Lets the owner do one step, and answers when what it changed is written.
    pub(crate) async fn step<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> T + Send + 'static,
    ) -> Result<T, StepFault> {
        let (reply, answer) = oneshot::channel();
        let clock = Arc::clone(&self.shared.clock);
        let step = Message::step(move |ledger| {
            // Nobody would learn of it: a lease would be nobody's.
            if reply.is_closed() {
                return None;
            }
            let done = step(ledger, whole_micros(clock.now()));
            Some(Box::new(move || drop(reply.send(done))))
        });
        let asked = async {
            self.shared.owner.send(step).await.ok()?;
            answer.await.ok()
        };
        let within = self.shared.step_timeout;
        match timeout(within, asked).await {
            Ok(Some(done)) => Ok(done),
            Ok(None) => Err(StepFault::NotWritten),
            Err(_) => Err(StepFault::TimedOut(within)),
        }
    }

    /// A step of a hint: where it cannot be done the hint rests and answers for nothing.
    pub(crate) async fn hint<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        match self.step(step).await {
            Ok(found) => found,
            Err(StepFault::NotWritten | StepFault::TimedOut(_)) => {
                tokio::time::sleep(REST).await;
                None
            }
        }
    }
}

/// The same time as it will be read from the file, so that a lease is the same before and after.
pub(crate) fn whole_micros(at: OffsetDateTime) -> OffsetDateTime {
    at.replace_nanosecond(at.microsecond() * 1000).unwrap_or(at)
}

impl fmt::Debug for RedbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RedbBackend")
    }
}

#[cfg(test)]
mod tests;
