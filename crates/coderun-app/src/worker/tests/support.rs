//! Runs a worker over the memory adapter, with a runner that plays a script.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use coderun_domain::testing::{
    at, catalog, draft, execution_id, limit_policy, report, store_policy, submission, user,
};
use coderun_domain::{
    CodeRunner, Enforcement, Event, Execution, ExecutionId, ExecutionQueue, ExecutionStore,
    HintSource, InputRelay, InputWanted, LanguageSpec, Notifier, Outcome, OutputStream, Report,
    RunInput, RunIo, RunRequest, RunnerError, RunnerProfile, Sequence, StorePolicy, StoredEvent,
    Submission, SubmissionDraft, Verdict, WorkerId,
};
use coderun_memory::{LedgerConfig, MemoryBackend, memory_backend};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use tokio::task::JoinHandle;

use super::flaky_queue::FlakyQueue;
use crate::testing::TokioClock;
use crate::{
    Announcer, AnnouncerPorts, AnnouncerSettings, JitteredInterval, NextTake, ParkingSettings,
    Shutdown, Sweeper, Worker, WorkerPorts, WorkerSettings,
};

/// Nothing in these tests may take longer, on the paused clock.
const DEADLINE: Duration = Duration::from_mins(30);

/// A runner that does what the first line of the code says.
#[derive(Default)]
pub(super) struct ScriptedRunner {
    /// How many programs were started.
    pub(super) started: AtomicUsize,
    /// How many programs are alive.
    pub(super) alive: Arc<AtomicUsize>,
    /// The most that were alive at a time.
    pub(super) most_alive: AtomicUsize,
    /// The tasks that have run programs.
    pub(super) tasks: Mutex<HashSet<tokio::task::Id>>,
    /// Whether nothing can be run.
    pub(super) is_broken: AtomicBool,
}

impl fmt::Debug for ScriptedRunner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScriptedRunner")
    }
}

/// Gives what a program wrote to stderr as its hint.
#[derive(Debug)]
struct OutputAsHint;

impl HintSource for OutputAsHint {
    fn hint(&self, _: &Submission, outcome: &Outcome) -> Option<String> {
        let written = outcome.error_output().bytes();
        (!written.is_empty()).then(|| String::from_utf8_lossy(written).into_owned())
    }
}

/// Counts a program as alive until its future is finished or dropped.
struct Alive(Arc<AtomicUsize>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl CodeRunner for ScriptedRunner {
    fn profile(&self) -> RunnerProfile {
        RunnerProfile {
            name: "scripted".to_owned(),
            enforcement: Enforcement::default(),
            interactive: true,
        }
    }

    fn languages(&self) -> Vec<LanguageSpec> {
        catalog().specs().to_vec()
    }

    async fn check(&self) -> Result<(), RunnerError> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(RunnerError::Unavailable {
                backend: "scripted",
                reason: "broken".to_owned(),
                source: None,
            });
        }
        Ok(())
    }

    async fn run<'io>(
        &self,
        request: RunRequest,
        io: &mut (dyn RunIo + 'io),
    ) -> Result<Report, RunnerError> {
        self.check().await?;
        self.started.fetch_add(1, Ordering::SeqCst);
        self.tasks.lock().extend(tokio::task::try_id());
        let alive = self.alive.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_alive.fetch_max(alive, Ordering::SeqCst);
        let _alive = Alive(Arc::clone(&self.alive));
        run_script(request.submission.code(), io).await
    }
}

fn bytes(text: &str) -> Bytes {
    Bytes::from(text.to_owned())
}

