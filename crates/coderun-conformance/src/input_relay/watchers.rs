//! Checks what is known of those who watch an execution that takes input.

use std::time::Duration;

use coderun_domain::ExecutionId;

use crate::fixtures::{SECOND, data, id};
use crate::{Backend, Interactive, Pending};

async fn note(backend: &Backend, id: ExecutionId) {
    backend.inputs.note_watcher(id).await.unwrap();
}

async fn unwatched_for(backend: &Backend, id: ExecutionId) -> Option<Duration> {
    backend.inputs.unwatched_for(id).await.unwrap()
}

/// The last note counts, from whichever process, while the execution is pending and while it runs.
pub async fn the_time_since_the_last_watcher_is_known(backend: Backend) {
    backend.submit_interactive(1, "alice").await;
    assert_eq!(unwatched_for(&backend, id(1)).await, None);
    note(&backend, id(1)).await;
    backend.advance(5 * SECOND);
    let _lease = backend.take().await;
    assert_eq!(unwatched_for(&backend, id(1)).await, Some(5 * SECOND));
    note(&backend, id(1)).await;
    backend.advance(SECOND);
    assert_eq!(unwatched_for(&backend, id(1)).await, Some(SECOND));
}

/// Neither changes the other, in whatever order they come.
pub async fn a_watcher_is_noted_beside_input(Interactive { backend, lease }: Interactive) {
    note(&backend, id(1)).await;
    assert_eq!(backend.read_all(&lease).await, []);
    backend.type_in(id(1), &["a"]).await;
    backend.advance(SECOND);
    assert_eq!(unwatched_for(&backend, id(1)).await, Some(SECOND));
    note(&backend, id(1)).await;
    assert_eq!(backend.read_all(&lease).await, [data("a")]);
}

/// A note is no error where it is worth nothing: the execution is not interactive, final or unknown.
pub async fn no_watcher_is_noted_of_what_takes_no_input(Pending(backend): Pending) {
    backend.take().await;
    let lease = backend.start_interactive(2, "alice").await;
    let first = backend.find(id(1)).await;
    backend.finish(&lease).await;
    for number in 1..=3 {
        note(&backend, id(number)).await;
        assert_eq!(unwatched_for(&backend, id(number)).await, None, "{number}");
    }
    assert_eq!(backend.find(id(1)).await, first);
    assert_eq!(backend.find(id(3)).await, None);
}

/// A new execution with a deleted id was watched by nobody.
pub async fn deletion_removes_the_note_of_a_watcher(backend: Backend) {
    backend.submit_interactive(1, "alice").await;
    note(&backend, id(1)).await;
    assert!(backend.delete(id(1)).await);
    backend.submit_interactive(1, "alice").await;
    assert_eq!(unwatched_for(&backend, id(1)).await, None);
}
