//! Checks which input is refused, and which is deleted.

use coderun_domain::{InputPiece, InputReply};

use crate::fixtures::{SECOND, data, id, sender};
use crate::{Backend, Interactive, Pending};

/// After the end no sender can add anything, and nothing is added.
pub async fn input_after_the_end_is_refused(Interactive { backend, lease }: Interactive) {
    backend.keep(id(1), sender(1, 1), InputPiece::End).await;
    for input in [sender(1, 2), sender(2, 1)] {
        for piece in [data("late"), InputPiece::End] {
            let reply = backend.send(id(1), input, piece).await;
            assert_eq!(reply, InputReply::Ended);
        }
    }
    assert_eq!(backend.read_all(&lease).await, [InputPiece::End]);
}

/// An execution that is not interactive takes no input, neither pending nor running.
pub async fn an_execution_that_is_not_interactive_takes_no_input(Pending(backend): Pending) {
    let send = async || backend.send(id(1), sender(1, 1), data("a")).await;
    assert_eq!(send().await, InputReply::NotInteractive);
    let lease = backend.take().await;
    assert_eq!(send().await, InputReply::NotInteractive);
    assert_eq!(backend.read_all(&lease).await, []);
}

/// An execution takes no input once it has ended, also if it was cancelled before it ran.
pub async fn a_final_execution_takes_no_input(Interactive { backend, lease }: Interactive) {
    backend.type_in(id(1), &["a"]).await;
    backend.finish(&lease).await;
    let reply = backend.send(id(1), sender(1, 2), data("b")).await;
    assert_eq!(reply, InputReply::Final);
    backend.submit_interactive(2, "alice").await;
    backend.cancel(id(2)).await;
    let reply = backend.send(id(2), sender(1, 1), data("a")).await;
    assert_eq!(reply, InputReply::Final);
}

/// Input for an unknown id is refused and creates no execution.
pub async fn an_unknown_execution_takes_no_input(backend: Backend) {
    let reply = backend.send(id(1), sender(1, 1), data("a")).await;
    assert_eq!(reply, InputReply::Absent);
    assert_eq!(backend.find(id(1)).await, None);
    let lease = backend.start_interactive(1, "alice").await;
    assert_eq!(backend.read_all(&lease).await, []);
}

/// An execution whose record has expired takes no input.
pub async fn an_expired_execution_takes_no_input(Interactive { backend, lease }: Interactive) {
    backend.finish(&lease).await;
    backend.advance(backend.policy.retention + SECOND);
    backend.sweep().await;
    let reply = backend.send(id(1), sender(1, 1), data("a")).await;
    assert_eq!(reply, InputReply::Absent);
}

/// A new execution with a deleted id has none of the old one's input, and takes pieces with the same numbers as new.
pub async fn deletion_removes_the_input(backend: Backend) {
    backend.submit_interactive(1, "alice").await;
    backend.type_in(id(1), &["old", "older"]).await;
    backend.keep(id(1), sender(1, 3), InputPiece::End).await;
    assert!(backend.delete(id(1)).await);
    let reply = backend.send(id(1), sender(1, 4), data("late")).await;
    assert_eq!(reply, InputReply::Absent);
    backend.submit_interactive(1, "alice").await;
    let lease = backend.take().await;
    assert_eq!(backend.read_all(&lease).await, []);
    backend.type_in(id(1), &["new"]).await;
    assert_eq!(backend.read_all(&lease).await, [data("new")]);
}
