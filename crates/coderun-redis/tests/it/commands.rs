//! Pins the commands that one execution costs the server.

use std::collections::BTreeMap;
use std::time::Duration;

use coderun_domain::{EventStream, Lease, Sequence, Submitted};
use coderun_redis::RedisBackend;
use futures_util::StreamExt as _;
use futures_util::future::join_all;

use crate::support::{Fixture, id, key, piece, worker};

/// The number of calls of each command, by clients and by scripts, without the pulses of the subscribers.
fn counts(fixture: &Fixture) -> BTreeMap<String, u64> {
    let report = fixture.command(&["INFO", "commandstats"]);
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    };
    let mut counts: BTreeMap<String, u64> = report.lines().filter_map(count).collect();
    // Each pulse is an `EVAL` that publishes.
    let pulses = counts.remove("eval").unwrap_or_default();
    if let Some(published) = counts.get_mut("publish") {
        *published -= pulses.min(*published);
    }
    counts
}

fn difference(before: &BTreeMap<String, u64>, after: BTreeMap<String, u64>) -> Vec<String> {
    let more = after.into_iter().filter_map(|(name, calls)| {
        let more = calls - before.get(&name).copied().unwrap_or_default();
        (more > 0 && name != "info").then(|| format!("{name} {more}"))
    });
    more.collect()
}

/// The commands of a call, and its result.
async fn commands_of<T>(fixture: &Fixture, call: impl Future<Output = T>) -> (Vec<String>, T) {
    let before = counts(fixture);
    let result = call.await;
    (difference(&before, counts(fixture)), result)
}

/// A fixture whose scripts and shared keys exist.
async fn start() -> Fixture {
    let fixture = Fixture::with(|policy| {
        policy.user_submits_per_minute = 0;
        policy.user_running_max = 20;
    })
    .await;
    let lease = fixture.begin(100).await;
    fixture.print(&lease, "hello").await;
    fixture.begin(101).await;
    fixture.finish(&lease).await;
    fixture.get(100).await;
    fixture.redis.queue.sweep().await.unwrap();
    fixture
}

async fn submit_leased(fixture: &Fixture, number: u128) -> Lease {
    let execution = fixture.execution(number);
    let submitted = fixture.redis.store.submit(&execution, Some(worker())).await;
    let Submitted::Leased(lease) = submitted.unwrap().submitted else {
        panic!("the offer was declined");
    };
    *lease
}

async fn watch(redis: &RedisBackend, number: u128) -> EventStream {
    redis
        .notifier
        .subscribe(id(number), Sequence::START)
        .await
        .unwrap()
}

/// Three groups of one step each.
#[tokio::test]
async fn the_commands_of_a_queued_execution_are_pinned() {
    let fixture = start().await;
    let run = async {
        let lease = fixture.begin(1).await;
        fixture.finish(&lease).await;
    };
    let (commands, ()) = commands_of(&fixture, run).await;
    insta::assert_debug_snapshot!(commands);
}

/// Two groups of one step each.
#[tokio::test]
async fn the_commands_of_an_execution_that_runs_at_once_are_pinned() {
    let fixture = start().await;
    let run = async {
        let lease = submit_leased(&fixture, 1).await;
        fixture.finish(&lease).await;
    };
    let (commands, ()) = commands_of(&fixture, run).await;
    insta::assert_debug_snapshot!(commands);
}

/// The steps of a group share most commands.
#[tokio::test]
async fn the_commands_of_ten_executions_at_the_same_time_are_pinned() {
    let fixture = start().await;
    let run = async {
        let submitting = (1..=10).map(|number| submit_leased(&fixture, number));
        let leases = join_all(submitting).await;
        join_all(leases.iter().map(|lease| fixture.finish(lease))).await;
    };
    let (commands, ()) = commands_of(&fixture, run).await;
    insta::assert_debug_snapshot!(commands);
}

