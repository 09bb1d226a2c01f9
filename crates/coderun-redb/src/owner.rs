//! The thread that owns ledger and file: it does what is waiting, writes once, then answers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coderun_domain::{Clock, ErrorChain, StorePolicy};
use coderun_memory::{Ledger, MemoryConfig, Workers};
use tokio::sync::{mpsc, oneshot};

use crate::RedbError;
use crate::backend::whole_micros;
use crate::file::File;

/// How many steps are written in one transaction at most.
const BATCH_MAX: usize = 256;

/// How long the file is left alone after a failure.
const PAUSE: Duration = Duration::from_millis(200);

/// What a ledger is made from, beside what was kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) policy: StorePolicy,
    pub(crate) memory: MemoryConfig,
}

/// Opens the file.
pub(crate) type Open = Box<dyn Fn() -> Result<File, RedbError> + Send>;

/// Tells whoever asked what became of a step, once that is written. To drop it tells them that it may not be.
pub(crate) type Answer = Box<dyn FnOnce() + Send>;

type Step = Box<dyn FnOnce(&mut Ledger) -> Option<Answer> + Send>;

/// What the owner is asked.
pub(crate) enum Message {
    /// To do a step.
    Step(Step),
    /// To close the file and end.
    Close(oneshot::Sender<()>),
}

impl Message {
    pub(crate) fn step(step: impl FnOnce(&mut Ledger) -> Option<Answer> + Send + 'static) -> Self {
        Self::Step(Box::new(step))
    }
}

/// Ledger and file, and how to get them again.
pub(crate) struct Owner {
    open: Open,
    rules: Rules,
    clock: Arc<dyn Clock>,
    state: State,
}

enum State {
    /// The ledger holds what the file does, and what steps of this batch have changed.
    Open(Box<Ledger>, File),
    /// The file has failed. Nothing is known but where the numbers of records go on.
    Failed { last_order: u64, since: Instant },
}

impl Owner {
    /// Opens the file for the first time.
    pub(crate) fn open(open: Open, rules: Rules, clock: Arc<dyn Clock>) -> Result<Self, RedbError> {
        let mut file = open()?;
        file.compact()?;
        let kept = file.load()?;
        let (parts, now) = ((rules.policy, rules.memory), whole_micros(clock.now()));
        let mut ledger = Ledger::restore(parts, kept, 0, Workers::Gone, now);
        file.write(&ledger.take_changes())?;
        Ok(Self {
            open,
            rules,
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
        let answers: Vec<_> = batch.into_iter().map(|step| step(ledger)).collect();
        match file.write(&ledger.take_changes()) {
            Ok(()) => {
                for answer in answers.into_iter().flatten() {
                    answer();
                }
            }
            Err(error) => {
                tracing::error!(
                    error = %ErrorChain(&error),
                    "the file cannot be written; it is opened anew"
                );
                let last_order = ledger.last_order();
                self.fail(last_order);
            }
        }
    }

    /// Opens the file again if it has failed and was left alone for long enough.
    fn reopen(&mut self) {
        let State::Failed { last_order, since } = self.state else {
            return;
        };
        if since.elapsed() < PAUSE {
            return;
        }
        match self.try_reopen(last_order) {
            Ok((ledger, file)) => {
                tracing::info!("the file is open again");
                self.state = State::Open(Box::new(ledger), file);
            }
            Err(error) => {
                tell_still_closed(&error);
                self.fail(last_order);
            }
        }
    }

    fn try_reopen(&self, last_order: u64) -> Result<(Ledger, File), RedbError> {
        let file = (self.open)()?;
        let kept = file.load()?;
        let parts = (self.rules.policy, self.rules.memory);
        let now = whole_micros(self.clock.now());
        let mut ledger = Ledger::restore(parts, kept, last_order, Workers::Alive, now);
        file.write(&ledger.take_changes())?;
        Ok((ledger, file))
    }

    fn fail(&mut self, last_order: u64) {
        let since = Instant::now();
        self.state = State::Failed { last_order, since };
    }
}

fn tell_still_closed(error: &RedbError) {
    tracing::error!(error = %ErrorChain(error), "the file cannot be opened");
}
