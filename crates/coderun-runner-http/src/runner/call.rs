//! Runs one program on an API, and keeps its permit for as long as the program may run.
//!
//! An API that cannot be told to stop runs what it has received. So a call whose run is cancelled or dropped goes on in a task of
//! its own, until the API has answered or the program must have ended by its limits.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::admission::Permit;
use crate::api::{Program, RunResult, ThirdPartyApi};
use crate::client::{Call, Client, SendState};
use crate::error::ApiError;

/// The longest that a program keeps its permit after its answer was lost. It may have ended, and others wait.
const LOST_MAX: Duration = Duration::from_secs(30);

/// Starts calls, and owns the tasks of those that nobody waits for, which end when it is dropped.
#[derive(Debug)]
pub(super) struct Calls {
    api: Arc<dyn ThirdPartyApi>,
    client: Arc<Client>,
    tasks: Mutex<JoinSet<()>>,
}

type Executing = Pin<Box<dyn Future<Output = Result<RunResult, ApiError>> + Send>>;

/// A program that the API runs or is about to run, with its permit.
struct RunningCall {
    executing: Executing,
    /// When the program has certainly ended.
    end: Instant,
    permit: Permit,
}

/// A call that a run waits for. If that is dropped first, the call goes on in a task.
struct AwaitedCall<'a> {
    calls: &'a Calls,
    /// `None` once there is a result.
    call: Option<RunningCall>,
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
        let (api, program) = (Arc::clone(&self.api), Arc::clone(program));
        let call = Call {
            client: Arc::clone(&self.client),
            state: state.clone(),
            trace: program.submission.trace().copied(),
        };
        let awaited = AwaitedCall {
            calls: self,
            call: Some(RunningCall {
                executing: Box::pin(async move { api.execute(program, &call).await }),
                end: Instant::now() + timeout,
                permit,
            }),
        };
        let result = awaited.result().await;
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

impl AwaitedCall<'_> {
    async fn result(mut self) -> Result<RunResult, ApiError> {
        let Some(call) = &mut self.call else {
            return Err(ApiError::NoAnswer);
        };
        let result = call.result().await;
        if let Some(call) = self.call.take()
            && may_run(&result)
        {
            self.calls.spawn(call.hold_permit());
        }
        result
    }
}

impl Drop for AwaitedCall<'_> {
    fn drop(&mut self) {
        // Without a runtime the process ends.
        if let Some(mut call) = self.call.take()
            && Handle::try_current().is_ok()
        {
            call.permit.abandon();
            self.calls.spawn(call.finish());
        }
    }
}

impl RunningCall {
    async fn result(&mut self) -> Result<RunResult, ApiError> {
        let answered = timeout_at(self.end, &mut self.executing).await;
        answered.unwrap_or(Err(ApiError::NoAnswer))
    }

    /// Keeps the permit until the program has ended.
    async fn finish(mut self) {
        let result = self.result().await;
        if may_run(&result) {
            self.hold_permit().await;
        }
    }

    /// Keeps the permit of a program whose answer was lost, until it has certainly ended or for [`LOST_MAX`].
    async fn hold_permit(mut self) {
        self.permit.lose();
        sleep_until(self.end.min(Instant::now() + LOST_MAX)).await;
    }
}

/// Whether the program may still run.
fn may_run(result: &Result<RunResult, ApiError>) -> bool {
    matches!(result, Err(error) if error.leaves_program_running())
}
