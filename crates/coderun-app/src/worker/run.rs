//! One run of one execution, from its lease to its end.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    EndedWithoutRun, ErrorChain, InputError, InputPiece, Lease, Outcome, QueueError, Report,
    RunRequest, RunnerError, TraceContext,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::doubt::Doubt;
use super::recorder::Recorder;
use super::run_io::{RecordingIo, Stdin, Stop};
use super::{WorkerPorts, WorkerSettings, feeder, keeper};

/// The longest that a worker keeps an execution that it cannot run before it gives it back.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(10);
/// The longest that a worker which is to stop at once still tries to record or to hand over.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// One run of one execution.
#[derive(Debug)]
pub(super) struct Run<'a> {
    ports: &'a WorkerPorts,
    settings: &'a WorkerSettings,
    doubt: &'a Doubt,
    lease: &'a Lease,
}

/// Why a program does not run any more.
enum End {
    /// It has ended, or the runner has.
    Ran(Result<Box<Report>, RunnerError>),
    /// It took longer than its limits and the grace allow.
    TooLong,
    /// What was typed for an earlier attempt is not there any more.
    InputForgotten,
    /// The execution is another's now.
    LeaseLost,
    /// The worker is to stop at once.
    Aborted,
}

impl<'a> Run<'a> {
    pub(super) const fn new(
        ports: &'a WorkerPorts,
        settings: &'a WorkerSettings,
        doubt: &'a Doubt,
        lease: &'a Lease,
    ) -> Self {
        Self {
            ports,
            settings,
            doubt,
            lease,
        }
    }

    /// Runs the program and records how it ended.
    pub(super) async fn to_its_end(&self, abort: &CancellationToken) {
        let submission = self.lease.execution().submission();
        let trace = submission.trace();
        let span = tracing::info_span!(
            "run",
            execution_id = %self.lease.id(),
            attempt = self.lease.attempt().count(),
            language = %submission.language(),
            trace_id = trace.map(TraceContext::trace_id),
            traceparent = trace.map(tracing::field::display),
        );
        self.run_and_record(abort).instrument(span).await;
    }

    async fn run_and_record(&self, abort: &CancellationToken) {
        let recorder = Recorder::new(self.lease);
        let end = self.run(&recorder, abort).await;
        tokio::select! {
            result = self.record(&recorder, end, abort) => {
                if let Err(error) = result {
                    tell_unrecorded(&error);
                }
            }
            () = self.out_of_time(abort) => tell_out_of_time(),
        }
    }

    /// What has cost a run to find out is not given up lightly: recording is tried for as long as a run may take. If it
    /// fails for so long, the lease runs out and another worker takes over.
    async fn out_of_time(&self, abort: &CancellationToken) {
        let last_words = async {
            abort.cancelled().await;
            tokio::time::sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = tokio::time::sleep(self.longest()) => {}
            () = last_words => {}
        }
    }

    async fn record(
        &self,
        recorder: &Recorder,
        end: End,
        abort: &CancellationToken,
    ) -> Result<(), QueueError> {
        match end {
            End::Ran(Ok(report)) => self.finish_run(recorder, *report).await,
            End::Ran(Err(error)) => self.not_run(recorder, &error, abort).await,
            End::TooLong => {
                let reason = "The run took longer than its limits allow and was given up";
                self.finish_failed(recorder, EndedWithoutRun::Failed, reason)
                    .await
            }
            End::InputForgotten => {
                let reason = "A worker was lost, and what was typed is too much to be repeated";
                self.finish_failed(recorder, EndedWithoutRun::Failed, reason)
                    .await
            }
            End::LeaseLost => Err(QueueError::LeaseLost),
            End::Aborted => self.release().await,
        }
    }

    /// Runs the program. Whatever ends this first, the program is gone afterwards: its future is finished or dropped.
    async fn run(&self, recorder: &Arc<Recorder>, abort: &CancellationToken) -> End {
        let cancelled = CancellationToken::new();
        let (stdin, pieces) = mpsc::channel(1);
        let mut io = self.io(recorder, pieces, &cancelled);
        let request = RunRequest {
            id: self.lease.id(),
            attempt: self.lease.attempt(),
            submission: Arc::clone(self.lease.execution().submission()),
        };
        tokio::select! {
            result = self.ports.runner.run(request, &mut io) => End::Ran(result.map(Box::new)),
            keeper::LeaseGone = keeper::keep(self.ports, self.settings, self.lease, &cancelled) => End::LeaseLost,
            error = recorder.tell(self.ports, self.settings, self.lease) => untold(&error),
            error = self.feed(stdin) => unfed(&error),
            () = tokio::time::sleep(self.longest()) => End::TooLong,
            () = abort.cancelled() => End::Aborted,
        }
    }

    fn io(
        &self,
        recorder: &Arc<Recorder>,
        pieces: mpsc::Receiver<InputPiece>,
        cancelled: &CancellationToken,
    ) -> RecordingIo {
        let is_interactive = self.lease.execution().submission().is_interactive();
        RecordingIo {
            recorder: Arc::clone(recorder),
            stdin: if is_interactive {
                Stdin::Open(pieces)
            } else {
                Stdin::Ending
            },
            cancelled: cancelled.clone(),
            stop: Stop::NotTold,
        }
    }

    /// Brings what users type, for as long as the program may take it.
    async fn feed(&self, stdin: mpsc::Sender<InputPiece>) -> InputError {
        if !self.lease.execution().submission().is_interactive() {
            return std::future::pending().await;
        }
        match feeder::feed(self.ports, self.settings, self.lease, stdin).await {
            Err(error) => error,
        }
    }

