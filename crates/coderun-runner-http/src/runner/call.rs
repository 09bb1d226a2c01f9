//! Runs one program on an API, in a task that outlives the run that waits for it.
//!
//! An API that cannot be told to stop runs what it has received. So the task keeps the permit until the API has answered
//! or the program must have ended by its limits, even if the run is cancelled or dropped.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::admission::Permit;
use crate::api::{Program, RunResult, ThirdPartyApi};
use crate::client::{Call, Client, SendState};
use crate::error::ApiError;

/// The longest that a program keeps its permit after its answer was lost. It may have ended, and others wait.
const LOST_MAX: Duration = Duration::from_secs(30);

/// Starts calls and owns their tasks, which end when it is dropped.
#[derive(Debug)]
pub(super) struct Calls {
    api: Arc<dyn ThirdPartyApi>,
    client: Arc<Client>,
    tasks: Mutex<JoinSet<()>>,
}

impl Calls {
    pub(super) fn new(api: Arc<dyn ThirdPartyApi>, client: Arc<Client>) -> Self {
        Self {
            api,
            client,
            tasks: Mutex::default(),
        }
    }

    /// Runs a program, which must have ended after this time.
    pub(super) async fn run(
        &self,
        program: &Arc<Program>,
        state: &SendState,
        permit: Permit,
        timeout: Duration,
    ) -> Result<RunResult, ApiError> {
        let (sender, result) = oneshot::channel();
        let (api, program) = (Arc::clone(&self.api), Arc::clone(program));
        let call = Call {
            client: Arc::clone(&self.client),
            state: state.clone(),
            trace: program.submission.trace().copied(),
        };
        let executing = async move { api.execute(program, &call).await };
        self.spawn(hold_permit(
            executing,
            Instant::now() + timeout,
            sender,
            permit,
        ));
        // Without a result the runner itself was dropped.
        let result = result.await.unwrap_or(Err(ApiError::NoAnswer));
        if matches!(result, Err(ApiError::Overloaded { .. })) {
            state.reset();
        }
        result
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock();
        // Tasks that have ended are kept until they are joined.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// Keeps the permit until the program has certainly ended, at `end` at the latest, or its answer was lost long ago.
async fn hold_permit(
    executing: impl Future<Output = Result<RunResult, ApiError>> + Send,
    end: Instant,
    mut sender: oneshot::Sender<Result<RunResult, ApiError>>,
    mut permit: Permit,
) {
    let mut executing = pin!(timeout_at(end, executing));
    let result = tokio::select! {
        result = &mut executing => result,
        () = sender.closed() => {
            permit.abandon();
            executing.await
        }
    };
    let result = result.unwrap_or(Err(ApiError::NoAnswer));
    let may_run = matches!(&result, Err(error) if error.leaves_program_running());
    // The run may be gone by now.
    drop(sender.send(result));
    if may_run {
        permit.lose();
        sleep_until(end.min(Instant::now() + LOST_MAX)).await;
    }
}
