//! Tests tokens that name keys which are in no set.

use futures_util::future::join_all;
use tokio::time::{advance, sleep, sleep_until};

use super::publisher::{FRESH, ScriptedPublisher, warm};
use super::*;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

async fn finds(source: &HttpKeySource, name: &str) -> bool {
    has(&source.look_for(&kid(name)).await.unwrap(), name)
}

#[tokio::test(start_paused = true)]
async fn one_fetch_finds_a_new_key_for_all_callers() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.publish(&["b"]);
    publisher.set_latency(SECOND);
    let found = join_all((0..500).map(|_| finds(&source, "b"))).await;
    assert!(found.iter().all(|it| *it));
    assert!(!has(&source.current().await.unwrap(), "a"));
    assert_eq!(publisher.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_current_key_is_not_looked_for() {
    let (publisher, source) = warm(&["a"]).await;
    assert!(finds(&source, "a").await);
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn thousands_of_unknown_keys_make_a_handful_of_fetches() {
    let (publisher, source) = warm(&["a"]).await;
    for number in 0..20_000 {
        assert!(!finds(&source, &format!("unknown-{number}")).await);
        advance(Duration::from_micros(2_950)).await;
    }
    assert_eq!(publisher.fetches(), 2);
    assert!(has(&source.current().await.unwrap(), "a"));
    advance(SECOND).await;
    assert!(!finds(&source, "unknown").await);
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn no_caller_waits_while_no_lookup_is_due() {
    let (publisher, source) = warm(&["a"]).await;
    assert!(!finds(&source, "b").await);
    publisher.publish(&["c"]);
    let began = Instant::now();
    assert!(!finds(&source, "c").await);
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(MINUTE).await;
    assert!(finds(&source, "c").await, "it was never looked for before");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_not_found_is_looked_for_again_after_a_minute() {
    let (publisher, source) = warm(&["a"]).await;
    assert!(!finds(&source, "b").await);
    publisher.publish(&["a", "b"]);
    sleep(SECOND * 59).await;
    assert!(!finds(&source, "b").await);
    assert_eq!(publisher.fetches(), 2);
    sleep(SECOND).await;
    assert!(finds(&source, "b").await);
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_minute_begins_at_the_start_of_a_lookup() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.set_latency(SECOND * 2);
    let began = Instant::now();
    assert!(!finds(&source, "b").await);
    publisher.publish(&["a", "b"]);
    sleep_until(began + MINUTE).await;
    assert!(finds(&source, "b").await);
}

#[tokio::test(start_paused = true)]
async fn naming_a_missing_key_again_does_not_postpone_the_next_lookup() {
    let (publisher, source) = warm(&["a"]).await;
    assert!(!finds(&source, "b").await);
    sleep(SECOND * 59).await;
    assert!(!finds(&source, "b").await);
    publisher.publish(&["a", "c"]);
    sleep(SECOND).await;
    assert!(finds(&source, "c").await);
}

/// A source with a scheduled fetch under way.
async fn fetching() -> (ScriptedPublisher, HttpKeySource) {
    let (publisher, source) = warm(&["a"]).await;
    publisher.set_latency(SECOND);
    let keys = &source.refresher.keys;
    sleep_until(keys.due_at().unwrap()).await;
    while keys.flight().is_none() {
        tokio::task::yield_now().await;
    }
    (publisher, source)
}

#[tokio::test(start_paused = true)]
async fn a_key_that_came_after_a_fetch_had_begun_is_looked_for_by_another() {
    let (publisher, source) = fetching().await;
    let found = tokio::join!(finds(&source, "b"), async {
        let flight = source.refresher.keys.flight().unwrap();
        flight.await.unwrap().unwrap();
        publisher.publish(&["a", "b"]);
    });
    assert!(found.0);
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_fetch_that_began_before_a_lookup_proves_no_key_missing() {
    let (publisher, source) = warm(&["a"]).await;
    let source = Arc::new(source);
    publisher.set_latency(SECOND * 2);
    let other_caller = {
        let source = Arc::clone(&source);
        spawn(async move { finds(&source, "made-up").await })
    };
    sleep(SECOND).await;
    assert!(!finds(&source, "b").await);
    assert!(!other_caller.await.unwrap());
    publisher.publish(&["a", "b"]);
    sleep(SECOND * 58).await;
    assert!(finds(&source, "b").await);
}

#[tokio::test(start_paused = true)]
async fn a_failed_lookup_changes_neither_keys_nor_the_time_of_the_next() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.fail();
    let (retry_after, text) = outage(&source.look_for(&kid("b")).await.unwrap_err());
    assert!(text.ends_with("the answer has the status 500"), "{text}");
    assert_eq!(retry_after, MINUTE);
    sleep(SECOND * 10).await;
    let (retry_after, _) = outage(&source.look_for(&kid("b")).await.unwrap_err());
    assert_eq!(retry_after, SECOND * 50);
    assert_eq!(publisher.fetches(), 2);
    assert!(has(&source.current().await.unwrap(), "a"));

    publisher.publish(&["a", "b"]);
    sleep(retry_after).await;
    assert!(finds(&source, "b").await);
    assert_eq!(publisher.fetches(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_lookup_does_not_move_the_next_scheduled_fetch() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.fail();
    assert!(source.look_for(&kid("b")).await.is_err());
    publisher.publish(&["b"]);
    sleep(FRESH * 29 / 40).await;
    assert_eq!(publisher.fetches(), 2);
    sleep(FRESH * 3 / 40 + SECOND).await;
    assert_eq!(publisher.fetches(), 3);
    assert!(has(&source.current().await.unwrap(), "b"));
}

#[tokio::test(start_paused = true)]
async fn a_caller_does_not_wait_for_a_slow_lookup() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.publish(&["b"]);
    publisher.set_latency(SECOND * 4);
    let began = Instant::now();
    let error = source.look_for(&kid("b")).await.unwrap_err();
    assert_eq!(began.elapsed(), SECOND * 3);
    assert_eq!(outage(&error).0, SECOND);
    assert!(
        finds(&source, "b").await,
        "the next caller waits for the same"
    );
    assert_eq!(publisher.fetches(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_joins_a_fetch_that_is_under_way() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.publish(&["b"]);
    publisher.set_latency(FRESH / 4 + SECOND * 2);
    sleep(FRESH + SECOND).await;
    assert_eq!(publisher.fetches(), 2, "it is under way");
    sleep_until(publisher.asked_at()[1] + FRESH / 4 + SECOND).await;
    assert!(finds(&source, "b").await);
    assert_eq!(publisher.fetches(), 2);
}
