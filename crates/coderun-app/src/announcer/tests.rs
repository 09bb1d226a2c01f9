use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use coderun_domain::testing::{catalog, limit_policy};
use coderun_domain::{
    Enforcement, LanguageSpec, Limits, MockCodeRunner, RunnerError, RunnerProfile,
};

use super::*;
use crate::testing::FailingRegistry;

/// An announcer with the parts that a test changes.
struct Harness {
    registry: Arc<FailingRegistry>,
    languages: Arc<Mutex<Vec<LanguageSpec>>>,
    is_broken: Arc<AtomicBool>,
    announcer: Announcer,
    drain: CancellationToken,
}

impl Harness {
    fn new() -> Self {
        Self::with_runner_of(None)
    }

    /// The runner takes nothing above these limits.
    fn with_runner_of(maximum: Option<Limits>) -> Self {
        let registry = Arc::new(FailingRegistry::new());
        let languages = Arc::new(Mutex::new(catalog().specs().to_vec()));
        let is_broken = Arc::new(AtomicBool::new(false));
        let runner = runner(Arc::clone(&languages), Arc::clone(&is_broken), maximum);
        let ports = AnnouncerPorts {
            registry: Arc::clone(&registry) as _,
            runner: Arc::new(runner),
        };
        let settings = AnnouncerSettings {
            id: WorkerId::parse("w1").unwrap(),
            concurrency: 2,
            limits: limit_policy(),
        };
        Self {
            registry,
            languages,
            is_broken,
            announcer: Announcer::new(ports, settings),
            drain: CancellationToken::new(),
        }
    }

    /// Announces while the test does something, and drains afterwards.
    async fn during(&self, test: impl Future<Output = ()>) {
        let testing = async {
            test.await;
            self.drain.cancel();
        };
        tokio::join!(self.announcer.announce(&self.drain), testing);
    }

    async fn listed(&self) -> Vec<WorkerOffer> {
        self.registry.inner.offers().await.unwrap()
    }
}

fn runner(
    languages: Arc<Mutex<Vec<LanguageSpec>>>,
    is_broken: Arc<AtomicBool>,
    maximum: Option<Limits>,
) -> MockCodeRunner {
    let mut runner = MockCodeRunner::new();
    runner.expect_unavailable_languages().returning(|| None);
    runner.expect_check().returning(move || {
        let broken = || RunnerError::Unavailable {
            backend: "test",
            reason: "broken".to_owned(),
            source: None,
        };
        let is_broken = is_broken.load(Ordering::SeqCst);
        is_broken.then(broken).map_or(Ok(()), Err)
    });
    runner.expect_maximum_limits().returning(move || maximum);
    runner
        .expect_languages()
        .returning(move || languages.lock().unwrap().clone());
    runner.expect_profile().returning(|| RunnerProfile {
        name: "test".to_owned(),
        enforcement: Enforcement::default(),
        interactive: true,
        ignores_buffering: false,
    });
    runner
}

async fn seconds(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_announced_at_once_with_its_whole_offer() {
    let harness = Harness::new();
    harness
        .during(async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            assert_eq!(harness.listed().await, [harness.announcer.offer()]);
        })
        .await;
    let offer = harness.announcer.offer();
    assert_eq!(offer.languages, catalog().specs());
    assert_eq!((offer.concurrency, offer.limits), (2, limit_policy()));
}

#[tokio::test(start_paused = true)]
async fn limits_are_offered_only_as_far_as_the_runner_takes_them() {
    let mut maximum = *limit_policy().maximum_limits();
    maximum.run = limit_policy().default_limits().run;
    let harness = Harness::with_runner_of(Some(maximum));
    let limits = harness.announcer.offer().limits;
    assert_eq!(limits, limit_policy().capped_at(maximum));
    assert_eq!(limits.maximum_limits().run, maximum.run);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_goes_on_is_announced_every_five_seconds_and_stays() {
    let harness = Harness::new();
    harness
        .during(async {
            seconds(61).await;
            assert_eq!(harness.listed().await.len(), 1);
        })
        .await;
    assert_eq!(harness.registry.announcements.load(Ordering::SeqCst), 13);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_its_languages_is_announced_within_a_second() {
    let harness = Harness::new();
    harness
        .during(async {
            seconds(1).await;
            harness.languages.lock().unwrap().pop();
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            let [offer] = &harness.listed().await[..] else {
                panic!("one worker");
            };
            assert_eq!(offer.languages.len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_runner_has_never_worked_is_not_announced() {
    let harness = Harness::new();
    harness.is_broken.store(true, Ordering::SeqCst);
    harness
        .during(async {
            seconds(20).await;
            assert_eq!(harness.listed().await, []);
            harness.is_broken.store(false, Ordering::SeqCst);
            seconds(2).await;
            assert_eq!(harness.listed().await, [harness.announcer.offer()]);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_announced_throughout_an_outage_with_its_last_languages() {
    let harness = Harness::new();
    harness
        .during(async {
            seconds(1).await;
            let before = harness.announcer.offer();
            harness.is_broken.store(true, Ordering::SeqCst);
            harness.languages.lock().unwrap().clear();
            for _ in 0..90 {
                seconds(1).await;
                let [offer] = &harness.listed().await[..] else {
                    panic!("one worker");
                };
                assert_eq!(offer.languages, before.languages);
            }
            let [offer] = &harness.listed().await[..] else {
                panic!("one worker");
            };
            let outage = "the runner `test` is not available: broken";
            assert_eq!(offer.outage.as_deref(), Some(outage));
            *harness.languages.lock().unwrap() = before.languages.clone();
            harness.is_broken.store(false, Ordering::SeqCst);
            seconds(2).await;
            assert_eq!(harness.listed().await, [before]);
        })
        .await;
    let announcements = harness.registry.announcements.load(Ordering::SeqCst);
    assert!(announcements <= 22, "{announcements}");
}

#[tokio::test(start_paused = true)]
async fn a_draining_worker_withdraws() {
    let harness = Harness::new();
    harness.during(seconds(1)).await;
    assert_eq!(harness.listed().await, []);
    assert_eq!(harness.registry.withdrawals.load(Ordering::SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_is_announced_as_soon_as_the_registry_is_available_again() {
    let harness = Harness::new();
    harness.registry.set_unavailable(true);
    harness
        .during(async {
            seconds(30).await;
            assert_eq!(harness.listed().await, []);
            harness.registry.set_unavailable(false);
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            assert_eq!(harness.listed().await.len(), 1);
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_withdrawal_that_fails_is_tried_again() {
    let harness = Harness::new();
    let coming_back = async {
        harness.drain.cancelled().await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(harness.listed().await.len(), 1);
        harness.registry.set_unavailable(false);
    };
    let leaving = harness.during(async {
        seconds(1).await;
        harness.registry.set_unavailable(true);
    });
    tokio::join!(leaving, coming_back);
    assert_eq!(harness.listed().await, []);
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_registry_does_not_hold_the_worker() {
    let harness = Harness::new();
    harness.registry.set_unavailable(true);
    let before = Instant::now();
    harness.during(seconds(1)).await;
    assert!(before.elapsed() <= Duration::from_secs(1) + WITHDRAWAL_MAX);
}
