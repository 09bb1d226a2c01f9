use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use coderun_domain::testing::{ManualClock, at};

use super::*;
use crate::keys::KeySource;
use crate::testing::{
    KID, ScriptedKeys, config, expired, forged, good, key, key_set, other_key, set_of, subject,
    verdict,
};
use crate::users::testing::{Account, AccountSource, LookupError};
use crate::users::{AccountId, AccountLookup, CachePolicy};
use crate::verifier::{FirebaseTokenVerifier, TokenCache};

struct Fixture {
    keys: Arc<ScriptedKeys>,
    clock: Arc<ManualClock>,
    verifier: FirebaseTokenVerifier,
}

impl Fixture {
    fn new(max: usize) -> Self {
        let keys = ScriptedKeys::new(Some(key_set()), Some(key_set()));
        let clock = Arc::new(ManualClock::default());
        let mut config = config();
        config.verified_tokens_max = max;
        let source: Arc<dyn KeySource> = Arc::<ScriptedKeys>::clone(&keys);
        let verifier =
            FirebaseTokenVerifier::new(config, source, Arc::<ManualClock>::clone(&clock));
        Self {
            keys,
            clock,
            verifier,
        }
    }

    async fn verdict(&self, token: &str) -> &'static str {
        verdict(&self.verifier, token).await
    }

    fn cache(&self) -> &TokenCache {
        self.verifier.cache.as_ref().unwrap()
    }

    fn count(&self) -> usize {
        self.verifier.cache.as_ref().map_or(0, TokenCache::len)
    }

    /// Caches the good token under the hash of this text.
    async fn plant(&self, text: &str) {
        assert_eq!(self.verdict(&good()).await, "accepted");
        let found = self.cache().get(&TokenHash::of(&good()).unwrap());
        let hash = TokenHash::of(text).unwrap();
        self.cache().insert(hash, found.unwrap());
    }
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
    assert_eq!(
        fixture.count(),
        0,
        "tokens that are not good any more are dropped"
    );
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
async fn no_refusal_is_cached() {
    let fixture = Fixture::new(10);
    for (token, reason) in [(forged(), "signature"), (expired(), "expired")] {
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
async fn the_cache_is_bounded() {
    let fixture = Fixture::new(10);
    for number in 0..50 {
        let token = subject(&format!("user-{number}"));
        assert_eq!(fixture.verdict(&token).await, "accepted");
        assert!(fixture.count() <= 10, "{}", fixture.count());
    }
    assert!(fixture.count() > 0);
}

#[tokio::test]
async fn a_cache_of_size_zero_caches_nothing() {
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
    assert!(!shown.contains("alice"), "{shown}");
}

/// Answers that a user is active for the first `passes` questions, and that the session was revoked from then on.
#[derive(Debug)]
struct CountingSource {
    asked: AtomicUsize,
    passes: usize,
}

#[async_trait]
impl AccountSource for CountingSource {
    async fn look_up(&self, id: &AccountId) -> Result<Account, LookupError> {
        assert_eq!(id.user.as_str(), "alice");
        let before = self.asked.fetch_add(1, Ordering::Relaxed);
        let valid_since = (before >= self.passes).then_some(at(0) - Duration::from_secs(99));
        Ok(Account::Active { valid_since })
    }
}

#[tokio::test]
async fn the_user_is_looked_up_every_time() {
    let mut fixture = Fixture::new(10);
    let counting = Arc::new(CountingSource {
        asked: AtomicUsize::new(0),
        passes: 2,
    });
    let source: Arc<dyn AccountSource> = Arc::<CountingSource>::clone(&counting);
    let policy = CachePolicy {
        fresh_for: Duration::ZERO,
        ..CachePolicy::default()
    };
    let users = Arc::new(AccountLookup::with_source(source, policy).unwrap());
    fixture.verifier = fixture.verifier.with_account_lookup(users);
    for expected in ["accepted", "accepted", "revoked", "revoked"] {
        assert_eq!(fixture.verdict(&good()).await, expected);
    }
    assert_eq!(counting.asked.load(Ordering::Relaxed), 4);
}
