//! Tests watchers in another process than the one that runs the execution.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{
    CancelReply, Event, EventStream, ForcedEnd, Lease, Output, Sequence, StorePolicy, WatchError,
};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::RedisServer;
use futures_util::StreamExt as _;
use tokio::time::timeout;

use crate::support::{Fixture, id, piece, try_take};

/// Enough for an event that must come, also on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// How long a process is told what happens after it has last asked, with an interval of three seconds.
const WATCHED: Duration = Duration::from_secs(31);

/// A process that runs executions, and one that watches them. They share a clock.
struct Processes {
    runs: Fixture,
    watches: RedisBackend,
}

impl Processes {
    /// Both read on their own after this interval.
    async fn start(interval: Duration) -> Self {
        let server = RedisServer::start();
        let config = RedisConfig {
            watch_interval: interval,
            ..RedisConfig::new(server.url().parse().unwrap())
        };
        let change = |policy: &mut StorePolicy| policy.user_submits_per_minute = 0;
        let runs = Fixture::on(server, config.clone(), change).await;
        let watches =
            RedisBackend::connect(config, runs.policy, Arc::clone(&runs.clock) as _).await;
        Self {
            watches: watches.unwrap(),
            runs,
        }
    }

    /// A watcher that has seen the start of a run.
    async fn begin(&self, number: u128) -> (Lease, EventStream) {
        let lease = self.runs.begin(number).await;
        let mut events = self.watch(number).await;
        assert_eq!(numbers(&mut events, 2).await, [1, 2]);
        (lease, events)
    }

    async fn watch(&self, number: u128) -> EventStream {
        let watching = self.watches.notifier.subscribe(id(number), Sequence::START);
        watching.await.unwrap()
    }

    fn cut_subscriptions(&self) {
        self.runs.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    }

    /// The number of calls of a command so far.
    fn calls(&self, command: &str) -> u64 {
        let stats = self.runs.server.info(&format!("cmdstat_{command}"));
        let calls = stats.as_deref().and_then(|it| it.strip_prefix("calls="));
        let calls = calls.and_then(|it| it.split(',').next());
        calls.map_or(0, |calls| calls.parse().unwrap())
    }
}

async fn next(events: &mut EventStream) -> Result<coderun_domain::StoredEvent, WatchError> {
    let event = timeout(LONG, events.next()).await;
    event.unwrap().unwrap()
}

async fn numbers(events: &mut EventStream, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    for _ in 0..count {
        numbers.push(next(events).await.unwrap().sequence.number());
    }
    numbers
}

async fn print(processes: &Processes, lease: &Lease, after: u64) {
    let (after, told) = (Sequence::from_number(after), [piece(lease, "hello")]);
    processes.runs.append(lease, after, &told).await;
}

/// Events travel in messages: until the interval ends, nothing is read.
#[tokio::test]
async fn events_arrive_without_a_read() {
    let processes = Processes::start(LONG * 10).await;
    let (lease, mut events) = processes.begin(1).await;
    let before = processes.calls("lrange");
    print(&processes, &lease, 2).await;
    assert_eq!(numbers(&mut events, 1).await, [3]);
    let (last, told) = (Sequence::from_number(3), [piece(&lease, "world")]);
    processes.runs.finish_with(&lease, last, &told).await;
    assert_eq!(numbers(&mut events, 1).await, [4]);
    let last = next(&mut events).await.unwrap();
    let Event::Updated(progress) = last.event else {
        panic!("not the end")
    };
    let ended = processes.runs.get(1).await.unwrap();
    assert_eq!(&progress, ended.progress());
    assert!(timeout(LONG, events.next()).await.unwrap().is_none());
    assert_eq!(processes.calls("lrange"), before);
}

/// A program that has told nothing before its end.
#[tokio::test]
async fn an_end_with_all_output_arrives_in_one_message() {
    let processes = Processes::start(LONG * 10).await;
    let (lease, mut events) = processes.begin(1).await;
    let (last, told) = (
        Sequence::from_number(2),
        [piece(&lease, "a"), piece(&lease, "b")],
    );
    processes.runs.finish_with(&lease, last, &told).await;
    assert_eq!(numbers(&mut events, 3).await, [3, 4, 5]);
    assert!(timeout(LONG, events.next()).await.unwrap().is_none());
}

/// A message names only the event if it is long.
#[tokio::test]
async fn long_output_is_read() {
    let processes = Processes::start(LONG * 10).await;
    let (lease, mut events) = processes.begin(1).await;
    let text: &'static str = Box::leak("x".repeat(20_000).into_boxed_str());
    let (after, told) = (Sequence::from_number(2), [piece(&lease, text)]);
    processes.runs.append(&lease, after, &told).await;
    let Event::Output(chunk) = next(&mut events).await.unwrap().event else {
        panic!("no output")
    };
    assert_eq!(chunk.bytes.len(), 20_000);
}

