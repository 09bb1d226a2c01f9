//! Tests runs that wait for a person. The worker has two permits.

use std::time::Duration;

use coderun_domain::testing::store_policy;
use coderun_domain::{
    Event, ExecutionId, ExecutionStore as _, InputPiece, InputRelay as _, Status, StorePolicy,
    Verdict,
};

use rstest::rstest;

use super::input::{send, text};
use super::support::{Harness, explanation, verdict};

/// Asks once, and prints what it got.
const PROMPT: &str = "await\necho-until-end";

/// Starts prompts of alice, and waits until each of them waits.
async fn prompts(harness: &Harness, count: usize) -> Vec<ExecutionId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let id = harness.submit_interactive(PROMPT).await;
        let waits = |event: &Event| matches!(event, Event::AwaitingInput(_));
        harness.until(id, |stored| waits(&stored.event)).await;
        ids.push(id);
    }
    ids
}

async fn status(harness: &Harness, id: ExecutionId) -> Status {
    // On the paused clock, everything that can go on does so before.
    tokio::time::sleep(Duration::from_secs(3)).await;
    harness.get(id).await.status()
}

#[tokio::test(start_paused = true)]
async fn programs_that_wait_for_a_person_hold_up_no_other() {
    let harness = Harness::started();
    let waiting = prompts(&harness, 4).await;
    let greeting = harness.submit_as("bob", "print hello", false).await;
    assert_eq!(
        verdict(&harness.final_state(greeting).await),
        Verdict::Accepted
    );
    for id in waiting {
        send(&harness, id, 1, text("ada\n")).await;
        send(&harness, id, 2, InputPiece::End).await;
        let ended = harness.final_state(id).await;
        assert_eq!(ended.outcome().unwrap().output().bytes(), "ada\n");
    }
}

#[tokio::test(start_paused = true)]
async fn a_user_has_no_more_of_them_than_the_bound() {
    let mut harness = Harness::new();
    harness.parking.user_max = 1;
    harness.start("w1");
    let waiting = prompts(&harness, 3).await;
    let greeting = harness.submit_as("bob", "print hello", false).await;
    assert_eq!(status(&harness, greeting).await, Status::Pending);
    harness.backend.request_cancel(waiting[1]).await.unwrap();
    assert_eq!(
        verdict(&harness.final_state(greeting).await),
        Verdict::Accepted
    );
}

