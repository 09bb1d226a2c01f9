//! Caches tokens that were verified.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use quick_cache::sync::Cache;
use time::OffsetDateTime;

use crate::claims::AcceptedUser;
use crate::keys::{KeyId, KeySet, VerifyingKey};

/// The SHA-256 of a token, its cache key: no two tokens share it, and it does not reveal the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; SHA256_OUTPUT_LEN]);

impl TokenHash {
    /// The hash of these bytes.
    pub(super) fn of(token: &str) -> Option<Self> {
        let hash = digest(&SHA256, token.as_bytes());
        hash.as_ref().try_into().ok().map(Self)
    }
}

/// A token for which all rules hold. The state of its user is checked every time.
#[derive(Clone)]
pub(super) struct VerifiedToken {
    pub(super) user: AcceptedUser,
    pub(super) kid: KeyId,
    /// The key itself: another one may take its name.
    pub(super) key: Arc<VerifyingKey>,
}

impl VerifiedToken {
    /// Whether the token has not expired yet.
    pub(super) fn is_unexpired(&self, now: OffsetDateTime, skew: Duration) -> bool {
        now - self.user.principal.expires_at < skew
    }

    /// Whether its key is still one of these, under the same name.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.get(&self.kid)
            .is_some_and(|key| Arc::ptr_eq(key, &self.key) || **key == *self.key)
    }
}

/// A bounded cache of good tokens by their hashes. Never holds a refusal, nor the text of a token.
pub(super) struct VerifiedTokens {
    /// `None` if nothing is cached.
    tokens: Option<Cache<TokenHash, Arc<VerifiedToken>>>,
}

impl VerifiedTokens {
    /// A cache of so many tokens; 0 caches nothing.
    pub(super) fn new(max: usize) -> Self {
        Self {
            tokens: (max > 0).then(|| Cache::new(max)),
        }
    }

    /// The cache key of a token; `None` if nothing is cached.
    pub(super) fn hash(&self, token: &str) -> Option<TokenHash> {
        self.tokens.as_ref().and_then(|_| TokenHash::of(token))
    }

    pub(super) fn get(&self, hash: &TokenHash) -> Option<Arc<VerifiedToken>> {
        self.tokens.as_ref()?.get(hash)
    }

    pub(super) fn insert(&self, hash: TokenHash, token: Arc<VerifiedToken>) {
        if let Some(tokens) = &self.tokens {
            tokens.insert(hash, token);
        }
    }

    pub(super) fn remove(&self, hash: &TokenHash) {
        if let Some(tokens) = &self.tokens {
            tokens.remove(hash);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.tokens.as_ref().map_or(0, Cache::len)
    }
}

impl fmt::Debug for VerifiedTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifiedTokens")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
