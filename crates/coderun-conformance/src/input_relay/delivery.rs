//! Checks that input reaches the program in order, complete and once.

use std::sync::Arc;

use coderun_domain::{InputPiece, InputPosition, InputReply, StorePolicy};

use crate::fixtures::{at_once, data, id, sender};
use crate::{Backend, Interactive};

/// An execution without input has nothing to read, which is no error.
pub async fn an_execution_without_input_has_nothing_to_read(
    Interactive { backend, lease }: Interactive,
) {
    assert_eq!(backend.read_all(&lease).await, []);
    let plain = backend.start(2, "alice").await;
    assert_eq!(backend.read_all(&plain).await, []);
}

/// A program gets the pieces as they were sent, one after the other.
pub async fn pieces_arrive_in_order_and_complete(Interactive { backend, lease }: Interactive) {
    let large = "x".repeat(64 << 10);
    backend.type_in(id(1), &["a\n", " ", &large, "b\n"]).await;
    let expected = ["a\n", " ", &large, "b\n"].map(data);
    assert_eq!(backend.read_all(&lease).await, expected);
}

/// NUL, line ends of every kind and bytes that are not UTF-8 arrive unchanged.
pub async fn every_byte_value_arrives(Interactive { backend, lease }: Interactive) {
    let every: Vec<u8> = (0..=255).collect();
    let pieces = [&every[..], b"\0", b"\xFF\xFE", b"\r\n\n", "😀".as_bytes()];
    for (number, bytes) in (1..).zip(pieces) {
        backend.keep(id(1), sender(1, number), data(bytes)).await;
    }
    assert_eq!(backend.read_all(&lease).await, pieces.map(data));
}

/// Input that was sent while the execution was pending is kept for the worker that takes it.
pub async fn input_sent_before_the_run_is_kept(backend: Backend) {
    backend.submit_interactive(1, "alice").await;
    backend.type_in(id(1), &["early", "bird"]).await;
    backend.keep(id(1), sender(2, 1), InputPiece::End).await;
    let lease = backend.take().await;
    let expected = [data("early"), data("bird"), InputPiece::End];
    assert_eq!(backend.read_all(&lease).await, expected);
}

/// A worker that reads after a position gets only later input.
pub async fn reading_continues_after_a_position(Interactive { backend, lease }: Interactive) {
    backend.type_in(id(1), &["a", "b"]).await;
    let second = InputPosition::from_number(2);
    assert_eq!(backend.read_from(&lease, second).await, []);
    backend.keep(id(1), sender(1, 3), data("c")).await;
    assert_eq!(backend.read_from(&lease, second).await, [data("c")]);
    assert_eq!(backend.read_from(&lease, second.next()).await, []);
}

/// A read whose answer was lost is answered alike.
pub async fn reading_again_returns_the_same(Interactive { backend, lease }: Interactive) {
    backend.type_in(id(1), &["a", "b", "c"]).await;
    let first = InputPosition::from_number(1);
    for _ in 0..3 {
        let read = backend.read_from(&lease, first).await;
        assert_eq!(read, [data("b"), data("c")]);
    }
}

/// The end is a piece like others, behind all input that was sent before.
pub async fn the_end_comes_last(Interactive { backend, lease }: Interactive) {
    backend.type_in(id(1), &["a"]).await;
    backend.keep(id(1), sender(1, 2), InputPiece::End).await;
    let expected = [data("a"), InputPiece::End];
    assert_eq!(backend.read_all(&lease).await, expected);
}

/// The same piece of the same sender after a lost reply is kept once, also when it has been read or others came behind
/// it, and also when it was the end.
pub async fn a_piece_sent_twice_is_kept_once(Interactive { backend, lease }: Interactive) {
    let (first, second) = (sender(1, 1), sender(1, 2));
    for _ in 0..2 {
        backend.keep(id(1), first, data("a")).await;
    }
    assert_eq!(backend.read_all(&lease).await, [data("a")]);
    backend.keep(id(1), first, data("a")).await;
    for _ in 0..2 {
        backend.keep(id(1), second, InputPiece::End).await;
        backend.keep(id(1), first, data("a")).await;
    }
    let expected = [data("a"), InputPiece::End];
    assert_eq!(backend.read_all(&lease).await, expected);
}

