//! Runs a worker over the memory adapter.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use coderun_domain::testing::{
    at, draft, execution_id, limit_policy, store_policy, submission, user,
};
use coderun_domain::{
    CodeRunner, Event, Execution, ExecutionId, ExecutionQueue, ExecutionStore, HintSource,
    InputRelay, Notifier, Outcome, Sequence, StorePolicy, StoredEvent, Submission, SubmissionDraft,
    Verdict, WorkerId,
};
use coderun_memory::{LedgerConfig, MemoryBackend, memory_backend};
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use super::flaky_queue::FlakyQueue;
use super::scripted_runner::ScriptedRunner;
use crate::testing::TokioClock;
use crate::{
    Announcer, AnnouncerPorts, AnnouncerSettings, JitteredInterval, NextTake, ParkingSettings,
    Shutdown, Sweeper, Worker, WorkerPorts, WorkerSettings,
};

/// Nothing in these tests may take longer, on the paused clock.
const DEADLINE: Duration = Duration::from_mins(30);

/// Gives what a program wrote to stderr as its hint.
#[derive(Debug)]
struct OutputAsHint;

impl HintSource for OutputAsHint {
    fn hint(&self, _: &Submission, outcome: &Outcome) -> Option<String> {
        let written = outcome.error_output().bytes();
        (!written.is_empty()).then(|| String::from_utf8_lossy(written).into_owned())
    }
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