/// What happened while there was no subscription is read as soon as there is one again.
#[tokio::test]
async fn a_lost_message_loses_no_event() {
    let processes = Processes::start(LONG * 10).await;
    let (lease, mut events) = processes.begin(1).await;
    for round in 0..3 {
        processes.cut_subscriptions();
        print(&processes, &lease, 2 + 2 * round).await;
        print(&processes, &lease, 3 + 2 * round).await;
        assert_eq!(
            numbers(&mut events, 2).await,
            [3 + 2 * round, 4 + 2 * round]
        );
    }
}

/// The watch has ended, and so no message is sent: the process reads in its interval, and is told again from then on.
#[tokio::test]
async fn without_messages_events_are_read_in_an_interval() {
    let processes = Processes::start(Duration::from_millis(200)).await;
    let (lease, mut events) = processes.begin(1).await;
    for number in 3..6 {
        processes.runs.clock.advance(WATCHED);
        print(&processes, &lease, number - 1).await;
        assert_eq!(numbers(&mut events, 1).await, [number]);
    }
}

/// The process that watched has ended without a word: after a while it is told nothing more.
#[tokio::test]
async fn the_watch_of_a_process_that_is_gone_ends() {
    let processes = Processes::start(Duration::from_secs(3)).await;
    let (lease, events) = processes.begin(1).await;
    drop(events);
    assert_eq!(told_by(&processes, print(&processes, &lease, 2)).await, 1);
    let Processes { runs, watches } = &processes;
    runs.clock.advance(WATCHED);
    assert_eq!(told_by(&processes, print(&processes, &lease, 3)).await, 0);
    // A process that still watches asks again.
    drop(
        watches
            .notifier
            .subscribe(id(1), Sequence::START)
            .await
            .unwrap(),
    );
    assert_eq!(told_by(&processes, print(&processes, &lease, 4)).await, 1);
}

/// The number of messages that the scripts of a call send. Each pulse is an `EVAL` that publishes.
async fn told_by(processes: &Processes, call: impl Future<Output = ()>) -> u64 {
    let sent = || processes.calls("publish") - processes.calls("eval");
    let before = sent();
    call.await;
    sent() - before
}

/// A slow watcher reads what is no longer kept, and delays nobody.
#[tokio::test]
async fn a_slow_watcher_gets_every_event() {
    let processes = Processes::start(LONG * 10).await;
    let (lease, mut prompt) = processes.begin(1).await;
    let mut slow = processes.watch(1).await;
    for number in 2..300 {
        print(&processes, &lease, number).await;
        assert_eq!(numbers(&mut prompt, 1).await, [number + 1]);
    }
    processes.runs.redis.queue.release(&lease).await.unwrap();
    let all: Vec<u64> = (1..=301).collect();
    assert_eq!(numbers(&mut slow, 301).await, all);
}

/// What another process does reaches the watchers in the process that runs the execution.
#[tokio::test]
async fn a_change_elsewhere_reaches_the_watchers_of_the_runner() {
    let processes = Processes::start(LONG * 10).await;
    let runs = &processes.runs;
    let lease = runs.begin(1).await;
    let mut events = runs
        .redis
        .notifier
        .subscribe(id(1), Sequence::START)
        .await
        .unwrap();
    assert_eq!(numbers(&mut events, 2).await, [1, 2]);
    // Another worker takes the execution over.
    runs.clock
        .advance(runs.policy.lease + Duration::from_secs(1));
    let taken = try_take(&processes.watches).await.unwrap().unwrap();
    assert_eq!((taken.id(), taken.attempt().count()), (lease.id(), 2));
    assert_eq!(numbers(&mut events, 1).await, [3]);
    // It is deleted.
    assert!(processes.watches.store.delete(id(1)).await.unwrap());
    assert!(matches!(next(&mut events).await, Err(WatchError::Gone)));
}

#[tokio::test]
async fn a_waiting_execution_that_is_cancelled_elsewhere_ends_for_its_watchers() {
    let processes = Processes::start(LONG * 10).await;
    processes.runs.submit(1).await;
    let mut events = processes.watch(1).await;
    assert_eq!(numbers(&mut events, 1).await, [1]);
    let cancelled = processes
        .runs
        .redis
        .store
        .request_cancel(id(1))
        .await
        .unwrap();
    assert!(matches!(cancelled, CancelReply::Ended(_)), "{cancelled:?}");
    assert!(next(&mut events).await.unwrap().event.is_final());
    assert!(timeout(LONG, events.next()).await.unwrap().is_none());
}

/// The final record of a run whose events are streamed is too large for a script. No event of it gets lost.
#[tokio::test]
async fn an_end_with_a_large_record_reaches_watchers_elsewhere() {
    let processes = Processes::start(LONG * 10).await;
    let (lease, mut events) = processes.begin(1).await;
    processes.runs.print(&lease, "hello").await;
    assert_eq!(numbers(&mut events, 1).await, [3]);
    let told = [piece(&lease, "hello")];
    let output = Output::complete(vec![b'x'; 64 << 10]);
    let outcome = ForcedEnd::RanTooLong.outcome(output, Output::default());
    let last = Sequence::from_number(3);
    let finishing = processes
        .runs
        .redis
        .queue
        .finish(&lease, last, &told, &outcome);
    finishing.await.unwrap();
    assert_eq!(numbers(&mut events, 2).await, [4, 5]);
}
