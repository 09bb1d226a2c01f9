//! Runs one execution under its lease and records how it ended.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coderun_domain::{
    CodeRunner, EndedWithoutRun, ErrorChain, Execution, HintSource, InputError, InputPiece, Lease,
    Outcome, QueueError, Report, RunnerError, TraceContext, Verdict,
};
use futures_util::future::OptionFuture;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::held_lease::HeldLease;
use super::input;
use super::output_recorder::OutputRecorder;
use super::run_io::RecordingIo;
use super::run_permit::RunPermit;
use super::runner_failure::{self, Reaction};
use super::runner_health::RunnerHealth;
use super::settings::{WorkerPorts, WorkerSettings};
use crate::metrics;

/// The time in which an aborted worker still records or releases its executions.
const FINAL_GRACE: Duration = Duration::from_secs(3);

const TIMED_OUT: &str = "The run took longer than its limits allow and was given up";
const ABANDONED: &str =
    "The program waited for input while nobody watched it for a long time, and was stopped";
const INPUT_FORGOTTEN: &str = "A worker was lost, and what was typed is too much to be repeated";

/// The longest that a worker keeps an execution that it cannot run before it releases it.
const HOLD_MAX: Duration = Duration::from_secs(10);

/// One run of one execution.
#[derive(Debug)]
pub(super) struct Run {
    runner: Arc<dyn CodeRunner>,
    hints: Arc<dyn HintSource>,
    settings: Arc<WorkerSettings>,
    health: Arc<RunnerHealth>,
    lease: HeldLease,
    abort: CancellationToken,
    /// Cancelled when the owner wants the execution stopped.
    cancelled: CancellationToken,
    recorder: Arc<OutputRecorder>,
    /// Set when the run is stopped because nobody watches it.
    is_abandoned: AtomicBool,
}

/// Why a program no longer runs.
enum RunEnd {
    /// The program ended, or was refused.
    Reported(Box<Report>),
    /// The runner failed, not the program.
    RunnerFailed(RunnerError),
    /// The service cannot go on with the run, for this reason.
    GivenUp(&'static str),
    LeaseLost,
    /// The worker has to stop at once.
    Aborted,
}

/// Says why the end of a run was not recorded.
#[derive(Debug, thiserror::Error)]
enum RecordError {
    #[error("the queue was unavailable for too long")]
    Timeout,
    #[error(transparent)]
    Queue(QueueError),
}

impl Run {
    pub(super) fn new(
        ports: WorkerPorts,
        settings: Arc<WorkerSettings>,
        health: Arc<RunnerHealth>,
        lease: Lease,
        abort: CancellationToken,
    ) -> Self {
        let recorder = Arc::new(OutputRecorder::new(lease.execution()));
        Self {
            runner: Arc::clone(&ports.runner),
            hints: Arc::clone(&ports.hints),
            lease: HeldLease::new(ports, lease, settings.policy.lease),
            settings,
            health,
            abort,
            cancelled: CancellationToken::new(),
            recorder,
            is_abandoned: AtomicBool::new(false),
        }
    }

    /// Runs the program and records how it ended.
    pub(super) async fn run_to_completion(&self, permit: &RunPermit) {
        let execution = self.lease.execution();
        let trace = execution.submission().trace();
        let span = tracing::info_span!(
            "run",
            execution_id = %execution.id(),
            attempt = execution.attempt().count(),
            language = %execution.submission().language(),
            trace_id = trace.map(TraceContext::trace_id),
            traceparent = trace.map(tracing::field::display),
        );
        self.run_and_record(permit).instrument(span).await;
    }

    async fn run_and_record(&self, permit: &RunPermit) {
        let end = self.run(permit).await;
        let recorded = tokio::select! {
            result = self.record(end) => result.map_err(RecordError::Queue),
            () = self.recording_deadline() => Err(RecordError::Timeout),
        };
        if let Err(error) = recorded {
            tracing::warn!(error = %ErrorChain(&error), "the run was not recorded");
        }
    }

    /// Recording may take as long as a run, because a result is expensive to get again. After that the lease runs out and
    /// another worker takes over.
    async fn recording_deadline(&self) {
        let final_grace = async {
            self.abort.cancelled().await;
            tokio::time::sleep(FINAL_GRACE).await;
        };
        tokio::select! {
            () = tokio::time::sleep(self.time_limit()) => {}
            () = final_grace => {}
        }
    }

    fn time_limit(&self) -> Duration {
        let limits = self.execution().submission().limits();
        limits.total_wall_time() + self.settings.policy.run_grace
    }

    fn execution(&self) -> &Execution {
        self.lease.execution()
    }

    /// Runs the program. Whatever ends this first, the program is gone afterwards: its future is finished or dropped.
    async fn run(&self, permit: &RunPermit) -> RunEnd {
        let is_interactive = self.execution().submission().is_interactive();
        let (stdin, input) = is_interactive.then(|| mpsc::channel(1)).unzip();
        // Boxed, because most runs have no such future.
        let serving_input = stdin.map(|stdin| Box::pin(self.serve_input(stdin, permit)));
        let io = RecordingIo::new(
            Arc::clone(&self.recorder),
            input,
            self.cancelled.clone(),
            permit,
        );
        tokio::select! {
            end = self.run_program(io) => end,
            () = self.lease.renew_until_lost(&self.cancelled) => RunEnd::LeaseLost,
            error = self.recorder.append_continuously(&self.lease) => append_failed(&error),
            Some(error) = OptionFuture::from(serving_input) => input_failed(&error),
            () = tokio::time::sleep(self.time_limit()) => RunEnd::GivenUp(TIMED_OUT),
            () = self.abort.cancelled() => RunEnd::Aborted,
        }
    }

