//! Tests a source that fails for every user.

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// When to ask again, and why.
async fn refusal(lookup: &AccountLookup, name: &str) -> (Duration, String) {
    outage(&check(lookup, name).await.unwrap_err())
}

/// A lookup that knows Alice, with a circuit that is open for a second from now on.
async fn open_circuit() -> (Arc<ScriptedSource>, AccountLookup) {
    let (source, lookup) = lookup();
    source.set_latency(Duration::ZERO);
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    advance(SECOND * 61).await;
    source.set_behaviour(Behaviour::Fails);
    fail(&lookup, 3).await;
    assert_eq!(source.asked(), 4);
    (source, lookup)
}

#[tokio::test(start_paused = true)]
async fn after_three_failures_no_user_is_looked_up() {
    let (source, lookup) = open_circuit().await;
    let (retry_after, text) = refusal(&lookup, "bob").await;
    assert_eq!(retry_after, SECOND);
    assert!(text.contains("the answer has the status 502"), "{text}");
    fail(&lookup, 100).await;
    advance(Duration::from_millis(999)).await;
    fail(&lookup, 100).await;
    assert_eq!(source.asked(), 4);
}

#[tokio::test(start_paused = true)]
async fn two_failures_do_not_open_the_circuit() {
    let (source, lookup) = lookup();
    for round in 1..5 {
        source.set_behaviour(Behaviour::Fails);
        fail(&lookup, 2).await;
        source.set_behaviour(Behaviour::Answers(ACTIVE));
        let name = format!("good-{round}");
        assert_eq!(verdict(&lookup, &name).await, "admitted");
        assert_eq!(source.asked(), round * 3);
        advance(SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_known_user_is_admitted_while_the_circuit_is_open() {
    let (source, lookup) = open_circuit().await;
    assert_eq!(verdict(&lookup, "alice").await, "admitted");
    assert_eq!(source.asked(), 4);
    advance(Duration::from_mins(5)).await;
    fail(&lookup, 1).await;
    assert_eq!(source.asked(), 5);
    assert_eq!(verdict(&lookup, "alice").await, "users-unavailable");
    assert_eq!(source.asked(), 5);
}

#[tokio::test(start_paused = true)]
async fn the_circuit_is_open_twice_as_long_after_each_failed_probe_up_to_half_a_minute() {
    let (source, lookup) = open_circuit().await;
    for (probe, expected) in [1, 2, 4, 8, 16, 30, 30].into_iter().enumerate() {
        let open_for = SECOND * expected;
        assert_eq!(refusal(&lookup, "bob").await.0, open_for);
        advance(open_for / 2).await;
        let left = (open_for / 2).max(SECOND);
        assert_eq!(refusal(&lookup, "bob").await.0, left);
        advance(open_for / 2).await;
        let names: Vec<String> = (0..50).map(|it| format!("user-{probe}-{it}")).collect();
        let verdicts = join_all(names.iter().map(|name| verdict(&lookup, name))).await;
        assert!(verdicts.iter().all(|it| *it == "users-unavailable"));
        assert_eq!(source.asked(), 5 + probe);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_whose_lookup_failed_learns_how_long_the_circuit_is_open() {
    let (_, lookup) = open_circuit().await;
    advance(SECOND).await;
    assert_eq!(refusal(&lookup, "bob").await.0, SECOND * 2);
    assert_eq!(refusal(&lookup, "bob").await.0, SECOND * 2);
}

#[tokio::test(start_paused = true)]
async fn a_success_closes_the_circuit() {
    let (source, lookup) = open_circuit().await;
    advance(SECOND).await;
    fail(&lookup, 1).await;
    advance(SECOND * 2).await;
    source.set_behaviour(Behaviour::Answers(ACTIVE));
    for number in 0..10 {
        let name = format!("user-{number}");
        assert_eq!(verdict(&lookup, &name).await, "admitted");
    }
    assert_eq!(source.asked(), 15);
    assert!(lookup.check().is_ok());

    source.set_behaviour(Behaviour::Fails);
    for name in ["x", "y", "z"] {
        assert_eq!(refusal(&lookup, name).await.0, SECOND);
    }
    assert_eq!(source.asked(), 18, "it takes three failures again");
}

#[tokio::test(start_paused = true)]
async fn no_other_lookup_is_made_while_a_probe_is_under_way() {
    let (source, lookup) = open_circuit().await;
    source.set_behaviour(Behaviour::Answers(ACTIVE));
    source.set_latency(SECOND);
    advance(SECOND).await;
    let (probe, other) = tokio::join!(verdict(&lookup, "bob"), refusal(&lookup, "carol"));
    assert_eq!(probe, "admitted");
    assert_eq!(other.0, SECOND);
    assert_eq!(source.asked(), 5);
}

#[rstest]
#[case::about_one_user(Behaviour::AnswersWrongly)]
#[case::panic(Behaviour::Panics)]
#[tokio::test(start_paused = true)]
async fn a_probe_that_shows_nothing_is_followed_by_another(#[case] behaviour: Behaviour) {
    let (source, lookup) = open_circuit().await;
    advance(SECOND).await;
    source.set_behaviour(behaviour);
    assert_eq!(verdict(&lookup, "bob").await, "users-unavailable");
    source.set_behaviour(Behaviour::Answers(ACTIVE));
    assert_eq!(verdict(&lookup, "carol").await, "admitted");
    assert_eq!(source.asked(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_source_in_trouble_is_asked_less_not_more() {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::Fails);
    for _ in 0..60 {
        verdicts(&lookup, 200).await;
        sleep(SECOND).await;
    }
    // All that have a permit at first; then one after 1 s, 2 s, 4 s, 8 s and 16 s.
    let asked = source.asked();
    assert!((32..=38).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn failures_at_the_same_time_open_the_circuit_once() {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::Fails);
    verdicts(&lookup, 32).await;
    assert_eq!(source.asked(), 32);
    assert_eq!(refusal(&lookup, "bob").await.0, SECOND);
}

#[tokio::test(start_paused = true)]
async fn lookups_that_take_too_long_are_failures() {
    let (source, lookup) = lookup();
    source.set_latency(Duration::from_hours(1));
    fail(&lookup, 3).await;
    fail(&lookup, 10).await;
    assert_eq!(source.asked(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_about_one_user_concerns_no_other() {
    let (source, lookup) = lookup();
    source.set_behaviour(Behaviour::AnswersWrongly);
    fail(&lookup, 10).await;
    assert_eq!(source.asked(), 10);
    assert!(lookup.check().is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_check_fails_while_the_circuit_is_open() {
    let (_, lookup) = open_circuit().await;
    for seconds in [1, 2, 4, 8] {
        advance(SECOND * seconds).await;
        fail(&lookup, 1).await;
    }
    advance(SECOND * 15).await;
    assert_eq!(outage(&lookup.check().unwrap_err()).0, SECOND);
    advance(SECOND).await;
    assert!(lookup.check().is_ok(), "a probe needs a caller");
}
