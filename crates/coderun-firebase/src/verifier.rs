//! Judges a token, the cheap checks first and RSA last.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use coderun_domain::{BearerToken, Clock, Principal, TokenVerifier, VerifyError};
use jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER;
use jsonwebtoken::{Algorithm, DecodingKey, crypto};

use crate::claims::check_claims;
use crate::config::VerifierConfig;
use crate::header::read_header;
use crate::keys::{KeyId, KeySource};
use crate::parse::Parts;

/// Verifies ID tokens of one Firebase project, or of the development issuer.
///
/// A token is accepted only if all rules hold; nothing about it is repaired or guessed. Missing keys never make a
/// token bad: that is [`VerifyError::KeysUnavailable`]. A verification with keys at hand takes no lock.
#[derive(Debug)]
pub struct FirebaseTokenVerifier {
    config: VerifierConfig,
    keys: Arc<dyn KeySource>,
    clock: Arc<dyn Clock>,
}

impl FirebaseTokenVerifier {
    /// A verifier with keys from this source. Installs the cryptography, where that was not done yet.
    #[must_use]
    pub fn new(config: VerifierConfig, keys: Arc<dyn KeySource>, clock: Arc<dyn Clock>) -> Self {
        install_crypto_provider();
        Self {
            config,
            keys,
            clock,
        }
    }

    async fn judge(&self, parts: &Parts<'_>, kid: &KeyId) -> Result<Principal, VerifyError> {
        let claims = check_claims(&parts.claims, &self.config, self.clock.now())?;
        self.check_signature(parts, kid).await?;
        claims.admit(&self.config.users)
    }

    async fn check_signature(&self, parts: &Parts<'_>, kid: &KeyId) -> Result<(), VerifyError> {
        let current = self.keys.current().await?;
        if let Some(key) = current.get(kid) {
            return verify_signature(parts, key);
        }
        let newer = self.keys.look_for(kid).await?;
        let key = newer.get(kid).ok_or(VerifyError::UnknownKey)?;
        verify_signature(parts, key)
    }
}

#[async_trait]
impl TokenVerifier for FirebaseTokenVerifier {
    async fn verify(&self, token: &BearerToken) -> Result<Principal, VerifyError> {
        let text = token.expose();
        let (parts, kid) =
            take_apart(text, &self.config).inspect_err(|error| log_refusal(text, None, error))?;
        self.judge(&parts, &kid)
            .await
            .inspect_err(|error| log_refusal(text, Some(&kid), error))
    }

    async fn check(&self) -> Result<(), VerifyError> {
        self.keys.current().await?;
        Ok(())
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

fn verify_signature(parts: &Parts<'_>, key: &DecodingKey) -> Result<(), VerifyError> {
    // The algorithm is ours, never the token's.
    let message = parts.signed.as_bytes();
    match crypto::verify(parts.signature, message, key, Algorithm::RS256) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(VerifyError::Signature),
    }
}

fn log_refusal(text: &str, kid: Option<&KeyId>, error: &VerifyError) {
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
mod corpus;
#[cfg(test)]
mod tests;
