//! Pins the commands that one execution costs the server.

use std::collections::BTreeMap;

use coderun_domain::{Notifier as _, Sequence};
use futures_util::StreamExt as _;

use crate::support::{Fixture, id};

/// The number of calls of each command, by clients and by scripts.
fn counts(fixture: &Fixture) -> BTreeMap<String, u64> {
    let report = fixture.command(&["INFO", "commandstats"]);
    let count = |line: &str| {
        let (name, rest) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        let calls = rest.split(',').next()?.parse().ok()?;
        Some((name.to_owned(), calls))
    };
    report.lines().filter_map(count).collect()
}

fn difference(before: &BTreeMap<String, u64>, after: BTreeMap<String, u64>) -> Vec<String> {
    let more = after.into_iter().filter_map(|(name, calls)| {
        let more = calls - before.get(&name).copied().unwrap_or_default();
        (more > 0 && name != "info").then(|| format!("{name} {more}"))
    });
    more.collect()
}

/// Submit, take, append, finish and get: one command each.
#[tokio::test]
async fn the_commands_of_one_execution_are_pinned() {
    let fixture = Fixture::start().await;
    // The first round makes the server know the scripts.
    for number in 1..=2 {
        let before = counts(&fixture);
        let lease = fixture.begin(number).await;
        fixture.print(&lease, "hello").await;
        fixture.finish(&lease).await;
        assert!(fixture.get(number).await.is_some());
        if number == 2 {
            insta::assert_debug_snapshot!(difference(&before, counts(&fixture)));
        }
    }
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

/// A watcher of a final execution costs one subscription, and one step for each page of events.
#[tokio::test]
async fn the_commands_of_a_watcher_are_pinned() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        let lease = fixture.begin(number).await;
        fixture.finish(&lease).await;
        let before = counts(&fixture);
        let watching = fixture.redis.subscribe(id(number), Sequence::START);
        assert_eq!(watching.await.unwrap().count().await, 3);
        if number == 2 {
            let stepped = difference(&before, counts(&fixture));
            assert!(stepped.contains(&"evalsha 1".to_owned()), "{stepped:?}");
            assert!(stepped.contains(&"subscribe 1".to_owned()), "{stepped:?}");
        }
    }
}
