//! Hints: a worker whose program has read everything is woken when there is more.

use coderun_domain::{InputPiece, InputPosition, Lease};

use crate::fixtures::{data, id, sender, waiting, within};
use crate::{Backend, Interactive};

/// Begins to wait for what comes after a position, lets `cause` happen, and is woken.
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
pub async fn input_that_is_there_already_does_not_let_wait(backend: Backend) {
    backend.submit_interactive(1, "alice").await;
    backend.type_in(id(1), &["a", "b"]).await;
    let lease = backend.take().await;
    for position in [0, 1] {
        let after = InputPosition::from_number(position);
        within(backend.inputs.input_available(&lease, after)).await;
    }
}

/// The end of the input is news like any other.
pub async fn an_end_wakes_the_worker(Interactive { backend, lease }: Interactive) {
    let end = async || backend.keep(id(1), sender(1, 1), InputPiece::End).await;
    assert_wakes(&backend, &lease, InputPosition::START, end).await;
}

/// Waiting for input can be given up at any time: what comes later wakes whoever waits then.
pub async fn giving_up_to_wait_for_input_harms_nobody(Interactive { backend, lease }: Interactive) {
    let start = InputPosition::START;
    for _ in 0..50 {
        drop(waiting(|| backend.inputs.input_available(&lease, start)).await);
    }
    let send = async || backend.keep(id(1), sender(1, 1), data("x")).await;
    assert_wakes(&backend, &lease, start, send).await;
    assert_eq!(backend.read_all(&lease).await, [data("x")]);
}
