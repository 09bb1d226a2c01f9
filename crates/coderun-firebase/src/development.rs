//! Issues tokens for development without a Firebase project.

mod error;
mod key_file;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use coderun_domain::{BackendError, BearerToken, ByteSize, Clock, UserId};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::config::{Issuer, KeyId, ProjectId, VerifierConfig};
use crate::keys::{KeySet, RsaPublicKey, StaticKeys};
use crate::private_file::PrivateFileError;
use crate::signing::SigningKey;
use crate::verifier::{FirebaseTokenVerifier, fingerprint};

pub use error::IssuerError;

/// Issues ID tokens of the shape that Firebase gives them, signed with a key of its own.
///
/// The key is made once and kept in a file, so all processes that open the same directory accept each other's
/// tokens. Its tokens name an issuer and a project of their own: no verifier for Firebase accepts them, nor does
/// its verifier accept Firebase's. `Debug` does not show the key.
#[derive(Debug)]
pub struct DevelopmentIssuer {
    config: VerifierConfig,
    key: SigningKey,
    keys: Arc<KeySet>,
}

impl DevelopmentIssuer {
    /// Opens the issuer whose key is in this directory; creates directory (mode 0700) and key (mode 0600) if they are missing.
    ///
    /// Any number of processes may do so at the same time; all get the same key. Blocks: making a key takes about
    /// 0.2 s.
    ///
    /// # Errors
    /// [`IssuerError::Directory`] or [`IssuerError::KeyFile`] if reading or writing fails, others could read or replace
    /// the key, or it is damaged; [`IssuerError::Cryptography`].
    pub fn open(directory: &Path) -> Result<Self, IssuerError> {
        let file = key_file::load_or_create(directory, generate)?;
        let (key, keys) = parse(&file.content).map_err(|source| IssuerError::KeyFile {
            path: file.path,
            source: PrivateFileError::Content(source),
        })?;
        Ok(Self {
            config: VerifierConfig::of(ProjectId::development(), Issuer::Development),
            key,
            keys: Arc::new(keys),
        })
    }

    /// Issues a token that is valid from `now` on.
    ///
    /// # Errors
    /// [`IssuerError::Lifetime`] or [`IssuerError::TooLong`] if the verifier would not accept it;
    /// [`IssuerError::Cryptography`].
    pub fn issue(
        &self,
        request: &TokenRequest,
        now: OffsetDateTime,
    ) -> Result<BearerToken, IssuerError> {
        if !(Duration::from_secs(1)..=self.config.lifetime_max).contains(&request.lifetime) {
            return Err(IssuerError::Lifetime {
                max: self.config.lifetime_max,
            });
        }
        let token = self.key.sign(&self.claims(request, now));
        let token = token.map_err(|error| IssuerError::Cryptography(error.into()))?;
        if ByteSize::of(token.as_bytes()) > self.config.token_max {
            return Err(IssuerError::TooLong {
                max: self.config.token_max,
            });
        }
        Ok(BearerToken::new(token))
    }

    /// A verifier of its tokens, by the same rules as for Firebase's.
    #[must_use]
    pub fn verifier(&self, clock: Arc<dyn Clock>) -> FirebaseTokenVerifier {
        let keys = Arc::new(StaticKeys(Arc::clone(&self.keys)));
        FirebaseTokenVerifier::new(self.config.clone(), keys, clock)
    }

    fn claims(&self, request: &TokenRequest, now: OffsetDateTime) -> Value {
        let project_id = self.config.project_id.as_str();
        let now = now.unix_timestamp();
        let claims = json!({
            "iss": format!("{}{project_id}", self.config.issuer.prefix()),
            "aud": project_id,
            "auth_time": now,
            "user_id": request.uid.as_str(),
            "sub": request.uid.as_str(),
            "iat": now,
            "exp": now.saturating_add_unsigned(request.lifetime.as_secs()),
            "email": request.email,
            "email_verified": request.email.is_some().then_some(true),
            "name": request.name,
            "firebase": {"identities": {}, "sign_in_provider": "custom"},
        });
        without_nulls(claims)
    }
}

/// The content of a token to be issued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// The user.
    pub uid: UserId,
    /// The user's address, which then counts as verified.
    pub email: Option<String>,
    /// The user's name.
    pub name: Option<String>,
    /// How long the token is valid: 1 s to 24 h, in whole seconds (a fraction is cut off).
    pub lifetime: Duration,
}

impl TokenRequest {
    /// A token for a user without address and name, valid for an hour.
    #[must_use]
    pub const fn new(uid: UserId) -> Self {
        Self {
            uid,
            email: None,
            name: None,
            lifetime: Duration::from_hours(1),
        }
    }
}

/// A verifier takes an absent claim, but no `null`.
fn without_nulls(mut claims: Value) -> Value {
    if let Some(claims) = claims.as_object_mut() {
        claims.retain(|_, value| !value.is_null());
    }
    claims
}

/// A new private key, as PKCS#8.
fn generate() -> Result<Vec<u8>, IssuerError> {
    let failed = |error: Unspecified| IssuerError::Cryptography(error.into());
    let key = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
    let der: Pkcs8V1Der<'_> = key.as_der().map_err(failed)?;
    Ok(der.as_ref().to_vec())
}

fn parse(pkcs8: &[u8]) -> Result<(SigningKey, KeySet), BackendError> {
    let key = RsaKeyPair::from_pkcs8(pkcs8)?;
    // Each key has a name of its own.
    let fingerprint = fingerprint(key.public_key().as_ref(), 8);
    let kid = KeyId::parse(format!("development-{fingerprint}"))?;
    let public = RsaPublicKey::of(key.public_key());
    let keys = KeySet::from_public_keys([(kid.clone(), public)])?;
    let base64 = STANDARD.encode(pkcs8);
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{base64}\n-----END PRIVATE KEY-----\n");
    Ok((SigningKey::from_pem(kid.as_str(), &pem)?, keys))
}

#[cfg(test)]
mod tests;
