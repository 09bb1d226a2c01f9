//! Tests what watchers are told, and when they have to read.

use bytes::Bytes;
use coderun_domain::testing::{at, execution, finished};
use coderun_domain::{Attempt, Execution, Outcome, OutputChunk, OutputStream, WorkerId};

use tokio::time::Instant;

use super::*;

const INTERVAL: Duration = Duration::from_secs(3);

fn running() -> Execution {
    let worker = WorkerId::parse("worker-1").unwrap();
    execution().start(worker, at(1)).unwrap()
}

fn lease() -> Lease {
    Lease::new(running()).unwrap()
}

fn id() -> ExecutionId {
    lease().id()
}

fn sequence(number: u64) -> Sequence {
    Sequence::from_number(number)
}

fn output() -> RunEvent {
    RunEvent::Output(OutputChunk {
        stream: OutputStream::Stdout,
        bytes: Bytes::from_static(b"x"),
        attempt: Attempt::from_count(1),
    })
}

fn end(number: u64) -> RunEnd {
    RunEnd {
        sequence: sequence(number),
        completed_at: at(3),
    }
}

/// Finishes the run with one event after this number.
fn finish(feed: &Feed, after: u64, outcome: &Outcome, end: RunEnd) {
    let run = FinishedRun {
        lease: &lease(),
        after: sequence(after),
        events: &[output()],
        outcome,
    };
    feed.finish(run, end);
}

async fn next(watcher: &mut Watcher, seen: u64) -> Option<StoredEvent> {
    watcher.next_event(sequence(seen), sequence(seen)).await
}

async fn delivered(watcher: &mut Watcher, seen: u64) -> StoredEvent {
    next(watcher, seen).await.expect("it has to read")
}

/// Asserts that a watcher that has seen this much has to read, and within which time.
async fn assert_reads_after(watcher: &mut Watcher, seen: u64, wait: Duration) {
    let before = Instant::now();
    assert_eq!(next(watcher, seen).await, None);
    assert_eq!(before.elapsed(), wait);
}

fn must_read(watcher: &Watcher, seen: u64) -> bool {
    watcher.must_read(sequence(seen), sequence(seen))
}

fn watch(feed: &Arc<Feed>) -> Watcher {
    feed.watch(id(), INTERVAL)
}

fn feed() -> Arc<Feed> {
    Arc::new(Feed::default())
}

fn count_entries(feed: &Feed) -> usize {
    feed.0.lock().len()
}

#[tokio::test(start_paused = true)]
async fn what_this_process_runs_is_told_without_a_read() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = watch(&feed);
    assert!(!must_read(&watcher, 0));
    assert_eq!(
        delivered(&mut watcher, 0).await.event,
        Event::Updated(execution().progress().clone())
    );
    assert_eq!(
        delivered(&mut watcher, 1).await.event,
        Event::Updated(running().progress().clone())
    );
    feed.append(id(), sequence(2), &[output()]);
    assert_eq!(
        delivered(&mut watcher, 2).await.event,
        Event::from(output())
    );
    let outcome = finished();
    finish(&feed, 3, &outcome, end(5));
    assert_eq!(
        delivered(&mut watcher, 3).await.event,
        Event::from(output())
    );
    let last = delivered(&mut watcher, 4).await;
    let Event::Updated(progress) = last.event else {
        panic!("not the end")
    };
    let ended = running()
        .count_events(2, at(2))
        .unwrap()
        .finish(outcome, at(3))
        .unwrap();
    assert_eq!(&progress, ended.progress());
}

