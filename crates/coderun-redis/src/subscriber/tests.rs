//! What is heard, and what happens when nothing is.

mod losses;

use std::time::Duration;

use coderun_domain::testing::execution_id;
use coderun_redis_fixture::RedisServer;
use tokio::time::timeout;

use super::*;

/// Enough for whatever must come, on a machine that is busy with other things.
const LONG: Duration = Duration::from_secs(20);
/// How long to listen for what must not come.
const SHORT: Duration = Duration::from_millis(100);

async fn hub(url: &str) -> Subscriber {
    let mut config = RedisConfig::new(url.parse().unwrap());
    config.connect_timeout = Duration::from_millis(500);
    config.response_timeout = Duration::from_millis(500);
    config.patience = LONG;
    config.watch_interval = Duration::from_millis(100);
    let lanes = Arc::new(SharedConnections::open(&config).await.unwrap());
    Subscriber::start(&config, lanes).await.unwrap()
}

async fn comes<T>(what: impl Future<Output = T>) -> T {
    timeout(LONG, what).await.expect("nothing came")
}

async fn assert_silent<T>(what: impl Future<Output = T>) {
    assert!(timeout(SHORT, what).await.is_err(), "something came");
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

/// What the server has subscriptions to, the pulse apart.
fn channels(server: &RedisServer) -> usize {
    let all = server.command(&["PUBSUB", "CHANNELS"]);
    let names = all.parts().iter().map(coderun_redis_fixture::Reply::text);
    names.filter(|name| !name.contains(":pulse:")).count()
}

async fn becomes(mut is_so: impl FnMut() -> bool) {
    let until = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    comes(until).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_is_heard_of() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let seen = hub.work_generation();
    assert_silent(hub.work_beyond(seen)).await;
    publish(&server, "coderun:signals", "work");
    comes(hub.work_beyond(seen)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_that_came_before_the_call_is_not_missed() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let seen = hub.work_generation();
    publish(&server, "coderun:signals", "work");
    becomes(|| hub.work_generation() != seen).await;
    comes(hub.work_beyond(seen)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_reaches_whom_it_is_meant_for() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let (mine, other) = (execution_id(1), execution_id(2));
    publish_cancel(&server, other);
    comes(hub.cancelled(other)).await;
    assert_silent(hub.cancelled(mine)).await;
    publish_cancel(&server, mine);
    comes(hub.cancelled(mine)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_came_before_the_call_is_told_and_repeated_slowly() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let (first, second) = (execution_id(1), execution_id(2));
    publish_cancel(&server, first);
    publish_cancel(&server, second);
    // Messages come in order, so the first was heard before.
    comes(hub.cancelled(second)).await;
    comes(hub.cancelled(first)).await;
    assert_silent(hub.cancelled(first)).await;
    comes(hub.cancelled(first)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_cancellations_are_remembered() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    for number in 0..=1024 {
        publish_cancel(&server, execution_id(number));
    }
    comes(hub.cancelled(execution_id(1024))).await;
    comes(hub.cancelled(execution_id(1))).await;
    assert_silent(hub.cancelled(execution_id(0))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_hears_of_its_execution_alone() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let (mine, other) = (execution_id(1), execution_id(2));
    let (mut watch, mut other_watch) = (hub.watch(mine), hub.watch(other));
    comes(watch.standing()).await;
    comes(other_watch.standing()).await;
    publish_event(&server, other);
    comes(other_watch.changed()).await;
    assert_silent(watch.changed()).await;
    publish_event(&server, mine);
    comes(watch.changed()).await;
}

/// What was typed is no news to a watcher, and what was printed is none to whoever waits for input.
#[tokio::test(flavor = "multi_thread")]
async fn events_and_input_are_told_apart() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let id = execution_id(1);
    let (mut events, mut input) = (hub.watch(id), hub.watch_input(id));
    comes(events.standing()).await;
    comes(input.standing()).await;
    publish(&server, &format!("coderun:events:{id}"), "input");
    comes(input.changed()).await;
    assert_silent(events.changed()).await;
    publish_event(&server, id);
    comes(events.changed()).await;
    assert_silent(input.changed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_while_the_watcher_was_busy_is_told_later_and_once() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let id = execution_id(1);
    let (mut watch, mut witness) = (hub.watch(id), hub.watch(id));
    comes(watch.standing()).await;
    comes(witness.standing()).await;
    publish_event(&server, id);
    comes(witness.changed()).await;
    comes(watch.changed()).await;
    assert_silent(watch.changed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancellation_that_is_told_again_is_passed_on_at_once() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let id = execution_id(1);
    for _ in 0..50 {
        publish_cancel(&server, id);
        // Message before it is asked for: messages come in order.
        let seen = hub.work_generation();
        publish(&server, "coderun:signals", "work");
        comes(hub.work_beyond(seen)).await;
        let told = timeout(Duration::from_millis(900), hub.cancelled(id));
        assert!(told.await.is_ok(), "it is taken for a repetition");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn watchers_of_one_execution_share_a_subscription_that_ends_with_the_last() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let (mut first, mut second) = (hub.watch(execution_id(1)), hub.watch(execution_id(1)));
    comes(first.standing()).await;
    comes(second.standing()).await;
    assert_eq!(channels(&server), 2);
    drop(first);
    publish_event(&server, execution_id(1));
    comes(second.changed()).await;
    assert_eq!(channels(&server), 2);
    drop(second);
    becomes(|| channels(&server) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_begins_again_to_watch_is_subscribed_again() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let id = execution_id(1);
    for _ in 0..50 {
        let mut watch = hub.watch(id);
        comes(watch.standing()).await;
        publish_event(&server, id);
        comes(watch.changed()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_executions_are_watched_at_once() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let mut watches: Vec<_> = (0..10_000).map(|n| hub.watch(execution_id(n))).collect();
    becomes(|| channels(&server) == 10_001).await;
    for watch in &mut watches {
        comes(watch.standing()).await;
    }
    publish_event(&server, execution_id(9_999));
    comes(watches[9_999].changed()).await;
    drop(watches);
    becomes(|| channels(&server) == 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_hub_hangs_up() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    drop(hub);
    becomes(|| channels(&server) == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_may_outlive_its_hub() {
    let server = RedisServer::start();
    let hub = hub(&server.url()).await;
    let mut watch = hub.watch(execution_id(1));
    comes(watch.standing()).await;
    drop(hub);
    assert_silent(watch.changed()).await;
}
