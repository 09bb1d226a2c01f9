//! Defines the steps of a group, and sends them.

use coderun_domain::testing::report;
use coderun_domain::{
    Attempt, Execution, ExecutionId, Lease, Outcome, Output, Quota, RunEvent, Sequence, StoreError,
    Submitted, TakeFor, Verdict, WorkerId,
};

use super::simulation::unless_lost;
use crate::Backend;
use crate::fixtures::{chunk, languages};

/// Names a lease: no execution has an attempt twice.
pub(super) type LeaseId = (ExecutionId, Attempt);

pub(super) const fn lease_id(lease: &Lease) -> LeaseId {
    (lease.id(), lease.attempt())
}

/// One call of a port, with its arguments.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Submit {
        execution: Execution,
        offer: Option<WorkerId>,
    },
    Take {
        worker: WorkerId,
        users: TakeFor,
        at_most: usize,
    },
    Append {
        lease: Lease,
        after: Sequence,
        texts: Vec<String>,
    },
    Finish {
        lease: Lease,
        after: Sequence,
        texts: Vec<String>,
    },
    Renew(Lease),
    Release(Lease),
    Cancel(ExecutionId),
    Delete(ExecutionId),
    Sweep,
}

/// What a step answered.
#[derive(Debug)]
pub(super) enum Answer {
    Submitted(Submitted),
    /// The users together leave no room for a submission.
    NoRoom,
    Taken(Vec<Lease>),
    Appended(Sequence),
    Done,
    LeaseLost,
}

/// The outcome with which the worker of this lease ends the execution, and no other.
pub(super) fn outcome_of(lease: &Lease) -> Outcome {
    let (id, attempt) = lease_id(lease);
    let output = Output::complete(format!("{id}/{attempt}"));
    Outcome::of_run(report(Verdict::Accepted), output, Output::default(), None)
}

impl Step {
    /// The lease under which the step is done.
    pub(super) fn lease(&self) -> Option<&Lease> {
        match self {
            Self::Append { lease, .. }
            | Self::Finish { lease, .. }
            | Self::Renew(lease)
            | Self::Release(lease) => Some(lease),
            Self::Submit { .. }
            | Self::Take { .. }
            | Self::Cancel(_)
            | Self::Delete(_)
            | Self::Sweep => None,
        }
    }

    pub(super) fn lease_id(&self) -> Option<LeaseId> {
        self.lease().map(lease_id)
    }

    /// Whether its caller repeats it after a lost reply.
    pub(super) fn is_repeatable(&self) -> bool {
        self.lease().is_some() || matches!(self, Self::Submit { .. })
    }

    pub(super) async fn send(self, backend: &Backend) -> Answer {
        let queue = &backend.queue;
        let lease_step = match self {
            Self::Submit { execution, offer } => {
                let submitted = backend.store.submit(&execution, offer).await;
                return match submitted {
                    Err(
                        StoreError::Full { .. }
                        | StoreError::QuotaExceeded {
                            quota: Quota::Share,
                            ..
                        },
                    ) => Answer::NoRoom,
                    submitted => Answer::Submitted(submitted.unwrap().submitted),
                };
            }
            Self::Take {
                worker,
                users,
                at_most,
            } => {
                let taken = queue.take(&worker, &languages(), users, at_most).await;
                return Answer::Taken(taken.unwrap());
            }
            Self::Append {
                lease,
                after,
                texts,
            } => {
                let appended = queue.append(&lease, after, &events(&lease, &texts)).await;
                return unless_lost(appended).map_or(Answer::LeaseLost, Answer::Appended);
            }
            Self::Finish {
                lease,
                after,
                texts,
            } => {
                let (events, outcome) = (events(&lease, &texts), outcome_of(&lease));
                queue.finish(&lease, after, &events, &outcome).await
            }
            Self::Renew(lease) => queue.renew(&lease).await.map(drop),
            Self::Release(lease) => queue.release(&lease).await,
            Self::Cancel(id) => {
                backend.cancel(id).await;
                return Answer::Done;
            }
            Self::Delete(id) => {
                backend.delete(id).await;
                return Answer::Done;
            }
            Self::Sweep => {
                backend.sweep().await;
                return Answer::Done;
            }
        };
        unless_lost(lease_step).map_or(Answer::LeaseLost, |()| Answer::Done)
    }
}

fn events(lease: &Lease, texts: &[String]) -> Vec<RunEvent> {
    texts.iter().map(|text| chunk(lease, text)).collect()
}
