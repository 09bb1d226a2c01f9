//! Kills processes that use a file, and checks that no answer is lost or repeated.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "everything here is the body of a test: it panics where something is lost"
)]

mod child;
mod parent;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coderun_conformance::Backend;
use coderun_domain::testing::{ManualClock, store_policy};
use coderun_domain::{Event, StorePolicy, StoredEvent};
use coderun_redb::{RedbBackend, RedbConfig, open_backend};

/// Tells a child where the file is. The parent has no such variable.
const FOLDER: &str = "CODERUN_REDB_TEST_FOLDER";
/// Tells a child the first number to use.
const FIRST: &str = "CODERUN_REDB_TEST_FIRST";

#[tokio::test]
async fn no_answer_is_lost_by_a_kill() {
    match (std::env::var_os(FOLDER), std::env::var_os(FIRST)) {
        (Some(folder), Some(first)) => {
            let first = first.to_str().unwrap().parse().unwrap();
            child::work_until_killed(Path::new(&folder), first).await;
        }
        _ => parent::check_many_kills().await,
    }
}

#[tokio::test]
async fn a_first_start_that_is_killed_leaves_a_usable_folder() {
    parent::check_killed_first_starts().await;
}

/// Opens the file with bounds that are never reached: to be closed, and to be used.
async fn open(folder: &Path) -> (RedbBackend, Backend) {
    let policy = StorePolicy {
        user_running_max: 100_000,
        pending_max: 100_000,
        attempts_max: 1000,
        ..store_policy()
    };
    let config = RedbConfig {
        step_timeout: Duration::from_mins(1),
        ..RedbConfig::in_folder(folder, policy)
    };
    let clock = Arc::new(ManualClock::default());
    let redb = open_backend(config, Arc::clone(&clock) as _).await.unwrap();
    let backend = Backend::over(&redb, clock, policy);
    (redb, backend)
}

/// An event in one word.
fn fingerprint(stored: &StoredEvent) -> String {
    let what = match &stored.event {
        Event::Updated(progress) => format!("{:?}:{}", progress.status(), progress.attempt()),
        Event::Output(chunk) => format!(
            "{:x}",
            chunk.bytes.iter().fold(7_u64, |sum, byte| {
                sum.wrapping_mul(31).wrapping_add(u64::from(*byte))
            })
        ),
        Event::AwaitingInput(attempt) => format!("waits:{attempt}"),
    };
    format!("{}={what}", stored.sequence)
}
