//! Runs a random sequence of steps against a backend, and checks the promises after each.

use std::collections::HashMap;
use std::time::Duration;

use coderun_domain::testing::{draft, finished};
use coderun_domain::{
    Event, ExecutionId, Lease, QueueDepth, QueueError, RunEvent, Sequence, Status, SubmissionDraft,
    Submitted, UserId,
};
use fastrand::Rng;
use time::OffsetDateTime;

use super::clients::Clients;
use super::events::assert_well_formed;
use super::{RUNNING_MAX, USERS};
use crate::Backend;
use crate::fixtures::{chunk, id, progress_of};

/// Takes random steps as users, workers and the clock, and checks each step against what was visible before it.
pub(super) struct Simulation {
    backend: Backend,
    random: Rng,
    submitted: u32,
    /// Every lease so far, also stale ones.
    leases: Vec<Lease>,
    /// The latest lease of each execution and until when it holds.
    latest: HashMap<ExecutionId, (Lease, OffsetDateTime)>,
    clients: Clients,
}

impl Simulation {
    pub(super) fn new(backend: Backend, seed: u64) -> Self {
        Self {
            backend,
            random: Rng::with_seed(seed),
            submitted: 0,
            leases: Vec::new(),
            latest: HashMap::new(),
            clients: Clients::default(),
        }
    }

    pub(super) async fn step(&mut self) {
        let id = self.any_id();
        match self.random.u32(..20) {
            0..3 => self.submit().await,
            3..6 => self.take().await,
            6..12 => self.use_a_lease().await,
            12 => drop(self.backend.cancel(id).await),
            13 if self.random.u32(..4) == 0 => drop(self.backend.delete(id).await),
            13 => {}
            14 => drop(self.backend.sweep().await),
            15 | 16 => self.clients.send(&self.backend, id).await,
            17 => {
                if let Some(lease) = self.any_lease() {
                    self.clients.check_input(&self.backend, &lease).await;
                }
            }
            18 => self.clients.redeem_and_issue(&self.backend, id).await,
            _ => {
                let seconds = [1, 3, 10][self.random.usize(..3)];
                self.backend.advance(Duration::from_secs(seconds));
            }
        }
    }

    /// The id of one of the latest executions.
    fn any_id(&mut self) -> ExecutionId {
        let back = self.random.u32(..self.submitted.clamp(1, 12));
        id(self.submitted.saturating_sub(back))
    }

    async fn submit(&mut self) {
        self.submitted += 1;
        let name = USERS[self.random.usize(..3)];
        let draft = SubmissionDraft {
            interactive: self.random.bool(),
            ..draft()
        };
        let execution = self.backend.draft(self.submitted, name, draft);
        let submitted = self.backend.submit_with(&execution, None).await;
        assert_eq!(submitted.unwrap(), Submitted::Accepted);
    }

    /// A new lease is one attempt after the last one, of an execution that was pending or whose lease had expired.
    async fn take(&mut self) {
        let name = ["worker-1", "worker-2"][self.random.usize(..2)];
        let Some(lease) = self.backend.take_as(name).await else {
            return;
        };
        assert_eq!(self.backend.get(lease.id()).await, *lease.execution());
        let takeovers = lease.execution().progress().takeovers();
        assert!(takeovers < self.backend.policy.attempts_max);
        if let Some((earlier, until)) = self.latest.get(&lease.id()) {
            assert_eq!(lease.attempt(), earlier.attempt().next());
            let events = self.backend.events(lease.id()).await;
            let before = events.iter().rev().skip(1);
            let state = before.filter(|it| matches!(it.event, Event::Updated(_)));
            let status = state.map(|it| progress_of(it).status()).next();
            let released = status == Some(Status::Pending);
            assert!(released || self.backend.now() >= *until, "held by another");
        }
        let user = lease.execution().submission().user().clone();
        assert!(self.running(&user).await <= RUNNING_MAX);
        let until = self.backend.now() + self.backend.policy.lease;
        self.latest.insert(lease.id(), (lease.clone(), until));
        self.leases.push(lease);
    }

