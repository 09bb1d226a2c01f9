//! Runs one program on an API, in a task that outlives the run that waits for it.
//!
//! An API that cannot be told to stop runs what it has received. So the task keeps the permit until the API has answered
//! or the program must have ended by its limits, even if the run is cancelled or dropped.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::admission::Permit;
use crate::api::{Program, RunResult, ThirdPartyApi};
use crate::client::{Call, Client, ClientError, SendState};
use crate::error::ApiError;

const NO_ANSWER: ApiError = ApiError::Client(ClientError::NoAnswer);

/// Starts calls and owns their tasks, which end when it is dropped.
#[derive(Debug)]
pub(super) struct Calls {
    api: Arc<dyn ThirdPartyApi>,
    client: Arc<Client>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A call that runs. Dropping it prevents what was not sent yet.
#[derive(Debug)]
pub(super) struct RunningCall {
    result: oneshot::Receiver<Result<RunResult, ApiError>>,
    state: SendState,
    is_answered: bool,
}

impl Calls {
    pub(super) fn new(api: Arc<dyn ThirdPartyApi>, client: Arc<Client>) -> Self {
        Self {
            api,
            client,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        }
    }

    /// Starts to run a program, which must have ended after this time.
    pub(super) fn start(
        &self,
        program: &Arc<Program>,
        state: &SendState,
        permit: Permit,
        timeout: Duration,
    ) -> RunningCall {
        let (sender, result) = oneshot::channel();
        let (api, program) = (Arc::clone(&self.api), Arc::clone(program));
        let call = Call {
            client: Arc::clone(&self.client),
            state: state.clone(),
            trace: program.submission.trace().copied(),
        };
        let executing = async move { api.execute(program, &call).await };
        let running = hold_permit(executing, Instant::now() + timeout, sender, permit);
        let running = self.stop.clone().run_until_cancelled_owned(running);
        self.tasks.spawn(running);
        RunningCall {
            result,
            state: state.clone(),
            is_answered: false,
        }
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Keeps the permit until the program has certainly ended, at `end` at the latest.
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
            permit.orphan();
            executing.await
        }
    };
    let result = result.unwrap_or(Err(NO_ANSWER));
    let may_run = matches!(&result, Err(error) if error.leaves_program_running());
    // The run may be gone by now.
    drop(sender.send(result));
    if may_run {
        permit.orphan();
        sleep_until(end).await;
    }
}

impl RunningCall {
    /// Waits for the result.
    pub(super) async fn result(mut self) -> Result<RunResult, ApiError> {
        // Without a result the runner itself was dropped.
        let result = (&mut self.result).await;
        let result = result.unwrap_or(Err(NO_ANSWER));
        self.is_answered = true;
        if matches!(result, Err(ApiError::Overloaded { .. })) {
            self.state.reset();
        }
        result
    }
}

impl Drop for RunningCall {
    fn drop(&mut self) {
        if !self.is_answered {
            self.state.prevent();
        }
    }
}
