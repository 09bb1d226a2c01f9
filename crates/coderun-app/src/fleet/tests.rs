mod unavailable_languages;

use async_trait::async_trait;
use coderun_domain::testing::{language, limit_policy, worker_offer};
use coderun_domain::{
    ByteSize, LanguageLimits, LanguageSpec, Limits, RequestedLimits, StageLimits, UnavailableCause,
    WorkerId,
};

use super::*;
use crate::testing::FailingRegistry;

const LIFETIME: Duration = Duration::from_secs(15);

async fn announce_all(registry: &FailingRegistry, offers: impl IntoIterator<Item = WorkerOffer>) {
    for offer in offers {
        registry.announce(&offer, LIFETIME).await.unwrap();
    }
}

fn registry_and_fleet() -> (Arc<FailingRegistry>, Fleet) {
    let registry = Arc::new(FailingRegistry::new());
    let fleet = Fleet::new(Arc::clone(&registry) as _, limit_policy());
    (registry, fleet)
}

/// A worker with these languages, each with its versions.
fn offer(name: &str, languages: &[(&str, &[&str])]) -> WorkerOffer {
    let spec = |(name, versions): &(&str, &[&str])| LanguageSpec {
        language: language(name),
        aliases: vec![format!("{name}-alias")],
        versions: versions.iter().map(|it| (*it).to_owned()).collect(),
        entry_file: "main".to_owned(),
        example: String::new(),
        limits: LanguageLimits::default(),
    };
    WorkerOffer {
        languages: languages.iter().map(spec).collect(),
        ..worker_offer(name)
    }
}

fn view(offers: impl IntoIterator<Item = WorkerOffer>) -> FleetView {
    FleetView::of(offers.into_iter().collect(), &limit_policy(), &[]).unwrap()
}

fn versions<'a>(view: &'a FleetView, name: &str) -> &'a [String] {
    &view.catalog().find(name).unwrap().versions
}

#[test]
fn every_language_of_every_worker_may_be_submitted() {
    let view = view([
        offer("w1", &[("python", &["3.11.2"])]),
        offer("w2", &[("c", &["12"]), ("python", &["3.11.2"])]),
    ]);
    let names = view.catalog().languages();
    assert_eq!(names, [language("python"), language("c")]);
    assert_eq!(versions(&view, "c"), ["12"]);
}

#[test]
fn a_version_may_be_asked_for_if_every_worker_with_the_language_has_it() {
    let view = view([
        offer("w1", &[("python", &["3.12.1", "3.11.2", "3.9.18"])]),
        offer("w2", &[("python", &["3.9.18", "3.12.1"])]),
        offer("w3", &[("c", &["12"])]),
    ]);
    assert_eq!(versions(&view, "python"), ["3.12.1", "3.9.18"]);
}

#[test]
fn a_language_without_a_common_version_may_be_submitted_without_one() {
    let view = view([
        offer("w1", &[("python", &["3.12.1"])]),
        offer("w2", &[("python", &["3.11.2"])]),
    ]);
    let python = view.catalog().find("python").unwrap();
    assert_eq!(python.version(Some("3.12.1")), None);
    assert_eq!(python.version(None), None);
}

#[test]
fn an_alias_of_one_worker_is_an_alias() {
    let other = LanguageSpec {
        aliases: vec!["py".to_owned(), "python-alias".to_owned()],
        ..offer("w2", &[("python", &[])]).languages.remove(0)
    };
    let view = view([
        offer("w1", &[("python", &[])]),
        WorkerOffer {
            languages: vec![other],
            ..worker_offer("w2")
        },
    ]);
    let python = view.catalog().find("py").unwrap();
    assert_eq!(python.aliases, ["python-alias", "py"]);
}

#[test]
fn a_language_gets_the_limits_under_which_it_runs_on_every_worker() {
    let with_memory = |name, memory_bytes| {
        let mut offer = offer(name, &[("java", &[])]);
        offer.languages[0].limits.default.memory_bytes = memory_bytes;
        offer
    };
    let limits = [Some(1), Some(3), None, Some(2)];
    let view = view(limits.map(|memory_bytes| with_memory("w", memory_bytes)));
    let java = view.catalog().find("java").unwrap();
    assert_eq!(java.limits.default.memory_bytes, Some(3));
}

