//! Checks submissions that their clients repeat under a key.

use coderun_domain::testing::{draft, user};
use coderun_domain::{Execution, FailureKind, IdempotencyKey, Page, SubmissionDraft};

use super::support::{finish, in_memory, take};
use crate::{Executions, SubmitError};

const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn submit(
    executions: &Executions,
    name: &str,
    draft: SubmissionDraft,
) -> Result<Execution, SubmitError> {
    let key = IdempotencyKey::parse("key-1").unwrap();
    let submitting = executions.submit(user(name), draft, Some(&key));
    submitting.await.map(|accepted| accepted.execution)
}

fn other_draft() -> SubmissionDraft {
    SubmissionDraft {
        code: "print('another')".to_owned(),
        ..draft()
    }
}

async fn count(executions: &Executions, name: &str) -> usize {
    let page = Page {
        before: None,
        limit: 10,
    };
    executions.list(&user(name), page).await.unwrap().len()
}

#[tokio::test]
async fn a_repetition_finds_the_execution_as_it_stands() {
    let (executions, memory) = in_memory();
    let first = submit(&executions, "alice", draft()).await.unwrap();
    assert_eq!(submit(&executions, "alice", draft()).await.unwrap(), first);
    let traced = SubmissionDraft {
        trace: Some(TRACE.parse().unwrap()),
        ..draft()
    };
    assert_eq!(submit(&executions, "alice", traced).await.unwrap(), first);
    let lease = take(&memory).await;
    let outcome = coderun_domain::testing::finished();
    finish(&memory, &lease, &outcome).await.unwrap();
    let ended = submit(&executions, "alice", draft()).await.unwrap();
    assert_eq!(ended.id(), first.id());
    assert!(ended.status().is_final());
    assert_eq!(count(&executions, "alice").await, 1);
}

#[tokio::test]
async fn a_key_names_no_other_submission_while_the_first_exists() {
    let (executions, _) = in_memory();
    let first = submit(&executions, "alice", draft()).await.unwrap();
    let reused = submit(&executions, "alice", other_draft()).await;
    let error = reused.unwrap_err();
    assert!(matches!(error, SubmitError::KeyReused), "{error:?}");
    assert_eq!(error.kind(), FailureKind::Invalid);
    assert_eq!(count(&executions, "alice").await, 1);
    executions.delete(&user("alice"), first.id()).await.unwrap();
    let second = submit(&executions, "alice", other_draft()).await.unwrap();
    assert_eq!(second.submission().code(), "print('another')");
}

#[tokio::test]
async fn users_may_choose_the_same_key() {
    let (executions, _) = in_memory();
    let of_alice = submit(&executions, "alice", draft()).await.unwrap();
    let of_bob = submit(&executions, "bob", draft()).await.unwrap();
    assert_ne!(of_alice.id(), of_bob.id());
    assert_eq!(of_bob.submission().user(), &user("bob"));
}
