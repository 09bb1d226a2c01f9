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

/// How long the file is left alone after a failure.
const PAUSE: Duration = Duration::from_millis(200);

/// Opens the file.
pub(crate) type Open = Box<dyn Fn() -> Result<File, RedbError> + Send>;

/// Tells whoever asked what became of a step, once that is written. To drop it tells them that it may not be.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

type Step = Box<dyn FnOnce(&mut Ledger, OffsetDateTime) -> Option<Answer> + Send>;

/// What the owner is asked.
pub(crate) enum Message {
    /// To do a step.
    Step(Step),
    /// To close the file and end.
    Close(oneshot::Sender<()>),
}

impl Message {
    pub(crate) fn step(
        step: impl FnOnce(&mut Ledger, OffsetDateTime) -> Option<Answer> + Send + 'static,
    ) -> Self {
        Self::Step(Box::new(step))
    }
}

/// Ledger and file, and how to get them again.
pub(crate) struct FileThread {
    open: Open,
    config: LedgerConfig,
    clock: Arc<dyn Clock>,
    state: State,
}

enum State {
    /// The ledger holds what the file does, and what steps of this batch have changed.
    Open(Box<Ledger>, File),
    /// The file has failed, and the ledger may hold what is not written. This outlives it.
    Failed {
        since: Instant,
        survivors: Survivors,
    },
}

/// What a ledger hands on to the next one, beside what is written.
#[derive(Debug, Clone)]
struct Survivors {
    last_order: u64,
    offers: WorkerOffers,
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
        let restored = SavedState {
            records: file.load()?,
            last_order: 0,
            workers: SurvivingWorkers::None,
        };
        let ledger = restore(config, restored, &*clock, &file)?;
        Ok(Self {
            open,
            config,
            clock,
            state: State::Open(Box::new(ledger), file),
        })
    }

    /// Works until the last sender is gone or somebody wants the file closed.
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

    /// Does a batch of steps, writes what they changed and answers them; or answers none of them.
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
                let survivors = Survivors {
                    last_order: ledger.last_order(),
                    offers: ledger.take_offers(),
                };
                self.fail(&error, survivors);
            }
        }
    }

    /// Opens the file again if it has failed and was left alone for long enough.
    fn reopen(&mut self) {
        let State::Failed { since, survivors } = &self.state else {
            return;
        };
        if since.elapsed() < PAUSE {
            return;
        }
        let survivors = survivors.clone();
        match self.try_reopen(survivors.clone()) {
            Ok((ledger, file)) => {
                tracing::info!("opened the file again");
                self.state = State::Open(Box::new(ledger), file);
            }
            Err(error) => {
                self.fail(&error, survivors);
            }
        }
    }

    fn try_reopen(&self, survivors: Survivors) -> Result<(Ledger, File), RedbError> {
        let file = (self.open)()?;
        let restored = SavedState {
            records: file.load()?,
            last_order: survivors.last_order,
            workers: SurvivingWorkers::All(survivors.offers),
        };
        let ledger = restore(self.config, restored, &*self.clock, &file)?;
        Ok((ledger, file))
    }

    fn fail(&mut self, error: &RedbError, survivors: Survivors) {
        tracing::error!(error = %ErrorChain(error), "the file has failed; it will be opened again");
        let since = Instant::now();
        self.state = State::Failed { since, survivors };
    }
}

/// Makes a ledger of what the file holds, and writes what has changed by the passing of time.
fn restore(
    config: LedgerConfig,
    restored: SavedState,
    clock: &dyn Clock,
    file: &File,
) -> Result<Ledger, RedbError> {
    let mut ledger = Ledger::restore(config, restored, ledger_time(clock));
    file.write(&ledger.take_changes())?;
    Ok(ledger)
}
