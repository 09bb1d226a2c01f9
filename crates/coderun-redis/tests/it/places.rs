//! Places in the line, beyond what the contract says of them.

use coderun_domain::ExecutionStore as _;

use crate::support::{Fixture, id};

/// What waited too long has lost its place in the line, and has nobody before it until a sweep ends it.
#[tokio::test]
async fn what_was_passed_over_is_the_first_to_end() {
    let fixture = Fixture::start().await;
    fixture.submit(1).await;
    fixture.clock.advance(fixture.policy.queue_deadline);
    fixture.submit(2).await;
    assert_eq!(fixture.take().await.id(), id(2));
    let place = fixture.redis.queue_position(id(1)).await.unwrap();
    assert_eq!(place, Some(1));
}
