//! Tests lookups that run at the same time.

use futures_util::FutureExt as _;

use super::*;

#[tokio::test(start_paused = true)]
async fn callers_for_one_user_share_one_lookup() {
    let (source, lookup) = lookup();
    let verdicts = join_all((0..500).map(|_| verdict(&lookup, "alice"))).await;
    assert!(verdicts.iter().all(|it| *it == "admitted"), "{verdicts:?}");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn lookups_of_many_users_wait_for_their_turn() {
    let (source, lookup) = lookup();
    let verdicts = verdicts(&lookup, 500).await;
    assert!(verdicts.iter().all(|it| *it == "admitted"), "{verdicts:?}");
    assert_eq!(source.asked(), 500);
    assert_eq!(source.asked_now_max.load(Ordering::SeqCst), 32);
}

#[tokio::test(start_paused = true)]
async fn too_many_lookups_at_a_time_are_refused() {
    let (source, lookup) = lookup_with(CachePolicy {
        users_max: 10,
        ..CachePolicy::default()
    });
    let verdicts = verdicts(&lookup, 15).await;
    let admitted = verdicts.iter().filter(|it| **it == "admitted").count();
    let refused = verdicts.iter().filter(|it| **it == "users-unavailable");
    assert_eq!((admitted, refused.count()), (10, 5));
    assert_eq!(source.asked(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_user_is_not_evicted_while_it_is_looked_up() {
    let (source, lookup) = lookup_with(CachePolicy {
        users_max: 4,
        ..CachePolicy::default()
    });
    let look_up_others = async |first: usize| {
        source.set_latency(Duration::ZERO);
        for number in first..first + 100 {
            let name = format!("user-{number}");
            assert_eq!(verdict(&lookup, &name).await, "admitted");
        }
    };
    look_up_others(0).await;
    source.set_latency(Duration::from_secs(1));
    let first = verdict(&lookup, "alice").now_or_never();
    assert!(first.is_none());
    tokio::task::yield_now().await;
    look_up_others(100).await;
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    assert_eq!(source.asked(), 201);
}
