//! Tests the deletion of executions in every state.

use std::time::Duration;

use coderun_domain::testing::{draft, execution_id, report, user};
use coderun_domain::{
    EndedWithoutRun, ExecutionQueue as _, ExecutionStore as _, Lease, Outcome, Output, Page,
    Renewal, Verdict,
};
use coderun_memory::MemoryBackend;
use tokio::time::Instant;

use super::support::{finish, in_memory, submitted, take};
use crate::AccessError;

/// A worker that stops the program when it is asked to, after this time.
async fn stop_when_asked(memory: &MemoryBackend, lease: &Lease, after: Duration) {
    memory.cancel_requested(lease).await;
    assert_eq!(memory.renew(lease).await.unwrap(), Renewal::Cancel);
    tokio::time::sleep(after).await;
    let (output, report) = (Output::default(), report(Verdict::Cancelled));
    let outcome = Outcome::of_run(report, output.clone(), output, None);
    finish(memory, lease, &outcome).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pending_execution_is_gone_at_once() {
    let (executions, memory) = in_memory();
    let id = submitted(&executions).await.id();
    executions.delete(&user("alice"), id).await.unwrap();
    assert_eq!(memory.get(id).await.unwrap(), None);
    let again = executions.delete(&user("alice"), id).await.unwrap_err();
    assert!(matches!(again, AccessError::Absent));
}

#[tokio::test(start_paused = true)]
async fn a_running_execution_is_deleted_after_its_program_is_gone() {
    let (executions, memory) = in_memory();
    submitted(&executions).await;
    let lease = take(&memory).await;
    let (alice, began) = (user("alice"), Instant::now());
    let stopping = Duration::from_secs(2);
    let (deleted, ()) = tokio::join!(
        executions.delete(&alice, lease.id()),
        stop_when_asked(&memory, &lease, stopping),
    );
    deleted.unwrap();
    assert_eq!(began.elapsed(), stopping);
    assert_eq!(memory.get(lease.id()).await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_does_not_stop_is_deleted_in_spite_of_it() {
    let (executions, memory) = in_memory();
    submitted(&executions).await;
    let lease = take(&memory).await;
    executions.delete(&user("alice"), lease.id()).await.unwrap();
    assert_eq!(memory.get(lease.id()).await.unwrap(), None);
    let late = Outcome::without_run(EndedWithoutRun::Failed, "late");
    assert!(finish(&memory, &lease, &late).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn deleting_another_users_execution_is_forbidden() {
    let (executions, memory) = in_memory();
    let id = submitted(&executions).await.id();
    let error = executions.delete(&user("mallory"), id).await.unwrap_err();
    assert!(matches!(error, AccessError::Forbidden));
    executions.delete_all(&user("mallory")).await.unwrap();
    assert!(memory.get(id).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn all_of_a_user_is_deleted_and_nothing_of_another() {
    let (executions, memory) = in_memory();
    let mut number = 0;
    for name in ["alice", "bob"] {
        for _ in 0..60 {
            number += 1;
            let accepted = executions.submit(user(name), draft(), None).await.unwrap();
            assert_eq!(accepted.execution.id(), execution_id(number));
        }
    }
    executions.delete_all(&user("alice")).await.unwrap();
    let page = Page {
        before: None,
        limit: 1_000,
    };
    let of_alice = memory.list(&user("alice"), page).await.unwrap();
    let of_bob = memory.list(&user("bob"), page).await.unwrap();
    assert_eq!((of_alice.len(), of_bob.len()), (0, 60));
}
