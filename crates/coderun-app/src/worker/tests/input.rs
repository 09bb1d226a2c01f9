//! Tests input for programs while they run.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{execution_id, store_policy};
use coderun_domain::{
    Attempt, Event, ExecutionId, ExecutionStore as _, InputError, InputId, InputPiece, InputRelay,
    InputReply, MockInputRelay, SenderId, StorePolicy, Verdict,
};

use super::support::{Harness, ended, explanation, verdict};
use crate::Shutdown;

/// Sends this as the piece with this number of one sender.
pub(super) async fn send(harness: &Harness, id: ExecutionId, number: u64, piece: InputPiece) {
    let input = InputId {
        sender: SenderId::from_number(7),
        number,
    };
    let reply = harness.backend.send(id, input, piece).await.unwrap();
    assert_eq!(reply, InputReply::Kept);
}

pub(super) fn text(text: &str) -> InputPiece {
    InputPiece::Data(Bytes::from(text.to_owned()))
}

async fn output(harness: &Harness, id: ExecutionId) -> Bytes {
    let ended = harness.final_state(id).await;
    ended.outcome().unwrap().output().bytes().clone()
}

#[tokio::test(start_paused = true)]
async fn input_reaches_the_program_in_order() {
    let harness = Harness::started();
    let id = harness
        .submit_interactive("print name? \necho-until-end")
        .await;
    harness.until_running(id).await;
    send(&harness, id, 1, text("ada\n")).await;
    send(&harness, id, 2, text("42\n")).await;
    send(&harness, id, 3, InputPiece::End).await;
    assert_eq!(output(&harness, id).await, "name? ada\n42\n");
}

#[tokio::test(start_paused = true)]
async fn input_sent_before_the_run_is_not_lost() {
    let harness = Harness::new();
    let id = harness.submit_interactive("echo-until-end").await;
    send(&harness, id, 1, text("early\n")).await;
    send(&harness, id, 2, InputPiece::End).await;
    let _worker = harness.start("w1");
    assert_eq!(output(&harness, id).await, "early\n");
}

#[tokio::test(start_paused = true)]
async fn awaiting_input_is_recorded_after_the_output_before_it() {
    let harness = Harness::started();
    let id = harness
        .submit_interactive("print name? \nawait\necho-until-end")
        .await;
    let waits = |event: &Event| matches!(event, Event::AwaitingInput(_));
    harness.until(id, |event| waits(&event.event)).await;
    send(&harness, id, 1, InputPiece::End).await;
    harness.final_state(id).await;
    let events = harness.events(id).await;
    let recorded: Vec<_> = events.into_iter().map(|stored| stored.event).collect();
    let wrote = recorded
        .iter()
        .position(|it| matches!(it, Event::Output(_)));
    let waited = recorded.iter().position(waits);
    assert!(wrote.unwrap() < waited.unwrap(), "{recorded:?}");
    let expected = Event::AwaitingInput(Attempt::from_count(1));
    assert_eq!(recorded[waited.unwrap()], expected);
}

#[tokio::test(start_paused = true)]
async fn a_takeover_repeats_all_input() {
    let mut harness = Harness::new();
    let first = harness.start("w1");
    let id = harness.submit_interactive("echo-until-end").await;
    send(&harness, id, 1, text("once\n")).await;
    harness
        .until(id, |event| matches!(event.event, Event::Output(_)))
        .await;
    harness.shutdown.drain.cancel();
    harness.shutdown.abort.cancel();
    ended(first).await;
    harness.shutdown = Shutdown::default();
    let _second = harness.start("w2");
    harness
        .until(id, |event| match &event.event {
            Event::Updated(progress) => progress.attempt().count() == 2,
            Event::Output(_) | Event::AwaitingInput(_) => false,
        })
        .await;
    send(&harness, id, 2, InputPiece::End).await;
    assert_eq!(output(&harness, id).await, "once\n");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_reads_nothing_is_stopped_however_much_input_it_has() {
    let harness = Harness::started();
    let id = harness.submit_interactive("ignore-until-cancelled").await;
    harness.until_running(id).await;
    for number in 1..=8 {
        send(&harness, id, number, text(&"x".repeat(60_000))).await;
    }
    harness.backend.request_cancel(id).await.unwrap();
    assert_eq!(verdict(&harness.final_state(id).await), Verdict::Cancelled);
}

#[tokio::test(start_paused = true)]
async fn input_that_is_no_longer_kept_ends_the_execution() {
    let mut relay = MockInputRelay::new();
    relay
        .expect_receive()
        .returning(|_, _| Err(InputError::Forgotten));
    let harness = Harness::new();
    let _worker = harness.start_with_inputs("w1", Arc::new(relay));
    let id = harness.submit_interactive("echo-until-end").await;
    let ended = harness.final_state(id).await;
    assert_eq!(verdict(&ended), Verdict::InternalError);
    assert!(explanation(&ended).contains("typed"));
    assert_eq!(harness.alive(), 0);
}

#[tokio::test(start_paused = true)]
async fn input_is_read_again_after_an_outage_and_nothing_is_passed_on_twice() {
    let mut relay = MockInputRelay::new();
    let mut calls = 0;
    relay.expect_receive().returning(move |_, after| {
        calls += 1;
        match (calls, after.number()) {
            (1 | 3, _) => Err(InputError::Unavailable {
                backend: "test",
                source: "gone".into(),
            }),
            (2, 0) => Ok(vec![text("a")]),
            (_, 1) => Ok(vec![text("b"), InputPiece::End]),
            (call, position) => panic!("call {call} asks for what follows {position}"),
        }
    });
    let harness = Harness::new();
    let _worker = harness.start_with_inputs("w1", Arc::new(relay));
    let id = harness.submit_interactive("echo-until-end").await;
    assert_eq!(output(&harness, id).await, "ab");
}

#[tokio::test(start_paused = true)]
async fn a_program_that_is_not_interactive_gets_only_its_submitted_input() {
    let mut relay = MockInputRelay::new();
    relay.expect_receive().never();
    let harness = Harness::with_policy(StorePolicy {
        lease: Duration::from_secs(10),
        ..store_policy()
    });
    let _worker = harness.start_with_inputs("w1", Arc::new(relay));
    let id = harness.submit("echo-until-end\nprint done").await;
    assert_eq!(output(&harness, id).await, "done");
    let input = InputId {
        sender: SenderId::from_number(1),
        number: 1,
    };
    let late = harness.backend.send(id, input, text("x")).await.unwrap();
    assert!(matches!(
        late,
        InputReply::NotInteractive | InputReply::Final
    ));
    let absent = harness
        .backend
        .send(execution_id(99), input, text("x"))
        .await;
    assert_eq!(absent.unwrap(), InputReply::Absent);
}
