//! Tests queue positions beyond the contract of the port.

use crate::support::{Fixture, id};

/// A take passes over an execution past its deadline. It then has position 1 until a sweep ends it.
#[tokio::test]
async fn an_execution_past_its_deadline_has_the_first_position() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.clock.advance(fixture.policy.queue_deadline);
    fixture.submit(2).await;
    assert_eq!(fixture.take().await.id(), id(2));
    let position = fixture.redis.store.queue_position(id(1)).await.unwrap();
    assert_eq!(position, Some(1));
}
