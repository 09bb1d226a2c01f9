//! Tests keys that grow old.

use rstest::rstest;
use tokio::time::sleep;

use super::publisher::{FRESH, ScriptedPublisher, assert_backs_off, warm};
use super::*;
use crate::config::StaleKeyBound;

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

#[tokio::test(start_paused = true)]
async fn keys_are_fetched_again_before_they_are_old() {
    let (publisher, _source) = warm(&["a"]).await;
    sleep(DAY * 3).await;
    let asked_at = publisher.asked_at();
    assert!(asked_at.len() >= 12, "{}", asked_at.len());
    let pauses: Vec<Duration> = asked_at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let (least, most) = (FRESH * 3 / 4, FRESH * 4 / 5);
    for pause in &pauses {
        assert!(
            (least..=most + Duration::from_millis(1)).contains(pause),
            "{pause:?}"
        );
    }
    assert!(pauses.iter().any(|it| *it != pauses[0]), "no jitter");
}

#[tokio::test(start_paused = true)]
async fn no_caller_waits_for_newer_keys() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.publish(&["b"]);
    publisher.set_latency(HOUR * 2);
    sleep(FRESH).await;
    assert_eq!(publisher.fetches(), 2);
    let began = Instant::now();
    assert!(has(&source.current().await.unwrap(), "a"));
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(HOUR).await;
    assert!(has(&source.current().await.unwrap(), "b"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_not_published_any_more_is_dropped() {
    let (publisher, source) = warm(&["a", "b"]).await;
    publisher.publish(&["b", "c"]);
    sleep(FRESH).await;
    let keys = source.current().await.unwrap();
    assert!(!has(&keys, "a") && has(&keys, "b") && has(&keys, "c"));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_attempts_come_ever_later_up_to_five_minutes() {
    let (publisher, _source) = warm(&["a"]).await;
    publisher.fail();
    sleep(FRESH + HOUR).await;
    assert_backs_off(&publisher.asked_at()[1..], MINUTE * 5);
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_without_publisher_the_keys_are_still_in_use() {
    let (publisher, source) = warm(&["a"]).await;
    publisher.fail();
    sleep(FRESH).await;
    let first_set = source.current().await.unwrap();
    sleep(HOUR).await;
    assert!(Arc::ptr_eq(&source.current().await.unwrap(), &first_set));
    publisher.publish(&["b"]);
    sleep(MINUTE * 5).await;
    assert!(has(&source.current().await.unwrap(), "b"));
}

#[rstest]
#[case::usual(StaleKeyBound::default(), DAY)]
#[case::longest(StaleKeyBound::new(DAY * 7).unwrap(), DAY * 7)]
#[case::short(StaleKeyBound::new(HOUR * 7).unwrap(), HOUR * 7)]
#[case::shorter_than_fresh(StaleKeyBound::new(Duration::ZERO).unwrap(), FRESH)]
#[tokio::test(start_paused = true)]
async fn old_keys_are_in_use_until_their_bound(
    #[case] stale_bound: StaleKeyBound,
    #[case] expected: Duration,
) {
    let publisher = ScriptedPublisher::of(&["a"]);
    let source = publisher.source_with(HttpKeysConfig {
        stale_bound,
        ..config()
    });
    source.current().await.unwrap();
    publisher.fail();
    sleep(expected.saturating_sub(Duration::from_millis(2))).await;
    assert!(source.current().await.is_ok());
    sleep(Duration::from_millis(4)).await;
    let (retry_after, text) = outage(&source.current().await.unwrap_err());
    assert!(text.ends_with("the answer has the status 500"), "{text}");
    assert!(retry_after <= Duration::from_secs(15), "{retry_after:?}");
    assert!(source.look_for(&kid("a")).await.is_err());
    sleep(DAY).await;
    assert!(source.current().await.is_err());

    publisher.publish(&["a"]);
    sleep(Duration::from_secs(15)).await;
    assert!(source.current().await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn without_its_source_nothing_is_fetched() {
    let (publisher, source) = warm(&["a"]).await;
    drop(source);
    sleep(DAY * 2).await;
    assert_eq!(publisher.fetches(), 1);
}
