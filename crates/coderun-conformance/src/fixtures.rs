//! Provides the helpers in which clauses are written, and tests of single adapters.

mod input;
mod offers;
mod runs;
mod tickets;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{at, draft, execution_id, finished, language, submission, user};
use coderun_domain::{
    Attempt, CancelReply, Clock, Event, EventStream, Execution, ExecutionId, Language, Lease,
    OutputChunk, OutputStream, Page, Progress, QueueError, RunEvent, Sequence, StoreError,
    StoredEvent, SubmissionDraft, Submitted, Summary, Swept, WatchError, WorkerId,
};
use futures_util::StreamExt;
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::Backend;

pub use input::{data, sender};
pub(crate) use offers::leased;
pub(crate) use tickets::{LIFETIME, ticket};

/// The longest that a clause waits for something that must happen, on a machine of ordinary speed.
const DEADLINE: Duration = Duration::from_secs(20);

/// How many times slower programs are on this machine: more than once where its kernel runs on that of another.
#[must_use]
pub fn slowness() -> u32 {
    let given = std::env::var_os("TEST_SLOWNESS");
    given.map_or(1, |times| times.to_str().unwrap().parse().unwrap())
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Waits for something that must happen.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let deadline = DEADLINE * slowness();
    let output = tokio::time::timeout(deadline, future).await;
    output.unwrap_or_else(|_| panic!("nothing happened within {deadline:?}"))
}

/// Polls a future once and returns whether it is pending.
pub(crate) async fn is_waiting<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|context| Poll::Ready(Pin::new(&mut *future).poll(context).is_pending())).await
}

/// Begins to wait for a hint. A hint may be spurious, but not for ever.
pub(crate) async fn waiting<F: Future<Output = ()>>(hint: impl Fn() -> F) -> Pin<Box<F>> {
    for _ in 0..100 {
        let mut future = Box::pin(hint());
        if is_waiting(&mut future).await {
            return future;
        }
        tokio::task::yield_now().await;
    }
    panic!("the hint never waits: its worker would poll without a pause");
}

/// Runs a task this many times at once and returns all answers.
pub(crate) async fn at_once<F>(count: u32, task: impl Fn(u32) -> F) -> Vec<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let tasks: JoinSet<F::Output> = (0..count).map(task).collect();
    within(tasks.join_all()).await
}

pub(crate) fn worker(name: &str) -> WorkerId {
    WorkerId::parse(name).unwrap()
}

pub(crate) fn languages() -> Vec<Language> {
    vec![language("python"), language("c")]
}

/// The id with this number.
#[must_use]
pub fn id(number: u32) -> ExecutionId {
    execution_id(number.into())
}

/// A draft in this language.
pub(crate) fn written_in(name: &str) -> SubmissionDraft {
    SubmissionDraft {
        language: name.to_owned(),
        ..draft()
    }
}

/// A draft with this many bytes of code and nothing else.
#[must_use]
pub fn sized(bytes: usize) -> SubmissionDraft {
    SubmissionDraft {
        code: "x".repeat(bytes),
        input: String::new(),
        ..draft()
    }
}

/// A piece of stdout in the attempt of this lease.
#[must_use]
pub fn chunk(lease: &Lease, text: &str) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        attempt: lease.attempt(),
    })
}

/// The progress in an event.
pub(crate) fn progress_of(stored: &StoredEvent) -> &Progress {
    match &stored.event {
        Event::Updated(progress) => progress,
        Event::Output(_) | Event::AwaitingInput(_) => panic!("not an update: {stored:?}"),
    }
}

/// The text in an output event.
pub(crate) fn text_of(stored: &StoredEvent) -> &str {
    match &stored.event {
        Event::Output(chunk) => std::str::from_utf8(&chunk.bytes).unwrap(),
        Event::Updated(_) | Event::AwaitingInput(_) => panic!("not output: {stored:?}"),
    }
}

pub(crate) fn assert_lost<T>(result: Result<T, QueueError>) {
    let error = result.err();
    assert!(matches!(error, Some(QueueError::LeaseLost)), "{error:?}");
}

pub(crate) fn assert_full<T>(result: Result<T, StoreError>) {
    let error = result.err();
    let Some(StoreError::Full { retry_after }) = error else {
        panic!("not full: {error:?}");
    };
    assert!(retry_after > Duration::ZERO);
}

/// Every item of a stream, up to its end.
pub(crate) async fn drain(stream: EventStream) -> Vec<Result<StoredEvent, WatchError>> {
    within(stream.collect()).await
}

/// Every event of a stream that ends without an error.
pub(crate) async fn drain_events(stream: EventStream) -> Vec<StoredEvent> {
    let items = drain(stream).await;
    items.into_iter().map(Result::unwrap).collect()
}

