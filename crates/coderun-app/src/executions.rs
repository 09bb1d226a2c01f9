//! What users do with executions.

mod console;
mod deleting;
mod error;
mod tickets;
mod waiting;
mod watch;

use std::sync::Arc;

use coderun_domain::{
    CancelReply, Clock, Execution, ExecutionId, ExecutionStore, IdGenerator, InputRelay, Notifier,
    Page, Sequence, Status, StoreError, StorePolicy, Submission, SubmissionDraft, SubmissionPolicy,
    Submitted, Summary, TicketStore, UserId,
};

use crate::{Fleet, FleetView, NoWorkerYet};

pub use console::Console;
pub use error::{AccessError, SubmitError};
pub use tickets::{IssuedTicket, TicketIssueError};
pub use watch::{WatchEvent, WatchStream};

/// What [`Executions`] works with.
#[derive(Debug, Clone)]
pub struct ExecutionsPorts {
    /// Keeps them.
    pub store: Arc<dyn ExecutionStore>,
    /// Tells what happens to them.
    pub notifier: Arc<dyn Notifier>,
    /// Carries what users type.
    pub inputs: Arc<dyn InputRelay>,
    /// Keeps one-time tickets.
    pub tickets: Arc<dyn TicketStore>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes their ids.
    pub ids: Arc<dyn IdGenerator>,
    /// Knows what can be run.
    pub fleet: Arc<Fleet>,
}

/// What users do with executions. Every method acts for one user, who reaches only what is their own.
#[derive(Debug, Clone)]
pub struct Executions {
    ports: ExecutionsPorts,
    submissions: SubmissionPolicy,
    storage: StorePolicy,
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
        }
    }

    /// The languages that may be submitted now, the limits that may be asked for, and who would run it.
    ///
    /// # Errors
    /// [`NoWorkerYet`] if nobody has said so yet.
    pub fn offering(&self) -> Result<Arc<FleetView>, NoWorkerYet> {
        self.ports.fleet.view()
    }

    /// How much is stored and for how long.
    #[must_use]
    pub const fn store_policy(&self) -> &StorePolicy {
        &self.storage
    }

    /// Checks a submission, without accepting it.
    ///
    /// # Errors
    /// [`SubmitError::Invalid`] with everything that is wrong with it; [`SubmitError::NoWorkerYet`] if nobody can tell.
    pub fn validate(
        &self,
        user: UserId,
        draft: SubmissionDraft,
    ) -> Result<Submission, SubmitError> {
        let offering = self.offering()?;
        let policy = SubmissionPolicy {
            limits: self.submissions.limits.lowered_to(offering.limits()),
            interactive_wall_time: self
                .submissions
                .interactive_wall_time
                .filter(|_| offering.is_interactive()),
            ..self.submissions
        };
        let submission = Submission::parse(user, draft, offering.catalog(), &policy)?;
        Ok(submission)
    }

    /// Accepts a submission. Once this answers, the execution reaches an end, whatever happens.
    ///
    /// # Errors
    /// As [`validate`](Self::validate); [`SubmitError::Store`] where it was not stored, and then there is no id.
    pub async fn submit(
        &self,
        user: UserId,
        draft: SubmissionDraft,
    ) -> Result<Execution, SubmitError> {
        let submission = self.validate(user, draft)?;
        let id = self.ports.ids.execution_id(submission.user());
        let execution = Execution::submit(id, submission, self.ports.clock.now());
        match self.ports.store.submit(&execution).await? {
            Submitted::Accepted => Ok(execution),
            Submitted::AlreadyThere(there) => Ok(*there),
        }
    }

    /// Finds an execution of the user.
    ///
    /// # Errors
    /// [`AccessError`] if there is none, it is another user's, or the store cannot tell.
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
    /// [`StoreError`] if the store cannot tell.
    pub async fn list(&self, user: &UserId, page: Page) -> Result<Vec<Summary>, StoreError> {
        self.ports.store.list(user, page).await
    }

    /// The place of an execution among those that wait, from 1; `None` if it does not wait any more.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot tell.
    pub async fn queue_position(&self, execution: &Execution) -> Result<Option<u64>, StoreError> {
        match execution.status() {
            Status::Pending => self.ports.store.queue_position(execution.id()).await,
            Status::Running | Status::Completed | Status::Error => Ok(None),
        }
    }

    /// Watches an execution of the user.
    ///
    /// Without `since` the stream begins with the execution as it stands; with it, it brings everything stored after
    /// that number. Nothing is lost or doubled between what it begins with and what follows. It ends after the final
    /// state.
    ///
    /// # Errors
    /// [`AccessError`] if there is none, it is another user's, or the backend cannot tell.
    pub async fn watch(
        &self,
        user: &UserId,
        id: ExecutionId,
        since: Option<Sequence>,
    ) -> Result<WatchStream, AccessError> {
        let execution = self.read(user, id).await?;
        let after = since.unwrap_or(execution.sequence());
        let events = self.ports.notifier.subscribe(id, after).await?;
        Ok(watch::stream(execution, since, events))
    }

    /// Stops an execution of the user. Idempotent.
    ///
    /// # Errors
    /// [`AccessError`] if there is none, it is another user's, or the store cannot tell.
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
