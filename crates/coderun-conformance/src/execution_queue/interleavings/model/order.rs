//! Checks whose turn it was in a group.

use coderun_domain::{Execution, ExecutionId, Lease, Status, Submitted, TakeFor, UserId};

use super::super::RUNNING_MAX;
use super::super::step::{Answer, Step};
use super::super::turns::assert_turns;
use super::{Live, Model};

impl Model {
    /// What could be taken all the time, and was not, was passed over by no lease and missed by no take; and no user had two
    /// turns before it.
    pub(super) fn check_order(
        &self,
        answered: &[(Step, Answer)],
        granted: &[Lease],
        before: &Live,
    ) {
        let missed = self.missed(answered, granted, before);
        let Some(example) = missed.first() else {
            return;
        };
        for (step, answer) in answered {
            match (step, answer) {
                (_, Answer::Submitted(Submitted::Leased(lease))) => {
                    panic!("{lease:?} was granted past {example:?}");
                }
                (Step::Take { users, at_most, .. }, Answer::Taken(leases)) => {
                    let is_for = |it: &&Execution| {
                        *users != TakeFor::IdleUsers || self.was_idle(it, granted, before)
                    };
                    let missed = missed.iter().copied().find(is_for);
                    let is_full = leases.len() == *at_most;
                    assert!(is_full || missed.is_none(), "{missed:?} was missed");
                }
                _ => {}
            }
        }
        let is_alone =
            |(step, _): &&(Step, Answer)| matches!(step, Step::Take { .. } | Step::Release(_));
        if let [(_, Answer::Taken(leases))] =
            answered.iter().filter(is_alone).collect::<Vec<_>>()[..]
        {
            let at_least = |user: &UserId| running_all_the_time(before, &self.live, user);
            let at_most = |user: &UserId| running(before, user) + count_of(granted, user);
            assert_turns(leases, &missed, &self.brought_forward, at_least, at_most);
        }
    }

    /// Whether this waited while its user ran nothing.
    fn was_idle(&self, execution: &Execution, granted: &[Lease], before: &Live) -> bool {
        let user = execution.submission().user();
        execution.status() == Status::Pending
            && running(before, user) + running(&self.live, user) + count_of(granted, user) == 0
    }

    /// A take for users who run nothing has one execution of each such user, unless an earlier one was released.
    pub(super) fn check_idle_takes(&self, answered: &[(Step, Answer)], before: &Live) {
        for (step, answer) in answered {
            let (Step::Take { users, .. }, Answer::Taken(leases)) = (step, answer) else {
                continue;
            };
            for lease in leases.iter().filter(|_| *users == TakeFor::IdleUsers) {
                let user = owner(lease);
                assert_eq!(count_of(leases, user), 1, "{lease:?} is a second one");
                let running = running_all_the_time(before, &self.live, user);
                let may_run = self.brought_forward.contains(user);
                assert!(may_run || running == 0, "{user} runs {running}");
            }
        }
    }

    /// Forgets who was brought forward and has had a turn since.
    pub(super) fn note_turns(&mut self, answered: &[(Step, Answer)], granted: &[Lease]) {
        for user in granted.iter().map(owner) {
            let is_released = |(step, _): &(Step, Answer)| matches!(step, Step::Release(lease) if owner(lease) == user);
            if !answered.iter().any(is_released) {
                self.brought_forward.remove(user);
            }
        }
    }

    /// What could be taken when the group began and has not changed, by users who could run one more all the time.
    fn missed(
        &self,
        answered: &[(Step, Answer)],
        granted: &[Lease],
        before: &Live,
    ) -> Vec<&Execution> {
        let is_renewed = |id: ExecutionId| {
            let renewed = |step: &Step| matches!(step, Step::Renew(lease) if lease.id() == id);
            answered.iter().any(|(step, _)| renewed(step))
        };
        let has_room = |execution: &Execution| {
            let user = execution.submission().user();
            execution.status() == Status::Running
                || running(before, user) + count_of(granted, user) < RUNNING_MAX as usize
        };
        let takeable = self.takeable.iter().filter_map(|id| self.live.get(id));
        takeable
            .filter(|it| before.get(&it.id()) == Some(*it) && !is_renewed(it.id()) && has_room(it))
            .collect()
    }
}

pub(super) fn running(live: &Live, user: &UserId) -> usize {
    let running = live.values().filter(|it| it.status() == Status::Running);
    running.filter(|it| it.submission().user() == user).count()
}

/// How many of a user ran before a group and in the same attempt after it.
fn running_all_the_time(before: &Live, after: &Live, user: &UserId) -> usize {
    let is_same = |it: &&Execution| {
        let now = after.get(&it.id());
        it.status() == Status::Running
            && it.submission().user() == user
            && now
                .is_some_and(|now| now.status() == Status::Running && now.attempt() == it.attempt())
    };
    before.values().filter(is_same).count()
}

pub(super) fn owner(lease: &Lease) -> &UserId {
    lease.execution().submission().user()
}

fn count_of(leases: &[Lease], user: &UserId) -> usize {
    leases.iter().filter(|it| owner(it) == user).count()
}
