//! Checks the delivery of events that were stored before a subscription.

use coderun_domain::Status;

use crate::fixtures::{drain_events, id, numbers, progress_of, text_of};
use crate::{Backend, Running};

/// A stream from the beginning delivers submission, start, output and end, numbered 1, 2, 3 …
pub async fn events_are_delivered_in_order_without_a_gap(backend: Backend) {
    let submitted = backend.submit(1, "alice").await;
    let lease = backend.take().await;
    backend.print(&lease, &["a", "b"]).await;
    backend.print(&lease, &["c"]).await;
    backend.finish(&lease).await;
    let events = drain_events(backend.watch(id(1), 0).await).await;
    assert_eq!(numbers(&events), [1, 2, 3, 4, 5, 6]);
    assert_eq!(progress_of(&events[0]), submitted.progress());
    assert_eq!(progress_of(&events[1]), lease.execution().progress());
    let texts: Vec<_> = events[2..5].iter().map(text_of).collect();
    assert_eq!(texts, ["a", "b", "c"]);
    let ended = backend.get(id(1)).await;
    assert_eq!(progress_of(&events[5]), ended.progress());
    assert_eq!(ended.status(), Status::Completed);
}

/// A stream after any event delivers the later events and no others.
pub async fn seen_events_are_not_delivered_again(Running { backend, lease }: Running) {
    backend.print(&lease, &["a", "b", "c"]).await;
    backend.finish(&lease).await;
    let all = drain_events(backend.watch(id(1), 0).await).await;
    assert_eq!(all.len(), 6);
    for since in 0..=6 {
        let events = drain_events(backend.watch(id(1), since as u64).await).await;
        assert_eq!(events, all[since..]);
    }
}

/// A stream of a final execution that begins at its last event, or later, ends at once.
pub async fn a_stream_behind_the_final_event_ends_at_once(backend: Backend) {
    let last = backend.complete(1, "alice").await.sequence().number();
    for since in [last, last + 1, u64::MAX] {
        assert_eq!(drain_events(backend.watch(id(1), since).await).await, []);
    }
}

/// Two thousand events are delivered as reliably as two.
pub async fn a_long_history_is_delivered_completely(Running { backend, lease }: Running) {
    let texts: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for _ in 0..40 {
        backend.print(&lease, &texts).await;
    }
    backend.finish(&lease).await;
    let events = drain_events(backend.watch(id(1), 2).await).await;
    let expected: Vec<u64> = (3..=2003).collect();
    assert_eq!(numbers(&events), expected);
    let delivered: Vec<_> = events[..2000].iter().map(text_of).collect();
    assert_eq!(delivered, texts.repeat(40));
}
