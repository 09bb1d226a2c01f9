//! Verifies a token of Firebase or of the development issuer, cheap checks first and RSA last.

mod verified_token;

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use coderun_domain::{BearerToken, ByteSize, Clock, Principal, TokenVerifier, VerifyError};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use quick_cache::sync::Cache;

use crate::claims::check_claims;
use crate::config::{KeyId, VerifierConfig};
use crate::header::read_header;
use crate::keys::{KeySource, VerifyingKey};
use crate::metrics::{ResultCounter, TOKEN_CACHE};
use crate::parse::SignedParts;
use crate::users::AccountLookup;
use verified_token::{TokenHash, VerifiedToken};

/// Good tokens, by their hashes. It never holds a refusal, nor the text of a token.
type TokenCache = Cache<TokenHash, Arc<VerifiedToken>>;

/// Verifies ID tokens of one Firebase project, or of the development issuer.
///
/// A token is accepted only if all rules hold; nothing about it is repaired or guessed. Missing keys never make a
/// token bad: that is [`VerifyError::KeysUnavailable`]. With a usable key set, a verification never waits.
///
/// The last [`VerifierConfig::verified_tokens_max`] good tokens are cached by their SHA-256. A cached token is verified
/// again when it has expired, and when its key is no longer current or was replaced under the same name; refusals are never cached.
#[derive(Debug)]
pub struct FirebaseTokenVerifier {
    config: VerifierConfig,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    users: Option<Arc<AccountLookup>>,
    /// `None` if nothing is cached.
    cache: Option<TokenCache>,
    cache_counter: ResultCounter,
}

impl FirebaseTokenVerifier {
    /// A verifier with keys from this source. Installs the cryptography if that was not done yet.
    #[must_use]
    pub fn new(config: VerifierConfig, keys: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        install_crypto_provider();
        let cached_max = config.verified_tokens_max;
        Self {
            config,
            keys,
            clock,
            users: None,
            cache: (cached_max > 0).then(|| Cache::new(cached_max)),
            cache_counter: ResultCounter::new(TOKEN_CACHE, ["hit", "miss"]),
        }
    }

    /// The same verifier, which also looks up the user of every good token.
    #[must_use]
    pub fn with_account_lookup(self, users: Arc<AccountLookup>) -> Self {
        Self {
            users: Some(users),
            ..self
        }
    }

    /// Whether a token that was verified before still is good.
    async fn is_still_good(&self, text: &str, token: &VerifiedToken) -> Result<bool, VerifyError> {
        let skew = self.config.clock_skew.as_duration();
        if !token.is_unexpired(self.clock.now(), skew) {
            return Ok(false);
        }
        let keys = self.keys.current().await;
        let keys = keys.inspect_err(|error| log_refusal(text, Some(&token.kid), error))?;
        Ok(token.is_signed_by(&keys))
    }

    /// Verifies a token by all rules.
    async fn verify_uncached(&self, text: &str) -> Result<VerifiedToken, VerifyError> {
        let (parts, kid) =
            split_token(text, &self.config).inspect_err(|error| log_refusal(text, None, error))?;
        self.verify_parts(&parts, &kid)
            .await
            .inspect_err(|error| log_refusal(text, Some(&kid), error))
    }

    async fn verify_parts(
        &self,
        parts: &SignedParts<'_>,
        kid: &KeyId,
    ) -> Result<VerifiedToken, VerifyError> {
        let claims = check_claims(&parts.claims, &self.config, self.clock.now())?;
        let key = self.key(kid).await?;
        if !key.verifies(parts.signed.as_bytes(), parts.signature) {
            return Err(VerifyError::Signature);
        }
        Ok(VerifiedToken {
            user: claims.accept(&self.config.users)?,
            kid: kid.clone(),
            key,
        })
    }

    /// The current key of this name.
    async fn key(&self, kid: &KeyId) -> Result<Arc<VerifyingKey>, VerifyError> {
        let current = self.keys.current().await?;
        if let Some(key) = current.get(kid) {
            return Ok(Arc::clone(key));
        }
        let newer = self.keys.look_for(kid).await?;
        newer.get(kid).cloned().ok_or(VerifyError::UnknownKey)
    }

    /// The cache and the key of a token in it; `None` for one that is too long, or without a cache.
    fn cache_entry(&self, text: &str) -> Option<(&TokenCache, TokenHash)> {
        let cache = self.cache.as_ref()?;
        if ByteSize::of(text.as_bytes()) > self.config.token_max {
            return None;
        }
        Some((cache, TokenHash::of(text)?))
    }

    /// The verified token, from the cache or by all rules.
    async fn verified(&self, text: &str) -> Result<Arc<VerifiedToken>, VerifyError> {
        let entry = self.cache_entry(text);
        if let Some((cache, hash)) = &entry {
            if let Some(token) = cache.get(hash) {
                if self.is_still_good(text, &token).await? {
                    self.cache_counter.count(true);
                    return Ok(token);
                }
                cache.remove(hash);
            }
            self.cache_counter.count(false);
        }
        // Boxed, because the future of a cached token would otherwise have the size of this one.
        let token = Arc::new(Box::pin(self.verify_uncached(text)).await?);
        if let Some((cache, hash)) = entry {
            cache.insert(hash, Arc::clone(&token));
        }
        Ok(token)
    }
}

#[async_trait]
impl TokenVerifier for FirebaseTokenVerifier {
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError> {
        let text = token.expose();
        let verified = self.verified(text).await?;
        // The lookup comes last, so that only good tokens cause any.
        if let Some(users) = &self.users {
            let user = &verified.user;
            let checked = users.check_sign_in(user.account_id(), user.auth_time);
            checked
                .await
                .inspect_err(|error| log_refusal(text, Some(&verified.kid), error))?;
        }
        Ok(verified.user.principal.clone())
    }

    async fn check(&self) -> Result<(), VerifyError> {
        self.keys.current().await?;
        match &self.users {
            Some(users) => users.check(),
            None => Ok(()),
        }
    }
}

/// Chooses the cryptography behind all verifiers of this process. To be called first in `main`; more calls do nothing.
///
/// Without it, a build in which another crate enables a second backend would panic at the first token.
pub fn install_crypto_provider() {
    // The only failure is that a provider is there already.
    DEFAULT_PROVIDER.install_default().ok();
}

fn split_token<'token>(
    text: &'token str,
    config: &VerifierConfig,
) -> Result<(SignedParts<'token>, KeyId), VerifyError> {
    let parts = SignedParts::split(text, config.token_max)?;
    let kid = read_header(&parts.header)?;
    Ok((parts, kid))
}

pub(crate) fn log_refusal(text: &str, kid: Option<&KeyId>, error: &VerifyError) {
    // The caller reports the error; only here are the token's fingerprint and its key known.
    tracing::debug!(
        token_sha256 = %fingerprint(text.as_bytes(), 4),
        kid = kid.map(|it| tracing::field::debug(it.as_str())),
        reason = error.reason(),
        "token not accepted"
    );
}

/// The first bytes of a SHA-256, in hex. They identify the content without revealing it.
pub(crate) fn fingerprint(content: &[u8], bytes: usize) -> String {
    let hash = digest(&SHA256, content);
    let start = hash.as_ref().iter().take(bytes);
    let digits = start.map(|byte| format!("{byte:02x}"));
    digits.collect()
}

#[cfg(test)]
mod tests;
