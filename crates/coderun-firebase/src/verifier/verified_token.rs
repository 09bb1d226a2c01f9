//! Defines the cached form of a verified token, which never holds its text.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use time::OffsetDateTime;

use crate::claims::AcceptedUser;
use crate::config::KeyId;
use crate::keys::{KeySet, VerifyingKey};

/// The SHA-256 of a token, its cache key: no two tokens share it, and it does not reveal the token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct TokenHash([u8; SHA256_OUTPUT_LEN]);

impl TokenHash {
    /// The hash of this token.
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
    /// The key itself, because another key may take its name.
    pub(super) key: Arc<VerifyingKey>,
}

impl VerifiedToken {
    /// Whether the token has not expired yet.
    pub(super) fn is_unexpired(&self, now: OffsetDateTime, skew: Duration) -> bool {
        now - self.user.principal.expires_at < skew
    }

    /// Whether these keys still have its key under the same name.
    pub(super) fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.get(&self.kid)
            .is_some_and(|key| Arc::ptr_eq(key, &self.key) || **key == *self.key)
    }
}

#[cfg(test)]
mod tests;
