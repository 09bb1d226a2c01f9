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
    let user_of = |lease: &'_ Lease| lease.execution().submission().user().clone();
    let users: Vec<_> = taken.iter().map(user_of).collect();
    let is_new = |index: usize| taken[index].attempt().count() == 1;
    for (index, user) in users.iter().enumerate().filter(|(index, _)| is_new(*index)) {
        // Every lease of a user is a turn, also of what ran before.
        let last_turn = |of: &UserId| users[..index].iter().rposition(|it| it == of);
        let turns = (0..index)
            .filter(|it| is_new(*it) && users[*it] == *user)
            .count();
        if last_turn(user).is_none() && brought_forward.contains(user) {
            continue;
        }
        let runs = at_least(user) + turns;
        for waiting in missed.iter().filter(|it| it.status() == Status::Pending) {
            let other = waiting.submission().user();
            let is_turn_earlier = last_turn(user) > last_turn(other);
            let is_first = at_most(other) < runs || at_most(other) == runs && is_turn_earlier;
            assert!(
                other == user || !is_first,
                "{other} waited for {user}, who ran {runs}"
            );
        }
    }
}
