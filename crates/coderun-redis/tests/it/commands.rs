//! What one execution costs the server.

use std::collections::BTreeMap;

use coderun_domain::Sequence;
use coderun_domain::testing::{finished, language};
use coderun_domain::{
    ExecutionQueue as _, ExecutionStore as _, InputPosition, InputRelay as _, Notifier as _,
};
use futures_util::StreamExt as _;

use crate::support::{Fixture, id, piece, worker};

/// How often each command was run, by clients and by scripts.
fn counts(fixture: &Fixture) -> BTreeMap<String, u64> {
    let report = fixture.server.command(&["INFO", "commandstats"]).text();
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

/// Submit, take, one piece of output, finish and one look at the status: five commands of ours.
#[tokio::test]
async fn the_commands_of_one_execution_are_pinned() {
    let fixture = Fixture::start().await;
    // Once before, so that the server knows the scripts.
    for number in 1..=2 {
        let before = counts(&fixture);
        fixture.submit(number).await;
        let languages = [language("python")];
        let lease = fixture
            .redis
            .take(&worker(), &languages)
            .await
            .unwrap()
            .unwrap();
        let after = lease.execution().sequence();
        fixture
            .redis
            .append(&lease, after, &[piece(&lease, "hello")])
            .await
            .unwrap();
        fixture.redis.finish(&lease, &finished()).await.unwrap();
        assert!(fixture.redis.get(id(number)).await.unwrap().is_some());
        if number == 2 {
            insta::assert_debug_snapshot!(difference(&before, counts(&fixture)));
        }
    }
}

/// What it costs to send a piece and to read it, and to end what was sent to.
#[tokio::test]
async fn the_commands_of_a_piece_of_input_are_pinned() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        let lease = fixture.begin_interactive(number).await;
        fixture.type_in(number, 1, "first").await;
        let before = counts(&fixture);
        fixture.type_in(number, 2, "second").await;
        let after = InputPosition::from_number(1);
        fixture.redis.receive(&lease, after).await.unwrap();
        if number == 2 {
            insta::assert_debug_snapshot!(difference(&before, counts(&fixture)));
        }
        fixture.finish(&lease).await;
    }
}

/// To watch a final execution: one subscription and one step, however many events there are in a page.
#[tokio::test]
async fn the_commands_of_a_watcher_are_pinned() {
    let fixture = Fixture::start().await;
    for number in 1..=2 {
        let lease = fixture.begin(number).await;
        fixture.finish(&lease).await;
        let before = counts(&fixture);
        let events = fixture
            .redis
            .subscribe(id(number), Sequence::START)
            .await
            .unwrap();
        assert_eq!(events.count().await, 3);
        if number == 2 {
            let stepped = difference(&before, counts(&fixture));
            assert!(stepped.contains(&"evalsha 1".to_owned()), "{stepped:?}");
            assert!(stepped.contains(&"subscribe 1".to_owned()), "{stepped:?}");
        }
    }
}
