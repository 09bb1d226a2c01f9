//! Whatever happens in whatever order: the promises that hold all the time.

mod dice;
mod story;
mod visitors;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coderun_domain::testing::{draft, finished};
use coderun_domain::{
    Event, ExecutionId, Lease, QueueDepth, QueueError, RunEvent, Status, SubmissionDraft,
    Submitted, UserId,
};
use time::OffsetDateTime;
use tokio::task::JoinSet;

use crate::fixtures::{chunk, id, languages, progress_of, within, worker};
use crate::{Backend, Setup};
use dice::Dice;
use story::assert_story;
use visitors::Visitors;

const USERS: [&str; 3] = ["alice", "bob", "carol"];
const RUNNING_MAX: usize = 3;

/// What is known from outside about all executions so far.
struct Witness {
    backend: Backend,
    dice: Dice,
    submitted: u32,
    /// Every lease there ever was, also stale ones.
    leases: Vec<Lease>,
    /// The latest lease of each execution and until when it holds.
    latest: HashMap<ExecutionId, (Lease, OffsetDateTime)>,
    visitors: Visitors,
}

impl Witness {
    async fn step(&mut self) {
        match self.dice.throw(20) {
            0..3 => self.submit().await,
            3..6 => self.take().await,
            6..12 => self.use_a_lease().await,
            12 => {
                let id = id(self.any_number());
                self.backend.cancel(id).await;
            }
            13 => {
                let id = id(self.any_number());
                if self.dice.throw(4) == 0 {
                    self.backend.delete(id).await;
                }
            }
            14 => {
                self.backend.sweep().await;
            }
            15 | 16 => {
                let id = id(self.any_number());
                self.visitors.send(&self.backend, id).await;
            }
            17 => {
                if let Some(lease) = self.any_lease() {
                    self.visitors.check_input(&self.backend, &lease).await;
                }
            }
            18 => {
                let id = id(self.any_number());
                self.visitors.come(&self.backend, id).await;
            }
            _ => {
                let seconds = [1, 3, 10][self.dice.throw(3)];
                self.backend.advance(Duration::from_secs(seconds));
            }
        }
    }

    fn any_number(&mut self) -> u32 {
        let newest = usize::try_from(self.submitted).unwrap();
        let back = self.dice.throw(newest.clamp(1, 12));
        u32::try_from(newest.saturating_sub(back)).unwrap()
    }

    async fn submit(&mut self) {
        self.submitted += 1;
        let name = USERS[self.dice.throw(3)];
        let draft = SubmissionDraft {
            interactive: self.dice.throw(2) == 0,
            ..draft()
        };
        let execution = self.backend.draft(self.submitted, name, draft);
        let submitted = self.backend.store.submit(&execution).await;
        assert_eq!(submitted.unwrap(), Submitted::Accepted);
    }

