//! Builds the use cases over mocks, or over the memory adapter.

use std::sync::Arc;

use coderun_domain::testing::{
    EVERYONE, ManualClock, SequentialIds, draft, language, limit_policy, store_policy,
    submission_policy, user, worker_offer,
};
use coderun_domain::{
    Execution, ExecutionQueue as _, Lease, MockExecutionStore, MockInputRelay, MockNotifier,
    MockTicketStore, MockWorkerRegistry, Outcome, QueueError, WorkerId,
};
use coderun_memory::{LedgerConfig, MemoryBackend, memory_backend};

use crate::{Executions, ExecutionsPorts, Fleet};

pub(super) fn fleet() -> Fleet {
    Fleet::new(Arc::new(MockWorkerRegistry::new()), limit_policy())
}

pub(super) fn executions(store: MockExecutionStore, notifier: MockNotifier) -> Executions {
    with_fleet(fleet().with_worker(worker_offer("w")), store, notifier)
}

pub(super) fn with_store(store: MockExecutionStore) -> Executions {
    executions(store, MockNotifier::new())
}

pub(super) fn with_fleet(
    fleet: Fleet,
    store: MockExecutionStore,
    notifier: MockNotifier,
) -> Executions {
    let ports = ExecutionsPorts {
        store: Arc::new(store),
        notifier: Arc::new(notifier),
        inputs: Arc::new(MockInputRelay::new()),
        tickets: Arc::new(MockTicketStore::new()),
        clock: Arc::new(ManualClock::default()),
        ids: Arc::new(SequentialIds::default()),
        fleet: Arc::new(fleet),
    };
    Executions::new(ports, submission_policy(), store_policy())
}

/// The use cases over the memory adapter, and the adapter.
pub(super) fn in_memory() -> (Arc<Executions>, MemoryBackend) {
    let clock = Arc::new(ManualClock::default());
    let memory = memory_backend(LedgerConfig::new(store_policy()), Arc::clone(&clock) as _);
    let ports = ExecutionsPorts {
        store: Arc::new(memory.clone()),
        notifier: Arc::new(memory.clone()),
        inputs: Arc::new(memory.clone()),
        tickets: Arc::new(memory.clone()),
        clock,
        ids: Arc::new(SequentialIds::default()),
        fleet: Arc::new(fleet().with_worker(worker_offer("w"))),
    };
    let executions = Executions::new(ports, submission_policy(), store_policy());
    (Arc::new(executions), memory)
}

/// Submits an execution of `alice`.
pub(super) async fn submitted(executions: &Executions) -> Execution {
    let submitting = executions.submit(user("alice"), draft(), None);
    submitting.await.unwrap().execution
}

pub(super) async fn take(memory: &MemoryBackend) -> Lease {
    let worker = WorkerId::parse("w").unwrap();
    let leases = memory
        .take(&worker, &[language("python")], EVERYONE, 1)
        .await;
    leases.unwrap().remove(0)
}

/// Ends an execution, without further events.
pub(super) async fn finish(
    memory: &MemoryBackend,
    lease: &Lease,
    outcome: &Outcome,
) -> Result<(), QueueError> {
    let last = lease.execution().sequence();
    memory.finish(lease, last, &[], outcome).await
}
