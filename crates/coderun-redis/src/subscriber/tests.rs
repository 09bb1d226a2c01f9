//! Tests which hints reach which waiting tasks.

mod losses;

use std::time::Duration;

use coderun_domain::testing::{EVERYONE, execution_id};
use coderun_redis_fixture::RedisServer;
use tokio::time::timeout;

use super::*;
use crate::transport::tests::scripts;

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
    let transport = Transport::open(&config, scripts()).unwrap();
    let layout = Layout::new(&config.key_prefix, 1);
    let feed = Arc::new(Feed::default());
    let subscriber = Subscriber::start(&config, &layout, "process", Arc::new(transport), feed);
    subscriber.connected(LONG).await;
    subscriber
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

async fn assert_silent<T>(hint: impl Future<Output = T>) {
    assert!(timeout(SHORT, hint).await.is_err(), "a hint arrived");
}

fn publish_signal(server: &RedisServer, message: &str) {
    drop(server.command(&["PUBLISH", "coderun:3:signals", message]));
}

fn publish_cancel(server: &RedisServer, id: ExecutionId) {
    publish_signal(server, &format!("cancel {id}"));
}

fn publish_input(server: &RedisServer, id: ExecutionId) {
    publish_signal(server, &format!("input {id}"));
}

/// The number of channels with subscribers.
fn channels(server: &RedisServer) -> usize {
    server.command(&["PUBSUB", "CHANNELS"]).parts().len()
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
    let seen = subscriber.work_generation(EVERYONE);
    assert_silent(subscriber.next_work_generation(EVERYONE, seen)).await;
    publish_signal(&server, "work");
    arrives(subscriber.next_work_generation(EVERYONE, seen)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signals_of_a_newer_version_are_ignored() {
    let (server, subscriber) = start().await;
    let seen = subscriber.work_generation(EVERYONE);
    let known = format!("dance {}", execution_id(1));
    for signal in ["dance", "", "cancel", "cancel me", &known] {
        publish_signal(&server, signal);
    }
    drop(server.command(&["PUBLISH", "coderun:3:feed:process", "dance"]));
    publish_cancel(&server, execution_id(2));
    arrives(subscriber.cancelled(execution_id(2))).await;
    assert_eq!(subscriber.work_generation(EVERYONE), seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn work_before_the_call_is_not_missed() {
    let (server, subscriber) = start().await;
    let seen = subscriber.work_generation(EVERYONE);
    publish_signal(&server, "work");
    wait_until(|| subscriber.work_generation(EVERYONE) != seen).await;
    arrives(subscriber.next_work_generation(EVERYONE, seen)).await;
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
async fn a_cancellation_that_is_published_again_is_delivered_at_once() {
    let (server, subscriber) = start().await;
    let id = execution_id(1);
    for _ in 0..50 {
        publish_cancel(&server, id);
        // Messages arrive in order, so the cancellation arrives before the worker waits for it.
        let seen = subscriber.work_generation(EVERYONE);
        publish_signal(&server, "work");
        arrives(subscriber.next_work_generation(EVERYONE, seen)).await;
        let delivered = timeout(Duration::from_millis(900), subscriber.cancelled(id));
        assert!(delivered.await.is_ok(), "it counts as a repetition");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_subscriber_closes_its_connection() {
    let (server, subscriber) = start().await;
    drop(subscriber);
    wait_until(|| channels(&server) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_input_wakes_those_who_wait_for_it_once() {
    let (server, subscriber) = start().await;
    let (mine, other) = (execution_id(1), execution_id(2));
    let mut waiter = subscriber.wait_for_input(mine);
    let mut same = subscriber.wait_for_input(mine);
    let mut other_waiter = subscriber.wait_for_input(other);
    publish_input(&server, other);
    arrives(other_waiter.changed()).await;
    assert_silent(waiter.changed()).await;
    publish_input(&server, mine);
    arrives(waiter.changed()).await;
    assert_silent(waiter.changed()).await;
    drop(waiter);
    arrives(same.changed()).await;
    publish_input(&server, mine);
    arrives(same.changed()).await;
}