    /// Forwards input to an interactive program and gets its permit back for that. The answer is why the program cannot get
    /// its input.
    async fn serve_input(&self, stdin: mpsc::Sender<InputPiece>, permit: &RunPermit) -> InputError {
        tokio::select! {
            error = input::forward(&self.lease, stdin, permit) => error,
            never = permit.serve() => match never {},
            never = self.cancel_when_abandoned(permit) => match never {},
        }
    }

    /// Stops the program as its owner could, once it waits for a person and nobody has watched for too long.
    async fn cancel_when_abandoned(&self, permit: &RunPermit) -> Infallible {
        let idle = self.settings.parking.idle;
        let mut watched_at = Instant::now();
        loop {
            tokio::time::sleep_until(watched_at + idle).await;
            permit.waiting().await;
            let now = Instant::now();
            match self.lease.unwatched_for().await {
                Ok(Some(passed)) if passed < idle => {
                    watched_at = now.checked_sub(passed).unwrap_or(now);
                }
                Ok(_) => break,
                Err(error) => {
                    tracing::debug!(error = %ErrorChain(&error), "cannot read whether the run is watched");
                    // Those who watch could not note it either.
                    watched_at = now;
                }
            }
        }
        self.is_abandoned.store(true, Ordering::Relaxed);
        self.cancelled.cancel();
        std::future::pending().await
    }

    async fn run_program(&self, mut io: RecordingIo<'_>) -> RunEnd {
        let (runner, execution) = (&self.runner, self.execution());
        let started = Instant::now();
        let result = runner.run(execution.into(), &mut io).await;
        metrics::record_run(execution, runner.profile().name, &result, started.elapsed());
        match result {
            Ok(report) => RunEnd::Reported(Box::new(report)),
            Err(error) => RunEnd::RunnerFailed(error),
        }
    }

    async fn record(&self, end: RunEnd) -> Result<(), QueueError> {
        match end {
            RunEnd::Reported(report)
                if report.verdict == Verdict::Cancelled
                    && self.is_abandoned.load(Ordering::Relaxed) =>
            {
                Box::pin(self.finish_without_report(EndedWithoutRun::Cancelled, ABANDONED)).await
            }
            RunEnd::Reported(report) => {
                let (output, error_output) = self.recorder.output();
                let submission = self.execution().submission();
                let expected = submission.expected_output();
                let outcome = Outcome::of_run(*report, output, error_output, expected)
                    .with_hint(|outcome| self.hints.hint(submission, outcome));
                self.finish(&outcome).await
            }
            // Boxed, because it is rare and would take memory of every run.
            RunEnd::RunnerFailed(error) => Box::pin(self.handle_runner_failure(&error)).await,
            RunEnd::GivenUp(reason) => {
                Box::pin(self.finish_without_report(EndedWithoutRun::Failed, reason)).await
            }
            RunEnd::LeaseLost => Err(QueueError::LeaseLost),
            RunEnd::Aborted => self.release().await,
        }
    }

    /// Releases the execution for another attempt after a while; ends it if no attempt is left or none can succeed.
    async fn handle_runner_failure(&self, error: &RunnerError) -> Result<(), QueueError> {
        tracing::warn!(error = %ErrorChain(error), "the runner failed");
        if error.is_transient() {
            self.health.mark_failed();
        }
        let id = self.execution().id();
        if matches!(error, RunnerError::Overloaded { .. }) {
            self.health.mark_overloaded(id);
        }
        let overloaded = self.health.overloaded_attempts(id);
        match runner_failure::reaction(error, self.execution(), overloaded, &self.settings) {
            Reaction::Finish { end, reason } => self.finish_without_report(end, &reason).await,
            Reaction::Retry { after } => {
                self.hold(after.min(HOLD_MAX)).await?;
                self.release().await
            }
        }
    }

    /// Holds the lease for a while, so that no worker tries again too soon.
    async fn hold(&self, wait: Duration) -> Result<(), QueueError> {
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = self.abort.cancelled() => Ok(()),
            // A release ends an execution that its owner has cancelled.
            () = self.cancelled.cancelled() => Ok(()),
            () = self.lease.renew_until_lost(&self.cancelled) => Err(QueueError::LeaseLost),
        }
    }

    /// Ends the execution with what the program wrote so far and one sentence for its owner.
    async fn finish_without_report(
        &self,
        end: EndedWithoutRun,
        reason: &str,
    ) -> Result<(), QueueError> {
        let (output, error_output) = self.recorder.output();
        let outcome = Outcome::without_run(end, reason).with_output(output, error_output);
        self.finish(&outcome).await
    }

    async fn finish(&self, outcome: &Outcome) -> Result<(), QueueError> {
        let recording = async {
            let (after, events) = self.recorder.unconfirmed();
            self.lease.finish(after, &events, outcome).await?;
            metrics::record_finished(self.execution(), outcome);
            tracing::info!(verdict = %outcome.verdict(), "run finished");
            Ok(())
        };
        // The owner's wish to cancel comes too late to change the outcome.
        tokio::select! {
            // Most are recorded at once, and need no renewal.
            biased;
            result = recording => result,
            () = self.lease.renew_until_lost(&self.cancelled) => Err(QueueError::LeaseLost),
        }
    }

    async fn release(&self) -> Result<(), QueueError> {
        tracing::info!("releasing the execution for another worker");
        self.lease.release().await
    }
}

fn append_failed(error: &QueueError) -> RunEnd {
    tracing::debug!(error = %ErrorChain(error), "the queue refused output");
    RunEnd::LeaseLost
}

const fn input_failed(error: &InputError) -> RunEnd {
    match error {
        InputError::Forgotten => RunEnd::GivenUp(INPUT_FORGOTTEN),
        InputError::LeaseLost | InputError::Unavailable { .. } => RunEnd::LeaseLost,
    }
}
