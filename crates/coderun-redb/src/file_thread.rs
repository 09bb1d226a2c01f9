//! Owns ledger and file: applies the steps that wait, writes their changes once, then answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_domain::{Clock, ErrorChain};
use coderun_ledger::{
    Ledger, LedgerConfig, SavedState, SurvivingWorkers, WorkerOffers, ledger_time,
};
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use crate::RedbError;
use crate::file::File;

/// How many steps are written in one transaction at most.
const BATCH_MAX: usize = 256;

/// How long the thread waits after a failure before it opens the file again.
const PAUSE: Duration = Duration::from_millis(200);

/// Opens the file, now and after each failure.
pub(crate) type Open = Box<dyn Fn() -> Result<File, RedbError> + Send>;

/// Answers the caller of a step once its changes are written. Dropping it means that they may not be.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

/// A step, and the answer that it owes.
pub(crate) type Step = Box<dyn FnOnce(&mut Ledger, OffsetDateTime) -> Option<Answer> + Send>;

/// What the thread is asked to do.
pub(crate) enum Message {
    /// Run a step.
    Step(Step),
    /// Close the file and end.
    Close(oneshot::Sender<()>),
}

/// The ledger, the file, and how to open them again.
pub(crate) struct FileThread {
    open: Open,
    config: LedgerConfig,
    clock: Arc<dyn Clock>,
    state: State,
}

enum State {
    /// The ledger holds the records of the file, and the changes of the present batch.
    Open(Box<Ledger>, File),
    /// The file has failed, and the ledger may have held changes that are not written. Only this outlives it.
    Failed {
        since: Instant,
        last_order: u64,
        offers: WorkerOffers,
    },
}

impl FileThread {
    /// Opens the file for the first time.
    pub(crate) fn open(
        open: Open,
        config: LedgerConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, RedbError> {
        let mut file = open()?;
        file.compact()?;
        let state = State::restore(config, file, 0, SurvivingWorkers::None, &*clock)?;
        Ok(Self {
            open,
            config,
            clock,
            state,
        })
    }

    /// Runs until all senders are gone or the file is to be closed.
    pub(crate) fn run(mut self, mut messages: mpsc::Receiver<Message>) {
        while let Some(message) = messages.blocking_recv() {
            let mut next = Some(message);
            let mut batch = Vec::new();
            let mut closing = None;
            while let Some(message) = next {
                match message {
                    Message::Step(step) => batch.push(step),
                    Message::Close(closed) => closing = Some(closed),
                }
                let is_full = closing.is_some() || batch.len() >= BATCH_MAX;
                next = (!is_full).then(|| messages.try_recv().ok()).flatten();
            }
            self.handle(batch);
            if let Some(closed) = closing {
                drop(self);
                drop(messages);
                closed.send(()).unwrap_or_default();
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
        let clock = &*self.clock;
        let apply = |step: Step| step(ledger, ledger_time(clock));
        let answers: Vec<_> = batch.into_iter().map(apply).collect();
        match file.write(&ledger.take_changes()) {
            Ok(()) => {
                for answer in answers.into_iter().flatten() {
                    answer();
                }
            }
            Err(error) => {
                let (last_order, offers) = (ledger.last_order(), ledger.take_offers());
                self.fail(&error, last_order, offers);
            }
        }
    }

    /// Opens the file again if it has failed and the pause is over.
    fn reopen(&mut self) {
        let State::Failed {
            since,
            last_order,
            offers,
        } = &self.state
        else {
            return;
        };
        if since.elapsed() < PAUSE {
            return;
        }
        let (last_order, offers) = (*last_order, offers.clone());
        match self.try_reopen(last_order, offers.clone()) {
            Ok(state) => {
                tracing::info!("opened the file again");
                self.state = state;
            }
            Err(error) => self.fail(&error, last_order, offers),
        }
    }

    fn try_reopen(&self, last_order: u64, offers: WorkerOffers) -> Result<State, RedbError> {
        let (file, workers) = ((self.open)()?, SurvivingWorkers::All(offers));
        State::restore(self.config, file, last_order, workers, &*self.clock)
    }

    fn fail(&mut self, error: &RedbError, last_order: u64, offers: WorkerOffers) {
        tracing::error!(error = %ErrorChain(error), "the file has failed; it will be opened again");
        self.state = State::Failed {
            since: Instant::now(),
            last_order,
            offers,
        };
    }
}

impl State {
    /// Makes a ledger of what the file holds, and writes what has changed by the passing of time.
    fn restore(
        config: LedgerConfig,
        file: File,
        last_order: u64,
        workers: SurvivingWorkers,
        clock: &dyn Clock,
    ) -> Result<Self, RedbError> {
        let saved = SavedState {
            records: file.load()?,
            last_order,
            workers,
        };
        let mut ledger = Ledger::restore(config, saved, ledger_time(clock));
        file.write(&ledger.take_changes())?;
        Ok(Self::Open(Box::new(ledger), file))
    }
}