    async fn running(&self, user: &UserId) -> u32 {
        let mut running = 0;
        for summary in self.backend.list(user.as_str()).await {
            let status = self.backend.get(summary.id).await.status();
            running += u32::from(status == Status::Running);
        }
        running
    }

    /// One of the latest leases, valid or stale.
    fn any_lease(&mut self) -> Option<Lease> {
        let recent = self.leases.len().saturating_sub(12);
        self.random.choice(&self.leases[recent..]).cloned()
    }

    /// Only the latest lease can change something; a call that answers `LeaseLost` has changed nothing.
    async fn use_a_lease(&mut self) {
        let Some(lease) = self.any_lease() else {
            return;
        };
        let before = self.backend.find(lease.id()).await;
        let queue = &self.backend.queue;
        let result = match self.random.usize(..6) {
            0 => self.backend.try_finish(&lease, &finished()).await,
            1 => queue.release(&lease).await,
            2 | 3 => queue.renew(&lease).await.map(|_| {
                let until = self.backend.now() + self.backend.policy.lease;
                self.latest.insert(lease.id(), (lease.clone(), until));
            }),
            _ => {
                let last = before.as_ref().map_or(2, |it| it.sequence().number());
                let after = last.saturating_sub(self.random.u64(..2));
                let pieces = [chunk(&lease, "a"), RunEvent::AwaitingInput(lease.attempt())];
                let after = Sequence::from_number(after);
                queue.append(&lease, after, &pieces).await.map(drop)
            }
        };
        let after = self.backend.find(lease.id()).await;
        let latest = self.latest.get(&lease.id()).map(|(latest, _)| latest);
        match unless_lost(result) {
            Some(()) => assert_eq!(latest, Some(&lease), "a stale lease was obeyed"),
            None => assert_eq!(after, before),
        }
    }

    /// Every user's list holds what can be found, and every execution's events are well formed.
    pub(super) async fn check_all(&self) {
        let mut listed = 0;
        for name in USERS {
            for summary in self.backend.list(name).await {
                assert_well_formed(&self.backend, summary.id).await;
                listed += 1;
            }
        }
        let mut found = 0;
        for number in 1..=self.submitted {
            found += usize::from(self.backend.find(id(number)).await.is_some());
        }
        assert_eq!(listed, found);
        self.assert_depth().await;
    }

    /// The queue's depth and the queue positions match the lists.
    async fn assert_depth(&self) {
        let mut counted = QueueDepth::default();
        for name in USERS {
            for summary in self.backend.list(name).await {
                let status = self.backend.get(summary.id).await.status();
                counted.pending += u64::from(status == Status::Pending);
                counted.running += u64::from(status == Status::Running);
                let position = self.backend.store.queue_position(summary.id).await;
                let waits = status == Status::Pending;
                assert_eq!(position.unwrap().is_some(), waits, "{summary:?}");
            }
        }
        assert_eq!(self.backend.queue.depth().await.unwrap(), counted);
    }

    /// Lets time pass until every execution has ended, and then until every record has expired.
    pub(super) async fn run_out(&self) {
        for _ in 0..4 {
            self.backend.advance(Duration::from_mins(11));
            self.backend.sweep().await;
        }
        self.check_all().await;
        for name in USERS {
            for summary in self.backend.list(name).await {
                assert!(summary.status.is_final(), "{summary:?}");
            }
        }
        self.backend.advance(self.backend.policy.retention);
        self.backend.sweep().await;
        for number in 1..=self.submitted {
            assert_eq!(self.backend.find(id(number)).await, None);
        }
        for name in USERS {
            assert_eq!(self.backend.list(name).await, []);
        }
    }
}

/// The answer of a step, or `None` if the lease was lost. No other error may occur.
pub(super) fn unless_lost<T>(result: Result<T, QueueError>) -> Option<T> {
    match result {
        Ok(answer) => Some(answer),
        Err(QueueError::LeaseLost) => None,
        Err(error @ (QueueError::Unavailable { .. } | QueueError::Corrupt { .. })) => {
            panic!("{error}")
        }
    }
}
