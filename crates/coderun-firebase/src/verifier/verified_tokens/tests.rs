use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use aws_lc_rs::signature::RsaKeyPair;
use coderun_domain::testing::{ManualClock, at};
use coderun_domain::{BearerToken, TokenVerifier as _, VerifyError};

use super::*;
use crate::keys::{KeySource, KeysUnavailable};
use crate::testing::{
    KID, claims, config, good, header, key, key_set, other_key, public_half, subject, token, with,
};
use crate::users::{SignIn, UserDirectory};
use crate::verifier::FirebaseTokenVerifier;

/// Keys that a test exchanges.
#[derive(Debug)]
struct ChangingKeys(Mutex<Option<Arc<KeySet>>>);

impl ChangingKeys {
    fn change(&self, keys: Option<KeySet>) {
        *self.0.lock().unwrap() = keys.map(Arc::new);
    }
}

#[async_trait]
impl KeySource for ChangingKeys {
    async fn current(&self) -> Result<Arc<KeySet>, KeysUnavailable> {
        self.0
            .lock()
            .unwrap()
            .clone()
            .ok_or_else(|| KeysUnavailable {
                retry_after: Duration::from_secs(7),
                source: "away".into(),
            })
    }
}

struct Fixture {
    keys: Arc<ChangingKeys>,
    clock: Arc<ManualClock>,
    verifier: FirebaseTokenVerifier,
}

impl Fixture {
    fn new(max: usize) -> Self {
        let keys = Arc::new(ChangingKeys(Mutex::new(Some(Arc::new(key_set())))));
        let clock = Arc::new(ManualClock::default());
        let mut config = config();
        config.verified_tokens_max = max;
        let source: Arc<dyn KeySource> = Arc::<ChangingKeys>::clone(&keys);
        let verifier =
            FirebaseTokenVerifier::new(config, source, Arc::<ManualClock>::clone(&clock));
        Self {
            keys,
            clock,
            verifier,
        }
    }

    async fn verdict(&self, token: &str) -> &'static str {
        match self.verifier.verify(&BearerToken::new(token)).await {
            Ok(_) => "accepted",
            Err(error) => error.reason(),
        }
    }

    fn count(&self) -> usize {
        self.verifier.verified.len()
    }

    /// Caches the good token under the hash of this text.
    async fn plant(&self, text: &str) {
        assert_eq!(self.verdict(&good()).await, "accepted");
        let found = self.verifier.verified.get(&TokenHash::of(&good()).unwrap());
        let hash = TokenHash::of(text).unwrap();
        self.verifier.verified.insert(hash, found.unwrap());
    }
}

fn set_of(name: &str, key: &RsaKeyPair) -> KeySet {
    let kid = KeyId::parse(name).unwrap();
    KeySet::from_public_keys([(kid, public_half(key))]).unwrap()
}

#[tokio::test]
async fn a_cached_token_is_not_verified_again() {
    let fixture = Fixture::new(10);
    assert_eq!(fixture.verdict("planted").await, "malformed");
    fixture.plant("planted").await;
    assert_eq!(fixture.verdict("planted").await, "accepted");
    assert_eq!(fixture.count(), 2);
}

