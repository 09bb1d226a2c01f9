//! A worker that says nothing more is not there.

use std::time::Duration;

use coderun_domain::testing::worker_offer;

use crate::Backend;
use crate::fixtures::SECOND;

const LIFETIME: Duration = Duration::from_secs(15);

async fn listed(backend: &Backend) -> Vec<String> {
    let offers = backend.registry.offers().await.unwrap();
    let names = offers.iter().map(|offer| offer.worker.to_string());
    names.collect()
}

async fn announce(backend: &Backend, name: &str, lifetime: Duration) {
    let offer = worker_offer(name);
    backend.registry.announce(&offer, lifetime).await.unwrap();
}

/// An offer holds for as long as it says, and no longer.
pub async fn an_offer_ends_with_its_lifetime(backend: Backend) {
    announce(&backend, "w1", LIFETIME).await;
    backend.advance(LIFETIME - SECOND);
    assert_eq!(listed(&backend).await, ["w1"]);
    backend.advance(Duration::from_secs(2));
    assert_eq!(listed(&backend).await, [""; 0]);
}

/// Whoever announces again in time stays.
pub async fn announcing_again_begins_a_new_lifetime(backend: Backend) {
    for _ in 0..4 {
        announce(&backend, "w1", LIFETIME).await;
        backend.advance(LIFETIME - SECOND);
    }
    assert_eq!(listed(&backend).await, ["w1"]);
}

/// Who is silent is gone, though others go on.
pub async fn each_offer_has_a_lifetime_of_its_own(backend: Backend) {
    announce(&backend, "long", LIFETIME * 2).await;
    announce(&backend, "short", LIFETIME).await;
    backend.advance(LIFETIME + SECOND);
    assert_eq!(listed(&backend).await, ["long"]);
    announce(&backend, "late", LIFETIME).await;
    assert_eq!(listed(&backend).await, ["late", "long"]);
}