/// The next event of a stream.
pub(crate) async fn next_event(stream: &mut EventStream) -> StoredEvent {
    within(stream.next()).await.unwrap().unwrap()
}

pub(crate) fn numbers(events: &[StoredEvent]) -> Vec<u64> {
    let numbers = events.iter().map(|event| event.sequence.number());
    numbers.collect()
}

impl Backend {
    /// Moves the clock on.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    pub(crate) fn now(&self) -> OffsetDateTime {
        self.clock.now()
    }

    /// Moves the clock to a second of the day of the tests.
    pub(crate) fn set_clock(&self, second: u32) {
        self.clock.set(at(second));
    }

    /// A new execution of this user that is not submitted yet.
    #[must_use]
    pub fn draft(&self, number: u32, name: &str, draft: SubmissionDraft) -> Execution {
        let submission = submission(user(name), draft);
        Execution::submit(id(number), submission, self.clock.now())
    }

    /// Submits a good draft as this user.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn try_submit(&self, number: u32, name: &str) -> Result<Submitted, StoreError> {
        let execution = self.draft(number, name, draft());
        self.submit_with(&execution, None).await
    }

    /// Submits a draft as this user, and it is accepted.
    pub async fn submit_draft(&self, number: u32, name: &str, draft: SubmissionDraft) -> Execution {
        let execution = self.draft(number, name, draft);
        let submitted = self.submit_with(&execution, None).await.unwrap();
        assert_eq!(submitted, Submitted::Accepted);
        execution
    }

    /// Submits a good draft as this user, and it is accepted.
    pub async fn submit(&self, number: u32, name: &str) -> Execution {
        self.submit_draft(number, name, draft()).await
    }

    /// Submits good drafts as this user, in this order, and all are accepted.
    pub(crate) async fn submit_all(&self, numbers: impl IntoIterator<Item = u32>, name: &str) {
        for number in numbers {
            self.submit(number, name).await;
        }
    }

    /// Sweeps.
    pub async fn sweep(&self) -> Swept {
        self.queue.sweep().await.unwrap()
    }

    /// Finds an execution.
    pub async fn find(&self, id: ExecutionId) -> Option<Execution> {
        self.store.get(id).await.unwrap()
    }

    /// Finds an execution that must be there.
    pub async fn get(&self, id: ExecutionId) -> Execution {
        self.find(id).await.unwrap()
    }

    /// Everything that this user has, newest first.
    pub async fn list(&self, name: &str) -> Vec<Summary> {
        let page = Page {
            before: None,
            limit: 1000,
        };
        self.store.list(&user(name), page).await.unwrap()
    }

    /// Requests that an execution ends.
    pub async fn cancel(&self, id: ExecutionId) -> CancelReply {
        self.store.request_cancel(id).await.unwrap()
    }

    /// Deletes an execution; `false` if there was none.
    pub async fn delete(&self, id: ExecutionId) -> bool {
        self.store.delete(id).await.unwrap()
    }

    /// Watches an execution from the event after this number on.
    pub async fn watch(&self, id: ExecutionId, since: u64) -> EventStream {
        let since = Sequence::from_number(since);
        within(self.notifier.subscribe(id, since)).await.unwrap()
    }

    pub(crate) async fn assert_unwatchable(&self, id: ExecutionId) {
        let result = within(self.notifier.subscribe(id, Sequence::START)).await;
        assert!(
            matches!(result, Err(WatchError::Gone)),
            "it must not be watchable"
        );
    }

    /// Every event stored so far.
    pub async fn events(&self, id: ExecutionId) -> Vec<StoredEvent> {
        let count = self.get(id).await.sequence().number();
        let stream = self.watch(id, 0).await;
        let count = usize::try_from(count).unwrap();
        let items: Vec<_> = within(stream.take(count).collect()).await;
        items.into_iter().map(Result::unwrap).collect()
    }

    /// Asserts that record and events have not changed.
    pub(crate) async fn assert_unchanged(&self, before: &Execution, events: &[StoredEvent]) {
        assert_eq!(&self.get(before.id()).await, before);
        assert_eq!(self.events(before.id()).await, events);
    }

    /// Asserts that every call with this lease is refused and changes nothing.
    pub(crate) async fn assert_powerless(&self, lease: &Lease) {
        let before = self.find(lease.id()).await;
        let last = before.as_ref().map_or(Sequence::START, Execution::sequence);
        let late = [chunk(lease, "too late")];
        assert_lost(self.queue.renew(lease).await);
        assert_lost(self.queue.append(lease, last, &late).await);
        assert_lost(self.try_finish(lease, &finished()).await);
        assert_lost(self.queue.release(lease).await);
        assert_eq!(self.find(lease.id()).await, before);
    }
}

/// The attempt with this number.
pub(crate) const fn attempt(count: u32) -> Attempt {
    Attempt::from_count(count)
}
