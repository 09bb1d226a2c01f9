//! Tests sixteen partitions on three masters.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{
    ManualClock, SequentialIds, draft, finished, language, store_policy, submission, user,
};
use coderun_domain::{
    CancelReply, Clock as _, Execution, IdGenerator, Lease, Page, Sequence, StoreError,
    StorePolicy, Submitted, TakeFor,
};
use coderun_redis::{RedisBackend, RedisConfig};
use coderun_redis_fixture::RedisCluster;
use futures_util::StreamExt as _;
use futures_util::future::join_all;

use crate::support::{connect, try_take, worker};

const USERS: usize = 60;

struct Fixture {
    cluster: RedisCluster,
    redis: RedisBackend,
    ids: Arc<dyn IdGenerator>,
    clock: Arc<ManualClock>,
}

impl Fixture {
    async fn with(change: impl FnOnce(&mut StorePolicy)) -> Self {
        let cluster = RedisCluster::start();
        let mut policy = store_policy();
        change(&mut policy);
        let config = RedisConfig {
            patience: Duration::from_secs(1),
            ..RedisConfig::new(cluster.url().parse().unwrap())
        };
        let (redis, clock) = connect(config, policy).await;
        let ids = redis.ids(Arc::new(SequentialIds::default()));
        Self {
            cluster,
            redis,
            ids,
            clock,
        }
    }

    fn execution(&self, name: &str) -> Execution {
        let id = self.ids.execution_id(&user(name));
        Execution::submit(id, submission(user(name), draft()), self.clock.now())
    }

    async fn submit(&self, name: &str) -> Execution {
        let execution = self.execution(name);
        let submitted = self.redis.store.submit(&execution, None).await.unwrap();
        assert_eq!(submitted.submitted, Submitted::Accepted);
        execution
    }
}

fn name(number: usize) -> String {
    format!("user-{number}")
}

/// Every step works for the users of every partition, and every master stores a part of the records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_of_all_partitions_are_served() {
    let fixture = Fixture::with(|_| {}).await;
    let redis = &fixture.redis;
    let mut submitted = BTreeMap::new();
    for number in 0..USERS {
        let execution = fixture.submit(&name(number)).await;
        submitted.insert(execution.id(), name(number));
    }
    for master in fixture.cluster.masters() {
        let count: usize = master.command(&["DBSIZE"]).text().parse().unwrap();
        assert!(count > USERS, "a master holds {count} keys");
    }
    let mut served = BTreeSet::new();
    while let Some(lease) = try_take(redis).await.unwrap() {
        let last = lease.execution().sequence();
        let finished = redis.queue.finish(&lease, last, &[], &finished()).await;
        finished.unwrap();
        served.insert(lease.id());
    }
    assert_eq!(served.len(), USERS);
    for (id, name) in &submitted {
        let found = redis.store.get(*id).await.unwrap().unwrap();
        assert!(found.status().is_final());
        let page = Page {
            before: None,
            limit: 10,
        };
        let listed = redis.store.list(&user(name), page).await.unwrap();
        assert_eq!(listed.len(), 1);
        let events = redis
            .notifier
            .subscribe(*id, Sequence::START)
            .await
            .unwrap();
        assert_eq!(events.count().await, 3);
        let cancelled = redis.store.request_cancel(*id).await.unwrap();
        assert!(matches!(cancelled, CancelReply::AlreadyFinal(_)));
        assert!(redis.store.delete(*id).await.unwrap());
    }
}

/// One user with many waiting executions does not delay those in other partitions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_take_turns() {
    let fixture = Fixture::with(|policy| {
        policy.user_submits_per_minute = 0;
        policy.user_running_max = 100;
    })
    .await;
    for _ in 0..40 {
        fixture.submit("greedy").await;
    }
    for number in 0..10 {
        fixture.submit(&name(number)).await;
    }
    let mut others = 0;
    for _ in 0..40 {
        let lease = try_take(&fixture.redis).await.unwrap().unwrap();
        others += u32::from(lease.execution().submission().user() != &user("greedy"));
    }
    assert_eq!(others, 10);
}

/// A user who runs more than the share waits for those in other partitions who run less, and gets what they leave.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_holds_over_all_partitions() {
    let fixture = Fixture::with(|policy| {
        policy.user_submits_per_minute = 0;
        policy.user_running_max = 100;
    })
    .await;
    let take = async |users: TakeFor, at_most: usize| {
        let (worker, languages) = (worker(), [language("python")]);
        let taken = fixture
            .redis
            .queue
            .take(&worker, &languages, users, at_most);
        let taken = taken.await.unwrap();
        let is_greedy = |lease: &&Lease| lease.execution().submission().user() == &user("greedy");
        (taken.len(), taken.iter().filter(is_greedy).count())
    };
    let everyone = TakeFor::Everyone { share: 2 };
    for _ in 0..30 {
        fixture.submit("greedy").await;
    }
    assert_eq!(take(everyone, 5).await, (5, 5));
    for number in 0..20 {
        fixture.submit(&name(number % 10)).await;
    }
    assert_eq!(take(TakeFor::IdleUsers, 4).await, (4, 0));
    for at_most in [1, 1, 1, 1, 12] {
        assert_eq!(take(everyone, at_most).await, (at_most, 0));
    }
    assert_eq!(take(TakeFor::IdleUsers, 4).await, (0, 0));
    assert_eq!(take(everyone, 3).await, (3, 3));
}

