use coderun_domain::testing::interactive_execution;
use coderun_domain::{
    Admission, InputId, InputPiece, InputPosition, InputRelay, InputReply, SenderId, TicketDigest,
    TicketStore,
};

use super::*;

impl Bench {
    /// Submits and takes what takes input while it runs.
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
async fn what_may_be_sent_counts_against_the_share_until_the_end() {
    let room = StorePolicy::INPUT_KEPT_MAX.as_bytes() * 4 + 4 * 600;
    let bench = Bench::with_live_bytes(room);
    let lease = bench.start_interactive().await;
    let another = bench.submit_sized(2, "alice", 1000).await;
    assert!(matches!(another, Err(StoreError::QuotaExceeded { .. })));
    bench.memory.finish(&lease, &finished()).await.unwrap();
    bench.submit_sized(2, "alice", 1000).await.unwrap();
    assert!(bench.counts().live_bytes < 2000);
    assert!(bench.counts().final_bytes < 10_000);
}

#[tokio::test]
async fn input_is_dropped_when_the_execution_ends() {
    let bench = Bench::new();
    let lease = bench.start_interactive().await;
    let buffer = Bytes::from(vec![b'x'; 1000]);
    bench.send(1, 1, InputPiece::Data(buffer)).await;
    assert_eq!(bench.counts().input_pieces, 1);
    bench.memory.finish(&lease, &finished()).await.unwrap();
    assert_eq!(bench.counts().input_pieces, 0);
}

#[tokio::test]
async fn a_worker_that_waits_for_input_is_woken_when_there_will_be_none() {
    let bench = Bench::new();
    let lease = bench.start_interactive().await;
    let start = InputPosition::START;
    let mut woken = bench.memory.input_available(&lease, start);
    assert!((&mut woken).now_or_never().is_none());
    assert_eq!(bench.counts().listeners, 1);
    bench.memory.delete(lease.id()).await.unwrap();
    assert!(woken.now_or_never().is_some());
    assert_eq!(bench.counts().listeners, 0);
}

#[tokio::test]
async fn a_piece_of_input_keeps_no_larger_buffer() {
    let bench = Bench::new();
    bench.start_interactive().await;
    let buffer = Bytes::from(vec![b'x'; 1 << 20]);
    let piece = InputPiece::Data(buffer.slice(0..1));
    assert_eq!(bench.send(1, 1, piece).await, InputReply::Kept);
    assert!(buffer.is_unique(), "nobody else holds on to it");
}

#[tokio::test]
async fn a_read_answers_a_bounded_amount() {
    let bench = Bench::new();
    let lease = bench.start_interactive().await;
    let large = InputPiece::Data(Bytes::from(vec![b'x'; 40 << 10]));
    for number in 1..=4 {
        bench.send(1, number, large.clone()).await;
    }
    let read = bench.memory.receive(&lease, InputPosition::START).await;
    assert_eq!(read.unwrap(), [large]);
}

#[tokio::test]
async fn what_an_earlier_attempt_read_is_unread_for_the_next_one() {
    let bench = Bench::new();
    let lease = bench.start_interactive().await;
    let half = InputPiece::Data(Bytes::from(vec![b'x'; 500 << 10]));
    bench.send(1, 1, half.clone()).await;
    bench.send(1, 2, half.clone()).await;
    let all_read = InputPosition::from_number(2);
    bench.memory.receive(&lease, all_read).await.unwrap();
    bench.clock.advance(store_policy().lease);
    let lease = bench.try_take().await.unwrap();
    assert_eq!(bench.send(1, 3, half.clone()).await, InputReply::Full);
    let first = InputPosition::START;
    let read = bench.memory.receive(&lease, first).await.unwrap();
    assert_eq!(read, std::slice::from_ref(&half));
    bench.memory.receive(&lease, all_read).await.unwrap();
    assert_eq!(bench.send(1, 3, half).await, InputReply::Kept);
}

#[tokio::test]
async fn many_senders_are_remembered_and_the_longest_silent_is_forgotten_first() {
    let bench = Bench::new();
    bench.start_interactive().await;
    for sender in 0..64 {
        bench.send(sender, 1, data(b"x")).await;
    }
    bench.send(0, 2, data(b"x")).await;
    bench.send(64, 1, data(b"x")).await;
    assert_eq!(bench.counts().input_pieces, 66);
    bench.send(0, 2, data(b"x")).await;
    assert_eq!(bench.counts().input_pieces, 66, "it was not silent");
    bench.send(1, 1, data(b"x")).await;
    assert_eq!(bench.counts().input_pieces, 67, "it was");
}

#[tokio::test]
async fn tickets_leave_nothing_behind() {
    let bench = Bench::new();
    bench.start_interactive().await;
    for number in 0..16 {
        bench.issue(number).await;
    }
    assert_eq!(bench.counts().tickets, 16);
    bench.clock.advance(Duration::from_secs(30));
    bench.memory.sweep().await.unwrap();
    assert_eq!(bench.counts().tickets, 0);
    bench.issue(1).await;
    bench.memory.delete(execution_id(1)).await.unwrap();
    assert_eq!(bench.counts().tickets, 0);
}
