//! Checks that users who run fewer go first within one take, and that equal ones take turns.

use std::collections::HashSet;

use coderun_domain::{Execution, Lease, Status, UserId};

/// Asserts that no user who waited ran fewer than the user of a lease, or as many with an earlier turn in this take. What ran
/// before is in no such order, nor are users of whom an execution was released.
///
/// What users ran is not known for all steps of the group: `at_least` are those without the leases of this take, `at_most` are
/// all together.
pub(super) fn assert_turns(
    taken: &[Lease],
    missed: &[&Execution],
    brought_forward: &HashSet<UserId>,
    at_least: impl Fn(&UserId) -> usize,
    at_most: impl Fn(&UserId) -> usize,
) {
    let new: Vec<_> = taken
        .iter()
        .filter(|it| it.attempt().count() == 1)
        .collect();
    let users: Vec<_> = new
        .iter()
        .map(|it| it.execution().submission().user())
        .collect();
    for (index, user) in users.iter().enumerate() {
        let last_turn = |of: &UserId| users[..index].iter().rposition(|it| *it == of);
        let turns = users[..index].iter().filter(|it| *it == user).count();
        if turns == 0 && brought_forward.contains(*user) {
            continue;
        }
        let runs = at_least(user) + turns;
        for waiting in missed.iter().filter(|it| it.status() == Status::Pending) {
            let other = waiting.submission().user();
            let is_turn_earlier = last_turn(user) > last_turn(other);
            let is_first = at_most(other) < runs || at_most(other) == runs && is_turn_earlier;
            assert!(
                other == *user || !is_first,
                "{other} waited for {user}, who ran {runs}"
            );
        }
    }
}
