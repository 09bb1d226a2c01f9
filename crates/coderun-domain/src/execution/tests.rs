use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::testing::{at, execution, failed, finished};

const PENDING: Status = Status::Pending;
const RUNNING: Status = Status::Running;
const COMPLETED: Status = Status::Completed;
const ERROR: Status = Status::Error;

fn worker() -> WorkerId {
    WorkerId::parse("worker-1").unwrap()
}

fn execution_in(status: Status) -> Execution {
    let pending = execution();
    let started = || execution().start(worker(), at(1)).unwrap();
    match status {
        Status::Pending => pending,
        Status::Running => started(),
        Status::Completed => started().finish(finished(), at(2)).unwrap(),
        Status::Error => started().finish(failed(), at(2)).unwrap(),
    }
}

fn apply(
    execution: Execution,
    command: Command,
    second: u32,
) -> Result<Execution, TransitionError> {
    let at = at(second);
    match command {
        Command::Start => execution.start(worker(), at),
        Command::Release => execution.release(at),
        Command::CountEvents(count) => execution.count_events(count, at),
        Command::FinishRun => execution.finish(finished(), at),
        Command::FinishWithoutRun => execution.finish(failed(), at),
    }
}

#[derive(Debug, Clone, Copy)]
enum Command {
    Start,
    Release,
    CountEvents(u64),
    FinishRun,
    FinishWithoutRun,
}

#[rstest]
#[case(PENDING, Command::Start, Some(RUNNING))]
#[case(PENDING, Command::Release, None)]
#[case(PENDING, Command::CountEvents(1), None)]
#[case(PENDING, Command::FinishRun, None)]
#[case(PENDING, Command::FinishWithoutRun, Some(ERROR))]
#[case(RUNNING, Command::Start, Some(RUNNING))]
#[case(RUNNING, Command::Release, Some(PENDING))]
#[case(RUNNING, Command::CountEvents(1), Some(RUNNING))]
#[case(RUNNING, Command::FinishRun, Some(COMPLETED))]
#[case(RUNNING, Command::FinishWithoutRun, Some(ERROR))]
#[case(COMPLETED, Command::Start, None)]
#[case(COMPLETED, Command::Release, None)]
#[case(COMPLETED, Command::CountEvents(1), None)]
#[case(COMPLETED, Command::FinishRun, None)]
#[case(COMPLETED, Command::FinishWithoutRun, None)]
#[case(ERROR, Command::Start, None)]
#[case(ERROR, Command::Release, None)]
#[case(ERROR, Command::CountEvents(1), None)]
#[case(ERROR, Command::FinishRun, None)]
#[case(ERROR, Command::FinishWithoutRun, None)]
fn the_table_of_transitions(
    #[case] from: Status,
    #[case] command: Command,
    #[case] to: Option<Status>,
) {
    let result = apply(execution_in(from), command, 3);
    assert_eq!(result.ok().map(|execution| execution.status()), to);
}

#[test]
fn a_refused_transition_says_what_and_where() {
    let error = execution_in(COMPLETED).start(worker(), at(3)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot start an execution that is completed"
    );
}

#[test]
fn a_takeover_is_a_new_attempt_with_its_own_start() {
    let taken_over = execution_in(RUNNING).start(worker(), at(9)).unwrap();
    assert_eq!(taken_over.attempt(), Attempt::from_count(2));
    assert_eq!(taken_over.progress().started_at(), Some(at(9)));
}

#[test]
fn times_never_go_back_with_the_clock() {
    let ended = execution()
        .start(worker(), at(50))
        .unwrap()
        .finish(finished(), at(7))
        .unwrap();
    assert_eq!(ended.progress().completed_at(), Some(at(50)));
    assert_eq!(ended.progress().updated_at(), at(50));
}

fn parts(state: State, attempt: u32, sequence: u64) -> ProgressParts {
    ProgressParts {
        state,
        attempt: Attempt::from_count(attempt),
        takeovers: 0,
        sequence: Sequence::from_number(sequence),
        created_at: at(10),
        updated_at: at(20),
    }
}

#[rstest]
#[case(parts(State::Pending, 0, 0), RestoreError::TooFewEvents)]
#[case(parts(State::Pending, 1, 2), RestoreError::TooFewEvents)]
#[case(
    parts(State::Running { worker: worker(), started_at: at(15) }, 2, 2),
    RestoreError::TooFewEvents
)]
#[case(
    parts(State::Final { outcome: failed().into(), completed_at: at(20) }, 0, 1),
    RestoreError::TooFewEvents
)]
#[case(
    parts(State::Running { worker: worker(), started_at: at(15) }, 0, 2),
    RestoreError::RunWithoutAttempt
)]
#[case(
    parts(State::Running { worker: worker(), started_at: at(9) }, 1, 2),
    RestoreError::TimeGoesBack
)]
#[case(
    parts(State::Final { outcome: finished().into(), completed_at: at(21) }, 1, 3),
    RestoreError::TimeGoesBack
)]
#[case(
    parts(State::Final { outcome: finished().into(), completed_at: at(20) }, 0, 3),
    RestoreError::RunWithoutAttempt
)]
#[case(
    ProgressParts { takeovers: 2, ..parts(State::Pending, 2, 9) },
    RestoreError::TooManyTakeovers
)]
fn an_impossible_progress_is_not_restored(
    #[case] parts: ProgressParts,
    #[case] error: RestoreError,
) {
    assert_eq!(Progress::restore(parts), Err(error));
}

#[test]
fn only_a_lost_worker_counts_as_a_takeover() {
    let given_back = execution_in(RUNNING).release(at(3)).unwrap();
    let again = given_back.start(worker(), at(4)).unwrap();
    assert_eq!(again.progress().takeovers(), 0);
    let taken_over = again.start(worker(), at(5)).unwrap();
    assert_eq!(taken_over.progress().takeovers(), 1);
    assert_eq!(taken_over.attempt(), Attempt::from_count(3));
}

#[test]
fn debug_shows_no_code_input_or_output() {
    let shown = format!("{:?}", execution_in(COMPLETED));
    for secret in ["print", "the input", "the output"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => Just(Command::Start),
        3 => Just(Command::Release),
        4 => (0..5_u64).prop_map(Command::CountEvents),
        1 => Just(Command::FinishRun),
        1 => Just(Command::FinishWithoutRun),
    ]
}

proptest! {
    #[test]
    fn any_sequence_of_commands_keeps_the_invariants(
        steps in prop::collection::vec((command(), 0..100_u32), 1..40)
    ) {
        let mut execution = execution();
        for (command, second) in steps {
            let before = execution.clone();
            let Ok(after) = apply(execution.clone(), command, second) else { continue };
            prop_assert!(!before.status().is_final(), "final absorbs");
            prop_assert!(after.attempt() >= before.attempt());
            prop_assert!(after.sequence() >= before.sequence());
            prop_assert!(after.progress().updated_at() >= before.progress().updated_at());
            prop_assert_eq!(after.progress().created_at(), before.progress().created_at());
            let progress = after.progress().clone();
            let parts = ProgressParts {
                state: progress.state().clone(),
                attempt: progress.attempt(),
                takeovers: progress.takeovers(),
                sequence: progress.sequence(),
                created_at: progress.created_at(),
                updated_at: progress.updated_at(),
            };
            prop_assert_eq!(Progress::restore(parts), Ok(progress), "what is reachable is restorable");
            execution = after;
        }
        prop_assert!(execution.progress().updated_at() - execution.progress().created_at() < Duration::from_secs(100));
    }
}
