//! Runs feeds over a notifier that a test scripts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::web;
use async_trait::async_trait;
use coderun_app::{Executions, ExecutionsPorts, Fleet, Readiness, ReadinessPorts};
use coderun_domain::testing::{
    ManualClock, SequentialIds, at, execution, limit_policy, store_policy, submission_policy,
};
use coderun_domain::{
    Attempt, Event, EventStream, Execution, ExecutionId, MockExecutionQueue, MockExecutionStore,
    MockInputRelay, MockTicketStore, MockTokenVerifier, MockWorkerRegistry, Notifier, OutputChunk,
    OutputStream, Sequence, StoredEvent, WatchError, WorkerId,
};
use futures_util::{FutureExt as _, stream};
use serde_json::Value;
use time::OffsetDateTime;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::state::AppState;
use crate::watching::message::FeedError;
use crate::watching::{Dialect, EncodedMessage, FeedReader};
use crate::{Drain, HttpConfig, HttpPorts};

/// The longest wait of any test: nothing takes nearly as long unless it is broken.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The state of a server whose notifier is scripted.
pub(crate) struct World {
    pub(crate) state: web::Data<AppState>,
    notifier: Arc<ScriptedNotifier>,
    position: Arc<AtomicU64>,
    position_reads: Arc<AtomicUsize>,
}

/// Gives every subscription to the test, which sends its events. A stream ends after the final event or an error.
#[derive(Debug, Default)]
struct ScriptedNotifier {
    subscriptions: watch::Sender<Vec<Subscription>>,
}

/// A subscription of a feed or of a watcher.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) since: Sequence,
    events: mpsc::UnboundedSender<ScriptedEvent>,
}

/// What a test lets a subscription send; `None` is a panic.
type ScriptedEvent = Option<Result<StoredEvent, WatchError>>;

#[async_trait]
impl Notifier for ScriptedNotifier {
    async fn subscribe(&self, _: ExecutionId, since: Sequence) -> Result<EventStream, WatchError> {
        let (events, receiver) = mpsc::unbounded_channel();
        self.subscriptions
            .send_modify(|all| all.push(Subscription { since, events }));
        let events = stream::unfold(Some(receiver), |receiver| async move {
            let mut receiver = receiver?;
            let event = receiver.recv().await?.expect("a bug in the subscription");
            let goes_on = matches!(&event, Ok(stored) if !stored.event.is_final());
            Some((event, goes_on.then_some(receiver)))
        });
        Ok(Box::pin(events))
    }
}

impl Subscription {
    pub(super) fn send(&self, event: StoredEvent) {
        self.events.send(Some(Ok(event))).unwrap();
    }

    pub(super) fn fail(&self, error: WatchError) {
        self.events.send(Some(Err(error))).unwrap();
    }

    pub(super) fn panic(&self) {
        self.events.send(None).unwrap();
    }

    /// Waits until the subscriber has dropped it.
    pub(super) async fn is_closed(&self) -> bool {
        in_time(self.events.closed()).await;
        true
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let notifier = Arc::<ScriptedNotifier>::default();
        let position = Arc::new(AtomicU64::new(1));
        let position_reads = Arc::<AtomicUsize>::default();
        let store = store(&position, &position_reads);
        let ports = ports(Arc::new(store), Arc::clone(&notifier) as _);
        let state = AppState::new(ports, HttpConfig::default(), Drain::default());
        Self {
            state: web::Data::new(state),
            notifier,
            position,
            position_reads,
        }
    }

    /// A watcher that has read this execution.
    pub(super) fn watch(
        &self,
        execution: &Execution,
        since: Option<u64>,
        dialect: Dialect,
    ) -> FeedReader {
        let since = since.map(Sequence::from_number);
        FeedReader::open(&self.state, execution, since, dialect)
    }

    /// Lets a watcher find that there is nothing for it, and stop waiting.
    pub(super) fn finds_nothing(&self, watcher: &mut FeedReader) {
        let found = watcher.next(&self.state).now_or_never();
        assert!(found.is_none(), "{found:?}");
    }

