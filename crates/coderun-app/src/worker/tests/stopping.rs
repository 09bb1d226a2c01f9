//! Programs and workers that are stopped.

use coderun_domain::{Attempt, ExecutionStore as _, Status, Verdict};

use super::support::{House, ended, verdict};

#[tokio::test(start_paused = true)]
async fn a_running_program_is_stopped_by_its_owner() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("print so far\nuntil-cancelled").await;
    house.running(id).await;
    house.backend.request_cancel(id).await.unwrap();
    let cancelled = house.end(id).await;
    assert_eq!(verdict(&cancelled), Verdict::Cancelled);
    assert_eq!(cancelled.outcome().unwrap().output().bytes(), "so far");
    assert_eq!(
        house.alive(),
        0,
        "the program is gone when the final event is told"
    );
}

#[tokio::test(start_paused = true)]
async fn a_program_whose_lease_is_lost_is_killed() {
    let house = House::new();
    let _worker = house.start("w1");
    let id = house.submit("hang").await;
    house.running(id).await;
    house.backend.delete(id).await.unwrap();
    let killed = async {
        while house.alive() > 0 {
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
async fn a_drained_worker_finishes_what_runs_and_takes_nothing_more() {
    let house = House::new();
    let worker = house.start("w1");
    let running = house.submit("sleep 10\nprint done").await;
    house.running(running).await;
    house.shutdown.drain.cancel();
    let waiting = house.submit("print never").await;
    ended(worker).await;
    assert_eq!(verdict(&house.get(running).await), Verdict::Accepted);
    assert_eq!(house.get(waiting).await.status(), Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn an_aborted_worker_kills_what_runs_and_hands_it_over() {
    let house = House::new();
    let worker = house.start("w1");
    let id = house.submit("hang").await;
    house.running(id).await;
    house.shutdown.drain.cancel();
    house.shutdown.abort.cancel();
    ended(worker).await;
    assert_eq!(house.alive(), 0);
    let handed_over = house.get(id).await;
    assert_eq!(handed_over.status(), Status::Pending);
    assert_eq!(handed_over.attempt(), Attempt::from_count(1));
}
