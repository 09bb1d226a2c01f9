//! Tests which hints reach which waiting tasks.

mod losses;

use std::time::Duration;

use coderun_domain::testing::execution_id;
use coderun_redis_fixture::RedisServer;
use tokio::time::timeout;

use super::*;

/// Enough for a hint that must come, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// The wait for a hint that must not come.
const SHORT: Duration = Duration::from_millis(100);

async fn connect(url: &str) -> Subscriber {
    let mut config = RedisConfig::new(url.parse().unwrap());
    config.connect_timeout = Duration::from_millis(500);
    config.response_timeout = Duration::from_millis(500);
    config.patience = LONG;
    config.watch_interval = Duration::from_millis(100);
    let connections = Arc::new(SharedConnections::open(&config, 0).await.unwrap());
    Subscriber::start(&config, connections).await.unwrap()
}

/// A server, and a subscriber to it.
async fn start() -> (RedisServer, Subscriber) {
    let server = RedisServer::start();
    let subscriber = connect(&server.url()).await;
    (server, subscriber)
}

async fn arrives<T>(hint: impl Future<Output = T>) -> T {
    timeout(LONG, hint).await.expect("no hint arrived")
}

/// An active subscription.
async fn subscribe(subscriber: &Subscriber, id: ExecutionId, topic: Topic) -> Subscription {
    let mut subscription = subscriber.subscribe(id, topic);
    arrives(subscription.activated()).await;
    subscription
}

async fn assert_silent<T>(hint: impl Future<Output = T>) {
    assert!(timeout(SHORT, hint).await.is_err(), "a hint arrived");
}

fn publish(server: &RedisServer, channel: &str, message: &str) {
    drop(server.command(&["PUBLISH", channel, message]));
}

fn publish_event(server: &RedisServer, id: ExecutionId) {
    publish(server, &format!("coderun:events:{id}"), "");
}

fn publish_cancel(server: &RedisServer, id: ExecutionId) {
    publish(server, "coderun:signals", &format!("cancel {id}"));
}

/// The number of channels with subscribers, without those for pulses.
fn channels(server: &RedisServer) -> usize {
    let all = server.command(&["PUBSUB", "CHANNELS"]);
    let names = all.parts().iter().map(coderun_redis_fixture::Reply::text);
    names.filter(|name| !name.contains(":pulse:")).count()
}

