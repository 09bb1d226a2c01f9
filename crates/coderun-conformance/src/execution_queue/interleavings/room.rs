//! Checks which submissions of a group found room beside those that wait.

use coderun_domain::{Execution, SharedBound, Status, Submitted};

use super::model::Live;
use super::step::{Answer, Step};

/// Each submission was accepted or refused as the bound on all users together says, for some order of the steps.
pub(super) fn assert_room(
    pending_max: u32,
    answered: &[(Step, Answer)],
    before: &Live,
    after: &Live,
) {
    let unchanged = |it: &&Execution| before.get(&it.id()) == Some(*it);
    let is_pending = |it: &&Execution| it.status() == Status::Pending;
    let at_least = after.values().filter(unchanged).filter(is_pending);
    let at_least: Vec<_> = at_least.collect();
    let at_most: Vec<_> = before.values().chain(accepted(answered)).collect();
    for execution in accepted(answered) {
        assert!(has_room(pending_max, execution, &at_least), "{execution:?}");
    }
    for (step, answer) in answered {
        if let (Step::Submit { execution, .. }, Answer::NoRoom) = (step, answer) {
            assert!(!has_room(pending_max, execution, &at_most), "{execution:?}");
        }
    }
}

/// What was accepted, as it was submitted.
fn accepted(answered: &[(Step, Answer)]) -> impl Iterator<Item = &Execution> {
    answered.iter().filter_map(|it| match it {
        (
            Step::Submit { execution, .. },
            Answer::Submitted(Submitted::Accepted | Submitted::Leased(_)),
        ) => Some(execution),
        _ => None,
    })
}

/// Whether one more may wait beside these.
fn has_room(pending_max: u32, execution: &Execution, waiting: &[&Execution]) -> bool {
    let user = execution.submission().user();
    let is_held = |it: &&&Execution| it.submission().user() == user;
    let held = waiting.iter().filter(is_held).count() as u64;
    let others = waiting.len() as u64 - held;
    SharedBound::new(pending_max.into())
        .check(held, others, 1)
        .is_ok()
}
