//! Another worker takes over: what it reads, and what the one before does not read any more.

use coderun_domain::{InputError, InputPiece, InputPosition, InputReply, Lease, StorePolicy};

use crate::fixtures::{attempt, data, id, sender};
use crate::{Backend, Interactive};

fn assert_not_its_workers<T>(result: Result<T, InputError>) {
    let error = result.err();
    assert!(matches!(error, Some(InputError::LeaseLost)), "{error:?}");
}

async fn take_over(backend: &Backend) -> Lease {
    backend.advance(backend.policy.lease * 2);
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_eq!(lease.attempt(), attempt(2));
    lease
}

/// Sends four pieces of a quarter of the bound each, all of which have been read when the fifth comes.
async fn overflow(backend: &Backend) -> [InputPiece; 5] {
    let quarter = usize::try_from(StorePolicy::INPUT_KEPT_MAX.as_bytes() / 4).unwrap();
    let bytes = quarter - InputPiece::End.size_bytes();
    let pieces = [b'1', b'2', b'3', b'4', b'5'].map(|byte| data(vec![byte; bytes]));
    let lease = backend.start_interactive(1, "alice").await;
    for (number, piece) in (1..).zip(&pieces) {
        let before = InputPosition::from_number(number - 1);
        backend.read_from(&lease, before).await;
        let input = sender(1, number);
        backend.keep(id(1), input, piece.clone()).await;
    }
    pieces
}

/// The program of a second attempt gets what the first had read, the end included.
pub async fn a_takeover_reads_everything_from_the_beginning(backend: Backend) {
    let lost = backend.start_interactive(1, "alice").await;
    backend.type_in(id(1), &["a", "b"]).await;
    backend.keep(id(1), sender(1, 3), InputPiece::End).await;
    let all = backend.read_all(&lost).await;
    assert_eq!(all.len(), 3);
    let lease = take_over(&backend).await;
    assert_eq!(backend.read_all(&lease).await, all);
}

/// So does the attempt after one that was given back.
pub async fn what_was_given_back_reads_everything_from_the_beginning(
    Interactive { backend, lease }: Interactive,
) {
    backend.type_in(id(1), &["a", "b"]).await;
    let all = backend.read_all(&lease).await;
    backend.release(&lease).await;
    backend.keep(id(1), sender(1, 3), data("c")).await;
    let lease = backend.take().await;
    let expected = [all, vec![data("c")]].concat();
    assert_eq!(backend.read_all(&lease).await, expected);
}

/// What was sent to a silent worker is not lost with it.
pub async fn a_takeover_reads_what_came_in_between(backend: Backend) {
    backend.start_interactive(1, "alice").await;
    backend.type_in(id(1), &["a"]).await;
    backend.advance(backend.policy.lease * 2);
    backend.keep(id(1), sender(1, 2), data("b")).await;
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_eq!(backend.read_all(&lease).await, [data("a"), data("b")]);
}

/// What one attempt has read is not given away while nobody runs it, nor while the next one has still to read it.
pub async fn what_an_earlier_attempt_has_read_makes_no_room(backend: Backend) {
    let bound = usize::try_from(StorePolicy::INPUT_KEPT_MAX.as_bytes()).unwrap();
    let all = data(vec![b'x'; bound - InputPiece::End.size_bytes()]);
    let behind = InputPosition::START.next();
    let lease = backend.start_interactive(1, "alice").await;
    backend.keep(id(1), sender(1, 1), all.clone()).await;
    assert_eq!(backend.read_from(&lease, behind).await, []);
    backend.release(&lease).await;
    let send = async || backend.send(id(1), sender(1, 2), data("a")).await;
    assert_eq!(send().await, InputReply::Full, "while it waits");
    let lease = backend.take().await;
    assert_eq!(send().await, InputReply::Full, "before the next one reads");
    assert!(backend.read_all(&lease).await == [all]);
    assert_eq!(send().await, InputReply::Kept, "after it has read");
}

/// Where something had to make room a later attempt is told so, and never reads a part for the whole.
pub async fn what_had_to_make_room_is_forgotten(backend: Backend) {
    overflow(&backend).await;
    let lease = take_over(&backend).await;
    for _ in 0..2 {
        let read = backend.inputs.receive(&lease, InputPosition::START).await;
        assert!(matches!(read, Err(InputError::Forgotten)), "{read:?}");
    }
}

/// Only as much has made room as had to, the oldest first.
pub async fn a_later_attempt_can_read_behind_what_was_forgotten(backend: Backend) {
    let pieces = overflow(&backend).await;
    let lease = take_over(&backend).await;
    let first = InputPosition::from_number(1);
    assert!(backend.read_from(&lease, first).await == pieces[1..]);
}

/// Who has lost the lease reads nothing more, and what it says it has read counts for nothing.
pub async fn a_stale_worker_reads_nothing(backend: Backend) {
    let stale = backend.start_interactive(1, "alice").await;
    backend.type_in(id(1), &["a", "b"]).await;
    let lease = take_over(&backend).await;
    for position in [0, 2] {
        let after = InputPosition::from_number(position);
        assert_not_its_workers(backend.inputs.receive(&stale, after).await);
    }
    assert_eq!(backend.read_all(&lease).await, [data("a"), data("b")]);
    backend.finish(&lease).await;
    for old in [&stale, &lease] {
        let read = backend.inputs.receive(old, InputPosition::START).await;
        assert_not_its_workers(read);
    }
}

/// Neither the input of a deleted execution nor that of its successor is its old worker's.
pub async fn a_deleted_execution_is_lost_to_its_worker(backend: Backend) {
    let old = backend.start_interactive(1, "alice").await;
    backend.delete(id(1)).await;
    let read = backend.inputs.receive(&old, InputPosition::START).await;
    assert_not_its_workers(read);
    backend.submit_interactive(1, "alice").await;
    backend.type_in(id(1), &["for the new one"]).await;
    backend.take_as("worker-2").await.unwrap();
    let read = backend.inputs.receive(&old, InputPosition::START).await;
    assert_not_its_workers(read);
}
