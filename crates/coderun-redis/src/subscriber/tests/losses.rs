//! The connection that listens is lost.

use std::pin::pin;

use coderun_redis_fixture::{RedisCluster, RedisSentinel};

use super::*;

/// Somebody who waits for everything that there is to wait for.
struct Waiting {
    hub: Subscriber,
    seen: u64,
    watch: Subscription,
    /// How often something was said.
    said: u128,
}

fn cancelled_id() -> ExecutionId {
    execution_id(1)
}

fn watched_id() -> ExecutionId {
    execution_id(2)
}

impl Waiting {
    async fn on(url: &str) -> Self {
        let hub = hub(url).await;
        let seen = hub.work_generation();
        let mut watch = hub.watch(watched_id());
        comes(watch.standing()).await;
        Self {
            hub,
            seen,
            watch,
            said: 0,
        }
    }

    /// Everybody is woken after this loss, without any message.
    async fn assert_woken_by(&mut self, lose: impl FnOnce()) {
        let mut cancelled = pin!(self.hub.cancelled(cancelled_id()));
        assert_silent(&mut cancelled).await;
        lose();
        comes(cancelled).await;
        comes(self.hub.work_beyond(self.seen)).await;
        comes(self.watch.changed()).await;
        self.seen = self.hub.work_generation();
    }

    /// All that is said on this server is heard; said again, in case that nobody listens yet.
    async fn assert_hears(&mut self, server: &RedisServer) {
        let seen = self.hub.work_generation();
        self.said += 1;
        let other = execution_id(100 + self.said);
        let say = async {
            loop {
                publish(server, "coderun:signals", "work");
                publish_cancel(server, other);
                publish_event(server, watched_id());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let hear = async {
            comes(self.hub.work_beyond(seen)).await;
            comes(self.watch.changed()).await;
            // A new connection wakes everybody, but only a message names an execution.
            let cancels = &self.hub.interests.cancels;
            becomes(|| cancels.borrow().has(other)).await;
        };
        tokio::select! {
            () = hear => {}
            () = say => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_woken_after_the_connection_was_cut() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    for _ in 0..3 {
        let cut = || drop(server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]));
        waiting.assert_woken_by(cut).await;
    }
    waiting.assert_hears(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_woken_after_the_server_was_killed_and_restarted() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    waiting.assert_woken_by(|| server.restart()).await;
    waiting.assert_hears(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_paused_is_heard_again() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    server.pause();
    assert_silent(waiting.hub.work_beyond(waiting.seen)).await;
    server.resume();
    waiting.assert_hears(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_subscriptions_are_made_again() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    let watches: Vec<_> = (10..10_010)
        .map(|number| waiting.hub.watch(execution_id(number)))
        .collect();
    becomes(|| channels(&server) == 10_002).await;
    let cut = || drop(server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]));
    waiting.assert_woken_by(cut).await;
    assert_eq!(channels(&server), 10_002);
    drop(watches);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_that_begins_while_nobody_is_connected_stands_later() {
    let server = RedisServer::start();
    let waiting = Waiting::on(&server.url()).await;
    server.kill();
    let mut watch = waiting.hub.watch(execution_id(3));
    // It stands late, and is woken then; until that, the watcher reads by itself.
    comes(watch.standing()).await;
    server.restart();
    comes(watch.changed()).await;
    publish_event(&server, execution_id(3));
    comes(watch.changed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_master_is_heard_after_the_old_one_is_gone() {
    let redis = RedisSentinel::start();
    let mut waiting = Waiting::on(&redis.url()).await;
    waiting.assert_woken_by(|| redis.kill_master()).await;
    waiting.assert_hears(&redis.servers()[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_new_master_is_heard_after_the_old_one_hangs() {
    let redis = RedisSentinel::start();
    let mut waiting = Waiting::on(&redis.url()).await;
    let old = &redis.servers()[0];
    waiting.assert_woken_by(|| old.pause()).await;
    waiting.assert_hears(&redis.servers()[1]).await;
    old.resume();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_node_of_a_cluster_is_heard() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    for master in cluster.masters() {
        waiting.assert_hears(master).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whichever_node_hangs_is_left_for_another() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    for _ in cluster.masters() {
        becomes(|| listening(&cluster).0.len() == 1).await;
        let (hanging, others) = listening(&cluster);
        waiting.assert_woken_by(|| hanging[0].pause()).await;
        waiting.assert_hears(others[0]).await;
        hanging[0].resume();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_is_left_for_another() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    let (gone, others) = listening(&cluster);
    waiting.assert_woken_by(|| gone[0].kill()).await;
    waiting.assert_hears(others[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_the_others_is_left_for_another() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    let (cut_off, others) = listening(&cluster);
    let id = cut_off[0].command(&["CLUSTER", "MYID"]).text();
    let forget = || {
        for other in &others {
            drop(other.command(&["CLUSTER", "FORGET", &id]));
        }
    };
    waiting.assert_woken_by(forget).await;
    waiting.assert_hears(others[0]).await;
}

/// The nodes that a hub listens to, and the others.
fn listening(cluster: &RedisCluster) -> (Vec<&RedisServer>, Vec<&RedisServer>) {
    let signals = ["PUBSUB", "CHANNELS", "coderun:signals"];
    let masters = cluster.masters().iter();
    masters.partition(|node| node.command(&signals).parts().len() == 1)
}
