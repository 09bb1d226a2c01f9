//! Tests the metrics of keys.

use tokio::time::sleep;

use super::publisher::{FRESH, ScriptedPublisher};
use super::*;
use crate::testing::Counts;

#[tokio::test(start_paused = true)]
async fn fetches_are_counted_by_how_they_end() {
    let publisher = ScriptedPublisher::of(&["a"]);
    let (source, counts) = Counts::of(|| publisher.source());
    source.current().await.unwrap();
    publisher.fail();
    sleep(FRESH).await;
    let failed = publisher.fetches() - 1;
    assert!(failed > 0);
    let lines = counts.lines();
    assert_eq!(
        lines[..2],
        [
            format!("coderun_key_fetches_total{{failed}} {failed}"),
            "coderun_key_fetches_total{ok} 1".to_owned()
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_keys_is_that_at_their_last_use() {
    let publisher = ScriptedPublisher::of(&["a"]);
    let (source, counts) = Counts::of(|| publisher.source());
    let age = || counts.lines().pop().unwrap();
    assert_eq!(age(), "coderun_keys_age_seconds{} NaN");
    source.current().await.unwrap();
    assert_eq!(age(), "coderun_keys_age_seconds{} 0");
    sleep(Duration::from_mins(1)).await;
    source.current().await.unwrap();
    assert_eq!(age(), "coderun_keys_age_seconds{} 60");
}