    /// The number of subscriptions so far.
    pub(super) fn subscriptions(&self) -> usize {
        self.notifier.subscriptions.borrow().len()
    }

    /// Waits for a subscription, counted from 0.
    pub(super) async fn subscription(&self, index: usize) -> Subscription {
        let mut subscriptions = self.notifier.subscriptions.subscribe();
        let opened = subscriptions.wait_for(|all| all.len() > index);
        in_time(opened).await.unwrap()[index].clone()
    }

    pub(super) fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::SeqCst);
    }

    pub(super) fn position_reads(&self) -> usize {
        self.position_reads.load(Ordering::SeqCst)
    }

    pub(super) async fn next(
        &self,
        watcher: &mut FeedReader,
    ) -> Result<Option<EncodedMessage>, FeedError> {
        in_time(watcher.next(&self.state)).await
    }

    pub(super) async fn next_message(&self, watcher: &mut FeedReader) -> EncodedMessage {
        let message = self.next(watcher).await.unwrap();
        message.expect("the feed has ended")
    }

    pub(super) async fn next_json(&self, watcher: &mut FeedReader) -> Value {
        let message = self.next_message(watcher).await;
        serde_json::from_slice(&message.json).unwrap()
    }

    pub(super) async fn next_sequence(&self, watcher: &mut FeedReader) -> u64 {
        self.next_json(watcher).await["seq"].as_u64().unwrap()
    }
}

fn store(position: &Arc<AtomicU64>, reads: &Arc<AtomicUsize>) -> MockExecutionStore {
    let (position, reads) = (Arc::clone(position), Arc::clone(reads));
    let mut store = MockExecutionStore::new();
    store.expect_queue_position().returning(move |_| {
        reads.fetch_add(1, Ordering::SeqCst);
        Ok(Some(position.load(Ordering::SeqCst)))
    });
    store
}

fn ports(store: Arc<MockExecutionStore>, notifier: Arc<dyn Notifier>) -> HttpPorts {
    let readiness = ReadinessPorts {
        store: Arc::clone(&store) as _,
        queue: Arc::new(MockExecutionQueue::new()),
        runners: None,
        verifier: None,
    };
    let clock = Arc::new(ManualClock::default());
    let executions = ExecutionsPorts {
        store,
        notifier,
        inputs: Arc::new(MockInputRelay::new()),
        tickets: Arc::new(MockTicketStore::new()),
        clock: Arc::clone(&clock) as _,
        ids: Arc::new(SequentialIds::default()),
        fleet: Arc::new(Fleet::new(
            Arc::new(MockWorkerRegistry::new()),
            limit_policy(),
        )),
    };
    let executions = Executions::new(executions, submission_policy(), store_policy());
    HttpPorts {
        executions: Arc::new(executions),
        verifier: Arc::new(MockTokenVerifier::new()),
        readiness: Arc::new(Readiness::new(readiness, CancellationToken::new())),
        clock,
        sign_in: None,
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(TIMEOUT, future).await;
    done.expect("it takes too long")
}

/// A time after the start.
pub(super) fn later() -> OffsetDateTime {
    at(2)
}

/// An execution with two events.
pub(super) fn running() -> Execution {
    let worker = WorkerId::parse("w").unwrap();
    execution().start(worker, at(1)).unwrap()
}

/// An execution that was released after this many events.
pub(super) fn pending_again(events: u64) -> Execution {
    let running = running().count_events(events - 2, later());
    running
        .and_then(|running| running.release(later()))
        .unwrap()
}

pub(super) fn updated(execution: &Execution) -> StoredEvent {
    StoredEvent {
        sequence: execution.sequence(),
        event: Event::Updated(execution.progress().clone()),
    }
}

pub(super) fn output(sequence: u64, bytes: impl Into<web::Bytes>) -> StoredEvent {
    let chunk = OutputChunk {
        stream: OutputStream::Stdout,
        bytes: bytes.into(),
        attempt: Attempt::from_count(1),
    };
    StoredEvent {
        sequence: Sequence::from_number(sequence),
        event: Event::Output(chunk),
    }
}