/// Prints all input, and returns what ends it.
async fn echo_until_end(io: &mut (dyn RunIo + '_)) -> RunInput {
    loop {
        match io.input(InputWanted::Anything).await {
            RunInput::Data(bytes) => io.output(OutputStream::Stdout, bytes).await,
            end @ (RunInput::Closed | RunInput::Cancel | RunInput::Resumed) => return end,
        }
    }
}

async fn until_cancelled(io: &mut (dyn RunIo + '_)) {
    assert_eq!(io.input(InputWanted::Anything).await, RunInput::Closed);
    assert_eq!(io.input(InputWanted::Anything).await, RunInput::Cancel);
    let more = io.input(InputWanted::Anything);
    let more = tokio::time::timeout(Duration::from_secs(1), more).await;
    assert!(more.is_err(), "after the cancellation comes {more:?}");
}

async fn run_script(code: &str, io: &mut (dyn RunIo + '_)) -> Result<Report, RunnerError> {
    for line in code.lines() {
        match line.split_once(' ').unwrap_or((line, "")) {
            ("print", text) => io.output(OutputStream::Stdout, bytes(text)).await,
            ("complain", text) => io.output(OutputStream::Stderr, bytes(text)).await,
            ("flood", bytes) => {
                let flood = vec![b'x'; bytes.parse().unwrap()];
                io.output(OutputStream::Stdout, flood.into()).await;
            }
            ("sleep", seconds) => {
                tokio::time::sleep(Duration::from_secs(seconds.parse().unwrap())).await;
            }
            ("hang", _) => std::future::pending().await,
            ("until-cancelled", _) => {
                until_cancelled(io).await;
                return Ok(report(Verdict::Cancelled));
            }
            ("echo-until-end", _) => {
                if echo_until_end(io).await == RunInput::Cancel {
                    return Ok(report(Verdict::Cancelled));
                }
            }
            ("read", _) => {
                let input = io.input(InputWanted::Anything).await;
                assert!(matches!(input, RunInput::Data(_)), "{input:?}");
            }
            ("ignore-until-cancelled", _) => {
                assert_eq!(io.input(InputWanted::Cancel).await, RunInput::Cancel);
                return Ok(report(Verdict::Cancelled));
            }
            ("await", _) => {
                io.awaiting_input().await;
                io.park();
            }
            ("resume", _) => {
                io.request_place();
                assert_eq!(io.input(InputWanted::Cancel).await, RunInput::Resumed);
            }
            ("unavailable", _) => {
                return Err(RunnerError::Unavailable {
                    backend: "scripted",
                    reason: "secret-host is down".to_owned(),
                    source: None,
                });
            }
            ("overloaded", _) => {
                let retry_after = Some(Duration::from_secs(1));
                return Err(RunnerError::Overloaded { retry_after });
            }
            ("cut", _) => io.mark_truncated(OutputStream::Stdout),
            ("unsupported", _) => {
                let language = coderun_domain::testing::language("python");
                return Err(RunnerError::Unsupported { language });
            }
            (unknown, _) => panic!("no such line: {unknown}"),
        }
    }
    Ok(report(Verdict::Accepted))
}

/// A worker with all that it works with.
pub(super) struct Harness {
    pub(super) backend: MemoryBackend,
    pub(super) runner: Arc<ScriptedRunner>,
    pub(super) shutdown: Shutdown,
    pub(super) next_take: NextTake,
    pub(super) extra_concurrency: usize,
    pub(super) parking: ParkingSettings,
    last_id: AtomicUsize,
}

impl Harness {
    pub(super) fn new() -> Self {
        Self::with_policy(store_policy())
    }

    /// A harness whose worker `w1` works.
    pub(super) fn started() -> Self {
        let harness = Self::new();
        harness.start("w1");
        harness
    }

    /// A harness whose worker has taken up a program, and the execution's id.
    pub(super) async fn running(code: &str) -> (Self, ExecutionId) {
        let harness = Self::started();
        let id = harness.submit(code).await;
        harness.until_running(id).await;
        (harness, id)
    }

    /// A harness whose worker has run a program, and the final execution.
    pub(super) async fn completed(code: &str) -> (Self, Execution) {
        let harness = Self::started();
        let id = harness.submit(code).await;
        let ended = harness.final_state(id).await;
        (harness, ended)
    }

    /// Starts a worker over a queue that fails as `set_up` says.
    pub(super) fn start_flaky(&self, set_up: impl FnOnce(&FlakyQueue)) -> JoinHandle<()> {
        let queue = FlakyQueue::over(self.backend.clone());
        set_up(&queue);
        self.start_over("w1", Arc::new(queue))
    }

    pub(super) fn with_policy(policy: StorePolicy) -> Self {
        let clock = Arc::new(TokioClock::default());
        Self {
            backend: memory_backend(LedgerConfig::new(policy), clock),
            runner: Arc::default(),
            shutdown: Shutdown::default(),
            next_take: NextTake::ByEachRun,
            extra_concurrency: 0,
            parking: ParkingSettings {
                worker_max: 8,
                user_max: 4,
                idle: Duration::from_mins(1),
            },
            last_id: AtomicUsize::new(0),
        }
    }

    /// A worker over this queue.
    pub(super) fn worker(&self, name: &str, queue: Arc<dyn ExecutionQueue>) -> Worker {
        self.worker_with_inputs(name, queue, Arc::new(self.backend.clone()))
    }

    fn worker_with_inputs(
        &self,
        name: &str,
        queue: Arc<dyn ExecutionQueue>,
        inputs: Arc<dyn InputRelay>,
    ) -> Worker {
        let ports = WorkerPorts {
            queue,
            inputs,
            runner: Arc::clone(&self.runner) as Arc<dyn CodeRunner>,
            hints: Arc::new(OutputAsHint),
        };
        let settings = WorkerSettings {
            attempts_max: 2,
            id: WorkerId::parse(name).unwrap(),
            concurrency: 2,
            extra_concurrency: self.extra_concurrency,
            poll: JitteredInterval::new(Duration::from_secs(1), 1),
            next_take: self.next_take,
            parking: self.parking,
            policy: store_policy(),
        };
        Worker::new(ports, settings)
    }

    /// Starts a worker that ends with the harness's shutdown.
    pub(super) fn start(&self, name: &str) -> JoinHandle<()> {
        self.start_over(name, Arc::new(self.backend.clone()))
    }

    /// Starts a worker, its announcer, and a sweeper, over this queue.
    pub(super) fn start_over(&self, name: &str, queue: Arc<dyn ExecutionQueue>) -> JoinHandle<()> {
        let worker = self.worker(name, Arc::clone(&queue));
        self.start_worker(worker, queue)
    }

    /// Starts a worker over this relay.
    pub(super) fn start_with_inputs(
        &self,
        name: &str,
        inputs: Arc<dyn InputRelay>,
    ) -> JoinHandle<()> {
        let queue: Arc<dyn ExecutionQueue> = Arc::new(self.backend.clone());
        let worker = self.worker_with_inputs(name, Arc::clone(&queue), inputs);
        self.start_worker(worker, queue)
    }

    fn announcer(&self, worker: &Worker) -> Announcer {
        let ports = AnnouncerPorts {
            registry: Arc::new(self.backend.clone()),
            runner: Arc::clone(&worker.ports.runner),
        };
        let settings = AnnouncerSettings {
            id: worker.settings.id.clone(),
            concurrency: worker.settings.concurrency,
            limits: limit_policy(),
        };
        Announcer::new(ports, settings)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a test owns its tasks by their handles"
    )]
    pub(super) fn start_worker(
        &self,
        worker: Worker,
        queue: Arc<dyn ExecutionQueue>,
    ) -> JoinHandle<()> {
        let announcer = self.announcer(&worker);
        let sweeper = Sweeper::new(queue, JitteredInterval::new(Duration::from_secs(1), 2));
        let shutdown = self.shutdown.clone();
        tokio::spawn(async move {
            tokio::join!(
                worker.work(&shutdown),
                announcer.announce(&shutdown.drain),
                sweeper.run(&shutdown.drain),
            );
        })
    }

    pub(super) async fn submit(&self, code: &str) -> ExecutionId {
        self.submit_as("alice", code, false).await
    }

    pub(super) async fn submit_interactive(&self, code: &str) -> ExecutionId {
        self.submit_as("alice", code, true).await
    }

    pub(super) async fn submit_as(
        &self,
        owner: &str,
        code: &str,
        interactive: bool,
    ) -> ExecutionId {
        let draft = SubmissionDraft {
            code: code.to_owned(),
            interactive,
            ..draft()
        };
        let number = self.last_id.fetch_add(1, Ordering::SeqCst) + 1;
        let id = execution_id(number as u128);
        let execution = Execution::submit(id, submission(user(owner), draft), at(0));
        self.backend.submit(&execution, None).await.unwrap();
        id
    }

    pub(super) async fn get(&self, id: ExecutionId) -> Execution {
        self.backend.get(id).await.unwrap().unwrap()
    }

    /// Waits for the final state.
    pub(super) async fn final_state(&self, id: ExecutionId) -> Execution {
        self.until(id, |event| match &event.event {
            Event::Updated(progress) => progress.outcome().is_some(),
            Event::Output(_) | Event::AwaitingInput(_) => false,
        })
        .await
    }

    /// Waits until a worker has taken it up.
    pub(super) async fn until_running(&self, id: ExecutionId) -> Execution {
        self.until(id, |event| match &event.event {
            Event::Updated(progress) => progress.started_at().is_some(),
            Event::Output(_) | Event::AwaitingInput(_) => false,
        })
        .await
    }

    /// Waits for an event and answers the execution as it stands then.
    pub(super) async fn until(
        &self,
        id: ExecutionId,
        wanted: impl Fn(&StoredEvent) -> bool + Send + Sync,
    ) -> Execution {
        let search = async {
            let mut events = self.backend.subscribe(id, Sequence::START).await.unwrap();
            while let Some(event) = events.next().await {
                if wanted(&event.unwrap()) {
                    return;
                }
            }
            panic!("it ended without the event");
        };
        tokio::time::timeout(DEADLINE, search)
            .await
            .expect("the event comes");
        self.get(id).await
    }

    /// All that was stored about a final execution.
    pub(super) async fn events(&self, id: ExecutionId) -> Vec<StoredEvent> {
        let events = self.backend.subscribe(id, Sequence::START).await.unwrap();
        events.map(Result::unwrap).collect().await
    }

    pub(super) fn alive(&self) -> usize {
        self.runner.alive.load(Ordering::SeqCst)
    }
}

/// Waits for a worker to end.
pub(super) async fn ended(worker: JoinHandle<()>) {
    tokio::time::timeout(DEADLINE, worker)
        .await
        .expect("the worker ends")
        .expect("the worker does not panic");
}

pub(super) fn verdict(execution: &Execution) -> Verdict {
    execution.outcome().expect("it is final").verdict()
}

pub(super) fn explanation(execution: &Execution) -> String {
    let limits = execution.submission().limits();
    let outcome = execution.outcome().expect("it is final");
    outcome.explanation(limits).expect("it failed")
}