/// A worker that allows so much CPU time, at least and at most, and so much memory.
fn limited(name: &str, cpu_seconds: u64, memory_mib: u64) -> WorkerOffer {
    let (cpu, wall) = (Duration::from_secs(cpu_seconds), Duration::from_mins(1));
    let memory = ByteSize::from_mib(memory_mib);
    let maximum = Limits {
        run: StageLimits::new(cpu, wall, memory, 64).unwrap(),
        ..*limit_policy().maximum_limits()
    };
    WorkerOffer {
        limits: LimitPolicy::new(maximum, maximum),
        ..worker_offer(name)
    }
}

#[test]
fn limits_are_the_lowest_of_all_workers_and_of_the_api() {
    let view = view([limited("w1", 99, 128), limited("w2", 3, 4096)]);
    let (default, maximum) = (
        view.limits().default_limits(),
        view.limits().maximum_limits(),
    );
    assert_eq!(maximum.run.cpu_time(), Duration::from_secs(3));
    assert_eq!(maximum.run.memory(), ByteSize::from_mib(128));
    assert_eq!(default.run.memory(), ByteSize::from_mib(128));
    let ask = |cpu_time_ms| RequestedLimits {
        cpu_time_ms: Some(cpu_time_ms),
        ..RequestedLimits::default()
    };
    assert!(view.limits().resolve(&ask(3_000)).is_ok());
    assert!(view.limits().resolve(&ask(3_001)).is_err());
    let api = self::view([limited("w1", 99, 4096)]);
    assert_eq!(
        api.limits().maximum_limits(),
        limit_policy().maximum_limits()
    );
}

#[test]
fn a_worker_that_can_run_nothing_lowers_nothing() {
    let useless = WorkerOffer {
        languages: Vec::new(),
        ..limited("w1", 1, 1)
    };
    let view = view([useless.clone(), worker_offer("w2")]);
    assert_eq!(*view.limits(), limit_policy());
    assert_eq!(FleetView::of(vec![useless], &limit_policy(), &[]), None);
}

#[tokio::test]
async fn before_any_worker_was_seen_there_is_no_view() {
    let (_, fleet) = registry_and_fleet();
    assert_eq!(fleet.view(), Err(NoWorkerYet));
    let error = fleet.refresh().await.unwrap_err();
    assert!(matches!(error, FleetError::NoWorker), "{error:?}");
    assert_eq!(fleet.view(), Err(NoWorkerYet));
}

#[tokio::test]
async fn workers_that_come_and_go_are_seen() {
    let (registry, fleet) = registry_and_fleet();
    let (first, second) = (worker_offer("w1"), offer("w2", &[("bash", &[])]));
    announce_all(&registry, [first.clone()]).await;
    fleet.refresh().await.unwrap();
    assert!(fleet.view().unwrap().catalog().find("bash").is_none());
    announce_all(&registry, [second]).await;
    fleet.refresh().await.unwrap();
    assert!(fleet.view().unwrap().catalog().find("bash").is_some());
    registry.withdraw(&worker_offer("w2").worker).await.unwrap();
    fleet.refresh().await.unwrap();
    assert_eq!(fleet.view().unwrap().offers(), [first]);
}

#[tokio::test(start_paused = true)]
async fn without_a_worker_the_last_languages_and_limits_stay() {
    let (registry, fleet) = registry_and_fleet();
    announce_all(&registry, [limited("w1", 3, 128)]).await;
    fleet.refresh().await.unwrap();
    let before = fleet.view().unwrap();
    tokio::time::advance(LIFETIME + Duration::from_secs(1)).await;
    for _ in 0..2 {
        let error = fleet.refresh().await.unwrap_err();
        assert!(matches!(error, FleetError::NoWorker), "{error:?}");
        let after = fleet.view().unwrap();
        assert_eq!(after.catalog(), before.catalog());
        assert_eq!(after.limits(), before.limits());
        assert_eq!(after.offers(), []);
    }
}

#[tokio::test]
async fn workers_that_check_their_languages_are_told_from_none() {
    let (registry, fleet) = registry_and_fleet();
    let checking = WorkerOffer {
        unavailable: vec![UnavailableLanguage {
            language: language("python"),
            aliases: Vec::new(),
            version: None,
            cause: UnavailableCause::BeingChecked,
        }],
        ..offer("w1", &[])
    };
    announce_all(&registry, [checking]).await;
    let error = fleet.refresh().await.unwrap_err();
    assert!(matches!(error, FleetError::CheckingLanguages), "{error:?}");
    announce_all(&registry, [offer("w1", &[])]).await;
    let error = fleet.refresh().await.unwrap_err();
    assert!(matches!(error, FleetError::NoWorker), "{error:?}");
}