/// Of many equal pieces at once one is kept, and all are answered with `Kept`.
pub async fn of_many_equal_pieces_one_is_kept(Interactive { backend, lease }: Interactive) {
    let replies = at_once(8, |_| {
        let inputs = Arc::clone(&backend.inputs);
        async move { inputs.send(id(1), sender(1, 1), data("a")).await.unwrap() }
    })
    .await;
    assert_eq!(replies, [InputReply::Kept; 8]);
    assert_eq!(backend.read_all(&lease).await, [data("a")]);
}

/// Pieces of different senders are different even with equal numbers, and are kept in the order of their arrival.
pub async fn each_sender_has_its_own_numbers(Interactive { backend, lease }: Interactive) {
    for (input, text) in [
        (sender(1, 1), "a"),
        (sender(u128::MAX, 1), "b"),
        (sender(u128::MAX, 2), "c"),
        (sender(1, 2), "d"),
    ] {
        backend.keep(id(1), input, data(text)).await;
    }
    let expected = ["a", "b", "c", "d"].map(data);
    assert_eq!(backend.read_all(&lease).await, expected);
}

/// A repeated piece is recognised as long as its sender is one of the latest senders.
pub async fn the_latest_senders_are_remembered(Interactive { backend, lease }: Interactive) {
    let count = u128::try_from(StorePolicy::SENDERS_KEPT).unwrap();
    let keep = async |name| backend.keep(id(1), sender(name, 1), data("a")).await;
    for name in (1..=count).chain(1..=count) {
        keep(name).await;
    }
    let read = backend.read_all(&lease).await;
    assert_eq!(read.len(), StorePolicy::SENDERS_KEPT, "all are known");
    for name in [count + 1, 2, 1] {
        keep(name).await;
    }
    let read = backend.read_all(&lease).await;
    let expected = StorePolicy::SENDERS_KEPT + 2;
    assert_eq!(read.len(), expected, "only the first is not known any more");
}

/// However the pieces of several senders fall, all of them are kept, those of each sender in its order.
pub async fn concurrent_senders_lose_nothing(Interactive { backend, lease }: Interactive) {
    const SENDERS: u32 = 4;
    const PIECES: u64 = 25;
    at_once(SENDERS, |name| {
        let inputs = Arc::clone(&backend.inputs);
        async move {
            for number in 1..=PIECES {
                let piece = data(format!("{name}:{number:03}"));
                let sent = inputs.send(id(1), sender(name.into(), number), piece).await;
                assert_eq!(sent.unwrap(), InputReply::Kept);
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    let read = backend.read_all(&lease).await;
    for name in 0..SENDERS {
        let expected: Vec<_> = (1..=PIECES)
            .map(|number| data(format!("{name}:{number:03}")))
            .collect();
        let mine = read.iter().filter(|piece| expected.contains(piece));
        assert_eq!(mine.cloned().collect::<Vec<_>>(), expected);
    }
    assert_eq!(read.len() as u64, PIECES * 4);
}

/// The input of one execution is not read by another one of the same user.
pub async fn executions_do_not_read_each_others_input(backend: Backend) {
    let first = backend.start_interactive(1, "alice").await;
    let second = backend.start_interactive(2, "alice").await;
    backend.keep(id(1), sender(1, 1), data("one")).await;
    backend.keep(id(2), sender(1, 1), data("two")).await;
    assert_eq!(backend.read_all(&first).await, [data("one")]);
    assert_eq!(backend.read_all(&second).await, [data("two")]);
}

/// Input is not part of an execution's record or events.
pub async fn input_changes_neither_record_nor_events(Interactive { backend, lease }: Interactive) {
    let events = backend.events(id(1)).await;
    backend.type_in(id(1), &["a", "b"]).await;
    backend.read_all(&lease).await;
    backend.assert_unchanged(lease.execution(), &events).await;
}
