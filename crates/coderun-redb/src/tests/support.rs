//! Sets up a backend over a file that can be closed and opened again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{
    ManualClock, draft, execution_id, language, store_policy, submission, user,
};
use coderun_domain::{
    Clock, Execution, ExecutionId, ExecutionQueue, ExecutionStore, InputId, InputPiece, Lease,
    Notifier, OutputChunk, OutputStream, Page, RunEvent, SenderId, Sequence, StoredEvent,
    SubmissionDraft, Submitted, Summary, WorkerId,
};
use futures_util::StreamExt;
use tempfile::TempDir;

use crate::{RedbBackend, RedbConfig, open_backend};

/// How long anything may take that must happen.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A backend over a file in a folder of its own, and the clock that it reads.
pub(super) struct TestBackend {
    pub(super) redb: RedbBackend,
    pub(super) clock: Arc<ManualClock>,
    pub(super) folder: TempDir,
}

impl TestBackend {
    pub(super) async fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::default());
        let redb = open(&folder, Arc::clone(&clock)).await;
        Self {
            redb,
            clock,
            folder,
        }
    }

    /// Closes the file and opens it again, as the next process does.
    pub(super) async fn restart(&mut self) {
        self.redb.close().await;
        self.redb = open(&self.folder, Arc::clone(&self.clock)).await;
    }

    /// A pending execution of alice that takes input while it runs.
    pub(super) fn execution(&self, number: u32) -> Execution {
        let draft = SubmissionDraft {
            interactive: true,
            ..draft()
        };
        let submission = submission(user("alice"), draft);
        Execution::submit(id(number), submission, self.clock.now())
    }

    pub(super) async fn submit(&self, number: u32) {
        let submitted = self.redb.submit(&self.execution(number)).await.unwrap();
        assert_eq!(submitted, Submitted::Accepted);
    }

    pub(super) async fn take(&self, name: &str) -> Option<Lease> {
        let worker = WorkerId::parse(name).unwrap();
        let taken = self.redb.take(&worker, &[language("python")]).await;
        taken.unwrap()
    }

    pub(super) async fn start(&self, number: u32) -> Lease {
        self.submit(number).await;
        self.take("worker 1").await.unwrap()
    }

    pub(super) async fn get(&self, number: u32) -> Execution {
        self.redb.get(id(number)).await.unwrap().unwrap()
    }

    /// Every event so far.
    pub(super) async fn events(&self, number: u32) -> Vec<StoredEvent> {
        let count = self.get(number).await.sequence().number();
        let stream = self.redb.subscribe(id(number), Sequence::START).await;
        let events = stream.unwrap().take(usize::try_from(count).unwrap());
        events.map(Result::unwrap).collect().await
    }

    pub(super) async fn list(&self) -> Vec<Summary> {
        let page = Page {
            before: None,
            limit: 100,
        };
        self.redb.list(&user("alice"), page).await.unwrap()
    }
}

async fn open(folder: &TempDir, clock: Arc<ManualClock>) -> RedbBackend {
    let config = RedbConfig {
        step_timeout: PATIENCE,
        ..RedbConfig::in_folder(folder.path().join("data"), store_policy())
    };
    open_backend(config, clock).await.unwrap()
}

pub(super) fn id(number: u32) -> ExecutionId {
    execution_id(number.into())
}

/// A piece of stdout.
pub(super) fn stdout(lease: &Lease, text: &'static str) -> RunEvent {
    RunEvent::from(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from_static(text.as_bytes()),
        attempt: lease.attempt(),
    })
}

/// The piece of one sender with this number.
pub(super) const fn input(number: u64) -> InputId {
    InputId {
        sender: SenderId::from_number(0xABC),
        number,
    }
}

pub(super) fn data(text: &'static str) -> InputPiece {
    InputPiece::Data(Bytes::from_static(text.as_bytes()))
}