    /// A lease is of the attempt after the last one, and of an execution that waited or whose lease had run out.
    async fn take(&mut self) {
        let name = ["worker-1", "worker-2"][self.dice.throw(2)];
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

    async fn running(&self, user: &UserId) -> usize {
        let list = self.backend.list(user.as_str()).await;
        let running = list.iter().filter(|it| it.status == Status::Running);
        running.count()
    }

    /// One of the latest leases, good or stale.
    fn any_lease(&mut self) -> Option<Lease> {
        let recent = self.leases.len().saturating_sub(12);
        self.dice.pick(&self.leases[recent..]).cloned()
    }

    /// Only the latest lease can change something; whoever is told that the lease is lost has changed nothing.
    async fn use_a_lease(&mut self) {
        let Some(lease) = self.any_lease() else {
            return;
        };
        let before = self.backend.find(lease.id()).await;
        let queue = &self.backend.queue;
        let result = match self.dice.throw(6) {
            0 => queue.finish(&lease, &finished()).await,
            1 => queue.release(&lease).await,
            2 | 3 => queue.renew(&lease).await.map(|_| {
                let until = self.backend.now() + self.backend.policy.lease;
                self.latest.insert(lease.id(), (lease.clone(), until));
            }),
            _ => {
                let known = before.as_ref().map_or(2, |it| it.sequence().number());
                let after = known.saturating_sub(self.dice.throw(2) as u64);
                let pieces = [chunk(&lease, "a"), RunEvent::AwaitingInput(lease.attempt())];
                let after = coderun_domain::Sequence::from_number(after);
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

    /// Every user's list is what can be found, and every story is well formed.
    async fn check_all(&self) {
        let mut listed = 0;
        for name in USERS {
            for summary in self.backend.list(name).await {
                assert_story(&self.backend, summary.id).await;
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

    /// What is counted and what has a place is what the lists say.
    async fn assert_depth(&self) {
        let mut counted = QueueDepth::default();
        for name in USERS {
            for summary in self.backend.list(name).await {
                counted.pending += u64::from(summary.status == Status::Pending);
                counted.running += u64::from(summary.status == Status::Running);
                let place = self.backend.store.queue_position(summary.id).await;
                let waits = summary.status == Status::Pending;
                assert_eq!(place.unwrap().is_some(), waits, "{summary:?}");
            }
        }
        assert_eq!(self.backend.queue.depth().await.unwrap(), counted);
    }

    /// Lets time pass until everything that lives has ended, and then until everything has expired.
    async fn run_out(&self) {
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

/// Four thousand random steps by users, good and stale workers and the clock.
pub async fn random_steps_keep_every_promise(setup: Setup) {
    for seed in 1..=5_u64 {
        let backend = setup
            .with(|policy| {
                policy.user_running_max = 3;
                policy.queue_deadline = Duration::from_mins(1);
                policy.retention = Duration::from_mins(5);
            })
            .await;
        let mut witness = Witness {
            backend,
            dice: Dice::new(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            submitted: 0,
            leases: Vec::new(),
            latest: HashMap::new(),
            visitors: Visitors::default(),
        };
        for step in 0..800 {
            witness.step().await;
            if step % 500 == 0 {
                witness.check_all().await;
            }
        }
        witness.check_all().await;
        witness.run_out().await;
    }
}

/// What a step answered, unless the lease was lost; no other error may come.
fn unless_lost<T>(result: Result<T, QueueError>) -> Option<T> {
    match result {
        Ok(answer) => Some(answer),
        Err(QueueError::LeaseLost) => None,
        Err(error @ (QueueError::Unavailable { .. } | QueueError::Corrupt { .. })) => {
            panic!("{error}")
        }
    }
}

/// Takes, prints and finishes until it is told to stop; gives some back and abandons others. Answers what it finished.
async fn work(
    backend: Arc<Backend>,
    name: String,
    seed: u64,
    stop: Arc<AtomicBool>,
) -> Vec<ExecutionId> {
    let mut dice = Dice::new(seed);
    let mut finished_by_me = Vec::new();
    let (worker, languages) = (worker(&name), languages());
    while !stop.load(Ordering::Relaxed) {
        tokio::task::yield_now().await;
        let queue = &backend.queue;
        let Some(lease) = queue.take(&worker, &languages).await.unwrap() else {
            continue;
        };
        let mut last = lease.execution().sequence();
        for _ in 0..dice.throw(4) {
            let appended = queue.append(&lease, last, &[chunk(&lease, "x")]).await;
            last = unless_lost(appended).unwrap_or(last);
            tokio::task::yield_now().await;
        }
        match dice.throw(8) {
            0 => {
                unless_lost(queue.release(&lease).await);
            }
            1 => {}
            _ => {
                let ended = unless_lost(queue.finish(&lease, &finished()).await);
                finished_by_me.extend(ended.map(|()| lease.id()));
            }
        }
    }
    finished_by_me
}

/// Four workers, a user who cancels and a clock that runs, all at a time: each execution ends once.
pub async fn concurrent_workers_keep_every_promise(backend: Backend) {
    const EXECUTIONS: u32 = 200;
    let backend = Arc::new(backend);
    let stop = Arc::new(AtomicBool::new(false));
    let mut workers = JoinSet::new();
    for number in 1..=4 {
        let name = format!("worker-{number}");
        workers.spawn(work(
            Arc::clone(&backend),
            name,
            number * 77,
            Arc::clone(&stop),
        ));
    }
    for number in 1..=EXECUTIONS {
        backend.submit(number, USERS[number as usize % 3]).await;
        if number % 10 == 0 {
            backend.cancel(id(number)).await;
        }
        tokio::task::yield_now().await;
    }
    within(async {
        for number in 1..=EXECUTIONS {
            while !backend.get(id(number)).await.status().is_final() {
                backend.advance(Duration::from_secs(1));
                backend.sweep().await;
                tokio::task::yield_now().await;
            }
        }
    })
    .await;
    stop.store(true, Ordering::Relaxed);
    let mut finished = within(workers.join_all()).await.concat();
    for number in 1..=EXECUTIONS {
        assert_story(&backend, id(number)).await;
    }
    let count = finished.len();
    finished.sort_unstable();
    finished.dedup();
    assert_eq!(finished.len(), count, "no execution was finished twice");
}
