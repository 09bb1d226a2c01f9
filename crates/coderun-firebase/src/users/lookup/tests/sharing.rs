//! Tests lookups that run at the same time.

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