#[tokio::test(start_paused = true)]
async fn they_count_among_what_their_user_runs() {
    let harness = Harness::with_policy(StorePolicy {
        user_running_max: 2,
        ..store_policy()
    });
    harness.start("w1");
    let waiting = prompts(&harness, 2).await;
    let third = harness.submit("print hello").await;
    assert_eq!(status(&harness, third).await, Status::Pending);
    harness.backend.request_cancel(waiting[0]).await.unwrap();
    assert_eq!(
        verdict(&harness.final_state(third).await),
        Verdict::Accepted
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_has_no_more_of_them_than_the_bound() {
    let mut harness = Harness::new();
    harness.parking.worker_max = 0;
    harness.start("w1");
    prompts(&harness, 2).await;
    let greeting = harness.submit_as("bob", "print hello", false).await;
    assert_eq!(status(&harness, greeting).await, Status::Pending);
}

#[tokio::test(start_paused = true)]
async fn input_waits_for_a_permit_ahead_of_executions_that_wait() {
    let harness = Harness::started();
    let waiting = prompts(&harness, 1).await[0];
    for _ in 0..2 {
        let busy = harness.submit_as("bob", "sleep 10", false).await;
        harness.until_running(busy).await;
    }
    let mut later = Vec::new();
    for _ in 0..4 {
        later.push(harness.submit_as("bob", "sleep 10", false).await);
    }
    send(&harness, waiting, 1, text("ada\n")).await;
    send(&harness, waiting, 2, InputPiece::End).await;
    assert_eq!(status(&harness, waiting).await, Status::Running);
    assert_eq!(harness.alive(), 3, "two are busy, and one waits");
    harness.final_state(waiting).await;
    let mut pending = 0;
    for id in later {
        pending += usize::from(harness.get(id).await.status() == Status::Pending);
    }
    assert!(pending >= 2, "its input waited for {} others", 4 - pending);
}

/// A run that began on an extra permit does not wait for an extra one alone: those may be in use for as long as programs may run.
#[tokio::test(start_paused = true)]
async fn a_run_on_an_extra_permit_returns_on_any_that_is_free() {
    let mut harness = Harness::new();
    harness.extra_concurrency = 1;
    harness.start("w1");
    for seconds in [20, 1000] {
        let busy = format!("sleep {seconds}");
        let busy = harness.submit_as("bob", &busy, false).await;
        harness.until_running(busy).await;
    }
    let waiting = prompts(&harness, 1).await[0];
    let extra = harness.submit_as("carol", "sleep 1000", false).await;
    harness.until_running(extra).await;
    send(&harness, waiting, 1, text("ada\n")).await;
    send(&harness, waiting, 2, InputPiece::End).await;
    assert_eq!(status(&harness, waiting).await, Status::Running);
    let began = tokio::time::Instant::now();
    assert_eq!(
        verdict(&harness.final_state(waiting).await),
        Verdict::Accepted
    );
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(21), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_is_cancelled_while_it_waits_leaves_all_permits_free() {
    let harness = Harness::started();
    for _ in 0..3 {
        for id in prompts(&harness, 2).await {
            harness.backend.request_cancel(id).await.unwrap();
            harness.final_state(id).await;
        }
    }
    let both = [
        harness.submit("sleep 10").await,
        harness.submit("sleep 10").await,
    ];
    for id in both {
        harness.until_running(id).await;
    }
    assert_eq!(harness.alive(), 2);
    let third = harness.submit("print no").await;
    assert_eq!(status(&harness, third).await, Status::Pending);
}

#[rstest]
#[case::without_its_place(1)]
#[case::with_its_place(0)]
#[tokio::test(start_paused = true)]
async fn a_program_that_waits_and_that_nobody_watches_is_stopped(#[case] parked_max: usize) {
    let mut harness = Harness::new();
    harness.parking.worker_max = parked_max;
    harness.start("w1");
    let id = prompts(&harness, 1).await[0];
    let began = tokio::time::Instant::now();
    let ended = harness.final_state(id).await;
    let seconds = began.elapsed().as_secs_f64();
    assert!((59.9..60.1).contains(&seconds), "{seconds} s");
    assert_eq!(verdict(&ended), Verdict::Cancelled);
    assert!(explanation(&ended).contains("nobody watched"), "{ended:?}");
    assert_eq!(harness.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_program_that_waits_goes_on_while_somebody_watches() {
    let harness = Harness::started();
    let id = prompts(&harness, 1).await[0];
    for _ in 0..4 {
        tokio::time::sleep(Duration::from_secs(50)).await;
        harness.backend.note_watcher(id).await.unwrap();
    }
    assert_eq!(harness.get(id).await.status(), Status::Running);
    let left = tokio::time::Instant::now();
    assert_eq!(verdict(&harness.final_state(id).await), Verdict::Cancelled);
    let seconds = left.elapsed().as_secs_f64();
    assert!((59.9..60.1).contains(&seconds), "{seconds} s");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_does_not_wait_needs_no_watcher() {
    let harness = Harness::started();
    let busy = harness.submit_interactive("ignore-until-cancelled").await;
    let answered = "await\nread\nignore-until-cancelled";
    let answered = harness.submit_interactive(answered).await;
    send(&harness, answered, 1, text("ada\n")).await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    for id in [busy, answered] {
        assert_eq!(harness.get(id).await.status(), Status::Running);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_goes_on_without_input_gets_a_permit_first() {
    let harness = Harness::started();
    let resuming = harness
        .submit_interactive("await\nsleep 1\nresume\nprint on")
        .await;
    harness.until_running(resuming).await;
    for _ in 0..2 {
        let busy = harness.submit_as("bob", "sleep 10", false).await;
        harness.until_running(busy).await;
    }
    assert_eq!(status(&harness, resuming).await, Status::Running);
    assert_eq!(
        harness.get(resuming).await.sequence().number(),
        3,
        "it has printed"
    );
    assert_eq!(
        verdict(&harness.final_state(resuming).await),
        Verdict::Accepted
    );
}
