//! Tests that waiting tasks are woken and hints arrive again after the connection is lost.

use std::pin::pin;

use coderun_redis_fixture::{RedisCluster, RedisSentinel};
use rstest::rstest;

use super::*;

/// Waits for every kind of hint.
struct Waiting {
    subscriber: Subscriber,
    seen: u64,
    input: InputWaiter,
    /// The number of rounds of published hints.
    rounds: u128,
}

fn cancelled_id() -> ExecutionId {
    execution_id(1)
}

fn interactive_id() -> ExecutionId {
    execution_id(2)
}

impl Waiting {
    async fn on(url: &str) -> Self {
        let subscriber = connect(url).await;
        let seen = subscriber.work_generation(EVERYONE);
        let input = subscriber.wait_for_input(interactive_id());
        Self {
            subscriber,
            seen,
            input,
            rounds: 0,
        }
    }

    /// Asserts that all waiting tasks are woken after this loss, without any message.
    async fn assert_woken_by(&mut self, lose: impl FnOnce()) {
        let mut cancelled = pin!(self.subscriber.cancelled(cancelled_id()));
        assert_silent(&mut cancelled).await;
        lose();
        arrives(cancelled).await;
        arrives(self.subscriber.next_work_generation(EVERYONE, self.seen)).await;
        arrives(self.input.changed()).await;
        self.seen = self.subscriber.work_generation(EVERYONE);
    }

    /// Asserts that hints from this server arrive. They are published until they do, since the subscriber may still
    /// reconnect.
    async fn assert_receives_from(&mut self, server: &RedisServer) {
        let seen = self.subscriber.work_generation(EVERYONE);
        self.rounds += 1;
        let other = execution_id(100 + self.rounds);
        let publish_hints = async {
            loop {
                publish_signal(server, "work");
                publish_cancel(server, other);
                publish_input(server, interactive_id());
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        let receive_hints = async {
            arrives(self.subscriber.next_work_generation(EVERYONE, seen)).await;
            arrives(self.input.changed()).await;
            // A new connection wakes all tasks, but only a message names an execution.
            let cancellations = &self.subscriber.hints.cancellations;
            wait_until(|| cancellations.borrow().contains(other)).await;
        };
        tokio::select! {
            () = receive_hints => {}
            () = publish_hints => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_are_woken_after_the_connection_was_cut() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    for _ in 0..3 {
        let cut = || drop(server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]));
        waiting.assert_woken_by(cut).await;
    }
    waiting.assert_receives_from(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_are_woken_after_the_server_was_killed_and_restarted() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    waiting.assert_woken_by(|| server.restart()).await;
    waiting.assert_receives_from(&server).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_arrive_again_from_a_server_that_was_paused() {
    let server = RedisServer::start();
    let mut waiting = Waiting::on(&server.url()).await;
    server.pause();
    assert_silent(
        waiting
            .subscriber
            .next_work_generation(EVERYONE, waiting.seen),
    )
    .await;
    server.resume();
    waiting.assert_receives_from(&server).await;
}

#[rstest]
#[case::is_gone(RedisServer::kill)]
#[case::hangs(RedisServer::pause)]
#[tokio::test(flavor = "multi_thread")]
async fn hints_arrive_from_the_new_master_after_the_old_one_is_lost(
    #[case] lose: fn(&RedisServer),
) {
    let redis = RedisSentinel::start();
    let mut waiting = Waiting::on(&redis.url()).await;
    waiting.assert_woken_by(|| lose(&redis.servers()[0])).await;
    waiting.assert_receives_from(&redis.servers()[1]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_arrive_from_every_node_of_a_cluster() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    for master in cluster.masters() {
        waiting.assert_receives_from(master).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_is_replaced_by_another() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    for _ in cluster.masters() {
        wait_until(|| subscribed_nodes(&cluster).0.len() == 1).await;
        let (hanging, others) = subscribed_nodes(&cluster);
        waiting.assert_woken_by(|| hanging[0].pause()).await;
        waiting.assert_receives_from(others[0]).await;
        hanging[0].resume();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_gone_is_replaced_by_another() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    let (gone, others) = subscribed_nodes(&cluster);
    waiting.assert_woken_by(|| gone[0].kill()).await;
    waiting.assert_receives_from(others[0]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_cut_off_from_the_others_is_replaced_by_another() {
    let cluster = RedisCluster::start();
    let mut waiting = Waiting::on(&cluster.url()).await;
    let (cut_off, others) = subscribed_nodes(&cluster);
    let id = cut_off[0].command(&["CLUSTER", "MYID"]).text();
    let forget = || {
        for other in &others {
            drop(other.command(&["CLUSTER", "FORGET", &id]));
        }
    };
    waiting.assert_woken_by(forget).await;
    waiting.assert_receives_from(others[0]).await;
}

/// The node that the subscriber is connected to, and the others.
fn subscribed_nodes(cluster: &RedisCluster) -> (Vec<&RedisServer>, Vec<&RedisServer>) {
    let signals = ["PUBSUB", "CHANNELS", "coderun:3:signals"];
    let masters = cluster.masters().iter();
    masters.partition(|node| node.command(&signals).parts().len() == 1)
}
