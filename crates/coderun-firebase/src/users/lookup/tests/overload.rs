//! Tests lookups of more users than the source can serve, and of a slow source.

use futures_util::FutureExt as _;
use rstest::rstest;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn one_at_a_time() -> (Arc<ScriptedSource>, AccountLookup) {
    lookup_with(CachePolicy {
        lookups_max: 1,
        ..CachePolicy::default()
    })
}

/// Checks that something took so long; timers tick in milliseconds.
fn assert_took(start: Instant, expected_ms: u128) {
    let took_ms = start.elapsed().as_millis();
    let most_ms = expected_ms + 5;
    assert!((expected_ms..=most_ms).contains(&took_ms), "{took_ms} ms");
}

/// 32 lookups at a time of 400 ms each are 80 a second.
#[rstest]
#[case::a_little_too_many(100)]
#[case::many_too_many(400)]
#[tokio::test(start_paused = true)]
async fn a_source_that_is_asked_for_too_much_goes_on_serving(#[case] per_second: u32) {
    let (source, lookup) = lookup();
    source.set_latency(Duration::from_millis(400));
    let callers = (0..20 * per_second).map(|number| {
        let lookup = &lookup;
        async move {
            sleep(SECOND * number / per_second).await;
            verdict(lookup, &format!("user-{number}")).await
        }
    });
    let verdicts = join_all(callers).await;
    let last_ten_seconds = verdicts.iter().skip(verdicts.len() / 2);
    let served = last_ten_seconds.filter(|it| **it == "admitted").count();
    assert!(served >= 400, "{served} of 800");
    assert!(lookup.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_lookup_waits_for_its_permit_for_half_a_second() {
    let (source, lookup) = one_at_a_time();
    source.set_latency(SECOND);
    let start = Instant::now();
    let bob = async {
        let error = check(&lookup, "bob").await.unwrap_err();
        assert_took(start, 500);
        error
    };
    let (alice, error) = tokio::join!(verdict(&lookup, "alice"), bob);
    assert_eq!(alice, "admitted");
    let (retry_after, text) = outage(&error);
    assert_eq!(retry_after, SECOND);
    assert!(text.ends_with("too many lookups are waiting"), "{text}");
    assert_eq!(source.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_waited_for_its_permit_has_the_full_deadline() {
    let (source, lookup) = one_at_a_time();
    source.set_latency(Duration::from_millis(450));
    let start = Instant::now();
    let alice = async {
        let verdict = verdict(&lookup, "alice").await;
        source.set_latency(Duration::from_millis(1_400));
        verdict
    };
    // Alice's turn ends in the same step in which Bob's begins.
    source.set_latency(Duration::from_millis(450));
    let verdicts = tokio::join!(alice, verdict(&lookup, "bob"));
    assert_eq!(verdicts.0, "admitted");
    assert_eq!(verdicts.1, "admitted");
    assert!(start.elapsed() < SECOND * 2);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_takes_a_second_and_a_half_at_most() {
    let (source, lookup) = lookup();
    source.set_latency(Duration::from_hours(1));
    let start = Instant::now();
    assert_eq!(verdict(&lookup, "alice").await, "users-unavailable");
    assert_took(start, 1_500);
    assert_eq!(source.asked_now.load(Ordering::SeqCst), 0);
}

/// A lookup that knows Alice, but since so long ago that she is asked for again, of a source that is slow now.
async fn slow(age: Duration) -> (Arc<ScriptedSource>, AccountLookup) {
    let (source, lookup) = lookup();
    source.set_latency(Duration::ZERO);
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    advance(age).await;
    source.set_behaviour(Behaviour::Answers(Account::Disabled));
    source.set_latency(SECOND);
    (source, lookup)
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_a_known_user_does_not_wait_long_for_a_slow_source() {
    let (source, lookup) = slow(Duration::from_mins(4)).await;
    let start = Instant::now();
    let verdicts = join_all((0..10).map(|_| verdict(&lookup, "alice"))).await;
    assert!(verdicts.iter().all(|it| *it == "admitted"), "{verdicts:?}");
    assert_took(start, 300);
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_is_not_waited_for_goes_on() {
    let (source, lookup) = slow(Duration::from_mins(4)).await;
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    sleep(SECOND).await;
    let known = verdict(&lookup, "alice").now_or_never();
    assert_eq!(known, Some("user-disabled"));
    assert_eq!(source.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_with_a_known_user_gets_the_new_answer_if_it_comes_soon() {
    let (source, lookup) = slow(Duration::from_mins(4)).await;
    source.set_latency(Duration::from_millis(290));
    assert_eq!(verdict(&lookup, "alice").await, "user-disabled");
}

#[rstest]
#[case::too_old(Duration::from_mins(6))]
#[case::too_old_when_the_wait_ends(Duration::from_millis(299_800))]
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_too_old_is_no_reason_to_wait_less(#[case] age: Duration) {
    let (_, lookup) = slow(age).await;
    let start = Instant::now();
    assert_eq!(verdict(&lookup, "alice").await, "user-disabled");
    assert_took(start, 1_000);
}

#[tokio::test(start_paused = true)]
async fn a_known_user_is_admitted_when_too_many_lookups_wait() {
    let (source, lookup) = slow(Duration::from_mins(4)).await;
    let (others, alice) = tokio::join!(verdicts(&lookup, 200), verdict(&lookup, "alice"));
    assert_eq!(alice, "admitted");
    assert!(others.contains(&"users-unavailable"));
    assert_eq!(source.asked(), 1 + 32);
}

#[tokio::test(start_paused = true)]
async fn a_short_deadline_leaves_time_for_turn_and_lookup() {
    let (source, lookup) = lookup_with(CachePolicy {
        deadline: Duration::from_millis(200),
        ..CachePolicy::default()
    });
    source.set_latency(Duration::from_millis(100));
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    source.set_latency(Duration::from_hours(1));
    let start = Instant::now();
    assert_eq!(verdict(&lookup, "bob").await, "users-unavailable");
    assert_took(start, 150);
}
