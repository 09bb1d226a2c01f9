//! Checks how long tickets are valid, and how many.

use std::time::Duration;

use coderun_domain::{ExecutionId, StorePolicy, TicketError};

use crate::fixtures::{LIFETIME, SECOND, id};
use crate::{Backend, Pending};

fn last() -> u8 {
    u8::try_from(StorePolicy::TICKETS_MAX).unwrap()
}

/// Issues as many tickets as may be valid at a time.
async fn issue_all(backend: &Backend, id: ExecutionId) {
    for number in 1..=last() {
        backend.issue(id, number).await;
    }
}

async fn assert_too_many(backend: &Backend, id: ExecutionId) -> Duration {
    let refused = backend.try_issue(id, last() + 1).await;
    let Err(TicketError::TooMany { retry_after }) = refused else {
        panic!("not too many: {refused:?}");
    };
    assert!(retry_after > Duration::ZERO, "{retry_after:?}");
    assert!(retry_after <= LIFETIME, "{retry_after:?}");
    retry_after
}

/// A ticket is valid until its lifetime is over, and not longer.
pub async fn a_ticket_expires_after_its_lifetime(Pending(backend): Pending) {
    backend.issue(id(1), 1).await;
    backend.issue(id(1), 2).await;
    backend.advance(LIFETIME - SECOND);
    assert!(backend.redeem(id(1), 1).await.is_some());
    backend.advance(SECOND * 2);
    assert_eq!(backend.redeem(id(1), 2).await, None);
}

/// A later ticket does not lengthen the life of an earlier one, nor does a short one shorten it.
pub async fn each_ticket_has_its_own_lifetime(Pending(backend): Pending) {
    let admission = backend.admission("alice");
    for (number, seconds) in [(1, 20), (2, 60), (3, 5)] {
        let lifetime = Duration::from_secs(seconds);
        backend.issue_with(number, &admission, lifetime).await;
    }
    backend.advance(Duration::from_secs(10));
    assert_eq!(backend.redeem(id(1), 3).await, None);
    backend.advance(Duration::from_secs(20));
    assert_eq!(backend.redeem(id(1), 1).await, None);
    assert!(backend.redeem(id(1), 2).await.is_some());
}

/// An unknown execution gets no ticket, and a later execution with its id has none.
pub async fn an_unknown_execution_gets_no_ticket(backend: Backend) {
    let refused = backend.try_issue(id(1), 1).await;
    assert!(matches!(refused, Err(TicketError::Absent)), "{refused:?}");
    backend.submit(1, "alice").await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
}

/// The tickets of a deleted execution are invalid, also for a new execution with its id.
pub async fn deletion_removes_the_tickets(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    backend.delete(id(1)).await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
    let refused = backend.try_issue(id(1), 1).await;
    assert!(matches!(refused, Err(TicketError::Absent)), "{refused:?}");
    backend.submit(1, "alice").await;
    assert_eq!(backend.redeem(id(1), 2).await, None);
    issue_all(&backend, id(1)).await;
}

/// When a record expires, so do its tickets.
pub async fn expiry_removes_the_tickets(backend: Backend) {
    backend.complete(1, "alice").await;
    let admission = backend.admission("alice");
    let lifetime = backend.policy.retention * 3;
    backend.issue_with(1, &admission, lifetime).await;
    backend.advance(backend.policy.retention + SECOND);
    backend.sweep().await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
    backend.submit(1, "alice").await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
}

/// A bounded number of tickets is valid at a time. One more is refused, with the time until it may be issued.
pub async fn tickets_of_an_execution_are_bounded(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    assert_too_many(&backend, id(1)).await;
    assert_eq!(backend.redeem(id(1), last() + 1).await, None);
    for number in 1..=last() {
        assert!(backend.redeem(id(1), number).await.is_some());
    }
}

/// A ticket that has been used is not counted.
pub async fn a_redeemed_ticket_does_not_count(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    assert_too_many(&backend, id(1)).await;
    backend.redeem(id(1), 7).await;
    backend.issue(id(1), 7).await;
    assert_too_many(&backend, id(1)).await;
}

/// An expired ticket is not counted: after the time in the refusal another ticket may be issued.
pub async fn expired_tickets_do_not_count(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    backend.advance(LIFETIME / 2);
    let retry_after = assert_too_many(&backend, id(1)).await;
    backend.advance(retry_after + SECOND);
    backend.issue(id(1), last() + 1).await;
}

/// The tickets of one execution do not count for another.
pub async fn each_execution_has_its_own_ticket_bound(Pending(backend): Pending) {
    backend.submit(2, "alice").await;
    issue_all(&backend, id(1)).await;
    issue_all(&backend, id(2)).await;
    assert_too_many(&backend, id(1)).await;
}
