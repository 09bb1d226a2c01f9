//! Implements the port `CodeRunner` on any third-party API.

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
use crate::client::{Client, PreventOnDrop, SendState};
use crate::config::{ConfigError, HttpRunnerConfig};
use crate::error::ApiError;
use crate::piston::{Piston, PistonConfig};

/// What `enforcement.cancel` says of a program that was cancelled and may still run.
const ABANDONED: &str = "abandoned";

/// How long the start waits for the first list of runtimes.
const FIRST_REFRESH_TIMEOUT: Duration = Duration::from_secs(3);

/// Runs programs on a third-party API.
///
/// - A program that the API may have received is never sent again. An API that is overloaded, or to which no connection can
///   be made, is asked again within `start_timeout`, with exponential backoff and jitter.
/// - At most `concurrency` programs are on the API at a time. A program that was cancelled or dropped keeps its permit until
///   the API has answered or the program must have ended by its limits. One whose answer was lost keeps it for 30 s at most,
///   and others run in place of as many of these as `concurrency`, but never more than 64 programs in all.
/// - No answer delays other programs: after several failures in a row [`CodeRunner::check`] says for 30 s at most that the
///   API should be left alone.
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
    _refreshing: JoinSet<()>,
}

impl HttpRunner {
    /// Starts a runner on a Piston server.
    ///
    /// Succeeds even if the API cannot be reached, so that a service can start and say so: see [`CodeRunner::check`].
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
        let refresher = Arc::new(Refresher::new(
            Arc::clone(&api),
            Arc::clone(&client),
            config.refresh_interval,
        ));
        // Without an answer the languages follow later.
        drop(timeout(FIRST_REFRESH_TIMEOUT, refresher.check()).await);
        let mut refreshing = JoinSet::new();
        refreshing.spawn(Arc::clone(&refresher).run());
        Ok(Self {
            admission: Admission::new(config.concurrency, config.spare_permits()),
            breaker: CircuitBreaker::default(),
            calls: Calls::new(Arc::clone(&api), client),
            api,
            config,
            refresher,
            _refreshing: refreshing,
        })
    }

    fn program(&self, submission: Arc<Submission>) -> Result<Program, RunnerError> {
        let language = submission.language();
        let catalog = self.refresher.catalog();
        let found = catalog.find(language, submission.version());
        let (runtime, entry_file) =
            found.map_err(|error| error.into_runner_error(self.api.name(), Some(language)))?;
        let asked = *submission.limits();
        let limits = self.maximum_limits().map_or(asked, |maximum| {
            *LimitPolicy::new(asked, maximum).default_limits()
        });
        Ok(Program {
            submission,
            runtime,
            entry_file,
            limits,
        })
    }

    /// How long after it was sent the program has certainly ended, by its limits.
    fn call_timeout(&self, program: &Program) -> Duration {
        let limits = &program.limits;
        let language = program.submission.language();
        let running = if self.refresher.catalog().is_interpreted(language) {
            limits.run.wall_time()
        } else {
            limits.total_wall_time()
        };
        running + self.config.connect_timeout + self.config.answer_grace
    }

    /// Gets the program onto the API and waits for its result.
    async fn execute(
        &self,
        program: &Arc<Program>,
        state: &SendState,
    ) -> Result<RunResult, ApiError> {
        let deadline = Instant::now() + self.config.start_timeout;
        let attempt = || async {
            let permit = self.admission.acquire(deadline).await?;
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
                tracing::debug!(%error, pause_ms = pause.as_millis(), "the API did not take the program");
            })
            .await
    }

    /// Takes note of what a result tells about the API.
    fn observe(&self, result: &Result<RunResult, ApiError>) {
        let Err(error) = result else {
            return self.breaker.record_success();
        };
        tracing::debug!(error = %ErrorChain(error), "the run failed");
        self.breaker.record_failure(error);
        if *error == ApiError::UnknownRuntime {
            self.refresher.request();
        } else {
            self.refresher.mark_stale();
        }
    }

    /// An answer that cannot be read, or is too large, is a result: another attempt would get the same one.
    fn classify(
        &self,
        program: &Program,
        result: Result<RunResult, ApiError>,
    ) -> Result<RunResult, RunnerError> {
        match result {
            Err(ApiError::TooLarge { max }) => Ok(report::oversized(max)),
            Err(error @ (ApiError::Malformed { .. } | ApiError::Contradiction(_))) => {
                tracing::warn!(error = %ErrorChain(&error), "the answer of the execution API cannot be read");
                Ok(report::unreadable())
            }
            result => result.map_err(|error| {
                error.into_runner_error(self.api.name(), Some(program.submission.language()))
            }),
        }
    }
}

/// Waits for the cancellation. Other input stays with the caller. Cancel-safe.
async fn cancelled(io: &mut (dyn RunIo + '_)) {
    while io.input(InputWanted::Cancel).await != RunInput::Cancel {}
}

#[async_trait]
impl CodeRunner for HttpRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: self.api.name().to_owned(),
            enforcement: self.api.enforcement(),
            interactive: false,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        self.refresher.catalog().languages()
    }

    fn maximum_limits(&self) -> Option<Limits> {
        self.api.maximum_limits()
    }

    /// Asks the API for its runtimes, unless it was asked a moment ago and no run has failed since, or new programs should
    /// stay away.
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

    /// If this is dropped, nothing more is sent, and what was sent goes on within its limits.
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
            () = cancelled(io) => None,
            result = Box::pin(self.execute(&program, &state)) => Some(result),
        };
        let result = if let Some(result) = result {
            self.observe(&result);
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
