//! Tests programs and workers that are stopped.

use coderun_domain::{Attempt, ExecutionStore as _, Status, Verdict};

use super::support::{Harness, ended, verdict};

#[tokio::test(start_paused = true)]
async fn a_running_program_is_stopped_by_its_owner() {
    let (harness, id) = Harness::running("print so far\nuntil-cancelled").await;
    harness.backend.request_cancel(id).await.unwrap();
    let cancelled = harness.final_state(id).await;
    assert_eq!(verdict(&cancelled), Verdict::Cancelled);
    assert_eq!(cancelled.outcome().unwrap().output().bytes(), "so far");
    assert_eq!(
        harness.alive(),
        0,
        "the program is gone when the final event is stored"
    );
}

#[tokio::test(start_paused = true)]
async fn a_program_whose_lease_is_lost_is_killed() {
    let (harness, id) = Harness::running("hang").await;
    harness.backend.delete(id).await.unwrap();
    let killed = async {
        while harness.alive() > 0 {
            tokio::task::yield_now().await;
            tokio::time::advance(std::time::Duration::from_millis(100)).await;
        }
    };
    let lease = std::time::Duration::from_secs(10);
    tokio::time::timeout(lease, killed)
        .await
        .expect("it is killed");
}

#[tokio::test(start_paused = true)]
async fn a_drained_worker_finishes_its_runs_and_takes_no_more() {
    let harness = Harness::new();
    let worker = harness.start("w1");
    let running = harness.submit("sleep 10\nprint done").await;
    harness.until_running(running).await;
    harness.shutdown.drain.cancel();
    let waiting = harness.submit("print never").await;
    ended(worker).await;
    assert_eq!(verdict(&harness.get(running).await), Verdict::Accepted);
    assert_eq!(harness.get(waiting).await.status(), Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_worker_kills_its_runs_and_releases_them() {
    let harness = Harness::new();
    let worker = harness.start("w1");
    let id = harness.submit("hang").await;
    harness.until_running(id).await;
    harness.shutdown.drain.cancel();
    harness.shutdown.abort.cancel();
    ended(worker).await;
    assert_eq!(harness.alive(), 0);
    let handed_over = harness.get(id).await;
    assert_eq!(handed_over.status(), Status::Pending);
    assert_eq!(handed_over.attempt(), Attempt::from_count(1));
}
