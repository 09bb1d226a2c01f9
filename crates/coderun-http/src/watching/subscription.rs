//! Subscribes a watcher to the events of an execution.

use coderun_app::{AccessError, WatchStream};
use coderun_domain::{Execution, ExecutionId, Sequence, UserId};

use crate::state::AppState;

/// The events of one execution from where the watcher asked for them.
pub(crate) struct Subscription {
    pub(crate) events: WatchStream,
    /// The execution before these events.
    pub(crate) execution: Execution,
    /// Whether `since` was higher than the last event's number. The watcher then gets a snapshot.
    pub(crate) since_is_ahead: bool,
}

impl Subscription {
    /// Whether the execution is final and the watcher has seen its last event.
    pub(crate) fn is_complete(&self, since: Option<Sequence>) -> bool {
        self.execution.status().is_final() && since == Some(self.execution.sequence())
    }
}

/// Subscribes to an execution of the user after the event `since`.
///
/// # Errors
/// [`AccessError`] if the execution does not exist, belongs to another user, or cannot be read.
pub(crate) async fn subscribe(
    state: &AppState,
    user: &UserId,
    id: ExecutionId,
    since: Option<Sequence>,
) -> Result<Subscription, AccessError> {
    let executions = &state.ports.executions;
    let execution = executions.read(user, id).await?;
    let since_is_ahead = since.is_some_and(|since| since > execution.sequence());
    let since = since.filter(|_| !since_is_ahead);
    let events = executions.watch(user, id, since).await?;
    Ok(Subscription {
        events,
        execution,
        since_is_ahead,
    })
}
