//! Tests that Redis itself deletes final records, also when no process sweeps.

use std::time::Duration;

use coderun_domain::testing::{draft, submission, user};
use coderun_domain::{Clock as _, Execution, SubmissionDraft, Submitted};
use tokio::time::{Instant, sleep};

use crate::support::{Fixture, id};

const RETENTION: Duration = Duration::from_secs(1);
/// How long a final record may outlive its retention.
const LATEST: Duration = Duration::from_mins(1);

/// Ends executions in every way: overdue, small, large with stored events, and cancelled.
async fn end_in_every_way(fixture: &Fixture) {
    fixture.begin_interactive(4).await;
    fixture.type_in(4, 1, "a").await;
    fixture.issue(4, 1, RETENTION).await.unwrap();
    fixture.clock.advance(Duration::from_hours(3));
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().ended, 1);
    let lease = fixture.begin(1).await;
    fixture.finish(&lease).await;
    let large = SubmissionDraft {
        code: "x".repeat(100_000),
        ..draft()
    };
    let large = submission(user("alice"), large);
    let large = Execution::submit(id(2), large, fixture.clock.now());
    let submitted = fixture.redis.store.submit(&large, None).await.unwrap();
    assert_eq!(submitted.submitted, Submitted::Accepted);
    let lease = fixture.take().await;
    fixture.print(&lease, "told").await;
    let last = lease.execution().sequence().next();
    fixture.finish_with(&lease, last, &[]).await;
    fixture.submit(3).await;
    fixture.redis.store.request_cancel(id(3)).await.unwrap();
}

/// The keys that belong to one execution.
fn keys_of_executions(fixture: &Fixture) -> Vec<String> {
    let mut keys = fixture.keys();
    let kinds = [":e:", ":o:", ":v:", ":i:", ":t:"];
    keys.retain(|key| kinds.iter().any(|kind| key.contains(kind)));
    keys
}

/// No sweep follows the ends. All keys of the executions are gone within a minute of the retention.
#[tokio::test]
async fn redis_deletes_final_records_by_itself() {
    let fixture = Fixture::with(|policy| policy.retention = RETENTION).await;
    end_in_every_way(&fixture).await;
    let ended = Instant::now();
    assert!(keys_of_executions(&fixture).len() >= 7);
    let longest = i64::try_from((RETENTION + LATEST).as_millis()).unwrap();
    for key in keys_of_executions(&fixture) {
        let ttl = fixture.ttl_ms(&key);
        assert!(ttl > 0 && ttl <= longest, "{key} lives for {ttl} ms");
    }
    loop {
        let left = keys_of_executions(&fixture);
        if left.is_empty() {
            return;
        }
        assert!(ended.elapsed() <= RETENTION + LATEST, "{left:?}");
        sleep(Duration::from_millis(200)).await;
    }
}
