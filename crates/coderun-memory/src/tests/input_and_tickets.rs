use coderun_conformance::{data, sender};
use coderun_domain::{InputPiece, InputPosition, InputReply};

use super::*;

#[tokio::test]
async fn room_for_input_counts_against_the_share_until_the_end() {
    let room = StorePolicy::INPUT_KEPT_MAX.as_bytes() * 4 + 4 * 600;
    let backend = with_live_bytes(room);
    let lease = backend.start_interactive(1, "alice").await;
    let another = submit_sized(&backend, 2, "alice", 1000).await;
    assert!(matches!(another, Err(StoreError::QuotaExceeded { .. })));
    backend.finish(&lease).await;
    submit_sized(&backend, 2, "alice", 1000).await.unwrap();
    assert!(counts(&backend).live_bytes < 2000);
    assert!(counts(&backend).final_bytes < 10_000);
}

#[tokio::test]
async fn input_is_dropped_when_the_execution_ends() {
    let backend = new_backend();
    let lease = backend.start_interactive(1, "alice").await;
    let buffer = Bytes::from(vec![b'x'; 1000]);
    backend
        .send(id(1), sender(1, 1), InputPiece::Data(buffer))
        .await;
    assert_eq!(counts(&backend).input_pieces, 1);
    backend.finish(&lease).await;
    assert_eq!(counts(&backend).input_pieces, 0);
}

#[tokio::test]
async fn a_worker_that_waits_for_input_is_woken_by_a_deletion() {
    let backend = new_backend();
    let lease = backend.start_interactive(1, "alice").await;
    let start = InputPosition::START;
    let mut woken = backend.inputs.input_available(&lease, start);
    assert!((&mut woken).now_or_never().is_none());
    assert_eq!(counts(&backend).listeners, 1);
    backend.delete(lease.id()).await;
    assert!(woken.now_or_never().is_some());
    assert_eq!(counts(&backend).listeners, 0);
}

#[tokio::test]
async fn a_piece_of_input_holds_no_larger_buffer() {
    let backend = new_backend();
    backend.start_interactive(1, "alice").await;
    let buffer = Bytes::from(vec![b'x'; 1 << 20]);
    let piece = InputPiece::Data(buffer.slice(0..1));
    assert_eq!(
        backend.send(id(1), sender(1, 1), piece).await,
        InputReply::Kept
    );
    assert!(buffer.is_unique(), "the ledger holds a copy");
}

#[tokio::test]
async fn one_read_returns_a_bounded_amount() {
    let backend = new_backend();
    let lease = backend.start_interactive(1, "alice").await;
    let large = InputPiece::Data(Bytes::from(vec![b'x'; 40 << 10]));
    for number in 1..=4 {
        backend.send(id(1), sender(1, number), large.clone()).await;
    }
    let read = backend.inputs.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), [large]);
}

#[tokio::test]
async fn input_that_an_earlier_attempt_read_is_unread_for_the_next_one() {
    let backend = new_backend();
    let lease = backend.start_interactive(1, "alice").await;
    let half = InputPiece::Data(Bytes::from(vec![b'x'; 500 << 10]));
    backend.send(id(1), sender(1, 1), half.clone()).await;
    backend.send(id(1), sender(1, 2), half.clone()).await;
    let all_read = InputPosition::from_number(2);
    backend.inputs.receive(&lease, all_read).await.unwrap();
    backend.advance(store_policy().lease);
    let lease = backend.try_take().await.unwrap();
    assert_eq!(
        backend.send(id(1), sender(1, 3), half.clone()).await,
        InputReply::Full
    );
    let first = InputPosition::START;
    let read = backend.inputs.receive(&lease, first).await.unwrap();
    assert_eq!(read, std::slice::from_ref(&half));
    backend.inputs.receive(&lease, all_read).await.unwrap();
    assert_eq!(
        backend.send(id(1), sender(1, 3), half).await,
        InputReply::Kept
    );
}

#[tokio::test]
async fn the_sender_that_sent_longest_ago_is_forgotten_first() {
    let backend = new_backend();
    backend.start_interactive(1, "alice").await;
    for number in 0..64 {
        backend.send(id(1), sender(number, 1), data("x")).await;
    }
    backend.send(id(1), sender(0, 2), data("x")).await;
    backend.send(id(1), sender(64, 1), data("x")).await;
    assert_eq!(counts(&backend).input_pieces, 66);
    backend.send(id(1), sender(0, 2), data("x")).await;
    assert_eq!(counts(&backend).input_pieces, 66, "it was not silent");
    backend.send(id(1), sender(1, 1), data("x")).await;
    assert_eq!(counts(&backend).input_pieces, 67, "it was");
}

#[tokio::test]
async fn tickets_leave_nothing_behind() {
    let backend = new_backend();
    backend.start_interactive(1, "alice").await;
    for number in 0..16 {
        backend.issue(id(1), number).await;
    }
    assert_eq!(counts(&backend).tickets, 16);
    backend.advance(Duration::from_secs(30));
    backend.sweep().await;
    assert_eq!(counts(&backend).tickets, 0);
    backend.issue(id(1), 1).await;
    backend.delete(id(1)).await;
    assert_eq!(counts(&backend).tickets, 0);
}
