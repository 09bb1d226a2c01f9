//! Tickets: what the server knows of them, and for how long.

use std::time::Duration;

use coderun_domain::{ExecutionStore as _, TicketError};

use crate::support::{Fixture, id, key};

const SHORT: Duration = Duration::from_secs(30);

fn ttl(fixture: &Fixture, kind: &str) -> u64 {
    let answer = fixture.server.command(&["PTTL", &key(kind, 1)]);
    answer.text().parse().unwrap()
}

/// However long a ticket is said to be good, it does not outlive its record; and a short one is not kept much longer than
/// it is good.
#[tokio::test]
async fn tickets_do_not_outlive_their_record() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for (number, minutes) in [(1, 1), (2, 1_000_000), (3, 1)] {
        let lifetime = Duration::from_mins(minutes);
        fixture.issue(1, number, lifetime).await.unwrap();
        let (record, tickets) = (ttl(&fixture, "execution"), ttl(&fixture, "tickets"));
        assert!(tickets <= record, "{tickets} ms, {record} ms");
        if number == 1 {
            assert!(tickets <= 12 * 60 * 1000, "{tickets} ms");
        }
    }
    assert!(fixture.redis.delete(id(1)).await.unwrap());
    assert!(!fixture.keys().contains(&key("tickets", 1)));
}

/// A record whose time is over admits nobody, also before a sweep has deleted it.
#[tokio::test]
async fn a_ticket_for_what_has_expired_admits_nobody() {
    let fixture = Fixture::start().await;
    let lease = fixture.begin(1).await;
    fixture.finish(&lease).await;
    let lifetime = fixture.policy.retention * 2;
    fixture.issue(1, 1, lifetime).await.unwrap();
    fixture.clock.advance(fixture.policy.retention);
    assert_eq!(fixture.redeem(1, 1).await, None);
    let refused = fixture.issue(1, 2, lifetime).await;
    assert!(matches!(refused, Err(TicketError::Absent)), "{refused:?}");
}

/// The last ticket takes the key with it, also where it had ended.
#[tokio::test]
async fn nothing_is_left_of_used_tickets() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for number in [1, 2] {
        fixture.issue(1, number, SHORT).await.unwrap();
    }
    let admission = fixture.admission();
    assert_eq!(fixture.redeem(1, 1).await, Some(admission));
    fixture.clock.advance(SHORT);
    assert_eq!(fixture.redeem(1, 2).await, None);
    assert!(!fixture.keys().contains(&key("tickets", 1)));
}

/// However many tickets somebody asks for and never uses, those that have ended are not kept.
#[tokio::test]
async fn tickets_that_have_ended_are_not_kept() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    for round in 0..4 {
        for number in 1..=3 {
            let ticket = round * 10 + number;
            fixture.issue(1, ticket, SHORT).await.unwrap();
        }
        fixture.clock.advance(SHORT);
    }
    let kept = fixture.server.command(&["HLEN", &key("tickets", 1)]);
    assert_eq!(kept.text(), "3");
}

/// Who may ask again is told exactly when the first of them ends.
#[tokio::test]
async fn whoever_has_too_many_is_told_when_one_ends() {
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
