//! Remembers which tokens were found to be good.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use quick_cache::sync::Cache;
use time::OffsetDateTime;

use crate::claims::Admitted;
use crate::keys::{KeyId, KeySet, VerifyingKey};

/// The SHA-256 of a token, under which it is remembered: no two tokens share it, and it does not give the token away.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; SHA256_OUTPUT_LEN]);

impl TokenHash {
    /// The hash of these bytes.
    pub(super) fn of(token: &str) -> Option<Self> {
        let hash = digest(&SHA256, token.as_bytes());
        hash.as_ref().try_into().ok().map(Self)
    }
}

/// A token that all rules were found to hold for. What else is known of its user is asked for every time.
#[derive(Clone)]
pub(super) struct VerifiedToken {
    pub(super) admitted: Admitted,
    pub(super) kid: KeyId,
    /// The very key: another one may take its name.
    pub(super) key: Arc<VerifyingKey>,
}

impl VerifiedToken {
    /// Whether the token has not expired since.
    pub(super) fn is_alive(&self, now: OffsetDateTime, skew: Duration) -> bool {
        now - self.admitted.principal.expires_at < skew
    }

    /// Whether its key is still one of these, under the same name.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.get(&self.kid)
            .is_some_and(|key| Arc::ptr_eq(key, &self.key) || **key == *self.key)
    }
}

/// The last so many good tokens, each by its hash. Never holds a refusal, nor the text of a token.
pub(super) struct VerifiedTokens {
    /// `None` if nothing is to be remembered.
    tokens: Option<Cache<TokenHash, Arc<VerifiedToken>>>,
}

impl VerifiedTokens {
    /// Room for so many tokens; 0 remembers nothing.
    pub(super) fn new(max: usize) -> Self {
        Self {
            tokens: (max > 0).then(|| Cache::new(max)),
        }
    }

    /// What a token is found by; `None` if nothing is remembered anyway.
    pub(super) fn hash(&self, token: &str) -> Option<TokenHash> {
        self.tokens.as_ref().and_then(|_| TokenHash::of(token))
    }

    pub(super) fn get(&self, hash: &TokenHash) -> Option<Arc<VerifiedToken>> {
        self.tokens.as_ref()?.get(hash)
    }

    pub(super) fn remember(&self, hash: TokenHash, token: Arc<VerifiedToken>) {
        if let Some(tokens) = &self.tokens {
            tokens.insert(hash, token);
        }
    }

    pub(super) fn forget(&self, hash: &TokenHash) {
        if let Some(tokens) = &self.tokens {
            tokens.remove(hash);
        }
    }

    pub(super) fn count(&self) -> usize {
        self.tokens.as_ref().map_or(0, Cache::len)
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens")
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
