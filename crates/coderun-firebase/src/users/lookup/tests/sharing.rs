//! Tests lookups that run at the same time.

use futures_util::FutureExt as _;
use futures_util::future::join_all;

use super::*;

#[tokio::test(start_paused = true)]
async fn callers_for_one_user_share_one_lookup() {
    let source = ScriptedSource::new();
    let directory = directory(&source);
    let verdicts = join_all((0..500).map(|_| verdict(&directory, "alice"))).await;
    assert!(verdicts.iter().all(|it| *it == "admitted"), "{verdicts:?}");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn lookups_of_many_users_wait_for_their_turn() {
    let source = ScriptedSource::new();
    let directory = directory(&source);
    let names: Vec<String> = (0..500).map(|number| format!("user-{number}")).collect();
    let verdicts = join_all(names.iter().map(|name| verdict(&directory, name))).await;
    assert!(verdicts.iter().all(|it| *it == "admitted"), "{verdicts:?}");
    assert_eq!(source.asked(), 500);
    assert_eq!(source.asked_now_max.load(Ordering::SeqCst), 32);
}

#[tokio::test(start_paused = true)]
async fn too_many_lookups_at_a_time_are_refused() {
    let source = ScriptedSource::new();
    let policy = CachePolicy {
        users_max: 10,
        ..CachePolicy::default()
    };
    let directory = directory_with(&source, policy);
    let names: Vec<String> = (0..15).map(|number| format!("user-{number}")).collect();
    let verdicts = join_all(names.iter().map(|name| verdict(&directory, name))).await;
    let admitted = verdicts.iter().filter(|it| **it == "admitted").count();
    let refused = verdicts.iter().filter(|it| **it == "users-unavailable");
    assert_eq!((admitted, refused.count()), (10, 5));
    assert_eq!(source.asked(), 10);
}

#[tokio::test(start_paused = true)]
async fn after_a_panic_of_the_source_lookups_go_on() {
    let source = ScriptedSource::new();
    source.is_to(Behaviour::Panics);
    let directory = directory(&source);
    assert_eq!(verdict(&directory, "alice").await, "users-unavailable");
    source.is_to(Behaviour::Answers(ACTIVE));
    assert_eq!(verdict(&directory, "alice").await, "admitted");
}

#[tokio::test(start_paused = true)]
async fn a_user_is_not_evicted_while_it_is_looked_up() {
    let source = ScriptedSource::new();
    let policy = CachePolicy {
        users_max: 4,
        ..CachePolicy::default()
    };
    let directory = directory_with(&source, policy);
    let look_up_others = async |first: usize| {
        source.takes(Duration::ZERO);
        for number in first..first + 100 {
            let name = format!("user-{number}");
            assert_eq!(verdict(&directory, &name).await, "admitted");
        }
    };
    look_up_others(0).await;
    source.takes(Duration::from_secs(1));
    let first = verdict(&directory, "alice").now_or_never();
    assert!(first.is_none());
    tokio::task::yield_now().await;
    look_up_others(100).await;
    assert_eq!(verdict(&directory, "alice").await, "admitted");
    assert_eq!(source.asked(), 201);
}
