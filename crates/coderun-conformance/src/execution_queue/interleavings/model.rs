//! Knows what every answer of a group allows, and compares it with what is stored.

mod order;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::{Execution, ExecutionId, Lease, QueueDepth, State, Status, Submitted, UserId};
use fastrand::Rng;

use super::RUNNING_MAX;
use super::room::assert_room;
use super::run::{BEYOND, Run};
use super::step::{Answer, LeaseId, Step, lease_id, outcome_of};
use super::transcript::assert_transcript;
use crate::Backend;
use crate::fixtures::SECOND;
use order::{owner, running};

/// Executions by id, as they were stored at one time.
pub(super) type Live = BTreeMap<ExecutionId, Execution>;

/// What was accepted, leased and stored so far.
pub(super) struct Model {
    backend: Arc<Backend>,
    /// Every execution that is not final, as it was stored after the last group.
    live: Live,
    /// Every lease that was ever granted, in this order.
    runs: Vec<Run>,
    by_lease: HashMap<LeaseId, usize>,
    accepted: HashSet<ExecutionId>,
    /// Users of whom an execution was released, and who have had no turn since.
    brought_forward: HashSet<UserId>,
    /// What could be taken by any worker when the group began.
    takeable: Vec<ExecutionId>,
}

impl Model {
    pub(super) fn new(backend: Arc<Backend>) -> Self {
        Self {
            backend,
            live: Live::new(),
            runs: Vec::new(),
            by_lease: HashMap::new(),
            accepted: HashSet::new(),
            brought_forward: HashSet::new(),
            takeable: Vec::new(),
        }
    }

    /// How many executions are not final.
    pub(super) fn live(&self) -> usize {
        self.live.len()
    }

    /// The run of one of the latest leases, mostly one that its worker believes to be held.
    pub(super) fn any_run(&mut self, random: &mut Rng) -> Option<&mut Run> {
        let recent = self.runs.len().saturating_sub(32);
        let recent = &mut self.runs[recent..];
        let indices: Vec<_> = (0..recent.len())
            .filter(|index| !recent[*index].is_over || random.u32(..8) == 0)
            .collect();
        random.choice(indices).map(|index| &mut recent[index])
    }

    /// Notes what could be taken before the group.
    pub(super) fn begin_group(&mut self) {
        let takeable = self.live.values().filter(|it| self.is_takeable(it));
        self.takeable = takeable.map(Execution::id).collect();
    }

    /// Lets a worker know of an answer that reached it.
    pub(super) fn tell_worker(&mut self, step: &Step, answer: &Answer) {
        let Some(index) = step.lease_id().and_then(|id| self.by_lease.get(&id)) else {
            return;
        };
        let run = &mut self.runs[*index];
        match (step, answer) {
            (Step::Append { .. }, Answer::Appended(last)) => run.confirm(*last),
            (Step::Finish { .. } | Step::Release(_), Answer::Done) | (_, Answer::LeaseLost) => {
                run.is_over = true;
            }
            _ => {}
        }
    }

    /// Checks the answers of one group against each other and against what is stored now.
    pub(super) async fn check_group(&mut self, answered: &[(Step, Answer)]) {
        let granted = self.note_leases(answered);
        let before = self.read_live(answered).await;
        for (step, answer) in answered {
            if let (Step::Release(lease), Answer::Done) = (step, answer) {
                self.brought_forward.insert(owner(lease).clone());
            }
        }
        for (step, answer) in answered {
            self.check_answer(step, answer).await;
        }
        for lease in &granted {
            self.check_lease(lease, &before, answered);
        }
        self.check_order(answered, &granted, &before);
        assert_room(
            self.backend.policy.pending_max,
            answered,
            &before,
            &self.live,
        );
        self.check_idle_takes(answered, &before);
        self.note_turns(answered, &granted);
        self.check_counts().await;
        for id in before.keys().filter(|id| !self.live.contains_key(id)) {
            self.check_transcript(*id).await;
        }
    }

    /// Lets time pass until everything has ended, and checks what is stored.
    pub(super) async fn run_out(&mut self) {
        for _ in 0..4 {
            self.backend.advance(Duration::from_mins(11));
            self.backend.sweep().await;
        }
        self.read_live(&[]).await;
        assert!(self.live.is_empty(), "{:?}", self.live);
        for id in &self.accepted {
            self.check_transcript(*id).await;
        }
        self.check_counts().await;
    }

    /// Notes the leases that were granted: no lease is granted twice, and no execution accepted twice.
    fn note_leases(&mut self, answered: &[(Step, Answer)]) -> Vec<Lease> {
        let mut granted = Vec::new();
        for (step, answer) in answered {
            match (step, answer) {
                (Step::Submit { execution, .. }, Answer::Submitted(submitted)) => {
                    let is_known = self.accepted.contains(&execution.id());
                    match submitted {
                        Submitted::AlreadyExists(_) => {}
                        Submitted::Accepted | Submitted::Leased(_) => {
                            assert!(!is_known, "it was accepted twice");
                            self.accepted.insert(execution.id());
                        }
                    }
                    if let Submitted::Leased(lease) = submitted {
                        granted.push(Lease::clone(lease));
                    }
                }
                (Step::Take { at_most, .. }, Answer::Taken(leases)) => {
                    assert!(leases.len() <= *at_most);
                    granted.extend(leases.iter().cloned());
                }
                _ => {}
            }
        }
        let until = self.backend.now() + self.backend.policy.lease;
        for lease in &granted {
            let earlier = self.by_lease.insert(lease_id(lease), self.runs.len());
            assert_eq!(earlier, None, "it was leased twice");
            self.runs.push(Run::new(lease.clone(), until));
        }
        for (step, answer) in answered {
            if let (Step::Renew(lease), Answer::Done) = (step, answer) {
                let run = &mut self.runs[self.by_lease[&lease_id(lease)]];
                run.held_until = run.held_until.max(until);
            }
        }
        granted
    }

