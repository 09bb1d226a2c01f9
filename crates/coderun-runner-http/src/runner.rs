//! Implements the port `CodeRunner` on a third-party execution API.

mod admission;
mod call;
mod circuit_breaker;
mod refresher;
mod report;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use backon::{ExponentialBuilder, Retryable as _};
use coderun_domain::{
    CodeRunner, ErrorChain, InputWanted, LanguageSpec, LimitPolicy, Limits, Report, RunInput,
    RunIo, RunRequest, RunnerError, RunnerProfile, Submission, Verdict,
};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use admission::Admission;
use call::Calls;
use circuit_breaker::CircuitBreaker;
use refresher::Refresher;
use report::Reporter;

use crate::api::{Program, RunResult, ThirdPartyApi};
use crate::catalog::RuntimeCatalog;
use crate::client::{Client, PreventOnDrop, SendState};
use crate::config::{ConfigError, HttpRunnerConfig};
use crate::error::ApiError;
use crate::piston::{Piston, PistonConfig};

/// The value of `enforcement.cancel` for a program that was cancelled and may still run.
const ABANDONED: &str = "abandoned";

/// How long the start waits for the first list of runtimes.
const FIRST_REFRESH_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs programs on a third-party API.
///
/// - A program that the API may have received is never sent again. An API that is overloaded, or to which no connection can
///   be made, is asked again within `start_timeout`, with exponential backoff and jitter.
/// - At most `concurrency` programs are on the API at a time. A program that was cancelled or dropped keeps its permit until
///   the API has answered or the program must have ended by its limits. One whose connection broke keeps it for 30 s at most,
///   and others run in place of as many of these as `concurrency`, but never more than 64 programs in all. Users whose cancelled
///   programs still run leave a quarter of the permits to others.
/// - After several failures in a row the circuit breaker opens for 30 s at most, during which [`CodeRunner::check`] returns
///   `Overloaded`. A single answer delays no other program.
/// - Output arrives when the program has ended. A program cannot be stopped and gets the submission's own input alone.
/// - The trace of a submission is sent along, in the header `traceparent`.
#[derive(Debug)]
pub struct HttpRunner {
    api: Arc<dyn ThirdPartyApi>,
    config: HttpRunnerConfig,
    admission: Arc<Admission>,
    breaker: CircuitBreaker,
    calls: Calls,
    refresher: Arc<Refresher>,
    _refresh_task: JoinSet<()>,
}

impl HttpRunner {
    /// Starts a runner on a Piston server.
    ///
    /// Succeeds even if the API cannot be reached, so that a service can start and report it in its readiness: see
    /// [`CodeRunner::check`].
    ///
    /// # Errors
    /// [`ConfigError`] names the first setting that cannot work.
    pub async fn piston(
        config: HttpRunnerConfig,
        piston: PistonConfig,
    ) -> Result<Self, ConfigError> {
        Self::start(config, Arc::new(Piston::new(piston)?)).await
    }

    async fn start(
        config: HttpRunnerConfig,
        api: Arc<dyn ThirdPartyApi>,
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let client = Arc::new(Client::new(&config)?);
        let catalog = RuntimeCatalog::new(config.languages.clone(), config.refresh_interval);
        let refresher = Arc::new(Refresher::new(
            Arc::clone(&api),
            Arc::clone(&client),
            catalog,
            config.refresh_interval,
        ));
        // On timeout the catalog stays empty until the refresher succeeds.
        drop(timeout(FIRST_REFRESH_TIMEOUT, refresher.check()).await);
        let mut refresh_task = JoinSet::new();
        refresh_task.spawn(Arc::clone(&refresher).run());
        Ok(Self {
            admission: Admission::new(config.concurrency, config.spare_permits()),
            breaker: CircuitBreaker::default(),
            calls: Calls::new(Arc::clone(&api), client),
            api,
            config,
            refresher,
            _refresh_task: refresh_task,
        })
    }

    fn program(&self, submission: Arc<Submission>) -> Result<Program, RunnerError> {
        let language = submission.language();
        let catalog = self.refresher.catalog();
        let entry = catalog.find(language, submission.version());
        let (runtime, entry_file) =
            entry.map_err(|error| error.into_runner_error(self.api.name(), Some(language)))?;
        let requested = *submission.limits();
        let limits = self.maximum_limits().map_or(requested, |maximum| {
            *LimitPolicy::new(requested, maximum).default_limits()
        });
        Ok(Program {
            submission,
            runtime,
            entry_file,
            limits,
        })
    }