/// The bound is as exact as totals that are a second old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bound_on_waiting_executions_holds_over_all_partitions() {
    let fixture = Fixture::with(|policy| policy.pending_max = 30).await;
    for number in 0..30 {
        fixture.submit(&name(number)).await;
    }
    let refused = async {
        loop {
            for number in 30..USERS {
                let execution = fixture.execution(&name(number));
                if let Err(error) = fixture.redis.store.submit(&execution, None).await {
                    return error;
                }
                fixture.redis.store.delete(execution.id()).await.unwrap();
            }
        }
    };
    let refused = tokio::time::timeout(Duration::from_secs(20), refused)
        .await
        .unwrap();
    assert_matches!(refused, StoreError::Full { .. });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deadlines_are_enforced_in_all_partitions() {
    let fixture = Fixture::with(|_| {}).await;
    for number in 0..USERS {
        fixture.submit(&name(number)).await;
    }
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(fixture.redis.queue.sweep().await.unwrap().ended, USERS);
}

/// The depth counts all partitions; a queue position counts the partition of its user.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn depth_counts_all_partitions_and_a_position_one() {
    let fixture = Fixture::with(|_| {}).await;
    let redis = &fixture.redis;
    let mut submitted = Vec::new();
    for number in 0..USERS {
        submitted.push(fixture.submit(&name(number)).await.id());
    }
    for _ in 0..5 {
        try_take(redis).await.unwrap();
    }
    let depth = redis.queue.depth().await.unwrap();
    assert_eq!((depth.pending, depth.running), (USERS as u64 - 5, 5));
    let mut waiting = 0;
    for id in submitted {
        if let Some(position) = redis.store.queue_position(id).await.unwrap() {
            assert!((1..depth.pending).contains(&position), "{position}");
            waiting += 1;
        }
    }
    assert_eq!(waiting, USERS - 5);
}

/// A record whose id was not made for its user could not be found.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_id_of_another_partition_is_refused() {
    let fixture = Fixture::with(|_| {}).await;
    let execution = fixture.execution("alice");
    let foreign = (0..USERS).map(name).map(|name| {
        let submission = submission(user(&name), draft());
        Execution::submit(execution.id(), submission, fixture.clock.now())
    });
    let mut refused = 0;
    for execution in foreign {
        refused += usize::from(fixture.redis.store.submit(&execution, None).await.is_err());
    }
    assert!(refused > USERS / 2, "{refused} of {USERS} were refused");
}

/// A process with another number of partitions would not find the records.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_with_another_number_of_partitions_does_not_start() {
    let fixture = Fixture::with(|_| {}).await;
    let config = RedisConfig {
        partitions: Some(8),
        ..RedisConfig::new(fixture.cluster.url().parse().unwrap())
    };
    let clock = Arc::new(ManualClock::default());
    let refused = RedisBackend::connect(config, store_policy(), clock).await;
    let error = coderun_domain::ErrorChain(&refused.unwrap_err()).to_string();
    assert!(
        error.contains("16 partitions") && error.contains("set to 8"),
        "{error}"
    );
}

/// While one master is gone, the users of the others are served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_gone_affects_its_own_users_only() {
    let fixture = Fixture::with(|policy| policy.user_submits_per_minute = 0).await;
    let redis = &fixture.redis;
    fixture.cluster.masters()[2].kill();
    let submissions: Vec<_> = (0..USERS)
        .map(|number| fixture.execution(&name(number)))
        .collect();
    let submitted = join_all(submissions.iter().map(|it| redis.store.submit(it, None))).await;
    let accepted = submitted.iter().filter(|it| it.is_ok()).count();
    assert!(
        accepted > USERS / 3 && accepted < USERS,
        "{accepted} of {USERS}"
    );
    let (mut taken, mut failed) = (0, 0);
    // Each failed take makes later ones skip one of the partitions that are gone.
    for _ in 0..2 * USERS {
        match try_take(redis).await {
            Ok(Some(_)) => taken += 1,
            Ok(None) | Err(_) if taken == accepted => break,
            Ok(None) => {}
            Err(_) => failed += 1,
        }
    }
    // About a third of the sixteen partitions is gone, and none of them is asked again so soon.
    assert!(failed < 12, "{failed} takes failed");
    assert_eq!(taken, accepted);
    fixture.clock.advance(Duration::from_hours(1));
    assert_eq!(redis.queue.sweep().await.unwrap().ended, accepted);
}
