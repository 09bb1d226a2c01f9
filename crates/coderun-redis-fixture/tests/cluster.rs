//! Tests the Clusters that other tests rely on.

use std::thread;
use std::time::{Duration, Instant};

use coderun_redis_fixture::{RedisCluster, RedisServer};

fn set(server: &RedisServer, key: &str) -> String {
    server.command(&["SET", key, "1"]).text()
}

#[test]
fn each_master_serves_its_slots() {
    let cluster = RedisCluster::start();
    // The slots of these keys are 3300, 7365 and 11298.
    for (master, key) in cluster.masters().iter().zip(["b", "c", "d"]) {
        assert_eq!(set(master, key), "OK", "{key}");
    }
    assert!(set(&cluster.masters()[0], "d").starts_with("MOVED"));
}

#[test]
fn a_replica_takes_over_from_a_master_that_is_gone() {
    let cluster = RedisCluster::start_with_replicas();
    cluster.masters()[0].kill();
    let replica = &cluster.replicas()[0];
    let deadline = Instant::now() + Duration::from_secs(20);
    while set(replica, "b") != "OK" {
        assert!(Instant::now() < deadline, "the replica did not take over");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_slot_moves_with_its_keys() {
    let cluster = RedisCluster::start();
    let [from, to, _] = cluster.masters() else {
        panic!("three masters")
    };
    assert_eq!(set(from, "b"), "OK");
    cluster.move_slot(3300, from, to);
    assert_eq!(to.command(&["GET", "b"]).text(), "1");
}