/// Reads without a script. A live value is read only of what is not final.
#[tokio::test]
async fn the_commands_of_reading_a_status_are_pinned() {
    let fixture = start().await;
    let lease = submit_leased(&fixture, 1).await;
    let other = fixture.other_process().await;
    // The process that runs it knows its submission.
    for (redis, expected) in [
        (&fixture.redis, &["hget 1"][..]),
        (&other, &["get 1", "hget 1"]),
    ] {
        let (commands, running) = commands_of(&fixture, redis.store.get(id(1))).await;
        assert!(running.unwrap().unwrap().outcome().is_none());
        assert_eq!(commands, expected);
    }
    fixture.finish(&lease).await;
    for redis in [&fixture.redis, &other] {
        let (commands, ended) = commands_of(&fixture, redis.store.get(id(1))).await;
        assert!(ended.unwrap().unwrap().outcome().is_some());
        assert_eq!(commands, ["get 1"]);
    }
}

/// A watcher in the process that runs the execution costs the server nothing.
#[tokio::test]
async fn a_local_watcher_costs_no_command() {
    let fixture = start().await;
    let run = async {
        let lease = submit_leased(&fixture, 1).await;
        fixture.finish(&lease).await;
    };
    let (unwatched, ()) = commands_of(&fixture, run).await;
    let run = async {
        let lease = submit_leased(&fixture, 2).await;
        let events = watch(&fixture.redis, 2).await;
        fixture.finish(&lease).await;
        assert_eq!(events.count().await, 3);
    };
    let (watched, ()) = commands_of(&fixture, run).await;
    assert_eq!(watched, unwatched);
}

/// A watcher in another process costs one step, and a message for each change.
#[tokio::test]
async fn the_commands_of_a_remote_watcher_are_pinned() {
    let fixture = start().await;
    let other = fixture.other_process().await;
    let run = async |number, is_watched: bool| {
        let lease = submit_leased(&fixture, number).await;
        let events = if is_watched {
            Some(watch(&other, number).await)
        } else {
            None
        };
        let (last, told) = (lease.execution().sequence(), [piece(&lease, "hello")]);
        fixture.append(&lease, last, &told).await;
        fixture.finish_with(&lease, last.next(), &told).await;
        if let Some(events) = events {
            assert_eq!(events.count().await, 5);
        }
    };
    let (unwatched, ()) = commands_of(&fixture, run(1, false)).await;
    let (watched, ()) = commands_of(&fixture, run(2, true)).await;
    let more: Vec<_> = watched
        .into_iter()
        .filter(|count| !unwatched.contains(count))
        .collect();
    insta::assert_debug_snapshot!((unwatched, more));
}

/// Send and receive: one command each.
#[tokio::test]
async fn the_commands_of_a_piece_of_input_are_pinned() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        let lease = fixture.begin_interactive(number).await;
        fixture.type_in(number, 1, "first").await;
        let before = counts(&fixture);
        fixture.type_in(number, 2, "second").await;
        fixture.receive(&lease, 1).await.unwrap();
        if number == 2 {
            insta::assert_debug_snapshot!(difference(&before, counts(&fixture)));
        }
        fixture.finish(&lease).await;
    }
}

/// Output may be large: no script reads it, and the script that ends a run does not copy it.
#[tokio::test]
async fn a_forced_end_and_a_cancel_read_no_output() {
    let fixture = start().await;
    let lease = fixture.begin(1).await;
    fixture.print(&lease, "hello").await;
    fixture.clock.advance(Duration::from_hours(2));
    fixture.begin(2).await;
    let (commands, _) = commands_of(&fixture, fixture.redis.queue.sweep()).await;
    assert!(
        !commands.iter().any(|count| count.starts_with("lrange 2")),
        "{commands:?}"
    );
    let stored = fixture.command(&["GET", &key("o", 1)]);
    assert!(!stored.contains("hello"), "{stored}");
    let ended = fixture.get(1).await.unwrap();
    assert_eq!(ended.outcome().unwrap().output().bytes(), "hello");
    let (commands, _) = commands_of(&fixture, fixture.redis.store.request_cancel(id(1))).await;
    insta::assert_debug_snapshot!(commands);
}
