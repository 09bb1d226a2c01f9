//! Checks that a ticket admits its user to its execution once.

use std::sync::Arc;

use coderun_domain::testing::user;
use coderun_domain::{Admission, TicketDigest};

use crate::fixtures::{LIFETIME, at_once, id, ticket};
use crate::{Backend, Pending};

/// Neither an unknown ticket nor an unknown execution is an error.
pub async fn an_unknown_ticket_is_refused(backend: Backend) {
    assert_eq!(backend.redeem(id(1), 1).await, None);
    backend.submit(1, "alice").await;
    assert_eq!(backend.redeem(id(1), 1).await, None);
}

/// The admission comes back as it was given, to the millisecond.
pub async fn a_ticket_returns_its_admission_unchanged(Pending(backend): Pending) {
    let admission = Admission {
        user: user("alice"),
        expires_at: backend.now() + std::time::Duration::from_millis(1_234_567),
    };
    backend.issue_with(1, &admission, LIFETIME).await;
    assert_eq!(backend.redeem(id(1), 1).await, Some(admission));
}

/// Every id that a user may have is stored unchanged.
pub async fn odd_user_ids_are_stored_unchanged(Pending(backend): Pending) {
    for name in ["a b", "{alice}:*", "\"'\\", "ÄÖ 😀", "1,2;3|4=5"] {
        let admission = backend.admission(name);
        backend.issue_with(1, &admission, LIFETIME).await;
        assert_eq!(backend.redeem(id(1), 1).await, Some(admission));
    }
}

/// A ticket that was redeemed is invalid.
pub async fn a_ticket_is_valid_once(Pending(backend): Pending) {
    backend.issue(id(1), 1).await;
    assert!(backend.redeem(id(1), 1).await.is_some());
    for _ in 0..2 {
        assert_eq!(backend.redeem(id(1), 1).await, None);
    }
}

/// Of many redemptions of the same ticket at once one succeeds.
pub async fn of_many_redemptions_at_once_one_succeeds(Pending(backend): Pending) {
    for round in 1..=10 {
        backend.issue(id(1), round).await;
        let admitted = at_once(8, |_| {
            let tickets = Arc::clone(&backend.tickets);
            async move { tickets.redeem(id(1), ticket(round)).await.unwrap() }
        })
        .await;
        assert_eq!(admitted.iter().flatten().count(), 1, "round {round}");
    }
}

/// A ticket admits to no other execution, and trying that does not use it up.
pub async fn a_ticket_is_bound_to_its_execution(Pending(backend): Pending) {
    backend.submit(2, "alice").await;
    backend.issue(id(1), 1).await;
    for other in [2, 3] {
        assert_eq!(backend.redeem(id(other), 1).await, None);
    }
    assert!(backend.redeem(id(1), 1).await.is_some());
}

/// Tickets that differ in one bit are different tickets.
pub async fn tickets_that_differ_in_one_bit_are_distinct(Pending(backend): Pending) {
    backend.issue(id(1), 1).await;
    backend.issue(id(1), 2).await;
    for index in [0, 31] {
        let mut bytes = [1; 32];
        bytes[index] ^= 0x80;
        let other = TicketDigest::from_bytes(bytes);
        let redeemed = backend.tickets.redeem(id(1), other).await;
        assert_eq!(redeemed.unwrap(), None);
    }
    assert!(backend.redeem(id(1), 2).await.is_some());
    assert!(backend.redeem(id(1), 1).await.is_some());
}

/// A ticket is valid for a pending, a running and a final execution, also if it was issued before a change.
pub async fn a_ticket_is_valid_in_every_state(Pending(backend): Pending) {
    backend.issue(id(1), 1).await;
    backend.issue(id(1), 2).await;
    let lease = backend.take().await;
    assert!(backend.redeem(id(1), 1).await.is_some());
    backend.issue(id(1), 3).await;
    backend.finish(&lease).await;
    backend.issue(id(1), 4).await;
    for number in [2, 3, 4] {
        assert!(backend.redeem(id(1), number).await.is_some());
    }
}

/// Tickets are not part of an execution's record or events.
pub async fn a_ticket_changes_neither_record_nor_events(backend: Backend) {
    let execution = backend.submit(1, "alice").await;
    let events = backend.events(id(1)).await;
    backend.issue(id(1), 1).await;
    backend.issue(id(1), 2).await;
    backend.redeem(id(1), 1).await;
    backend.assert_unchanged(&execution, &events).await;
}
