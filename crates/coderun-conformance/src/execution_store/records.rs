//! Checks that records are stored once and unchanged.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coderun_domain::testing::{draft, execution_id, failed, finished, report};
use coderun_domain::{
    ByteSize, CancelReply, CompileReport, DraftFile, Enforcement, Execution, ExitStatus, Outcome,
    Output, OutputChunk, OutputStream, Report, RunEvent, Signal, Status, SubmissionDraft,
    Submitted, Usage, Verdict,
};

use crate::fixtures::{SECOND, at_once, id, numbers, progress_of, sized};
use crate::{Backend, Pending, Running};

/// An id that was never submitted is not found, cancelled or deleted.
pub async fn an_unknown_id_is_absent(Pending(backend): Pending) {
    let unknown = execution_id(99);
    assert_eq!(backend.find(unknown).await, None);
    assert_eq!(backend.cancel(unknown).await, CancelReply::Absent);
    assert!(!backend.delete(unknown).await);
}

/// The checks of a healthy backend pass, as store and as queue.
pub async fn checks_pass_on_a_healthy_backend(backend: Backend) {
    backend.store.check().await.unwrap();
    backend.queue.check().await.unwrap();
}

/// The example of the W3C recommendation on trace context.
const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A submission is found with all its fields.
pub async fn a_submission_is_stored_unchanged(backend: Backend) {
    let full = SubmissionDraft {
        version: Some("3.11".to_owned()),
        args: vec!["-v".to_owned(), String::new()],
        files: vec![DraftFile::new("data.bin", [0, 255, 10].as_slice())],
        expected_output: Some("42".to_owned()),
        interactive: true,
        buffering: Some("full".to_owned()),
        trace: Some(TRACE.parse().unwrap()),
        ..draft()
    };
    let submitted = backend.submit_draft(1, "alice", full).await;
    assert_eq!(backend.get(id(1)).await, submitted);
    let plain = backend.submit(2, "bob").await;
    assert_eq!(backend.get(id(2)).await, plain);
}

/// Completed, failed, pending, running and given back executions are found as they were left.
pub async fn every_state_is_stored_unchanged(backend: Backend) {
    for (number, outcome) in [(1, finished()), (2, failed())] {
        let lease = backend.start(number, "alice").await;
        backend.advance(SECOND);
        backend.finish_with(&lease, &outcome).await;
        let ended = lease.execution().clone().finish(outcome, backend.now());
        assert_eq!(backend.get(id(number)).await, ended.unwrap());
    }
    let pending = backend.submit(3, "alice").await;
    assert_eq!(backend.get(id(3)).await, pending);
    backend.advance(SECOND);
    let lease = backend.take().await;
    assert_eq!(backend.get(id(3)).await, *lease.execution());
    backend.advance(SECOND);
    backend.release(&lease).await;
    let given_back = lease.execution().clone().release(backend.now()).unwrap();
    assert_eq!(backend.get(id(3)).await, given_back);
}

/// A final execution has the verdict that it was given, whichever it is.
pub async fn every_verdict_is_stored_unchanged(backend: Backend) {
    for (number, verdict) in (1..).zip(Verdict::ALL) {
        let lease = backend.start(number, "alice").await;
        let outcome = Outcome::of_run(report(verdict), Output::default(), Output::default(), None);
        backend.finish_with(&lease, &outcome).await;
        let found = backend.get(id(number)).await;
        assert_eq!(found.outcome(), Some(&Arc::new(outcome)));
        assert_eq!(found.status(), Status::from(verdict));
    }
}

/// A report is found with all its fields, set or not.
pub async fn every_part_of_a_report_is_stored_unchanged(backend: Backend) {
    let full = Report {
        exit_status: Some(ExitStatus::Signaled(Signal::from_number(11))),
        usage: Usage {
            cpu_time: Some(Duration::from_nanos(1_234_567_891)),
            wall_time: Some(Duration::from_micros(1)),
            memory: Some(ByteSize::from_bytes(12_345_678_901)),
        },
        compile: Some(CompileReport {
            exit_status: Some(ExitStatus::Exited(-1)),
            usage: Usage::default(),
            output: Output::complete("note: \u{1F980}\n"),
            error_output: Output::truncated(Bytes::from_static(&[0xff, 0, b'x'])),
        }),
        enforcement: Enforcement {
            cpu: Some("cgroup".to_owned()),
            filesystem: Some("landlock".to_owned()),
            cancel: Some("abandoned".to_owned()),
            ..Enforcement::default()
        },
        hint: Some("Send \"input_data\"".to_owned()),
        ..report(Verdict::RuntimeError)
    };
    let empty = Report {
        exit_status: None,
        usage: Usage::default(),
        language_version: None,
        runner: String::new(),
        ..report(Verdict::Rejected)
    };
    for (number, report) in [(1, full), (2, empty)] {
        let lease = backend.start(number, "alice").await;
        let outcome = Outcome::of_run(report, Output::truncated("o"), Output::default(), None);
        backend.finish_with(&lease, &outcome).await;
        let found = backend.get(id(number)).await;
        assert_eq!(found.outcome(), Some(&Arc::new(outcome)));
    }
}

