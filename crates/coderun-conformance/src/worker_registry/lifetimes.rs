//! Checks that offers expire.

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

/// An offer is listed for its lifetime and not longer.
pub async fn an_offer_expires_after_its_lifetime(backend: Backend) {
    announce(&backend, "w1", LIFETIME).await;
    backend.advance(LIFETIME - SECOND);
    assert_eq!(listed(&backend).await, ["w1"]);
    backend.advance(Duration::from_secs(2));
    assert_eq!(listed(&backend).await, [""; 0]);
}

/// A worker that announces again in time stays listed.
pub async fn announcing_again_restarts_the_lifetime(backend: Backend) {
    for _ in 0..4 {
        announce(&backend, "w1", LIFETIME).await;
        backend.advance(LIFETIME - SECOND);
    }
    assert_eq!(listed(&backend).await, ["w1"]);
}

/// An offer expires though other workers announce again.
pub async fn each_offer_has_its_own_lifetime(backend: Backend) {
    announce(&backend, "long", LIFETIME * 2).await;
    announce(&backend, "short", LIFETIME).await;
    backend.advance(LIFETIME + SECOND);
    assert_eq!(listed(&backend).await, ["long"]);
    announce(&backend, "late", LIFETIME).await;
    assert_eq!(listed(&backend).await, ["late", "long"]);
}
