//! Tests which final records make room for others.

use super::*;

#[tokio::test]
async fn the_oldest_final_records_make_room_for_the_latest() {
    let backend = with_final_bytes(ByteSize::from_kib(64));
    let waiting = backend.submit(100, "alice").await.id();
    backend.cancel(waiting).await;
    let mut ids = Vec::new();
    for number in 1..=10 {
        backend.advance(Duration::from_secs(1));
        ids.push(complete(&backend, number, "alice", 15 << 10).await);
    }
    assert!(!exists(&backend, waiting).await);
    let kept = all_exist(&backend, &ids).await;
    assert_eq!(kept, [vec![false; 7], vec![true; 3]].concat());
    assert!(counts(&backend).final_bytes <= 64 << 10);
}

#[tokio::test]
async fn a_user_with_much_output_loses_their_own_records_first() {
    let backend = with_final_bytes(ByteSize::from_kib(64));
    let of_bob = complete(&backend, 100, "bob", 1 << 10).await;
    let mut of_alice = Vec::new();
    for number in 1..=10 {
        backend.advance(Duration::from_secs(1));
        of_alice.push(complete(&backend, number, "alice", 15 << 10).await);
    }
    let kept = all_exist(&backend, &of_alice).await;
    assert_eq!(kept, [vec![false; 7], vec![true; 3]].concat());
    assert!(exists(&backend, of_bob).await);
    let of_carol = complete(&backend, 101, "carol", 15 << 10).await;
    assert!(exists(&backend, of_carol).await && exists(&backend, of_bob).await);
    assert!(!exists(&backend, of_alice[7]).await, "alice makes room");
    assert!(counts(&backend).final_bytes <= 64 << 10);
}

#[tokio::test]
async fn stored_output_counts_as_much_as_the_outcome() {
    let backend = with_final_bytes(ByteSize::from_kib(64));
    let small = complete(&backend, 1, "alice", 0).await;
    let lease = backend.start(2, "alice").await;
    backend.print(&lease, &[&"x".repeat(64 << 10)]).await;
    assert!(exists(&backend, small).await);
    backend.finish(&lease).await;
    assert!(!exists(&backend, small).await);
}

#[tokio::test]
async fn live_executions_and_the_latest_final_one_are_never_evicted() {
    let backend = with_final_bytes(ByteSize::from_bytes(1));
    let running = backend.start(1, "bob").await;
    let waiting = backend.submit(2, "bob").await.id();
    let carol = backend.submit(3, "carol").await.id();
    backend.cancel(carol).await;
    assert!(exists(&backend, carol).await);
    backend.finish(&running).await;
    assert!(!exists(&backend, carol).await);
    assert!(exists(&backend, running.id()).await);
    assert!(exists(&backend, waiting).await);
}

#[tokio::test]
async fn empty_records_are_bounded_too() {
    let backend = with_final_bytes(ByteSize::from_kib(20));
    for number in 1..=100 {
        let id = backend.submit(number, "alice").await.id();
        backend.cancel(id).await;
    }
    assert!(counts(&backend).records <= 20);
}
