//! How long tickets are good, and how many.

use std::time::Duration;

use coderun_domain::{ExecutionId, StorePolicy, TicketError};

use crate::fixtures::{LIFETIME, SECOND, id, ticket};
use crate::{Backend, Pending};

fn last() -> u8 {
    u8::try_from(StorePolicy::TICKETS_MAX).unwrap()
}

/// Issues as many tickets as may be good at a time.
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

/// A ticket is good until its lifetime is over, and then no more.
pub async fn a_ticket_ends_with_its_lifetime(Pending(backend): Pending) {
    backend.issue(id(1), 1).await;
    backend.issue(id(1), 2).await;
    backend.advance(LIFETIME - SECOND);
    assert!(backend.redeem(id(1), 1).await.is_some());
    backend.advance(SECOND * 2);
    assert_eq!(backend.redeem(id(1), 2).await, None);
}

/// A later ticket does not lengthen the life of an earlier one, nor does a short one shorten it.
pub async fn each_ticket_has_a_lifetime_of_its_own(Pending(backend): Pending) {
    let admission = backend.admission("alice");
    for (number, seconds) in [(1, 20), (2, 60), (3, 5)] {
        let lifetime = Duration::from_secs(seconds);
        let issued = backend
            .tickets
            .issue(id(1), ticket(number), &admission, lifetime);
        issued.await.unwrap();
    }
    backend.advance(Duration::from_secs(10));
    assert_eq!(backend.redeem(id(1), 3).await, None);
    backend.advance(Duration::from_secs(20));
    assert_eq!(backend.redeem(id(1), 1).await, None);
    assert!(backend.redeem(id(1), 2).await.is_some());
}

/// There are no tickets for what is not there, and none are left for what comes later.
pub async fn an_unknown_execution_gets_no_ticket(backend: Backend) {
    let refused = backend.try_issue(id(1), 1).await;
    assert!(matches!(refused, Err(TicketError::Absent)), "{refused:?}");
    backend.submit(1, "alice").await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
}

/// The tickets of a deleted execution admit nobody, also not to a new one with its id.
pub async fn a_deleted_execution_takes_its_tickets_along(Pending(backend): Pending) {
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
pub async fn an_expired_execution_takes_its_tickets_along(backend: Backend) {
    backend.complete(1, "alice").await;
    let admission = backend.admission("alice");
    let lifetime = backend.policy.retention * 3;
    let issued = backend
        .tickets
        .issue(id(1), ticket(1), &admission, lifetime);
    issued.await.unwrap();
    backend.advance(backend.policy.retention + SECOND);
    backend.sweep().await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
    backend.submit(1, "alice").await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
}

/// So many tickets are good at a time, and one more is refused with the time when it will not be.
pub async fn tickets_of_an_execution_are_bounded(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    assert_too_many(&backend, id(1)).await;
    assert_eq!(backend.redeem(id(1), last() + 1).await, None);
    for number in 1..=last() {
        assert!(backend.redeem(id(1), number).await.is_some());
    }
}

/// A ticket that has been used is not counted.
pub async fn a_ticket_that_was_redeemed_makes_room(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    assert_too_many(&backend, id(1)).await;
    backend.redeem(id(1), 7).await;
    backend.issue(id(1), 7).await;
    assert_too_many(&backend, id(1)).await;
}

/// Nor is one whose lifetime is over: whoever waits as long as they were told finds room.
pub async fn tickets_that_have_ended_make_room(Pending(backend): Pending) {
    issue_all(&backend, id(1)).await;
    backend.advance(LIFETIME / 2);
    let retry_after = assert_too_many(&backend, id(1)).await;
    backend.advance(retry_after + SECOND);
    backend.issue(id(1), last() + 1).await;
}

/// Many tickets for one execution are none of another's concern.
pub async fn other_executions_have_bounds_of_their_own(Pending(backend): Pending) {
    backend.submit(2, "alice").await;
    issue_all(&backend, id(1)).await;
    issue_all(&backend, id(2)).await;
    assert_too_many(&backend, id(1)).await;
}
