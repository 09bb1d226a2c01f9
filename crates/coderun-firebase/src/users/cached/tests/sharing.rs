//! Lookups at the same time, and what becomes of them when callers, sources or the directory go away.

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
        ..POLICY
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
async fn a_caller_that_goes_away_does_not_end_the_lookup_of_others() {
    let source = ScriptedSource::new();
    let directory = directory(&source);
    let alice = user("alice");
    let mut first = directory.admit(sign_in(&alice)).boxed();
    assert!((&mut first).now_or_never().is_none());
    let second = verdict(&directory, "alice");
    drop(first);
    assert_eq!(second.await, "admitted");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_goes_on_when_everybody_has_gone() {
    let source = ScriptedSource::new();
    let directory = directory(&source);
    let alice = user("alice");
    assert!(directory.admit(sign_in(&alice)).now_or_never().is_none());
    sleep(Duration::from_secs(1)).await;
    assert_eq!(source.asked(), 1);
    assert_eq!(source.asked_now.load(Ordering::SeqCst), 0);
    let again = directory.admit(sign_in(&alice)).now_or_never();
    assert!(again.is_some_and(|verdict| verdict.is_ok()));
}

#[tokio::test(start_paused = true)]
async fn lookups_end_with_their_directory() {
    let source = ScriptedSource::new();
    source.takes(Duration::from_secs(1));
    let directory = directory(&source);
    let alice = user("alice");
    let mut call = directory.admit(sign_in(&alice)).boxed();
    assert!((&mut call).now_or_never().is_none());
    tokio::task::yield_now().await;
    assert_eq!(source.asked_now.load(Ordering::SeqCst), 1);
    drop(call);
    drop(directory);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(source.asked_now.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_blocks_nobody() {
    let source = ScriptedSource::new();
    source.is_to(Behaviour::Panics);
    let directory = directory(&source);
    assert_eq!(verdict(&directory, "alice").await, "users-unavailable");
    source.is_to(Behaviour::Answers(ACTIVE));
    assert_eq!(verdict(&directory, "alice").await, "admitted");
}
