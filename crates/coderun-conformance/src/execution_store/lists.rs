//! Checks lists: their owner, their order, and their pages.

use coderun_domain::testing::user;
use coderun_domain::{ExecutionId, Page, Status, Summary, Verdict};

use crate::Backend;
use crate::fixtures::{SECOND, id};

fn ids(list: &[Summary]) -> Vec<ExecutionId> {
    list.iter().map(|summary| summary.id).collect()
}

async fn page(backend: &Backend, after: Option<&Summary>, limit: usize) -> Vec<Summary> {
    let page = Page {
        before: after.map(Summary::cursor),
        limit,
    };
    backend.store.list(&user("alice"), page).await.unwrap()
}

/// A list holds the executions of its user, the latest first, and no more than asked for.
pub async fn a_list_holds_one_users_executions_newest_first(backend: Backend) {
    // Ids do not follow time.
    for (number, name) in [(5, "alice"), (2, "bob"), (9, "alice"), (1, "alice")] {
        backend.submit(number, name).await;
        backend.advance(SECOND);
    }
    assert_eq!(ids(&backend.list("alice").await), [1, 9, 5].map(id));
    assert_eq!(ids(&backend.list("bob").await), [id(2)]);
    assert_eq!(backend.list("carol").await, []);
    assert_eq!(ids(&page(&backend, None, 2).await), [1, 9].map(id));
}

/// Page by page a list gives every execution once, also where many were submitted at the same time.
pub async fn pages_join_without_gap_or_duplicate(backend: Backend) {
    for number in 1..=20 {
        backend.submit(number, "alice").await;
        if number % 7 == 0 {
            backend.advance(SECOND);
        }
    }
    let whole = backend.list("alice").await;
    assert_eq!(whole.len(), 20);
    let mut joined: Vec<Summary> = Vec::new();
    for _ in 0..7 {
        let next = page(&backend, joined.last(), 3).await;
        assert!(next.len() <= 3);
        joined.extend(next);
    }
    assert_eq!(page(&backend, joined.last(), 3).await, []);
    assert_eq!(joined, whole);
    let cursors: Vec<_> = whole.iter().map(Summary::cursor).collect();
    assert!(cursors.is_sorted_by(|newer, older| newer > older));
}

/// Executions that are submitted between two pages do not shift the later page.
pub async fn new_executions_do_not_shift_later_pages(backend: Backend) {
    for number in 1..=4 {
        backend.submit(number, "alice").await;
        backend.advance(SECOND);
    }
    let first = page(&backend, None, 2).await;
    assert_eq!(ids(&first), [4, 3].map(id));
    backend.submit(5, "alice").await;
    backend.delete(id(3)).await;
    let second = page(&backend, first.last(), 2).await;
    assert_eq!(ids(&second), [2, 1].map(id));
}

/// A summary matches its execution when that is pending, running and final.
pub async fn a_summary_matches_its_execution(backend: Backend) {
    let execution = backend.submit(1, "alice").await;
    assert_eq!(backend.list("alice").await, [Summary::from(&execution)]);
    backend.advance(SECOND);
    let lease = backend.take().await;
    backend.print(&lease, &["a"]).await;
    let running = backend.get(id(1)).await;
    let list = backend.list("alice").await;
    assert_eq!(list, [Summary::from(&running)]);
    assert_eq!((list[0].status, list[0].verdict), (Status::Running, None));
    backend.advance(SECOND);
    backend.finish(&lease).await;
    let list = backend.list("alice").await;
    assert_eq!(list, [Summary::from(&backend.get(id(1)).await)]);
    assert_eq!(list[0].verdict, Some(Verdict::Accepted));
    assert_eq!(list[0].completed_at, Some(backend.now()));
}

/// What a list says never goes back: an execution that was given back stays running until it is final.
pub async fn a_released_execution_is_listed_as_running(backend: Backend) {
    backend.submit(1, "alice").await;
    let lease = backend.take().await;
    backend.queue.release(&lease).await.unwrap();
    let waiting = backend.get(id(1)).await;
    assert_eq!(waiting.status(), Status::Pending);
    let list = backend.list("alice").await;
    assert_eq!(list, [Summary::from(&waiting)]);
    assert_eq!(list[0].status, Status::Running);
}

/// An execution that no worker ended is listed with the verdict that it has.
pub async fn a_forced_end_is_listed_with_its_verdict(backend: Backend) {
    backend.submit(1, "alice").await;
    backend.advance(backend.policy.queue_deadline);
    backend.sweep().await;
    backend.submit(2, "alice").await;
    backend.cancel(id(2)).await;
    let list = backend.list("alice").await;
    let ended = [backend.get(id(2)).await, backend.get(id(1)).await];
    assert_eq!(list, ended.each_ref().map(Summary::from));
    let verdicts = list.iter().map(|summary| summary.verdict);
    let expected = [Verdict::Cancelled, Verdict::InternalError];
    assert!(verdicts.eq(expected.map(Some)));
}
