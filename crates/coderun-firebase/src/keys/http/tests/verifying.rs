//! Tests the verifier with keys from a network.

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use coderun_domain::TokenVerifier as _;
use coderun_domain::testing::{ManualClock, at};
use futures_util::future::join_all;

use super::key_server::{KeyServer, keys_reply};
use super::*;
use crate::testing::{
    KID, claims, config as verifier_config, good, header, other_key, sign_with, unsigned, verdict,
    web_key, with,
};
use crate::verifier::FirebaseTokenVerifier;

struct Fixture {
    server: KeyServer,
    clock: Arc<ManualClock>,
    verifier: FirebaseTokenVerifier,
}

impl Fixture {
    /// A verifier for which no key was fetched yet, and the publisher of the key that signs good tokens.
    async fn new() -> Self {
        let server = KeyServer::start(keys_reply(&[web_key(KID, key())])).await;
        let keys = Arc::new(HttpKeySource::start(server.config()).unwrap());
        let clock = Arc::new(ManualClock::default());
        let verifier =
            FirebaseTokenVerifier::new(verifier_config(), keys, Arc::<ManualClock>::clone(&clock));
        Self {
            server,
            clock,
            verifier,
        }
    }

    async fn verdict(&self, token: &str) -> &'static str {
        verdict(&self.verifier, token).await
    }
}

/// A token by the other key, which it calls by this name.
fn by_other_key(name: &str) -> String {
    let signed = unsigned(&with(header(), "kid", name), &claims());
    sign_with(&signed, other_key(), &RSA_PKCS1_SHA256)
}

#[tokio::test(flavor = "multi_thread")]
async fn hundreds_of_first_tokens_make_one_fetch() {
    let fixture = Fixture::new().await;
    let token = good();
    let verdicts = join_all((0..500).map(|_| fixture.verdict(&token))).await;
    assert!(verdicts.iter().all(|it| *it == "accepted"), "{verdicts:?}");
    assert_eq!(fixture.server.requests(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_the_old_one_is_dropped() {
    let fixture = Fixture::new().await;
    let (old, new) = (good(), by_other_key("new"));
    assert_eq!(fixture.verdict(&old).await, "accepted");
    fixture
        .server
        .reply(keys_reply(&[web_key("new", other_key())]));
    assert_eq!(
        fixture.verdict(&old).await,
        "accepted",
        "no newer keys were fetched"
    );
    assert_eq!(fixture.verdict(&new).await, "accepted");
    assert_eq!(fixture.verdict(&old).await, "unknown-kid");
    assert_eq!(fixture.server.requests(), 2);
}

#[tokio::test]
async fn setting_the_clock_changes_nothing_about_keys() {
    let fixture = Fixture::new().await;
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    for second in [3_600, 0, 500_000, 0] {
        fixture.clock.set(at(second));
        fixture.verifier.check().await.unwrap();
    }
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    assert_eq!(fixture.server.requests(), 1);
}