    /// Reads what is live now, and returns what was live before.
    async fn read_live(&mut self, answered: &[(Step, Answer)]) -> Live {
        let mut ids: HashSet<_> = self.live.keys().copied().collect();
        for (step, _) in answered {
            if let Step::Submit { execution, .. } = step {
                ids.insert(execution.id());
            }
        }
        let mut live = Live::new();
        for id in ids {
            let found = self.backend.find(id).await;
            live.extend(
                found
                    .filter(|it| !it.status().is_final())
                    .map(|it| (id, it)),
            );
        }
        std::mem::replace(&mut self.live, live)
    }

    /// An answer is true of what is stored.
    async fn check_answer(&mut self, step: &Step, answer: &Answer) {
        let Some(index) = step
            .lease_id()
            .and_then(|id| self.by_lease.get(&id).copied())
        else {
            return;
        };
        let run = &mut self.runs[index];
        match (step, answer) {
            (Step::Append { after, texts, .. }, Answer::Appended(last)) => {
                assert_eq!(*last, after.plus(texts.len() as u64));
            }
            (Step::Finish { after, texts, .. }, Answer::Done) => {
                let is_repetition = run.finished_with.is_some();
                assert!(is_repetition || *after != BEYOND, "a gap was finished");
                let stored = run.count_up_to(after.plus(texts.len() as u64));
                run.finished_with.get_or_insert(stored);
                let outcome = outcome_of(run.lease());
                let found = self.backend.find(run.lease().id()).await;
                let recorded = found.map(|found| found.outcome().map(|it| (**it).clone()));
                assert!(
                    recorded.is_none_or(|it| it == Some(outcome)),
                    "it did not end so"
                );
            }
            (Step::Finish { after, .. }, Answer::LeaseLost) if *after == BEYOND => {}
            (_, Answer::LeaseLost) => {
                let lease = run.lease().clone();
                let live = self.live.get(&lease.id());
                let is_held = live.is_some_and(|it| is_held_by(it, &lease));
                let is_overdue = live.is_some_and(|it| self.is_nearly_overdue(it));
                assert!(
                    !is_held || is_overdue,
                    "a valid lease was refused: {step:?}"
                );
            }
            _ => {}
        }
    }

    /// A lease is the first one, or the one before was given back or had run out; and its user runs no more than allowed.
    fn check_lease(&self, lease: &Lease, before: &Live, answered: &[(Step, Answer)]) {
        let user = lease.execution().submission().user();
        assert!(running(&self.live, user) <= RUNNING_MAX as usize);
        let Some(previous) = before.get(&lease.id()).and_then(|it| self.run_of(it)) else {
            return;
        };
        let was_released = answered.iter().any(|(step, answer)| {
            matches!((step, answer), (Step::Release(it), Answer::Done) if it.id() == lease.id())
        });
        let has_run_out = self.backend.now() + SECOND >= previous.held_until;
        assert!(was_released || has_run_out, "it was held by another");
    }

    /// Whether any worker could take this now, whichever way the clocks are read.
    fn is_takeable(&self, execution: &Execution) -> bool {
        let is_free = match execution.state() {
            State::Pending => {
                let user = execution.submission().user();
                running(&self.live, user) < RUNNING_MAX as usize
            }
            State::Running { .. } => {
                let run = self.run_of(execution);
                let has_run_out =
                    run.is_some_and(|run| run.held_until + SECOND <= self.backend.now());
                has_run_out && !self.backend.policy.is_last_attempt(execution)
            }
            State::Final { .. } => false,
        };
        is_free && !self.is_nearly_overdue(execution)
    }

    fn is_nearly_overdue(&self, execution: &Execution) -> bool {
        let deadline = self.backend.policy.deadline(execution);
        deadline.is_none_or(|deadline| deadline <= self.backend.now() + SECOND)
    }

    /// The run that an execution has now.
    fn run_of(&self, execution: &Execution) -> Option<&Run> {
        let is_running = execution.status() == Status::Running;
        let lease = (execution.id(), execution.attempt());
        let index = self.by_lease.get(&lease).filter(|_| is_running)?;
        self.runs.get(*index)
    }

    async fn check_counts(&self) {
        let count = |status| {
            self.live
                .values()
                .filter(|it| it.status() == status)
                .count() as u64
        };
        let counted = QueueDepth {
            pending: count(Status::Pending),
            running: count(Status::Running),
        };
        assert_eq!(self.backend.queue.depth().await.unwrap(), counted);
    }

    async fn check_transcript(&self, id: ExecutionId) {
        let run_of = |attempt| {
            self.by_lease
                .get(&(id, attempt))
                .map(|index| &self.runs[*index])
        };
        assert_transcript(&self.backend, id, run_of).await;
    }
}

fn is_held_by(execution: &Execution, lease: &Lease) -> bool {
    Lease::new(execution.clone()).is_ok_and(|held| {
        lease_id(&held) == lease_id(lease)
            && (held.worker(), held.started_at()) == (lease.worker(), lease.started_at())
    })
}
