//! Checks hints: a worker whose program has read everything is woken when there is more.

use coderun_domain::{InputPiece, InputPosition, Lease};

use crate::fixtures::{data, id, sender, waiting, within};
use crate::{Backend, Interactive};

/// Begins to wait for input after a position, lets `cause` happen, and is woken.
async fn assert_wakes(
    backend: &Backend,
    lease: &Lease,
    after: InputPosition,
    cause: impl AsyncFnOnce(),
) {
    let woken = waiting(|| backend.inputs.input_available(lease, after)).await;
    cause().await;
    within(woken).await;
}

/// A worker that waits is woken by each piece.
pub async fn input_wakes_the_worker(Interactive { backend, lease }: Interactive) {
    let mut position = InputPosition::START;
    for number in 1..=3 {
        let send = async || backend.keep(id(1), sender(1, number), data("x")).await;
        assert_wakes(&backend, &lease, position, send).await;
        assert_eq!(backend.read_from(&lease, position).await, [data("x")]);
        position = position.next();
    }
}

/// A worker that comes after the piece does not wait for the next one.
pub async fn a_wait_for_unread_input_returns_at_once(backend: Backend) {
    backend.submit_interactive(1, "alice").await;
    backend.type_in(id(1), &["a", "b"]).await;
    let lease = backend.take().await;
    for position in [0, 1] {
        let after = InputPosition::from_number(position);
        within(backend.inputs.input_available(&lease, after)).await;
    }
}

/// The end of the input wakes the worker like any other piece.
pub async fn the_end_of_input_wakes_the_worker(Interactive { backend, lease }: Interactive) {
    let end = async || backend.keep(id(1), sender(1, 1), InputPiece::End).await;
    assert_wakes(&backend, &lease, InputPosition::START, end).await;
}

/// A wait for input may be cancelled at any time: later input wakes the next wait.
pub async fn a_cancelled_wait_for_input_loses_no_wakeup(
    Interactive { backend, lease }: Interactive,
) {
    let start = InputPosition::START;
    for _ in 0..50 {
        drop(waiting(|| backend.inputs.input_available(&lease, start)).await);
    }
    let send = async || backend.keep(id(1), sender(1, 1), data("x")).await;
    assert_wakes(&backend, &lease, start, send).await;
    assert_eq!(backend.read_all(&lease).await, [data("x")]);
}
