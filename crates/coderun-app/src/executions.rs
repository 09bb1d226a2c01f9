//! Implements what users do with executions: submit, read, list, watch, cancel and delete.

mod deleting;
mod error;
mod idempotency;
mod input_sender;
mod tickets;

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CancelReply, Clock, ErrorChain, EventStream, Execution, ExecutionId, ExecutionStore,
    IdGenerator, IdempotencyKey, InputRelay, Notifier, Page, QuotaUsage, Sequence, Status,
    StoreError, StorePolicy, Submission, SubmissionDraft, SubmissionPolicy, SubmitReply, Submitted,
    Summary, TicketStore, UserId, UserUsage, WatchError,
};

use tokio::time::timeout;

use crate::{Fleet, FleetView, LocalWorker, NoWorkerYet};

pub use error::{AccessError, SubmitError};
pub use input_sender::InputSender;
pub use tickets::{IssuedTicket, TicketIssueError};

/// The longest that a submission waits for the check of its language.
const LANGUAGE_CHECK_WAIT: Duration = Duration::from_secs(5);

/// The ports that [`Executions`] uses.
#[derive(Debug, Clone)]
pub struct ExecutionsPorts {
    /// Keeps executions.
    pub store: Arc<dyn ExecutionStore>,
    /// Streams their events.
    pub notifier: Arc<dyn Notifier>,
    /// Delivers what users type.
    pub inputs: Arc<dyn InputRelay>,
    /// Keeps one-time tickets.
    pub tickets: Arc<dyn TicketStore>,
    /// Provides the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids and secrets.
    pub ids: Arc<dyn IdGenerator>,
    /// Knows the workers.
    pub fleet: Arc<Fleet>,
}

/// The use cases of users. Each method acts for one user, who can access only their own executions.
#[derive(Debug, Clone)]
pub struct Executions {
    ports: ExecutionsPorts,
    submissions: SubmissionPolicy,
    storage: StorePolicy,
    local_worker: Option<LocalWorker>,
}

/// A submission that was accepted, now or before under the same key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSubmission {
    /// Its execution.
    pub execution: Execution,
    /// What its user has used of their quotas then.
    pub usage: QuotaUsage,
}

impl Executions {
    /// The use cases over these ports and under these rules; workers may lower the limits further.
    #[must_use]
    pub const fn new(
        ports: ExecutionsPorts,
        submissions: SubmissionPolicy,
        storage: StorePolicy,
    ) -> Self {
        Self {
            ports,
            submissions,
            storage,
            local_worker: None,
        }
    }

    /// Offers submissions to this worker of the same process while it is idle, so that they need not go through the queue.
    #[must_use]
    pub fn with_local_worker(self, worker: LocalWorker) -> Self {
        Self {
            local_worker: Some(worker),
            ..self
        }
    }

    /// The workers, with the languages and limits that may be submitted now.
    ///
    /// # Errors
    /// [`NoWorkerYet`] if no worker was seen since the start.
    pub fn fleet_view(&self) -> Result<Arc<FleetView>, NoWorkerYet> {
        self.ports.fleet.view()
    }

    /// The rules of the store.
    #[must_use]
    pub const fn store_policy(&self) -> &StorePolicy {
        &self.storage
    }

    /// Checks a submission without accepting it.
    ///
    /// # Errors
    /// [`SubmitError::Invalid`] with all errors of the submission; [`SubmitError::NoWorkerYet`] if the languages are not known
    /// yet.
    pub fn validate(
        &self,
        user: UserId,
        draft: SubmissionDraft,
    ) -> Result<Submission, SubmitError> {
        let fleet = self.fleet_view()?;
        let policy = SubmissionPolicy {
            limits: self.submissions.limits.lowered_to(fleet.limits()),
            interactive_wall_time: self
                .submissions
                .interactive_wall_time
                .filter(|_| fleet.is_interactive()),
            ..self.submissions
        };
        let submission = Submission::parse(user, draft, fleet.catalog(), &policy)?;
        Ok(submission)
    }

    /// Waits, for at most five seconds, while the language or version that a draft names is still being checked. The worker of
    /// this process checks it before others.
    pub async fn wait_for_language_check(&self, draft: &SubmissionDraft) {
        let mut views = self.ports.fleet.views();
        let checked = async {
            loop {
                let view = views.borrow_and_update().clone();
                let Some(language) = view.and_then(|it| draft.language_being_checked(it.catalog()))
                else {
                    return;
                };
                if let Some(worker) = &self.local_worker {
                    worker.check_next(&language);
                }
                // The fleet lives as long as this.
                let _ = views.changed().await;
            }
        };
        // What is not checked by then is refused for now.
        let _ = timeout(LANGUAGE_CHECK_WAIT, checked).await;
    }

