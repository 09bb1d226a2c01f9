//! Checks that announced offers are listed until they are withdrawn.

use std::sync::Arc;
use std::time::Duration;

use coderun_domain::testing::{language, limit_policy, worker_offer};
use coderun_domain::{
    ByteSize, Enforcement, LanguageLimits, LanguageSpec, LimitPolicy, Limits, RequestedLimits,
    RunnerProfile, StageLimits, StorageLimits, UnavailableCause, UnavailableLanguage, WorkerOffer,
};

use crate::Backend;
use crate::fixtures::{at_once, worker};

const LIFETIME: Duration = Duration::from_secs(15);

async fn announce(backend: &Backend, offers: &[WorkerOffer]) {
    for offer in offers {
        backend.registry.announce(offer, LIFETIME).await.unwrap();
    }
}

async fn assert_listed(backend: &Backend, offers: &[WorkerOffer]) {
    assert_eq!(backend.registry.offers().await.unwrap(), offers);
}

/// Before the first announcement no worker is listed.
pub async fn an_empty_registry_lists_no_workers(backend: Backend) {
    assert_listed(&backend, &[]).await;
}

/// An offer in which no two values are alike, with text that is no plain ASCII.
fn full_offer() -> WorkerOffer {
    let stage = |number: u64| {
        let time = Duration::from_millis;
        let memory = ByteSize::from_bytes(number + 3);
        StageLimits::new(time(number + 1), time(number + 2), memory, 7).unwrap()
    };
    let limits = |number: u64| {
        let bytes = |more| ByteSize::from_bytes(number + more);
        Limits {
            run: stage(number + 10),
            compile: stage(number + 20),
            storage: StorageLimits::new(bytes(31), bytes(32), bytes(33), 34).unwrap(),
        }
    };
    WorkerOffer {
        worker: worker("wörker 1:{2}"),
        runner: RunnerProfile {
            name: "sandbox".to_owned(),
            enforcement: Enforcement {
                cpu: Some("cgroup2".to_owned()),
                memory: Some("polled, rlimit (approximate)".to_owned()),
                processes: None,
                network: Some(String::new()),
                filesystem: Some("mount namespace".to_owned()),
                output: Some("pipe".to_owned()),
                cancel: None,
            },
            interactive: false,
            ignores_buffering: true,
        },
        languages: two_languages(),
        unavailable: vec![failing_language()],
        limits: LimitPolicy::new(limits(0), limits(1 << 40)),
        concurrency: u32::MAX,
        outage: Some("the API at \"höst\" is down".to_owned()),
    }
}

fn two_languages() -> Vec<LanguageSpec> {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    vec![
        LanguageSpec {
            language: language("c++"),
            aliases: words(&["cpp", "cc"]),
            versions: words(&["12.2.0", "11.4"]),
            entry_file: "main.cpp".to_owned(),
            example: "int main() { /* \"é\" 😀 */ }\n".to_owned(),
            limits: LanguageLimits {
                default: RequestedLimits {
                    memory_bytes: Some(u64::MAX),
                    ..RequestedLimits::default()
                },
                minimum: RequestedLimits {
                    processes: Some(0),
                    ..RequestedLimits::default()
                },
            },
        },
        LanguageSpec {
            language: language("bash"),
            aliases: Vec::new(),
            versions: Vec::new(),
            entry_file: "main.sh".to_owned(),
            example: String::new(),
            limits: LanguageLimits::default(),
        },
    ]
}

fn failing_language() -> UnavailableLanguage {
    UnavailableLanguage {
        language: language("rust"),
        aliases: vec!["rs".to_owned()],
        version: Some("1.63".to_owned()),
        cause: UnavailableCause::Failing("its example printed \"né\"".to_owned()),
    }
}

/// An offer is listed with all its fields.
pub async fn an_offer_is_listed_unchanged(backend: Backend) {
    let offer = full_offer();
    backend.registry.announce(&offer, LIFETIME).await.unwrap();
    assert_listed(&backend, &[offer]).await;
}

/// A worker has one offer: the last one that it made.
pub async fn announcing_again_replaces_the_offer(backend: Backend) {
    let first = worker_offer("w1");
    let second = WorkerOffer {
        languages: full_offer().languages,
        limits: limit_policy(),
        concurrency: 9,
        ..first.clone()
    };
    announce(&backend, &[first, second.clone()]).await;
    assert_listed(&backend, &[second]).await;
}

/// A withdrawal may be repeated, and may come from an unknown worker.
pub async fn withdrawing_an_unknown_worker_changes_nothing(backend: Backend) {
    let (there, gone) = (worker_offer("w1"), worker_offer("w2"));
    announce(&backend, &[there.clone(), gone.clone()]).await;
    for worker in [&gone.worker, &gone.worker, &worker("never seen")] {
        backend.registry.withdraw(worker).await.unwrap();
    }
    assert_listed(&backend, &[there]).await;
}

/// Workers come and go independently, also those whose ids begin alike.
pub async fn a_withdrawal_leaves_other_workers(backend: Backend) {
    let offers = ["w1", "w10", "w100"].map(worker_offer);
    announce(&backend, &offers).await;
    backend.registry.withdraw(&worker("w10")).await.unwrap();
    let [first, _, last] = offers;
    assert_listed(&backend, &[first, last]).await;
}

/// A worker may announce an offer again after a withdrawal.
pub async fn a_withdrawn_worker_may_announce_again(backend: Backend) {
    let offer = worker_offer("w1");
    backend.registry.announce(&offer, LIFETIME).await.unwrap();
    backend.registry.withdraw(&offer.worker).await.unwrap();
    backend.registry.announce(&offer, LIFETIME).await.unwrap();
    assert_listed(&backend, &[offer]).await;
}

/// The list is in the order of the workers' ids, not of their announcements.
pub async fn workers_are_listed_in_order_of_their_ids(backend: Backend) {
    let mut offers: Vec<_> = (0..100)
        .map(|number| worker_offer(&format!("w{}", number * 37 % 100)))
        .collect();
    announce(&backend, &offers).await;
    offers.sort_by(|one, other| one.worker.cmp(&other.worker));
    assert_listed(&backend, &offers).await;
}

/// No announcement overwrites another worker's.
pub async fn concurrent_announcements_are_all_listed(backend: Backend) {
    at_once(16, |number| {
        let registry = Arc::clone(&backend.registry);
        async move {
            let offer = worker_offer(&format!("w{number}"));
            registry.announce(&offer, LIFETIME).await.unwrap();
        }
    })
    .await;
    assert_eq!(backend.registry.offers().await.unwrap().len(), 16);
}
