//! Tests the time before the first keys.

use tokio::time::sleep;

use super::publisher::{ScriptedPublisher, assert_backs_off};
use super::*;

#[tokio::test(start_paused = true)]
async fn all_first_callers_share_one_fetch() {
    let publisher = ScriptedPublisher::of(&["a"]);
    publisher.set_latency(Duration::from_secs(1));
    let source = Arc::new(publisher.source());
    let callers: Vec<_> = (0..500)
        .map(|_| {
            let source = Arc::clone(&source);
            spawn(async move { source.current().await })
        })
        .collect();
    for caller in callers {
        assert!(has(&caller.await.unwrap().unwrap(), "a"));
    }
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn first_callers_do_not_wait_for_ever() {
    let publisher = ScriptedPublisher::of(&["a"]);
    publisher.set_latency(Duration::from_secs(4));
    let source = publisher.source();
    let began = Instant::now();
    let error = source.current().await.unwrap_err();
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    let (retry_after, text) = outage(&error);
    assert_eq!(retry_after, Duration::from_secs(1));
    assert!(text.ends_with("the keys have not come yet"), "{text}");
    assert!(source.current().await.is_ok(), "the fetch went on");
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_looks_for_a_key_waits_no_longer_than_others() {
    let publisher = ScriptedPublisher::of(&["a"]);
    publisher.set_latency(Duration::from_secs(2));
    let source = publisher.source();
    let began = Instant::now();
    assert!(source.look_for(&kid("b")).await.is_err());
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_no_caller_waits_and_each_learns_the_cause() {
    let publisher = ScriptedPublisher::default();
    let source = publisher.source();
    assert!(source.current().await.is_err());
    let began = Instant::now();
    for _ in 0..100 {
        let (retry_after, text) = outage(&source.current().await.unwrap_err());
        assert!(text.ends_with("the answer has the status 500"), "{text}");
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(2));
        assert!((least..=most).contains(&retry_after), "{retry_after:?}");
    }
    assert_eq!(began.elapsed(), Duration::ZERO);
    assert_eq!(publisher.fetches(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_keys_attempts_come_ever_later_but_often() {
    let publisher = ScriptedPublisher::default();
    let source = publisher.source();
    sleep(Duration::from_mins(10)).await;
    let attempts = publisher.asked_at();
    assert_backs_off(&attempts, Duration::from_secs(15));
    let (retry_after, _) = outage(&source.current().await.unwrap_err());
    assert!(retry_after <= Duration::from_secs(15), "{retry_after:?}");
    sleep(retry_after + Duration::from_millis(1)).await;
    assert_eq!(publisher.fetches(), attempts.len() + 1);
}

#[tokio::test(start_paused = true)]
async fn the_first_keys_come_when_the_publisher_does() {
    let publisher = ScriptedPublisher::default();
    let source = publisher.source();
    sleep(Duration::from_hours(3)).await;
    assert!(source.current().await.is_err());
    publisher.publish(&["a"]);
    sleep(Duration::from_secs(15)).await;
    assert!(has(&source.current().await.unwrap(), "a"));
}

#[test]
fn outside_of_a_runtime_it_does_not_start() {
    let error = HttpKeySource::start(config()).unwrap_err();
    assert!(matches!(error, StartError::NoRuntime), "{error:?}");
}