#[tokio::test]
async fn a_token_that_was_accepted_expires() {
    let fixture = Fixture::new(10);
    fixture.plant("planted").await;
    fixture.clock.set(at(3_600 + 59));
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    assert_eq!(fixture.verdict("planted").await, "accepted");
    fixture.clock.set(at(3_600 + 60));
    assert_eq!(fixture.verdict(&good()).await, "expired");
    assert_eq!(fixture.verdict("planted").await, "malformed");
    assert_eq!(fixture.count(), 0, "what is of no use is forgotten");
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_when_its_key_goes() {
    let fixture = Fixture::new(10);
    fixture.plant("planted").await;
    fixture.keys.change(Some(set_of("new", key())));
    assert_eq!(fixture.verdict(&good()).await, "unknown-kid");
    assert_eq!(fixture.verdict("planted").await, "malformed");
    assert_eq!(fixture.count(), 0);
}

#[tokio::test]
async fn a_token_that_was_accepted_is_refused_when_another_key_takes_the_name() {
    let fixture = Fixture::new(10);
    fixture.plant("planted").await;
    fixture.keys.change(Some(set_of(KID, other_key())));
    assert_eq!(fixture.verdict(&good()).await, "signature");
    assert_eq!(fixture.verdict("planted").await, "malformed");
}

#[tokio::test]
async fn a_cached_token_stays_when_its_key_is_fetched_again() {
    let fixture = Fixture::new(10);
    fixture.plant("planted").await;
    fixture.keys.change(Some(set_of(KID, key())));
    assert_eq!(fixture.verdict("planted").await, "accepted");
}

#[tokio::test]
async fn without_keys_a_token_that_was_accepted_is_neither_good_nor_bad() {
    let fixture = Fixture::new(10);
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    fixture.keys.change(None);
    assert_eq!(fixture.verdict(&good()).await, "keys-unavailable");
    fixture.keys.change(Some(key_set()));
    assert_eq!(fixture.verdict(&good()).await, "accepted");
}

#[tokio::test]
async fn no_refusal_is_remembered() {
    let fixture = Fixture::new(10);
    let forged = format!("{}AAAA", &good()[..good().len() - 4]);
    let expired = token(&header(), &with(claims(), "exp", 1_800_000_000 - 60));
    for (token, reason) in [(forged, "signature"), (expired, "expired")] {
        assert_eq!(fixture.verdict(&token).await, reason);
        assert_eq!(fixture.verdict(&token).await, reason);
    }
    fixture.keys.change(Some(set_of("new", key())));
    assert_eq!(fixture.verdict(&good()).await, "unknown-kid");
    assert_eq!(fixture.count(), 0);
    fixture.keys.change(Some(key_set()));
    assert_eq!(fixture.verdict(&good()).await, "accepted");
}

#[tokio::test]
async fn only_so_many_tokens_are_remembered() {
    let fixture = Fixture::new(10);
    for number in 0..50 {
        let token = subject(&format!("user-{number}"));
        assert_eq!(fixture.verdict(&token).await, "accepted");
        assert!(fixture.count() <= 10, "{}", fixture.count());
    }
    assert!(fixture.count() > 0);
}

#[tokio::test]
async fn nothing_is_remembered_where_that_is_switched_off() {
    let fixture = Fixture::new(0);
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    assert_eq!(fixture.count(), 0);
}

#[tokio::test]
async fn neither_tokens_nor_users_are_shown() {
    let fixture = Fixture::new(10);
    assert_eq!(fixture.verdict(&good()).await, "accepted");
    let shown = format!("{:?}", fixture.verifier);
    assert!(shown.contains("VerifiedTokens { len: 1, .. }"), "{shown}");
    assert!(!shown.contains("alice"), "{shown}");
}

/// Lets the first so many sign-ins pass.
#[derive(Debug)]
struct Directory {
    asked: AtomicUsize,
    passes: usize,
}

#[async_trait]
impl UserDirectory for Directory {
    async fn check_sign_in(&self, sign_in: SignIn<'_>) -> Result<(), VerifyError> {
        assert_eq!(sign_in.user.as_str(), "alice");
        assert_eq!(sign_in.auth_time, at(0) - Duration::from_secs(100));
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        (before < self.passes)
            .then_some(())
            .ok_or(VerifyError::Revoked)
    }

    async fn check(&self) -> Result<(), VerifyError> {
        Ok(())
    }
}

#[tokio::test]
async fn the_user_is_looked_up_every_time() {
    let mut fixture = Fixture::new(10);
    let directory = Arc::new(Directory {
        asked: AtomicUsize::new(0),
        passes: 2,
    });
    let users: Arc<dyn UserDirectory> = Arc::<Directory>::clone(&directory);
    fixture.verifier = fixture.verifier.with_user_directory(users);
    for expected in ["accepted", "accepted", "revoked", "revoked"] {
        assert_eq!(fixture.verdict(&good()).await, expected);
    }
    assert_eq!(directory.asked.load(Ordering::Relaxed), 4);
}