    fn longest(&self) -> Duration {
        let limits = self.lease.execution().submission().limits();
        limits.wall_time_in_all() + self.settings.policy.run_grace
    }

    async fn finish_run(&self, recorder: &Recorder, report: Report) -> Result<(), QueueError> {
        let (output, error_output) = recorder.output();
        let expected = self.lease.execution().submission().expected_output();
        let outcome = Outcome::of_run(report, output, error_output, expected);
        self.finish(recorder, &outcome).await
    }

    async fn finish_failed(
        &self,
        recorder: &Recorder,
        ending: EndedWithoutRun,
        reason: &str,
    ) -> Result<(), QueueError> {
        let (output, error_output) = recorder.output();
        let outcome = Outcome::without_run(ending, reason).with_output(output, error_output);
        self.finish(recorder, &outcome).await
    }

    /// The runner failed, not the program: another attempt may do better, as long as there is one left.
    async fn not_run(
        &self,
        recorder: &Recorder,
        error: &RunnerError,
        abort: &CancellationToken,
    ) -> Result<(), QueueError> {
        tracing::warn!(error = %ErrorChain(error), "the runner failed");
        let retry_after = match error {
            RunnerError::Unsupported { .. } => {
                let reason = "The runner does not offer this language any more";
                return self
                    .finish_failed(recorder, EndedWithoutRun::Rejected, reason)
                    .await;
            }
            RunnerError::Overloaded { retry_after } => {
                self.doubt.raise();
                *retry_after
            }
            RunnerError::Unavailable { .. } | RunnerError::Broken { .. } => {
                self.doubt.raise();
                None
            }
        };
        let attempts = self.lease.attempt().count();
        if attempts >= self.attempts_max(error) {
            let reason = format!("The program could not be run in {attempts} attempts");
            return self
                .finish_failed(recorder, EndedWithoutRun::Failed, &reason)
                .await;
        }
        let wait = retry_after.unwrap_or_else(|| self.settings.backoff(attempts));
        self.keep_for(wait.min(RETRY_AFTER_MAX), abort).await?;
        self.release().await
    }

    /// A runner that has too much to do has not tried, so that does not count as a failure of its own.
    fn attempts_max(&self, error: &RunnerError) -> u32 {
        let (policy, own) = (
            self.settings.policy.attempts_max,
            self.settings.attempts_max,
        );
        match error {
            RunnerError::Overloaded { .. } => policy,
            RunnerError::Unsupported { .. }
            | RunnerError::Unavailable { .. }
            | RunnerError::Broken { .. } => policy.min(own),
        }
    }

    /// Holds the lease for a while, so that nobody tries again too soon.
    async fn keep_for(&self, wait: Duration, abort: &CancellationToken) -> Result<(), QueueError> {
        let cancelled = CancellationToken::new();
        tokio::select! {
            () = tokio::time::sleep(wait) => Ok(()),
            () = abort.cancelled() => Ok(()),
            // Giving it back ends an execution that its owner wants to be stopped.
            () = cancelled.cancelled() => Ok(()),
            keeper::LeaseGone = keeper::keep(self.ports, self.settings, self.lease, &cancelled) => {
                Err(QueueError::LeaseLost)
            }
        }
    }

    async fn finish(&self, recorder: &Recorder, outcome: &Outcome) -> Result<(), QueueError> {
        let recording = async {
            let told = recorder.told();
            recorder
                .tell_rest(self.ports, self.settings, self.lease)
                .await?;
            // What was told just now was put behind all that was told before.
            if recorder.told() == told {
                self.persist(|| recorder.confirm(self.ports, self.lease))
                    .await?;
            }
            self.persist(|| self.ports.queue.finish(self.lease, outcome))
                .await?;
            tracing::info!(verdict = %outcome.verdict(), "finished");
            Ok(())
        };
        tokio::select! {
            result = recording => result,
            error = self.keep_lease() => Err(error),
        }
    }

    async fn release(&self) -> Result<(), QueueError> {
        tracing::info!("handing over");
        self.persist(|| self.ports.queue.release(self.lease)).await
    }

    async fn keep_lease(&self) -> QueueError {
        let cancelled = CancellationToken::new();
        let keeper::LeaseGone =
            keeper::keep(self.ports, self.settings, self.lease, &cancelled).await;
        QueueError::LeaseLost
    }

    /// Asks again while the queue cannot be reached.
    async fn persist<F>(&self, mut step: impl FnMut() -> F + Send) -> Result<(), QueueError>
    where
        F: Future<Output = Result<(), QueueError>> + Send,
    {
        let mut failures = 0;
        loop {
            match step().await {
                Err(error) if error.is_transient() => {
                    tell_retry(&error);
                    tokio::time::sleep(self.settings.backoff(failures)).await;
                    failures += 1;
                }
                result => return result,
            }
        }
    }
}

fn untold(error: &QueueError) -> End {
    tracing::debug!(error = %ErrorChain(error), "output is refused");
    End::LeaseLost
}

const fn unfed(error: &InputError) -> End {
    match error {
        InputError::Forgotten => End::InputForgotten,
        InputError::LeaseLost | InputError::Unavailable { .. } => End::LeaseLost,
    }
}

fn tell_retry(error: &QueueError) {
    tracing::warn!(
        error = %ErrorChain(error),
        "cannot record, trying again"
    );
}

fn tell_out_of_time() {
    tracing::error!("this run is not recorded: the queue could not be reached in time");
}

/// Whoever has the execution now records what becomes of it; here it is only worth a line in the log.
fn tell_unrecorded(error: &QueueError) {
    tracing::warn!(
        error = %ErrorChain(error),
        "this run is not recorded"
    );
}
