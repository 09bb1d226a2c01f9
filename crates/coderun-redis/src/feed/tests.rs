//! Tests what watchers are told, and when they have to read.

use bytes::Bytes;
use coderun_domain::testing::{at, execution, execution_id, finished};
use coderun_domain::{Attempt, Execution, Outcome, OutputChunk, OutputStream, WorkerId};

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
        expires: at(9),
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

async fn next(watcher: &mut Watcher, seen: u64) -> NextStep {
    watcher.next_step(sequence(seen), INTERVAL, at(4)).await
}

async fn delivered(watcher: &mut Watcher, seen: u64) -> StoredEvent {
    match next(watcher, seen).await {
        NextStep::Deliver(event) => event,
        other @ (NextStep::Read | NextStep::End) => panic!("{other:?}"),
    }
}

/// The numbers that a watcher is told, from the one after this on, until it has to read or the end is reached.
async fn told(watcher: &mut Watcher, mut seen: u64) -> (Vec<u64>, NextStep) {
    let mut numbers = Vec::new();
    loop {
        match next(watcher, seen).await {
            NextStep::Deliver(event) => {
                seen = event.sequence.number();
                numbers.push(seen);
            }
            other @ (NextStep::Read | NextStep::End) => return (numbers, other),
        }
    }
}

fn feed() -> Arc<Feed> {
    Arc::new(Feed::default())
}

fn count_entries(feed: &Feed) -> usize {
    feed.0.lock().entries.len()
}

#[tokio::test(start_paused = true)]
async fn what_this_process_runs_is_told_without_a_read() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = feed.watch(id());
    assert!(!watcher.must_read(sequence(0), INTERVAL, at(2)));
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
    assert!(matches!(next(&mut watcher, 5).await, NextStep::End));
}

#[tokio::test(start_paused = true)]
async fn the_end_is_known_for_a_while_also_without_a_watcher() {
    let feed = feed();
    feed.begin(&lease());
    finish(&feed, 2, &finished(), end(4));
    let mut late = feed.watch(id());
    assert!(!late.must_read(sequence(4), INTERVAL, at(4)));
    assert!(matches!(next(&mut late, 4).await, NextStep::End));
    // Its events are not kept, and the end only until the record expires.
    assert!(late.must_read(sequence(2), INTERVAL, at(4)));
    assert!(late.must_read(sequence(4), INTERVAL, at(9)));
    drop(late);
    for number in 0..ENDED_KEPT {
        feed.remember_end(execution_id(1000 + number as u128));
    }
    assert_eq!(count_entries(&feed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_watcher_of_what_runs_elsewhere_begins_with_a_read() {
    let feed = feed();
    let mut watcher = feed.watch(id());
    assert!(watcher.must_read(sequence(0), INTERVAL, at(2)));
    assert_eq!(watcher.begin_read(), sequence(0));
    watcher.tell(&EventPage {
        created: 0,
        events: Vec::new(),
        sequence: sequence(2),
        expires: None,
    });
    // The second watcher need not read what the first has.
    let second = feed.watch(id());
    assert!(!second.must_read(sequence(2), INTERVAL, at(2)));
    assert!(second.must_read(sequence(1), INTERVAL, at(2)));
    let before = Instant::now();
    assert!(matches!(next(&mut watcher, 2).await, NextStep::Read));
    assert_eq!(before.elapsed(), INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn watchers_of_one_execution_read_once_in_an_interval_together() {
    let feed = feed();
    feed.begin(&lease());
    let (mut first, mut second) = (feed.watch(id()), feed.watch(id()));
    assert!(matches!(next(&mut first, 2).await, NextStep::Read));
    first.begin_read();
    let before = Instant::now();
    assert!(matches!(next(&mut second, 2).await, NextStep::Read));
    assert_eq!(before.elapsed(), INTERVAL);
}

#[tokio::test(start_paused = true)]
async fn a_gap_makes_those_read_who_miss_something() {
    let feed = feed();
    feed.begin(&lease());
    let mut prompt = feed.watch(id());
    let mut slow = feed.watch(id());
    // Event 3 was lost.
    feed.append(id(), sequence(3), &[output()]);
    assert!(matches!(told(&mut slow, 0).await, (numbers, NextStep::Read) if numbers.is_empty()));
    assert!(matches!(next(&mut prompt, 2).await, NextStep::Read));
    assert_eq!(delivered(&mut prompt, 3).await.sequence, sequence(4));
}

/// A watcher that does not keep up costs a bounded amount of memory, and delays nobody.
#[tokio::test(start_paused = true)]
async fn a_slow_watcher_reads_what_is_no_longer_kept() {
    let feed = feed();
    feed.begin(&lease());
    let mut slow = feed.watch(id());
    for number in 2..1000 {
        feed.append(id(), sequence(number), &[output()]);
    }
    assert!(matches!(next(&mut slow, 2).await, NextStep::Read));
    assert_eq!(told(&mut slow, 990).await.0.last(), Some(&1000));
}

#[tokio::test(start_paused = true)]
async fn a_change_by_others_makes_every_watcher_read_once() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = feed.watch(id());
    for change in [
        |feed: &Feed| feed.changed(id()),
        |feed: &Feed| feed.all_changed(),
    ] {
        change(&feed);
        assert!(watcher.must_read(sequence(2), INTERVAL, at(2)));
        assert!(matches!(next(&mut watcher, 2).await, NextStep::Read));
        watcher.begin_read();
        assert!(!watcher.must_read(sequence(2), INTERVAL, at(2)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_lost_is_forgotten() {
    let feed = feed();
    feed.begin(&lease());
    let mut watcher = feed.watch(id());
    watcher.begin_read();
    watcher.rewind(sequence(1));
    assert!(matches!(next(&mut watcher, 1).await, NextStep::Read));
    watcher.begin_read();
    assert!(!watcher.must_read(sequence(1), INTERVAL, at(2)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_of_what_is_neither_run_nor_watched() {
    let feed = feed();
    let (first, second) = (feed.watch(id()), feed.watch(id()));
    drop(first);
    assert_eq!(count_entries(&feed), 1);
    drop(second);
    assert_eq!(count_entries(&feed), 0);
    feed.begin(&lease());
    drop(feed.watch(id()));
    assert_eq!(count_entries(&feed), 1);
    // Another worker runs it now.
    feed.changed(id());
    assert_eq!(count_entries(&feed), 0);
}