    /// An upper bound on the program's time on the API, from sending. Interpreted languages spend none on compiling.
    fn call_timeout(&self, program: &Program) -> Duration {
        let limits = &program.limits;
        let language = program.submission.language();
        let run_time = if self.refresher.catalog().is_interpreted(language) {
            limits.run.wall_time()
        } else {
            limits.total_wall_time()
        };
        run_time + self.config.connect_timeout + self.config.answer_grace
    }

    /// Submits the program, with retries, and waits for its result.
    async fn execute(
        &self,
        program: &Arc<Program>,
        state: &SendState,
    ) -> Result<RunResult, ApiError> {
        let deadline = Instant::now() + self.config.start_timeout;
        let attempt = || async {
            let user = program.submission.user();
            let permit = self.admission.acquire(user, deadline).await?;
            let timeout = self.call_timeout(program);
            self.calls.run(program, state, permit, timeout).await
        };
        let backoff = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .without_max_times()
            .with_jitter();
        attempt
            .retry(backoff)
            .when(ApiError::is_retryable)
            .adjust(|error, pause| {
                let pause = pause? + error.retry_after().unwrap_or_default();
                (Instant::now() + pause < deadline).then_some(pause)
            })
            .notify(|error, pause| {
                tracing::debug!(%error, pause_ms = pause.as_millis(), "submission to the API will be retried");
            })
            .await
    }

    /// Updates the circuit breaker and the catalog's freshness.
    fn record_result(&self, result: &Result<RunResult, ApiError>) {
        let Err(error) = result else {
            return self.breaker.record_success();
        };
        tracing::debug!(error = %ErrorChain(error), "the call to the execution API failed");
        self.breaker.record_failure(error);
        if *error == ApiError::UnknownRuntime {
            self.refresher.request_refresh();
        } else {
            self.refresher.mark_stale();
        }
    }

    /// Turns an unreadable or oversized answer into a result, because another attempt would get the same answer.
    fn classify(
        &self,
        program: &Program,
        result: Result<RunResult, ApiError>,
    ) -> Result<RunResult, RunnerError> {
        match result {
            Err(ApiError::TooLarge { max }) => Ok(report::oversized(max)),
            Err(error @ (ApiError::Malformed { .. } | ApiError::Contradiction(_))) => {
                tracing::warn!(error = %ErrorChain(&error), "invalid answer from the execution API");
                Ok(report::unreadable())
            }
            result => result.map_err(|error| {
                error.into_runner_error(self.api.name(), Some(program.submission.language()))
            }),
        }
    }
}

/// Waits for the cancellation. Other input stays with the caller. Cancel-safe.
async fn wait_for_cancel(io: &mut (dyn RunIo + '_)) {
    while io.input(InputWanted::Cancel).await != RunInput::Cancel {}
}

#[async_trait]
impl CodeRunner for HttpRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: self.api.name().to_owned(),
            enforcement: self.api.enforcement(),
            interactive: false,
            ignores_buffering: true,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        self.refresher.catalog().languages()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        self.api.maximum_limits()
    }

    /// Fails with `Overloaded` while the circuit breaker is open or all permits are lost ones; otherwise asks the API for its
    /// runtimes, unless it did so a moment ago and no run has failed since.
    async fn check(&self) -> Result<(), RunnerError> {
        if let Some(wait) = self.breaker.open_for() {
            return Err(RunnerError::Overloaded {
                retry_after: Some(wait),
            });
        }
        if self.admission.is_blocked() {
            return Err(RunnerError::Overloaded { retry_after: None });
        }
        let checked = self.refresher.check().await;
        checked.map_err(|error| error.into_runner_error(self.api.name(), None))
    }

    /// If dropped, it sends nothing more; a program that was sent keeps running within its limits.
    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        let program = Arc::new(self.program(request.submission)?);
        let mut reporter = Reporter {
            runner: self.api.name(),
            enforcement: self.api.enforcement(),
            program: &program,
        };
        let state = SendState::default();
        let _unsent = PreventOnDrop(state.clone());
        let result = tokio::select! {
            biased;
            () = wait_for_cancel(io) => None,
            result = Box::pin(self.execute(&program, &state)) => Some(result),
        };
        let result = if let Some(result) = result {
            self.record_result(&result);
            self.classify(&program, result)?
        } else {
            reporter.enforcement.cancel = (!state.prevent()).then(|| ABANDONED.to_owned());
            RunResult::without_run(Verdict::Cancelled, None)
        };
        Ok(reporter.report(result, io).await)
    }
}

#[cfg(test)]
mod tests;