#[tokio::test]
async fn a_worker_in_an_outage_is_waited_for_but_cannot_run_anything() {
    let (registry, fleet) = registry_and_fleet();
    let broken = WorkerOffer {
        outage: Some("the runner is overloaded".to_owned()),
        ..offer("w1", &[("python", &["3.11.2"])])
    };
    announce_all(&registry, [broken]).await;
    let error = fleet.refresh().await.unwrap_err();
    let sentence = "no worker can run anything now: the runner is overloaded";
    assert_eq!(error.to_string(), sentence);
    let view = fleet.view().unwrap();
    assert!(view.catalog().find("python").is_some());
    assert_eq!(view.offers(), []);
    let working = offer("w2", &[("c", &["12"])]);
    announce_all(&registry, [working.clone()]).await;
    fleet.refresh().await.unwrap();
    let view = fleet.view().unwrap();
    assert!(view.catalog().find("python").is_some());
    assert_eq!(view.offers(), [working]);
}

#[tokio::test]
async fn while_the_registry_is_unavailable_the_last_view_stays() {
    let (registry, fleet) = registry_and_fleet();
    announce_all(&registry, [worker_offer("w1")]).await;
    fleet.refresh().await.unwrap();
    let before = fleet.view();
    registry.set_unavailable(true);
    let error = fleet.refresh().await.unwrap_err();
    assert!(matches!(error, FleetError::Registry(_)), "{error:?}");
    assert_eq!(fleet.view(), before);
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_is_not_waited_for() {
    #[derive(Debug)]
    struct Silent;
    #[async_trait]
    impl WorkerRegistry for Silent {
        async fn announce(&self, _: &WorkerOffer, _: Duration) -> Result<(), RegistryError> {
            std::future::pending().await
        }
        async fn withdraw(&self, _: &WorkerId) -> Result<(), RegistryError> {
            std::future::pending().await
        }
        async fn offers(&self) -> Result<Vec<WorkerOffer>, RegistryError> {
            std::future::pending().await
        }
    }
    let fleet = Fleet::new(Arc::new(Silent), limit_policy());
    let before = Instant::now();
    let error = fleet.refresh().await.unwrap_err();
    assert!(matches!(error, FleetError::Timeout), "{error:?}");
    assert!(before.elapsed() <= Duration::from_secs(3));
}

#[tokio::test]
async fn the_own_worker_is_in_the_view_before_it_has_announced_itself() {
    let fleet = registry_and_fleet().1.with_worker(worker_offer("own"));
    assert_eq!(*fleet.view().unwrap(), view([worker_offer("own")]));
}

#[tokio::test(start_paused = true)]
async fn a_followed_fleet_sees_a_new_worker_within_two_seconds() {
    let (registry, fleet) = registry_and_fleet();
    let end = CancellationToken::new();
    let watching = async {
        announce_all(&registry, [worker_offer("w1")]).await;
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert!(fleet.view().is_ok());
        end.cancel();
    };
    let interval = JitteredInterval::new(Duration::from_secs(1), 3);
    tokio::join!(fleet.follow(interval, &end), watching);
}

#[tokio::test(start_paused = true)]
async fn a_language_whose_only_worker_restarts_may_be_submitted_for_a_minute() {
    let (registry, fleet) = registry_and_fleet();
    let python = offer("p", &[("python", &["3.11.2"])]);
    let others = offer("q", &[("c", &["12.2.0"])]);
    for offer in [&python, &others] {
        registry
            .announce(offer, Duration::from_hours(1))
            .await
            .unwrap();
    }
    fleet.refresh().await.unwrap();
    registry.withdraw(&python.worker).await.unwrap();
    let knows_python = async || {
        fleet.refresh().await.unwrap();
        fleet.view().unwrap().catalog().find("python").is_some()
    };
    for _ in 0..59 {
        assert!(knows_python().await);
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(!knows_python().await);
    assert_eq!(fleet.view().unwrap().offers().len(), 1);
}
