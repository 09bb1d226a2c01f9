//! Checks which input a worker reads after a takeover, and that the previous worker reads none.

use coderun_domain::{InputError, InputPiece, InputPosition, InputReply, Lease, StorePolicy};

use crate::fixtures::{attempt, data, id, sender};
use crate::{Backend, Interactive};

fn assert_lease_lost<T>(result: Result<T, InputError>) {
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

/// The second attempt reads what the first had read, the end included.
pub async fn a_takeover_reads_everything_from_the_beginning(backend: Backend) {
    let lost = backend.start_interactive(1, "alice").await;
    backend.type_in(id(1), &["a", "b"]).await;
    backend.keep(id(1), sender(1, 3), InputPiece::End).await;
    let all = backend.read_all(&lost).await;
    assert_eq!(all.len(), 3);
    let lease = take_over(&backend).await;
    assert_eq!(backend.read_all(&lease).await, all);
}

/// The attempt after a release reads everything, too.
pub async fn a_run_after_a_release_reads_everything_from_the_beginning(
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

/// Input that was sent while the worker was silent is not lost.
pub async fn a_takeover_reads_input_that_came_before_it(backend: Backend) {
    backend.start_interactive(1, "alice").await;
    backend.type_in(id(1), &["a"]).await;
    backend.advance(backend.policy.lease * 2);
    backend.keep(id(1), sender(1, 2), data("b")).await;
    let lease = backend.take_as("worker-2").await.unwrap();
    assert_eq!(backend.read_all(&lease).await, [data("a"), data("b")]);
}

/// Input that one attempt has read is kept until the next attempt has read it, too.
pub async fn input_read_by_an_earlier_attempt_frees_no_capacity(backend: Backend) {
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

/// A later attempt never reads a part for the whole: where input was evicted, it gets `Forgotten`.
pub async fn evicted_input_is_reported_as_forgotten(backend: Backend) {
    overflow(&backend).await;
    let lease = take_over(&backend).await;
    for _ in 0..2 {
        let read = backend.inputs.receive(&lease, InputPosition::START).await;
        assert!(matches!(read, Err(InputError::Forgotten)), "{read:?}");
    }
}

/// Only as much is evicted as necessary, the oldest first.
pub async fn a_later_attempt_can_read_behind_evicted_input(backend: Backend) {
    let pieces = overflow(&backend).await;
    let lease = take_over(&backend).await;
    let first = InputPosition::from_number(1);
    assert!(backend.read_from(&lease, first).await == pieces[1..]);
}

/// A worker that has lost its lease reads nothing more, and the position that it sends has no effect.
pub async fn a_stale_worker_reads_nothing(backend: Backend) {
    let stale = backend.start_interactive(1, "alice").await;
    backend.type_in(id(1), &["a", "b"]).await;
    let lease = take_over(&backend).await;
    for position in [0, 2] {
        let after = InputPosition::from_number(position);
        assert_lease_lost(backend.inputs.receive(&stale, after).await);
    }
    assert_eq!(backend.read_all(&lease).await, [data("a"), data("b")]);
    backend.finish(&lease).await;
    for old in [&stale, &lease] {
        let read = backend.inputs.receive(old, InputPosition::START).await;
        assert_lease_lost(read);
    }
}

/// The worker of a deleted execution reads neither its input nor that of a new execution with its id.
pub async fn the_worker_of_a_deleted_execution_reads_nothing(backend: Backend) {
    let old = backend.start_interactive(1, "alice").await;
    backend.delete(id(1)).await;
    let read = backend.inputs.receive(&old, InputPosition::START).await;
    assert_lease_lost(read);
    backend.submit_interactive(1, "alice").await;
    backend.type_in(id(1), &["for the new one"]).await;
    backend.take_as("worker-2").await.unwrap();
    let read = backend.inputs.receive(&old, InputPosition::START).await;
    assert_lease_lost(read);
}
