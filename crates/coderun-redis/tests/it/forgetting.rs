//! A server that has forgotten something, or everything.

use std::time::Duration;

use coderun_domain::testing::{finished, user};
use coderun_domain::{
    ExecutionQueue as _, ExecutionStore as _, Notifier as _, Page, QueueError, Sequence, Swept,
    WatchError,
};
use futures_util::StreamExt as _;

use crate::support::{Fixture, id};

const ALL: Page = Page {
    before: None,
    limit: 100,
};

/// After a flush ids are unknown, nothing hangs, and new work is done: scripts are sent again, counts begin anew.
#[tokio::test]
async fn after_a_flush_the_service_begins_anew() {
    let fixture = Fixture::with(|policy| policy.user_pending_max = 1).await;
    let lease = fixture.begin(1).await;
    fixture.submit(2).await;
    let redis = &fixture.redis;
    let mut watched = redis
        .subscribe(id(1), lease.execution.sequence())
        .await
        .unwrap();
    assert_eq!(fixture.server.command(&["FLUSHALL"]).text(), "OK");
    assert_eq!(fixture.server.command(&["SCRIPT", "FLUSH"]).text(), "OK");
    assert_eq!(fixture.get(1).await, None);
    assert_eq!(redis.list(&user("alice"), ALL).await.unwrap(), []);
    let finished = redis.finish(&lease, &finished()).await;
    assert!(
        matches!(finished, Err(QueueError::LeaseLost)),
        "{finished:?}"
    );
    assert!(fixture.try_take().await.is_none());
    let unknown = redis.subscribe(id(2), Sequence::START).await.err();
    assert!(matches!(unknown, Some(WatchError::Gone)), "{unknown:?}");
    let told = tokio::time::timeout(Duration::from_secs(20), watched.next()).await;
    assert!(matches!(told, Ok(Some(Err(WatchError::Gone)))), "{told:?}");
    let lease = fixture.begin(3).await;
    fixture.finish(&lease).await;
    assert!(fixture.get(3).await.unwrap().status().is_final());
}

/// One record is lost, of an execution that waited, ran or had ended: nothing else is.
#[tokio::test]
async fn what_points_to_a_lost_record_goes_with_it() {
    let fixture = Fixture::with(|policy| {
        policy.user_pending_max = 1;
        policy.user_running_max = 1;
    })
    .await;
    let lease = fixture.begin(1).await;
    fixture.finish(&lease).await;
    fixture.begin(2).await;
    fixture.submit(3).await;
    for number in 1..=3 {
        let key = format!("coderun:{{0}}:execution:{}", id(number));
        assert_eq!(fixture.server.command(&["DEL", &key]).text(), "1");
    }
    assert!(fixture.try_take().await.is_none());
    assert_eq!(fixture.redis.list(&user("alice"), ALL).await.unwrap(), []);
    fixture.clock.advance(Duration::from_hours(3));
    assert_eq!(fixture.redis.sweep().await.unwrap(), Swept::default());
    // The places of the one that waited and of the one that ran are free again.
    let lease = fixture.begin(4).await;
    fixture.submit(5).await;
    fixture.finish(&lease).await;
    assert_eq!(fixture.take().await.id(), id(5));
}
