//! Tests the metrics of lookups.

use super::*;
use crate::testing::Counts;

#[tokio::test(start_paused = true)]
async fn lookups_are_counted_and_cached_answers_are_not() {
    let ((source, lookup), counts) = Counts::of(lookup);
    for uid in ["alice", "alice", "bob"] {
        assert_eq!(verdict(&lookup, uid).await, "admitted");
    }
    source.set_behaviour(Behaviour::Fails);
    assert_eq!(verdict(&lookup, "carol").await, "users-unavailable");
    assert_eq!(
        counts.lines(),
        [
            "coderun_user_lookups_total{failed} 1",
            "coderun_user_lookups_total{ok} 2"
        ]
    );
}