#[tokio::test(start_paused = true)]
async fn a_watcher_that_begins_after_the_end_reads() {
    let feed = feed();
    feed.begin(&lease());
    let prompt = watch(&feed);
    finish(&feed, 2, &finished(), end(4));
    assert!(!must_read(&prompt, 3));
    assert!(must_read(&watch(&feed), 4));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_of_what_runs_elsewhere_begins_with_a_read() {
    let feed = feed();
    let mut watcher = watch(&feed);
    assert!(must_read(&watcher, 0));
    assert_eq!(watcher.begin_read(), sequence(0));
    assert!(!must_read(&watcher, 2));
    // It has read that there are more events.
    assert!(watcher.must_read(sequence(2), sequence(3)));
    assert!(must_read(&watch(&feed), 2));
}

#[tokio::test(start_paused = true)]
async fn a_watcher_reads_in_an_interval_even_without_a_change() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = watch(&feed);
    assert_reads_after(&mut watcher, 2, INTERVAL).await;
    watcher.begin_read();
    assert_reads_after(&mut watcher, 2, INTERVAL).await;
}

#[tokio::test(start_paused = true)]
async fn a_gap_makes_those_read_who_miss_something() {
    let feed = feed();
    feed.begin(&lease());
    let (mut prompt, mut slow) = (watch(&feed), watch(&feed));
    // Event 3 was lost.
    feed.append(id(), sequence(3), &[output()]);
    assert_reads_after(&mut slow, 0, Duration::ZERO).await;
    assert_reads_after(&mut prompt, 2, Duration::ZERO).await;
    assert_eq!(delivered(&mut prompt, 3).await.sequence, sequence(4));
}

/// A watcher that does not keep up costs a bounded amount of memory, and delays nobody.
#[tokio::test(start_paused = true)]
async fn a_slow_watcher_reads_what_is_no_longer_kept() {
    let feed = feed();
    feed.begin(&lease());
    let mut slow = watch(&feed);
    for number in 2..1000 {
        feed.append(id(), sequence(number), &[output()]);
    }
    assert_reads_after(&mut slow, 2, Duration::ZERO).await;
    for seen in 990..1000 {
        let event = delivered(&mut slow, seen).await;
        assert_eq!(event.sequence, sequence(seen + 1));
    }
    assert_reads_after(&mut slow, 1000, INTERVAL).await;
}

/// Nothing is kept for those who do not watch yet.
#[tokio::test(start_paused = true)]
async fn output_without_a_watcher_is_read_by_the_next() {
    let feed = feed();
    feed.begin(&lease());
    feed.append(id(), sequence(2), &[output()]);
    let watcher = watch(&feed);
    assert!(must_read(&watcher, 2) && !must_read(&watcher, 3));
}

#[tokio::test(start_paused = true)]
async fn a_change_by_others_makes_every_watcher_read_once() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = watch(&feed);
    for change in [
        |feed: &Feed| feed.changed(id()),
        |feed: &Feed| feed.all_changed(),
    ] {
        change(&feed);
        assert!(must_read(&watcher, 2));
        assert_reads_after(&mut watcher, 2, Duration::ZERO).await;
        watcher.begin_read();
        assert!(!must_read(&watcher, 2));
    }
}

/// The worker did not know of an event, so that its own have other numbers.
#[tokio::test(start_paused = true)]
async fn an_end_with_an_unknown_event_makes_watchers_read() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = watch(&feed);
    finish(&feed, 2, &finished(), end(5));
    assert_reads_after(&mut watcher, 2, Duration::ZERO).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_lost_is_forgotten() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = watch(&feed);
    watcher.begin_read();
    watcher.rewind(sequence(1));
    assert_reads_after(&mut watcher, 1, Duration::ZERO).await;
    watcher.begin_read();
    assert!(!must_read(&watcher, 1));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_what_is_neither_run_nor_watched() {
    let feed = feed();
    let (first, second) = (watch(&feed), watch(&feed));
    drop(first);
    assert_eq!(count_entries(&feed), 1);
    drop(second);
    assert_eq!(count_entries(&feed), 0);
    let forget: [fn(&Feed); 3] = [
        // Another worker runs it now.
        |feed| feed.changed(id()),
        |feed| feed.all_changed(),
        |feed| finish(feed, 2, &finished(), end(4)),
    ];
    for forget in forget {
        feed.begin(&lease());
        drop(watch(&feed));
        assert_eq!(count_entries(&feed), 1);
        forget(&feed);
        assert_eq!(count_entries(&feed), 0);
    }
}
