//! Where a watcher's story begins.

use coderun_app::{AccessError, WatchStream};
use coderun_domain::{Execution, ExecutionId, Sequence, UserId};

use crate::state::AppState;

/// The story of one execution, from where its watcher wants it.
pub(crate) struct Subscription {
    pub(crate) events: WatchStream,
    /// How the execution stood before.
    pub(crate) execution: Execution,
    /// Whether the watcher wanted what comes after a number that is yet to come. It gets a snapshot instead.
    pub(crate) since_is_to_come: bool,
}

impl Subscription {
    /// Whether the watcher has seen all of it.
    pub(crate) fn is_over(&self, since: Option<Sequence>) -> bool {
        self.execution.status().is_final() && since == Some(self.execution.sequence())
    }
}

/// Watches an execution of the user from `since` on.
///
/// # Errors
/// [`AccessError`] if there is none, it is another user's, or the backend cannot tell.
pub(crate) async fn subscribe(
    state: &AppState,
    user: &UserId,
    id: ExecutionId,
    since: Option<Sequence>,
) -> Result<Subscription, AccessError> {
    let executions = &state.ports.executions;
    let execution = executions.read(user, id).await?;
    let since_is_to_come = since.is_some_and(|since| since > execution.sequence());
    let since = since.filter(|_| !since_is_to_come);
    let events = executions.watch(user, id, since).await?;
    Ok(Subscription {
        events,
        execution,
        since_is_to_come,
    })
}