    /// Accepts a submission. An accepted execution always becomes final. A new one is returned as it was submitted, although
    /// the local worker may run it already.
    ///
    /// With a key, a repetition is answered with the stored execution as it stands, and before any quota.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`SubmitError::Store`] if it was not stored; [`SubmitError::KeyReused`] if the key names
    /// another submission of the user that still exists.
    pub async fn submit(
        &self,
        user: UserId,
        draft: SubmissionDraft,
        key: Option<&IdempotencyKey>,
    ) -> Result<AcceptedSubmission, SubmitError> {
        let submission = self.validate(user, draft)?;
        let (ids, user) = (&*self.ports.ids, submission.user());
        let id = key.map_or_else(
            || ids.execution_id(user),
            |key| idempotency::keyed_id(ids, user, key),
        );
        let execution = Execution::submit(id, submission, self.ports.clock.now());
        let SubmitReply { submitted, usage } = self.store(&execution).await?;
        let execution = match submitted {
            Submitted::Accepted | Submitted::Leased(_) => execution,
            Submitted::AlreadyExists(stored) => {
                if !stored.submission().repeats(execution.submission()) {
                    return Err(SubmitError::KeyReused);
                }
                *stored
            }
        };
        Ok(AcceptedSubmission { execution, usage })
    }

    /// Stores a submission, with the offer of the local worker if that is idle.
    async fn store(&self, execution: &Execution) -> Result<SubmitReply, StoreError> {
        let store = &self.ports.store;
        let local_worker = self.local_worker.as_ref();
        match local_worker.and_then(|it| it.reserve(execution.submission().language())) {
            Some(reserved) => reserved.submit(Arc::clone(store), execution.clone()).await,
            None => store.submit(execution, None).await,
        }
    }

    /// What the user holds of what the [policy](Self::store_policy) bounds.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn usage(&self, user: &UserId) -> Result<UserUsage, StoreError> {
        self.ports.store.usage(user).await
    }

    /// Finds an execution of the user.
    ///
    /// # Errors
    /// [`AccessError`] if the execution does not exist, belongs to another user, or the store fails.
    pub async fn read(&self, user: &UserId, id: ExecutionId) -> Result<Execution, AccessError> {
        let found = self.ports.store.get(id).await?;
        let execution = found.ok_or(AccessError::Absent)?;
        if execution.submission().user() != user {
            return Err(AccessError::Forbidden);
        }
        Ok(execution)
    }

    /// Lists the executions of the user, newest first.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.ports.store.list(user, page).await
    }

    /// The position of an execution in the queue, from 1; `None` if it is not pending.
    ///
    /// # Errors
    /// [`StoreError`] if the store fails.
    pub async fn queue_position(&self, execution: &Execution) -> Result<Option<u64>, StoreError> {
        match execution.reported_status() {
            Status::Pending => self.ports.store.queue_position(execution.id()).await,
            Status::Running | Status::Completed | Status::Error => Ok(None),
        }
    }

    /// Streams all events of an execution after `since`, stored and future ones, to the final one.
    ///
    /// Checks no owner: every user for whom the events are must have [`read`](Self::read) the execution first.
    ///
    /// # Errors
    /// [`WatchError`] if the execution is gone or the notifier fails.
    pub async fn events(
        &self,
        id: ExecutionId,
        since: Sequence,
    ) -> Result<EventStream, WatchError> {
        self.ports.notifier.subscribe(id, since).await
    }

    /// Notes that the user watches an execution that takes input. A run that waits for input is stopped if nobody watches it
    /// for long. A note that cannot be stored is made up for by the next one.
    pub async fn note_watcher(&self, id: ExecutionId) {
        if let Err(error) = self.ports.inputs.note_watcher(id).await {
            tracing::debug!(error = %ErrorChain(&error), "cannot note a watcher");
        }
    }

    /// Stops an execution of the user. Idempotent.
    ///
    /// # Errors
    /// [`AccessError`] if the execution does not exist, belongs to another user, or the store fails.
    pub async fn cancel(&self, user: &UserId, id: ExecutionId) -> Result<CancelReply, AccessError> {
        self.read(user, id).await?;
        match self.ports.store.request_cancel(id).await? {
            CancelReply::Absent => Err(AccessError::Absent),
            reply @ (CancelReply::Ended(_)
            | CancelReply::Requested(_)
            | CancelReply::AlreadyFinal(_)) => Ok(reply),
        }
    }
}

#[cfg(test)]
mod tests;
