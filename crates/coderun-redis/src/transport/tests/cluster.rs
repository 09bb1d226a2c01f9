//! Tests calls to a Cluster.

use coderun_redis_fixture::RedisCluster;
use futures_util::future::join_all;
use rstest::rstest;

use super::*;

/// A key in a slot of each master of the fixture; the slot of the first is 3300.
const KEYS: [&str; 3] = ["b", "c", "d"];
const INCREMENT: &str = "return redis.call('INCR', KEYS[1])";

async fn increment(transport: &Transport, key: &str) -> Result<Value, CommandError> {
    call(transport, &["EVAL", INCREMENT, "1", key]).await
}

async fn assert_count(transport: &Transport, key: &str, count: i64) {
    let answer = increment(transport, key).await;
    assert_eq!(answer.unwrap(), Value::Int(count));
}

async fn assert_serves(transport: &Transport, key: &str) {
    let start = Instant::now();
    increment(transport, key).await.unwrap();
    let took = start.elapsed();
    assert!(took < Duration::from_millis(500), "{key} took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_runs_where_its_key_is() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), LONG).await;
    for (key, master) in KEYS.iter().zip(cluster.masters()) {
        assert_count(&transport, key, 1).await;
        assert_eq!(master.command(&["GET", key]).text(), "1");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_master_is_asked_once() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), LONG).await;
    let answers = transport
        .probe_every_master(&command(&["PING"]))
        .await
        .unwrap();
    assert_eq!(answers, vec![Value::SimpleString("PONG".to_owned()); 3]);
}

/// Many callers want the first key while others want the other keys.
#[rstest]
#[case::is_gone(RedisServer::kill)]
#[case::hangs(RedisServer::pause)]
#[tokio::test(flavor = "multi_thread")]
async fn only_the_slots_of_a_lost_master_fail(#[case] lose: fn(&RedisServer)) {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), SHORT).await;
    lose(&cluster.masters()[0]);
    let failing = join_all((0..20).map(|_| assert_fails_in_time(&transport, &["INCR", KEYS[0]])));
    let served = async {
        for _ in 0..20 {
            assert_serves(&transport, KEYS[1]).await;
            assert_serves(&transport, KEYS[2]).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::join!(failing, served);
}

#[tokio::test(flavor = "multi_thread")]
async fn slots_are_served_again_once_their_master_is_back() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), LONG).await;
    cluster.masters()[0].kill();
    cluster.masters()[0].restart();
    assert!(increment(&transport, KEYS[0]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_slot_is_served_again_after_all_nodes_were_gone() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), SHORT).await;
    for master in cluster.masters() {
        master.kill();
    }
    for key in KEYS {
        assert_fails_in_time(&transport, &["INCR", key]).await;
    }
    for master in cluster.masters() {
        master.restart();
    }
    let transport = Transport {
        patience: LONG,
        ..transport
    };
    for key in KEYS {
        assert!(increment(&transport, key).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_waits_for_the_replica_to_take_over() {
    let cluster = RedisCluster::start_with_replicas();
    let transport = open(&cluster.url(), LONG).await;
    cluster.masters()[0].kill();
    assert!(increment(&transport, KEYS[0]).await.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_found_where_its_slot_has_moved() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), SHORT).await;
    let [from, to, _] = cluster.masters() else {
        panic!("three masters")
    };
    assert_count(&transport, KEYS[0], 1).await;
    cluster.move_slot(3300, from, to);
    assert_count(&transport, KEYS[0], 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_key_is_made_where_its_slot_is_moving() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), SHORT).await;
    let [from, to, _] = cluster.masters() else {
        panic!("three masters")
    };
    cluster.start_to_move_slot(3300, from, to);
    assert_count(&transport, KEYS[0], 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cluster_client_does_not_retry_a_lost_answer_by_itself() {
    let cluster = RedisCluster::start();
    let transport = open(&cluster.url(), LONG).await;
    cluster.masters().iter().for_each(groups::limit_answers);
    let step = groups::step("lose", 0).with_repeated(b"again".to_vec());
    let answer = groups::run_step(&transport, step).await;
    assert_eq!(answer.unwrap(), groups::answer_of("again"));
    // The slot of the partition belongs to the last master.
    assert_eq!(groups::runs(&cluster.masters()[2], "lose"), 1);
}
