//! Owns ledger and file: applies the steps that wait, writes their changes once, then answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_domain::{Clock, ErrorChain};
use coderun_ledger::{Ledger, LedgerConfig, VolatileState};
use tokio::sync::{mpsc, oneshot};

use crate::RedbError;
use crate::file::File;

/// How many steps are written in one transaction at most.
const BATCH_MAX: usize = 256;

/// How long the thread waits after a failure before it opens the file again.
const PAUSE: Duration = Duration::from_millis(200);

/// Opens the file, now and after each failure.
pub(crate) type FileOpener = Box<dyn Fn() -> Result<File, RedbError> + Send>;

/// Answers the caller of a step once its changes are written. If it is dropped, the caller is told that they may not be.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// A step. It returns the answer for its caller, unless the caller has gone.
pub(crate) type Step = Box<dyn FnOnce(&mut Ledger) -> Option<Answer> + Send>;

/// What the thread is asked to do.
pub(crate) enum Message {
    /// Run a step.
    Step(Step),
    /// Close the file and end.
    Close(oneshot::Sender<()>),
}

/// The ledger, the file, and how to open them again.
pub(crate) struct FileThread {
    open: FileOpener,
    config: LedgerConfig,
    clock: Arc<dyn Clock>,
    state: State,
}

enum State {
    /// The ledger holds the records of the file, and the changes of the present batch.
    Open(Box<Ledger>, File),
    /// The file failed at this time, and the ledger may have held changes that are not written. Only this outlives it.
    Failed(Instant, VolatileState),
}

impl FileThread {
    /// Opens the file for the first time.
    pub(crate) fn open(
        open: FileOpener,
        config: LedgerConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RedbError> {
        let mut file = open()?;
        file.compact()?;
        let state = State::restore(config, file, None, &*clock)?;
        Ok(Self {
            open,
            config,
            clock,
            state,
        })
    }

    /// Runs until all senders are gone or the file is to be closed.
    pub(crate) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        let mut batch = Vec::new();
        while messages.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
            let mut steps = Vec::new();
            let mut closing = Vec::new();
            for message in batch.drain(..) {
                match message {
                    Message::Step(step) => steps.push(step),
                    Message::Close(closed) => closing.push(closed),
                }
            }
            self.handle(steps);
            if !closing.is_empty() {
                drop(self);
                drop(messages);
                for closed in closing {
                    closed.send(()).unwrap_or_default();
                }
                return;
            }
        }
    }

    /// Runs a batch of steps, writes their changes and answers them, or answers none of them.
    fn handle(&mut self, batch: Vec<Step>) {
        self.reopen();
        let State::Open(ledger, file) = &mut self.state else {
            return;
        };
        let apply = |step: Step| step(ledger.at(self.clock.now()));
        let answers: Vec<_> = batch.into_iter().map(apply).collect();
        match file.write(&ledger.take_changes()) {
            Ok(()) => {
                for answer in answers.into_iter().flatten() {
                    answer();
                }
            }
            Err(error) => {
                let volatile = ledger.volatile_state();
                self.fail(&error, volatile);
            }
        }
    }

    /// Opens the file again if it has failed and the pause is over.
    fn reopen(&mut self) {
        let volatile = match &self.state {
            State::Failed(at, volatile) if at.elapsed() >= PAUSE => volatile.clone(),
            State::Open(..) | State::Failed(..) => return,
        };
        let restored = (self.open)().and_then(|file| {
            State::restore(self.config, file, Some(volatile.clone()), &*self.clock)
        });
        match restored {
            Ok(state) => {
                tracing::info!("opened the file again");
                self.state = state;
            }
            Err(error) => self.fail(&error, volatile),
        }
    }

    fn fail(&mut self, error: &RedbError, volatile: VolatileState) {
        tracing::error!(error = %ErrorChain(error), "the file has failed; it will be opened again");
        self.state = State::Failed(Instant::now(), volatile);
    }
}

impl State {
    /// Makes a ledger of what the file holds, and writes what has changed by the passing of time.
    fn restore(
        config: LedgerConfig,
        file: File,
        volatile: Option<VolatileState>,
        clock: &dyn Clock,
    ) -> Result<Self, RedbError> {
        let mut ledger = Ledger::restore(config, file.load()?, volatile, clock.now());
        file.write(&ledger.take_changes())?;
        Ok(Self::Open(Box::new(ledger), file))
    }
}
