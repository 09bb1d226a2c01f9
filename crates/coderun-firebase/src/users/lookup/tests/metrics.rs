//! Tests the metrics of lookups.

use super::*;
use crate::testing::Counts;

#[tokio::test(start_paused = true)]
async fn questions_are_counted_and_what_is_remembered_is_not() {
    let ((source, directory), counts) = Counts::of(directory);
    for uid in ["alice", "alice", "bob"] {
        assert_eq!(verdict(&directory, uid).await, "admitted");
    }
    source.is_to(Behaviour::Fails);
    assert_eq!(verdict(&directory, "carol").await, "users-unavailable");
    assert_eq!(
        counts.lines(),
        [
            "coderun_user_lookups_total{failed} 1",
            "coderun_user_lookups_total{ok} 2"
        ]
    );
}
