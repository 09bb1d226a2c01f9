//! Tests how long the server stores tickets.

use std::time::Duration;

use coderun_domain::TicketError;

use crate::support::{Fixture, id, key};

const SHORT: Duration = Duration::from_secs(30);

/// A ticket with a long lifetime ends with its record, and one with a short lifetime soon after it expires.
#[tokio::test]
async fn tickets_do_not_outlive_their_record() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for (number, minutes) in [(1, 1), (2, 1_000_000), (3, 1)] {
        let lifetime = Duration::from_mins(minutes);
        fixture.issue(1, number, lifetime).await.unwrap();
        let ttl = |kind| fixture.ttl_ms(&key(kind, 1));
        let (record, tickets) = (ttl("e"), ttl("t"));
        assert!(tickets <= record, "{tickets} ms, {record} ms");
        if number == 1 {
            assert!(tickets <= 2 * 60 * 1000, "{tickets} ms");
        }
    }
    assert!(fixture.redis.store.delete(id(1)).await.unwrap());
    assert!(!fixture.keys().contains(&key("t", 1)));
}

/// No sweep has deleted the record yet.
#[tokio::test]
async fn a_ticket_for_an_expired_execution_is_refused() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    fixture.finish(&lease).await;
    let lifetime = fixture.policy.retention * 2;
    fixture.issue(1, 1, lifetime).await.unwrap();
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(fixture.redeem(1, 1).await, None);
    let refused = fixture.issue(1, 2, lifetime).await;
    assert_matches!(refused, Err(TicketError::Absent));
}

/// The key goes with the last ticket, even if that has expired.
#[tokio::test]
async fn redeemed_tickets_are_deleted() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for number in [1, 2] {
        fixture.issue(1, number, SHORT).await.unwrap();
    }
    let admission = fixture.admission();
    assert_eq!(fixture.redeem(1, 1).await, Some(admission));
    fixture.clock.advance(SHORT);
    assert_eq!(fixture.redeem(1, 2).await, None);
    assert!(!fixture.keys().contains(&key("t", 1)));
}

#[tokio::test]
async fn expired_tickets_are_deleted() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for round in 0..4 {
        for number in 1..=3 {
            let ticket = round * 10 + number;
            fixture.issue(1, ticket, SHORT).await.unwrap();
        }
        fixture.clock.advance(SHORT);
    }
    assert_eq!(fixture.command(&["HLEN", &key("t", 1)]), "3");
}

#[tokio::test]
async fn too_many_tickets_are_refused_until_the_first_expires() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for number in 1..=16 {
        let lifetime = SHORT + Duration::from_secs(number.into());
        fixture.issue(1, number, lifetime).await.unwrap();
    }
    fixture.clock.advance(Duration::from_secs(4));
    let refused = fixture.issue(1, 17, SHORT).await;
    let Err(TicketError::TooMany { retry_after }) = refused else {
        panic!("not too many: {refused:?}");
    };
    assert_eq!(retry_after, Duration::from_secs(27));
}
