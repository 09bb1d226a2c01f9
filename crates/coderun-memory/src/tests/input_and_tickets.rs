use coderun_domain::testing::interactive_execution;
use coderun_domain::{
    Admission, InputId, InputPiece, InputPosition, InputRelay, InputReply, SenderId, TicketDigest,
    TicketStore,
};

use super::*;

impl TestBackend {
    /// Submits and takes an interactive execution.
    async fn start_interactive(&self) -> Lease {
        let submitted = self.memory.submit(&interactive_execution()).await;
        assert_eq!(submitted.unwrap(), Submitted::Accepted);
        self.try_take().await.unwrap()
    }

    async fn send(&self, sender: u128, number: u64, piece: InputPiece) -> InputReply {
        let sender = SenderId::from_number(sender);
        let input = InputId { sender, number };
        let sent = self.memory.send(execution_id(1), input, piece).await;
        sent.unwrap()
    }

    async fn issue(&self, number: u8) {
        let admission = Admission {
            user: user("alice"),
            expires_at: self.clock.now(),
        };
        let ticket = TicketDigest::from_bytes([number; 32]);
        let lifetime = Duration::from_secs(30);
        let issued = self
            .memory
            .issue(execution_id(1), ticket, &admission, lifetime);
        issued.await.unwrap();
    }
}

fn data(bytes: &'static [u8]) -> InputPiece {
    InputPiece::Data(Bytes::from_static(bytes))
}

#[tokio::test]
async fn room_for_input_counts_against_the_share_until_the_end() {
    let room = StorePolicy::INPUT_KEPT_MAX.as_bytes() * 4 + 4 * 600;
    let backend = TestBackend::with_live_bytes(room);
    let lease = backend.start_interactive().await;
    let another = backend.submit_sized(2, "alice", 1000).await;
    assert!(matches!(another, Err(StoreError::QuotaExceeded { .. })));
    backend.memory.finish(&lease, &finished()).await.unwrap();
    backend.submit_sized(2, "alice", 1000).await.unwrap();
    assert!(backend.counts().live_bytes < 2000);
    assert!(backend.counts().final_bytes < 10_000);
}

#[tokio::test]
async fn input_is_dropped_when_the_execution_ends() {
    let backend = TestBackend::new();
    let lease = backend.start_interactive().await;
    let buffer = Bytes::from(vec![b'x'; 1000]);
    backend.send(1, 1, InputPiece::Data(buffer)).await;
    assert_eq!(backend.counts().input_pieces, 1);
    backend.memory.finish(&lease, &finished()).await.unwrap();
    assert_eq!(backend.counts().input_pieces, 0);
}

#[tokio::test]
async fn a_worker_that_waits_for_input_is_woken_by_a_deletion() {
    let backend = TestBackend::new();
    let lease = backend.start_interactive().await;
    let start = InputPosition::START;
    let mut woken = backend.memory.input_available(&lease, start);
    assert!((&mut woken).now_or_never().is_none());
    assert_eq!(backend.counts().listeners, 1);
    backend.memory.delete(lease.id()).await.unwrap();
    assert!(woken.now_or_never().is_some());
    assert_eq!(backend.counts().listeners, 0);
}

#[tokio::test]
async fn a_piece_of_input_holds_no_larger_buffer() {
    let backend = TestBackend::new();
    backend.start_interactive().await;
    let buffer = Bytes::from(vec![b'x'; 1 << 20]);
    let piece = InputPiece::Data(buffer.slice(0..1));
    assert_eq!(backend.send(1, 1, piece).await, InputReply::Kept);
    assert!(buffer.is_unique(), "the ledger holds a copy");
}

#[tokio::test]
async fn one_read_returns_a_bounded_amount() {
    let backend = TestBackend::new();
    let lease = backend.start_interactive().await;
    let large = InputPiece::Data(Bytes::from(vec![b'x'; 40 << 10]));
    for number in 1..=4 {
        backend.send(1, number, large.clone()).await;
    }
    let read = backend.memory.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), [large]);
}

#[tokio::test]
async fn input_that_an_earlier_attempt_read_is_unread_for_the_next_one() {
    let backend = TestBackend::new();
    let lease = backend.start_interactive().await;
    let half = InputPiece::Data(Bytes::from(vec![b'x'; 500 << 10]));
    backend.send(1, 1, half.clone()).await;
    backend.send(1, 2, half.clone()).await;
    let all_read = InputPosition::from_number(2);
    backend.memory.receive(&lease, all_read).await.unwrap();
    backend.clock.advance(store_policy().lease);
    let lease = backend.try_take().await.unwrap();
    assert_eq!(backend.send(1, 3, half.clone()).await, InputReply::Full);
    let first = InputPosition::START;
    let read = backend.memory.receive(&lease, first).await.unwrap();
    assert_eq!(read, std::slice::from_ref(&half));
    backend.memory.receive(&lease, all_read).await.unwrap();
    assert_eq!(backend.send(1, 3, half).await, InputReply::Kept);
}

#[tokio::test]
async fn the_sender_that_sent_longest_ago_is_forgotten_first() {
    let backend = TestBackend::new();
    backend.start_interactive().await;
    for sender in 0..64 {
        backend.send(sender, 1, data(b"x")).await;
    }
    backend.send(0, 2, data(b"x")).await;
    backend.send(64, 1, data(b"x")).await;
    assert_eq!(backend.counts().input_pieces, 66);
    backend.send(0, 2, data(b"x")).await;
    assert_eq!(backend.counts().input_pieces, 66, "it was not silent");
    backend.send(1, 1, data(b"x")).await;
    assert_eq!(backend.counts().input_pieces, 67, "it was");
}

#[tokio::test]
async fn tickets_leave_nothing_behind() {
    let backend = TestBackend::new();
    backend.start_interactive().await;
    for number in 0..16 {
        backend.issue(number).await;
    }
    assert_eq!(backend.counts().tickets, 16);
    backend.clock.advance(Duration::from_secs(30));
    backend.memory.sweep().await.unwrap();
    assert_eq!(backend.counts().tickets, 0);
    backend.issue(1).await;
    backend.memory.delete(execution_id(1)).await.unwrap();
    assert_eq!(backend.counts().tickets, 0);
}
