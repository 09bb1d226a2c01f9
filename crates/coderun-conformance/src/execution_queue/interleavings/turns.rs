//! Checks that users take turns within one take.

use std::collections::HashSet;

use coderun_domain::{Execution, Lease, Status};

/// Asserts that between two executions of one user comes one of every other user that waits, apart from what ran before.
pub(super) fn assert_turns(taken: &[Lease], missed: &[&Execution]) {
    let user_of = |lease: &Lease| lease.execution().submission().user().clone();
    for (index, lease) in taken.iter().enumerate() {
        let rest = &taken[index + 1..];
        let next = rest.iter().position(|it| user_of(it) == user_of(lease));
        let Some(next) =
            next.filter(|next| lease.attempt().count() == 1 && rest[*next].attempt().count() == 1)
        else {
            continue;
        };
        let between: HashSet<_> = rest[..next].iter().map(user_of).collect();
        for waiting in missed.iter().filter(|it| it.status() == Status::Pending) {
            let user = waiting.submission().user();
            let has_turn = *user == user_of(lease) || between.contains(user);
            assert!(
                has_turn,
                "{user} waited for two turns of {}",
                user_of(lease)
            );
        }
    }
}