async fn wait_until(mut is_true: impl FnMut() -> bool) {
    let wait = async {
        while !is_true() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    arrives(wait).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_work_wakes_a_worker() {
    let (server, subscriber) = start().await;
    let seen = subscriber.work_generation();
    assert_silent(subscriber.next_work_generation(seen)).await;
    publish(&server, "coderun:signals", "work");
    arrives(subscriber.next_work_generation(seen)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_before_the_call_is_not_missed() {
    let (server, subscriber) = start().await;
    let seen = subscriber.work_generation();
    publish(&server, "coderun:signals", "work");
    wait_until(|| subscriber.work_generation() != seen).await;
    arrives(subscriber.next_work_generation(seen)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_reaches_the_worker_of_its_execution_alone() {
    let (server, subscriber) = start().await;
    let (mine, other) = (execution_id(1), execution_id(2));
    publish_cancel(&server, other);
    arrives(subscriber.cancelled(other)).await;
    assert_silent(subscriber.cancelled(mine)).await;
    publish_cancel(&server, mine);
    arrives(subscriber.cancelled(mine)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_before_the_call_is_delivered_and_repeated_slowly() {
    let (server, subscriber) = start().await;
    let (first, second) = (execution_id(1), execution_id(2));
    publish_cancel(&server, first);
    publish_cancel(&server, second);
    // Messages arrive in order, so the first has arrived, too.
    arrives(subscriber.cancelled(second)).await;
    arrives(subscriber.cancelled(first)).await;
    assert_silent(subscriber.cancelled(first)).await;
    arrives(subscriber.cancelled(first)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_remembered_cancellations_is_bounded() {
    let (server, subscriber) = start().await;
    for number in 0..=1024 {
        publish_cancel(&server, execution_id(number));
    }
    arrives(subscriber.cancelled(execution_id(1024))).await;
    arrives(subscriber.cancelled(execution_id(1))).await;
    assert_silent(subscriber.cancelled(execution_id(0))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_receives_hints_of_its_execution_alone() {
    let (server, subscriber) = start().await;
    let (mine, other) = (execution_id(1), execution_id(2));
    let mut subscription = subscribe(&subscriber, mine, Topic::Events).await;
    let mut other_subscription = subscribe(&subscriber, other, Topic::Events).await;
    publish_event(&server, other);
    arrives(other_subscription.changed()).await;
    assert_silent(subscription.changed()).await;
    publish_event(&server, mine);
    arrives(subscription.changed()).await;
}

/// New input does not wake watchers, and new output does not wake the worker that waits for input.
#[tokio::test(flavor = "multi_thread")]
async fn hints_of_events_and_of_input_are_separate() {
    let (server, subscriber) = start().await;
    let id = execution_id(1);
    let mut events = subscribe(&subscriber, id, Topic::Events).await;
    let mut input = subscribe(&subscriber, id, Topic::Input).await;
    publish(&server, &format!("coderun:events:{id}"), "input");
    arrives(input.changed()).await;
    assert_silent(events.changed()).await;
    publish_event(&server, id);
    arrives(events.changed()).await;
    assert_silent(input.changed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_that_came_between_two_waits_is_delivered_once() {
    let (server, subscriber) = start().await;
    let id = execution_id(1);
    let mut subscription = subscribe(&subscriber, id, Topic::Events).await;
    let mut witness = subscribe(&subscriber, id, Topic::Events).await;
    publish_event(&server, id);
    arrives(witness.changed()).await;
    arrives(subscription.changed()).await;
    assert_silent(subscription.changed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_is_published_again_is_delivered_at_once() {
    let (server, subscriber) = start().await;
    let id = execution_id(1);
    for _ in 0..50 {
        publish_cancel(&server, id);
        // Messages arrive in order, so the cancellation arrives before the worker waits for it.
        let seen = subscriber.work_generation();
        publish(&server, "coderun:signals", "work");
        arrives(subscriber.next_work_generation(seen)).await;
        let delivered = timeout(Duration::from_millis(900), subscriber.cancelled(id));
        assert!(delivered.await.is_ok(), "it counts as a repetition");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscriptions_to_one_execution_share_a_channel_until_the_last_is_dropped() {
    let (server, subscriber) = start().await;
    let first = subscribe(&subscriber, execution_id(1), Topic::Events).await;
    let mut second = subscribe(&subscriber, execution_id(1), Topic::Events).await;
    assert_eq!(channels(&server), 2);
    drop(first);
    publish_event(&server, execution_id(1));
    arrives(second.changed()).await;
    assert_eq!(channels(&server), 2);
    drop(second);
    wait_until(|| channels(&server) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_subscription_after_the_last_was_dropped_is_active() {
    let (server, subscriber) = start().await;
    let id = execution_id(1);
    for _ in 0..50 {
        let mut subscription = subscribe(&subscriber, id, Topic::Events).await;
        publish_event(&server, id);
        arrives(subscription.changed()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_executions_are_subscribed_to_at_once() {
    let (server, subscriber) = start().await;
    let mut subscriptions: Vec<_> = (0..10_000)
        .map(|n| subscriber.subscribe(execution_id(n), Topic::Events))
        .collect();
    wait_until(|| channels(&server) == 10_001).await;
    for subscription in &mut subscriptions {
        arrives(subscription.activated()).await;
    }
    publish_event(&server, execution_id(9_999));
    arrives(subscriptions[9_999].changed()).await;
    drop(subscriptions);
    wait_until(|| channels(&server) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_subscriber_closes_its_connection() {
    let (server, subscriber) = start().await;
    drop(subscriber);
    wait_until(|| channels(&server) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_may_outlive_its_subscriber() {
    let (_server, subscriber) = start().await;
    let mut subscription = subscribe(&subscriber, execution_id(1), Topic::Events).await;
    drop(subscriber);
    assert_silent(subscription.changed()).await;
}
