//! A file that can be closed and opened again, and the words of its tests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{ManualClock, draft, execution_id, language, submission, user};
use coderun_domain::{
    Clock, Execution, ExecutionId, ExecutionQueue, ExecutionStore, InputId, InputPiece, Lease,
    Notifier, OutputChunk, OutputStream, Page, RunEvent, SenderId, Sequence, StorePolicy,
    StoredEvent, SubmissionDraft, Submitted, Summary, WorkerId,
};
use futures_util::StreamExt;
use tempfile::TempDir;

use crate::{RedbBackend, RedbConfig, open_backend};

/// How long anything may take that must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A backend over a file of its own, and the clock that it reads.
pub(super) struct Bench {
    pub(super) redb: RedbBackend,
    pub(super) clock: Arc<ManualClock>,
    pub(super) folder: TempDir,
    policy: StorePolicy,
}

impl Bench {
    pub(super) async fn new() -> Self {
        Self::with_policy(coderun_domain::testing::store_policy()).await
    }

    pub(super) async fn with_policy(policy: StorePolicy) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::default());
        let redb = open(&folder, policy, Arc::clone(&clock)).await;
        Self {
            redb,
            clock,
            folder,
            policy,
        }
    }

    /// Closes the file and opens it again, as the next process does.
    pub(super) async fn restart(&mut self) {
        self.redb.close().await;
        self.redb = open(&self.folder, self.policy, Arc::clone(&self.clock)).await;
    }
}

async fn open(folder: &TempDir, policy: StorePolicy, clock: Arc<ManualClock>) -> RedbBackend {
    let config = RedbConfig {
        step_timeout: PATIENCE,
        ..RedbConfig::in_folder(folder.path().join("data"), policy)
    };
    open_backend(config, clock).await.unwrap()
}

pub(super) fn id(number: u32) -> ExecutionId {
    execution_id(number.into())
}

/// A pending execution of alice that takes input while it runs.
pub(super) fn execution(number: u32, clock: &ManualClock) -> Execution {
    let draft = SubmissionDraft {
        interactive: true,
        ..draft()
    };
    Execution::submit(id(number), submission(user("alice"), draft), clock.now())
}

pub(super) async fn submit(redb: &RedbBackend, number: u32, clock: &ManualClock) {
    let submitted = redb.submit(&execution(number, clock)).await.unwrap();
    assert_eq!(submitted, Submitted::Accepted);
}

pub(super) async fn take(redb: &RedbBackend, name: &str) -> Option<Lease> {
    let worker = WorkerId::parse(name).unwrap();
    redb.take(&worker, &[language("python")]).await.unwrap()
}

pub(super) async fn start(redb: &RedbBackend, number: u32, clock: &ManualClock) -> Lease {
    submit(redb, number, clock).await;
    take(redb, "worker 1").await.unwrap()
}

/// A piece of stdout.
pub(super) fn said(lease: &Lease, text: &'static str) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from_static(text.as_bytes()),
        attempt: lease.attempt(),
    })
}

pub(super) async fn get(redb: &RedbBackend, number: u32) -> Execution {
    redb.get(id(number)).await.unwrap().unwrap()
}

/// Every event so far.
pub(super) async fn events(redb: &RedbBackend, number: u32) -> Vec<StoredEvent> {
    let count = get(redb, number).await.sequence().number();
    let stream = redb.subscribe(id(number), Sequence::START).await.unwrap();
    let items: Vec<_> = stream.take(usize::try_from(count).unwrap()).collect().await;
    items.into_iter().map(Result::unwrap).collect()
}

pub(super) async fn list(redb: &RedbBackend) -> Vec<Summary> {
    let page = Page {
        before: None,
        limit: 100,
    };
    redb.list(&user("alice"), page).await.unwrap()
}

/// The piece of one sender with this number.
pub(super) const fn input(number: u64) -> InputId {
    InputId {
        sender: SenderId::from_number(0xABC),
        number,
    }
}

pub(super) fn typed(text: &'static str) -> InputPiece {
    InputPiece::Data(Bytes::from_static(text.as_bytes()))
}
