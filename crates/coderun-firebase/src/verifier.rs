//! Judges a token, the cheap checks first and RSA last.

mod verified_tokens;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use coderun_domain::{BearerToken, ByteSize, Clock, Principal, TokenVerifier, VerifyError};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;

use crate::claims::{Admitted, check_claims};
use crate::config::VerifierConfig;
use crate::counters::ResultCounter;
use crate::header::read_header;
use crate::keys::{KeyId, KeySource, VerifyingKey};
use crate::parse::Parts;
use crate::users::UserDirectory;
use verified_tokens::{TokenHash, VerifiedToken, VerifiedTokens};

/// Verifies ID tokens of one Firebase project, or of the development issuer.
///
/// A token is accepted only if all rules hold; nothing about it is repaired or guessed. Missing keys never make a
/// token bad: that is [`VerifyError::KeysUnavailable`]. A verification with keys at hand waits for nobody.
///
/// The last [`VerifierConfig::verified_tokens_max`] good tokens are remembered by their SHA-256. One of them is judged
/// again when it has expired, and when its key is no longer current or is another one; refusals are never remembered.
#[derive(Debug)]
pub struct FirebaseTokenVerifier {
    config: VerifierConfig,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
    users: Option<Arc<dyn UserDirectory>>,
    verified: VerifiedTokens,
    cache: ResultCounter,
}

impl FirebaseTokenVerifier {
    /// A verifier with keys from this source. Installs the cryptography, where that was not done yet.
    #[must_use]
    pub fn new(config: VerifierConfig, keys: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        install_crypto_provider();
        Self {
            verified: VerifiedTokens::new(config.verified_tokens_max),
            config,
            keys,
            clock,
            users: None,
            cache: ResultCounter::token_cache(),
        }
    }

    /// The same verifier, which also asks this directory about the user of every good token.
    #[must_use]
    pub fn with_user_directory(self, users: Arc<dyn UserDirectory>) -> Self {
        Self {
            users: Some(users),
            ..self
        }
    }

    /// A token that was found to be good before, if it still is.
    async fn recall(
        &self,
        text: &str,
        hash: &TokenHash,
    ) -> Result<Option<Arc<VerifiedToken>>, VerifyError> {
        let Some(token) = self.verified.get(hash) else {
            return Ok(None);
        };
        let skew = self.config.clock_skew.as_duration();
        if token.is_alive(self.clock.now(), skew) {
            let keys = self.keys.current().await.map_err(VerifyError::from);
            let keys = keys.inspect_err(|error| log_refusal(text, Some(&token.kid), error))?;
            if token.is_signed_by(&keys) {
                return Ok(Some(token));
            }
        }
        self.verified.forget(hash);
        Ok(None)
    }

    /// Judges a token by all rules.
    async fn judge(&self, text: &str) -> Result<VerifiedToken, VerifyError> {
        let (parts, kid) =
            take_apart(text, &self.config).inspect_err(|error| log_refusal(text, None, error))?;
        self.judge_parts(&parts, &kid)
            .await
            .inspect_err(|error| log_refusal(text, Some(&kid), error))
    }

    async fn judge_parts(
        &self,
        parts: &Parts<'_>,
        kid: &KeyId,
    ) -> Result<VerifiedToken, VerifyError> {
        let claims = check_claims(&parts.claims, &self.config, self.clock.now())?;
        let key = self.key(kid).await?;
        if !key.has_signed(parts.signed.as_bytes(), parts.signature) {
            return Err(VerifyError::Signature);
        }
        Ok(VerifiedToken {
            admitted: claims.admit(&self.config.users)?,
            kid: kid.clone(),
            key,
        })
    }

    /// What is known of the user now. The last question, so that only who has a good token makes us ask elsewhere.
    async fn ask_directory(&self, admitted: &Admitted) -> Result<(), VerifyError> {
        match &self.users {
            Some(users) => users.admit(admitted.sign_in()).await,
            None => Ok(()),
        }
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

    /// What a token may be remembered by. One that is too long is not even hashed.
    fn hash(&self, text: &str) -> Option<TokenHash> {
        let is_looked_at = ByteSize::of(text.as_bytes()) <= self.config.token_max;
        is_looked_at.then(|| self.verified.hash(text)).flatten()
    }

    /// The token, as it was found now or before.
    async fn verified(&self, text: &str) -> Result<Arc<VerifiedToken>, VerifyError> {
        let hash = self.hash(text);
        if let Some(hash) = &hash {
            if let Some(token) = self.recall(text, hash).await? {
                self.cache.count(true);
                return Ok(token);
            }
            self.cache.count(false);
        }
        // Apart, because room for all that judging needs would be allocated for a remembered token, too.
        let token = Arc::new(Box::pin(self.judge(text)).await?);
        if let Some(hash) = hash {
            self.verified.remember(hash, Arc::clone(&token));
        }
        Ok(token)
    }
}

#[async_trait]
impl TokenVerifier for FirebaseTokenVerifier {
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError> {
        let text = token.expose();
        let verified = self.verified(text).await?;
        self.ask_directory(&verified.admitted)
            .await
            .inspect_err(|error| log_refusal(text, Some(&verified.kid), error))?;
        Ok(verified.admitted.principal.clone())
    }

    async fn check(&self) -> Result<(), VerifyError> {
        self.keys.current().await?;
        match &self.users {
            Some(users) => users.check().await,
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

fn take_apart<'token>(
    text: &'token str,
    config: &VerifierConfig,
) -> Result<(Parts<'token>, KeyId), VerifyError> {
    let parts = Parts::split(text, config.token_max)?;
    let kid = read_header(&parts.header)?;
    Ok((parts, kid))
}

pub(crate) fn log_refusal(text: &str, kid: Option<&KeyId>, error: &VerifyError) {
    // The caller reports the error; only here are the token's fingerprint and its key known.
    tracing::debug!(
        token_sha256 = %Fingerprint(text),
        kid = kid.map(|it| tracing::field::debug(it.as_str())),
        reason = error.reason(),
        "token not accepted"
    );
}

/// Prints the first 8 hex digits of a token's SHA-256, which identify it without giving it away.
struct Fingerprint<'token>(&'token str);

impl fmt::Display for Fingerprint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = digest(&SHA256, self.0.as_bytes());
        hash.as_ref()
            .iter()
            .take(4)
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests;