/// Texts of 64 KiB with NUL and characters of four bytes, and output that is no text at all, come back unchanged.
pub async fn long_and_odd_texts_are_stored_byte_for_byte(backend: Backend) {
    let odd = "a\0\u{1F980}\r\n\"\\\u{7f}\u{feff}".repeat(4096);
    let bytes: Vec<u8> = (0..=255).cycle().take(64 << 10).collect();
    let long = SubmissionDraft {
        code: odd.clone(),
        input: odd.clone(),
        files: vec![DraftFile::new("file", bytes.clone())],
        expected_output: Some(odd),
        ..draft()
    };
    let submitted = backend.submit_draft(1, "alice", long).await;
    assert_eq!(backend.get(id(1)).await, submitted);
    let lease = backend.take().await;
    assert_eq!(lease.execution().submission(), submitted.submission());
    let piece = RunEvent::from(OutputChunk {
        stream: OutputStream::Stderr,
        bytes: Bytes::from(bytes.clone()),
        attempt: lease.attempt(),
    });
    let last = lease.execution().sequence();
    let pieces = [piece.clone()];
    backend.queue.append(&lease, last, &pieces).await.unwrap();
    let events = backend.events(id(1)).await;
    assert_eq!(events.last().unwrap().event, piece.into());
    let outcome = finished().with_output(Output::complete(bytes), Output::truncated("\0"));
    backend.finish_with(&lease, &outcome).await;
    let found = backend.get(id(1)).await;
    assert_eq!(found.outcome(), Some(&Arc::new(outcome)));
}

/// A submission is an event, the first one.
pub async fn the_first_event_is_the_submission(backend: Backend) {
    let execution = backend.submit(1, "alice").await;
    let events = backend.events(id(1)).await;
    assert_eq!(numbers(&events), [1]);
    assert_eq!(progress_of(&events[0]), execution.progress());
}

/// The same id again is answered with the stored execution: there is one record, one event and one place in the queue.
pub async fn submitting_twice_stores_one_execution(backend: Backend) {
    let execution = backend.submit(1, "alice").await;
    backend.advance(Duration::from_secs(5));
    let again = backend.try_submit(1, "alice").await.unwrap();
    assert_eq!(again, Submitted::AlreadyExists(Box::new(execution.clone())));
    assert_eq!(backend.get(id(1)).await, execution);
    assert_eq!(numbers(&backend.events(id(1)).await), [1]);
    assert_eq!(backend.list("alice").await.len(), 1);
    backend.take().await;
    assert_eq!(backend.try_take().await, None);
}

/// A repeated submission is answered with the execution as it stands now, running or final.
pub async fn submitting_again_returns_the_current_execution(Running { backend, lease }: Running) {
    let again = backend.try_submit(1, "alice").await.unwrap();
    let running = Box::new(lease.execution().clone());
    assert_eq!(again, Submitted::AlreadyExists(running));
    backend.finish(&lease).await;
    let again = backend.try_submit(1, "alice").await.unwrap();
    let ended: Execution = backend.get(id(1)).await;
    assert_eq!(again, Submitted::AlreadyExists(Box::new(ended)));
    assert_eq!(backend.try_take().await, None);
}

/// Another submission under the same id changes nothing and is answered with the first, in every state and of any size. Once the
/// first is deleted, its id is free.
pub async fn another_submission_under_an_id_finds_the_first(backend: Backend) {
    for (number, first_size, other_size) in
        [(1, 10, 200_000), (2, 200_000, 10), (3, 200_000, 200_001)]
    {
        let first = backend
            .submit_draft(number, "alice", sized(first_size))
            .await;
        let other = backend.draft(number, "alice", sized(other_size));
        let submit = || async { backend.submit_with(&other, None).await.unwrap() };
        assert_eq!(submit().await, Submitted::AlreadyExists(Box::new(first)));
        let lease = backend.take().await;
        let running = Box::new(lease.execution().clone());
        assert_eq!(submit().await, Submitted::AlreadyExists(running));
        backend.finish(&lease).await;
        let ended = backend.get(id(number)).await;
        assert_eq!(submit().await, Submitted::AlreadyExists(Box::new(ended)));
        assert!(backend.delete(id(number)).await);
        assert_eq!(submit().await, Submitted::Accepted);
        assert_eq!(backend.get(id(number)).await, other);
        assert!(backend.delete(id(number)).await);
    }
}

/// Of many different submissions under one id at once, one is accepted, and the others are answered with that one.
pub async fn of_many_submissions_under_one_id_one_is_accepted(backend: Backend) {
    for (number, size) in [(1, 100), (2, 200_000)] {
        let answers = at_once(8, |task| {
            let execution = backend.draft(number, "alice", sized(size + task as usize));
            let store = Arc::clone(&backend.store);
            async move {
                (
                    store.submit(&execution, None).await.unwrap().submitted,
                    execution,
                )
            }
        })
        .await;
        let stored = backend.get(id(number)).await;
        let mut accepted = 0;
        for (submitted, execution) in answers {
            match submitted {
                Submitted::AlreadyExists(existing) => assert_eq!(*existing, stored),
                Submitted::Accepted | Submitted::Leased(_) => {
                    assert_eq!(execution, stored);
                    accepted += 1;
                }
            }
        }
        assert_eq!(accepted, 1);
    }
}

/// Of sixteen equal submissions at once one is accepted, and the others are answered with the stored execution.
pub async fn of_many_equal_submissions_one_is_accepted(backend: Backend) {
    let execution = backend.draft(1, "alice", draft());
    let answers = at_once(16, |_| {
        let (store, execution) = (Arc::clone(&backend.store), execution.clone());
        async move { store.submit(&execution, None).await.unwrap().submitted }
    })
    .await;
    let accepted = answers.iter().filter(|it| **it == Submitted::Accepted);
    assert_eq!(accepted.count(), 1);
    assert_eq!(numbers(&backend.events(id(1)).await), [1]);
    backend.take().await;
    assert_eq!(backend.try_take().await, None);
}
