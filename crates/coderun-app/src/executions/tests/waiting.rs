//! Tests waiting for the next change.

use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{execution_id, finished, user};
use coderun_domain::{
    Execution, ExecutionQueue as _, Lease, OutputChunk, OutputStream, RunEvent, Sequence, Status,
};
use coderun_memory::MemoryBackend;
use tokio::time::Instant;

use super::support::{finish, in_memory, submitted, take};
use crate::AccessError;

const TIMEOUT: Duration = Duration::from_secs(30);

async fn write(memory: &MemoryBackend, lease: &Lease) {
    let chunk = OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from_static(b"x"),
        attempt: lease.attempt(),
    };
    let after = lease.execution().sequence();
    let events = [RunEvent::Output(chunk)];
    memory.append(lease, after, &events).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_next_change_of_state_is_the_answer() {
    let (executions, memory) = in_memory();
    let pending = submitted(&executions).await;
    let user = user("alice");
    let waiting = executions.wait(&user, pending.id(), Some(pending.sequence()), TIMEOUT);
    let (answer, _) = tokio::join!(waiting, take(&memory));
    assert_eq!(answer.unwrap().status(), Status::Running);
}

#[tokio::test(start_paused = true)]
async fn a_change_since_then_is_the_answer_at_once() {
    let (executions, memory) = in_memory();
    let pending = submitted(&executions).await;
    let lease = take(&memory).await;
    let began = Instant::now();
    let wait = |since: Sequence| {
        let executions = &executions;
        async move {
            let alice = user("alice");
            let answer = executions.wait(&alice, execution_id(1), Some(since), TIMEOUT);
            answer.await.unwrap().status()
        }
    };
    assert_eq!(wait(pending.sequence()).await, Status::Running);
    assert_eq!(wait(Sequence::from_number(99)).await, Status::Running);
    finish(&memory, &lease, &finished()).await.unwrap();
    assert_eq!(wait(lease.execution().sequence()).await, Status::Completed);
    assert_eq!(wait(Sequence::from_number(3)).await, Status::Completed);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn output_is_no_change() {
    let (executions, memory) = in_memory();
    submitted(&executions).await;
    let lease = take(&memory).await;
    let (alice, began) = (user("alice"), Instant::now());
    let waiting = executions.wait(&alice, lease.id(), None, TIMEOUT);
    let (answer, ()) = tokio::join!(waiting, write(&memory, &lease));
    assert_eq!(answer.unwrap().sequence(), Sequence::from_number(3));
    assert_eq!(began.elapsed(), TIMEOUT, "it waited for a change");
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_the_answer_is_the_current_execution() {
    let (executions, _memory) = in_memory();
    let pending: Execution = submitted(&executions).await;
    let (alice, began) = (user("alice"), Instant::now());
    let answer = executions.wait(&alice, pending.id(), None, Duration::ZERO);
    assert_eq!(answer.await.unwrap().status(), Status::Pending);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn an_execution_deleted_during_the_wait_is_absent() {
    let (executions, _memory) = in_memory();
    let pending = submitted(&executions).await;
    let alice = user("alice");
    let waiting = executions.wait(&alice, pending.id(), None, TIMEOUT);
    let deleting = async {
        tokio::task::yield_now().await;
        executions.delete(&alice, pending.id()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(waiting, deleting);
    // It was cancelled first, which is a change, and may be read before it is gone.
    match answer {
        Ok(execution) => assert_eq!(execution.status(), Status::Error),
        Err(error) => assert!(matches!(error, AccessError::Absent), "{error:?}"),
    }
}
