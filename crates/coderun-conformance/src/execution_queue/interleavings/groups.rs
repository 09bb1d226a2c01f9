//! Sends random groups of concurrent steps: by users, by workers that crash or lose replies, and by a clock that jumps.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::draft;
use coderun_domain::{ExecutionId, SubmissionDraft, TakeFor, WorkerId};
use fastrand::Rng;
use futures_util::future::join_all;
use tokio::task::JoinSet;

use super::USERS;
use super::model::Model;
use super::run::Run;
use super::step::{Answer, Step};
use crate::Backend;
use crate::fixtures::{id, worker};

/// The most executions that are pending or running at a time.
const LIVE_MAX: usize = 24;

/// Chooses the steps of each group, sends them at once, and lets the model check the answers.
pub(super) struct Groups {
    backend: Arc<Backend>,
    random: Rng,
    model: Model,
    submitted: u32,
    /// Steps whose replies were lost: their callers repeat them.
    repetitions: Vec<Step>,
    seed: u64,
    sent: u32,
}

impl Drop for Groups {
    #[expect(clippy::print_stderr, reason = "a broken clause says where")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("group {} of seed {}", self.sent, self.seed);
        }
    }
}

impl Groups {
    pub(super) fn new(backend: Backend, seed: u64) -> Self {
        let backend = Arc::new(backend);
        Self {
            model: Model::new(Arc::clone(&backend)),
            backend,
            random: Rng::with_seed(seed),
            submitted: 0,
            repetitions: Vec::new(),
            seed,
            sent: 0,
        }
    }

    /// Sends one group and checks what came of it.
    pub(super) async fn send_group(&mut self) {
        self.sent += 1;
        self.move_clock();
        let mut steps = std::mem::take(&mut self.repetitions);
        let mut leases_in_use: HashSet<_> = steps.iter().filter_map(Step::lease_id).collect();
        for _ in 0..self.random.usize(1..=10) {
            let Some(step) = self.any_step() else {
                continue;
            };
            // One worker does not call twice at a time for one lease, but for repetitions of the same call.
            if step
                .lease_id()
                .is_none_or(|lease| leases_in_use.insert(lease))
            {
                steps.push(step);
            }
        }
        let repeated = self.random.usize(..8);
        steps.extend(steps.get(repeated).cloned().filter(Step::is_repeatable));
        self.model.begin_group();
        let answers = self.send(&steps).await;
        let answered: Vec<_> = steps.into_iter().zip(answers).collect();
        self.model.check_group(&answered).await;
        for (step, answer) in answered {
            let is_lost = self.random.usize(..8) == 0;
            if is_lost && step.is_repeatable() {
                self.repetitions.push(step);
            } else {
                self.model.tell_worker(&step, &answer);
            }
        }
    }

    /// Lets everything end, and checks all records.
    pub(super) async fn run_out(mut self) {
        self.model.run_out().await;
    }

    /// Sends all steps at once, from one task or from one task each.
    async fn send(&mut self, steps: &[Step]) -> Vec<Answer> {
        let in_one_task = self.random.bool();
        let calls = steps.iter().cloned().enumerate().map(|(index, step)| {
            let backend = Arc::clone(&self.backend);
            async move { (index, step.send(&backend).await) }
        });
        let mut answers = if in_one_task {
            join_all(calls).await
        } else {
            calls.collect::<JoinSet<_>>().join_all().await
        };
        answers.sort_unstable_by_key(|(index, _)| *index);
        answers.into_iter().map(|(_, answer)| answer).collect()
    }

    /// Mostly little or nothing, sometimes more than a lease lasts, and sometimes back.
    fn move_clock(&mut self) {
        match self.random.u32(..24) {
            0..4 => self.backend.advance(Duration::from_secs(1)),
            4 => self.backend.advance(Duration::from_secs(4)),
            5 => self
                .backend
                .advance(self.backend.policy.lease + Duration::from_secs(2)),
            6 => self
                .backend
                .clock
                .set(self.backend.now() - Duration::from_secs(2)),
            _ => {}
        }
    }

    fn any_step(&mut self) -> Option<Step> {
        match self.random.u32(..20) {
            0..6 => self.submission(),
            6..9 => Some(Step::Take {
                worker: self.any_worker(),
                users: if self.random.u32(..4) == 0 {
                    TakeFor::IdleUsers
                } else {
                    TakeFor::Everyone { share: 1 }
                },
                at_most: self.random.usize(..6),
            }),
            9..17 => self.step_of_a_worker(),
            17 => Some(Step::Cancel(self.any_id(1))),
            // No deletion meets a repeated submission, which would then be a new one.
            18 if self.submitted > 60 => Some(Step::Delete(self.any_id(40))),
            _ => Some(Step::Sweep),
        }
    }

    fn any_worker(&mut self) -> WorkerId {
        worker(["worker-1", "worker-2", "worker-3"][self.random.usize(..3)])
    }

    /// The id of an execution that was submitted at least so many submissions ago, and not long before that.
    fn any_id(&mut self, back: u32) -> ExecutionId {
        let back = back + self.random.u32(..16);
        id(self.submitted.saturating_sub(back).max(1))
    }

    fn submission(&mut self) -> Option<Step> {
        if self.model.live() >= LIVE_MAX {
            return None;
        }
        self.submitted += 1;
        let language = ["python", "c"][self.random.usize(..2)];
        let draft = SubmissionDraft {
            language: language.to_owned(),
            ..draft()
        };
        let name = USERS[self.random.usize(..3)];
        let offer = self.random.bool().then(|| self.any_worker());
        Some(Step::Submit {
            execution: self.backend.draft(self.submitted, name, draft),
            offer,
        })
    }

    /// A step of a worker that has, or once had, a lease. A worker that is never chosen again has crashed.
    fn step_of_a_worker(&mut self) -> Option<Step> {
        let choice = self.random.u32(..16);
        let written = self.random.usize(..3);
        let run: &mut Run = self.model.any_run(&mut self.random)?;
        Some(match choice {
            0..2 => Step::Renew(run.lease().clone()),
            2 => Step::Release(run.lease().clone()),
            3..8 => {
                run.write(written);
                run.append()
            }
            8 => run.finish_beyond(),
            _ => {
                run.write(written);
                run.finish()
            }
        })
    }
}
